-- Columns that a superuser changes behind the event triggers: verify says so once, beside the rows that do not
-- match any more.
\set VERBOSITY terse
CREATE TYPE colour AS ENUM ('red', 'green');
CREATE TABLE ledger (id int NOT NULL, n int, note varchar(40), hue colour, doubled int GENERATED ALWAYS AS (id * 2) STORED);
SELECT bulla.create_ledger('ledger', blind => true) IS NOT NULL AS created;
INSERT INTO ledger VALUES (1, 10, 'one', 'red'), (2, 20, 'two', 'green');
CREATE VIEW changes AS
SELECT verdict, seq, CASE WHEN seq IS NULL THEN detail END AS detail FROM bulla.verify('ledger');

-- What is allowed is no finding: columns added, widened, renamed types, values added to an enum.
ALTER TABLE ledger ADD COLUMN later text;
INSERT INTO ledger (id, note, later) VALUES (3, 'three', 'later');
ALTER TABLE ledger ALTER COLUMN n TYPE bigint;
ALTER TABLE ledger ALTER COLUMN note TYPE text;
ALTER TYPE colour RENAME TO shade;
ALTER TYPE shade ADD VALUE 'blue';
ALTER TABLE ledger RENAME TO renamed;
ALTER TABLE renamed RENAME TO ledger;
SELECT * FROM changes;
SELECT action, detail ->> 'columns' AS columns, detail ->> 'types' AS types, detail ->> 'column' AS column, detail ->> 'type' AS type
FROM bulla.events WHERE detail ->> 'ledger_id' = (SELECT id::text FROM bulla.ledgers WHERE ledger = 'ledger'::regclass) AND action <> 'ledger.renamed' ORDER BY seq;

-- What is not, under bulla.restore, which is a superuser's way around. Each is undone after it.
SET bulla.restore = on;
ALTER TABLE ledger ADD COLUMN added int DEFAULT 7;
SELECT * FROM changes;
ALTER TABLE ledger DROP COLUMN added;
ALTER TABLE ledger ADD COLUMN unseen int;
SELECT * FROM changes;
ALTER TABLE ledger DROP COLUMN unseen;
ALTER TABLE ledger RENAME COLUMN note TO remark;
SELECT * FROM changes;
ALTER TABLE ledger RENAME COLUMN remark TO note;
SELECT * FROM changes;
ALTER TABLE ledger ALTER COLUMN n TYPE numeric(10, 2);
SELECT * FROM changes;
ALTER TABLE ledger ALTER COLUMN n TYPE bigint;
SELECT * FROM changes;
ALTER TABLE ledger DROP COLUMN later;
SELECT * FROM changes;
SELECT verified, verdict FROM bulla.verify_summary('ledger');
SELECT DISTINCT verdict, detail FROM bulla.verify_since('ledger') WHERE seq IS NULL;

-- Where rows cannot be read any more as what they were, that is a finding and no error, of this ledger alone.
RESET bulla.restore;
CREATE TABLE other (id int);
SELECT bulla.create_ledger('other') IS NOT NULL AS created;
INSERT INTO other VALUES (1);
CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN number AS int;
CREATE TABLE broken (lane int NOT NULL, n int, p pair, d number, secret text) PARTITION BY LIST (lane);
CREATE TABLE broken_1 PARTITION OF broken FOR VALUES IN (1);
CREATE TABLE broken_2 PARTITION OF broken FOR VALUES IN (2) PARTITION BY LIST (lane);
CREATE TABLE broken_3 PARTITION OF broken_2 FOR VALUES IN (2);
SELECT bulla.create_ledger('broken', '{lane}', erasable => '{secret}') IS NOT NULL AS created;
INSERT INTO broken SELECT 1 + n % 2, n, (n, 'b')::pair, n, 'secret' FROM generate_series(0, 99) AS n;
SELECT bulla.record_verification('broken');
CREATE PROCEDURE broken() LANGUAGE plpgsql AS $$
DECLARE
    checked bigint;
    steps jsonb;
    finding record;
BEGIN
    FOR finding IN SELECT l.ledger, v.* FROM bulla.ledgers AS l, bulla.verify(l.ledger) AS v
        WHERE l.ledger IN ('broken'::regclass, 'other'::regclass) LOOP
        RAISE NOTICE 'verify %', finding;
    END LOOP;
    SELECT s.verified, s.rows_checked, s.chains, s.verdict, s.broken_at, s.head_seq INTO finding FROM bulla.verify_summary('broken') AS s;
    RAISE NOTICE 'summary %', finding;
    RAISE NOTICE 'as many and the same: % % % %',
        (SELECT count(*) = (SELECT count(*) FROM bulla.verify('broken')) FROM bulla.verify_since('broken')),
        (SELECT array_agg(v) = (SELECT array_agg(w) FROM bulla.verify('broken') AS w) FROM bulla.verify_since('broken') AS v),
        (SELECT array_agg(v) = (SELECT array_agg(w) FROM bulla.verify('broken') AS w) FROM bulla.verify('broken', '1', 0, 10) AS v),
        (SELECT array_agg(v) = (SELECT array_agg(w) FROM bulla.verify('broken') AS w) FROM bulla.chains_to_verify('broken') AS v);
END $$;
SET bulla.restore = on;
SET min_parallel_table_scan_size = 0;
CALL broken();
ALTER TABLE broken ALTER COLUMN n TYPE regclass;
CALL broken();
CALL bulla.verify_in_steps('broken');
\set VERBOSITY default
SELECT bulla.record_verification('broken');
SELECT bulla.record_verification('broken', whole => true);
INSERT INTO broken VALUES (1, 5);
SELECT * FROM bulla.chain_heads('broken');
SELECT bulla.row_record('broken', '1', 0);
\set VERBOSITY terse
ALTER TABLE broken ALTER COLUMN n TYPE int USING n::oid::int;
CALL broken();
-- Types change without a change of the table.
ALTER TYPE pair ADD ATTRIBUTE c money;
CALL broken();
ALTER TYPE pair DROP ATTRIBUTE c;
CALL broken();
UPDATE pg_type SET typbasetype = 'regtype'::regtype WHERE oid = 'number'::regtype;
CALL broken();
UPDATE pg_type SET typbasetype = 'int'::regtype WHERE oid = 'number'::regtype;
CALL broken();
-- Columns of which Bulla has to know.
ALTER TABLE broken RENAME COLUMN lane TO line;
CALL broken();
ALTER TABLE broken RENAME COLUMN line TO lane;
ALTER TABLE broken RENAME COLUMN secret TO hidden;
CALL broken();
ALTER TABLE broken RENAME COLUMN hidden TO secret;
ALTER TABLE broken RENAME COLUMN seq TO place;
CALL broken();
ALTER TABLE broken RENAME COLUMN place TO seq;
CALL broken();
RESET bulla.restore;
RESET min_parallel_table_scan_size;

-- A label that is deleted from its enum: rows that have it are findings, and all others are verified.
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TYPE mood_range AS RANGE (subtype = mood);
CREATE TYPE moods AS (first mood, others mood[]);
CREATE DOMAIN good_mood AS mood CHECK (VALUE > 'sad');
CREATE TABLE moody (id int PRIMARY KEY, m mood, d good_mood, a mood[], r mood_range, mr mood_multirange, c moods, s mood);
SELECT bulla.create_ledger('moody', erasable => '{s}') IS NOT NULL AS created;
INSERT INTO moody (id, m) VALUES (1, 'sad'), (2, 'ok'), (3, NULL);
INSERT INTO moody (id, d) VALUES (4, 'happy'), (5, 'ok');
INSERT INTO moody (id, a) VALUES (6, '{{sad,happy},{NULL,ok}}'), (7, '{sad,happy}'), (8, '{}');
INSERT INTO moody (id, r) VALUES (9, '[sad,ok]'), (10, '(ok,)'), (11, '[sad,happy]'), (12, 'empty'), (13, '(,)');
INSERT INTO moody (id, mr) VALUES (14, '{[sad,sad],[happy,happy]}'), (15, '{[sad,sad],[ok,ok]}'), (16, '{}');
INSERT INTO moody (id, c) VALUES (17, '(ok,)'), (18, '(sad,"{happy,ok}")'), (19, '(happy,"{sad}")'), (20, NULL);
INSERT INTO moody (id, s) VALUES (21, 'ok'), (22, 'sad');
SELECT count(*) AS findings FROM bulla.verify('moody');
DELETE FROM pg_enum WHERE enumtypid = 'mood'::regtype AND enumlabel = 'ok';
SELECT seq, verdict, detail FROM bulla.verify('moody');
SELECT verified, rows_checked, chains, broken_at, verdict FROM bulla.verify_summary('moody');
SELECT count(*) AS findings FROM bulla.verify_since('moody');
\pset format unaligned
CALL bulla.verify_in_steps('moody');
\pset format aligned
SET min_parallel_table_scan_size = 0;
SELECT count(*) AS findings FROM bulla.verify('moody');
RESET min_parallel_table_scan_size;
-- Its hashes cannot be computed any more, and nothing makes others up.
\set VERBOSITY sqlstate
SELECT bulla.row_record('moody', '', 1);
\set VERBOSITY terse
SET client_min_messages = warning;
SET bulla.restore = on;
DROP TABLE moody;
DROP TYPE mood CASCADE;
DROP TABLE ledger, broken, other CASCADE;
