-- Parallel workers find what one process finds, and tell it in the same order.
\set VERBOSITY terse
SET client_min_messages = warning;

CREATE TABLE ledger (lane text NOT NULL, month int NOT NULL, note text) PARTITION BY LIST (month);
CREATE TABLE ledger_1 PARTITION OF ledger FOR VALUES IN (1);
CREATE TABLE ledger_2 PARTITION OF ledger FOR VALUES IN (2);
CREATE TABLE ledger_empty PARTITION OF ledger FOR VALUES IN (3);
SELECT bulla.create_ledger('ledger', '{lane}') IS NOT NULL AS created;
INSERT INTO ledger SELECT 'lane ' || n % 7, 1 + n / 5001, 'note ' || n FROM generate_series(1, 10000) AS n;

-- What is found, and whether workers took part in finding it: DEBUG1 says so.
CREATE FUNCTION found() RETURNS text[] LANGUAGE sql AS $$
SELECT array_agg(v::text ORDER BY ordinality) FROM bulla.verify('ledger') WITH ORDINALITY AS v
$$;
CREATE TABLE findings (how text, found text[]);

-- Tampering: altered, relinked, missing, twice and a row of no chain, in both partitions.
SET bulla.restore = on;
ALTER TABLE ledger DISABLE TRIGGER USER;
ALTER TABLE ledger_2 DISABLE TRIGGER USER;
UPDATE ledger SET note = 'forged' WHERE note IN ('note 17', 'note 700', 'note 9999');
UPDATE ledger SET prev_hash = hash WHERE note IN ('note 1234', 'note 8234');
DELETE FROM ledger WHERE note IN ('note 100', 'note 107', 'note 6000');
INSERT INTO ledger SELECT lane, 3 - month, note, seq, prev_hash, hash FROM ledger WHERE note IN ('note 55', 'note 4000', 'note 9000');
INSERT INTO ledger SELECT lane, month, note, seq, hash, prev_hash FROM ledger WHERE note = 'note 56';
INSERT INTO ledger SELECT lane, month, note, -1, hash, prev_hash FROM ledger WHERE note = 'note 57';
ALTER TABLE ledger ENABLE ALWAYS TRIGGER zzz_bulla_chain_row;
RESET bulla.restore;

SET max_parallel_workers_per_gather = 0;
SET client_min_messages = debug1;
INSERT INTO findings VALUES ('alone', found());
SET client_min_messages = warning;
-- Without a minimum size everything is worth workers.
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SET client_min_messages = debug1;
INSERT INTO findings VALUES ('with the leader', found());
SET parallel_leader_participation = off;
INSERT INTO findings VALUES ('workers only', found());
SET client_min_messages = warning;
SELECT how, cardinality(found), found = (SELECT found FROM findings WHERE how = 'alone') AS same FROM findings;
SELECT count(*), split_part(f, ',', 3) AS verdict FROM findings, unnest(found) AS f WHERE how = 'alone' GROUP BY 2 ORDER BY 2;

-- Counts are those of all processes together.
SELECT verified, rows_checked = (SELECT count(*) FROM ledger) AS all_rows, chains, broken_chain, broken_at, verdict FROM bulla.verify_summary('ledger');
-- One chain or a range of one is read by its index.
SET client_min_messages = debug1;
SELECT count(*) FROM bulla.verify('ledger', 'lane 3');
SET client_min_messages = warning;

-- Own rows that are not committed yet, also of a savepoint, and in a transaction that cannot see newer ones.
CREATE TABLE own (note text);
SELECT bulla.create_ledger('own') IS NOT NULL AS created;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) FROM own;
INSERT INTO own SELECT n FROM generate_series(1, 1000) AS n;
SAVEPOINT s;
INSERT INTO own SELECT n FROM generate_series(1, 1000) AS n;
SELECT verified, rows_checked, head_seq FROM bulla.verify_summary('own');
ROLLBACK TO s;
SELECT verified, rows_checked, head_seq FROM bulla.verify_summary('own');
COMMIT;
SELECT verified, rows_checked, head_seq FROM bulla.verify_summary('own');

-- Where no worker is to be had, one process does it alone.
SET max_parallel_workers = 0;
SET client_min_messages = debug1;
SELECT verified, rows_checked FROM bulla.verify_summary('own');
SET client_min_messages = warning;
RESET max_parallel_workers;
SET bulla.restore = on;
DROP TABLE own, ledger;
