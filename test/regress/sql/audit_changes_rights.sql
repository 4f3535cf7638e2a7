-- Who may audit what to where, and whose rights an event takes.
\set VERBOSITY terse
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_keeper, regress_owner, regress_writer, regress_mallory;
CREATE ROLE regress_keeper;
CREATE ROLE regress_owner;
CREATE ROLE regress_writer;
CREATE ROLE regress_mallory;
RESET client_min_messages;
GRANT CREATE ON SCHEMA public TO PUBLIC;

-- What cannot be audited.
CREATE VIEW a_view AS SELECT 1 AS a;
CREATE MATERIALIZED VIEW a_matview AS SELECT 1 AS a;
CREATE TEMP TABLE a_temp (a integer);
CREATE SEQUENCE a_sequence;
CREATE FOREIGN DATA WRAPPER a_wrapper;
CREATE SERVER a_server FOREIGN DATA WRAPPER a_wrapper;
CREATE FOREIGN TABLE a_foreign (a integer) SERVER a_server;
CREATE TABLE a_ledger (a integer);
SELECT bulla.create_ledger('a_ledger') IS NOT NULL AS created;
SELECT bulla.audit_changes('a_view');
SELECT bulla.audit_changes('a_matview');
SELECT bulla.audit_changes('a_temp');
SELECT bulla.audit_changes('a_sequence');
SELECT bulla.audit_changes('a_foreign');
SELECT bulla.audit_changes('a_ledger');
SELECT bulla.audit_changes('bulla.key_names');
SELECT bulla.audit_changes('bulla.events');
SELECT bulla.audit_changes('pg_class');
SELECT bulla.audit_changes(0);
SELECT bulla.audit_changes(NULL);
-- Wrong arguments.
CREATE TABLE t (id integer PRIMARY KEY, a text, b text);
SELECT bulla.audit_changes('t', columns => '{c}');
SELECT bulla.audit_changes('t', columns => '{ctid}');
SELECT bulla.audit_changes('t', skip => '{a,a}');
SELECT bulla.audit_changes('t', skip => NULL);
SELECT bulla.audit_changes('t', skip => '{NULL}');
SELECT bulla.audit_changes('t', columns => '{a}', skip => '{a}');
SELECT bulla.audit_changes('t', skip => '{a}', erasable => '{a}');
SELECT bulla.audit_changes('t', columns => '{a}', seal => '{"b": "k"}');
SELECT bulla.audit_changes('t', seal => '["a"]');
SELECT bulla.audit_changes('t', seal => '{"a": 1}');
SELECT bulla.audit_changes('t', seal => '{"a": "no such key"}');
SELECT bulla.audit_changes('t', 't');
SELECT bulla.audit_changes('t', 'a_ledger');
SELECT bulla.audit_changes('t', 0);
SELECT bulla.audit_changes('t');
SELECT bulla.audit_changes('t');
SELECT bulla.stop_auditing('a_ledger');
SELECT bulla.stop_auditing(NULL);
SELECT bulla.stop_auditing('t');

-- A ledger of somebody's own, and tables of others.
CREATE FUNCTION make_trail(name text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TABLE %I (LIKE bulla.changes INCLUDING DEFAULTS)', name);
    EXECUTE format('ALTER TABLE %I DROP COLUMN seq, DROP COLUMN prev_hash, DROP COLUMN hash, DROP COLUMN blind, DROP COLUMN openings', name);
END $$;
SELECT make_trail('keeper_trail');
ALTER TABLE keeper_trail OWNER TO regress_keeper;
SET ROLE regress_keeper;
SELECT bulla.create_ledger('keeper_trail', chain_by => '{table_name}') IS NOT NULL AS created;
SET ROLE regress_owner;
CREATE TABLE accounts (id integer PRIMARY KEY, balance integer);
GRANT SELECT, INSERT, UPDATE ON accounts TO regress_writer;
-- The owner of the table needs INSERT on the ledger, the owner of the ledger the table.
SELECT bulla.audit_changes('accounts');
SELECT bulla.audit_changes('accounts', 'keeper_trail');
SET ROLE regress_keeper;
SELECT bulla.audit_changes('accounts', 'keeper_trail');
GRANT INSERT ON keeper_trail TO regress_owner;
SET ROLE regress_writer;
SELECT bulla.audit_changes('accounts', 'keeper_trail');
SET ROLE regress_owner;
SELECT bulla.audit_changes('accounts', 'keeper_trail');
-- Nobody needs rights on the ledger to write to the table, and no longer has its owner.
SET ROLE regress_keeper;
REVOKE INSERT ON keeper_trail FROM regress_owner;
SET ROLE regress_writer;
SELECT has_table_privilege('keeper_trail', 'SELECT, INSERT') AS rights_on_the_ledger;
INSERT INTO accounts VALUES (1, 100);
SET ROLE regress_owner;
UPDATE accounts SET balance = 90;
RESET ROLE;
UPDATE accounts SET balance = 80;
-- In a function of other rights, the event names whose they are.
SET ROLE regress_owner;
CREATE FUNCTION pay() RETURNS void LANGUAGE sql SECURITY DEFINER AS 'UPDATE public.accounts SET balance = balance - 1';
SET ROLE regress_writer;
SELECT pay();
RESET ROLE;
SELECT table_name, operation, role, session_role = session_user AS session_role, new_values ->> 'balance' AS balance FROM keeper_trail ORDER BY seq;
SELECT * FROM bulla.verify('keeper_trail');

-- What a foreign key does is done by who changed the row that it refers to.
SET ROLE regress_keeper;
GRANT INSERT ON keeper_trail TO regress_owner;
SET ROLE regress_owner;
CREATE TABLE bookings (id integer PRIMARY KEY, account integer REFERENCES accounts ON UPDATE CASCADE);
SELECT bulla.audit_changes('bookings', 'keeper_trail');
INSERT INTO bookings VALUES (1, 1);
SET ROLE regress_writer;
UPDATE accounts SET id = 7;
RESET ROLE;
-- What PostgreSQL 18 tells: the role that the foreign key acts as.
SELECT table_name, operation, CASE WHEN current_setting('server_version_num')::int >= 180000 AND new_values ->> 'account' = '7'
    AND role = 'regress_owner' THEN 'regress_writer' ELSE role END AS role, new_values
    FROM keeper_trail WHERE old_values ? 'id' OR table_name = 'bookings' ORDER BY table_name, seq;

DROP TABLE bookings;

-- Where code of others runs in a security-restricted operation, what it changes is an event as anywhere.
SET ROLE regress_owner;
CREATE FUNCTION change() RETURNS void LANGUAGE plpgsql AS 'BEGIN UPDATE public.accounts SET balance = balance + 1000; END';
CREATE FUNCTION sly(id integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM public.change(); RETURN id; END';
CREATE TABLE bait (id integer);
INSERT INTO bait VALUES (1);
RESET ROLE;
CREATE INDEX ON bait (sly(id));
SELECT operation, role, new_values FROM keeper_trail WHERE table_name = 'accounts' ORDER BY seq DESC LIMIT 1;

-- Who owns a partitioned table adds partitions to it without any right on the ledger.
SET ROLE regress_owner;
CREATE TABLE parts (id integer PRIMARY KEY) PARTITION BY RANGE (id);
SELECT bulla.audit_changes('parts', 'keeper_trail');
SET ROLE regress_keeper;
REVOKE INSERT ON keeper_trail FROM regress_owner;
SET ROLE regress_owner;
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
CREATE TABLE parts_2 (id integer NOT NULL);
ALTER TABLE parts ATTACH PARTITION parts_2 FOR VALUES FROM (10) TO (20);
INSERT INTO parts VALUES (1), (11);
TRUNCATE parts_2;
ALTER TABLE parts_1 DISABLE TRIGGER bulla_capture_truncate;
RESET ROLE;
SELECT partition_name, operation, role FROM keeper_trail WHERE table_name = 'parts' ORDER BY seq;
DROP TABLE parts;

-- Only who owns the table ends it.
SET ROLE regress_writer;
SELECT bulla.stop_auditing('accounts');
SET ROLE regress_keeper;
SELECT bulla.stop_auditing('accounts');

-- Mallory makes the trigger himself, towards a ledger that is not his.
SET ROLE regress_mallory;
CREATE TABLE forged (id integer PRIMARY KEY, balance integer);
SELECT encode(tgargs, 'escape') AS argument FROM pg_trigger WHERE tgrelid = 'accounts'::regclass AND tgname = 'bulla_capture_change' \gset
SELECT left(:'argument', -4) AS argument \gset
CREATE TRIGGER bulla_capture_change AFTER INSERT ON forged FOR EACH ROW EXECUTE FUNCTION bulla.capture_change(:'argument');
CREATE TRIGGER t AFTER TRUNCATE ON forged EXECUTE FUNCTION bulla.capture_change(:'argument');
CREATE CONSTRAINT TRIGGER t AFTER INSERT ON forged DEFERRABLE FOR EACH ROW EXECUTE FUNCTION bulla.capture_change(:'argument');
CREATE TRIGGER a_bulla AFTER INSERT ON forged FOR EACH ROW EXECUTE FUNCTION bulla.capture_change();
CREATE TRIGGER bulla_capture_change AFTER INSERT ON forged FOR EACH ROW EXECUTE FUNCTION bulla.capture_change();
CREATE TRIGGER bulla_capture_change AFTER INSERT ON forged FOR EACH ROW EXECUTE FUNCTION bulla.capture_change('{}');
CREATE TRIGGER bulla_capture_change AFTER INSERT ON forged FOR EACH ROW EXECUTE FUNCTION bulla.capture_change('nonsense');
CREATE TRIGGER bulla_capture_change BEFORE INSERT ON forged FOR EACH ROW EXECUTE FUNCTION bulla.capture_change();
SELECT bulla.capture_change();
RESET ROLE;
SELECT tgname FROM pg_trigger WHERE tgrelid = 'forged'::regclass;
-- Nor does a superuser's own trigger do anything but what bulla.audit_changes makes.
CREATE TRIGGER bulla_capture_change AFTER INSERT ON forged FOR EACH ROW EXECUTE FUNCTION bulla.capture_change();
INSERT INTO forged VALUES (1, 1000000);
TRUNCATE forged;
SELECT source FROM bulla.audited_tables;
DROP TRIGGER bulla_capture_change ON forged;
CREATE TRIGGER bulla_capture_change AFTER INSERT ON forged FOR EACH ROW EXECUTE FUNCTION bulla.capture_change('{}');
INSERT INTO forged VALUES (1, 1000000);
DROP TRIGGER bulla_capture_change ON forged;
SELECT make_trail('mallory_trail');
ALTER TABLE mallory_trail OWNER TO regress_mallory;
SET ROLE regress_mallory;
SELECT bulla.create_ledger('mallory_trail') IS NOT NULL AS created;
-- To a ledger of his own he may.
SELECT bulla.audit_changes('forged', 'mallory_trail');
INSERT INTO forged VALUES (1, 1000000);
SELECT table_name, operation, role, row_key FROM mallory_trail;
RESET ROLE;
SELECT count(*) FROM keeper_trail WHERE table_name = 'forged';

-- The audited table's owner cannot silence it unseen.
SET ROLE regress_owner;
ALTER TABLE accounts DISABLE TRIGGER bulla_capture_change;
ALTER TABLE accounts DISABLE TRIGGER ALL;
ALTER TABLE accounts ENABLE TRIGGER bulla_capture_change;
ALTER TRIGGER bulla_capture_change ON accounts RENAME TO harmless;
CREATE OR REPLACE TRIGGER bulla_capture_change AFTER INSERT ON accounts FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
CREATE TRIGGER a_first AFTER INSERT ON accounts FOR EACH ROW EXECUTE FUNCTION bulla.capture_change(:'argument');
DROP TRIGGER bulla_capture_change ON accounts;
INSERT INTO accounts VALUES (2, 100);
RESET ROLE;
SELECT action, role, detail ->> 'table' AS "table", detail ->> 'command' AS command FROM bulla.events WHERE action = 'audit.stopped' ORDER BY seq DESC LIMIT 1;
-- A superuser can, and it shows.
ALTER TABLE forged DISABLE TRIGGER bulla_capture_change;
SELECT source, ledger, enabled FROM bulla.audited_tables;
ALTER TABLE forged ENABLE ALWAYS TRIGGER bulla_capture_change;
-- session_replication_role is no way around.
SET session_replication_role = replica;
INSERT INTO forged VALUES (2, 1000000);
TRUNCATE forged;
RESET session_replication_role;
SELECT operation, row_key FROM mallory_trail ORDER BY seq DESC LIMIT 2;

-- A ledger that is renamed is found, one that is none any more is an error.
ALTER TABLE mallory_trail RENAME TO "Trail ""2""";
INSERT INTO forged VALUES (3, 0);
SELECT source, ledger FROM bulla.audited_tables;
SELECT encode(tgargs, 'escape') LIKE '%public.%Trail%' AS renamed FROM pg_trigger WHERE tgrelid = 'forged'::regclass AND tgname = 'bulla_capture_change';
\set VERBOSITY default
SELECT bulla.drop_ledger('"Trail ""2"""');
\set VERBOSITY terse
SET bulla.restore = on;
SELECT bulla.drop_ledger('"Trail ""2"""');
RESET bulla.restore;
INSERT INTO forged VALUES (4, 0);
SELECT source, ledger FROM bulla.audited_tables;
SELECT bulla.stop_auditing('forged');
INSERT INTO forged VALUES (4, 0);
-- With no table audited into it a ledger can be dropped.
CREATE TABLE trail (LIKE bulla.changes);
ALTER TABLE trail DROP COLUMN seq, DROP COLUMN prev_hash, DROP COLUMN hash, DROP COLUMN openings;
SELECT bulla.create_ledger('trail', erasable => '{personal}') IS NOT NULL AS created;
SELECT bulla.audit_changes('forged', 'trail');
SELECT bulla.drop_ledger('trail');
SELECT bulla.stop_auditing('forged');
SELECT bulla.drop_ledger('trail');
DROP TABLE trail;

-- Columns that are left out stay out, whatever is renamed.
CREATE TABLE secrets (id integer PRIMARY KEY, password text, pin text);
SELECT bulla.audit_changes('secrets', skip => '{password,pin}');
ALTER TABLE secrets RENAME COLUMN password TO pw;
ALTER TABLE secrets ADD COLUMN password text;
ALTER TABLE secrets DROP COLUMN pin;
INSERT INTO secrets VALUES (1, 'never', 'may be seen');
SELECT new_values FROM bulla.changes ORDER BY seq DESC LIMIT 1;
SELECT skip FROM bulla.audited_tables WHERE source = 'secrets'::regclass;
-- Where the event trigger did not see it, it fails rather than tells.
ALTER EVENT TRIGGER bulla_follow_audits DISABLE;
ALTER TABLE secrets RENAME COLUMN pw TO hidden;
INSERT INTO secrets VALUES (2, 'never');
SELECT new_values FROM bulla.changes ORDER BY seq DESC LIMIT 1;
ALTER TABLE secrets ADD COLUMN pw text;
INSERT INTO secrets VALUES (3, 'never');
ALTER EVENT TRIGGER bulla_follow_audits ENABLE ALWAYS;

SET bulla.restore = on;
DROP OWNED BY regress_keeper, regress_owner, regress_writer, regress_mallory CASCADE;
DROP ROLE regress_keeper, regress_owner, regress_writer, regress_mallory;
