-- Rights, over everything that was made before.

-- The functions of agentidp_api run with the rights of their owner, which must not be a superuser's. Where a
-- superuser installs the extension, as a restore does, all of it goes to the role agentidp.

DO $$
DECLARE
    object record;
BEGIN
    IF NOT (SELECT r.rolsuper FROM pg_roles AS r WHERE r.rolname = current_user) THEN
        RETURN;
    ELSIF NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.rolname = 'agentidp' AND NOT r.rolsuper) THEN
        RAISE EXCEPTION 'extension agentidp needs a role agentidp, which is no superuser, to own what it installs'
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Run CREATE ROLE agentidp NOLOGIN.';
    END IF;
    FOR object IN
        SELECT i.type, i.identity
        FROM pg_depend AS d
        CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, d.objsubid) AS i
        WHERE d.deptype = 'e'
          AND d.refclassid = 'pg_extension'::regclass
          AND d.refobjid = (SELECT e.oid FROM pg_extension AS e WHERE e.extname = 'agentidp')
          -- A table's row type and arrays follow what they are of; since PostgreSQL 17 they are listed too.
          AND (d.classid <> 'pg_type'::regclass OR EXISTS (
              SELECT FROM pg_type AS t LEFT JOIN pg_class AS c ON c.oid = t.typrelid
              WHERE t.oid = d.objid AND t.typcategory <> 'A' AND c.relkind IS DISTINCT FROM 'r'))
    LOOP
        EXECUTE format('ALTER %s %s OWNER TO agentidp', object.type, object.identity);
    END LOOP;
END $$;

-- Nobody but the owner has any rights, until agentidp.grant_service gives them.
REVOKE ALL ON ALL TABLES IN SCHEMA agentidp FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA agentidp, agentidp_api FROM PUBLIC;
REVOKE ALL ON TYPE agentidp.new_event FROM PUBLIC;
