-- The record of a row, compared byte for byte with one that this file makes from the definition in
-- docs/spec/record.md, in PL/pgSQL and without any of Bulla's code; and that no setting changes it.
\set VERBOSITY terse

-- A value as COPY prints it, under the settings that the definition pins.
CREATE FUNCTION value_text(query text) RETURNS text LANGUAGE plpgsql
    SET datestyle = 'ISO' SET timezone = 'UTC' SET intervalstyle = 'postgres'
    SET extra_float_digits = 3 SET bytea_output = 'hex' SET search_path = pg_catalog AS $$
DECLARE
    printed text;
BEGIN
    EXECUTE query INTO STRICT printed;
    RETURN printed;
END $$;

CREATE FUNCTION sized(value bytea) RETURNS bytea LANGUAGE sql AS
    'SELECT int4send(octet_length(value)) || value';

CREATE FUNCTION expected_record(ledger regclass, row_ctid tid, id uuid, chain_by name[], seq bigint, prev_hash bytea)
    RETURNS bytea LANGUAGE plpgsql AS $$
DECLARE
    chain_key bytea := '';
    columns bytea := '';
    count int := 0;
    source text := (SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class AS c
                    JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = ledger);
    name name;
    value bytea;
BEGIN
    FOREACH name IN ARRAY chain_by LOOP
        chain_key := chain_key || sized(convert_to(value_text(
            format('SELECT format(''%%s'', %I) FROM %s WHERE ctid = %L', name, source, row_ctid)), 'UTF8'));
    END LOOP;
    FOR name IN
        SELECT attname FROM pg_attribute
        WHERE attrelid = ledger AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
          AND attname NOT IN ('seq', 'prev_hash', 'hash')
        ORDER BY convert_to(attname, 'UTF8')
    LOOP
        value := convert_to(value_text(format(
            'SELECT CASE WHEN %1$I IS DISTINCT FROM NULL THEN format(''%%s'', %1$I) END FROM %2$s WHERE ctid = %3$L',
            name, source, row_ctid)), 'UTF8');
        CONTINUE WHEN value IS NULL;
        count := count + 1;
        columns := columns || sized(convert_to(name, 'UTF8')) || CASE
            WHEN octet_length(value) > 256 THEN '\x01'::bytea || sized(sha256('bulla.value.v1\000' || value))
            ELSE '\x00'::bytea || sized(value) END;
    END LOOP;
    RETURN 'bulla.record.v1\000' || uuid_send(id) || sized(chain_key) || int4send(count) || columns
        || int8send(seq) || prev_hash;
END $$;

-- How many rows there are, and for how many Bulla's record and hash are those of the definition.
CREATE FUNCTION compare(ledger regclass) RETURNS TABLE (row_count bigint, same_record bigint, same_hash bigint)
    LANGUAGE plpgsql AS $$
DECLARE
    described record;
BEGIN
    SELECT l.id, l.chain_by,
           CASE cardinality(l.chain_by) WHEN 0 THEN quote_literal('')
               WHEN 1 THEN format('%I::text', l.chain_by[1])
               ELSE format('ROW(%s)::text', (SELECT string_agg(quote_ident(n), ', ' ORDER BY o)
                                             FROM unnest(l.chain_by) WITH ORDINALITY AS c (n, o))) END AS chain
    INTO described FROM bulla.ledgers AS l WHERE l.ledger = compare.ledger;
    RETURN QUERY EXECUTE format($query$
        SELECT count(*), count(*) FILTER (WHERE own = theirs),
               count(*) FILTER (WHERE hash = sha256('\x00'::bytea || own))
        FROM (SELECT hash, expected_record(%1$L, ctid, %2$L, %3$L, seq, prev_hash) AS own,
                     bulla.row_record(%1$L, %4$s, seq) AS theirs FROM %1$s) AS both_records $query$,
        ledger, described.id, described.chain_by, described.chain);
END $$;

-- A record to read.
CREATE TABLE simple (note text, amount numeric(8, 2), "Zoë" boolean, absent int, empty text);
SELECT bulla.create_ledger('simple') IS NOT NULL AS created;
INSERT INTO simple VALUES ('état', 12.5, true, NULL, '');
SELECT encode(overlay(bulla.row_record('simple', '', 0) PLACING decode(repeat('00', 16), 'hex') FROM 17 FOR 16), 'escape')
    AS record;
SELECT hash = sha256('\x00' || bulla.row_record('simple', '', seq)) AS same FROM simple;
SELECT * FROM compare('simple');

-- Every type that may stand in a ledger, with values at its borders.
CREATE DOMAIN short_text AS varchar(20) CHECK (VALUE <> 'no');
CREATE DOMAIN dates AS date[];
CREATE DOMAIN domain_of_domain AS short_text;
CREATE TABLE samples (type text, value text);
INSERT INTO samples VALUES
('text', ''), ('text', 'a'), ('text', E'tab\t newline\n quote '' " backslash \\ \x7f'), ('text', 'ünï ☃ 𝄞'),
('text', E'e\u0301'), ('text', E'\u00e9'), ('text', repeat('x', 256)), ('text', repeat('x', 257)),
('text', repeat('é', 128)), ('text', repeat('é', 129)), ('text', repeat('long ', 500000)),
('varchar', 'trailing  '), ('char(5)', 'ab'), ('char(5)', ''), ('char(300)', 'x'), ('name', 'a name'), ('name', ''),
('short_text', 'yes'), ('domain_of_domain', ''),
('json', '{"b": 1,  "a": [1.50, null], "b": 2}'), ('jsonb', '{"b": 1,  "a": [1.50, null], "b": 2}'), ('jsonb', '"\u00e9"'),
('jsonb', '1e400'), ('jsonpath', 'lax $.a[*] ? (@ > 1.50)'), ('xml', '<a b="c">é</a>'),
('boolean', 't'), ('boolean', 'f'),
('smallint', '-32768'), ('smallint', '32767'), ('int', '0'), ('int', '-2147483648'), ('int', '2147483647'),
('bigint', '-9223372036854775808'), ('bigint', '9223372036854775807'),
('oid', '0'), ('oid', '4294967295'), ('xid', '4294967295'), ('xid8', '18446744073709551615'), ('tid', '(4294967295,65535)'),
('numeric', '0'), ('numeric', '-0.00'), ('numeric', '1.10'), ('numeric', '1.100'), ('numeric', 'NaN'),
('numeric', 'Infinity'), ('numeric', '-Infinity'), ('numeric', '1e300'), ('numeric', '1e-300'), ('numeric(6,3)', '1.1'),
('real', '0.1'), ('real', '-0'), ('real', 'NaN'), ('real', 'Infinity'), ('real', '3.4028235e38'), ('real', '1e-45'),
('float8', '0.1'), ('float8', '-0'), ('float8', 'NaN'), ('float8', '-Infinity'), ('float8', '5e-324'),
('float8', '1.7976931348623157e308'), ('float8', '0.30000000000000004'),
('uuid', '00000000-0000-0000-0000-000000000000'), ('uuid', 'ABCDEFAB-CDEF-4BCD-AFAB-CDEFABCDEFAB'),
('bytea', ''), ('bytea', '\x00ff5c27'), ('bytea', '\x' || repeat('ab', 127)), ('bytea', '\x' || repeat('ab', 128)),
('date', '2024-02-29'), ('date', 'infinity'), ('date', '-infinity'), ('date', '0001-01-01'), ('date', '0044-03-15 BC'),
('date', '4713-01-01 BC'), ('date', '5874897-12-31'),
('timestamp', '2024-02-29 23:59:59.999999'), ('timestamp', '2024-01-01 00:00:00'), ('timestamp', '2024-01-01 00:00:00.1'),
('timestamp', 'infinity'), ('timestamp', '-infinity'), ('timestamp', '0044-03-15 12:00:00 BC'), ('timestamp', '294276-12-31 23:59:59.999999'),
('timestamp', '4713-01-01 00:00:00 BC'), ('timestamp(0)', '2024-01-01 00:00:00.6'),
('timestamptz', '2024-06-01 12:00:00.000001+05:45'), ('timestamptz', '1883-01-01 00:00:00-04:56:02'), ('timestamptz', 'infinity'),
('timestamptz', '-infinity'), ('timestamptz', '0001-01-01 00:00:00+14'), ('timestamptz', '294276-12-31 23:59:59.999999+00'),
('timestamptz', '4713-01-01 00:00:00+00 BC'), ('timestamptz(3)', '2024-01-01 00:00:00.123456+00'),
('time', '24:00:00'), ('time', '00:00:00.000001'), ('timetz', '12:00:00.5-07:52:58'), ('timetz', '24:00:00+00'),
('interval', '0'), ('interval', '1 year 2 mons -3 days 04:05:06.789'), ('interval', '-1 year'), ('interval', '-00:00:00.000001'),
('interval', '178000000 years'), ('interval', '1 mon -1 day -1 hour'),
('inet', '192.168.0.1/24'), ('inet', '::ffff:1.2.3.4'), ('inet', '10.0.0.1'), ('cidr', '10/8'), ('cidr', '2001:db8::/32'),
('macaddr', '08:00:2b:01:02:03'), ('macaddr8', '08:00:2b:01:02:03:04:05'), ('bit(5)', '10101'), ('varbit', ''), ('varbit', '1'),
('tsvector', 'a:1A fat:2 ''q''''s'':3'), ('tsquery', '!a & (b | ''c d'':*)'), ('pg_lsn', '16/B374D848'),
('point', '(0.1,-0)'), ('lseg', '[(0,0),(1e300,2)]'), ('box', '(3,4),(1,2)'), ('path', '[(0,0),(1,1)]'), ('path', '((0,0),(1,1))'),
('polygon', '((0,0),(1,1),(2,0))'), ('line', '{1,-1,0.3}'), ('circle', '<(0,0),0.1>'),
('int4range', '[1,3]'), ('int4range', 'empty'), ('int8range', '(,)'), ('numrange', '(1.10,2.0]'), ('daterange', '[2024-01-01,infinity)'),
('tsrange', '["2024-01-01 00:00:00",)'), ('tstzrange', '["2024-01-01 00:00:00+01","2024-06-01 00:00:00+02"]'),
('int4multirange', '{[1,3],[5,7]}'), ('int8multirange', '{}'), ('nummultirange', '{(1.10,2.0]}'), ('datemultirange', '{[2024-01-01,2024-02-01]}'),
('tsmultirange', '{["2024-01-01 00:00:00",)}'), ('tstzmultirange', '{["2024-01-01 00:00:00+01",)}'),
('text[]', '{}'), ('text[]', '{a,NULL,"NULL","",",","\"","\\","é"}'), ('text[]', '{{a,b},{c,d}}'), ('text[]', '[5:6]={a,b}'),
('boolean[]', '{t,f}'), ('float8[]', '{0.1,-0,NaN}'), ('bytea[]', '{"\\x00"}'), ('timestamptz[]', '{"2024-01-01 00:00:00+01"}'),
('interval[]', '{"1 year -1 day"}'), ('numeric[]', '{1.10,NaN}'), ('jsonb[]', '{"{\"b\": 1, \"a\": 2}"}'), ('dates', '{2024-01-01,infinity}'),
('short_text[]', '{yes}'), ('tstzrange[]', '{"[2024-01-01 00:00:00+01,)"}'), ('inet[]', '{10.0.0.1/8}'), ('uuid[]', '{00000000-0000-0000-0000-000000000000}');

CREATE TABLE results (type text, row_count bigint, same_record bigint, same_hash bigint, findings bigint);
-- One ledger per type, whose rows are all its samples.
CREATE PROCEDURE try_every_type() LANGUAGE plpgsql AS $$
DECLARE
    tried text;
    number int := 0;
BEGIN
    FOR tried IN SELECT DISTINCT type FROM samples ORDER BY type LOOP
        number := number + 1;
        EXECUTE format('CREATE TABLE typed_%s (a_value %s, id int)', number, tried);
        PERFORM bulla.create_ledger(format('typed_%s', number)::regclass);
        EXECUTE format('INSERT INTO typed_%s VALUES (NULL, 1)', number);
        EXECUTE format('INSERT INTO typed_%s SELECT value::%s, 2 FROM samples WHERE type = %L', number, tried, tried);
        EXECUTE format('INSERT INTO results SELECT %L, c.*, (SELECT count(*) FROM bulla.verify(%L)) FROM compare(%2$L) AS c',
                       tried, format('typed_%s', number));
    END LOOP;
END $$;
CALL try_every_type();
SELECT * FROM results ORDER BY type COLLATE "C";

-- No setting of the session changes a record, when a row is written or when it is verified.
CREATE TABLE hashes AS SELECT g AS number, NULL::bytea AS records FROM generate_series(1, (SELECT count(*) FROM results)) AS g;
CREATE FUNCTION all_records(number bigint) RETURNS bytea LANGUAGE plpgsql AS $$
DECLARE
    records bytea;
BEGIN
    EXECUTE format('SELECT string_agg(bulla.row_record(%L, '''', seq), '''' ORDER BY seq) FROM %1$s', 'public.typed_' || number)
    INTO records;
    RETURN records;
END $$;
UPDATE hashes SET records = all_records(number);
-- Appends every sample again under the settings at hand, and counts what differs and what is not sound.
CREATE PROCEDURE under_these_settings() LANGUAGE plpgsql AS $$
DECLARE
    tried record;
    changed int := 0;
    unsound int := 0;
    found bigint;
BEGIN
    FOR tried IN SELECT number, records FROM public.hashes ORDER BY number LOOP
        IF public.all_records(tried.number) <> tried.records THEN changed := changed + 1; END IF;
        EXECUTE format('INSERT INTO public.typed_%s SELECT a_value, 3 FROM public.typed_%1$s WHERE seq < 3', tried.number);
        EXECUTE format('SELECT count(*) FROM bulla.verify(''public.typed_%s'')', tried.number) INTO found;
        unsound := unsound + found;
    END LOOP;
    RAISE NOTICE 'changed %, unsound %', changed, unsound;
    ROLLBACK;
END $$;
SHOW datestyle;
SHOW timezone;
SET timezone = 'Asia/Kathmandu';
SET datestyle = 'German, DMY';
CALL under_these_settings();
SET timezone = 'America/St_Johns';
SET datestyle = 'SQL, MDY';
SET intervalstyle = 'iso_8601';
SET extra_float_digits = -15;
SET bytea_output = 'escape';
CALL under_these_settings();
SET intervalstyle = 'sql_standard';
SET extra_float_digits = 0;
SET client_encoding = 'LATIN1';
SET lc_numeric = 'C';
SET xmloption = 'content';
SET quote_all_identifiers = on;
SET array_nulls = off;
SET xmlbinary = hex;
CALL under_these_settings();
SET search_path = '';
CALL public.under_these_settings();
RESET search_path;
-- What a row hashes to does not change what the session sees afterwards.
SHOW datestyle;
SHOW timezone;
SHOW intervalstyle;
SHOW bytea_output;
SELECT timestamptz '2024-01-01 00:00+00', interval '1 day', 0.1::real, '\x00'::bytea;
SET search_path = '';
INSERT INTO public.typed_1 VALUES (NULL, 9);
SHOW search_path;
RESET ALL;
-- Rows that were written under odd settings verify under the usual ones, and the other way round.
SET timezone = 'Asia/Kathmandu';
SET datestyle = 'German, DMY';
SET intervalstyle = 'iso_8601';
SET extra_float_digits = -15;
SET bytea_output = 'escape';
CREATE TABLE odd_times (at timestamptz[], span interval, ratio float8, bytes bytea, seen tstzrange);
SELECT bulla.create_ledger('odd_times') IS NOT NULL AS created;
INSERT INTO odd_times VALUES (ARRAY['2024-01-01 00:00+00'::timestamptz], '-1 day', 0.1::float8 + 0.2::float8, '\x00ff',
    tstzrange('2024-01-01 00:00+00', NULL));
RESET ALL;
SELECT * FROM bulla.verify('odd_times');
SELECT * FROM compare('odd_times');
SELECT encode(substr(bulla.row_record('odd_times', '', 0), 37), 'escape') AS columns;

-- Chains: their key stands before the columns, each value with its length.
CREATE TABLE chained (b text NOT NULL, a int NOT NULL, value text);
SELECT bulla.create_ledger('chained', '{b,a}') IS NOT NULL AS created;
INSERT INTO chained VALUES ('x', 1, 'v'), ('', -1, NULL), ('x,"(y)\', 1, ''), ('x', 1, 'w'), ('é ', 2, 'v');
SELECT encode(substr(bulla.row_record('chained', '(x,1)', 1), 33, 14), 'hex') AS chain_key;
SELECT * FROM compare('chained');
CREATE TABLE flags (on_or_off boolean NOT NULL, born date NOT NULL, id uuid NOT NULL, n name NOT NULL, o oid NOT NULL);
SELECT bulla.create_ledger('flags', '{on_or_off,born,id,n,o}') IS NOT NULL AS created;
INSERT INTO flags VALUES (true, '0044-03-15 BC', '00000000-0000-0000-0000-000000000000', 'n', 1), (false, 'infinity', '00000000-0000-0000-0000-000000000000', '', 4294967295);
SELECT hash = sha256('\x00' || bulla.row_record('flags', '(t,"0044-03-15 BC",00000000-0000-0000-0000-000000000000,n,1)', 0)) AS same
FROM flags WHERE on_or_off;
SELECT hash = sha256('\x00' || bulla.row_record('flags', '(f,infinity,00000000-0000-0000-0000-000000000000,"",4294967295)', 0)) AS same
FROM flags WHERE NOT on_or_off;
SELECT * FROM bulla.verify('flags', '(t,"0044-03-15 BC",00000000-0000-0000-0000-000000000000,n,1)');

-- A ledger without columns, a row without values, columns that come and go.
CREATE TABLE bare ();
SELECT bulla.create_ledger('bare') IS NOT NULL AS created;
INSERT INTO bare DEFAULT VALUES;
INSERT INTO bare DEFAULT VALUES;
SELECT * FROM compare('bare');
CREATE TABLE changing (b int, gone int, "A" text, a_name_of_sixty_three_bytes_which_is_as_long_as_a_name_can_be_1 text);
ALTER TABLE changing DROP COLUMN gone;
SELECT bulla.create_ledger('changing') IS NOT NULL AS created;
INSERT INTO changing VALUES (1, 'x', 'y');
ALTER TABLE changing ADD COLUMN later text;
ALTER TABLE changing ALTER COLUMN b TYPE bigint;
INSERT INTO changing VALUES (2, 'x');
INSERT INTO changing (b, later) VALUES (3, 'new');
INSERT INTO changing (later) VALUES ('only'), (DEFAULT);
SELECT * FROM bulla.verify('changing');
SELECT * FROM compare('changing');

-- row_record itself.
SELECT bulla.row_record('simple', '', 1);
SELECT bulla.row_record('simple', '', -1);
SELECT bulla.row_record('simple', 'x', 0);
SELECT bulla.row_record('simple', NULL, 0);
SELECT bulla.row_record('simple', '', NULL);
SELECT bulla.row_record(NULL, '', 0);
SELECT bulla.row_record('samples', '', 0);
SELECT bulla.row_record('chained', '', 0);
SELECT bulla.row_record('chained', 'x', 0);
SELECT bulla.row_record('chained', '(x)', 0);
SELECT bulla.row_record('chained', '(x,)', 0);
SELECT bulla.row_record('chained', '(x,1', 0);
SELECT bulla.row_record('chained', '(x,1)y', 0);
SELECT bulla.row_record('chained', '(x,1,2)', 0);
SELECT bulla.row_record('chained', '(x,one)', 0);
SELECT bulla.row_record('chained', '(y,1)', 0);
