-- Erasable columns: a value and its salt go, chain and hashes stand, and verify tells that from tampering.
\set VERBOSITY terse
\set SHOW_CONTEXT never
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_eraser, regress_reader;
CREATE ROLE regress_eraser;
CREATE ROLE regress_reader;
RESET client_min_messages;

-- HMAC-SHA-256 and commitments as docs/spec/record.md defines them, in SQL.
CREATE FUNCTION hmac(key bytea, message bytea) RETURNS bytea LANGUAGE sql AS $$
SELECT sha256(string_agg(set_byte('\x00', 0, get_byte(padded, i) # 92), '' ORDER BY i)
              || sha256(string_agg(set_byte('\x00', 0, get_byte(padded, i) # 54), '' ORDER BY i) || message))
FROM (SELECT key || decode(repeat('00', 64 - length(key)), 'hex') AS padded) AS p, generate_series(0, 63) AS i
$$;
SELECT encode(hmac('Jefe', 'what do ya want for nothing?'), 'hex');
CREATE FUNCTION sized(text) RETURNS bytea LANGUAGE sql AS
$$ SELECT int4send(octet_length($1)) || convert_to($1, 'UTF8') $$;
CREATE FUNCTION commitment(salt bytea, name text, value text) RETURNS bytea LANGUAGE sql AS
$$ SELECT hmac(salt, '\x62756c6c612e636f6d6d69742e763100' || sized(name) || sized(value)) $$;
-- What a row's openings say.
CREATE FUNCTION read_openings(openings bytea) RETURNS TABLE (name text, commitment bytea, salt bytea)
    LANGUAGE plpgsql AS $$
DECLARE
    at int := 3;
    size int;
BEGIN
    IF openings IS NULL THEN
        RETURN;
    END IF;
    ASSERT get_byte(openings, 0) = 1;
    FOR i IN 1 .. get_byte(openings, 1) * 256 + get_byte(openings, 2) LOOP
        size := get_byte(openings, at) * 256 + get_byte(openings, at + 1);
        name := convert_from(substr(openings, at + 3, size), 'UTF8');
        at := at + 2 + size;
        commitment := substr(openings, at + 2, 32);
        salt := CASE get_byte(openings, at) WHEN 1 THEN substr(openings, at + 34, 32) END;
        at := at + 33 + coalesce(length(salt), 0);
        RETURN NEXT;
    END LOOP;
    ASSERT at = length(openings);
END $$;

-- A superuser's way around the triggers, and back.
CREATE PROCEDURE unprotect() LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('bulla.restore', 'on', true);
    ALTER TABLE visits DISABLE TRIGGER USER;
    PERFORM set_config('bulla.restore', 'off', true);
END $$;
CREATE PROCEDURE protect() LANGUAGE plpgsql AS $$
DECLARE
    trigger name;
BEGIN
    FOR trigger IN SELECT tgname FROM pg_trigger WHERE tgrelid = 'visits'::regclass AND NOT tgisinternal LOOP
        EXECUTE format('ALTER TABLE visits ENABLE ALWAYS TRIGGER %I', trigger);
    END LOOP;
END $$;

-- A ledger with rows before and after, with and without values.
CREATE TABLE visits (id int PRIMARY KEY, who text NOT NULL, client_ip inet, metadata jsonb, at date);
INSERT INTO visits VALUES (1, 'alice', '192.0.2.7', '{"b": 1}'), (2, 'bob', NULL, NULL);
SELECT bulla.create_ledger('visits', erasable => '{metadata,client_ip}') IS NOT NULL AS created;
INSERT INTO visits VALUES (3, 'carol', '2001:db8::1', NULL), (4, 'dave', NULL, '{}');
INSERT INTO visits SELECT 5, 'erin', '192.0.2.7', jsonb_build_object('long', repeat('x', 5000));
SELECT chain_by, erasable, retroactive_rows FROM bulla.ledgers WHERE ledger = 'visits'::regclass;
SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute
WHERE attrelid = 'visits'::regclass AND attnum > 5 ORDER BY attnum;
SELECT id, seq, name, o.commitment = commitment(o.salt, name,
           CASE name WHEN 'client_ip' THEN format('%s', v.client_ip) ELSE v.metadata::text END) AS commits
FROM visits AS v LEFT JOIN read_openings(openings) AS o ON true ORDER BY id, name;
SELECT count(DISTINCT salt) = count(*) AS salts_differ
FROM visits, read_openings(openings);
-- The record holds the commitment (kind 2), not the value and not the salt.
SELECT id, name,
       position(sized(name) || '\x02'::bytea || int4send(32) || o.commitment
                IN bulla.row_record('visits', '', seq)) > 0 AS has_commitment,
       position(o.salt IN bulla.row_record('visits', '', seq)) AS has_salt,
       sha256('\x00' || bulla.row_record('visits', '', seq)) = hash AS hash
FROM visits AS v, read_openings(openings) AS o ORDER BY id, name;
SELECT * FROM bulla.verify('visits');
CREATE TABLE before AS SELECT *, bulla.row_record('visits', '', seq) AS record FROM visits;

-- Erasing. It says how many values went; what is not there, or not any more, is no error.
SELECT bulla.erase('visits', '', 0, '{client_ip}', 'request 1');
SELECT bulla.erase('visits', '', 0, '{client_ip}', 'request 1 again');
SELECT bulla.erase('visits', '', 0, '{metadata,client_ip,metadata}', 'request 2');
SELECT bulla.erase('visits', '', 1, '{client_ip,metadata}', 'there never was anything');
SELECT bulla.erase('visits', '', 4, '{metadata}', 'a long value');
SELECT id, who, client_ip, metadata, name, salt IS NULL AS erased
FROM visits AS v LEFT JOIN read_openings(openings) AS o ON true ORDER BY id, name;
SELECT id, bulla.erased_columns(openings) FROM visits ORDER BY id;
SELECT bulla.erased_columns(NULL), bulla.erased_columns(''), bulla.erased_columns('\x01');
SELECT count(*) AS rows, bool_and((v.seq, v.prev_hash, v.hash) = (b.seq, b.prev_hash, b.hash)) AS same_hashes,
       bool_and(bulla.row_record('visits', '', v.seq) = b.record) AS same_records
FROM visits AS v JOIN before AS b USING (id);
SELECT count(*) AS commitments, bool_and(o.commitment = b.commitment) AS same
FROM visits AS v CROSS JOIN read_openings(v.openings) AS o
JOIN (SELECT id, r.* FROM before, read_openings(openings) AS r) AS b USING (id, name);
SELECT * FROM bulla.verify('visits');
SELECT verified, regexp_replace(array_to_string(notes, '; '), 'at .*;', 'at …;') AS notes
FROM bulla.verify_summary('visits');
-- bulla.events has who, when and why, and not what.
SELECT action, role, detail - 'ledger_id' AS detail FROM bulla.events
WHERE action = 'ledger.row_erased' ORDER BY seq;
SELECT * FROM bulla.verify('bulla.events');
-- The chain goes on.
INSERT INTO visits VALUES (6, 'frank', '192.0.2.9', NULL) RETURNING seq;
SELECT * FROM bulla.verify('visits');

-- With a savepoint that is rolled back all of it is as it was.
BEGIN;
SAVEPOINT s;
SELECT bulla.erase('visits', '', 5, '{client_ip}', 'not meant');
ROLLBACK TO s;
SELECT client_ip FROM visits WHERE id = 6;
SELECT * FROM bulla.verify('visits');
COMMIT;
SELECT count(*) FROM bulla.events WHERE detail ->> 'reason' = 'not meant';
-- In the transaction that appended the row, and beside other statements of it.
BEGIN ISOLATION LEVEL REPEATABLE READ;
INSERT INTO visits VALUES (7, 'grace', '192.0.2.10', '{"a": 1}') RETURNING seq;
SELECT bulla.erase('visits', '', 6, '{client_ip}', 'at once'), bulla.erase('visits', '', 6, '{metadata}', 'too');
INSERT INTO visits VALUES (8, 'heidi', '192.0.2.11', '{}');
SELECT * FROM bulla.verify('visits');
COMMIT;
SELECT * FROM bulla.verify('visits');

-- All rows of a person: a query says which.
SELECT id, bulla.erase('visits', '', seq, '{client_ip,metadata}', 'request 3') AS erased
FROM visits WHERE who IN ('bob', 'carol', 'dave', 'heidi') ORDER BY seq;
SELECT sum(bulla.erase('visits', '', seq, '{client_ip,metadata}', 'request 3'))
FROM visits WHERE who IN ('bob', 'carol', 'dave', 'heidi');
SELECT * FROM bulla.verify('visits');

-- What is wrong with a call.
\set VERBOSITY default
SELECT bulla.erase('visits', '', 0, '{who}', 'x');
SELECT bulla.erase('visits', '', 0, '{absent}', 'x');
SELECT bulla.erase('visits', '', 0, '{openings}', 'x');
SELECT bulla.erase('visits', '', 0, '{}', 'x');
SELECT bulla.erase('visits', '', 0, '{NULL}', 'x');
SELECT bulla.erase('visits', '', 0, '{client_ip}', '');
SELECT bulla.erase('visits', '', 99, '{client_ip}', 'x');
SELECT bulla.erase('visits', '', -1, '{client_ip}', 'x');
SELECT bulla.erase('visits', 'x', 0, '{client_ip}', 'x');
SELECT bulla.erase('bulla.events', '', 0, '{detail}', 'x');
SELECT bulla.erase('before', '', 0, '{client_ip}', 'x');
\set VERBOSITY terse
SELECT bulla.erase(NULL, '', 0, '{client_ip}', 'x');
SELECT bulla.erase('visits', NULL, 0, '{client_ip}', 'x');
SELECT bulla.erase('visits', '', NULL, '{client_ip}', 'x');
SELECT bulla.erase('visits', '', 0, NULL, 'x');
SELECT bulla.erase('visits', '', 0, '{client_ip}', NULL);
SELECT bulla.erase(1::regclass, '', 0, '{client_ip}', 'x');
BEGIN READ ONLY;
SELECT bulla.erase('visits', '', 5, '{client_ip}', 'x');
ROLLBACK;

-- An UPDATE is refused as ever, also one that looks like an erasure, and one beside an erasure.
UPDATE visits SET client_ip = NULL WHERE id = 6;
UPDATE visits SET client_ip = NULL, openings = substr(openings, 1, 3 + 2 + 9)
    || '\x00'::bytea || substr(openings, 16, 32) WHERE id = 6;
UPDATE visits SET at = NULL WHERE id = 6;
DELETE FROM visits WHERE id = 1;
CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE visits SET client_ip = NULL WHERE id = 5;
    RETURN NEW;
END $$;
CREATE TRIGGER a_meddle BEFORE UPDATE ON visits FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION meddle();
SELECT bulla.erase('visits', '', 5, '{client_ip}', 'x');
DROP TRIGGER a_meddle ON visits;
SELECT client_ip IS NOT NULL AS there FROM visits WHERE id IN (5, 6);
-- After an erasure that failed nothing is allowed that was not before.
UPDATE visits SET client_ip = NULL, openings = substr(openings, 1, 3 + 2 + 9)
    || '\x00'::bytea || substr(openings, 16, 32) WHERE id = 6;

-- Openings cannot be chosen, whatever else the row brings.
\set VERBOSITY default
INSERT INTO visits (id, who, client_ip, openings) VALUES (90, 'x', '192.0.2.1', '\x01');
\set VERBOSITY terse
INSERT INTO visits (id, who, seq, prev_hash, hash, openings)
SELECT 90, who, 8, hash, hash, openings FROM visits WHERE id = 6;
INSERT INTO visits (id, who, openings) VALUES (90, 'x', '');
SELECT bulla.append('visits', '{"id": 90, "who": "x", "openings": "\\x01"}');
-- What is appended at the commit gets its openings there.
BEGIN;
SELECT bulla.append('visits', '{"id": 9, "who": "ivan", "client_ip": "192.0.2.12"}');
SELECT bulla.append('visits', '{"id": 10, "who": "judy", "metadata": null}');
COMMIT;
SELECT id, seq, client_ip, name FROM visits LEFT JOIN read_openings(openings) ON true WHERE id IN (9, 10) ORDER BY id;
SELECT * FROM bulla.verify('visits');
-- A failing row is told of without its salts.
ALTER TABLE visits ADD CONSTRAINT short CHECK (length(who) < 10);
DO $$
DECLARE
    detail text;
BEGIN
    INSERT INTO visits VALUES (91, 'a long name', '192.0.2.1');
EXCEPTION WHEN check_violation THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    RAISE NOTICE '% bytes of openings', length(substring(detail from '\\x(0100[0-9a-f]+)')) / 2;
END $$;

-- A restore: rows that bring their hashes bring their openings, erased or not, and must fit.
CREATE TABLE copy AS SELECT * FROM visits;
BEGIN;
CALL unprotect();
DELETE FROM visits;
CALL protect();
SET LOCAL bulla.restore = on;
INSERT INTO visits SELECT * FROM copy ORDER BY id DESC;
SELECT * FROM bulla.verify('visits');
ROLLBACK;
BEGIN;
CALL unprotect();
DELETE FROM visits WHERE id = 6;
CALL protect();
SET LOCAL bulla.restore = on;
CREATE FUNCTION restored(row_to_restore copy) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO visits SELECT (row_to_restore).*;
    RAISE 'taken';
EXCEPTION WHEN raise_exception OR data_corrupted OR generated_always THEN
    RETURN SQLERRM;
END $$;
SELECT restored(c) FROM copy AS c WHERE id = 6;
UPDATE copy SET client_ip = '192.0.2.1' WHERE id = 6 RETURNING restored(copy);
UPDATE copy SET client_ip = NULL WHERE id = 6 RETURNING restored(copy);
UPDATE copy SET openings = substr(openings, 1, 14) || '\x00'::bytea || substr(openings, 16, 32)
WHERE id = 6 RETURNING restored(copy);
UPDATE copy SET client_ip = '192.0.2.9' WHERE id = 6 RETURNING restored(copy);
UPDATE copy SET openings = NULL WHERE id = 6 RETURNING restored(copy);
ROLLBACK;

-- What a superuser does past the triggers shows, each in its own words.
CREATE PROCEDURE tamper(change text) LANGUAGE plpgsql AS $$
DECLARE
    finding record;
BEGIN
    CALL unprotect();
    EXECUTE 'UPDATE visits SET ' || change;
    CALL protect();
    FOR finding IN SELECT * FROM bulla.verify('visits') ORDER BY seq LOOP
        RAISE NOTICE '% % %', finding.seq, finding.verdict,
            regexp_replace(finding.detail, '[0-9a-f]{64}', '…', 'g');
    END LOOP;
    ROLLBACK;
END $$;
CALL tamper($$client_ip = '192.0.2.8' WHERE id = 5$$);
CALL tamper($$client_ip = NULL WHERE id = 5$$);
CALL tamper($$client_ip = '192.0.2.7' WHERE id = 1$$);
CALL tamper($$client_ip = '192.0.2.8' WHERE id = 2$$);
CALL tamper($$metadata = '{}' WHERE id = 5$$);
CALL tamper($$openings = NULL WHERE id = 6$$);
CALL tamper($$openings = '\x' WHERE id = 2$$);
CALL tamper($$openings = '\x02' WHERE id = 6$$);
CALL tamper($$openings = openings || '\x00'::bytea WHERE id = 6$$);
CALL tamper($$openings = substr(openings, 1, length(openings) - 1) WHERE id = 6$$);
CALL tamper($$openings = set_byte(openings, 20, get_byte(openings, 20) # 1) WHERE id = 6$$);
CALL tamper($$openings = set_byte(openings, 60, get_byte(openings, 60) # 1) WHERE id = 6$$);
CALL tamper($$openings = substr(openings, 1, 14) || '\x00'::bytea || substr(openings, 16, 32) WHERE id = 6$$);
CALL tamper($$client_ip = NULL, openings = substr(openings, 1, 14) || '\x00'::bytea || substr(openings, 16, 32)
    WHERE id = 6$$);
CALL tamper($$openings = '\x010001' || '\x0003'::bytea || 'who' || '\x00'::bytea || hash WHERE id = 2$$);
-- No erasing from a row that was altered: it is evidence.
BEGIN;
CALL unprotect();
UPDATE visits SET client_ip = NULL WHERE id = 6;
CALL protect();
\set VERBOSITY default
SELECT bulla.erase('visits', '', 5, '{client_ip}', 'x');
\set VERBOSITY terse
ROLLBACK;
-- Where bulla.events is gone, nobody knows of the erasures.
BEGIN;
SET bulla.restore = on;
ALTER TABLE bulla.events RENAME TO old_events;
RESET bulla.restore;
SELECT seq, verdict, detail FROM bulla.verify('visits') ORDER BY seq, detail;
ROLLBACK;

-- Who may: UPDATE on the column or the table, SELECT on what names the row; and row-level security.
GRANT SELECT ON visits TO regress_reader;
SET ROLE regress_reader;
SELECT bulla.erase('visits', '', 5, '{client_ip}', 'x');
RESET ROLE;
GRANT SELECT (seq), UPDATE (client_ip) ON visits TO regress_eraser;
SET ROLE regress_eraser;
\set VERBOSITY default
SELECT bulla.erase('visits', '', 4, '{client_ip,metadata}', 'x');
\set VERBOSITY terse
SELECT bulla.erase('visits', '', 4, '{client_ip}', 'of right');
UPDATE visits SET client_ip = NULL WHERE seq = 5;
RESET ROLE;
SELECT role, detail ->> 'seq' AS seq, detail ->> 'columns' AS columns FROM bulla.events
WHERE detail ->> 'reason' = 'of right';
CREATE POLICY seen ON visits TO regress_eraser USING (seq < 5);
ALTER TABLE visits ENABLE ROW LEVEL SECURITY;
SET ROLE regress_eraser;
SELECT bulla.erase('visits', '', 5, '{client_ip}', 'x');
SELECT bulla.erase('visits', '', 4, '{client_ip}', 'x');
RESET ROLE;
ALTER TABLE visits DISABLE ROW LEVEL SECURITY;
SELECT * FROM bulla.verify('visits');

-- Triggers of users fire; one that changes or suppresses the erasure is an error, whichever side it sorts to.
CREATE TABLE busy (id int PRIMARY KEY, secret text, doubled text GENERATED ALWAYS AS (secret || secret) STORED,
                   stamp int);
CREATE INDEX ON busy (secret);
CREATE UNIQUE INDEX ON busy (doubled);
SELECT bulla.create_ledger('busy', erasable => '{secret}') IS NOT NULL AS created;
INSERT INTO busy VALUES (1, 'a'), (2, 'b'), (3, 'c');
CREATE FUNCTION watch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE '% % % -> %', TG_NAME, TG_WHEN, OLD.secret, NEW.secret;
    RETURN NEW;
END $$;
CREATE FUNCTION change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.stamp := 1; RETURN NEW; END $$;
CREATE FUNCTION suppress() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER watch BEFORE UPDATE OF secret ON busy FOR EACH ROW EXECUTE FUNCTION watch();
CREATE TRIGGER watch_stamp BEFORE UPDATE OF stamp ON busy FOR EACH ROW EXECUTE FUNCTION watch();
CREATE TRIGGER watch_after AFTER UPDATE ON busy FOR EACH ROW EXECUTE FUNCTION watch();
-- Of statements do not.
CREATE FUNCTION watch_statement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE '% %', TG_NAME, TG_WHEN;
    RETURN NULL;
END $$;
CREATE TRIGGER before_statement BEFORE UPDATE ON busy EXECUTE FUNCTION watch_statement();
CREATE TRIGGER after_statement AFTER UPDATE ON busy REFERENCING OLD TABLE AS before EXECUTE FUNCTION watch_statement();
SELECT bulla.erase('busy', '', 0, '{secret}', 'x');
CREATE TRIGGER a_change BEFORE UPDATE ON busy FOR EACH ROW EXECUTE FUNCTION change();
SELECT bulla.erase('busy', '', 1, '{secret}', 'x');
ALTER TRIGGER a_change ON busy RENAME TO z_change;
SELECT bulla.erase('busy', '', 1, '{secret}', 'x');
DROP TRIGGER z_change ON busy;
CREATE TRIGGER a_suppress BEFORE UPDATE ON busy FOR EACH ROW EXECUTE FUNCTION suppress();
SELECT bulla.erase('busy', '', 1, '{secret}', 'x');
DROP TRIGGER a_suppress ON busy;
-- A trigger between Bulla's and the insert that changes an erasable value is found out too.
CREATE FUNCTION replace_secret() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.secret := 'other'; RETURN NEW; END $$;
SET bulla.restore = on;
CREATE TRIGGER zzzz BEFORE INSERT ON busy FOR EACH ROW EXECUTE FUNCTION replace_secret();
RESET bulla.restore;
INSERT INTO busy VALUES (4, 'd');
DROP TRIGGER zzzz ON busy;
SELECT id, secret, doubled, stamp FROM busy ORDER BY id;
SET enable_seqscan = off;
SELECT id FROM busy WHERE secret = 'a';
SELECT id FROM busy WHERE secret = 'b';
RESET enable_seqscan;
SELECT * FROM bulla.verify('busy');

-- Partitions, chains of two columns, names that have to be quoted, a domain, a column dropped on the way.
CREATE DOMAIN remark AS text CHECK (VALUE <> 'forbidden');
CREATE TABLE parted ("Who, exactly" text NOT NULL, lane int NOT NULL, dropped int, "it's" remark, at date NOT NULL)
    PARTITION BY RANGE (at);
ALTER TABLE parted DROP COLUMN dropped;
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
CREATE TABLE parted_2 (at date NOT NULL, "it's" remark, extra int, lane int NOT NULL, "Who, exactly" text NOT NULL);
ALTER TABLE parted_2 DROP COLUMN extra;
ALTER TABLE parted ATTACH PARTITION parted_2 FOR VALUES FROM ('2024-02-01') TO ('2024-03-01');
SELECT bulla.create_ledger('parted', '{"Who, exactly",lane}', erasable => ARRAY['it''s']) IS NOT NULL AS created;
CREATE TABLE parted_3 PARTITION OF parted FOR VALUES FROM ('2024-03-01') TO ('2024-04-01');
INSERT INTO parted SELECT 'a "b", c', g % 2, 'remark ' || g, date '2024-01-15' + 10 * g FROM generate_series(0, 6) AS g;
SELECT tableoid::regclass, bulla.erase('parted', (p."Who, exactly", p.lane)::text, seq, ARRAY['it''s'], 'x')
FROM parted AS p WHERE seq = 1 ORDER BY lane;
SELECT bulla.erase('parted', '("a ""b"", c", 1 )', 2, ARRAY['it''s'], 'a chain has many spellings');
SELECT detail ->> 'chain' AS chain FROM bulla.events
WHERE detail ->> 'reason' = 'a chain has many spellings';
SELECT bulla.erase('parted_1', '', 1, ARRAY['it''s'], 'x');
SELECT tableoid::regclass, lane, seq, "it's" FROM parted ORDER BY at;
-- The domain stops allowing nulls.
BEGIN;
ALTER DOMAIN remark ADD CONSTRAINT given CHECK (VALUE IS NOT NULL) NOT VALID;
SELECT bulla.erase('parted', '("a ""b"", c",0)', 0, ARRAY['it''s'], 'x');
ROLLBACK;
SELECT * FROM bulla.verify('parted');
SELECT * FROM bulla.verify('parted', '("a ""b"", c",1)', 1, 1);
SELECT notes FROM bulla.verify_summary('parted');
SELECT erasable FROM bulla.ledgers WHERE ledger = 'parted'::regclass;

-- DDL on erasable columns is what it is on others: a name that is gone stops the ledger, with a HINT.
BEGIN;
\set VERBOSITY default
SET bulla.restore = on;
ALTER TABLE visits RENAME COLUMN client_ip TO ip;
RESET bulla.restore;
INSERT INTO visits VALUES (100, 'x');
ROLLBACK;
\set VERBOSITY terse
ALTER TABLE visits ADD COLUMN later text;
SELECT * FROM bulla.verify('visits');

-- An erasable column stays one that can be NULL, in partitions too, by whatever would keep a value.
\set VERBOSITY default
CREATE DOMAIN given AS text;
CREATE TABLE kept (id int, secret text, other text, domain given, at int NOT NULL) PARTITION BY LIST (at);
CREATE TABLE kept_1 PARTITION OF kept FOR VALUES IN (1);
SELECT bulla.create_ledger('kept', erasable => '{secret,other,domain}') IS NOT NULL AS created;
INSERT INTO kept VALUES (1, 'a', 'b', 'c', 1);
ALTER TABLE kept ALTER COLUMN secret SET NOT NULL;
\set VERBOSITY terse
ALTER TABLE kept_1 ALTER COLUMN secret SET NOT NULL;
ALTER TABLE kept ADD CONSTRAINT given CHECK (secret IS NOT NULL);
ALTER TABLE kept ADD CONSTRAINT given CHECK (secret IS NOT NULL) NOT VALID;
ALTER TABLE kept_1 ADD CONSTRAINT given CHECK (id > 0 AND NOT (other IS NULL));
ALTER TABLE kept ADD PRIMARY KEY (at, secret);
\set VERBOSITY default
ALTER DOMAIN given SET NOT NULL;
\set VERBOSITY terse
CREATE TABLE kept_2 PARTITION OF kept (other NOT NULL) FOR VALUES IN (2);
CREATE TABLE kept_2 (LIKE kept, CHECK (secret IS NOT NULL));
ALTER TABLE kept ATTACH PARTITION kept_2 FOR VALUES IN (2);
DROP TABLE kept_2;
-- What is no such constraint is fine; also on columns that are not erasable.
ALTER TABLE kept ADD CONSTRAINT one_of_them CHECK (secret IS NOT NULL OR other IS NOT NULL),
    ADD CONSTRAINT short CHECK (length(secret) < 100), ADD CONSTRAINT named CHECK (id IS NOT NULL);
ALTER TABLE kept ALTER COLUMN id SET NOT NULL;
ALTER DOMAIN given ADD CONSTRAINT long CHECK (length(VALUE) > 0);
CREATE TABLE kept_2 PARTITION OF kept (id NOT NULL) FOR VALUES IN (2);
SELECT bulla.erase('kept', '', 0, '{secret,domain}', 'x');
SELECT count(*) FROM bulla.verify('kept');
-- What was so before does not keep other DDL from working.
SET bulla.restore = on;
ALTER TABLE kept_2 ALTER COLUMN secret SET NOT NULL;
RESET bulla.restore;
ALTER TABLE kept_2 SET (fillfactor = 90);
ALTER TABLE kept_2 ALTER COLUMN secret DROP NOT NULL;

-- Columns that cannot be erasable, each with what to do.
\set VERBOSITY default
CREATE DOMAIN sure AS text NOT NULL;
CREATE DOMAIN very_sure AS sure;
CREATE TABLE refused (id int PRIMARY KEY, tenant text NOT NULL, note text, required text NOT NULL, sure very_sure,
    doubled text GENERATED ALWAYS AS (note || note) STORED);
SELECT bulla.create_ledger('refused', erasable => '{absent}');
SELECT bulla.create_ledger('refused', erasable => '{ctid}');
SELECT bulla.create_ledger('refused', erasable => '{hash}');
SELECT bulla.create_ledger('refused', erasable => '{openings}');
SELECT bulla.create_ledger('refused', '{tenant}', erasable => '{tenant}');
SELECT bulla.create_ledger('refused', erasable => '{required}');
SELECT bulla.create_ledger('refused', erasable => '{sure}');
ALTER TABLE refused ADD CONSTRAINT noted CHECK (note IS NOT NULL);
SELECT bulla.create_ledger('refused', erasable => '{note}');
ALTER TABLE refused DROP CONSTRAINT noted;
SELECT bulla.create_ledger('refused', erasable => '{doubled}');
SELECT bulla.create_ledger('refused', erasable => '{note,note}');
SELECT bulla.create_ledger('refused', erasable => '{NULL}');
SELECT bulla.create_ledger('refused', erasable => NULL);
ALTER TABLE refused ADD COLUMN openings text;
SELECT bulla.create_ledger('refused', erasable => '{note}');
CREATE TABLE keyed (a int, b int, c int) PARTITION BY LIST (a);
CREATE TABLE keyed_1 PARTITION OF keyed FOR VALUES IN (1) PARTITION BY RANGE (abs(b));
SELECT bulla.create_ledger('keyed', erasable => '{a}');
SELECT bulla.create_ledger('keyed', erasable => '{b}');
ALTER TABLE keyed_1 ALTER COLUMN c SET NOT NULL;
SELECT bulla.create_ledger('keyed', erasable => '{c}');
ALTER TABLE keyed_1 ALTER COLUMN c DROP NOT NULL;
SELECT bulla.create_ledger('keyed', erasable => '{c}') IS NOT NULL AS created;
\set VERBOSITY terse
-- Without erasable columns "openings" is a name like any other.
ALTER TABLE refused ALTER COLUMN sure TYPE text;
SELECT bulla.create_ledger('refused') IS NOT NULL AS created;
INSERT INTO refused (id, tenant, required, sure, openings) VALUES (1, 'a', 'b', 'c', 'mine');
SELECT openings, position('openings' IN bulla.row_record('refused', '', 0)) > 0 AS in_record FROM refused;
SELECT bulla.erase('refused', '', 0, '{note}', 'x');

-- A commitment takes 32 bytes, so what may be long or short counts the same towards the limit of a record.
DO $$
BEGIN
    EXECUTE 'CREATE TABLE wide (' || (SELECT string_agg(format('column_%s text', g), ', ')
        FROM generate_series(1, 1000) AS g) || ')';
    PERFORM bulla.create_ledger('wide', erasable => ARRAY(SELECT 'column_' || g FROM generate_series(1, 1000) AS g)::name[]);
END $$;
INSERT INTO wide (column_1, column_1000) VALUES ('a', 'b');
SELECT length(openings) FROM wide;
SELECT bulla.erase('wide', '', 0, '{column_1000,column_1}', 'x');
SELECT * FROM bulla.verify('wide');

-- Parallel workers look erasures up by themselves, and count them together.
CREATE TABLE many (n int PRIMARY KEY, secret text);
SELECT bulla.create_ledger('many', erasable => '{secret}') IS NOT NULL AS created;
INSERT INTO many SELECT n, 'secret ' || n FROM generate_series(1, 5000) AS n;
SELECT sum(bulla.erase('many', '', seq, '{secret}', 'x')) FROM many WHERE n % 5 = 0;
SET bulla.restore = on;
ALTER TABLE many DISABLE TRIGGER bulla_refuse_change;
RESET bulla.restore;
UPDATE many SET secret = 'other' WHERE n IN (7, 4007);
UPDATE many SET secret = NULL, openings = substr(openings, 1, 11) || '\x00'::bytea || substr(openings, 13, 32)
WHERE n IN (1001, 4999);
ALTER TABLE many ENABLE ALWAYS TRIGGER bulla_refuse_change;
SELECT * FROM bulla.verify('many');
SELECT verified, broken_at, notes FROM bulla.verify_summary('many');
SET min_parallel_table_scan_size = 0;
SET parallel_leader_participation = off;
SELECT * FROM bulla.verify('many');
SELECT verified, broken_at, notes FROM bulla.verify_summary('many');
RESET min_parallel_table_scan_size;
RESET parallel_leader_participation;

-- drop_ledger leaves what is there.
SELECT bulla.drop_ledger('busy');
UPDATE busy SET secret = NULL WHERE id = 2;
SELECT count(openings) FROM busy;

SET bulla.restore = on;
DROP TABLE visits, busy, many, parted, kept, refused, keyed, wide, before, copy CASCADE;
DROP ROLE regress_eraser, regress_reader;
