-- bulla.export: lines of JSON, in order, whole, for who may read everything, of what is committed.
-- test/recovery/t/export.pl has them checked by a program that knows the specification only.
\set VERBOSITY terse
\pset format unaligned

-- What differs from run to run left out.
CREATE FUNCTION shown(line text) RETURNS text LANGUAGE sql AS $$
SELECT regexp_replace(regexp_replace(regexp_replace(regexp_replace(line,
    '[0-9a-f]{8}-[0-9a-f-]{27}', '(uuid)', 'g'), '"[0-9a-f]{64}"', '"(hash)"', 'g'),
    '"record":"[^"]*"', '"record":"(record)"'), '"createdAt":"[^"]*","createdBy":"[^"]*"', '"createdAt":"…","createdBy":"…"')
$$;

CREATE TABLE audit (
    tenant text NOT NULL,
    at timestamptz,
    amount numeric(10,2),
    note varchar(400),
    doubled numeric GENERATED ALWAYS AS (amount * 2) STORED);
SELECT bulla.create_ledger('audit', '{tenant}') IS NOT NULL AS created;
SELECT shown(l) FROM bulla.export('audit') AS l;
INSERT INTO audit VALUES
    ('b', '2026-03-01 12:00:00+00', 1.5, NULL),
    ('a', '2026-03-01 12:00:01+00', NULL, E'"\\\t\x01ü'),
    ('b', NULL, NULL, '');
INSERT INTO audit VALUES ('a', NULL, NULL, repeat('x', 300));
SELECT shown(l) FROM bulla.export('audit') AS l;

-- One chain, ranges of it, a range with nothing in it.
SELECT shown(l) FROM bulla.export('audit', 'b', 1) AS l;
SELECT shown(l) FROM bulla.export('audit', 'b', 0, 0) AS l;
SELECT shown(l) FROM bulla.export('audit', 'b', 7, 9) AS l;
SELECT shown(l) FROM bulla.export('audit', to_seq => 0) AS l;

-- Also in the SELECT list, and for whom only a part of it is wanted.
SELECT count(*) FROM (SELECT bulla.export('audit')) AS s;
SELECT left(l, 16) FROM bulla.export('audit') AS l LIMIT 1;

-- The end counts and digests all that stands above it.
SELECT (last ->> 'sha256') = encode(sha256(convert_to(string_agg(line || E'\n', '' ORDER BY n), 'UTF8')), 'hex') AS digest,
    (last ->> 'rows')::int = count(*) FILTER (WHERE line LIKE '{"line":"row"%') AS rows,
    (last ->> 'chains')::int = count(*) FILTER (WHERE line LIKE '{"line":"chain"%') AS chains
FROM (SELECT l, n, last_value(l::json) OVER (ORDER BY n ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
    FROM bulla.export('audit') WITH ORDINALITY AS e (l, n)) AS s (line, n, last)
WHERE line NOT LIKE '{"line":"end"%' GROUP BY last::text, last ->> 'sha256', last ->> 'rows', last ->> 'chains';

-- The record is what bulla.row_record says, and its hash is the row's.
SELECT e ->> 'chain' AS chain, e ->> 'seq' AS seq,
    decode(e ->> 'record', 'base64') = bulla.row_record('audit', e ->> 'chain', (e ->> 'seq')::bigint) AS record,
    encode(sha256('\x00' || decode(e ->> 'record', 'base64')), 'hex') = e ->> 'hash' AS hash,
    (e ->> 'hash') = (SELECT encode(hash, 'hex') FROM audit AS a
        WHERE a.tenant = e ->> 'chain' AND a.seq = (e ->> 'seq')::bigint) AS stored
FROM (SELECT l::jsonb FROM bulla.export('audit') AS l WHERE l LIKE '{"line":"row"%') AS s (e);

-- The same bytes whatever the settings.
CREATE TABLE moments (at timestamptz, d date, i interval, f float8, b bytea, r tstzrange);
SELECT bulla.create_ledger('moments') IS NOT NULL AS created;
INSERT INTO moments VALUES ('2026-03-01 12:00:00.5+01', '2026-03-01', '1 mon -3 days 04:05:06', 0.1 + 0.2, '\x00ff',
    '[2026-03-01 12:00:00+00,)');
SELECT string_agg(l, E'\n') AS before FROM bulla.export('moments') AS l \gset
SET DateStyle = 'German, DMY';
SET TimeZone = 'Asia/Kathmandu';
SET IntervalStyle = 'sql_standard';
SET extra_float_digits = -3;
SET bytea_output = 'escape';
SET search_path = public, pg_catalog;
SELECT string_agg(l, E'\n') = :'before' AS same FROM bulla.export('moments') AS l;
SELECT l::json -> 'columns' AS columns FROM bulla.export('moments') AS l WHERE l LIKE '{"line":"row"%';
RESET ALL;

-- A partitioned ledger: rows of each chain in order, wherever they are stored.
CREATE TABLE parts (lane int NOT NULL, id int NOT NULL, other text NOT NULL, note text) PARTITION BY LIST (id);
CREATE TABLE parts_0 PARTITION OF parts FOR VALUES IN (0);
CREATE TABLE parts_1 (note text, dropped int, id int NOT NULL, lane int NOT NULL, other text NOT NULL);
ALTER TABLE parts_1 DROP COLUMN dropped;
ALTER TABLE parts ATTACH PARTITION parts_1 FOR VALUES IN (1);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES IN (2) PARTITION BY LIST (lane);
CREATE TABLE parts_2_1 PARTITION OF parts_2 DEFAULT;
CREATE TABLE parts_empty PARTITION OF parts DEFAULT;
SELECT bulla.create_ledger('parts', '{lane,other}') IS NOT NULL AS created;
INSERT INTO parts SELECT g % 2, g % 3, 'x y', 'note ' || g FROM generate_series(0, 9) AS g;
SELECT e ->> 'chain' AS chain, e ->> 'seq' AS seq, e -> 'columns' ->> 'note' AS note
FROM (SELECT l::jsonb FROM bulla.export('parts') AS l WHERE l LIKE '{"line":"row"%') AS s (e);
SELECT count(*) FROM bulla.export('parts', '(1,"x y")');

-- Rows that do not verify are shown as they are; those that no place can be told of are not.
CREATE TABLE damaged (v text);
SELECT bulla.create_ledger('damaged') IS NOT NULL AS created;
INSERT INTO damaged VALUES ('zero'), ('one'), ('two');
SET bulla.restore = on;
ALTER TABLE damaged DISABLE TRIGGER USER;
RESET bulla.restore;
UPDATE damaged SET v = 'ONE' WHERE seq = 1;
UPDATE damaged SET prev_hash = '\xff' WHERE seq = 2;
SELECT shown(l) FROM bulla.export('damaged') AS l WHERE l LIKE '{"line":"row"%';

-- Erasable columns: a commitment for each that was not NULL, its salt until it is erased.
CREATE TABLE people (id int PRIMARY KEY, ip inet, name text);
SELECT bulla.create_ledger('people', erasable => '{ip,name}') IS NOT NULL AS created;
INSERT INTO people VALUES (1, '192.0.2.7', 'Ann'), (2, NULL, 'Bob'), (3, NULL, NULL);
SELECT bulla.erase('people', '', 0, '{ip}', 'asked for');
SELECT shown(l) FROM bulla.export('people') AS l WHERE l LIKE '{"line":"row"%';
SELECT l::json -> 'erasable' AS erasable FROM bulla.export('people') AS l LIMIT 1;
-- Who is no superuser cannot say that a value was erased elsewhere.
CREATE ROLE regress_teller;
SET ROLE regress_teller;
SELECT bulla.record_erasure('people', '', 1, '{name}', 'not by me');
RESET ROLE;
GRANT EXECUTE ON FUNCTION bulla.record_erasure TO regress_teller;
SET ROLE regress_teller;
SELECT bulla.record_erasure('people', '', 1, '{name}', 'not by me');
RESET ROLE;
REVOKE EXECUTE ON FUNCTION bulla.record_erasure FROM regress_teller;
DROP ROLE regress_teller;
-- A column without a name is not passed over.
SELECT bulla.record_erasure('people', '', 1, '{name,NULL}', 'erased before it was imported');

-- What can still be rolled back is not shown: not one's own rows, not another's.
BEGIN;
INSERT INTO audit VALUES ('a', NULL, NULL, 'mine');
SELECT count(*) FROM bulla.export('audit', 'b');
SAVEPOINT s;
SELECT count(*) FROM bulla.export('audit');
ROLLBACK TO s;
SELECT count(*) FROM bulla.export('audit', 'a', 0, 1);
ROLLBACK;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) FROM bulla.export('audit');
COMMIT;

-- Whole ledgers, for those who may read every row.
SELECT bulla.export('parts_0');
SELECT bulla.export(NULL);
SELECT bulla.export('pg_class');
SELECT bulla.export(0);
SELECT bulla.export('audit', 'none');
SELECT bulla.export('audit', 'a', -1);
SELECT bulla.export('parts', 'malformed');
CREATE ROLE regress_reader;
SET ROLE regress_reader;
SELECT count(*) FROM bulla.export('audit');
RESET ROLE;
GRANT SELECT (tenant, seq) ON audit TO regress_reader;
SET ROLE regress_reader;
SELECT count(*) FROM bulla.export('audit');
RESET ROLE;
GRANT SELECT ON audit TO regress_reader;
SET ROLE regress_reader;
SELECT count(*) FROM bulla.export('audit');
RESET ROLE;
ALTER TABLE audit ENABLE ROW LEVEL SECURITY;
SET ROLE regress_reader;
SELECT count(*) FROM bulla.export('audit');
RESET ROLE;
REVOKE ALL ON audit FROM regress_reader;
DROP ROLE regress_reader;

-- An index on the chains is needed.
SET bulla.restore = on;
DROP INDEX audit_tenant_seq_idx;
RESET bulla.restore;
SELECT count(*) FROM bulla.export('audit');
