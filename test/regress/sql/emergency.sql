-- Emergency mode: what each restriction forbids and what it lets through, who ends it, and what is recorded.
\set VERBOSITY terse
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_officer, regress_stranger;
CREATE ROLE regress_officer;
CREATE ROLE regress_stranger;
RESET client_min_messages;
CREATE FUNCTION outcome(call text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE call;
    RETURN 'allowed';
EXCEPTION WHEN OTHERS THEN
    RETURN concat_ws(' | ', SQLSTATE, SQLERRM);
END $$;

SELECT bulla.create_key('card') IS NOT NULL AS created;
-- Without wrong codes, which are events later or not at all where they are rolled back: test/recovery.
CREATE VIEW emergency_events AS
SELECT seq, action, detail FROM bulla.events WHERE action LIKE 'emergency.%' AND action <> 'emergency.wrong_code' OR detail ? 'emergency';
SELECT bulla.create_key('off') IS NOT NULL AS created;
SELECT bulla.disable_key_version('off', 1);
SELECT bulla.grant_key('card', 'regress_officer', 'encrypt');
INSERT INTO bulla.keks (kek_id) VALUES ('file:00000000000000000000000000000000');
SELECT bulla.create_key('email', 'index') IS NOT NULL AS created;
SELECT bulla.create_key('aes', algorithm => 'AES-256-GCM') IS NOT NULL AS created;
CREATE TABLE notes (words text, client text);
SELECT bulla.create_ledger('notes', erasable => '{client}') IS NOT NULL AS made;
CREATE TABLE people (id int PRIMARY KEY, name text);
SELECT bulla.audit_changes('people');
CREATE TABLE patients (id int PRIMARY KEY, name text);
SELECT bulla.audit_changes('patients', seal => '{"name": "card"}');
CREATE TABLE plain (id int);
CREATE TABLE cards (id int PRIMARY KEY, number text, note text);
SELECT bulla.protect_column('cards', 'number', 'card', '{id}') IS NOT NULL AS protected;
INSERT INTO cards VALUES (1, '4111');
INSERT INTO notes VALUES ('one', 'alice');
INSERT INTO people VALUES (1, 'Alice');
CREATE TABLE sealed AS SELECT bulla.encrypt('secret', 'card') AS text, bulla.encrypt('\x01'::bytea, 'card') AS bytes;

-- The first version is the one that all this is sealed under; the second is the primary.
SELECT bulla.rotate_key('card');

-- What can be done, and what forbids it.
CREATE TABLE calls (id int GENERATED ALWAYS AS IDENTITY, call text);
INSERT INTO calls (call) VALUES
    ($$SELECT bulla.create_key('another')$$),
    ($$SELECT bulla.rotate_key('card')$$),
    ($$SELECT bulla.disable_key_version('card', 1)$$),
    ($$SELECT bulla.enable_key_version('off', 1)$$),
    ($$SELECT bulla.destroy_key_version('card', 1, 'a test')$$),
    ($$SELECT bulla.destroy_key('email', 'a test')$$),
    ($$SELECT bulla.grant_key('card', 'regress_officer', 'decrypt')$$),
    ($$SELECT bulla.revoke_key('card', 'regress_officer', 'encrypt')$$),
    ($$SELECT bulla.retire_kek('file:00000000000000000000000000000000')$$),
    ($$SELECT bulla.rewrap_key_batch(1)$$),
    ($$SELECT * FROM bulla.emergency_rotate('card', 'a test')$$),
    ($$SELECT bulla.encrypt('x', 'card')$$),
    ($$SELECT bulla.encrypt('x', 'aes')$$),
    ($$SELECT bulla.encrypt('\x'::bytea, 'card')$$),
    ($$SELECT bulla.decrypt(text) FROM sealed$$),
    ($$SELECT bulla.decrypt(bytes) FROM sealed$$),
    ($$SELECT bulla.decrypt_if_encrypted(text) FROM sealed$$),
    ($$SELECT bulla.decrypt_if_encrypted('not sealed')$$),
    ($$SELECT bulla.is_encrypted(text) FROM sealed$$),
    ($$SELECT bulla.blind_index('x', 'email', 'c')$$),
    ($$SELECT bulla.search_token('x', 'email', 'c')$$),
    ($$SELECT bulla.export('notes')$$),
    ($$INSERT INTO notes VALUES ('two')$$),
    ($$SELECT bulla.append('notes', '{"words": "two"}')$$),
    ($$INSERT INTO people VALUES (2, 'Bob')$$),
    ($$UPDATE people SET name = 'Carol'$$),
    ($$INSERT INTO patients VALUES (1, 'Dan')$$),
    ($$INSERT INTO cards VALUES (2, '4222')$$),
    ($$INSERT INTO cards VALUES (3, bulla.encrypt('4333', 'card', bulla.context('cards', 'number', 3)))$$),
    ($$UPDATE cards SET number = '4444'$$),
    ($$UPDATE cards SET note = 'x'$$),
    ($$SELECT bulla.open(cards, 'number') FROM cards$$),
    ($$SELECT bulla.reencrypt(text) FROM sealed$$),
    ($$SELECT bulla.change_cells('cards', 'number', 'cards', true, '(0,0)', 10, true)$$),
    ($$SELECT bulla.protect_column('cards', 'note', 'card')$$),
    ($$SELECT bulla.unprotect_column('cards', 'number')$$),
    ($$SELECT bulla.erase('notes', '', 0, '{client}', 'a test')$$),
    ($$SELECT bulla.prune('notes', 1)$$),
    ($$SELECT bulla.create_ledger('plain')$$),
    ($$SELECT bulla.drop_ledger('notes')$$),
    ($$SELECT bulla.audit_changes('plain')$$),
    ($$SELECT bulla.stop_auditing('people')$$),
    ($$SELECT count(*) FROM bulla.verify('notes')$$),
    ($$SELECT bulla.record_verification('notes')$$),
    ($$SELECT * FROM bulla.verify_summary('notes')$$),
    ($$INSERT INTO plain VALUES (1)$$);
-- Each is tried and undone, without emergency mode and under each of its restrictions.
CREATE FUNCTION try_calls(restriction text) RETURNS TABLE (id int, outcome text) LANGUAGE plpgsql AS $$
DECLARE
    tried record;
BEGIN
    FOR tried IN SELECT * FROM calls ORDER BY calls.id LOOP
        id := tried.id;
        BEGIN
            IF restriction IS NOT NULL THEN
                PERFORM bulla.enable_emergency_mode('a drill', ARRAY[restriction]);
            END IF;
            outcome := outcome(tried.call);
            RAISE EXCEPTION 'undone' USING ERRCODE = 'UNDON';
        EXCEPTION WHEN SQLSTATE 'UNDON' THEN
            RETURN NEXT;
        END;
    END LOOP;
END $$;
SELECT id, outcome FROM try_calls(NULL) WHERE outcome <> 'allowed' ORDER BY id;
SELECT call, string_agg(r, ', ' ORDER BY r) FILTER (WHERE outcome LIKE '55000 | emergency mode allows%') AS forbidden_by,
    string_agg(DISTINCT r || ': ' || outcome, ', ') FILTER (WHERE outcome <> 'allowed' AND outcome NOT LIKE '55000 | emergency mode allows%') AS otherwise
FROM unnest('{no_new_keys,no_exports,no_decrypt,no_encrypt,read_only}'::text[]) AS r, try_calls(r) JOIN calls USING (id)
GROUP BY id, call ORDER BY id;
SELECT count(*) FROM bulla.emergency_mode;

-- It begins, for everybody, and everybody may see it; its code is shown once and stands nowhere.
SELECT bulla.enable_emergency_mode('a laptop was stolen', '{no_decrypt,no_exports,no_decrypt}') AS code \gset
SELECT :'code' ~ '^([0-9a-f]{4}-){7}[0-9a-f]{4}$' AS is_code;
SELECT code_digest = sha256(decode('62756c6c612e656d657267656e63792e763100', 'hex') || decode(replace(:'code', '-', ''), 'hex')) AS is_digest FROM bulla.emergency;
SET ROLE regress_stranger;
SELECT reason, restrictions, since <= now() AS since, by = session_user AS by_me FROM bulla.emergency_mode;
SELECT count(*) FROM bulla.emergency;
SELECT bulla.enable_emergency_mode('x', '{read_only}');
SELECT bulla.disable_emergency_mode('x');
SELECT bulla.emergency_rotate('card', 'x');
SELECT bulla.emergency_rotate(owner => 'x', reason => 'x');
RESET ROLE;
\set VERBOSITY default
SELECT bulla.decrypt(text) FROM sealed;
SELECT bulla.export('notes');
\set VERBOSITY terse
SELECT bulla.is_encrypted(bulla.encrypt('x', 'card'));
-- Beginning it again adds to it, and gives no second code.
SELECT bulla.enable_emergency_mode('worse than we thought', '{read_only,no_exports}') IS NULL AS no_code;
SELECT reason, restrictions FROM bulla.emergency_mode;
INSERT INTO notes VALUES ('three');
-- Rolled back with its transaction, and with a savepoint.
BEGIN;
SELECT bulla.enable_emergency_mode('still worse', '{no_encrypt}') IS NULL AS no_code;
SELECT bulla.encrypt('x', 'card');
ROLLBACK;
BEGIN;
SAVEPOINT a;
SELECT bulla.enable_emergency_mode('still worse', '{no_encrypt}') IS NULL AS no_code;
ROLLBACK TO a;
SELECT bulla.is_encrypted(bulla.encrypt('x', 'card'));
SELECT bulla.disable_emergency_mode(:'code');
SELECT bulla.decrypt(text) FROM sealed;
ROLLBACK;
SELECT bulla.decrypt(text) FROM sealed;
-- The code ends it, however it is typed, and works no more.
SELECT bulla.disable_emergency_mode(upper(replace(:'code', '-', ' ')));
SELECT bulla.decrypt(text) FROM sealed;
SELECT bulla.disable_emergency_mode(:'code');
SELECT bulla.enable_emergency_mode('another', '{no_decrypt}') AS second \gset
SELECT bulla.disable_emergency_mode(:'code');
SELECT bulla.disable_emergency_mode(:'second');
SELECT row_number() OVER (ORDER BY seq) AS event, action, detail FROM emergency_events ORDER BY seq;
SELECT count(*) FROM bulla.events WHERE detail::text LIKE '%' || :'code' || '%' OR detail::text LIKE '%' || replace(:'code', '-', '') || '%';

-- Wrong codes are counted whatever becomes of the transaction, and slow what comes after, be it right.
SELECT bulla.enable_emergency_mode('guesses', '{no_decrypt}') AS code \gset
SELECT last_value FROM bulla.emergency_attempts;
BEGIN;
SELECT bulla.disable_emergency_mode('0000-0000-0000-0000-0000-0000-0000-0000');
ROLLBACK;
DO $$
BEGIN
    PERFORM bulla.disable_emergency_mode('wrong');
    RAISE EXCEPTION 'undone';
EXCEPTION WHEN raise_exception THEN
    NULL;
END $$;
SELECT bulla.disable_emergency_mode('');
SELECT last_value FROM bulla.emergency_attempts;
SET statement_timeout = '100ms';
SELECT bulla.disable_emergency_mode(:'code');
RESET statement_timeout;
SELECT last_value FROM bulla.emergency_attempts;
SELECT count(*) FROM bulla.emergency_mode;
SELECT bulla.disable_emergency_mode(:'code');
SELECT last_value FROM bulla.emergency_attempts;
SELECT action, detail FROM emergency_events ORDER BY seq DESC LIMIT 2;

-- Whom EXECUTE is granted to needs no other right.
GRANT EXECUTE ON FUNCTION bulla.enable_emergency_mode, bulla.disable_emergency_mode, bulla.emergency_rotate(text, text) TO regress_officer;
SET ROLE regress_officer;
SELECT bulla.enable_emergency_mode('an officer says so', '{no_encrypt}') AS code \gset
SELECT bulla.enable_emergency_mode('more', '{no_decrypt}');
SELECT key_name, version FROM bulla.emergency_rotate('card', 'an officer says so');
SELECT restrictions, by FROM bulla.emergency_mode;
SELECT bulla.disable_emergency_mode('wrong');
SELECT bulla.disable_emergency_mode(:'code');
RESET ROLE;
SELECT action, role FROM bulla.events JOIN emergency_events USING (seq, action) ORDER BY seq DESC LIMIT 4;

-- What is refused.
CREATE TRIGGER forged AFTER DELETE ON plain EXECUTE FUNCTION bulla.emergency_changed();
DELETE FROM plain;
SELECT bulla.emergency_changed();
SELECT bulla.enable_emergency_mode(' ', '{read_only}');
SELECT bulla.enable_emergency_mode(NULL, '{read_only}');
SELECT bulla.enable_emergency_mode('x', NULL);
SELECT bulla.enable_emergency_mode('x', '{}');
SELECT bulla.enable_emergency_mode('x', '{read_only,NULL}');
SELECT bulla.enable_emergency_mode('x', '{read_only,no_sleep}');
SELECT bulla.disable_emergency_mode(NULL);
SELECT bulla.disable_emergency_mode('x');
BEGIN READ ONLY;
SELECT bulla.enable_emergency_mode('x', '{read_only}');
ROLLBACK;
BEGIN READ ONLY;
SELECT bulla.disable_emergency_mode('x');
ROLLBACK;

-- Keys are rotated in the middle of it, one or all that a role made. What they sealed still opens afterwards.
GRANT EXECUTE ON FUNCTION bulla.create_key, bulla.destroy_key TO regress_officer;
SET ROLE regress_officer;
SELECT bulla.create_key(name) IS NOT NULL AS created FROM unnest('{of the officer,of the officer too,destroyed}'::text[]) AS name;
SELECT bulla.create_key('index of the officer', 'index') IS NOT NULL AS created;
SELECT bulla.destroy_key('destroyed', 'a test') > 0 AS destroyed;
RESET ROLE;
SELECT bulla.enable_emergency_mode('an officer left', '{no_new_keys,read_only}') AS code \gset
SELECT bulla.rotate_key('card');
SELECT * FROM bulla.emergency_rotate('card', 'an officer left');
SELECT * FROM bulla.emergency_rotate(owner => 'regress_officer', reason => 'an officer left') ORDER BY key_name;
SELECT name, version, state FROM bulla.keys WHERE name <> 'aes' ORDER BY name, version;
SELECT * FROM bulla.emergency_rotate('email', 'x');
SELECT * FROM bulla.emergency_rotate('no such key', 'x');
SELECT * FROM bulla.emergency_rotate('card', '');
SELECT * FROM bulla.emergency_rotate(owner => 'regress_stranger', reason => 'x');
SELECT bulla.decrypt(text) FROM sealed;
SELECT bulla.disable_emergency_mode(:'code');
SELECT detail->>'key' AS key, detail->'version' AS version, detail->>'emergency' AS emergency FROM emergency_events
WHERE action = 'key.rotated' ORDER BY key;

-- A superuser can end it by hand. That is in force at once, too, and shows.
SELECT bulla.enable_emergency_mode('lost the code', '{no_decrypt}') IS NOT NULL AS code;
DELETE FROM bulla.emergency;
SELECT bulla.decrypt(text) FROM sealed;
SELECT bulla.enable_emergency_mode('again', '{no_decrypt}') IS NOT NULL AS code;
TRUNCATE bulla.emergency;
SELECT bulla.decrypt(text) FROM sealed;
SELECT action, detail FROM emergency_events ORDER BY seq DESC LIMIT 4;
-- One row at most, and nothing that is not known.
INSERT INTO bulla.emergency VALUES (false, 'x', '{read_only}', sha256(''), now(), 'x');
INSERT INTO bulla.emergency VALUES (true, 'x', '{no_sleep}', sha256(''), now(), 'x');

-- Under read_only rows come in all the same that bring their hashes, from a dump.
BEGIN;
INSERT INTO notes VALUES ('dumped', 'bob') RETURNING seq, prev_hash, hash, openings \gset
ROLLBACK;
SELECT bulla.enable_emergency_mode('a restore', '{read_only}') AS code \gset
SET bulla.restore = on;
INSERT INTO notes VALUES ('not dumped');
INSERT INTO notes VALUES ('dumped', 'bob', :seq, :'prev_hash', :'hash', :'openings') RETURNING seq = :seq AS as_dumped;
RESET bulla.restore;
SELECT bulla.disable_emergency_mode(:'code');
SELECT count(*) FROM bulla.verify('notes');
SELECT count(*) FROM bulla.verify('bulla.events');

DROP VIEW emergency_events;
DROP FUNCTION outcome, try_calls;
DROP TABLE sealed, calls, plain, cards;
SELECT bulla.stop_auditing('people'), bulla.stop_auditing('patients');
DROP TABLE people, patients;
SELECT bulla.drop_ledger('notes');
DROP TABLE notes;
SELECT bulla.revoke_key('card', 'regress_officer', 'encrypt');
DROP OWNED BY regress_officer;
DROP ROLE regress_officer, regress_stranger;
