-- What an event holds is the text of what was stored, whatever the session's settings are, and of any type.
\set VERBOSITY terse
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE TYPE pair AS (a integer, b timestamptz);
CREATE DOMAIN even AS integer CHECK (value % 2 = 0);
CREATE TABLE every (
    id bigint PRIMARY KEY,
    real4 real,
    real8 double precision,
    bytes bytea,
    at timestamptz,
    span interval,
    day date,
    doc jsonb,
    words text[],
    times timestamptz[],
    cash money,
    feeling mood,
    feelings mood[],
    pair_of pair,
    table_of regclass,
    function_of regproc,
    stretch tstzrange,
    fixed character(5),
    two even,
    truth boolean
);
SELECT bulla.audit_changes('every');
CREATE SCHEMA hidden;
CREATE TABLE hidden.named (a integer);
CREATE VIEW trail AS SELECT seq, operation, row_key, old_values, new_values FROM bulla.changes;

INSERT INTO every VALUES (1, 0.1, 1.0 / 3, '\x00ff', '2026-03-01 12:00:00+02', '1 day 2 hours', '2026-03-01', '{"b": 1, "a": 2}', '{x,NULL,""}',
    '{2026-03-01 12:00:00+02}', 1234.5, 'happy', '{sad,happy}', (1, '2026-03-01 12:00:00+02'), 'hidden.named', 'pg_catalog.now', '[2026-03-01 12:00:00+02,)', 'ab', 4, true);
SELECT key, value FROM trail, jsonb_each_text(new_values) ORDER BY key;
SET timezone = 'Asia/Tokyo';
SET datestyle = 'German';
SET intervalstyle = 'sql_standard';
SET extra_float_digits = -5;
SET bytea_output = 'escape';
SET search_path = hidden, public;
INSERT INTO every SELECT 2, real4, real8, bytes, at, span, day, doc, words, times, cash, feeling, feelings, pair_of, table_of, function_of, stretch, fixed, two, truth FROM every;
SELECT count(DISTINCT new_values - 'id') AS same FROM public.trail;
-- Settings are as they were.
SELECT current_setting('search_path') AS search_path, current_setting('timezone') AS timezone, now()::date > '01.01.2026' AS german;
RESET ALL;
-- Other bytes that are the same text are no change.
UPDATE every SET words = words || '{}'::text[] WHERE id = 1;
SELECT count(*) FROM trail;
-- Null is told from nothing and from the word.
UPDATE every SET fixed = NULL, words = '{}', doc = 'null' WHERE id = 1;
SELECT row_key, old_values, new_values FROM trail ORDER BY seq DESC LIMIT 1;

-- Values of any size: what they are is in the event, and in the record by their digest.
CREATE TABLE large (id integer PRIMARY KEY, body text, other text);
SELECT bulla.audit_changes('large');
INSERT INTO large VALUES (1, repeat('a', 1048576), repeat('o', 1048576));
UPDATE large SET body = repeat('b', 1048576);
SELECT operation, length(old_values ->> 'body') AS old, length(new_values ->> 'body') AS new, new_values ? 'other' AS other,
    new_values ->> 'body' = repeat('b', 1048576) AS same FROM trail WHERE row_key ->> 'id' = '1' ORDER BY seq DESC LIMIT 1;
SELECT octet_length(bulla.row_record('bulla.changes', '', max(seq))) < 1000 AS small_record FROM trail;
-- Text that compresses well and text that does not.
INSERT INTO large SELECT 2, string_agg(md5(i::text), ''), '' FROM generate_series(1, 50000) AS i;
SELECT new_values ->> 'body' = body AS same FROM trail, large WHERE id = 2 ORDER BY seq DESC LIMIT 1;
-- Stored out of line and not touched.
UPDATE large SET other = 'x' WHERE id = 2;
SELECT old_values, new_values FROM trail ORDER BY seq DESC LIMIT 1;
-- More than jsonb can hold is refused, as the change could not be recorded.
UPDATE large SET body = repeat('c', 268435450) WHERE id = 2;
SELECT length(body) FROM large WHERE id = 2;
SELECT * FROM bulla.verify('bulla.changes');
