-- A restore is recorded: epochs, what was lost, and that everything goes on in the newest epoch. What a restored copy
-- sees is written by hand here; test/recovery has real ones.
\set VERBOSITY terse
SET client_min_messages = warning;
SELECT bulla.set_log_name('ledger.example.com/restore');
CREATE FUNCTION root_of(leaves bytea[]) RETURNS bytea LANGUAGE plpgsql AS $$
DECLARE
    n int := cardinality(leaves);
    k int := 1;
BEGIN
    IF n = 0 THEN RETURN sha256(''); END IF;
    IF n = 1 THEN RETURN leaves[1]; END IF;
    WHILE k * 2 < n LOOP k := k * 2; END LOOP;
    RETURN sha256('\x01'::bytea || root_of(leaves[1:k]) || root_of(leaves[k + 1:n]));
END $$;
CREATE FUNCTION shown(note text, OUT epoch text, OUT size text, OUT root bytea) LANGUAGE sql AS $$
    SELECT regexp_replace(split_part(note, E'\n', 1), '^.*/', ''), split_part(note, E'\n', 2),
           decode(split_part(note, E'\n', 3), 'base64') $$;
-- Findings without the time that they name.
CREATE FUNCTION told(ledger regclass) RETURNS TABLE (chain text, seq bigint, verdict text, detail text) LANGUAGE sql AS $$
    SELECT v.chain, v.seq, v.verdict, regexp_replace(v.detail, 'recorded at [^:]*:[^:]*:[^:]*:', 'recorded at …:')
    FROM bulla.verify(ledger) AS v $$;
-- As a superuser who restores a table from an old dump, or cuts it.
CREATE PROCEDURE cut(ledger regclass, condition text) LANGUAGE plpgsql AS $$
BEGIN
    SET LOCAL bulla.restore = on;
    EXECUTE format('ALTER TABLE %s DISABLE TRIGGER ALL', ledger);
    EXECUTE format('DELETE FROM %s WHERE %s', ledger, condition);
    EXECUTE format('ALTER TABLE %s ENABLE TRIGGER ALL', ledger);
END $$;

CREATE TABLE log (n int, what text);
SELECT bulla.create_ledger('log') AS log_id \gset
CREATE TABLE tenants (tenant int NOT NULL, n int);
SELECT bulla.create_ledger('tenants', '{tenant}') AS tenants_id \gset
-- Nothing was published.
SELECT bulla.record_restore('log', 'drill');
INSERT INTO log SELECT i, 'row ' || i FROM generate_series(0, 999) AS i;
INSERT INTO tenants SELECT t, i FROM generate_series(1, 100) AS i, generate_series(1, 3) AS t;
SELECT bulla.record_restore('tenants', 'drill');
CALL bulla.seal_all();
SELECT bulla.record_verification('log') IS NOT NULL AS noted, bulla.record_verification('tenants') IS NOT NULL AS noted;
SELECT bulla.checkpoint('log') AS note_of_1000, bulla.verifier_key('log') AS key_of_0 \gset
SELECT bulla.checkpoint('tenants', '2') AS note_of_tenant \gset
SELECT bulla.checkpoint('bulla.heads') AS note_of_heads \gset

-- Where all is here there is nothing to record.
SELECT bulla.record_restore('log', 'drill');
SELECT bulla.record_restore('log', 'drill', :'note_of_1000');
SELECT bulla.record_restore(NULL, 'drill', :'note_of_1000', :'note_of_tenant', :'note_of_heads');
SELECT bulla.record_restore('log', NULL);
SELECT bulla.record_restore('log', ' ');
SELECT bulla.record_restore('pg_class', 'drill');
SELECT bulla.record_restore('log', 'drill', VARIADIC NULL::text[]);
SELECT bulla.record_restore('log', 'drill', NULL);
SELECT bulla.record_restore('log', 'drill', '');
SELECT bulla.record_restore('log', 'drill', replace(:'note_of_1000', E'\n1000\n', E'\n2000\n'));
SELECT bulla.record_restore('log', 'drill', replace(:'note_of_1000', 'ledger.example.com', 'other.example.com'));
SELECT bulla.record_restore('log', 'drill', replace(:'note_of_1000', E'/0/0\n', E'/0/00\n'));
DO $$ BEGIN PERFORM bulla.record_restore('log', 'drill', bulla.checkpoint('tenants', '2'));
EXCEPTION WHEN OTHERS THEN RAISE WARNING '%', regexp_replace(SQLERRM, '[0-9a-f-]{36}/[0-9a-f]{32}', '…'); END $$;
SELECT count(*) FROM bulla.restores;

-- The last rows are gone, by whomever. Recorded or not, it shows.
BEGIN;
CALL cut('log', 'seq >= 600');
SELECT * FROM told('log');
ROLLBACK;
CALL cut('log', 'seq >= 600');
-- What is rolled back was not recorded.
BEGIN;
SELECT bulla.record_restore('log', 'restored the table from the dump of Monday');
ROLLBACK;
SELECT count(*) FROM bulla.restores;
SELECT * FROM told('log');
SELECT bulla.record_restore('log', 'restored the table from the dump of Monday');
SELECT * FROM told('log');
SELECT * FROM bulla.verify('log', '', 0, 5) AS v WHERE v.verdict <> 'restored';
SELECT count(*) AS restored FROM bulla.verify('log', '', 0, 5) AS v WHERE v.verdict = 'restored';
SELECT count(*) AS restored FROM bulla.verify_since('log') AS v WHERE v.verdict = 'restored';
SELECT count(*) AS others FROM bulla.verify_since('log') AS v WHERE v.verdict <> 'restored';
SELECT count(*) AS restored FROM bulla.chains_to_verify('log') AS v WHERE v.verdict = 'restored';
DO $$
DECLARE
    checked bigint;
    findings jsonb;
BEGIN
    CALL bulla.verify_in_steps('log', 100, checked, findings);
    RAISE WARNING 'in steps: % rows, %', checked, (SELECT jsonb_agg(f -> 'verdict') FROM jsonb_array_elements(findings) AS f);
END $$;
BEGIN;
SET LOCAL min_parallel_table_scan_size = 0;
SET LOCAL parallel_setup_cost = 0;
SELECT count(*) FILTER (WHERE verdict = 'restored') AS restored, count(*) AS findings FROM bulla.verify('log');
COMMIT;
SELECT verified, rows_checked, broken_chain, verdict, regexp_replace(notes[1], 'recorded at [^:]*:[^:]*:[^:]*:', 'recorded at …:') AS note
FROM bulla.verify_summary('log');
-- A second time there is nothing to record.
SELECT bulla.record_restore('log', 'again');

-- The new epoch begins with what is there, under a new origin and key; the old one can still be read.
SELECT s.epoch, s.size, s.root = root_of(ARRAY(SELECT hash FROM log ORDER BY seq)) AS root_of_the_rows
FROM bulla.checkpoint('log') AS note, shown(note) AS s;
SELECT bulla.verifier_key('log') <> :'key_of_0' AS another_key, bulla.verifier_key('log', epoch => 0) = :'key_of_0' AS the_old_one,
       bulla.verifier_key('log', epoch => 1) = bulla.verifier_key('log') AS the_new_one,
       split_part(bulla.verifier_key('log'), '+', 1) = split_part(bulla.checkpoint('log'), E'\n', 1) AS its_origin;
SELECT bulla.checkpoint('log', epoch => 0) = :'note_of_1000' AS the_last_of_epoch_0, bulla.checkpoint('log', '', 2) IS NULL AS no_more;
SELECT bulla.checkpoint('log', epoch => -1);
SELECT detail ->> 'chain' AS chain, detail ->> 'epoch' AS epoch, split_part(detail ->> 'old_origin', '/', 5) AS old,
       split_part(detail ->> 'origin', '/', 5) AS new, detail ->> 'common_size' AS common, detail ->> 'sealed_size' AS sealed,
       decode(detail ->> 'common_root', 'hex') = root_of(ARRAY(SELECT hash FROM log WHERE seq < 600 ORDER BY seq)) AS common_root,
       decode(detail ->> 'sealed_root', 'hex') = (shown(:'note_of_1000')).root AS sealed_root
FROM bulla.events WHERE action = 'ledger.restored';
SELECT detail ->> 'epoch' AS epoch, detail ->> 'ledger' AS ledger, detail ->> 'reason' AS reason, detail -> 'last_checkpoints' AS notes,
       detail -> 'from' = detail -> 'to' AS same_place FROM bulla.events WHERE action = 'log.restored';
SELECT epoch, size FROM bulla.heads WHERE ledger_id = :'log_id' ORDER BY seq;

-- It grows, is proved, pruned, verified.
INSERT INTO log SELECT i, 'new ' || i FROM generate_series(600, 1299) AS i;
SELECT bulla.seal('log'), bulla.seal('log');
SELECT s.epoch, s.size, s.root = root_of(ARRAY(SELECT hash FROM log ORDER BY seq)) AS root_of_the_rows
FROM bulla.checkpoint('log') AS note, shown(note) AS s;
SELECT cardinality(bulla.inclusion_proof('log', '', 5)) AS inclusion, cardinality(bulla.consistency_proof('log', '', 600)) AS consistency;
SELECT verdict FROM bulla.verify('log') WHERE verdict <> 'restored';
SELECT bulla.record_verification('log'), bulla.record_verification('log'), bulla.record_verification('log', true);
INSERT INTO log VALUES (1300, 'newer');
SELECT bulla.record_verification('log');
SELECT bulla.seal('log');
SELECT bulla.prune('log', 512);
SELECT verdict FROM bulla.verify('log') WHERE verdict <> 'restored';

-- Cut again, below what was pruned and above: a third epoch. The lost rows of each are told.
CALL cut('log', 'seq >= 1000');
SELECT * FROM told('log') WHERE verdict <> 'restored';
SELECT bulla.record_restore('log', 'once more');
SELECT * FROM told('log');
SELECT tree.epoch, tree.size, tree.common_size FROM bulla.trees AS tree WHERE ledger_id = :'log_id' ORDER BY 1;
SELECT bulla.seal('log');
SELECT verdict FROM bulla.verify_since('log') WHERE verdict <> 'restored';

-- The tree of the newest epoch is what rows are compared with.
BEGIN;
CALL cut('log', 'seq >= 990');
SELECT verdict, seq FROM bulla.verify('log') WHERE verdict <> 'restored';
ROLLBACK;
BEGIN;
SET LOCAL bulla.restore = on;
ALTER TABLE log DISABLE TRIGGER ALL;
UPDATE log SET what = 'other' WHERE seq = 999;
UPDATE log SET hash = sha256('\x00' || bulla.row_record('log', '', 999)) WHERE seq = 999;
ALTER TABLE log ENABLE TRIGGER ALL;
SELECT verdict, seq FROM bulla.verify('log') WHERE verdict <> 'restored';
ROLLBACK;
-- Whoever tidies up what was left of older epochs is told of, too.
CREATE FUNCTION tamper(deed text) RETURNS TABLE (chain text, verdict text, detail text) LANGUAGE plpgsql
SET bulla.restore = on SET session_replication_role = replica AS $$
BEGIN
    EXECUTE deed;
    RETURN QUERY SELECT t.chain, t.verdict, t.detail FROM told('log') AS t
    WHERE CASE t.verdict WHEN 'restored' THEN t.chain IS NULL WHEN 'rewritten' THEN t.seq IS NULL ELSE true END;
END $$;
BEGIN; SELECT * FROM tamper('DELETE FROM bulla.restores'); ROLLBACK;
BEGIN; SELECT * FROM tamper('UPDATE bulla.restores SET reason = ''all is well'' WHERE epoch = 2'); ROLLBACK;
BEGIN; SELECT * FROM tamper('DELETE FROM bulla.trees WHERE epoch = 0 AND chain = '''' AND size = 1000'); ROLLBACK;
BEGIN; SELECT * FROM tamper('DELETE FROM bulla.trees WHERE epoch > 0; DELETE FROM bulla.restores'); ROLLBACK;
BEGIN; SELECT * FROM tamper('UPDATE bulla.trees SET common_size = 700 WHERE epoch = 1 AND size = 1301'); ROLLBACK;
BEGIN; SELECT * FROM tamper('UPDATE bulla.trees SET common_size = 599 WHERE epoch = 1 AND size = 1301'); ROLLBACK;
BEGIN; SELECT * FROM tamper('UPDATE bulla.trees SET size = 600 WHERE epoch = 0 AND size = 1000'); ROLLBACK;
BEGIN; SELECT * FROM tamper('UPDATE bulla.tiles SET hashes = overlay(hashes PLACING sha256(''other'') FROM 33)
    WHERE tree_id = (SELECT tree_id FROM bulla.trees WHERE epoch = 0 AND size = 1000) AND level = 0 AND index = 3'); ROLLBACK;
BEGIN; SELECT * FROM tamper('DELETE FROM bulla.tiles
    WHERE tree_id = (SELECT tree_id FROM bulla.trees WHERE epoch = 0 AND size = 1000) AND level = 0'); ROLLBACK;
BEGIN; SELECT * FROM tamper('ALTER TABLE bulla.events DISABLE TRIGGER ALL; UPDATE bulla.events SET detail = detail || ''{"sealed_size": 600}''
    WHERE action = ''ledger.restored'' AND detail ->> ''epoch'' = ''1'''); ROLLBACK;

-- A checkpoint that somebody kept tells what this database does not know.
CALL cut('tenants', 'tenant = 2 AND seq >= 40');
CALL cut('tenants', 'tenant = 3');
BEGIN;
UPDATE bulla.trees SET size = 40, root = root_of(ARRAY(SELECT hash FROM tenants WHERE tenant = 2 ORDER BY seq)),
    note = replace(note, E'\n100\n', E'\n40\n') WHERE ledger_id = :'tenants_id' AND chain = '2';
DELETE FROM bulla.trees WHERE ledger_id = :'tenants_id' AND chain = '3';
UPDATE bulla.tiles AS t SET hashes = substr(t.hashes, 1, 32 * 40)
    FROM bulla.trees AS r WHERE r.tiles_id = t.tree_id AND r.ledger_id = :'tenants_id' AND r.chain = '2';
SELECT bulla.record_restore('tenants', 'drill') AS nothing_is_known_to_be_lost;
ROLLBACK;
BEGIN;
SELECT bulla.checkpoint('tenants', '3') AS note_of_3 \gset
UPDATE bulla.trees SET size = 40, root = root_of(ARRAY(SELECT hash FROM tenants WHERE tenant = 2 ORDER BY seq)),
    note = replace(note, E'\n100\n', E'\n40\n') WHERE ledger_id = :'tenants_id' AND chain = '2';
DELETE FROM bulla.trees WHERE ledger_id = :'tenants_id' AND chain = '3';
UPDATE bulla.tiles AS t SET hashes = substr(t.hashes, 1, 32 * 40)
    FROM bulla.trees AS r WHERE r.tiles_id = t.tree_id AND r.ledger_id = :'tenants_id' AND r.chain = '2';
SELECT bulla.record_restore('tenants', 'drill', :'note_of_tenant', :'note_of_3');
SELECT chain, seq, verdict, regexp_replace(detail, '[0-9a-f]{32}', '…') AS detail FROM told('tenants') WHERE verdict = 'restored';
SELECT detail ->> 'chain' AS chain, detail ->> 'common_size' AS common, detail ->> 'sealed_size' AS sealed, detail ->> 'published_size' AS published,
       detail ->> 'published_note' = ANY (ARRAY[:'note_of_tenant', :'note_of_3']) AS note, detail ->> 'contradicts' AS contradicts
FROM bulla.events WHERE action = 'ledger.restored' AND detail ->> 'ledger_id' = :'tenants_id' ORDER BY 1;
ROLLBACK;
-- Without it, what this database knows.
SELECT bulla.record_restore('tenants', 'the disk lost some rows');
SELECT * FROM told('tenants');
SELECT * FROM bulla.verify('tenants', '1') WHERE verdict <> 'restored';
SELECT t.chain, t.epoch, t.size, t.common_size FROM bulla.trees AS t WHERE t.ledger_id = :'tenants_id' ORDER BY 1, 2;
-- Epochs of a chain that was not lost go on with the same tiles.
SELECT chain, count(DISTINCT tiles_id) AS trees FROM bulla.trees WHERE ledger_id = :'tenants_id' GROUP BY 1 ORDER BY 1;
-- Chains that come later begin in the ledger's epoch; the one that is gone goes on from its beginning.
INSERT INTO tenants SELECT t, i FROM generate_series(1, 5) AS i, generate_series(1, 4) AS t;
SELECT bulla.seal_chains('tenants');
SELECT t.chain, t.epoch, t.size, t.root = root_of(ARRAY(SELECT hash FROM tenants WHERE tenant = t.chain::int ORDER BY seq)) AS root
FROM bulla.trees AS t WHERE t.ledger_id = :'tenants_id' AND t.epoch = 1 ORDER BY 1;
SELECT verdict FROM bulla.verify('tenants') WHERE verdict <> 'restored';

-- A copy: another place signed, so all ledgers are restored at once, whichever is named.
INSERT INTO log VALUES (1001, 'on the copy');
UPDATE bulla.log SET timeline = timeline + 7;
\set VERBOSITY default
DO $$
DECLARE
    hint text;
BEGIN
    PERFORM bulla.seal('log');
EXCEPTION WHEN object_not_in_prerequisite_state THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RAISE WARNING '% (%)', SQLERRM, hint;
END $$;
\set VERBOSITY terse
RESET client_min_messages;
SELECT bulla.record_restore('log', 'restored the backup of Sunday');
SET client_min_messages = warning;
SELECT l.ledger, max(t.epoch) AS epoch, count(*) FILTER (WHERE t.epoch = 3) AS trees FROM bulla.trees AS t
JOIN bulla.ledgers AS l ON l.id = t.ledger_id GROUP BY 1 ORDER BY 1;
CALL bulla.seal_all();
SELECT l.ledger, v.verdict FROM bulla.ledgers AS l, bulla.verify(l.ledger) AS v WHERE v.verdict <> 'restored';
SELECT DISTINCT l.ledger FROM bulla.ledgers AS l, bulla.verify(l.ledger) AS v
WHERE v.verdict = 'restored' AND v.detail LIKE 'epoch 3 %' ORDER BY 1;
-- The first event of the epoch says where bulla.events itself goes on from.
SELECT action, detail ->> 'ledger' AS ledger,
       decode(detail ->> 'common_root', 'hex') = root_of(ARRAY(
           SELECT hash FROM bulla.events AS b WHERE b.seq < (e.detail ->> 'common_size')::bigint ORDER BY b.seq)) AS root
FROM bulla.events AS e WHERE detail ->> 'epoch' = '3' ORDER BY seq LIMIT 1;
SELECT detail ->> 'epoch' AS epoch, detail ->> 'ledgers' AS ledgers,
       (detail #>> '{from,timeline}')::bigint - (detail #>> '{to,timeline}')::bigint AS moved
FROM bulla.events WHERE action = 'log.restored' ORDER BY seq DESC LIMIT 1;
SELECT bulla.record_restore(NULL, 'again');
SELECT bulla.take_over_log('again');
-- The old key of bulla.heads is handed on in the newest epoch.
SELECT bulla.rotate_signing_key('drill');
SELECT split_part(detail ->> 'origin', '/', 5) AS epoch FROM bulla.events WHERE action = 'log.signing_key_rotated';

-- A backup that looks like the original: somebody's checkpoint is what tells.
CREATE TABLE later (n int);
SELECT bulla.create_ledger('later') IS NOT NULL AS created;
INSERT INTO later SELECT generate_series(1, 10);
SELECT bulla.seal('later');
SELECT bulla.checkpoint('later') AS note_of_later \gset
BEGIN;
CALL cut('later', 'seq >= 4');
DELETE FROM bulla.trees WHERE size = 10;
SELECT bulla.record_restore('later', 'drill', :'note_of_later');
SELECT * FROM told('later') WHERE verdict = 'restored';
SELECT epoch, size FROM bulla.trees AS t, bulla.ledgers AS l WHERE l.id = t.ledger_id AND l.ledger = 'later'::regclass;
ROLLBACK;
-- One that was signed over other rows of the same number.
BEGIN;
SET LOCAL bulla.restore = on;
ALTER TABLE later DISABLE TRIGGER ALL;
UPDATE later SET n = 99 WHERE seq = 9;
UPDATE later SET hash = sha256('\x00' || bulla.row_record('later', '', 9)) WHERE seq = 9;
ALTER TABLE later ENABLE TRIGGER ALL;
DELETE FROM bulla.trees WHERE size = 10;
SELECT bulla.seal('later');
SELECT bulla.record_restore('later', 'drill', :'note_of_later');
SELECT * FROM told('later') WHERE verdict = 'restored';
ROLLBACK;
-- The epoch of a checkpoint is never used again.
BEGIN;
CALL cut('later', 'seq >= 4');
SELECT bulla.record_restore('later', 'first');
SELECT bulla.checkpoint('later') AS note_of_epoch_1 \gset
ROLLBACK;
SELECT (shown(:'note_of_epoch_1')).epoch;
CALL cut('later', 'seq >= 3');
SELECT bulla.record_restore('later', 'second', :'note_of_epoch_1');
SELECT * FROM told('later');

-- A ledger that cannot be sealed keeps no other one from it.
CREATE TABLE holed (n int);
SELECT bulla.create_ledger('holed') IS NOT NULL AS created;
INSERT INTO holed SELECT generate_series(0, 9);
SELECT bulla.seal('holed');
INSERT INTO holed SELECT generate_series(10, 19);
CALL cut('holed', 'seq = 14');
UPDATE bulla.log SET timeline = timeline + 7;
SELECT bulla.record_restore(NULL, 'drill');
SELECT epoch, size, common_size FROM bulla.trees AS t, bulla.ledgers AS l WHERE l.id = t.ledger_id AND l.ledger = 'holed'::regclass ORDER BY 1;
SELECT bulla.seal('holed');
SELECT verdict, seq FROM bulla.verify('holed') WHERE verdict <> 'restored';

-- Counts of messages may have gone back with the rest: AES-256-GCM seals no more under what was there.
SELECT bulla.create_key('gcm', 'encrypt', 'AES-256-GCM') IS NOT NULL, bulla.create_key('xaes') IS NOT NULL,
       bulla.create_key('cbc', 'encrypt', 'AES-256-CBC-HMAC-SHA-512') IS NOT NULL,
       bulla.create_key('unused', 'encrypt', 'AES-256-GCM') IS NOT NULL, bulla.create_key('gone', 'encrypt', 'AES-256-GCM') IS NOT NULL;
SELECT bulla.rotate_key('gcm');
SELECT bulla.destroy_key('gone', 'drill') > 0 AS destroyed;
CREATE TABLE sealed AS SELECT k, bulla.encrypt('value', k, 'here') AS value FROM unnest(ARRAY['gcm', 'xaes', 'cbc']) AS k;
CREATE TABLE protected (id int PRIMARY KEY, secret text);
SELECT bulla.protect_column('protected', 'secret', 'gcm', '{id}') IS NOT NULL AS protected;
INSERT INTO protected VALUES (1, 'secret');
BEGIN;
UPDATE bulla.log SET timeline = timeline + 7;
SELECT bulla.record_restore(NULL, 'drill') > 0 AS recorded;
SELECT bulla.encrypt('value', 'gcm', 'here');
ROLLBACK;
SELECT bulla.is_encrypted(bulla.encrypt('value', 'gcm', 'here')) AS seals;
UPDATE bulla.log SET timeline = timeline + 7;
\set VERBOSITY default
SELECT bulla.record_restore(NULL, 'drill') > 0 AS recorded;
SELECT bulla.encrypt('value', 'gcm', 'here');
\set VERBOSITY terse
SELECT bulla.encrypt('value', 'unused', 'here');
INSERT INTO protected VALUES (2, 'secret');
SELECT bulla.open(p, 'secret') FROM protected AS p;
SELECT k, bulla.decrypt(value, 'here') FROM sealed ORDER BY k;
SELECT k, bulla.is_encrypted(bulla.encrypt('value', k, '')) AS seals FROM unnest(ARRAY['xaes', 'cbc']) AS k;
SELECT bulla.reencrypt(value, 'here') = value AS needs_no_sealing FROM sealed WHERE k = 'gcm';
SELECT name, version, state, must_rotate FROM bulla.keys WHERE purpose = 'encrypt' ORDER BY 1, 2;
SELECT key, version, is_primary, messages_sealed = messages_budget AS used_up FROM bulla.key_messages();
SELECT detail -> 'keys_to_rotate' AS keys FROM bulla.events WHERE action = 'log.restored' ORDER BY seq DESC LIMIT 1;
-- A new version is all they need. The old ones never seal again.
SELECT bulla.rotate_key('gcm');
SELECT bulla.is_encrypted(bulla.encrypt('value', 'gcm', 'here')) AS seals;
INSERT INTO protected VALUES (2, 'secret');
SELECT version, must_rotate FROM bulla.keys WHERE name = 'gcm' ORDER BY 1;
SELECT bulla.disable_key_version('gcm', 3);
SELECT bulla.encrypt('value', 'gcm', 'here');
SELECT bulla.enable_key_version('gcm', 3);
SELECT bulla.is_encrypted(bulla.encrypt('value', 'gcm', 'here')) AS seals;

-- Nobody records one but who may.
CREATE ROLE regress_restorer;
ALTER TABLE log OWNER TO regress_restorer;
SET ROLE regress_restorer;
SELECT bulla.record_restore('log', 'mine');
SELECT * FROM bulla.restores;
SELECT count(*) FILTER (WHERE verdict = 'restored') > 0 AS told FROM bulla.verify('log');
RESET ROLE;
GRANT EXECUTE ON FUNCTION bulla.record_restore(regclass, text, text[]) TO regress_restorer;
BEGIN;
CALL cut('later', 'seq >= 2');
SET ROLE regress_restorer;
SELECT bulla.record_restore('later', 'granted') > 0 AS recorded;
ROLLBACK;
REVOKE EXECUTE ON FUNCTION bulla.record_restore(regclass, text, text[]) FROM regress_restorer;
ALTER TABLE log OWNER TO CURRENT_USER;
DROP ROLE regress_restorer;
BEGIN READ ONLY;
SELECT bulla.record_restore('log', 'drill');
ROLLBACK;
