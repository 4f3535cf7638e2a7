-- The life of a key: versions are added, disabled, enabled and destroyed; what was done stands in bulla.events.
\set VERBOSITY terse
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_key_keeper, regress_key_stranger;
CREATE ROLE regress_key_keeper;
CREATE ROLE regress_key_stranger;
RESET client_min_messages;
CREATE FUNCTION outcome(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    hint text;
BEGIN
    EXECUTE 'SELECT ' || call;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(' | ', SQLSTATE, SQLERRM, nullif(hint, ''));
END $$;
CREATE VIEW life AS SELECT name, version, state, kek_id LIKE 'file:%' AS has_kek, state_since > created_at AS changed FROM bulla.keys;

-- A key rotates: the new version seals, the old ones open.
SELECT bulla.create_key('card') IS NOT NULL AS created;
CREATE TABLE sealed (id int PRIMARY KEY, value text);
INSERT INTO sealed VALUES (1, bulla.encrypt('one', 'card'));
SELECT bulla.rotate_key('card'), bulla.rotate_key('card');
INSERT INTO sealed VALUES (3, bulla.encrypt('three', 'card'));
SELECT id, bulla.decrypt(value) FROM sealed ORDER BY id;
CREATE FUNCTION version_of(value text) RETURNS int LANGUAGE sql AS $$
    SELECT version FROM bulla.keys
    WHERE version_id = substr(decode(translate(substr(value, 8, 24), '-_', '+/'), 'base64'), 3, 16) $$;
SELECT id, version_of(value) FROM sealed ORDER BY id;
SELECT * FROM life ORDER BY version;
SELECT count(DISTINCT commitment), count(DISTINCT wrapped), bool_and(keks = ARRAY[kek_id]) AS keks_noted FROM bulla.key_versions;
SELECT count(*), bool_and(retired_at IS NULL) AS in_use FROM bulla.keks;
-- Only a highest enabled version seals.
SELECT bulla.disable_key_version('card', 3);
SELECT version_of(bulla.encrypt('x', 'card'));
SELECT id, outcome(format('bulla.decrypt(%L)', value)) FROM sealed ORDER BY id;
SELECT bulla.enable_key_version('card', 3);
SELECT version_of(bulla.encrypt('x', 'card'));
SELECT id, bulla.decrypt(value) FROM sealed ORDER BY id;
SELECT bulla.disable_key_version('card', 1), bulla.disable_key_version('card', 2), bulla.disable_key_version('card', 3);
SELECT outcome($$bulla.encrypt('x', 'card')$$);
-- A key none of whose versions is enabled gets a new one.
SELECT bulla.rotate_key('card');
SELECT version_of(bulla.encrypt('x', 'card'));

-- Every change of every state: what is not in docs/spec/keys.md's table is refused and changes nothing.
SELECT bulla.create_key('states') IS NOT NULL AS created;
SELECT max(bulla.rotate_key('states')) FROM generate_series(1, 8);
SELECT bulla.disable_key_version('states', v) FROM generate_series(4, 6) AS v;
SELECT bulla.destroy_key_version('states', v, 'a test') > 0 AS destroyed FROM generate_series(7, 9) AS v;
SELECT v, before.state, change, outcome(format(call, 'states', v)) AS outcome
FROM (VALUES (1, 'disable', 'bulla.disable_key_version(%L, %s)'), (2, 'enable', 'bulla.enable_key_version(%L, %s)'),
             (3, 'destroy', $$bulla.destroy_key_version(%L, %s, 'a test')$$)) AS c (n, change, call),
     LATERAL (SELECT version AS v, state FROM bulla.keys WHERE name = 'states' AND (version - 1) % 3 + 1 = n) AS before
ORDER BY v;
SELECT version, state FROM bulla.keys WHERE name = 'states' ORDER BY version;
SELECT count(*) FROM bulla.key_versions WHERE (state = 'destroyed') <> (wrapped IS NULL) OR (state = 'destroyed') <> (kek_id IS NULL);

-- What is destroyed is gone; destroy_key takes all that is left, and tells under which number it is recorded.
SELECT bulla.destroy_key_version('card', 4, 'no longer needed') AS seq \gset
SELECT seq = :seq AS same, action, role = current_user AS me, detail - 'key_id' - 'version_id' - 'keks' AS detail,
    detail -> 'keks' = (SELECT to_jsonb(array_agg(kek_id)) FROM bulla.keks) AS keks FROM bulla.events WHERE seq = :seq;
SELECT bulla.destroy_key('card', 'the contract ended') AS seq \gset
SELECT action, detail - 'key_id' - 'version_ids' - 'keks' AS detail,
    detail -> 'version_ids' = (SELECT to_jsonb(array_agg(encode(version_id, 'hex') ORDER BY version)) FROM bulla.keys WHERE name = 'card' AND version < 4) AS ids
FROM bulla.events WHERE seq = :seq;
SELECT id, outcome(format('bulla.decrypt(%L)', value)) FROM sealed ORDER BY id;
SELECT outcome($$bulla.encrypt('x', 'card')$$);
SELECT outcome($$bulla.rotate_key('card')$$);
SELECT outcome($$bulla.destroy_key('card', 'again')$$);
SELECT outcome($$bulla.enable_key_version('card', 1)$$);
SELECT outcome($$bulla.create_key('card')$$);
SELECT * FROM bulla.verify('bulla.events');

-- Final, where no KEK that ever wrapped it is left.
SELECT DISTINCT regexp_replace(finality, '[0-9a-f]{32}', '…') AS finality FROM bulla.keys WHERE name = 'card';
SELECT count(*) FILTER (WHERE finality IS NULL) AS living, count(*) FROM bulla.keys WHERE state <> 'destroyed';
SELECT kek_id AS present FROM bulla.keks \gset
SELECT regexp_replace(outcome(format('bulla.retire_kek(%L)', :'present')), '[0-9a-f]{32}', '…');
SELECT outcome($$bulla.retire_kek('file:00')$$);
SELECT outcome($$bulla.retire_kek(NULL)$$);
BEGIN;
-- As a restore would bring them: versions that other KEKs wrapped.
INSERT INTO bulla.keks (kek_id) VALUES ('file:gone'), ('file:old');
UPDATE bulla.key_versions SET keks = '{file:gone}' WHERE version = 1 AND key_id = (SELECT key_id FROM bulla.key_names WHERE name = 'card');
UPDATE bulla.key_versions SET keks = '{file:gone,file:old}' WHERE version = 2 AND key_id = (SELECT key_id FROM bulla.key_names WHERE name = 'card');
UPDATE bulla.key_versions SET keks = '{file:never noted}' WHERE version = 3 AND key_id = (SELECT key_id FROM bulla.key_names WHERE name = 'card');
UPDATE bulla.key_versions SET keks = '{}' WHERE version = 4 AND key_id = (SELECT key_id FROM bulla.key_names WHERE name = 'card');
SELECT version, finality FROM bulla.keys WHERE name = 'card' ORDER BY version;
SELECT bulla.retire_kek('file:gone');
SELECT version, regexp_replace(finality, 'since .*', 'since …') AS finality FROM bulla.keys WHERE name = 'card' ORDER BY version;
SELECT finality = 'final since ' || (SELECT retired_at FROM bulla.keks WHERE kek_id = 'file:gone') AS since_the_retirement
FROM bulla.keys WHERE name = 'card' AND version = 1;
SELECT bulla.retire_kek('file:old');
SELECT version, regexp_replace(finality, 'since .*', 'since …') AS finality FROM bulla.keys WHERE name = 'card' AND version <= 2 ORDER BY version;
SELECT outcome($$bulla.retire_kek('file:old')$$);
SELECT retired_by = current_user AS by_me, retired_at > first_used_at AS later FROM bulla.keks WHERE kek_id = 'file:old';
SELECT action, detail FROM bulla.events WHERE action = 'kek.retired';
COMMIT;
SELECT action, detail FROM bulla.events WHERE action = 'kek.retired' ORDER BY seq;
-- A KEK that was retired and is still named by bulla.kek wraps nothing any more.
BEGIN;
UPDATE bulla.keks SET retired_at = now(), retired_by = 'me' WHERE kek_id = :'present';
SELECT regexp_replace(outcome($$bulla.create_key('new')$$), '[0-9a-f]{32}', '…');
SELECT regexp_replace(outcome($$bulla.rotate_key('states')$$), '[0-9a-f]{32}', '…');
ROLLBACK;

-- A version that rows of a ledger use is destroyed only by who says so; the ledger verifies on.
SELECT bulla.create_key(name) IS NOT NULL AS created FROM unnest('{in text,in bytes,in json,in array,in partition,queued,in no ledger}'::text[]) AS name;
CREATE TABLE notes (at timestamptz DEFAULT now(), words text, bytes bytea, document jsonb, list text[]);
SELECT bulla.create_ledger('notes') IS NOT NULL AS created;
CREATE TABLE parts (part int, words text) PARTITION BY LIST (part);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES IN (2);
SELECT bulla.create_ledger('parts') IS NOT NULL AS created;
INSERT INTO notes (words) SELECT 'plain ' || g FROM generate_series(1, 10) AS g;
INSERT INTO notes (words) VALUES (bulla.encrypt('x', 'in text'));
INSERT INTO notes (bytes) VALUES (bulla.encrypt('\x00'::bytea, 'in bytes'));
INSERT INTO notes (document) VALUES (jsonb_build_object('a', ARRAY['b', bulla.encrypt('x', 'in json')]));
INSERT INTO notes (list) VALUES (ARRAY['a', bulla.encrypt('x', 'in array')]);
INSERT INTO parts VALUES (1, 'plain'), (2, bulla.encrypt('x', 'in partition'));
-- A version's id alone is nothing that is sealed, whatever stands before it in a document.
INSERT INTO notes (document) SELECT jsonb_build_object('a', '00b101', 'b', encode(version_id, 'hex')) FROM bulla.keys WHERE name = 'in no ledger';
CREATE TABLE ordinary AS SELECT bulla.encrypt('x', 'in no ledger') AS words;
SELECT name, outcome(format('bulla.destroy_key(%L, %L)', name, 'a test')) FROM bulla.key_names WHERE name LIKE 'in %' ORDER BY name;
BEGIN;
SELECT bulla.append('notes', jsonb_build_object('words', bulla.encrypt('x', 'queued')));
SELECT outcome($$bulla.destroy_key_version('queued', 1, 'a test')$$);
ROLLBACK;
-- A version that the ledger does not use goes; the one that it uses needs the word.
SELECT bulla.rotate_key('in text');
SELECT bulla.destroy_key_version('in text', 2, 'a test') > 0 AS destroyed;
SELECT bulla.destroy_key_version('in text', 1, 'erasure request', shred => true) > 0 AS destroyed;
SELECT bulla.destroy_key('in json', 'erasure request', shred => true) > 0 AS destroyed;
SELECT outcome(format('bulla.decrypt(%L)', words)) FROM notes WHERE words LIKE 'bulla1:%';
SELECT detail ->> 'key' AS key, detail -> 'shred' AS shred FROM bulla.events WHERE action LIKE 'key%destroyed' AND detail ->> 'key' LIKE 'in %' ORDER BY seq;
SELECT * FROM bulla.verify('notes');
SELECT * FROM bulla.verify('parts');

-- All of it is rolled back with its transaction.
SELECT bulla.create_key('undone') IS NOT NULL AS created;
CREATE TABLE undone AS SELECT bulla.encrypt('still here', 'undone') AS value;
BEGIN;
SELECT bulla.rotate_key('undone');
SELECT version_of(bulla.encrypt('x', 'undone'));
SAVEPOINT a;
SELECT bulla.destroy_key('undone', 'a mistake') > 0 AS destroyed;
SELECT outcome(format('bulla.decrypt(%L)', value)) FROM undone;
ROLLBACK TO a;
SELECT bulla.decrypt(value) FROM undone;
SELECT bulla.disable_key_version('undone', 1);
SELECT outcome(format('bulla.decrypt(%L)', value)) FROM undone;
ROLLBACK;
SELECT bulla.decrypt(value), version_of(bulla.encrypt('x', 'undone')) FROM undone;
SELECT version, state FROM bulla.keys WHERE name = 'undone';
SELECT DISTINCT action FROM bulla.events WHERE detail ->> 'key' = 'undone' AND action NOT LIKE 'key.decrypt%';

-- A key of purpose index has one version, which can be destroyed.
SELECT bulla.create_key('of an index', purpose => 'index') IS NOT NULL AS created;
SELECT outcome($$bulla.rotate_key('of an index')$$);
SELECT bulla.destroy_key('of an index', 'the index is gone') > 0 AS destroyed;

-- What is not there, what is missing.
SELECT outcome($$bulla.rotate_key('none')$$);
SELECT outcome($$bulla.rotate_key(NULL)$$);
SELECT outcome($$bulla.disable_key_version('none', 1)$$);
SELECT outcome($$bulla.disable_key_version('undone', 2)$$);
SELECT outcome($$bulla.disable_key_version('undone', 0)$$);
SELECT outcome($$bulla.disable_key_version('undone', NULL)$$);
SELECT outcome($$bulla.destroy_key_version('undone', 1, NULL)$$);
SELECT outcome($$bulla.destroy_key_version('undone', 1, '')$$);
SELECT outcome($$bulla.destroy_key('undone', E' \n')$$);
SELECT outcome($$bulla.destroy_key('undone', 'a test', NULL)$$);
SELECT outcome($$bulla.destroy_key('none', 'a test')$$);
BEGIN READ ONLY;
SELECT outcome($$bulla.rotate_key('undone')$$);
SELECT outcome($$bulla.disable_key_version('undone', 1)$$);
SELECT outcome($$bulla.destroy_key('undone', 'a test')$$);
SELECT outcome($$bulla.retire_kek('file:00')$$);
ROLLBACK;
BEGIN;
SELECT bulla.destroy_key('undone', 'a test') > 0 AS destroyed;
PREPARE TRANSACTION 'destroyed';

-- Who may: those who were granted it, and they see no keys by that.
SET ROLE regress_key_stranger;
SELECT outcome($$bulla.rotate_key('undone')$$);
SELECT outcome($$bulla.disable_key_version('undone', 1)$$);
SELECT outcome($$bulla.enable_key_version('undone', 1)$$);
SELECT outcome($$bulla.destroy_key_version('undone', 1, 'a test')$$);
SELECT outcome($$bulla.destroy_key('undone', 'a test')$$);
SELECT outcome($$bulla.retire_kek('file:00')$$);
SELECT outcome($$(SELECT count(*) FROM bulla.keks)$$);
RESET ROLE;
GRANT EXECUTE ON FUNCTION bulla.rotate_key(text), bulla.disable_key_version(text, integer), bulla.destroy_key(text, text, boolean) TO regress_key_keeper;
SET ROLE regress_key_keeper;
SELECT bulla.rotate_key('undone');
SELECT bulla.disable_key_version('undone', 1);
SELECT bulla.destroy_key('undone', 'in office') > 0 AS destroyed;
SELECT outcome($$(SELECT count(*) FROM bulla.key_versions)$$);
RESET ROLE;
SELECT DISTINCT action, role FROM bulla.events WHERE detail ->> 'key' = 'undone' AND role <> session_role ORDER BY action;
-- Not even by a grant of SELECT: no policy shows a row.
GRANT SELECT ON bulla.key_names, bulla.key_versions, bulla.keks TO regress_key_keeper;
SET ROLE regress_key_keeper;
SELECT (SELECT count(*) FROM bulla.key_names) AS names, (SELECT count(*) FROM bulla.key_versions) AS versions, (SELECT count(*) FROM bulla.keks) AS keks;
RESET ROLE;
DROP OWNED BY regress_key_keeper;
DROP ROLE regress_key_keeper, regress_key_stranger;

-- No statistics hold wrapped bytes, and dead rows are taken away at autovacuum's next round.
ANALYZE bulla.key_versions;
SELECT attname FROM pg_stats WHERE schemaname = 'bulla' AND tablename = 'key_versions' AND attname IN ('wrapped', 'state') ORDER BY 1;
SELECT option FROM pg_class, unnest(reloptions) AS option WHERE oid = 'bulla.key_versions'::regclass ORDER BY 1;

-- The indexes by which keys are looked up are in collation "C", which no locale changes.
SELECT i.indexrelid::regclass AS index, a.attname, c.collname FROM pg_index AS i
JOIN pg_attribute AS a ON a.attrelid = i.indexrelid
JOIN pg_collation AS c ON c.oid = a.attcollation
WHERE i.indrelid IN ('bulla.key_names'::regclass, 'bulla.key_versions'::regclass, 'bulla.keks'::regclass) ORDER BY 1, 2;
