-- Every type of PostgreSQL either can be in a ledger, and then no setting changes its hash, or is refused.
\set SHOW_CONTEXT never
\set VERBOSITY terse
SET TimeZone = 'UTC';
CREATE TABLE allowed (type text PRIMARY KEY, value text NOT NULL);
INSERT INTO allowed VALUES
    ('boolean', 'f'), ('bytea', '\x00ff27'), ('name', 'a "name"'), ('bigint', '-9223372036854775808'), ('smallint', '-7'),
    ('integer', '2147483647'), ('text', 'tëxt ''" \ 😀'), ('oid', '4294967295'), ('tid', '(4294967295,7)'), ('xid', '42'),
    ('xid8', '18446744073709551615'), ('json', '{"b" : 1, "a":null}'), ('jsonb', '{"b": 1.50, "a": null}'),
    ('jsonpath', '$.a[*] ? (@ > 1)'), ('xml', '<a b="ü">c</a>'), ('point', '(0.1,1e300)'), ('lseg', '[(1,2),(3,4)]'),
    ('path', '((1,2),(3,4.5))'), ('box', '(3,4),(1,2)'), ('polygon', '((0,0),(0,1),(1,0.3))'), ('line', '{1,-1,0.1}'),
    ('circle', '<(1,2),0.3>'), ('real', '0.1'), ('double precision', '0.30000000000000004'), ('numeric', '-1234567890.1200'),
    ('macaddr', '08:00:2b:01:02:03'), ('macaddr8', '08:00:2b:01:02:03:04:05'), ('inet', '10.0.0.1/8'), ('cidr', '10.0.0.0/8'),
    ('character', 'c'), ('character varying', 'x'), ('date', '0044-03-15 BC'), ('time without time zone', '04:05:06.789'),
    ('timestamp without time zone', '2026-12-03 04:05:06.789'), ('timestamp with time zone', '2026-07-03 04:05:06.7+02'),
    ('interval', '1 year 2 mons -3 days +04:05:06.7'), ('time with time zone', '04:05:06.789+05:30'), ('bit', '1'),
    ('int2vector', '1 -2 3'), ('oidvector', '1 2 4294967295'), ('bit varying', '10101'), ('uuid', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'), ('pg_lsn', '16/B374D848'),
    ('tsvector', '''a'':1 ''fat'':2A'), ('tsquery', '''fat'' & ''rat'''), ('int4range', '[1,7)'), ('int8range', '(,7)'),
    ('numrange', '[1.50,2.0]'), ('daterange', '[2026-01-02,2026-03-04)'), ('tsrange', '["2026-01-02 03:04:05.6",)'),
    ('tstzrange', '["2026-01-02 03:04:05.6+05","2026-07-02 00:00:00+00")'), ('int4multirange', '{[1,7),[9,11)}'),
    ('int8multirange', '{}'), ('nummultirange', '{[1.50,2.0]}'), ('datemultirange', '{[2026-01-02,2026-03-04)}'),
    ('tsmultirange', '{["2026-01-02 03:04:05.6",)}'), ('tstzmultirange', '{["2026-01-02 03:04:05.6+05",)}');
CREATE TABLE refused (type text PRIMARY KEY);
INSERT INTO refused SELECT unnest('{"\"char\"",aclitem,money,refcursor,cid,pg_snapshot,txid_snapshot,
    pg_ddl_command,pg_node_tree,pg_ndistinct,pg_dependencies,pg_mcv_list,gtsvector,regclass,regcollation,regconfig,regdictionary,
    regnamespace,regoper,regoperator,regproc,regprocedure,regrole,regtype,pg_brin_bloom_summary,pg_brin_minmax_multi_summary}'::text[]);
-- Every built-in type that a column can have is in one list. (A new major version may add one: decide then.)
SELECT format_type(oid, NULL) AS in_neither_list FROM pg_type AS t
WHERE typnamespace = 'pg_catalog'::regnamespace AND typtype IN ('b', 'r', 'm', 'e', 'd')
    AND NOT EXISTS (SELECT FROM pg_type AS e WHERE e.typarray = t.oid)
    AND format_type(oid, NULL) NOT IN (SELECT type FROM allowed UNION ALL SELECT type FROM refused) ORDER BY 1;
-- Those that are refused are, alone, in arrays and in composite types, with the reason.
CREATE FUNCTION reason(type text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    reason text;
BEGIN
    EXECUTE format('CREATE TABLE one (v %s)', type);
    PERFORM bulla.create_ledger('one');
    RAISE 'taken';
EXCEPTION WHEN feature_not_supported THEN
    GET STACKED DIAGNOSTICS reason = PG_EXCEPTION_DETAIL;
    RETURN reason;
WHEN invalid_table_definition THEN
    RETURN 'not a column''s type';
END $$;
SELECT type, reason(type) FROM refused WHERE to_regtype(type) IS NOT NULL ORDER BY type COLLATE "C";
CREATE TYPE of_money AS (a int, b money);
CREATE TABLE some_table (a int);
CREATE DOMAIN of_class AS regclass;
CREATE TYPE refused_parts AS (a int, b of_class[]);
SELECT type, reason(type) FROM unnest('{money[],of_money,of_money[],of_class,refused_parts,some_table,some_table[]}'::text[]) AS type;

-- Types made of allowed ones.
CREATE TYPE mood AS ENUM ('sad', 'ok "', 'it''s, fine');
CREATE DOMAIN posint AS int CHECK (VALUE > 0);
CREATE DOMAIN moods AS mood[];
CREATE TYPE moodrange AS RANGE (subtype = mood);
CREATE TYPE floatrange AS RANGE (subtype = float8, subtype_diff = float8mi);
CREATE TYPE pair AS (a timestamptz, b float8, c mood, d bytea);
CREATE TYPE nested AS (p pair, ps pair[], i interval, m moods);
CREATE DOMAIN nested_domain AS nested;
INSERT INTO allowed VALUES ('mood', 'it''s, fine'), ('posint', '7'), ('moods', '{sad,"ok \""}'), ('moodrange', '[sad,"ok """]'),
    ('floatrange', '[0.1,0.30000000000000004)'), ('floatmultirange', '{[0.1,0.2)}'),
    ('pair', '("2026-07-03 04:05:06.7+02",0.1,"ok """,\\x00ff)'),
    ('nested', '("(""2026-07-03 04:05:06.7+02"",0.1,sad,)","{""(,0.3,,)"",NULL}","1 year -3 days","{sad}")'),
    ('nested_domain', '(,{},"1 mon",)');

-- One ledger with a column of each, one with an array of each.
CREATE VIEW samples AS SELECT type, value, row_number() OVER (ORDER BY type COLLATE "C") AS n, type NOT IN ('moods', 'int2vector', 'oidvector') AS in_array FROM allowed;
DO $$
BEGIN
    EXECUTE (SELECT format('CREATE TABLE every (%s)', string_agg(format('%I %s', type, type), ', ' ORDER BY n)) FROM samples);
    EXECUTE (SELECT format('CREATE TABLE arrays (%s)', string_agg(format('%I %s[]', type, type), ', ' ORDER BY n)) FROM samples WHERE in_array);
    EXECUTE (SELECT string_agg(format('CREATE TABLE sample_%s AS SELECT %L::%s AS v', n, value, type), ';') FROM samples);
END $$;
SELECT bulla.create_ledger('every') IS NOT NULL AS created;
SELECT bulla.create_ledger('arrays') IS NOT NULL AS created;
CREATE FUNCTION fill() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE (SELECT format('INSERT INTO every VALUES (%s)', string_agg(format('(SELECT v FROM sample_%s)', n), ', ' ORDER BY n)) FROM samples);
    EXECUTE (SELECT format('INSERT INTO arrays VALUES (%s)', string_agg(format('(SELECT ARRAY[v, NULL, v] FROM sample_%s)', n), ', ' ORDER BY n))
             FROM samples WHERE in_array);
END $$;

CREATE FUNCTION hashes() RETURNS TABLE (ledger text, sound boolean, matches boolean) LANGUAGE sql AS $$
SELECT 'every', NOT EXISTS (SELECT FROM bulla.verify('public.every')),
    (SELECT bool_and(hash = sha256(decode('00', 'hex') || bulla.row_record('public.every', '', seq))) FROM public.every)
UNION ALL
SELECT 'arrays', NOT EXISTS (SELECT FROM bulla.verify('public.arrays')),
    (SELECT bool_and(hash = sha256(decode('00', 'hex') || bulla.row_record('public.arrays', '', seq))) FROM public.arrays)
$$;
SELECT fill();
SELECT * FROM hashes();
-- What a record of a value is, is the same in the second row, inserted under other settings, as in the first.
CREATE FUNCTION columns_of(ledger regclass, row_seq bigint) RETURNS bytea LANGUAGE sql SET search_path = pg_catalog AS $$
SELECT substr(r, 33, length(r) - 72) FROM bulla.row_record(ledger, '', row_seq) AS r
$$;
SET TimeZone = 'Asia/Kathmandu';
SET DateStyle = 'SQL, DMY';
SET IntervalStyle = 'iso_8601';
SET extra_float_digits = -15;
SET bytea_output = 'escape';
SET client_encoding = 'LATIN1';
SET search_path = '';
SET lc_monetary = 'C';
SET xmlbinary = 'hex';
SET xmloption = 'document';
SET quote_all_identifiers = on;
SET array_nulls = off;
SET standard_conforming_strings = off;
SET escape_string_warning = off;
SET backslash_quote = off;
SET search_path = public;
SELECT fill();
SELECT * FROM hashes();
SELECT columns_of('every', 0) = columns_of('every', 1) AS every, columns_of('arrays', 0) = columns_of('arrays', 1) AS arrays;
SET TimeZone = 'America/Caracas';
SET DateStyle = 'German';
SET IntervalStyle = 'sql_standard';
SET extra_float_digits = 3;
SELECT fill();
SELECT * FROM hashes();
SELECT columns_of('every', 0) = columns_of('every', 2) AS every, columns_of('arrays', 0) = columns_of('arrays', 2) AS arrays;
RESET ALL;
SELECT * FROM hashes();

-- What would change the text of values that are hashed, or what they say, is refused; what would not, is not.
CREATE TYPE unused AS ENUM ('a');
ALTER TYPE unused RENAME VALUE 'a' TO 'b';
ALTER TYPE mood RENAME VALUE 'sad' TO 'blue';
ALTER TYPE mood ADD VALUE 'new';
ALTER TYPE mood ADD VALUE 'first' BEFORE 'sad';
ALTER TYPE mood RENAME TO feeling;
ALTER TYPE pair ADD ATTRIBUTE e int;
ALTER TYPE pair DROP ATTRIBUTE d;
ALTER TYPE pair RENAME ATTRIBUTE a TO z;
ALTER TYPE nested RENAME ATTRIBUTE i TO z;
ALTER TYPE pair ALTER ATTRIBUTE b TYPE numeric;
ALTER TYPE pair RENAME TO two;
ALTER DOMAIN posint DROP CONSTRAINT posint_check;
ALTER DOMAIN posint RENAME TO anyint;
DROP TYPE two CASCADE;
DROP DOMAIN anyint CASCADE;
DO $$ BEGIN ALTER TYPE feeling RENAME VALUE 'sad' TO 'blue'; EXCEPTION WHEN object_not_in_prerequisite_state THEN RAISE NOTICE 'refused'; END $$;
-- Nested only, in an array of a domain of a composite of an array.
CREATE TYPE deep AS ENUM ('a', 'b');
CREATE TYPE deeper AS (x deep[]);
CREATE DOMAIN deepest AS deeper;
CREATE TABLE only_deep (v deepest[]);
SELECT bulla.create_ledger('only_deep') IS NOT NULL AS created;
INSERT INTO only_deep VALUES (ARRAY[ROW('{a,b}')::deeper]);
ALTER TYPE deep RENAME VALUE 'a' TO 'c';
ALTER TYPE deeper ADD ATTRIBUTE y int;
SELECT ledger, sound FROM hashes();
SELECT count(*) FROM bulla.verify('only_deep');
