-- bulla.verify_in_steps finds in many short transactions what bulla.verify finds in one.
\set VERBOSITY terse
SET client_min_messages = warning;

CREATE TABLE ledger (lane text NOT NULL, note text);
SELECT bulla.create_ledger('ledger', '{lane}') IS NOT NULL AS created;
CALL bulla.verify_in_steps('ledger');
INSERT INTO ledger SELECT lane, 'note ' || n FROM unnest('{a,b,"c d"}'::text[]) AS lane, generate_series(0, 99) AS n;
SELECT chain, seq, h.hash = l.hash AS of_the_row FROM bulla.chain_heads('ledger') AS h JOIN ledger AS l USING (seq) WHERE l.lane = h.chain;
CALL bulla.verify_in_steps('ledger');
CALL bulla.verify_in_steps('ledger', 7);
CALL bulla.verify_in_steps('ledger', 1);
CALL bulla.verify_in_steps('ledger', 9223372036854775807);

-- What is found is found once, at the borders of steps too.
SET bulla.restore = on;
ALTER TABLE ledger DISABLE TRIGGER USER;
UPDATE ledger SET prev_hash = sha256('') WHERE lane = 'a' AND seq IN (9, 10, 11);
DELETE FROM ledger WHERE lane = 'b' AND seq IN (0, 50);
ALTER TABLE ledger ENABLE ALWAYS TRIGGER zzz_bulla_chain_row;
RESET bulla.restore;
CREATE TABLE found (f jsonb);
DO $$
DECLARE
    checked bigint;
    steps jsonb;
BEGIN
    CALL bulla.verify_in_steps('ledger', 10, checked, steps);
    INSERT INTO found SELECT * FROM jsonb_array_elements(steps);
END $$;
SELECT f ->> 'chain' AS chain, f ->> 'seq' AS seq, f ->> 'verdict' AS verdict FROM found WHERE f ->> 'verdict' <> 'unprotected' ORDER BY 1, (f ->> 'seq')::int, 3;
SELECT (SELECT count(*) FROM found) = count(*) AS as_many, bool_and(to_jsonb(v) IN (SELECT f FROM found)) AS the_same FROM bulla.verify('ledger') AS v;

-- So is what no range of a chain shows: rows without a place in one, and damaged ends.
CREATE TABLE lost (lane text NOT NULL, place int NOT NULL, note text);
SELECT bulla.create_ledger('lost', '{lane,place}') IS NOT NULL AS created;
CALL bulla.verify_in_steps('lost');
INSERT INTO lost SELECT 'lane', place, note FROM generate_series(1, 8) AS place, generate_series(1, 3) AS note;
SET bulla.restore = on;
ALTER TABLE lost DISABLE TRIGGER USER;
CALL bulla.verify_in_steps('lost', 100, NULL, NULL) \gset
SELECT f ->> 'verdict' AS verdict, f ->> 'detail' AS detail FROM jsonb_array_elements(:'findings') AS f ORDER BY 1, 2;
ALTER TABLE lost ALTER lane DROP NOT NULL, ALTER place DROP NOT NULL, ALTER seq DROP NOT NULL, ALTER hash DROP NOT NULL;
UPDATE lost SET lane = NULL WHERE place = 1 AND seq = 2;
UPDATE lost SET lane = repeat('x', 1100) WHERE place = 2 AND seq = 2;
UPDATE lost SET place = NULL WHERE place = 3 AND seq = 2;
UPDATE lost SET seq = NULL WHERE place = 4;
UPDATE lost SET seq = NULL WHERE place = 5 AND seq = 1;
UPDATE lost SET seq = -7 WHERE place = 6 AND seq = 2;
UPDATE lost SET seq = 9223372036854775807 WHERE place = 7 AND seq = 2;
UPDATE lost SET hash = NULL WHERE place = 8 AND seq = 2;
ALTER TABLE lost ENABLE TRIGGER USER;
RESET bulla.restore;
TRUNCATE found;
DO $$
DECLARE
    checked bigint;
    steps jsonb;
BEGIN
    CALL bulla.verify_in_steps('lost', 2, checked, steps);
    INSERT INTO found SELECT * FROM jsonb_array_elements(steps);
END $$;
SELECT left(f ->> 'chain', 20) AS chain, f ->> 'seq' AS seq, f ->> 'verdict' AS verdict,
    regexp_replace(f ->> 'detail', '\(\d+,\d+\)', '(…)') AS detail FROM found ORDER BY f ->> 'chain' COLLATE "C", f ->> 'seq', 3, 4;
SELECT (SELECT count(*) FROM found) = count(*) AS as_many, bool_and(to_jsonb(v) IN (SELECT f FROM found)) AS the_same FROM bulla.verify('lost') AS v;
SELECT count(*) = (SELECT count(*) FROM found) AS as_many, bool_and(to_jsonb(v) IN (SELECT f FROM found)) AS the_same FROM bulla.verify_since('lost') AS v;
SELECT * FROM bulla.verify('lost', '(lane,4)', 0, 0) WHERE verdict = 'missing';
SELECT count(*), min(detail) ~ 'has no valid seq' FROM bulla.verify('lost', '(lane,4)') WHERE verdict = 'altered';

-- Not inside a transaction, which would have one snapshot; nor with what makes no sense.
BEGIN;
CALL bulla.verify_in_steps('ledger');
ROLLBACK;
CALL bulla.verify_in_steps('ledger', 0);
CALL bulla.verify_in_steps('ledger', NULL);
CALL bulla.verify_in_steps('pg_class');
-- The path of the session does not matter.
CREATE SCHEMA shadow;
CREATE FUNCTION shadow.to_jsonb(anyelement) RETURNS jsonb LANGUAGE sql AS $$ SELECT '"shadow"'::jsonb $$;
SET search_path = shadow, public, pg_catalog;
CALL bulla.verify_in_steps('public.ledger', 100, NULL, NULL) \gset
SELECT :'findings' LIKE '%altered%' AS found, :'findings' LIKE '%shadow%' AS by_shadow;
RESET search_path;
DROP SCHEMA shadow CASCADE;
SET bulla.restore = on;
DROP TABLE ledger, lost, found;
