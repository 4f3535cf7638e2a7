-- Values under keys of every algorithm, and the count of what a key of AES-256-GCM seals.
\set VERBOSITY terse
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_counter;
CREATE ROLE regress_counter;
RESET client_min_messages;
SELECT bulla.create_key('xaes', algorithm => 'XAES-256-GCM') IS NOT NULL AS created;
SELECT bulla.create_key('gcm', algorithm => 'AES-256-GCM') IS NOT NULL AS created;
SELECT bulla.create_key('cbc', algorithm => 'AES-256-CBC-HMAC-SHA-512') IS NOT NULL AS created;
SELECT key, n.name AS opens, octet_length(bytes) - octet_length(value) AS longer, get_byte(bytes, 1) AS algorithm,
    bulla.is_encrypted(bytes) AS well_formed, bulla.decrypt(bytes, 'c') = value AS same_bytes
FROM (VALUES ('xaes'), ('gcm'), ('cbc')) AS k (key), (VALUES ('\x'::bytea), ('\x00'), (decode(repeat('ab', 15), 'hex')), (decode(repeat('ab', 16), 'hex'))) AS v (value),
    LATERAL (SELECT bulla.encrypt(value, key, 'c') AS bytes OFFSET 0) AS s, LATERAL (SELECT name FROM bulla.keys WHERE version_id = substr(bytes, 3, 16)) AS n
ORDER BY key, octet_length(value);
SELECT key, bulla.decrypt(bulla.encrypt('état civil', key, 'c'), 'c') AS opened, bulla.encrypt('x', key) <> bulla.encrypt('x', key) AS differs
FROM (VALUES ('xaes'), ('gcm'), ('cbc')) AS k (key);
-- 100 KB, which is several blocks of everything, and is stored out of line.
CREATE TABLE large AS SELECT key, bulla.encrypt(repeat('0123456789', 10000), key) AS value FROM (VALUES ('gcm'), ('cbc')) AS k (key);
SELECT key, bulla.decrypt(value) = repeat('0123456789', 10000) AS same FROM large ORDER BY key;

-- Every bit matters, and nothing is told about which.
CREATE FUNCTION opens(value bytea, context text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM bulla.decrypt(value, context);
    RETURN 'opens';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || regexp_replace(SQLERRM, '[0-9]+', 'N');
END $$;
CREATE TABLE sealed AS SELECT key, bulla.encrypt('\x68656c6c6f'::bytea, key, 'a') AS value FROM (VALUES ('gcm'), ('cbc')) AS k (key);
SELECT DISTINCT key, CASE WHEN bit < 8 THEN 'format' WHEN bit < 16 THEN 'algorithm' WHEN bit < 144 THEN 'version' ELSE 'rest' END AS part,
    opens(set_bit(value, bit, 1 - get_bit(value, bit)), 'a') AS result
FROM sealed, generate_series(0, octet_length(value) * 8 - 1) AS bit ORDER BY 1, 2, 3;
SELECT DISTINCT key, opens(substr(value, 1, size), 'a') AS result FROM sealed, generate_series(0, octet_length(value) - 1) AS size ORDER BY 1, 2;
SELECT DISTINCT key, opens(value || '\x00', 'a') AS longer, opens(value, 'b') AS another_context, opens(value, 'a') AS whole FROM sealed ORDER BY 1;

-- The count never falls behind what was sealed: not by a rollback, not by a savepoint.
SELECT name, messages > 0 AS counted FROM bulla.keys WHERE name IN ('gcm', 'xaes', 'cbc') ORDER BY name;
SELECT bulla.create_key('counted', algorithm => 'AES-256-GCM') IS NOT NULL AS created;
SELECT version_id, messages FROM bulla.keys WHERE name = 'counted' \gset
SELECT :messages AS before_the_first;
BEGIN;
SELECT count(bulla.encrypt('x', 'counted')) FROM generate_series(1, 1000);
SAVEPOINT s;
SELECT count(bulla.encrypt('x', 'counted')) FROM generate_series(1, 1000);
ROLLBACK TO s;
SELECT count(bulla.encrypt('x', 'counted')) FROM generate_series(1, 10);
ROLLBACK;
SELECT messages BETWEEN 2010 AND 4096 AS counted FROM bulla.keys WHERE name = 'counted';
-- A key that its transaction takes back takes its count along.
BEGIN;
SELECT bulla.create_key('given up', algorithm => 'AES-256-GCM') IS NOT NULL AS created;
SELECT bulla.encrypt('x', 'given up') IS NOT NULL AS sealed;
ROLLBACK;
SELECT count(*) AS counts FROM pg_class WHERE relkind = 'S' AND relnamespace = 'bulla'::regnamespace AND relname LIKE 'messages\_%';

-- The last messages. Another session gets none of them, and neither does this one get more.
SELECT format('bulla.messages_%s', encode(version_id, 'hex')) AS counter FROM bulla.keys WHERE name = 'counted' \gset
\c -
SELECT setval(:'counter', 4294967296 - 5) AS sealed;
SELECT count(bulla.encrypt('x', 'counted')) FROM generate_series(1, 5);
\set VERBOSITY default
SELECT bulla.encrypt('x', 'counted');
\set VERBOSITY terse
\c -
SELECT bulla.encrypt('x', 'counted');
SELECT bulla.decrypt(bulla.encrypt('x', 'gcm')) AS others_go_on;
SELECT messages FROM bulla.keys WHERE name = 'counted';

-- Monitoring sees the counts of what may still be used, and nothing else of keys.
SELECT bulla.rotate_key('counted');
SELECT key, version, is_primary, messages_sealed BETWEEN 0 AND messages_budget AS within, messages_sealed = messages_budget AS used_up, messages_budget FROM bulla.key_messages();
SELECT bulla.destroy_key_version('counted', 1, 'a test') > 0 AS destroyed;
SET ROLE pg_monitor;
SELECT key, version FROM bulla.key_messages();
SELECT name FROM bulla.keys;
SET ROLE regress_counter;
SELECT * FROM bulla.key_messages();
RESET ROLE;

-- Where nothing can be counted nothing is sealed; it opens all the same.
SELECT value AS kept FROM sealed WHERE key = 'gcm' \gset
\c -
BEGIN READ ONLY;
SELECT bulla.decrypt(:'kept'::bytea, 'a');
SELECT bulla.encrypt('x', 'xaes') IS NOT NULL AS needs_no_count;
SELECT bulla.encrypt('x', 'gcm');
ROLLBACK;
SELECT format('bulla.messages_%s', encode(version_id, 'hex')) AS counter FROM bulla.keys WHERE name = 'gcm' \gset
BEGIN;
DROP SEQUENCE :counter;
SAVEPOINT missing;
SELECT bulla.encrypt('x', 'gcm');
ROLLBACK TO missing;
SELECT key, messages_sealed FROM bulla.key_messages() WHERE messages_sealed IS NULL;
ROLLBACK;
-- The count needs no rights of who seals, and gives none.
SELECT bulla.grant_key('gcm', 'regress_counter', 'encrypt');
SET ROLE regress_counter;
SELECT bulla.encrypt('x', 'gcm') IS NOT NULL AS sealed;
SELECT has_sequence_privilege(:'counter', 'UPDATE') OR has_sequence_privilege(:'counter', 'USAGE') AS may_change_it;
RESET ROLE;
SELECT bulla.messages_sealed('\x00') AS no_version, bulla.messages_sealed(NULL) AS null;
DROP TABLE large, sealed;
DROP FUNCTION opens;
SELECT bulla.revoke_key('gcm', 'regress_counter', 'encrypt');
DROP ROLE regress_counter;
