-- What the extension puts into a database, and who may use it.
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_nobody;
CREATE ROLE regress_nobody;
RESET client_min_messages;

-- Every object has a comment.
SELECT p.oid::regprocedure AS without_comment FROM pg_proc AS p
WHERE pronamespace = 'bulla'::regnamespace AND obj_description(p.oid, 'pg_proc') IS NULL ORDER BY 1;
SELECT c.oid::regclass AS without_comment FROM pg_class AS c
WHERE relnamespace = 'bulla'::regnamespace AND relkind IN ('r', 'v', 'p') AND obj_description(c.oid, 'pg_class') IS NULL ORDER BY 1;
SELECT obj_description(oid, 'pg_extension') IS NOT NULL AS commented FROM pg_extension WHERE extname = 'bulla';
-- What the functions' comments have to say.
SELECT p.oid::regprocedure AS function FROM pg_proc AS p
WHERE pronamespace = 'bulla'::regnamespace AND proname IN ('encrypt', 'decrypt') AND obj_description(p.oid, 'pg_proc') NOT LIKE '%context%' ORDER BY 1;
SELECT obj_description('bulla.decrypt_if_encrypted(text, text)'::regprocedure, 'pg_proc') ~ 'no authenticity' AS says_so;
SELECT bool_and(obj_description(f::regprocedure, 'pg_proc') ~ 'empty context') AS say_so
FROM unnest('{"bulla.encrypt(text, text, text)","bulla.encrypt(bytea, text, text)"}'::text[]) AS f;

-- All of it belongs to the extension, and nothing stands outside its schema but what has none.
SELECT classid::regclass, count(*) FROM pg_depend WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
    AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'bulla')
    AND classid NOT IN ('pg_proc'::regclass, 'pg_class'::regclass, 'pg_type'::regclass, 'pg_namespace'::regclass) GROUP BY 1 ORDER BY 1;
SELECT p.oid::regprocedure FROM pg_proc AS p WHERE pronamespace = 'bulla'::regnamespace
    AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = p.oid AND deptype = 'e') ORDER BY 1;

-- A function that runs with other rights or looks names up pins its search_path.
SELECT p.oid::regprocedure AS security_definer FROM pg_proc AS p
WHERE pronamespace = 'bulla'::regnamespace AND prosecdef AND NOT coalesce(proconfig::text LIKE '%search_path=pg_catalog, pg_temp%', false) ORDER BY 1;
SELECT p.oid::regprocedure AS writes_without_search_path FROM pg_proc AS p
WHERE pronamespace = 'bulla'::regnamespace AND proname ~ '^(create_|drop_|protect_)' AND proconfig IS NULL ORDER BY 1;

-- Rights: of everybody, function by function, and of nobody else but who monitors.
SELECT p.oid::regprocedure AS function, has_function_privilege('regress_nobody', p.oid, 'EXECUTE') AS everybody,
    pg_get_function_result(p.oid) = 'trigger' AS is_trigger
FROM pg_proc AS p WHERE pronamespace = 'bulla'::regnamespace ORDER BY p.oid::regprocedure::text COLLATE "C";
SELECT c.oid::regclass AS relation, relkind, has_table_privilege('regress_nobody', c.oid, 'SELECT') AS everybody_reads,
    has_table_privilege('regress_nobody', c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER') AS everybody_writes
FROM pg_class AS c WHERE relnamespace = 'bulla'::regnamespace AND relkind IN ('r', 'v', 'p', 'S') ORDER BY c.oid::regclass::text COLLATE "C";
SELECT has_schema_privilege('regress_nobody', 'bulla', 'USAGE') AS everybody_uses, has_schema_privilege('regress_nobody', 'bulla', 'CREATE') AS everybody_creates;
SELECT DISTINCT a.grantee::regrole FROM pg_proc AS p, aclexplode(p.proacl) AS a
WHERE pronamespace = 'bulla'::regnamespace AND a.grantee <> 0 AND a.grantee <> p.proowner;

-- The event ledger, made at first use, belongs to the extension's owner alone.
SELECT bulla.create_key('catalog') IS NOT NULL AS created;
SELECT has_table_privilege('regress_nobody', 'bulla.events', 'SELECT, INSERT, UPDATE, DELETE') AS everybody;
SELECT obj_description('bulla.events'::regclass, 'pg_class') IS NOT NULL AS commented;
SELECT tableowner = (SELECT extowner::regrole::text FROM pg_extension WHERE extname = 'bulla') AS of_the_owner FROM pg_tables
WHERE schemaname = 'bulla' AND tablename = 'events';
-- What is read at a restore: only what users put there.
SELECT c::regclass FROM pg_extension, unnest(extconfig) AS c WHERE extname = 'bulla' ORDER BY c::regclass::text;

-- Settings: their kind and who may set them.
SELECT bulla.is_encrypted('');
SELECT name, context, vartype, boot_val FROM pg_settings WHERE name LIKE 'bulla.%' AND name NOT IN ('bulla.head_cache_size', 'bulla.audit_ring_size') ORDER BY name;
SET ROLE regress_nobody;
SELECT name FROM pg_settings WHERE name = 'bulla.kek';
SET bulla.restore = on;
SET bulla.kek = 'file:/x';
SET bulla.no_such_setting = 1;
RESET ROLE;

-- A schema that somebody has made before is not adopted: its owner could put things into it.
CREATE DATABASE regress_bulla_taken TEMPLATE template0;
\c regress_bulla_taken
CREATE SCHEMA bulla;
\set SHOW_CONTEXT never
CREATE EXTENSION bulla;
\set SHOW_CONTEXT errors
DROP SCHEMA bulla;
CREATE EXTENSION bulla;
-- Gone without a trace, while nothing depends on it.
DROP EXTENSION bulla;
SELECT count(*) FROM pg_namespace WHERE nspname = 'bulla';
CREATE EXTENSION bulla;
CREATE TABLE ledger (a int);
SELECT bulla.create_ledger('ledger') IS NOT NULL AS created;
INSERT INTO ledger VALUES (1);
\set VERBOSITY terse
DROP EXTENSION bulla;
ALTER EXTENSION bulla SET SCHEMA public;
SELECT * FROM bulla.verify('ledger');
\c postgres
DROP DATABASE regress_bulla_taken;
DROP ROLE regress_nobody;
