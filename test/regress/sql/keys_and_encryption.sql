-- Keys are made; values are sealed under them, and open only as what and where they were sealed.
\set VERBOSITY terse
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_sealer, regress_nobody;
CREATE ROLE regress_sealer;
CREATE ROLE regress_nobody;
RESET client_min_messages;

-- Making keys.
SELECT bulla.create_key('card') IS NOT NULL AS created;
SELECT bulla.create_key('other', 'encrypt', 'XAES-256-GCM') IS NOT NULL AS created;
SELECT bulla.create_key('Ünï "quoted"'' \ ☃') IS NOT NULL AS created;
SELECT bulla.create_key(repeat('x', 128)) IS NOT NULL AS created;
SELECT bulla.create_key('returns its id') AS key_id \gset
SELECT id = :'key_id' AS same_id FROM bulla.keys WHERE name = 'returns its id';
\set VERBOSITY default
SELECT bulla.create_key('card');
SELECT bulla.create_key('new', 'sign');
SELECT bulla.create_key('new', 'encrypt', 'ROT13');
\set VERBOSITY terse
SELECT bulla.create_key('new', 'Encrypt');
SELECT bulla.create_key('new', '');
SELECT bulla.create_key('new', 'mac');
SELECT bulla.create_key('new', algorithm => 'aes-256-gcm');
SELECT bulla.create_key('new', algorithm => '');
SELECT bulla.create_key('');
SELECT bulla.create_key(repeat('x', 129));
SELECT bulla.create_key(NULL);
SELECT bulla.create_key('new', NULL);
SELECT name, purpose, algorithm, version, state, version_id IS NOT NULL AS has_version_id, kek_id LIKE 'file:%' AS has_kek,
    created_at <= now() AS created, created_by FROM bulla.keys ORDER BY length(name), name COLLATE "C";
SELECT count(*), count(DISTINCT key_id), count(DISTINCT version_id), count(DISTINCT commitment), count(DISTINCT wrapped), min(octet_length(wrapped)) = 125 AS size
FROM bulla.key_versions;
SELECT action, role, detail ->> 'key' AS key, detail ->> 'version' AS version, detail ? 'commitment' AS commitment
FROM bulla.events ORDER BY seq LIMIT 2;
SELECT bool_and(encode(v.commitment, 'hex') = e.detail ->> 'commitment') AS commitments_are_in_events
FROM bulla.key_versions AS v JOIN bulla.events AS e ON e.detail ->> 'key_id' = v.key_id::text;
SELECT bool_or(position(encode(v.wrapped, 'hex') IN e.detail::text) > 0) AS wrapped_key_is_in_events FROM bulla.key_versions AS v, bulla.events AS e;
SELECT * FROM bulla.verify('bulla.events');

-- Round trips, texts and bytes, of every size.
SELECT count(*), bool_and(bulla.decrypt(bulla.encrypt(value, 'card')) = value) AS same,
    bool_and(bulla.decrypt(bulla.encrypt(value, 'card', 'there'), 'there') = value) AS same_with_context
FROM (SELECT repeat('é', g) AS value FROM generate_series(0, 70) AS g UNION ALL
      SELECT unnest(ARRAY['', ' ', E'a\nb', 'bulla1:', '☃', repeat('0123456789', 100000)])) AS v;
SELECT count(*), bool_and(bulla.decrypt(bulla.encrypt(value, 'card')) = value) AS same,
    bool_and(bulla.decrypt(bulla.encrypt(value, 'card', 'there'), 'there') = value) AS same_with_context
FROM (SELECT decode(repeat('00', g), 'hex') AS value FROM generate_series(0, 70) AS g UNION ALL
      SELECT unnest(ARRAY['\x', '\x00', '\xff', '\xb101', decode(repeat('deadbeef', 262144), 'hex')])) AS v;
SELECT length(bulla.encrypt('', 'card')), length(bulla.encrypt('12345', 'card')), octet_length(bulla.encrypt('\x'::bytea, 'card'));
SELECT bulla.encrypt('x', 'card') ~ '^bulla1:[A-Za-z0-9_-]+$' AS canonical;
SELECT bulla.encrypt('same', 'card') = bulla.encrypt('same', 'card') AS equal_texts,
    bulla.encrypt('\x00'::bytea, 'card') = bulla.encrypt('\x00'::bytea, 'card') AS equal_bytes;
SELECT count(DISTINCT bulla.encrypt('same', 'card')) FROM generate_series(1, 1000);
SELECT bulla.decrypt(bulla.encrypt('x', E'card', repeat('long context ', 10000)), repeat('long context ', 10000));
-- The envelope names the key's version.
SELECT substr(bulla.encrypt('\x00'::bytea, 'card'), 1, 18) = '\xb101'::bytea || version_id AS header FROM bulla.keys WHERE name = 'card';
-- NULL gives NULL, whatever the rest; a NULL key or context is an error.
SELECT bulla.encrypt(NULL::text, 'card'), bulla.encrypt(NULL::bytea, 'no such key'), bulla.encrypt(NULL::text, NULL, NULL),
    bulla.decrypt(NULL::text), bulla.decrypt(NULL::bytea, 'x'), bulla.decrypt_if_encrypted(NULL), bulla.is_encrypted(NULL::text);
SELECT bulla.encrypt('x', NULL);
SELECT bulla.encrypt('x', 'card', NULL);
SELECT bulla.decrypt(bulla.encrypt('x', 'card'), NULL);
SELECT bulla.decrypt('plain', NULL);
SELECT bulla.encrypt('x', 'no such key');
SELECT bulla.encrypt('x', '');
SELECT bulla.encrypt('x', 'Card');

-- A value opens only where it belongs, as what it was, and undamaged.
CREATE TABLE sealed AS SELECT bulla.encrypt('secret', 'card', 'a') AS as_text, bulla.encrypt('secret'::bytea, 'card', 'a') AS as_bytes;
GRANT SELECT ON sealed TO regress_nobody;
\set VERBOSITY default
SELECT bulla.decrypt(as_text, 'b') FROM sealed;
\set VERBOSITY terse
SELECT bulla.decrypt(as_text) FROM sealed;
SELECT bulla.decrypt(as_text, 'a ') FROM sealed;
SELECT bulla.decrypt(as_bytes, 'b') FROM sealed;
SELECT bulla.decrypt(convert_to(as_text, 'UTF8'), 'a') FROM sealed;
SELECT bulla.decrypt('bulla1:' || translate(encode(as_bytes, 'base64'), E'+/=\n', '-_'), 'a') FROM sealed;
SELECT bulla.decrypt(decode(translate(substr(as_text, 8), '-_', '+/') || repeat('=', (4 - length(substr(as_text, 8)) % 4) % 4), 'base64'), 'a') FROM sealed;
-- Every bit of it counts, every cut shows.
CREATE FUNCTION opens(value bytea, context text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM bulla.decrypt(value, context);
    RETURN 'opens';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END $$;
CREATE FUNCTION opens(value text, context text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM bulla.decrypt(value, context);
    RETURN 'opens';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END $$;
SELECT opens(as_bytes, 'a') FROM sealed;
SELECT DISTINCT CASE WHEN bit < 8 THEN 'format' WHEN bit < 16 THEN 'algorithm' WHEN bit < 144 THEN 'version' ELSE 'rest' END AS part,
    opens(set_bit(as_bytes, bit, 1 - get_bit(as_bytes, bit)), 'a') AS result
FROM sealed, generate_series(0, octet_length(as_bytes) * 8 - 1) AS bit ORDER BY 1, 2;
SELECT DISTINCT opens(substr(as_bytes, 1, size), 'a') AS result FROM sealed, generate_series(0, octet_length(as_bytes) - 1) AS size ORDER BY 1;
SELECT opens(as_bytes || '\x00', 'a'), opens('\x00'::bytea || as_bytes, 'a'), opens(substr(as_bytes, 2), 'a') FROM sealed;
SELECT DISTINCT opens(left(as_text, size), 'a') AS result FROM sealed, generate_series(0, length(as_text) - 1) AS size ORDER BY 1;
SELECT DISTINCT opens(overlay(as_text PLACING c FROM place FOR 1), 'a') AS result
FROM sealed, generate_series(8, length(as_text)) AS place, unnest('{A,b,0,-,_,+,/,=," ",é}'::text[]) AS c
WHERE substr(as_text, place, 1) <> c ORDER BY 1;
SELECT opens(as_text || '=', 'a'), opens(as_text || E'\n', 'a'), opens(' ' || as_text, 'a'), opens(upper(as_text), 'a'),
    opens('Bulla1:' || substr(as_text, 8), 'a') FROM sealed;
SELECT opens('', ''), opens('plain', ''), opens('bulla1:', ''), opens('bulla2:AAAA', ''), opens('\x'::bytea, ''), opens('\xb1'::bytea, '');
SELECT bulla.decrypt('a plaintext that is nobody''s business');
SELECT bulla.decrypt('bulla1:not base64!');
SELECT bulla.decrypt('\xb101'::bytea);
SELECT bulla.decrypt('\xb104'::bytea || decode(repeat('00', 60), 'hex'));
SELECT bulla.decrypt('\xb1ff'::bytea || decode(repeat('00', 60), 'hex'));
SELECT bulla.decrypt('\xb101'::bytea || decode(repeat('00', 60), 'hex'));
-- Two values exchanged, where each names its row.
CREATE TABLE cards (id int PRIMARY KEY, number text);
INSERT INTO cards SELECT g, bulla.encrypt('number ' || g, 'card', 'cards.number:' || g) FROM generate_series(1, 3) AS g;
SELECT id, bulla.decrypt(number, 'cards.number:' || id) FROM cards ORDER BY id;
UPDATE cards SET number = (SELECT number FROM cards AS c WHERE c.id = 3 - cards.id) WHERE id <= 2;
SELECT bulla.decrypt(number, 'cards.number:' || id) FROM cards WHERE id = 1;
SELECT bulla.decrypt(number, 'cards.number:' || id) FROM cards WHERE id = 3;

-- is_encrypted looks, and does not open.
SELECT bulla.is_encrypted(as_text), bulla.is_encrypted(as_bytes), bulla.is_encrypted(convert_to(as_text, 'UTF8')), bulla.is_encrypted(left(as_text, -1)),
    bulla.is_encrypted(substr(as_bytes, 1, 57)), bulla.is_encrypted(substr(as_bytes, 1, 58)), bulla.is_encrypted(as_text || '=') FROM sealed;
SELECT bulla.is_encrypted(''), bulla.is_encrypted('plain'), bulla.is_encrypted('bulla1:'), bulla.is_encrypted('\x'::bytea), bulla.is_encrypted('\xb1'::bytea);
-- Old rows that are plain pass; damaged ones do not pass as plain.
SELECT bulla.decrypt_if_encrypted(as_text, 'a'), bulla.decrypt_if_encrypted('plain', 'a'), bulla.decrypt_if_encrypted(''),
    bulla.decrypt_if_encrypted('bulla'), bulla.decrypt_if_encrypted(' bulla1:') FROM sealed;
SELECT bulla.decrypt_if_encrypted(as_text, 'b') FROM sealed;
SELECT bulla.decrypt_if_encrypted(left(as_text, -1), 'a') FROM sealed;
SELECT bulla.decrypt_if_encrypted('bulla1:');
SELECT bulla.decrypt_if_encrypted('plain', NULL);

-- A version that is disabled or destroyed, or a key that is gone, counts at once, also where this backend has
-- used it; what is rolled back does not.
CREATE FUNCTION states(OUT seals text, OUT opens text) LANGUAGE plpgsql AS $$
BEGIN
    BEGIN
        PERFORM bulla.encrypt('x', 'card');
        seals := 'seals';
    EXCEPTION WHEN OTHERS THEN
        seals := SQLSTATE || ' ' || SQLERRM;
    END;
    BEGIN
        PERFORM bulla.decrypt(as_text, 'a') FROM sealed;
        opens := 'opens';
    EXCEPTION WHEN OTHERS THEN
        opens := SQLSTATE || ' ' || SQLERRM;
    END;
END $$;
SELECT * FROM states();
UPDATE bulla.key_versions SET state = 'disabled' FROM bulla.key_names AS k WHERE k.key_id = key_versions.key_id AND k.name = 'card';
SELECT * FROM states();
SELECT bulla.decrypt(bulla.encrypt('others do', 'other'));
UPDATE bulla.key_versions SET state = 'enabled';
SELECT * FROM states();
BEGIN;
UPDATE bulla.key_versions SET state = 'disabled';
SELECT * FROM states();
ROLLBACK;
SELECT * FROM states();
BEGIN;
SAVEPOINT a;
UPDATE bulla.key_versions SET state = 'destroyed', wrapped = NULL;
SELECT * FROM states();
ROLLBACK TO a;
SELECT * FROM states();
ROLLBACK;
BEGIN;
SELECT bulla.create_key('never') IS NOT NULL AS created;
SELECT bulla.decrypt(bulla.encrypt('while it lasts', 'never'));
ROLLBACK;
SELECT bulla.encrypt('x', 'never');
SET session_replication_role = replica;
UPDATE bulla.key_versions SET state = 'disabled';
SELECT * FROM states();
UPDATE bulla.key_versions SET state = 'enabled';
RESET session_replication_role;
SELECT * FROM states();
BEGIN;
DELETE FROM bulla.key_versions;
SELECT * FROM states();
ROLLBACK;
BEGIN;
TRUNCATE bulla.key_versions;
SELECT * FROM states();
ROLLBACK;
-- Wrapped keys that were exchanged, changed, or said to be of another algorithm do not unwrap.
BEGIN;
UPDATE bulla.key_versions AS v SET wrapped = (SELECT wrapped FROM bulla.key_versions AS o WHERE o.key_id <> v.key_id ORDER BY version_id LIMIT 1);
SELECT seals ~ '^(XX001|22P03|55000) key "card"' AS seals, opens ~ '^(XX001|22P03|55000) key "card"' AS opens FROM states();
ROLLBACK;
BEGIN;
UPDATE bulla.key_versions SET wrapped = set_bit(wrapped, 500, 1 - get_bit(wrapped, 500));
SELECT seals ~ '^(XX001|22P03|55000) key "card"' AS seals, opens ~ '^(XX001|22P03|55000) key "card"' AS opens FROM states();
ROLLBACK;
BEGIN;
UPDATE bulla.key_versions SET wrapped = '';
SELECT seals ~ '^(XX001|22P03|55000) key "card"' AS seals, opens ~ '^(XX001|22P03|55000) key "card"' AS opens FROM states();
ROLLBACK;
BEGIN;
UPDATE bulla.key_versions SET version = version + 1;
SELECT seals ~ '^(XX001|22P03|55000) key "card"' AS seals, opens ~ '^(XX001|22P03|55000) key "card"' AS opens FROM states();
ROLLBACK;
BEGIN;
UPDATE bulla.key_versions SET commitment = set_byte(commitment, 31, 255 - get_byte(commitment, 31));
SELECT seals ~ '^(XX001|22P03|55000) key "card"' AS seals, opens ~ '^(XX001|22P03|55000) key "card"' AS opens FROM states();
ROLLBACK;
BEGIN;
UPDATE bulla.key_names SET purpose = 'mac';
SELECT seals ~ '^(XX001|22P03|22023|55000)' AS seals FROM states();
ROLLBACK;
SELECT * FROM states();
-- Illegal states of the tables.
UPDATE bulla.key_versions SET state = 'lost';
UPDATE bulla.key_versions SET state = 'destroyed';
UPDATE bulla.key_versions SET wrapped = NULL;
UPDATE bulla.key_versions SET version = 0;
UPDATE bulla.key_versions SET version_id = substr(commitment, 2, 16);
UPDATE bulla.key_versions SET commitment = '';

-- Who may do what.
SET ROLE regress_nobody;
SELECT bulla.create_key('mine');
SELECT bulla.encrypt('x', 'card');
SELECT bulla.encrypt('\x00'::bytea, 'card');
SELECT bulla.decrypt(as_text, 'a') FROM sealed;
SELECT bulla.decrypt(as_bytes, 'a') FROM sealed;
SELECT bulla.decrypt_if_encrypted(as_text, 'a') FROM sealed;
SELECT bulla.is_encrypted('x');
SELECT * FROM bulla.key_versions;
SELECT * FROM bulla.key_names;
SELECT * FROM bulla.keys;
RESET ROLE;
GRANT EXECUTE ON FUNCTION bulla.create_key(text, text, text), bulla.grant_key(text, name, text) TO regress_sealer;
SELECT bulla.grant_key('card', 'regress_sealer', 'encrypt'), bulla.grant_key('card', 'regress_sealer', 'decrypt');
SET ROLE regress_sealer;
SELECT bulla.decrypt(bulla.encrypt('allowed', 'card', 'c'), 'c');
SELECT bulla.create_key('by the sealer') IS NOT NULL AS created;
SELECT bulla.encrypt('x', 'by the sealer');
SELECT bulla.grant_key('by the sealer', 'regress_sealer', 'encrypt'), bulla.grant_key('by the sealer', 'regress_sealer', 'decrypt');
SELECT bulla.decrypt(bulla.encrypt('allowed', 'by the sealer'));
SELECT * FROM bulla.key_versions;
SELECT wrapped FROM bulla.key_versions WHERE false;
SELECT count(*) FROM bulla.keys;
SELECT * FROM bulla.events;
\set VERBOSITY sqlstate
SHOW bulla.kek;
\set VERBOSITY terse
SET bulla.kek = 'file:/tmp/mine';
RESET ROLE;
SELECT created_by FROM bulla.keys WHERE name = 'by the sealer';
SELECT role, session_role = session_user AS session FROM bulla.events WHERE action = 'key.created' AND detail ->> 'key' = 'by the sealer';
-- Not to be shown by how an operator is planned either: a function that is leakproof could be pushed below a barrier.
SELECT p.oid::regprocedure AS function, provolatile AS volatile, proleakproof AS leakproof, proparallel AS parallel, proisstrict AS strict
FROM pg_proc AS p WHERE pronamespace = 'bulla'::regnamespace AND proname ~ 'crypt|key|token|index' ORDER BY p.oid::regprocedure::text COLLATE "C";

DROP OWNED BY regress_sealer, regress_nobody;
DROP ROLE regress_sealer, regress_nobody;
