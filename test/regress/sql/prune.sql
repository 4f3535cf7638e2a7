-- bulla.prune removes the oldest rows of a chain; what is left verifies from the boundary it records.
\set VERBOSITY terse
SET client_min_messages = warning;

CREATE PROCEDURE tamper(VARIADIC statements text[]) LANGUAGE plpgsql AS $$
DECLARE
    statement text;
    trigger text;
BEGIN
    PERFORM set_config('bulla.restore', 'on', true);
    FOR trigger IN SELECT tgname FROM pg_trigger WHERE tgrelid = 'ledger'::regclass AND NOT tgisinternal LOOP
        EXECUTE format('ALTER TABLE ledger DISABLE TRIGGER %I', trigger);
    END LOOP;
    FOREACH statement IN ARRAY statements LOOP
        EXECUTE statement;
    END LOOP;
    FOR trigger IN SELECT tgname FROM pg_trigger WHERE tgrelid = 'ledger'::regclass AND NOT tgisinternal LOOP
        EXECUTE format('ALTER TABLE ledger ENABLE ALWAYS TRIGGER %I', trigger);
    END LOOP;
    PERFORM set_config('bulla.restore', 'off', true);
END $$;
CREATE TABLE ledger (id int PRIMARY KEY, note text);
SELECT bulla.create_ledger('ledger') IS NOT NULL AS created;
INSERT INTO ledger SELECT n, 'note ' || n FROM generate_series(0, 1099) AS n;
CREATE FUNCTION state() RETURNS TABLE (lowest bigint, highest bigint, rows bigint, findings bigint, verified boolean, notes text) LANGUAGE sql AS $$
SELECT min(seq), max(seq), count(*), (SELECT count(*) FROM bulla.verify('ledger')), (SELECT verified FROM bulla.verify_summary('ledger')),
    (SELECT regexp_replace(n.notes::text, 'at \d.*', 'at …') FROM bulla.verify_summary('ledger') AS n) FROM ledger
$$;
SELECT * FROM state();

-- Rounded down to a multiple of 256: less is nothing.
SELECT bulla.prune('ledger', 0), bulla.prune('ledger', 255);
SELECT bulla.prune('ledger', 300);
SELECT * FROM state();
-- What went, who did it, and where the chain begins, is on record.
SELECT e.action, e.role = current_user AS mine, e.detail ->> 'ledger' AS ledger, e.detail ->> 'chain' AS chain, e.detail ->> 'seq' AS seq, e.detail ->> 'rows' AS rows,
    e.detail ->> 'hash' = encode(l.prev_hash, 'hex') AS hash_before_the_first FROM bulla.events AS e, ledger AS l WHERE e.action = 'ledger.pruned' AND l.seq = 256;
SELECT count(*) FROM bulla.verify('bulla.events');
-- Once more, and less than is gone already: nothing.
SELECT bulla.prune('ledger', 300), bulla.prune('ledger', 100);
SELECT bulla.prune('ledger', 512);
SELECT * FROM state();
-- More than there is, the whole chain: the last row stays, and with it the piece of 256 that it is in.
SELECT bulla.prune('ledger', 9223372036854775807);
SELECT * FROM state();
-- The chain goes on from where it was; ranges on both sides of the boundary verify.
INSERT INTO ledger VALUES (2000, 'after') RETURNING seq;
SELECT * FROM state();
SELECT count(*) FROM bulla.verify('ledger', '');
SELECT count(*) FROM bulla.verify('ledger', '', 0, 500);
SELECT count(*) FROM bulla.verify('ledger', '', 1000, 1030);
SELECT count(*) FROM bulla.verify('ledger', '', 1024, 1024);
SELECT count(*) FROM bulla.verify('ledger', '', 1030, 2000);
SELECT bulla.record_verification('ledger'), bulla.record_verification('ledger', true);
SELECT count(*) FROM bulla.verify_since('ledger');

-- The boundary excuses nothing else: a row after it that is gone, one before it that comes back, another predecessor.
CREATE TABLE kept AS SELECT * FROM ledger;
CALL tamper('DELETE FROM ledger WHERE seq = 1024');
SELECT seq, verdict, detail FROM bulla.verify('ledger');
CALL tamper('DELETE FROM ledger WHERE seq < 1030');
SELECT seq, verdict, detail FROM bulla.verify('ledger');
CALL tamper('DELETE FROM ledger');
SELECT seq, verdict, detail FROM bulla.verify('ledger');
CALL tamper('INSERT INTO ledger SELECT * FROM kept', 'INSERT INTO ledger SELECT id + 10000, note, 100, prev_hash, hash FROM kept WHERE seq = 1030');
SELECT seq, verdict, left(detail, 16) FROM bulla.verify('ledger');
CALL tamper('DELETE FROM ledger WHERE seq = 100', 'UPDATE ledger SET prev_hash = sha256('''') WHERE seq = 1024');
SELECT seq, verdict, left(detail, 16) FROM bulla.verify('ledger');
CALL tamper('DELETE FROM ledger', 'INSERT INTO ledger SELECT * FROM kept');
SELECT * FROM state();

-- Rows that do not verify are evidence: they stay.
INSERT INTO ledger SELECT n, 'note ' || n FROM generate_series(3000, 3599) AS n;
CALL tamper('UPDATE ledger SET note = ''forged'' WHERE seq = 1200');
SELECT bulla.prune('ledger', 1280);
SELECT count(*) FROM ledger WHERE seq < 1280;
CALL tamper('UPDATE ledger SET note = ''note 3099'' WHERE seq = 1200');
UPDATE ledger SET note = '' WHERE seq = 1200;
DELETE FROM ledger WHERE seq = 1024;
-- In a transaction that is rolled back, or to a savepoint: nothing happened. Seen before the commit it has.
BEGIN;
SAVEPOINT s;
SELECT bulla.prune('ledger', 1280);
SELECT * FROM state();
ROLLBACK TO s;
SELECT * FROM state();
COMMIT;
SELECT count(*) FROM bulla.events WHERE action = 'ledger.pruned';
-- What others hang on the rows holds: a foreign key, and a trigger that keeps a row.
CREATE TABLE quoting (id int REFERENCES ledger);
INSERT INTO quoting VALUES (3010);
SELECT bulla.prune('ledger', 1280);
DROP TABLE quoting;
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER keep BEFORE DELETE ON ledger FOR EACH ROW WHEN (OLD.seq = 1100) EXECUTE FUNCTION keep();
SELECT bulla.prune('ledger', 1280);
DROP TRIGGER keep ON ledger;
SELECT bulla.prune('ledger', 1280);
SELECT * FROM state();

-- Chains are pruned each for itself, across partitions.
CREATE TABLE parted (tenant text NOT NULL, kind int NOT NULL, month int NOT NULL, note text) PARTITION BY RANGE (month);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (1) TO (2);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (2) TO (9);
SELECT bulla.create_ledger('parted', '{tenant,kind}') IS NOT NULL AS created;
INSERT INTO parted SELECT 'tenant ' || n % 3, 1, CASE WHEN n < 900 THEN 1 ELSE 2 END, n FROM generate_series(0, 1999) AS n;
SELECT bulla.prune('parted', 1000, '("tenant 1",1)'), bulla.prune('parted', 300, '("tenant 2",1)');
SELECT tenant, min(seq), max(seq), count(*) FROM parted GROUP BY 1 ORDER BY 1;
SELECT verified, rows_checked, chains, notes FROM bulla.verify_summary('parted');
SET min_parallel_table_scan_size = 0;
SELECT verified, rows_checked, chains, notes FROM bulla.verify_summary('parted');
RESET min_parallel_table_scan_size;
SELECT bulla.prune('parted', 1000, 'tenant 1');
SELECT bulla.prune('parted', 1000, '(nobody,1)');
SELECT bulla.prune('parted', 1000);
SELECT bulla.prune('parted_1', 1000, '("tenant 1",1)');

-- Who may: the owner.
CREATE ROLE regress_owner;
CREATE ROLE regress_other;
GRANT ALL ON ledger TO regress_other;
SET ROLE regress_other;
SELECT bulla.prune('ledger', 1536);
RESET ROLE;
ALTER TABLE ledger OWNER TO regress_owner;
SET ROLE regress_owner;
SELECT bulla.prune('ledger', 1536);
RESET ROLE;
SELECT e.role FROM bulla.events AS e WHERE action = 'ledger.pruned' ORDER BY seq DESC LIMIT 1;
SELECT * FROM state();
SELECT bulla.prune('bulla.events', 1000);
SELECT bulla.prune('pg_class', 1000);
SELECT bulla.prune('ledger', -1);
SELECT bulla.prune('ledger', NULL);
SELECT bulla.prune(NULL, 1);
SELECT bulla.prune('ledger', 1, NULL);
BEGIN READ ONLY;
SELECT bulla.prune('ledger', 1);
ROLLBACK;
BEGIN;
SELECT bulla.prune('ledger', 1);
PREPARE TRANSACTION 'pruned';
SET bulla.restore = on;
DROP TABLE ledger, parted, kept;
DROP ROLE regress_owner, regress_other;
