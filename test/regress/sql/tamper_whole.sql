-- What a superuser does to whole ledgers, and to what verification goes by. Each on its own, and taken back.
SET client_min_messages = warning;
SELECT bulla.set_log_name('ledger.example.com/tamper');
CREATE TABLE log (n int, what text);
SELECT bulla.create_ledger('log') IS NOT NULL AS created;
INSERT INTO log SELECT i, 'row ' || i FROM generate_series(0, 999) AS i;
CREATE TABLE months (month int NOT NULL, n int) PARTITION BY LIST (month);
CREATE TABLE months_1 PARTITION OF months FOR VALUES IN (1);
CREATE TABLE months_2 PARTITION OF months FOR VALUES IN (2);
SELECT bulla.create_ledger('months') IS NOT NULL AS created;
INSERT INTO months SELECT 1 + i / 100, i FROM generate_series(0, 199) AS i;
CREATE TABLE kept (n int);
SELECT bulla.create_ledger('kept') IS NOT NULL AS created;
CALL bulla.seal_all();
SELECT * FROM bulla.verify('bulla.events');
SELECT * FROM bulla.verify('bulla.heads');
CREATE FUNCTION told(ledger regclass) RETURNS TABLE (place text, verdict text, detail text) LANGUAGE sql AS $$
    SELECT format('row %s of %s, %s', v.seq, ledger, coalesce((SELECT e.action || ' ' || (e.detail ->> 'ledger') FROM bulla.events AS e
               WHERE ledger = 'bulla.events'::regclass AND e.seq = v.seq),
               (SELECT 'size ' || h.size FROM bulla.heads AS h WHERE ledger = 'bulla.heads'::regclass AND h.seq = v.seq))), v.verdict,
           regexp_replace(v.detail, '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', '(id)')
    FROM bulla.verify(ledger) AS v
$$;

-- A ledger is gone.
BEGIN;
SET LOCAL bulla.restore = on;
DROP TABLE log;
SELECT * FROM told('bulla.events');
SELECT * FROM told('bulla.heads');
-- Whoever verifies otherwise hears of it too.
SELECT count(*) FROM bulla.verify_since('bulla.events') WHERE verdict = 'lost';
SELECT count(*) FROM bulla.chains_to_verify('bulla.heads') WHERE verdict = 'lost';
SELECT verified, verdict FROM bulla.verify_summary('bulla.events');
-- And another one in its place, with the rows of the first.
CREATE TABLE log (n int, what text);
SELECT bulla.create_ledger('log') IS NOT NULL AS created;
INSERT INTO log SELECT i, 'row ' || i FROM generate_series(0, 999) AS i;
SELECT * FROM bulla.verify('log');
SELECT * FROM told('bulla.events');
SELECT * FROM told('bulla.heads');
ROLLBACK;
-- It is a table still, and no ledger.
BEGIN;
SET LOCAL bulla.restore = on;
DO $$ DECLARE one name; BEGIN
    FOR one IN SELECT tgname FROM pg_trigger WHERE tgrelid = 'log'::regclass LOOP EXECUTE format('DROP TRIGGER %I ON log', one); END LOOP;
END $$;
SELECT * FROM told('bulla.events');
ROLLBACK;
-- Its events are gone with it.
BEGIN;
SET LOCAL bulla.restore = on;
SET LOCAL session_replication_role = replica;
DROP TABLE log;
ALTER TABLE bulla.events DISABLE TRIGGER ALL;
DELETE FROM bulla.events WHERE detail ->> 'ledger' = 'public.log';
SELECT verdict FROM bulla.verify('bulla.events') WHERE verdict <> 'unprotected';
SELECT * FROM told('bulla.heads');
ROLLBACK;
-- A whole ledger's rows, and the name of another.
BEGIN;
SET LOCAL bulla.restore = on;
DROP TABLE kept;
ALTER TABLE months RENAME TO kept;
SELECT * FROM told('bulla.events');
ROLLBACK;
-- What was dropped by bulla.drop_ledger is not lost: that is an event. What was detached from a ledger is not the ledger.
BEGIN;
SELECT bulla.drop_ledger('kept');
DROP TABLE kept;
SELECT bulla.detach_partition('months', 'months_1');
SELECT bulla.drop_ledger('months_1');
DROP TABLE months_1;
SELECT * FROM told('bulla.events');
SELECT * FROM told('bulla.heads');
SET LOCAL bulla.restore = on;
DROP TABLE months;
SELECT * FROM told('bulla.events');
ROLLBACK;

-- Where a chain begins: rows are taken away, and a boundary is made up, with the hash that the last of them had or another.
CREATE FUNCTION tamper(deed text) RETURNS void LANGUAGE plpgsql SET bulla.restore = on AS $$
DECLARE
    one name;
BEGIN
    ALTER TABLE log DISABLE TRIGGER ALL;
    EXECUTE deed;
    FOR one IN SELECT tgname FROM pg_trigger WHERE tgrelid = 'log'::regclass LOOP
        EXECUTE format('ALTER TABLE log ENABLE ALWAYS TRIGGER %I', one);
    END LOOP;
END $$;
CREATE FUNCTION cut_off(rows int, hash bytea) RETURNS void LANGUAGE sql AS $$
    SELECT bulla.append('bulla.events', jsonb_build_object('action', 'ledger.pruned', 'role', 'nobody', 'session_role', 'nobody',
        'detail', jsonb_build_object('ledger', 'public.log', 'ledger_id', l.id, 'chain', '', 'seq', rows, 'hash', encode(hash, 'hex'), 'rows', rows)))
    FROM bulla.ledgers AS l WHERE l.ledger = 'log'::regclass;
    SELECT tamper(format('DELETE FROM log WHERE seq < %s', rows));
$$;
SELECT max(hash::text) FILTER (WHERE seq = 511) AS at_511, max(hash::text) FILTER (WHERE seq = 999) AS at_999 FROM log \gset
BEGIN;
SELECT cut_off(512, :'at_511');
SELECT verified, rows_checked, regexp_replace(notes::text, 'at [^,"]*', 'at (time)') AS notes FROM bulla.verify_summary('log');
SELECT bulla.seal('bulla.events') > 0 AS sealed;
SELECT verified, rows_checked, regexp_replace(notes::text, 'at [^,"]*', 'at (time)') AS notes FROM bulla.verify_summary('log');
-- The tree has the hashes still, and proves what had been there.
SELECT array_length(bulla.inclusion_proof('log', '', 100), 1) AS proves;
ROLLBACK;
BEGIN;
SELECT cut_off(512, sha256('other'));
SELECT verdict, seq FROM bulla.verify('log');
ROLLBACK;
-- And the row behind it chained to that.
BEGIN;
SELECT cut_off(999, sha256('other'));
SELECT tamper('UPDATE log SET prev_hash = sha256(''other'') WHERE seq = 999;
    UPDATE log SET hash = sha256(''\x00'' || bulla.row_record(''log'', '''', 999)) WHERE seq = 999');
SELECT verdict, seq FROM bulla.verify('log');
ROLLBACK;
-- All rows.
BEGIN;
SELECT cut_off(1000, :'at_999');
SELECT verdict, seq FROM bulla.verify('log');
ROLLBACK;

-- Up to where it was verified: a row is changed, and the recorded position moved behind it. What counts is what is sealed.
INSERT INTO log VALUES (1000, 'row 1000');
SELECT bulla.record_verification('log');
SELECT * FROM bulla.verify_since('log');
SELECT bulla.seal('bulla.events') > 0 AS sealed;
INSERT INTO log VALUES (1001, 'row 1001');
BEGIN;
SELECT tamper('UPDATE log SET what = ''other'' WHERE seq = 1001');
SELECT verdict, seq FROM bulla.verify_since('log');
SELECT bulla.append('bulla.events', jsonb_build_object('action', 'ledger.verified', 'role', 'nobody', 'session_role', 'nobody',
    'detail', jsonb_build_object('ledger_id', l.id, 'chain', '', 'seq', 1001, 'hash', encode(log.hash, 'hex'))))
FROM bulla.ledgers AS l, log WHERE l.ledger = 'log'::regclass AND log.seq = 1001;
SELECT verdict, seq FROM bulla.verify_since('log');
-- Once it is sealed it is believed, is there for ever, and the next full verification tells the truth.
SELECT bulla.seal('bulla.events') > 0 AS sealed;
SELECT verdict, seq FROM bulla.verify_since('log');
SELECT verdict, seq FROM bulla.verify('log');
ROLLBACK;
-- What was sealed and is gone is truncated, though nobody verified it.
SELECT bulla.seal('log');
BEGIN;
SELECT tamper('DELETE FROM log WHERE seq = 1001');
SELECT verdict, seq FROM bulla.verify_since('log');
\set VERBOSITY terse
SELECT bulla.record_verification('log');
ROLLBACK;

-- The key that signs: bytes that are not those committed to sign nothing.
SELECT wrapped AS right_one FROM bulla.key_versions AS v, bulla.key_names AS n WHERE v.key_id = n.key_id AND n.name = 'bulla.log' \gset
CREATE FUNCTION replace_key(wrapped bytea) RETURNS void LANGUAGE sql AS $$
    UPDATE bulla.key_versions SET wrapped = replace_key.wrapped WHERE key_id = (SELECT key_id FROM bulla.key_names WHERE name = 'bulla.log')
$$;
SELECT bulla.create_key('other') IS NOT NULL AS created;
INSERT INTO log VALUES (1002, 'row 1002');
SELECT replace_key((SELECT wrapped FROM bulla.key_versions WHERE key_id = (SELECT key_id FROM bulla.key_names WHERE name = 'other')));
\c
\set VERBOSITY terse
SELECT bulla.seal('log');
SELECT replace_key(overlay(:'right_one'::bytea PLACING '\x00000000' FROM 40));
SELECT bulla.seal('log');
SELECT bulla.verifier_key('log');
SELECT replace_key(:'right_one'::bytea);
SELECT bulla.seal('log');
SELECT * FROM bulla.verify('log');
SELECT * FROM bulla.verify('bulla.events');
