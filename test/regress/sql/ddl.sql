-- DDL on ledgers: what would break what the hashes cover, or the triggers, is refused; the rest works and is
-- written down in bulla.events.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_ddl_owner, regress_ddl_other;
RESET client_min_messages;
CREATE ROLE regress_ddl_owner;
CREATE ROLE regress_ddl_other;
GRANT CREATE ON SCHEMA public TO regress_ddl_owner, regress_ddl_other;
GRANT regress_ddl_other TO regress_ddl_owner;
SET ROLE regress_ddl_owner;
CREATE TABLE ledger (id int PRIMARY KEY, tenant text NOT NULL, note varchar(20), at timestamptz, n numeric(10, 2), small int2 DEFAULT -7,
    twice int GENERATED ALWAYS AS (id * 2) STORED);
SELECT bulla.create_ledger('ledger', '{tenant}') IS NOT NULL AS created;
INSERT INTO ledger (id, tenant, note, at, n) VALUES (1, 'a', 'one', '2026-01-01', 1.5), (2, 'b', NULL, NULL, 2);
CREATE TABLE plain (id int, note text);

-- Triggers.
ALTER TABLE ledger DISABLE TRIGGER zzz_bulla_chain_row;
\echo :LAST_ERROR_SQLSTATE
\set VERBOSITY terse
ALTER TABLE ledger DISABLE TRIGGER USER;
ALTER TABLE ledger ENABLE TRIGGER bulla_refuse_change;
ALTER TABLE ledger ENABLE REPLICA TRIGGER bulla_refuse_truncate;
ALTER TABLE ledger ENABLE ALWAYS TRIGGER bulla_refuse_truncate;
DROP TRIGGER bulla_confirm_row ON ledger;
ALTER TRIGGER zzz_bulla_chain_row ON ledger RENAME TO a;
CREATE OR REPLACE TRIGGER bulla_refuse_change BEFORE UPDATE OR DELETE ON ledger
    FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
CREATE OR REPLACE TRIGGER bulla_refuse_change BEFORE UPDATE OR DELETE ON ledger
    FOR EACH ROW WHEN (false) EXECUTE FUNCTION bulla.refuse_change('4de38554-f3fa-4b3c-a5dc-9246b9614254');
-- Those of others: before Bulla's and after the row is stored, but not in between.
CREATE FUNCTION other() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.note = ''changed''; RETURN NEW; END';
CREATE TRIGGER zzzz BEFORE INSERT ON ledger FOR EACH ROW EXECUTE FUNCTION other();
CREATE TRIGGER yyyy BEFORE INSERT ON ledger FOR EACH ROW EXECUTE FUNCTION other();
ALTER TRIGGER yyyy ON ledger RENAME TO zzzz;
ALTER TABLE ledger DISABLE TRIGGER yyyy;
ALTER TRIGGER yyyy ON ledger RENAME TO zzzz;
ALTER TABLE ledger ENABLE TRIGGER zzzz;
DROP TRIGGER zzzz ON ledger;
CREATE TRIGGER zzzz AFTER INSERT ON ledger FOR EACH ROW EXECUTE FUNCTION other();
DROP TRIGGER zzzz ON ledger;
CREATE TRIGGER zzzz BEFORE INSERT ON plain FOR EACH ROW EXECUTE FUNCTION other();
SELECT bulla.create_ledger('plain');
DROP TRIGGER zzzz ON plain;
-- A trigger of another table may have the name of one of Bulla's.
CREATE TRIGGER bulla_confirm_row BEFORE INSERT ON plain FOR EACH ROW EXECUTE FUNCTION other();
DROP TRIGGER bulla_confirm_row ON plain;

-- Columns.
ALTER TABLE ledger RENAME COLUMN note TO remark;
ALTER VIEW ledger RENAME COLUMN note TO remark;
ALTER TABLE ledger RENAME seq TO place;
ALTER TABLE ledger DROP COLUMN note;
ALTER TABLE ledger DROP COLUMN hash;
ALTER TABLE ledger DROP COLUMN id CASCADE;
ALTER TABLE ledger ALTER COLUMN small TYPE bigint USING small + 1;
ALTER TABLE ledger ALTER COLUMN small TYPE bigint, ALTER COLUMN n TYPE numeric(10, 1);
ALTER TABLE ledger ALTER COLUMN small TYPE numeric;
ALTER TABLE ledger ALTER COLUMN at TYPE timestamp;
SET TimeZone = 'UTC';
ALTER TABLE ledger ALTER COLUMN at TYPE timestamp;
RESET TimeZone;
ALTER TABLE ledger ALTER COLUMN note TYPE text USING upper(note);
ALTER TABLE ledger ALTER COLUMN note TYPE varchar(10);
ALTER TABLE ledger ALTER COLUMN n TYPE numeric(10, 1);
ALTER TABLE ledger ALTER COLUMN prev_hash TYPE text USING prev_hash::text;
ALTER TABLE ledger ALTER COLUMN tenant DROP NOT NULL;
ALTER TABLE ledger ALTER COLUMN seq DROP NOT NULL;
ALTER TABLE ledger ALTER COLUMN twice DROP EXPRESSION;
ALTER TABLE ledger ADD COLUMN extra int DEFAULT 5;
ALTER TABLE ledger ADD COLUMN extra uuid DEFAULT gen_random_uuid();
ALTER TABLE ledger ADD COLUMN extra serial;
ALTER TABLE ledger ADD COLUMN extra int GENERATED ALWAYS AS IDENTITY;
CREATE DOMAIN five AS int DEFAULT 5;
ALTER TABLE ledger ADD COLUMN extra five;
ALTER TABLE ledger ADD COLUMN extra regclass;
ALTER TABLE ledger ADD COLUMN extra money;
CREATE COLLATION fuzzy (provider = icu, locale = 'und', deterministic = false);
ALTER TABLE ledger ALTER COLUMN tenant TYPE text COLLATE fuzzy;
CREATE TYPE mood AS ENUM ('sad', 'happy');
ALTER TABLE ledger ADD COLUMN mood mood;
DROP TYPE mood CASCADE;
-- Several at once: all or nothing.
ALTER TABLE ledger ADD COLUMN good int, DROP COLUMN note;
ALTER TABLE ledger ADD COLUMN good int, ADD COLUMN bad int DEFAULT 1;
-- These are fine, and what was there verifies.
ALTER TABLE ledger ADD COLUMN extra int;
ALTER TABLE ledger ADD COLUMN nothing int DEFAULT NULL;
ALTER TABLE ledger ALTER COLUMN extra SET DEFAULT 5;
ALTER TABLE ledger ADD COLUMN thrice int GENERATED ALWAYS AS (id * 3) STORED;
ALTER TABLE ledger DROP COLUMN thrice;
ALTER TABLE ledger RENAME COLUMN twice TO doubled;
ALTER TABLE ledger ALTER COLUMN note TYPE varchar(40);
ALTER TABLE ledger ALTER COLUMN note TYPE text;
ALTER TABLE ledger ALTER COLUMN n TYPE numeric(12, 2);
ALTER TABLE ledger ALTER COLUMN small TYPE int;
ALTER TABLE ledger ALTER COLUMN small TYPE bigint;
ALTER TABLE ledger ALTER COLUMN small TYPE int;
ALTER TABLE ledger ALTER COLUMN n SET NOT NULL;
ALTER TABLE ledger ALTER COLUMN n DROP NOT NULL;
ALTER TABLE ledger ALTER COLUMN note SET STORAGE EXTERNAL;
ALTER TABLE ledger ADD CHECK (id > 0), ADD UNIQUE (note);
ALTER TABLE ledger SET (fillfactor = 90);
ALTER TABLE ledger REPLICA IDENTITY FULL;
ALTER TABLE ledger SET LOGGED;
ALTER TABLE ledger ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger DISABLE ROW LEVEL SECURITY;
CREATE INDEX ON ledger (note);
COMMENT ON TABLE ledger IS 'a ledger';
CLUSTER ledger USING ledger_pkey;
INSERT INTO ledger (id, tenant) VALUES (3, 'a') RETURNING seq, extra;
SELECT count(*) FROM bulla.verify('ledger');

-- The table.
ALTER TABLE ledger SET UNLOGGED;
CREATE RULE away AS ON INSERT TO ledger DO INSTEAD NOTHING;
CREATE RULE also AS ON DELETE TO ledger DO ALSO NOTHING;
CREATE TABLE child () INHERITS (ledger);
CREATE TABLE parent (id int);
CREATE TABLE like_ledger (LIKE ledger INCLUDING GENERATED INCLUDING CONSTRAINTS);
ALTER TABLE like_ledger INHERIT ledger;
ALTER TABLE ledger INHERIT parent;
DROP TABLE ledger;
DROP TABLE plain, ledger;
DROP TABLE like_ledger;
RESET ROLE;
DROP OWNED BY regress_ddl_owner CASCADE;
SET ROLE regress_ddl_owner;
SELECT indexrelid::regclass AS head_index FROM pg_index WHERE indrelid = 'ledger'::regclass
    AND indkey::text = (SELECT string_agg(attnum::text, ' ' ORDER BY attname DESC) FROM pg_attribute
                        WHERE attrelid = 'ledger'::regclass AND attname IN ('tenant', 'seq')) \gset
DROP INDEX :head_index;
DROP INDEX CONCURRENTLY :head_index;
CREATE INDEX not_unique ON ledger (tenant, seq);
DROP INDEX :head_index;
REINDEX INDEX :head_index;
REINDEX INDEX CONCURRENTLY :head_index;
CREATE UNIQUE INDEX renewed ON ledger (tenant, seq);
DROP INDEX :head_index;
DROP INDEX renewed;
DROP INDEX not_unique;
-- These work; nothing of what was refused left a trace.
SET ROLE regress_ddl_owner;
ALTER TABLE ledger RENAME TO history;
ALTER TABLE history OWNER TO regress_ddl_other;
ALTER TABLE history OWNER TO regress_ddl_owner;
RESET ROLE;
-- REASSIGN OWNED too, of which event triggers do not hear; nothing of it where it is rolled back, or changes none.
REASSIGN OWNED BY regress_ddl_owner TO regress_ddl_other;
DO $$ BEGIN REASSIGN OWNED BY regress_ddl_other TO regress_ddl_owner; END $$;
BEGIN;
REASSIGN OWNED BY regress_ddl_owner TO regress_ddl_other;
ROLLBACK;
REASSIGN OWNED BY regress_ddl_other TO regress_ddl_owner;
CREATE SCHEMA regress_ddl_schema AUTHORIZATION regress_ddl_owner;
SET ROLE regress_ddl_owner;
ALTER TABLE history SET SCHEMA regress_ddl_schema;
INSERT INTO regress_ddl_schema.history (id, tenant) VALUES (4, 'a') RETURNING seq;
SELECT count(*) FROM bulla.verify('regress_ddl_schema.history');
RESET ROLE;
SELECT action, role, detail - 'ledger_id' AS detail FROM bulla.events WHERE action LIKE 'ledger.%' ORDER BY seq;
SELECT count(*) FROM bulla.events AS e JOIN bulla.ledgers AS l ON e.detail ->> 'ledger_id' = l.id::text
    WHERE l.ledger = 'regress_ddl_schema.history'::regclass;
DROP SCHEMA regress_ddl_schema CASCADE;
DROP SCHEMA bulla CASCADE;
ALTER TABLE bulla.events RENAME TO hidden;
ALTER TABLE bulla.events SET SCHEMA public;
DROP TABLE bulla.events;

-- No setting of the session helps.
SET session_replication_role = replica;
ALTER TABLE regress_ddl_schema.history DISABLE TRIGGER ALL;
DROP TABLE regress_ddl_schema.history;
RESET session_replication_role;

-- Neither a function, nor a block that catches the error, nor another statement of the transaction.
CREATE FUNCTION twice() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    ALTER TABLE regress_ddl_schema.history DISABLE TRIGGER ALL;
    RETURN 'done';
EXCEPTION WHEN object_not_in_prerequisite_state THEN
    RETURN 'refused';
END $$;
SELECT twice();
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT 1;
SELECT twice();
SAVEPOINT s;
ALTER TABLE regress_ddl_schema.history RENAME COLUMN note TO remark;
ROLLBACK TO s;
ALTER TABLE regress_ddl_schema.history ADD COLUMN within int;
ALTER TABLE regress_ddl_schema.history DROP COLUMN within;
ROLLBACK TO s;
COMMIT;
-- A ledger and what is done to it in one transaction.
BEGIN;
CREATE TABLE young (id int, note text DEFAULT 'x');
ALTER TABLE young ADD COLUMN filled int DEFAULT 7;
SELECT bulla.create_ledger('young') IS NOT NULL AS created;
INSERT INTO young VALUES (1);
ALTER TABLE young ADD COLUMN more int;
INSERT INTO young VALUES (2);
SAVEPOINT s;
ALTER TABLE young RENAME COLUMN note TO remark;
ROLLBACK TO s;
ALTER TABLE young RENAME TO grown;
COMMIT;
SELECT count(*) FROM bulla.verify('grown');

-- What drop_ledger has made an ordinary table is one.
SELECT bulla.drop_ledger('grown');
ALTER TABLE grown RENAME COLUMN note TO remark;
DROP TABLE grown;

-- The extension.
DROP EXTENSION bulla;
\set VERBOSITY default
DROP EXTENSION bulla CASCADE;
\set VERBOSITY terse
DROP EVENT TRIGGER bulla_judge_drop;
DROP FUNCTION bulla.judge_drop() CASCADE;

-- bulla.restore, a superuser's, lets everything through: pg_restore --clean and --disable-triggers need that. Triggers
-- that are enabled again fire always again.
SET ROLE regress_ddl_owner;
SET bulla.restore = on;
RESET ROLE;
SET bulla.restore = on;
ALTER TABLE regress_ddl_schema.history DISABLE TRIGGER ALL;
SELECT DISTINCT tgenabled FROM pg_trigger WHERE tgrelid = 'regress_ddl_schema.history'::regclass;
ALTER TABLE regress_ddl_schema.history ENABLE TRIGGER ALL;
SELECT DISTINCT tgenabled FROM pg_trigger WHERE tgrelid = 'regress_ddl_schema.history'::regclass AND tgname LIKE '%bulla%';
SELECT count(*) FROM bulla.verify('regress_ddl_schema.history');
DROP SCHEMA regress_ddl_schema CASCADE;
RESET bulla.restore;
DROP OWNED BY regress_ddl_owner, regress_ddl_other;
DROP ROLE regress_ddl_owner, regress_ddl_other;

-- With no ledger but bulla.events, CASCADE takes the extension away, and bulla.events with it.
DROP EXTENSION bulla;
DROP EXTENSION bulla CASCADE;
SELECT count(*) FROM pg_event_trigger WHERE evtname LIKE 'bulla%';
SELECT to_regclass('bulla.events');
