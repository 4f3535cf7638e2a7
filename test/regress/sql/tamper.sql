-- What a superuser does to a sealed ledger, triggers out of the way, and what bulla.verify says of it. Each on its own,
-- and taken back. Who changes everything, checkpoints and bulla.heads included, is caught by those alone who kept a
-- checkpoint elsewhere.
SET client_min_messages = warning;
SELECT bulla.set_log_name('ledger.example.com/tamper');
CREATE TABLE log (n int, what text);
SELECT bulla.create_ledger('log') IS NOT NULL AS created;
INSERT INTO log SELECT i, 'row ' || i FROM generate_series(0, 2999) AS i;
CREATE TABLE tenants (tenant int NOT NULL, n int);
SELECT bulla.create_ledger('tenants', '{tenant}') IS NOT NULL AS created;
INSERT INTO tenants SELECT t, i FROM generate_series(1, 300) AS i, generate_series(1, 3) AS t;
CALL bulla.seal_all();
SELECT * FROM bulla.verify('log');
SELECT * FROM bulla.verify('tenants');
SELECT * FROM bulla.verify('bulla.heads');

-- Chains rows from this one on anew, as who knows the format can.
CREATE PROCEDURE rechain(from_seq bigint) LANGUAGE plpgsql AS $$
DECLARE
    at_seq bigint;
    before bytea;
BEGIN
    SELECT hash INTO before FROM log WHERE seq = from_seq - 1;
    FOR at_seq IN SELECT seq FROM log WHERE seq >= from_seq ORDER BY seq LOOP
        UPDATE log SET prev_hash = coalesce(before, decode(repeat('00', 32), 'hex')) WHERE seq = at_seq;
        UPDATE log SET hash = sha256('\x00' || bulla.row_record('log', '', at_seq)) WHERE seq = at_seq
        RETURNING hash INTO before;
    END LOOP;
END $$;
-- Does it, prints what is found (verdicts, where they begin and how many), and takes it back.
CREATE FUNCTION tamper(what text, deed text, ledger regclass DEFAULT 'log') RETURNS TABLE (verdict text, chain text, seq bigint, findings bigint)
LANGUAGE plpgsql SET bulla.restore = on SET session_replication_role = replica AS $$
BEGIN
    EXECUTE 'ALTER TABLE ' || ledger || ' DISABLE TRIGGER ALL';
    EXECUTE deed;
    CREATE TEMP TABLE found ON COMMIT DROP AS
        SELECT v.verdict, v.chain, min(v.seq) AS seq, count(*) AS findings FROM bulla.verify(ledger) AS v
        WHERE v.verdict <> 'unprotected' GROUP BY 1, 2;
    RETURN QUERY SELECT * FROM found ORDER BY 1, 2;
END $$;

BEGIN; SELECT * FROM tamper('a value', 'UPDATE log SET what = ''other'' WHERE seq = 700'); ROLLBACK;
BEGIN; SELECT * FROM tamper('a hash', 'UPDATE log SET hash = sha256(''other'') WHERE seq = 700'); ROLLBACK;
BEGIN; SELECT * FROM tamper('both, consistently', 'UPDATE log SET what = ''other'' WHERE seq = 700;
    UPDATE log SET hash = sha256(''\x00'' || bulla.row_record(''log'', '''', 700)) WHERE seq = 700'); ROLLBACK;
BEGIN; SELECT * FROM tamper('the first row', 'DELETE FROM log WHERE seq = 0'); ROLLBACK;
BEGIN; SELECT * FROM tamper('one in the middle', 'DELETE FROM log WHERE seq = 700'); ROLLBACK;
BEGIN; SELECT * FROM tamper('the last row', 'DELETE FROM log WHERE seq = 2999'); ROLLBACK;
BEGIN; SELECT * FROM tamper('the last thousand', 'DELETE FROM log WHERE seq >= 2000'); ROLLBACK;
BEGIN; SELECT * FROM tamper('all of them', 'DELETE FROM log'); ROLLBACK;
BEGIN; SELECT * FROM tamper('a row put in', 'UPDATE log SET seq = -seq - 2 WHERE seq >= 700;
    UPDATE log SET seq = -seq - 1 WHERE seq < 0;
    INSERT INTO log SELECT -1, ''put in'', 700, prev_hash, hash FROM log WHERE seq = 699; CALL rechain(700)'); ROLLBACK;
BEGIN; SELECT * FROM tamper('two rows swapped', 'UPDATE log SET seq = -1 WHERE seq = 700; UPDATE log SET seq = 700 WHERE seq = 701;
    UPDATE log SET seq = 701 WHERE seq = -1'); ROLLBACK;
BEGIN; SELECT * FROM tamper('two rows swapped, and all after them chained anew', 'UPDATE log SET n = 1401 - n,
    what = ''row '' || 1401 - n WHERE seq IN (700, 701); CALL rechain(700)'); ROLLBACK;
BEGIN; SELECT * FROM tamper('everything from the beginning', 'UPDATE log SET what = ''other'' WHERE seq = 0; CALL rechain(0)'); ROLLBACK;
BEGIN; SELECT * FROM tamper('cut off and grown again', 'DELETE FROM log WHERE seq >= 2000;
    INSERT INTO log SELECT i, ''other'', i, sha256(''''), sha256('''') FROM generate_series(2000, 3500) AS i; CALL rechain(2000)'); ROLLBACK;
BEGIN; SELECT * FROM tamper('the last thousand, and a restore recorded', 'DELETE FROM log WHERE seq >= 2000;
    SELECT bulla.record_restore(''log'', ''nothing to see here'')'); SELECT epoch, max(size) AS size FROM bulla.heads AS h
    JOIN bulla.ledgers AS l ON l.id = h.ledger_id WHERE l.ledger = 'log'::regclass GROUP BY 1 ORDER BY 1; ROLLBACK;
BEGIN; SELECT * FROM tamper('everything from the beginning, and a restore recorded', 'UPDATE log SET what = ''other'' WHERE seq = 0;
    CALL rechain(0); SELECT bulla.record_restore(''log'', ''nothing to see here'')'); ROLLBACK;
BEGIN; SELECT * FROM tamper('a restore recorded, and taken out of the table of restores', 'DELETE FROM log WHERE seq >= 2000;
    SELECT bulla.record_restore(''log'', ''nothing to see here''); DELETE FROM bulla.restores'); ROLLBACK;
-- What was sealed.
BEGIN; SELECT * FROM tamper('a tile of leaves', 'UPDATE bulla.tiles SET hashes = overlay(hashes PLACING sha256(''other'') FROM 33)
    WHERE level = 0 AND index = 2 AND tree_id = (SELECT tree_id FROM bulla.trees WHERE size = 3000)'); ROLLBACK;
BEGIN; SELECT * FROM tamper('a tile above them', 'UPDATE bulla.tiles SET hashes = overlay(hashes PLACING sha256(''other'') FROM 33)
    WHERE level = 1 AND tree_id = (SELECT tree_id FROM bulla.trees WHERE size = 3000)'); ROLLBACK;
BEGIN; SELECT * FROM tamper('a row and its tile', 'UPDATE log SET what = ''other'' WHERE seq = 2999; CALL rechain(2999);
    UPDATE bulla.tiles SET hashes = substr(hashes, 1, octet_length(hashes) - 32) || (SELECT hash FROM log WHERE seq = 2999)
    WHERE level = 0 AND index = 11 AND tree_id = (SELECT tree_id FROM bulla.trees WHERE size = 3000)'); ROLLBACK;
BEGIN; SELECT * FROM tamper('a tile that is gone', 'DELETE FROM bulla.tiles WHERE level = 0 AND index = 3'); ROLLBACK;
BEGIN; SELECT * FROM tamper('a checkpoint', 'UPDATE bulla.trees SET note = replace(note, E''\n3000\n'', E''\n2000\n'') WHERE size = 3000'); ROLLBACK;
BEGIN; SELECT * FROM tamper('the size of a tree', 'UPDATE bulla.trees SET size = 2000 WHERE size = 3000'); ROLLBACK;
BEGIN; SELECT * FROM tamper('the root of a tree', 'UPDATE bulla.trees SET root = sha256(''other'') WHERE size = 3000'); ROLLBACK;
BEGIN; SELECT * FROM tamper('a tree', 'DELETE FROM bulla.trees WHERE size = 3000'); ROLLBACK;
BEGIN; SELECT * FROM tamper('all trees', 'DELETE FROM bulla.trees', 'tenants'); ROLLBACK;
BEGIN; SELECT * FROM tamper('a whole chain', 'DELETE FROM tenants WHERE tenant = 2', 'tenants'); ROLLBACK;
BEGIN; SELECT * FROM tamper('the end of a chain', 'DELETE FROM tenants WHERE tenant = 2 AND seq > 100', 'tenants'); ROLLBACK;
BEGIN; SELECT * FROM tamper('the heads', 'DELETE FROM bulla.heads', 'bulla.heads'); ROLLBACK;

-- One chain, part of a chain, what is new, in steps, and with workers: they compare too.
BEGIN;
SET LOCAL bulla.restore = on;
SET LOCAL session_replication_role = replica;
ALTER TABLE tenants DISABLE TRIGGER ALL;
UPDATE tenants SET hash = sha256('other') WHERE tenant = 2 AND seq = 299;
DELETE FROM tenants WHERE tenant = 3 AND seq > 290;
SELECT verdict, chain, seq FROM bulla.verify('tenants', '2');
SELECT verdict, chain, seq FROM bulla.verify('tenants', '2', 299, 299) WHERE verdict <> 'unprotected';
SELECT verdict, chain, seq FROM bulla.verify('tenants', '3') WHERE verdict <> 'unprotected';
SELECT verdict, chain, seq FROM bulla.verify('tenants', '1') WHERE verdict <> 'unprotected';
SELECT verdict, chain, seq FROM bulla.verify_since('tenants') WHERE verdict <> 'unprotected';
SELECT verdict, chain, seq FROM bulla.chains_to_verify('tenants') WHERE verdict <> 'unprotected';
SET LOCAL min_parallel_table_scan_size = 0;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL max_parallel_workers_per_gather = 2;
SELECT verdict, chain, seq FROM bulla.verify('tenants') WHERE verdict <> 'unprotected';
ROLLBACK;

-- What is taken back was not done.
SELECT * FROM bulla.verify('log');
SELECT * FROM bulla.verify('tenants');
SELECT * FROM bulla.verify('bulla.heads');
