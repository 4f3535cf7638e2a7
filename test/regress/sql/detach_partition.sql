-- bulla.detach_partition takes a whole partition out of a ledger; both verify from then on.
\set VERBOSITY terse
SET client_min_messages = warning;

CREATE TABLE visits (tenant text NOT NULL, month int NOT NULL, note text) PARTITION BY RANGE (month);
CREATE TABLE visits_1 PARTITION OF visits FOR VALUES FROM (1) TO (2);
CREATE TABLE visits_2 PARTITION OF visits FOR VALUES FROM (2) TO (3);
CREATE TABLE visits_3 PARTITION OF visits FOR VALUES FROM (3) TO (4);
CREATE TABLE visits_4 PARTITION OF visits FOR VALUES FROM (4) TO (5);
SELECT bulla.create_ledger('visits', '{tenant}') IS NOT NULL AS created;
INSERT INTO visits SELECT 'tenant ' || n % 3, 1 + n / 100, n FROM generate_series(0, 299) AS n;
CREATE FUNCTION state() RETURNS TABLE (leaf regclass, tenant text, lowest bigint, highest bigint) LANGUAGE sql AS $$
SELECT tableoid::regclass, tenant, min(seq), max(seq) FROM visits GROUP BY 1, 2 ORDER BY 1, 2
$$;
SELECT * FROM state();

-- Only the first rows of the chains can go.
SELECT bulla.detach_partition('visits', 'visits_2');
SELECT bulla.detach_partition('visits', 'visits_1');
SELECT * FROM state();
SELECT verified, rows_checked, chains, notes FROM bulla.verify_summary('visits');
SELECT detail ->> 'partition' AS partition, detail ->> 'chain' AS chain, detail ->> 'seq' AS seq, detail ->> 'rows' AS rows FROM bulla.events
WHERE action = 'ledger.partition_detached' ORDER BY chain;
-- What was detached verifies alone, is as it was, and takes nothing new.
SELECT verified, rows_checked, chains FROM bulla.verify_summary('visits_1');
SELECT count(*) FROM bulla.verify('visits_1', 'tenant 1');
SELECT ledger, id = (SELECT id FROM bulla.ledgers WHERE ledger = 'visits'::regclass) AS same_id FROM bulla.ledgers WHERE ledger = 'visits_1'::regclass;
INSERT INTO visits_1 VALUES ('tenant 1', 1, 'new');
COPY visits_1 (tenant, month, note) FROM stdin;
tenant 1	1	new
\.
UPDATE visits_1 SET note = '';
DELETE FROM visits_1;
TRUNCATE visits_1;
SELECT bulla.prune('visits_1', 1000, 'tenant 1');
SELECT bulla.record_verification('visits_1');
SELECT * FROM bulla.verify_since('visits_1');
-- The ledger goes on.
INSERT INTO visits VALUES ('tenant 1', 3, 'new'), ('tenant 3', 3, 'new') RETURNING tenant, seq;
SELECT bulla.record_verification('visits');
-- The next one, which begins at a boundary; pruning and detaching go together.
SELECT bulla.detach_partition('visits', 'visits_2');
SELECT verified, rows_checked, chains FROM bulla.verify_summary('visits');
SELECT verified, rows_checked, chains FROM bulla.verify_summary('visits_2');
SELECT count(*) FROM bulla.verify_since('visits');
-- A chain keeps its last row.
SELECT bulla.detach_partition('visits', 'visits_3');
INSERT INTO visits SELECT 'tenant ' || n, 4, 'at rest' FROM generate_series(0, 3) AS n;
SELECT bulla.detach_partition('visits', 'visits_3');
SELECT * FROM state();
SELECT verified, rows_checked, chains FROM bulla.verify_summary('visits');
-- An empty one, always.
CREATE TABLE visits_5 PARTITION OF visits FOR VALUES FROM (5) TO (6);
SELECT bulla.detach_partition('visits', 'visits_5');
SELECT verified, rows_checked, chains FROM bulla.verify_summary('visits_5');
SELECT count(*) FROM bulla.verify('bulla.events');

-- What is done to a detached part shows.
SET bulla.restore = on;
ALTER TABLE visits_3 DISABLE TRIGGER USER;
DELETE FROM visits_3 WHERE tenant = 'tenant 0' AND seq = (SELECT max(seq) FROM visits_3 WHERE tenant = 'tenant 0');
DELETE FROM visits_3 WHERE tenant = 'tenant 1' AND seq = (SELECT min(seq) FROM visits_3 WHERE tenant = 'tenant 1');
UPDATE visits_3 SET note = 'forged' WHERE tenant = 'tenant 2' AND seq = 70;
RESET bulla.restore;
SELECT chain, seq, verdict, left(detail, 16) AS detail FROM bulla.verify('visits_3') WHERE verdict <> 'unprotected';
-- Dropped at last.
SELECT bulla.drop_ledger('visits_1');
DROP TABLE visits_1;
SELECT verified, rows_checked, chains FROM bulla.verify_summary('visits');

-- Rows that do not verify stay.
CREATE TABLE log (month int NOT NULL, note text) PARTITION BY LIST (month);
CREATE TABLE log_1 PARTITION OF log FOR VALUES IN (1);
CREATE TABLE log_2 PARTITION OF log FOR VALUES IN (2) PARTITION BY LIST (note);
CREATE TABLE log_2a PARTITION OF log_2 FOR VALUES IN ('a');
CREATE TABLE log_2b PARTITION OF log_2 FOR VALUES IN ('b');
SELECT bulla.create_ledger('log') IS NOT NULL AS created;
INSERT INTO log SELECT 1, 'a' FROM generate_series(0, 9);
INSERT INTO log SELECT 2, 'a' FROM generate_series(0, 9);
INSERT INTO log SELECT 2, 'b' FROM generate_series(0, 9);
SET bulla.restore = on;
ALTER TABLE log_1 DISABLE TRIGGER USER;
UPDATE log_1 SET note = 'forged' WHERE seq = 9;
ALTER TABLE log_1 ENABLE ALWAYS TRIGGER bulla_refuse_change, ENABLE ALWAYS TRIGGER bulla_refuse_truncate, ENABLE ALWAYS TRIGGER zzz_bulla_chain_row,
    ENABLE ALWAYS TRIGGER bulla_confirm_row, ENABLE ALWAYS TRIGGER bulla_open_statement, ENABLE ALWAYS TRIGGER bulla_close_statement;
SELECT bulla.detach_partition('log', 'log_1');
ALTER TABLE log_1 DISABLE TRIGGER bulla_refuse_change;
UPDATE log_1 SET note = 'a' WHERE seq = 9;
ALTER TABLE log_1 ENABLE ALWAYS TRIGGER bulla_refuse_change;
RESET bulla.restore;
-- A partition of a partition; in a transaction that is rolled back; not one that has partitions, nor a stranger.
SELECT bulla.detach_partition('log', 'log_2');
SELECT bulla.detach_partition('log', 'visits_4');
SELECT bulla.detach_partition('log', 'log');
SELECT bulla.detach_partition('log_2', 'log_2a');
BEGIN;
SELECT bulla.detach_partition('log', 'log_1');
SELECT count(*) FROM bulla.verify('log');
ROLLBACK;
SELECT count(*), count(DISTINCT tableoid) FROM log;
SELECT count(*) FROM bulla.verify('log');
SELECT bulla.detach_partition('log', 'log_1'), bulla.detach_partition('log', 'log_2a');
SELECT verified, rows_checked, notes::text ~ 'begins with seq 20' AS noted FROM bulla.verify_summary('log');
SELECT verified, rows_checked FROM bulla.verify_summary('log_1');
SELECT verified, rows_checked FROM bulla.verify_summary('log_2a');

-- Who may: who owns both.
CREATE ROLE regress_owner;
CREATE ROLE regress_other;
ALTER TABLE visits OWNER TO regress_owner;
GRANT ALL ON visits, visits_4 TO regress_other;
INSERT INTO visits (tenant, month) SELECT 'tenant ' || n, 4 FROM generate_series(0, 3) AS n;
SET ROLE regress_other;
SELECT bulla.detach_partition('visits', 'visits_4');
SET ROLE regress_owner;
SELECT bulla.detach_partition('visits', 'visits_4');
RESET ROLE;
SELECT bulla.detach_partition('visits', NULL);
SELECT bulla.detach_partition(NULL, 'visits_4');
BEGIN READ ONLY;
SELECT bulla.detach_partition('visits', 'visits_4');
ROLLBACK;

-- A part can come back: without the triggers of its own it is a table whose rows the ledger verifies with.
CREATE TABLE back (id int NOT NULL, note text) PARTITION BY RANGE (id);
CREATE TABLE back_1 PARTITION OF back FOR VALUES FROM (0) TO (10);
CREATE TABLE back_2 PARTITION OF back FOR VALUES FROM (10) TO (100);
SELECT bulla.create_ledger('back') IS NOT NULL AS created;
INSERT INTO back SELECT g, 'row ' || g FROM generate_series(0, 19) AS g;
SELECT bulla.detach_partition('back', 'back_1');
ALTER TABLE back ATTACH PARTITION back_1 FOR VALUES FROM (0) TO (10);
SELECT bulla.drop_ledger('back_1');
ALTER TABLE back ATTACH PARTITION back_1 FOR VALUES FROM (0) TO (10);
INSERT INTO back VALUES (5, 'again') RETURNING seq;
SELECT verified, rows_checked FROM bulla.verify_summary('back');
SET bulla.restore = on;
DROP TABLE back;
RESET bulla.restore;

SET bulla.restore = on;
DROP TABLE visits, visits_2, visits_3, visits_5, log, log_1, log_2a;
DROP ROLE regress_owner, regress_other;
