-- Who may use a key: as with PostgreSQL's own grants, at every call.
\set VERBOSITY terse
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_app, regress_other, regress_group, regress_outer, regress_definer, regress_admin;
CREATE ROLE regress_app;
CREATE ROLE regress_other;
CREATE ROLE regress_group;
CREATE ROLE regress_outer;
CREATE ROLE regress_definer;
CREATE ROLE regress_admin;
RESET client_min_messages;
SELECT bulla.create_key('card') IS NOT NULL AS created;
SELECT bulla.create_key('other') IS NOT NULL AS created;
SELECT bulla.create_key('find', 'index') IS NOT NULL AS created;
CREATE TABLE sealed AS SELECT bulla.encrypt('secret', 'card') AS card, bulla.encrypt('secret'::bytea, 'card') AS bytes, bulla.encrypt('secret', 'other') AS other;
GRANT SELECT ON sealed TO PUBLIC;
-- What the current user may do with card, other and find.
CREATE FUNCTION may() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    may text := '';
    one record;
BEGIN
    FOR one IN SELECT * FROM (VALUES
        ('encrypt', 'SELECT bulla.encrypt(''x'', ''card'')'), ('encrypt bytea', 'SELECT bulla.encrypt(''x''::bytea, ''card'')'),
        ('decrypt', 'SELECT bulla.decrypt(card) FROM public.sealed'), ('decrypt bytea', 'SELECT bulla.decrypt(bytes) FROM public.sealed'),
        ('decrypt_if_encrypted', 'SELECT bulla.decrypt_if_encrypted(card) FROM public.sealed'),
        ('encrypt other', 'SELECT bulla.encrypt(''x'', ''other'')'), ('decrypt other', 'SELECT bulla.decrypt(other) FROM public.sealed'),
        ('index', 'SELECT bulla.blind_index(''x'', ''find'', '''')'), ('search', 'SELECT bulla.search_token(''x'', ''find'', '''')')) AS v (name, call)
    LOOP
        BEGIN
            EXECUTE one.call;
            may := may || ', ' || one.name;
        EXCEPTION WHEN insufficient_privilege THEN
        END;
    END LOOP;
    RETURN substr(may, 3);
END $$;

-- Everybody may call the functions, and nobody but superusers may use a key that was not granted.
SELECT may();
SET ROLE regress_app;
SELECT may();
\set VERBOSITY default
SELECT bulla.encrypt('x', 'card');
SELECT bulla.decrypt(card) FROM sealed;
SELECT bulla.blind_index('x', 'find', '');
\set VERBOSITY terse
SELECT bulla.decrypt_if_encrypted('plain');
SELECT bulla.encrypt(NULL::text, 'card');
SELECT bulla.encrypt('x', 'no such key');
RESET ROLE;

-- One use of one key to one role.
SELECT bulla.grant_key('card', 'regress_app', 'encrypt');
SET ROLE regress_app;
SELECT may();
SELECT bulla.decrypt(bulla.encrypt('what I sealed myself', 'card'));
SET ROLE regress_other;
SELECT may();
RESET ROLE;
SELECT bulla.grant_key('card', 'regress_app', 'decrypt');
SELECT bulla.grant_key('find', 'regress_app', 'index');
SET ROLE regress_app;
SELECT may();
RESET ROLE;
-- Twice is once.
SELECT bulla.grant_key('card', 'regress_app', 'decrypt');
SELECT key, purpose, grantee, use, granted_at <= clock_timestamp() AS granted, granted_by FROM bulla.key_privileges ORDER BY key, grantee, use;
SELECT bulla.revoke_key('card', 'regress_app', 'encrypt');
SET ROLE regress_app;
SELECT may();
RESET ROLE;
\set VERBOSITY default
SELECT bulla.revoke_key('card', 'regress_app', 'encrypt');
\set VERBOSITY terse
SELECT action, detail - 'key_id' AS detail, detail ->> 'key_id' = (SELECT id::text FROM bulla.keys WHERE name = detail ->> 'key') AS key_id
FROM bulla.events WHERE action ~ 'grant|revoke' ORDER BY seq;

-- What cannot be granted.
\set VERBOSITY default
SELECT bulla.grant_key('no such key', 'regress_app', 'encrypt');
SELECT bulla.grant_key('card', 'regress_no_such_role', 'encrypt');
SELECT bulla.grant_key('card', 'regress_app', 'sign');
SELECT bulla.grant_key('card', 'regress_app', 'index');
SELECT bulla.grant_key('find', 'regress_app', 'decrypt');
\set VERBOSITY terse
SELECT bulla.grant_key('card', 'regress_app', 'Encrypt');
SELECT bulla.grant_key('card', 'regress_app', '');
SELECT bulla.grant_key(NULL, 'regress_app', 'encrypt');
SELECT bulla.grant_key('card', NULL, 'encrypt');
SELECT bulla.grant_key('card', 'regress_app', NULL);
SELECT bulla.revoke_key('no such key', 'regress_app', 'encrypt');
SELECT bulla.revoke_key('card', 'regress_no_such_role', 'encrypt');
SELECT bulla.revoke_key('card', 'regress_app', NULL);
BEGIN READ ONLY;
SELECT bulla.grant_key('card', 'regress_app', 'encrypt');
ROLLBACK;
-- A key has one purpose.
SELECT bulla.encrypt('x', 'find');
SELECT bulla.blind_index('x', 'card', '');
-- Who may not use a key does not learn what state it is in.
UPDATE bulla.key_versions SET state = 'disabled' FROM bulla.key_names AS k WHERE k.key_id = key_versions.key_id AND k.name = 'card';
SELECT bulla.decrypt(card) FROM sealed;
SET ROLE regress_other;
SELECT bulla.decrypt(card) FROM sealed;
SELECT bulla.encrypt('x', 'card');
RESET ROLE;
UPDATE bulla.key_versions SET state = 'enabled';

-- Everybody.
SELECT bulla.grant_key('card', 'public', 'decrypt');
SET ROLE regress_other;
SELECT may();
RESET ROLE;
SELECT bulla.revoke_key('card', 'regress_other', 'decrypt');
SELECT grantee FROM bulla.key_privileges WHERE key = 'card' ORDER BY grantee;
SELECT bulla.revoke_key('card', 'public', 'decrypt');
SELECT bulla.revoke_key('card', 'regress_app', 'decrypt');
SELECT bulla.revoke_key('find', 'regress_app', 'index');
SET ROLE regress_other;
SELECT may();
RESET ROLE;

-- Groups, inherited or not, and taken away while this backend holds the key.
GRANT regress_outer TO regress_group;
GRANT regress_group TO regress_app;
ALTER ROLE regress_other NOINHERIT;
GRANT regress_group TO regress_other;
SELECT bulla.grant_key('card', 'regress_outer', 'decrypt');
SET SESSION AUTHORIZATION regress_app;
SELECT may();
SET SESSION AUTHORIZATION regress_other;
SELECT may();
SET ROLE regress_group;
SELECT may();
RESET ROLE;
SELECT may();
RESET SESSION AUTHORIZATION;
REVOKE regress_outer FROM regress_group;
SET ROLE regress_app;
SELECT may();
RESET ROLE;
GRANT regress_outer TO regress_group;
SET ROLE regress_app;
SELECT may();
RESET ROLE;
REVOKE regress_group FROM regress_app;
SET ROLE regress_app;
SELECT may();
RESET ROLE;
-- The name of a role is not what counts.
ALTER ROLE regress_outer RENAME TO regress_renamed;
SELECT grantee FROM bulla.key_privileges;
SET ROLE regress_renamed;
SELECT may();
RESET ROLE;
ALTER ROLE regress_renamed RENAME TO regress_outer;
-- To be a superuser, and to be one no more.
ALTER ROLE regress_app SUPERUSER;
SET ROLE regress_app;
SELECT may();
RESET ROLE;
ALTER ROLE regress_app NOSUPERUSER;
SET ROLE regress_app;
SELECT may();
RESET ROLE;

-- A function with its owner's rights uses keys with them; one without does not lend the owner's.
SELECT bulla.grant_key('card', 'regress_definer', 'decrypt');
CREATE FUNCTION opened() RETURNS text LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'SELECT bulla.decrypt(card) FROM public.sealed';
ALTER FUNCTION opened() OWNER TO regress_definer;
CREATE FUNCTION opened_by_caller() RETURNS text LANGUAGE sql SECURITY INVOKER AS 'SELECT bulla.decrypt(card) FROM public.sealed';
ALTER FUNCTION opened_by_caller() OWNER TO regress_definer;
CREATE FUNCTION tries() RETURNS text LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'SELECT public.may()';
ALTER FUNCTION tries() OWNER TO regress_admin;
CREATE VIEW opened_view AS SELECT bulla.decrypt(card) AS card FROM sealed;
ALTER VIEW opened_view OWNER TO regress_definer;
GRANT SELECT ON opened_view TO PUBLIC;
SET ROLE regress_app;
SELECT opened(), may();
SELECT opened_by_caller();
SELECT * FROM opened_view;
SET ROLE regress_definer;
SELECT opened_by_caller(), tries();
SELECT * FROM opened_view;
RESET ROLE;
SELECT tries();
SELECT bulla.revoke_key('card', 'regress_definer', 'decrypt');
SET ROLE regress_app;
SELECT opened();
RESET ROLE;

-- What is rolled back was not granted, or is granted still.
BEGIN;
SELECT bulla.grant_key('card', 'regress_app', 'encrypt');
SET LOCAL ROLE regress_app;
SELECT may();
ROLLBACK;
SET ROLE regress_app;
SELECT may();
RESET ROLE;
SELECT bulla.grant_key('card', 'regress_app', 'encrypt');
BEGIN;
SAVEPOINT a;
SELECT bulla.revoke_key('card', 'regress_app', 'encrypt');
SELECT bulla.grant_key('card', 'regress_app', 'decrypt');
SET LOCAL ROLE regress_app;
SELECT may();
ROLLBACK TO a;
SET LOCAL ROLE regress_app;
SELECT may();
COMMIT;
SELECT count(*) FROM bulla.events WHERE action ~ 'grant|revoke' AND detail ->> 'role' = 'regress_app' AND detail ->> 'use' = 'decrypt';

-- To administer keys is another right than to use them.
GRANT EXECUTE ON FUNCTION bulla.create_key(text, text, text), bulla.grant_key(text, name, text), bulla.revoke_key(text, name, text) TO regress_admin;
SET ROLE regress_app;
SELECT bulla.grant_key('card', 'regress_app', 'decrypt');
SELECT bulla.revoke_key('card', 'regress_app', 'encrypt');
SELECT * FROM bulla.key_privileges;
SELECT * FROM bulla.key_grants;
SET ROLE regress_admin;
SELECT may();
SELECT bulla.create_key('mine') IS NOT NULL AS created;
SELECT bulla.encrypt('x', 'mine');
SELECT bulla.grant_key('mine', 'regress_app', 'encrypt');
SELECT * FROM bulla.key_grants;
RESET ROLE;
SELECT key, grantee, use, granted_by FROM bulla.key_privileges ORDER BY key, grantee, use;
SELECT role FROM bulla.events WHERE action = 'key.granted' AND detail ->> 'key' = 'mine';
-- The rows of the table are nobody's, even for who is granted the table.
GRANT SELECT, INSERT, UPDATE, DELETE ON bulla.key_grants TO regress_app;
SET ROLE regress_app;
SELECT count(*) FROM bulla.key_grants;
UPDATE bulla.key_grants SET use = 'decrypt';
DELETE FROM bulla.key_grants;
INSERT INTO bulla.key_grants SELECT gen_random_uuid(), 'regress_app', 'decrypt', now(), 'me';
SELECT may();
RESET ROLE;
REVOKE ALL ON bulla.key_grants FROM regress_app;

-- Rows that come by INSERT, as in a restore, count as well as any others.
INSERT INTO bulla.key_grants SELECT key_id, 'regress_app', 'decrypt', now(), 'restore' FROM bulla.key_names WHERE name = 'other';
SET ROLE regress_app;
SELECT may();
RESET ROLE;
SET session_replication_role = replica;
UPDATE bulla.key_grants SET grantee = 'regress_admin' WHERE granted_by = 'restore';
RESET session_replication_role;
SET ROLE regress_app;
SELECT may();
SET ROLE regress_admin;
SELECT may();
RESET ROLE;
INSERT INTO bulla.key_grants SELECT key_id, 'regress_app', 'sign', now(), 'restore' FROM bulla.key_names WHERE name = 'other';

-- A role with grants is not dropped, as one with any other privileges is not.
\set VERBOSITY default
DROP ROLE regress_outer;
\set VERBOSITY terse
SELECT bulla.revoke_key('card', 'regress_outer', 'decrypt');
DROP ROLE regress_outer;
-- DROP OWNED takes them away, with everything else the role was granted, and only from this role.
REVOKE ALL ON FUNCTION bulla.create_key(text, text, text), bulla.grant_key(text, name, text), bulla.revoke_key(text, name, text) FROM regress_admin;
DROP FUNCTION tries();
DROP ROLE regress_admin;
BEGIN;
DROP OWNED BY regress_admin, regress_app;
SELECT count(*) FROM bulla.key_privileges;
ROLLBACK;
SET ROLE regress_other;
DROP OWNED BY regress_admin;
RESET ROLE;
SELECT key, grantee, use FROM bulla.key_privileges ORDER BY key, grantee, use;
DROP OWNED BY regress_admin;
DROP ROLE regress_admin;
SELECT key, grantee, use FROM bulla.key_privileges ORDER BY key, grantee, use;
SELECT detail - 'key_id' AS detail FROM bulla.events WHERE action = 'key.revoked' ORDER BY seq DESC LIMIT 1;
-- Also where the role does it itself, and may do nothing with the table.
SET SESSION AUTHORIZATION regress_app;
DROP OWNED BY regress_app;
SELECT may();
RESET SESSION AUTHORIZATION;
SELECT count(*) FROM bulla.key_privileges;
-- A grant of a role that is gone, which takes force, is nobody's, and is not dumped.
INSERT INTO bulla.key_grants SELECT key_id, 4000000000::oid::regrole, 'decrypt', now(), 'force' FROM bulla.key_names WHERE name = 'card';
ALTER TABLE bulla.key_grants DISABLE TRIGGER follow_grants;
INSERT INTO bulla.key_grants SELECT key_id, 4000000000::oid::regrole, 'decrypt', now(), 'force' FROM bulla.key_names WHERE name = 'card';
ALTER TABLE bulla.key_grants ENABLE ALWAYS TRIGGER follow_grants;
SELECT bulla.grant_key('card', 'public', 'encrypt');
SELECT key, grantee, use FROM bulla.key_privileges ORDER BY key, grantee, use;
SET ROLE regress_app;
SELECT may();
RESET ROLE;
SELECT format('SELECT grantee, use FROM bulla.key_grants %s ORDER BY 1, 2', extcondition[array_position(extconfig, 'bulla.key_grants'::regclass::oid)])
FROM pg_extension WHERE extname = 'bulla' \gexec
DELETE FROM bulla.key_grants WHERE granted_by = 'force';

SELECT * FROM bulla.verify('bulla.events');
DROP FUNCTION opened(), opened_by_caller();
DROP VIEW opened_view;
DROP ROLE regress_app, regress_other, regress_group, regress_definer;
