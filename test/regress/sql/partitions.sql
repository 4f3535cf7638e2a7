-- Partitions of a ledger: each is protected from its first moment, nothing gets in or out unseen.
\set SHOW_CONTEXT never
\set VERBOSITY terse
CREATE FUNCTION faults() RETURNS TABLE (verdict text, detail text) LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY SELECT v.verdict, v.detail FROM bulla.verify('log') AS v ORDER BY v.seq, v.verdict, v.detail;
END $$;
CREATE FUNCTION triggers() RETURNS TABLE (partition regclass, triggers bigint, always boolean) LANGUAGE sql AS $$
SELECT tgrelid::regclass, count(*), bool_and(tgenabled = 'A') FROM pg_trigger
WHERE tgfoid IN (SELECT oid FROM pg_proc WHERE pronamespace = 'bulla'::regnamespace) AND tgrelid NOT IN (SELECT oid FROM pg_class WHERE relnamespace = 'bulla'::regnamespace)
GROUP BY 1 ORDER BY 1
$$;
CREATE TABLE log (id int NOT NULL, note text) PARTITION BY RANGE (id);
CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM (0) TO (10);
SELECT bulla.create_ledger('log') IS NOT NULL AS created;
INSERT INTO log VALUES (1, 'one'), (2, 'two');

-- However a partition is made: it has all six triggers, firing always.
CREATE TABLE log_2 PARTITION OF log FOR VALUES FROM (10) TO (20) PARTITION BY LIST (id);
CREATE TABLE log_2_10 PARTITION OF log_2 FOR VALUES IN (10);
CREATE TABLE log_2_rest PARTITION OF log_2 DEFAULT;
CREATE TABLE log_rest PARTITION OF log DEFAULT;
CREATE TABLE log_3 (LIKE log);
ALTER TABLE log ATTACH PARTITION log_3 FOR VALUES FROM (20) TO (30);
CREATE TABLE tree (LIKE log) PARTITION BY RANGE (id);
CREATE TABLE tree_1 PARTITION OF tree FOR VALUES FROM (30) TO (35);
ALTER TABLE log ATTACH PARTITION tree FOR VALUES FROM (30) TO (40);
CREATE SCHEMA made CREATE TABLE within PARTITION OF public.log FOR VALUES FROM (40) TO (50);
DO $$ BEGIN CREATE TABLE log_5 PARTITION OF log FOR VALUES FROM (50) TO (60); END $$;
SELECT * FROM triggers();
INSERT INTO log VALUES (10, 'a'), (11, 'b'), (20, 'c'), (30, 'd'), (40, 'e'), (50, 'f'), (1000, 'g');
INSERT INTO log_2_rest VALUES (12, 'direct');
INSERT INTO tree_1 VALUES (31, 'direct');
SELECT * FROM faults();

-- Each by itself.
TRUNCATE log_1;
TRUNCATE log_2_10;
TRUNCATE log_rest;
TRUNCATE made.within;
TRUNCATE tree_1;
DELETE FROM log_3;
UPDATE log SET id = id + 10 WHERE id = 1;
UPDATE log_rest SET id = 55;
ALTER TABLE log_1 DISABLE TRIGGER zzz_bulla_chain_row;
ALTER TABLE log_1 DISABLE TRIGGER bulla_refuse_truncate;
ALTER TABLE log_1 ENABLE TRIGGER ALL;
ALTER TABLE log DISABLE TRIGGER USER;
DROP TRIGGER bulla_refuse_truncate ON log_2_10;
DROP TRIGGER zzz_bulla_chain_row ON log_2_10;
DROP TRIGGER zzz_bulla_chain_row ON log;
ALTER TRIGGER bulla_close_statement ON log_1 RENAME TO other;
CREATE RULE away AS ON INSERT TO log_1 DO INSTEAD NOTHING;
CREATE FUNCTION other() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.note = ''changed''; RETURN NEW; END';
CREATE TRIGGER zzzz BEFORE INSERT ON log_1 FOR EACH ROW EXECUTE FUNCTION other();
CREATE TRIGGER zzzz BEFORE INSERT ON log FOR EACH ROW EXECUTE FUNCTION other();
ALTER TABLE log_1 SET UNLOGGED;
DROP TABLE log_1;
DROP TABLE log_2;
DROP TABLE log;
DROP SCHEMA made CASCADE;
ALTER TABLE log DETACH PARTITION log_1;
ALTER TABLE log_2 DETACH PARTITION log_2_10;
ALTER TABLE log DETACH PARTITION log_1 CONCURRENTLY;
ALTER TABLE log RENAME COLUMN note TO remark;
ALTER TABLE log DROP COLUMN note;
ALTER TABLE log_1 ADD COLUMN x int;
-- Fine.
ALTER TABLE log ADD COLUMN more text;
ALTER TABLE log_1 ALTER COLUMN more SET DEFAULT 'm';
ALTER TABLE log_1 RENAME TO log_first;
CREATE INDEX ON log_first (id);
INSERT INTO log VALUES (3, 'three');
INSERT INTO log_first VALUES (4, 'four');
SELECT * FROM faults();

-- What cannot be a partition of a ledger.
CREATE FOREIGN DATA WRAPPER nothing;
CREATE SERVER elsewhere FOREIGN DATA WRAPPER nothing;
CREATE FOREIGN TABLE foreign_part PARTITION OF log FOR VALUES FROM (60) TO (70) SERVER elsewhere;
CREATE FOREIGN TABLE foreign_part (id int NOT NULL, note text, seq bigint NOT NULL, prev_hash bytea NOT NULL, hash bytea NOT NULL, more text)
    SERVER elsewhere;
ALTER TABLE log ATTACH PARTITION foreign_part FOR VALUES FROM (60) TO (70);
CREATE UNLOGGED TABLE unlogged_part PARTITION OF log FOR VALUES FROM (60) TO (70);
CREATE TABLE other_ledger (id int NOT NULL, note text, more text);
SELECT bulla.create_ledger('other_ledger') IS NOT NULL AS created;
ALTER TABLE log ATTACH PARTITION other_ledger FOR VALUES FROM (60) TO (70);
CREATE TABLE plain (LIKE other_ledger) PARTITION BY RANGE (id);
ALTER TABLE plain ATTACH PARTITION other_ledger FOR VALUES FROM (0) TO (10);
CREATE TABLE heir () INHERITS (other_ledger);

-- Rows that come with a table: whoever forged them computed their hashes, but their place is taken or not next.
CREATE TABLE smuggled (LIKE log);
INSERT INTO smuggled VALUES (60, 'forged', 7, sha256(''), sha256('x'));
ALTER TABLE log ATTACH PARTITION smuggled FOR VALUES FROM (60) TO (70);
TRUNCATE smuggled;
CREATE FUNCTION forge(place bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    record bytea := 'bulla.record.v1' || '\x00'::bytea || decode(replace((SELECT id::text FROM bulla.ledgers WHERE ledger = 'log'::regclass), '-', ''), 'hex')
        || int4send(0) || int4send(2) || int4send(2) || 'id' || '\x00' || int4send(2) || '60'
        || int4send(4) || 'note' || '\x00' || int4send(6) || 'forged' || int8send(place);
    before bytea := coalesce((SELECT hash FROM log WHERE seq = place - 1), sha256('unknown'));
BEGIN
    INSERT INTO smuggled VALUES (60, 'forged', place, before, sha256('\x00'::bytea || record || before));
END $$;
SELECT forge(5);
ALTER TABLE log ATTACH PARTITION smuggled FOR VALUES FROM (60) TO (70);
TRUNCATE smuggled;
SELECT forge(100);
ALTER TABLE log ATTACH PARTITION smuggled FOR VALUES FROM (60) TO (70);
TRUNCATE smuggled;
-- Even one that would be the next is not taken by who has appended himself.
SELECT forge(max(seq) + 1) FROM log;
BEGIN;
INSERT INTO log VALUES (5, 'mine');
ALTER TABLE log ATTACH PARTITION smuggled FOR VALUES FROM (60) TO (70);
ROLLBACK;
-- Otherwise it is a row like any other, and the next one follows it.
ALTER TABLE log ATTACH PARTITION smuggled FOR VALUES FROM (60) TO (70);
INSERT INTO log VALUES (6, 'after') RETURNING seq - (SELECT seq FROM smuggled) AS behind;
SELECT * FROM faults();

-- In a transaction, and rolled back.
BEGIN;
CREATE TABLE log_7 PARTITION OF log FOR VALUES FROM (70) TO (80);
INSERT INTO log VALUES (70, 'x');
SAVEPOINT s;
ALTER TABLE log DETACH PARTITION log_7;
ROLLBACK TO s;
ROLLBACK;
SELECT * FROM faults();
SELECT action, detail ->> 'partition' AS partition FROM bulla.events WHERE action = 'ledger.partition_attached' ORDER BY seq;

-- A superuser who gets around this is seen.
ALTER EVENT TRIGGER bulla_judge_ddl_end DISABLE;
ALTER TABLE log_3 DISABLE TRIGGER bulla_refuse_truncate;
CREATE TABLE log_8 PARTITION OF log FOR VALUES FROM (80) TO (90);
ALTER TABLE log_5 ENABLE REPLICA TRIGGER bulla_refuse_change;
CREATE RULE away AS ON INSERT TO log_8 DO INSTEAD NOTHING;
CREATE TRIGGER zzzz BEFORE INSERT ON log_8 FOR EACH ROW EXECUTE FUNCTION other();
SELECT * FROM faults();
ALTER EVENT TRIGGER bulla_judge_ddl_end ENABLE;
SELECT detail FROM faults() WHERE detail LIKE 'event trigger%';
ALTER EVENT TRIGGER bulla_judge_ddl_end ENABLE ALWAYS;
ALTER EXTENSION bulla DROP EVENT TRIGGER bulla_judge_drop;
DROP EVENT TRIGGER bulla_judge_drop;
SELECT detail FROM faults() WHERE detail LIKE 'event trigger%';
