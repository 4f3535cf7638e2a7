-- bulla.record_verification notes up to where a ledger was verified, bulla.verify_since goes on from there.
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
CREATE TABLE ledger (lane text NOT NULL, part int NOT NULL DEFAULT 1, note text);
SELECT bulla.create_ledger('ledger', '{lane,part}') IS NOT NULL AS created;
-- The findings, with what differs from run to run left out.
CREATE FUNCTION since(ledger regclass DEFAULT 'ledger') RETURNS TABLE (chain text, seq bigint, verdict text, detail text) LANGUAGE sql AS $$
SELECT chain, seq, verdict, regexp_replace(regexp_replace(detail, '[0-9a-f]{64}', '…', 'g'), 'at [0-9].*', 'at …')
FROM bulla.verify_since(ledger)
$$;
CREATE FUNCTION positions() RETURNS TABLE (chain text, verified text) LANGUAGE sql AS $$
SELECT detail ->> 'chain', string_agg(detail ->> 'seq', ',' ORDER BY seq) FROM bulla.events WHERE action = 'ledger.verified' GROUP BY 1 ORDER BY 1
$$;
-- Nothing there, nothing recorded.
SELECT * FROM since();
SELECT bulla.record_verification('ledger');
SELECT * FROM positions();
-- Chains are found one after the other, whatever their names.
INSERT INTO ledger (lane, part, note) SELECT lane, part, 'note ' || n FROM unnest('{a,b,"",ä,B,"a b"}'::text[]) AS lane, generate_series(1, 2) AS part, generate_series(0, 9) AS n;
SELECT * FROM since();
SELECT bulla.record_verification('ledger');
SELECT * FROM positions();
SELECT e.detail ->> 'hash' = encode(l.hash, 'hex') AS hash_of_the_row, e.role = current_user AS mine FROM bulla.events AS e, ledger AS l
WHERE e.action = 'ledger.verified' AND e.detail ->> 'chain' = '(b,2)' AND l.lane = 'b' AND l.part = 2 AND l.seq = 9;
-- Only chains that grew are recorded again.
SELECT bulla.record_verification('ledger');
INSERT INTO ledger (lane, note) VALUES ('a', 'new'), ('new', 'new'), ('a', 'newer');
SELECT bulla.record_verification('ledger');
SELECT * FROM positions() WHERE verified NOT IN ('9');
-- What was verified is not looked at again, but for its last row; the whole is, on request.
CALL tamper($$UPDATE ledger SET note = 'forged' WHERE lane = 'b' AND part = 1 AND seq = 3$$);
SELECT * FROM since();
INSERT INTO ledger (lane, note) VALUES ('b', 'new');
SELECT * FROM since();
SELECT bulla.record_verification('ledger', whole => true);
SELECT count(*) FROM bulla.verify('ledger');
CALL tamper($$UPDATE ledger SET note = 'note 3' WHERE lane = 'b' AND part = 1 AND seq = 3$$);
SELECT bulla.record_verification('ledger', whole => true);
SELECT * FROM positions() WHERE verified NOT IN ('9');

-- What a run over the whole and a look at what was recorded both see counts once: a row without a hash, and a
-- recorded row that is gone from between others. What the whole alone cannot see, that the last rows are gone, counts too.
BEGIN;
INSERT INTO ledger (lane, note) VALUES ('B', 'new'), ('B', 'newer');
CALL tamper($$UPDATE ledger SET hash = '\x00' WHERE lane = 'b' AND part = 2 AND seq = 9$$, $$DELETE FROM ledger WHERE lane = 'B' AND part = 1 AND seq = 9$$);
SELECT chain, seq, verdict FROM bulla.verify('ledger');
SELECT * FROM since();
SELECT bulla.record_verification('ledger', whole => true);
ROLLBACK;

-- New rows are judged, and how they link to what was verified. With findings nothing is recorded.
INSERT INTO ledger (lane, note) SELECT 'a', 'more ' || n FROM generate_series(12, 20) AS n;
CALL tamper($$UPDATE ledger SET note = 'forged' WHERE lane = 'a' AND part = 1 AND seq = 15$$, $$DELETE FROM ledger WHERE lane = 'a' AND part = 1 AND seq = 17$$,
    $$UPDATE ledger SET prev_hash = hash WHERE lane = 'a' AND part = 1 AND seq = 12$$);
SELECT * FROM since();
\set VERBOSITY default
DO $$ BEGIN PERFORM bulla.record_verification('ledger');
EXCEPTION WHEN data_corrupted THEN RAISE WARNING '%: %', SQLERRM, SQLSTATE; END $$;
\set VERBOSITY terse
SELECT * FROM positions() WHERE chain = '(a,1)';
CALL tamper($$DELETE FROM ledger WHERE lane = 'a' AND part = 1 AND seq >= 12$$);
SELECT * FROM since();

-- What was verified is gone: the last rows, all of them, a row before others, or it was replaced.
CALL tamper($$DELETE FROM ledger WHERE lane = 'a' AND part = 1 AND seq >= 8$$);
SELECT * FROM since();
CALL tamper($$DELETE FROM ledger WHERE lane IN ('a', 'new')$$);
SELECT * FROM since();
INSERT INTO ledger (lane, note) VALUES ('B', 'new'), ('B', 'newer');
CALL tamper($$DELETE FROM ledger WHERE lane = 'B' AND part = 1 AND seq = 9$$, $$DELETE FROM ledger WHERE lane = ''$$);
SELECT * FROM since() WHERE chain LIKE '(B%';
CALL tamper($$UPDATE ledger SET hash = sha256('') WHERE lane = 'ä' AND part = 2 AND seq = 9$$);
SELECT * FROM since() WHERE chain LIKE '(ä%';

-- One chain.
CREATE TABLE one (note text);
SELECT bulla.create_ledger('one') IS NOT NULL AS created;
INSERT INTO one SELECT n FROM generate_series(0, 99) AS n;
SELECT bulla.record_verification('one'), bulla.record_verification('one');
INSERT INTO one VALUES (100);
SELECT * FROM since('one');
SET bulla.restore = on;
ALTER TABLE one DISABLE TRIGGER bulla_refuse_change;
RESET bulla.restore;
SELECT * FROM since('one');
SELECT bulla.record_verification('one');
ALTER TABLE one ENABLE ALWAYS TRIGGER bulla_refuse_change;
RESET bulla.restore;

-- A transaction sees what it has not committed yet, and what others have since it began.
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) FROM one;
INSERT INTO one VALUES (101);
SELECT bulla.record_verification('one');
SELECT * FROM since('one');
ROLLBACK;
SELECT * FROM since('one');
SELECT bulla.record_verification('one');

-- bulla.events is a ledger like any other.
SELECT bulla.record_verification('bulla.events') AS once;
SELECT count(*) FROM bulla.verify_since('bulla.events');

-- Its transaction commits synchronously, whatever the session asked for, and cannot be prepared.
SET synchronous_commit = off;
BEGIN;
SELECT bulla.record_verification('one');
PREPARE TRANSACTION 'recorded';
SHOW synchronous_commit;
SELECT bulla.record_verification('one');
SHOW synchronous_commit;
RESET synchronous_commit;

-- Who may: who may read it all.
CREATE ROLE regress_reader;
CREATE ROLE regress_stranger;
GRANT SELECT ON one TO regress_reader;
INSERT INTO one VALUES (102);
SET ROLE regress_stranger;
SELECT bulla.record_verification('one');
SELECT * FROM bulla.verify_since('one');
SET ROLE regress_reader;
SELECT * FROM bulla.verify_since('one');
SELECT bulla.record_verification('one');
RESET ROLE;
SELECT role FROM bulla.events WHERE action = 'ledger.verified' ORDER BY seq DESC LIMIT 1;
ALTER TABLE one ENABLE ROW LEVEL SECURITY;
SET ROLE regress_reader;
SELECT bulla.record_verification('one');
RESET ROLE;
BEGIN READ ONLY;
SELECT bulla.record_verification('one');
ROLLBACK;
BEGIN READ ONLY;
SELECT count(*) FROM bulla.verify_since('one');
COMMIT;
SELECT bulla.record_verification('one', NULL);
SELECT bulla.record_verification(NULL);
SELECT bulla.verify_since(NULL);
SELECT * FROM bulla.verify_since('pg_class');

-- What runs shows who, what and how far; at rest nothing does.
SELECT count(*) FROM bulla.verify_progress;
SET bulla.restore = on;
DROP TABLE ledger, one;
DROP ROLE regress_reader, regress_stranger;
