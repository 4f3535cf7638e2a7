-- What the extension agentidp puts into a database, whose it is, and who may use it.
\set VERBOSITY terse
SET client_min_messages = warning;
DROP ROLE IF EXISTS agentidp, regress_setup_owner, regress_setup_service, regress_setup_nobody;
CREATE ROLE regress_setup_owner;
CREATE ROLE regress_setup_service;
CREATE ROLE regress_setup_nobody;
RESET client_min_messages;

-- Objects of the extension that are not owned by this role.
CREATE FUNCTION not_owned_by(role regrole) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT i.type || ' ' || i.identity
    FROM pg_depend AS d
    JOIN pg_extension AS e ON e.oid = d.refobjid AND e.extname = 'agentidp'
    CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, 0) AS i
    WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND role IS DISTINCT FROM coalesce(
        (SELECT nspowner FROM pg_namespace WHERE d.classid = 'pg_namespace'::regclass AND oid = d.objid),
        (SELECT proowner FROM pg_proc WHERE d.classid = 'pg_proc'::regclass AND oid = d.objid),
        (SELECT relowner FROM pg_class WHERE d.classid = 'pg_class'::regclass AND oid = d.objid),
        (SELECT typowner FROM pg_type WHERE d.classid = 'pg_type'::regclass AND oid = d.objid))
$$;

-- A superuser installs it for the role agentidp, and for nobody else: its functions never run as a superuser.
\set VERBOSITY default
\set SHOW_CONTEXT never
CREATE EXTENSION agentidp;
CREATE ROLE agentidp SUPERUSER;
CREATE EXTENSION agentidp;
\set VERBOSITY terse
ALTER ROLE agentidp NOSUPERUSER;
CREATE EXTENSION agentidp;
SELECT * FROM not_owned_by('agentidp');
SELECT nspname, nspowner::regrole FROM pg_namespace WHERE nspname ~ '^agentidp' ORDER BY 1;
SELECT agentidp.set_up();
SELECT tableowner FROM pg_tables WHERE schemaname = 'agentidp' AND tablename = 'audit_events';
-- The audit events are not a part of the extension, and do not go unasked when it goes.
DROP EXTENSION agentidp;
DROP EXTENSION bulla;
SET client_min_messages = warning;
DROP EXTENSION agentidp CASCADE;
SELECT bulla.drop_ledger('agentidp.audit_events');
DROP EXTENSION agentidp CASCADE;
RESET client_min_messages;
SELECT count(*) FROM pg_namespace WHERE nspname ~ '^agentidp';
DROP ROLE agentidp;

-- An ordinary role that may create schemas installs it for itself.
SET ROLE regress_setup_owner;
CREATE EXTENSION agentidp;
RESET ROLE;
SELECT format('GRANT CREATE ON DATABASE %I TO regress_setup_owner', current_database()) \gexec
SET ROLE regress_setup_owner;
CREATE EXTENSION agentidp;
SELECT agentidp.set_up();
SELECT agentidp.set_up();
SELECT agentidp.grant_service('regress_setup_service');
RESET ROLE;
SELECT * FROM not_owned_by('regress_setup_owner');

-- Every object has a comment, every function that runs with its owner's rights pins search_path.
SELECT p.oid::regprocedure AS without_comment FROM pg_proc AS p
WHERE pronamespace IN ('agentidp'::regnamespace, 'agentidp_api'::regnamespace) AND obj_description(p.oid, 'pg_proc') IS NULL;
SELECT c.oid::regclass AS without_comment FROM pg_class AS c
WHERE relnamespace IN ('agentidp'::regnamespace, 'agentidp_api'::regnamespace) AND relkind IN ('r', 'v', 'p')
    AND obj_description(c.oid, 'pg_class') IS NULL;
SELECT t.oid::regtype AS without_comment FROM pg_type AS t JOIN pg_class AS c ON c.oid = typrelid AND relkind = 'c'
WHERE typnamespace IN ('agentidp'::regnamespace, 'agentidp_api'::regnamespace) AND obj_description(t.oid, 'pg_type') IS NULL;
SELECT p.oid::regprocedure AS definer_without_search_path FROM pg_proc AS p
WHERE pronamespace IN ('agentidp'::regnamespace, 'agentidp_api'::regnamespace) AND prosecdef
    AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (proconfig), false);
-- The functions of agentidp_api have one shape, but for the one without a token.
SELECT pg_get_function_arguments(p.oid) AS arguments, array_agg(proname ORDER BY proname) AS functions FROM pg_proc AS p
WHERE pronamespace = 'agentidp_api'::regnamespace GROUP BY 1 ORDER BY 1 COLLATE "C";

-- The audit events.
SELECT column_name, data_type, is_nullable FROM information_schema.columns
WHERE table_schema = 'agentidp' AND table_name = 'audit_events' ORDER BY ordinal_position;
SELECT pg_get_indexdef(indexrelid) AS index FROM pg_index WHERE indrelid = 'agentidp.audit_events'::regclass ORDER BY 1;
SELECT ledger, chain_by, created_by FROM bulla.ledgers ORDER BY ledger::text COLLATE "C";
SELECT agentidp.system_organization();
-- What the rules of a row are, also for who writes it without the API.
GRANT CREATE ON SCHEMA public TO regress_setup_owner;
SET ROLE regress_setup_owner;
CREATE FUNCTION add(occurred_at text DEFAULT '2026-03-01 12:00:00Z', action text DEFAULT 'a', outcome text DEFAULT 'success',
    client_ip inet DEFAULT NULL, metadata jsonb DEFAULT NULL) RETURNS bigint LANGUAGE sql AS $$
    INSERT INTO agentidp.audit_events (event_id, occurred_at, action, outcome, organization_id, client_ip, metadata)
    VALUES (gen_random_uuid(), $1::timestamptz, $2, $3, '10000000-0000-4000-8000-000000000001', $4, $5) RETURNING seq
$$;
SELECT add(), add('1970-01-01 00:00:00Z'), add('2199-12-31 23:59:59.999999Z'), add(action => repeat('a', 200)),
    add(action => 'Aa0._:/-'), add(outcome => 'failure'), add(outcome => 'denied'), add(client_ip => '::1'),
    add(metadata => '{}'), add(metadata => jsonb_build_object('m', repeat('x', 65527)));
SELECT add('1969-12-31 23:59:59.999999Z');
SELECT add('2200-01-01 00:00:00Z');
SELECT add('infinity');
SELECT add(NULL);
SELECT add(action => '');
SELECT add(action => repeat('a', 201));
SELECT add(action => '.a');
SELECT add(action => 'ä');
SELECT add(action => E'a\n');
SELECT add(outcome => 'Success');
SELECT add(outcome => NULL);
SELECT add(client_ip => '10.0.0.0/8');
SELECT add(metadata => '[]');
SELECT add(metadata => 'null');
SELECT add(metadata => jsonb_build_object('m', repeat('x', 65528)));
SELECT seq, octet_length(metadata::text) FROM agentidp.audit_events WHERE metadata IS NOT NULL ORDER BY seq;
DELETE FROM agentidp.audit_events;
-- And of an access token, likewise.
INSERT INTO agentidp.access_tokens (token_digest, name, scopes) VALUES ('short', 'a', '{admin}');
INSERT INTO agentidp.access_tokens (token_digest, name, scopes) VALUES (sha256('a'), '', '{admin}');
INSERT INTO agentidp.access_tokens (token_digest, name, scopes) VALUES (sha256('a'), 'a', '{}');
INSERT INTO agentidp.access_tokens (token_digest, name, scopes) VALUES (sha256('a'), 'a', '{root}');
INSERT INTO agentidp.access_tokens (token_digest, name, scopes) VALUES (sha256('a'), 'a', '{admin,NULL}');
INSERT INTO agentidp.access_tokens (token_digest, name, scopes, organization_id)
VALUES (sha256('a'), 'a', '{audit:read,admin}', '10000000-0000-4000-8000-000000000001');
RESET ROLE;

-- Who may do what: the service calls the functions of agentidp_api; nobody else does anything.
SELECT p.oid::regprocedure AS function, role, prosecdef AS runs_as_owner
FROM pg_proc AS p, unnest('{regress_setup_service,regress_setup_nobody}'::name[]) AS role
WHERE pronamespace IN ('agentidp'::regnamespace, 'agentidp_api'::regnamespace) AND has_function_privilege(role, p.oid, 'EXECUTE')
ORDER BY p.oid::regprocedure::text COLLATE "C";
SELECT c.oid::regclass AS relation, role, has_table_privilege(role, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER') AS any
FROM pg_class AS c, unnest('{regress_setup_service,regress_setup_nobody}'::name[]) AS role
WHERE relnamespace = 'agentidp'::regnamespace AND relkind IN ('r', 'v') ORDER BY 1, 2;
SELECT nspname, role, has_schema_privilege(role, n.oid, 'USAGE') AS usage, has_schema_privilege(role, n.oid, 'CREATE') AS create
FROM pg_namespace AS n, unnest('{regress_setup_service,regress_setup_nobody}'::name[]) AS role WHERE nspname ~ '^agentidp' ORDER BY 1, 2;
SELECT p.oid::regprocedure AS of_bulla FROM pg_proc AS p WHERE pronamespace = 'bulla'::regnamespace
    AND has_function_privilege('regress_setup_service', p.oid, 'EXECUTE') <> has_function_privilege('regress_setup_nobody', p.oid, 'EXECUTE');
SET ROLE regress_setup_service;
SELECT status FROM agentidp_api.verify_all('r');
SELECT count(*) FROM agentidp.audit_events;
SELECT count(*) FROM agentidp.access_tokens;
SELECT agentidp.set_up();
SELECT agentidp.add_access_token(sha256('x'), 'x', '{admin}');
SELECT bulla.create_key('mine');
SELECT * FROM bulla.verify('agentidp.audit_events');
SELECT bulla.drop_ledger('agentidp.audit_events');
SET ROLE regress_setup_nobody;
SELECT status FROM agentidp_api.verify_all('r');
RESET ROLE;

-- set_up does not take for its own what is something else.
SET ROLE regress_setup_owner;
\set VERBOSITY default
SELECT bulla.drop_ledger('agentidp.audit_events');
SELECT agentidp.set_up();
\set VERBOSITY terse
ALTER TABLE agentidp.audit_events RENAME TO old_events;
SELECT agentidp.add_access_token(sha256('x'), 'x', '{admin}');
SELECT agentidp.set_up();
RESET ROLE;
ALTER TABLE agentidp.audit_events OWNER TO regress_setup_nobody;
SELECT agentidp.set_up();

-- A schema that somebody has made before is not adopted.
SET client_min_messages = warning;
SET bulla.restore = on;
DROP EXTENSION agentidp CASCADE;
RESET client_min_messages;
CREATE SCHEMA agentidp_api;
SET ROLE regress_setup_owner;
CREATE EXTENSION agentidp;
RESET ROLE;

DROP OWNED BY regress_setup_owner, regress_setup_service, regress_setup_nobody CASCADE;
DROP ROLE regress_setup_owner, regress_setup_service, regress_setup_nobody;
