-- Who may use which key. To administer keys is another right: EXECUTE on the functions that do it.

CREATE TABLE bulla.key_grants (
    -- Of bulla.key_names.
    key_id uuid NOT NULL,
    -- 0, which shows as -, is PUBLIC.
    grantee regrole NOT NULL,
    use text COLLATE pg_catalog."C" NOT NULL CHECK (use IN ('encrypt', 'decrypt', 'index')),
    granted_at timestamp with time zone NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    granted_by name NOT NULL,
    PRIMARY KEY (key_id, grantee, use)
);
COMMENT ON TABLE bulla.key_grants IS
    'One row per key, role and use that bulla.grant_key granted. bulla.key_privileges shows it with names.';

-- A role that was dropped behind the back of its grants has no name any more; under its number another role
-- could get them where the dump is restored.
SELECT pg_catalog.pg_extension_config_dump('bulla.key_grants',
    'WHERE grantee::pg_catalog.oid = 0 OR EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.oid = grantee)');

-- Without policies, as the other tables of keys.
ALTER TABLE bulla.key_grants ENABLE ROW LEVEL SECURITY;

CREATE TRIGGER keys_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON bulla.key_grants
    FOR EACH STATEMENT EXECUTE FUNCTION bulla.keys_changed();
ALTER TABLE bulla.key_grants ENABLE ALWAYS TRIGGER keys_changed;

CREATE FUNCTION bulla.follow_grants() RETURNS trigger
    LANGUAGE C AS 'MODULE_PATHNAME', 'bulla_follow_grants';
COMMENT ON FUNCTION bulla.follow_grants() IS
    'Trigger of bulla.key_grants: has DROP ROLE refuse a role that is granted the use of a key, however the row came there.';

CREATE TRIGGER follow_grants AFTER INSERT OR UPDATE OR DELETE ON bulla.key_grants
    FOR EACH ROW EXECUTE FUNCTION bulla.follow_grants();
ALTER TABLE bulla.key_grants ENABLE ALWAYS TRIGGER follow_grants;

CREATE FUNCTION bulla.follow_drop_owned() RETURNS event_trigger
    LANGUAGE C SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'bulla_follow_drop_owned';
COMMENT ON FUNCTION bulla.follow_drop_owned() IS
    'Event trigger: DROP OWNED BY takes the uses of keys from a role as it does its other privileges.';

CREATE EVENT TRIGGER bulla_follow_drop_owned ON ddl_command_start
    WHEN TAG IN ('DROP OWNED')
    EXECUTE FUNCTION bulla.follow_drop_owned();
ALTER EVENT TRIGGER bulla_follow_drop_owned ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER bulla_follow_drop_owned IS
    'Revokes the use of keys from roles whose privileges are dropped.';

CREATE FUNCTION bulla.grant_key(name text, role name, use text) RETURNS void
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'bulla_grant_key';
COMMENT ON FUNCTION bulla.grant_key(text, name, text) IS
    'Lets a role, and whoever has its privileges, use a key: encrypt or decrypt, or index for a key of purpose index. The role public is everybody. Recorded in bulla.events. Superusers may use every key without.';

CREATE FUNCTION bulla.revoke_key(name text, role name, use text) RETURNS void
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'bulla_revoke_key';
COMMENT ON FUNCTION bulla.revoke_key(text, name, text) IS
    'Takes back what bulla.grant_key gave, for the next call in every session. What the role may through membership in another role, or as one of the public, stays. Recorded in bulla.events.';

CREATE VIEW bulla.key_privileges AS
SELECT k.name AS key,
       k.purpose,
       CASE WHEN g.grantee::pg_catalog.oid OPERATOR(pg_catalog.=) 0::pg_catalog.oid THEN 'public'::pg_catalog.name
            ELSE pg_catalog.pg_get_userbyid(g.grantee) END AS grantee,
       g.use,
       g.granted_at,
       g.granted_by
FROM bulla.key_grants AS g
JOIN bulla.key_names AS k USING (key_id);
COMMENT ON VIEW bulla.key_privileges IS
    'Which role may use which key for what. Members of a role may too, unless they do not inherit; superusers always may.';
