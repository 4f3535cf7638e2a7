-- Chains are sealed into Merkle trees. What is computed here a second time comes from RFC 6962's own definitions, in
-- SQL, over the hashes in the ledger.
\set VERBOSITY terse
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_log_owner, regress_log_reader;
CREATE ROLE regress_log_owner;
CREATE ROLE regress_log_reader;
GRANT CREATE ON SCHEMA public TO regress_log_owner;
RESET client_min_messages;

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
CREATE FUNCTION path_to(leaf int, leaves bytea[]) RETURNS bytea[] LANGUAGE plpgsql AS $$
DECLARE
    n int := cardinality(leaves);
    k int := 1;
BEGIN
    IF n = 1 THEN RETURN '{}'; END IF;
    WHILE k * 2 < n LOOP k := k * 2; END LOOP;
    IF leaf < k THEN RETURN path_to(leaf, leaves[1:k]) || root_of(leaves[k + 1:n]); END IF;
    RETURN path_to(leaf - k, leaves[k + 1:n]) || root_of(leaves[1:k]);
END $$;
CREATE FUNCTION proof_of(old_size int, leaves bytea[], whole boolean DEFAULT true) RETURNS bytea[] LANGUAGE plpgsql AS $$
DECLARE
    n int := cardinality(leaves);
    k int := 1;
BEGIN
    IF old_size = n THEN RETURN CASE WHEN whole THEN '{}' ELSE ARRAY[root_of(leaves)] END; END IF;
    WHILE k * 2 < n LOOP k := k * 2; END LOOP;
    IF old_size <= k THEN RETURN proof_of(old_size, leaves[1:k], whole) || root_of(leaves[k + 1:n]); END IF;
    RETURN proof_of(old_size - k, leaves[k + 1:n], false) || root_of(leaves[1:k]);
END $$;
-- RFC 6962's own example of a tree, with 7 leaves: its root is that of the two subtrees of 4 and 3.
SELECT root_of(ARRAY['\x00', '\x01', '\x02', '\x03', '\x04', '\x05', '\x06']::bytea[])
       = sha256('\x01'::bytea || root_of(ARRAY['\x00', '\x01', '\x02', '\x03']::bytea[])
                              || root_of(ARRAY['\x04', '\x05', '\x06']::bytea[])) AS split_at_4;

-- The log has to have a name first; it gets one name, once.
CREATE TABLE log (n int);
SELECT bulla.create_ledger('log') AS ledger_id \gset
SELECT bulla.seal('log');
SELECT bulla.verifier_key('log');
SELECT bulla.checkpoint('log') IS NULL AS no_checkpoint;
SELECT bulla.inclusion_proof('log', '', 0);
SELECT bulla.rotate_signing_key('drill');
SELECT bulla.take_over_log('drill');
SELECT bulla.set_log_name(NULL);
SELECT bulla.set_log_name('');
SELECT bulla.set_log_name('https://ledger.example.com');
SELECT bulla.set_log_name('/ledger');
SELECT bulla.set_log_name('ledger/../other');
SELECT bulla.set_log_name('a b');
SELECT bulla.set_log_name(repeat('x', 129));
SELECT bulla.set_log_name('ledger.example.com/bulla');
SELECT bulla.set_log_name('other.example.com');
SELECT name, purpose, algorithm, version, state FROM bulla.keys WHERE purpose = 'log';

-- Its key is Bulla's alone.
SELECT bulla.create_key('mine', 'log');
SELECT bulla.rotate_key('bulla.log');
SELECT * FROM bulla.emergency_rotate('bulla.log', 'drill');
SELECT bulla.grant_key('bulla.log', 'regress_log_reader', 'encrypt');
SELECT bulla.encrypt('value', 'bulla.log', '');
SELECT bulla.blind_index('value', 'bulla.log', '');

-- Nothing to seal, then something, then nothing new.
SELECT bulla.seal('log');
SELECT bulla.checkpoint('log') IS NULL AS no_checkpoint;
INSERT INTO log VALUES (0);
SELECT bulla.seal('log'), bulla.seal('log');
SELECT count(*) AS trees FROM bulla.heads;
SELECT split_part(note, E'\n', 1) = 'ledger.example.com/bulla/' || :'ledger_id' || '/0/0' AS origin,
       split_part(note, E'\n', 2) AS size,
       decode(split_part(note, E'\n', 3), 'base64') = (SELECT hash FROM log) AS root_is_the_leaf,
       split_part(note, E'\n', 4) = '' AS empty_line,
       split_part(split_part(note, E'\n', 5), ' ', 2) = split_part(note, E'\n', 1) AS signed_by_origin,
       octet_length(decode(split_part(split_part(note, E'\n', 5), ' ', 3), 'base64')) AS signature_bytes
FROM bulla.checkpoint('log') AS note;
SELECT split_part(key, '+', 1) = 'ledger.example.com/bulla/' || :'ledger_id' || '/0/0' AS origin,
       split_part(key, '+', 2) = encode(substr(sha256(convert_to(split_part(key, '+', 1), 'UTF8') || '\x0a'
                                        || decode(regexp_replace(key, '^[^+]+[+][^+]+[+]', ''), 'base64')), 1, 4), 'hex') AS key_id
FROM bulla.verifier_key('log') AS key;

-- However a tree grows, its root is RFC 6962's, and its tiles are of 256 hashes.
DO $$
DECLARE
    size int;
    wanted bytea;
BEGIN
    FOREACH size IN ARRAY ARRAY[2, 3, 4, 5, 7, 8, 9, 31, 63, 64, 65, 255, 256, 257, 511, 512, 513, 700] LOOP
        INSERT INTO log SELECT i FROM generate_series((SELECT max(seq) + 1 FROM log), size - 1) AS i;
        IF bulla.seal('log') <> size THEN RAISE 'sealed to another size than %', size; END IF;
        SELECT root_of(array_agg(hash ORDER BY seq)) INTO wanted FROM log;
        IF decode(split_part(bulla.checkpoint('log'), E'\n', 3), 'base64') <> wanted THEN
            RAISE 'another root at size %', size;
        END IF;
    END LOOP;
END $$;
SELECT level, index, octet_length(hashes) / 32 AS hashes FROM bulla.tiles ORDER BY level, index;
SELECT DISTINCT h.root = root_of(ARRAY(SELECT hash FROM log WHERE seq < h.size ORDER BY seq)) AS heads_tell_the_same
FROM bulla.heads AS h;

-- Every proof, of every size of tree there was.
SELECT count(*) AS inclusion_proofs FROM generate_series(1, 70) AS size, generate_series(0, size - 1) AS leaf
WHERE bulla.inclusion_proof('log', '', leaf, size)
      = path_to(leaf, ARRAY(SELECT hash FROM log WHERE seq < size ORDER BY seq));
SELECT count(*) AS consistency_proofs FROM generate_series(1, 70) AS size, generate_series(1, size) AS old_size
WHERE bulla.consistency_proof('log', '', old_size, size)
      = proof_of(old_size, ARRAY(SELECT hash FROM log WHERE seq < size ORDER BY seq));
SELECT bool_and(bulla.inclusion_proof('log', '', leaf) = path_to(leaf, ARRAY(SELECT hash FROM log ORDER BY seq)))
       AS of_the_newest_tree FROM unnest(ARRAY[0, 1, 255, 256, 511, 512, 698, 699]) AS leaf;
SELECT bool_and(bulla.consistency_proof('log', '', old) = proof_of(old, ARRAY(SELECT hash FROM log ORDER BY seq)))
       AS to_the_newest_tree FROM unnest(ARRAY[1, 255, 256, 257, 512, 699, 700]) AS old;
SELECT bulla.consistency_proof('log', '', 0, 5), bulla.consistency_proof('log', '', 700, 700);
SELECT bulla.inclusion_proof('log', '', 700);
SELECT bulla.inclusion_proof('log', '', -1);
SELECT bulla.inclusion_proof('log', '', NULL);
SELECT bulla.inclusion_proof('log', '', 5, 5);
SELECT bulla.inclusion_proof('log', '', 5, 701);
SELECT bulla.consistency_proof('log', '', 6, 5);
SELECT bulla.consistency_proof('log', '', 5, 701);
SELECT bulla.consistency_proof('log', '', NULL);

-- Sealing is part of its transaction.
INSERT INTO log VALUES (700);
BEGIN;
SELECT bulla.seal('log');
ROLLBACK;
SELECT split_part(bulla.checkpoint('log'), E'\n', 2) AS size;
BEGIN;
SELECT bulla.seal('log');
PREPARE TRANSACTION 'sealed';
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) FROM log;
SELECT bulla.seal('log');
COMMIT;
BEGIN READ ONLY;
SELECT bulla.seal('log');
ROLLBACK;
SELECT split_part(bulla.checkpoint('log'), E'\n', 2) AS size;

-- Many chains: each has a tree of its own, and sealing touches what has grown.
CREATE TABLE tenants (tenant int NOT NULL, n int);
SELECT bulla.create_ledger('tenants', '{tenant}') AS tenants_id \gset
INSERT INTO tenants SELECT t, i FROM generate_series(1, 300) AS i, generate_series(1, 5) AS t;
SELECT bulla.seal_chains('tenants'), bulla.seal_chains('tenants');
INSERT INTO tenants VALUES (2, 0), (4, 0), (4, 1);
SELECT bulla.seal_chains('tenants');
SELECT bulla.seal('tenants', '1'), bulla.seal('tenants', '4'), bulla.seal('tenants', '04');
SELECT bulla.seal('tenants', '6');
SELECT bulla.seal('tenants', 'six');
SELECT bulla.seal('tenants');
SELECT c.tenant, t.size, t.root = root_of(ARRAY(SELECT hash FROM tenants WHERE tenant = c.tenant ORDER BY seq)) AS root,
       t.chain_id = encode(substr(sha256(convert_to('bulla.chain.v1', 'UTF8') || '\x00'
            || uuid_send(:'tenants_id') || int4send(length(c.tenant::text)) || convert_to(c.tenant::text, 'UTF8')), 1, 16), 'hex')
           AS chain_id
FROM generate_series(1, 5) AS c (tenant)
JOIN bulla.trees AS t ON t.ledger_id = :'tenants_id' AND t.chain = c.tenant::text ORDER BY 1;
SELECT chain_id IN (SELECT chain_id FROM bulla.trees) AS known, max(size) AS size FROM bulla.heads
WHERE ledger_id = :'tenants_id' GROUP BY chain_id ORDER BY size;

-- A partitioned ledger has one tree.
CREATE TABLE parted (day date NOT NULL, n int) PARTITION BY RANGE (day);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
SELECT bulla.create_ledger('parted') IS NOT NULL AS created;
INSERT INTO parted SELECT date '2026-01-15' + i % 40, i FROM generate_series(1, 300) AS i;
SELECT bulla.seal('parted');
SELECT decode(split_part(bulla.checkpoint('parted'), E'\n', 3), 'base64')
       = root_of(ARRAY(SELECT hash FROM parted ORDER BY seq)) AS root;
SELECT bulla.seal('parted_1');

-- All at once. bulla.heads comes last: it has every tree that grew, and none of its own.
INSERT INTO log VALUES (701);
CALL bulla.seal_all();
CALL bulla.seal_all();
SELECT bulla.seal('bulla.heads') = (SELECT count(*) FROM bulla.heads) AS all_of_them;
SELECT count(*) AS own FROM bulla.heads
WHERE ledger_id = (SELECT l.id FROM bulla.ledgers AS l WHERE l.ledger = 'bulla.heads'::regclass);
SELECT decode(split_part(bulla.checkpoint('bulla.heads'), E'\n', 3), 'base64')
       = root_of(ARRAY(SELECT hash FROM bulla.heads ORDER BY seq)) AS root;
SELECT * FROM bulla.verify('bulla.heads');
DELETE FROM bulla.heads;

-- The owner seals; who may read the ledger may have its checkpoints and proofs; the tables are nobody's.
ALTER TABLE log OWNER TO regress_log_owner;
SET ROLE regress_log_owner;
INSERT INTO log VALUES (702);
SELECT bulla.seal('log');
SELECT bulla.seal('parted');
SELECT bulla.seal('bulla.heads');
SELECT * FROM bulla.trees;
SELECT * FROM bulla.tiles;
SELECT * FROM bulla.log;
SELECT bulla.set_log_name('mine');
SELECT bulla.rotate_signing_key('mine');
SELECT bulla.take_over_log('mine');
GRANT SELECT ON log TO regress_log_reader;
SET ROLE regress_log_reader;
SELECT bulla.seal('log');
SELECT bulla.seal_chains('log');
SELECT bulla.checkpoint('log') IS NOT NULL, bulla.verifier_key('log') IS NOT NULL,
       cardinality(bulla.inclusion_proof('log', '', 0));
SELECT bulla.checkpoint('parted');
SELECT bulla.verifier_key('parted');
SELECT bulla.inclusion_proof('parted', '', 0);
SELECT bulla.consistency_proof('parted', '', 1);
RESET ROLE;

-- What is not sound is not sealed.
CREATE TABLE holed (n int);
SELECT bulla.create_ledger('holed') IS NOT NULL AS created;
INSERT INTO holed SELECT generate_series(0, 9);
SET bulla.restore = on;
ALTER TABLE holed DISABLE TRIGGER ALL;
DELETE FROM holed WHERE seq = 4;
RESET bulla.restore;
SELECT bulla.seal('holed');
SELECT bulla.seal('pg_class');
SELECT bulla.seal(NULL);
SELECT bulla.seal('log', NULL);

-- A new version of the key signs what is sealed from now on; the old one has signed who it is.
SELECT bulla.verifier_key('bulla.heads') AS old_key \gset
SELECT bulla.rotate_signing_key(' ');
SELECT bulla.rotate_signing_key('drill');
SELECT bulla.verifier_key('bulla.heads') AS new_key \gset
SELECT :'old_key' <> :'new_key' AS another;
SELECT detail ->> 'version' AS version, detail ->> 'reason' AS reason, detail ->> 'verifier_key' = :'new_key' AS named,
       split_part(detail ->> 'note', E'\n', 1) AS magic,
       split_part(detail ->> 'note', E'\n', 2) = split_part(:'old_key', '+', 1) AS origin,
       split_part(detail ->> 'note', E'\n', 3) = :'new_key' AS successor,
       substr(decode(split_part(split_part(detail ->> 'note', E'\n', 5), ' ', 3), 'base64'), 1, 4)
           = decode(split_part(:'old_key', '+', 2), 'hex') AS signed_by_the_old
FROM bulla.events WHERE action = 'log.signing_key_rotated';
CALL bulla.seal_all();
SELECT substr(decode(split_part(split_part(bulla.checkpoint('bulla.heads'), E'\n', 5), ' ', 3), 'base64'), 1, 4)
       = decode(split_part(:'new_key', '+', 2), 'hex') AS signed_by_the_new;

-- A copy must not sign. (What a copy sees is written here by hand.)
INSERT INTO log VALUES (703);
UPDATE bulla.log SET timeline = timeline + 7;
\set VERBOSITY default
DO $$ BEGIN PERFORM bulla.seal('log'); EXCEPTION WHEN object_not_in_prerequisite_state THEN RAISE NOTICE '%', SQLERRM; END $$;
\set VERBOSITY terse
SELECT bulla.rotate_signing_key('drill');
SELECT bulla.checkpoint('log') IS NOT NULL AS shows_what_there_is;
SELECT bulla.take_over_log('');
SELECT bulla.take_over_log('promoted, the old one is switched off');
SELECT bulla.take_over_log('again');
SELECT bulla.seal('log');
SELECT action, detail ->> 'reason' AS reason,
       (detail #>> '{from,timeline}')::bigint - (detail #>> '{to,timeline}')::bigint AS moved
FROM bulla.events WHERE action IN ('log.named', 'log.taken_over') ORDER BY seq;

-- What was sealed stays when rows are pruned, and what was not cannot be.
INSERT INTO log SELECT generate_series(704, 1200);
SELECT bulla.prune('log', 768);
SELECT bulla.seal('log');
SELECT bulla.inclusion_proof('log', '', 5) AS proof_of_5 \gset
SELECT bulla.prune('log', 768);
SELECT min(seq) FROM log;
SELECT bulla.inclusion_proof('log', '', 5) = :'proof_of_5' AS the_same;
INSERT INTO log SELECT generate_series(1201, 1300);
SELECT bulla.seal('log');
SELECT cardinality(bulla.consistency_proof('log', '', 100, 1301)) AS hashes;
SELECT * FROM bulla.verify('log');
CREATE TABLE whole_months (month int, n int) PARTITION BY LIST (month);
CREATE TABLE whole_months_1 PARTITION OF whole_months FOR VALUES IN (1);
CREATE TABLE whole_months_2 PARTITION OF whole_months FOR VALUES IN (2);
SELECT bulla.create_ledger('whole_months') IS NOT NULL AS created;
INSERT INTO whole_months SELECT 1, generate_series(1, 10);
INSERT INTO whole_months SELECT 2, generate_series(1, 10);
SELECT bulla.detach_partition('whole_months', 'whole_months_1');
SELECT bulla.seal('whole_months');
SELECT bulla.detach_partition('whole_months', 'whole_months_1');
SELECT * FROM bulla.verify('whole_months');
SELECT * FROM bulla.verify('whole_months_1');
SELECT cardinality(bulla.inclusion_proof('whole_months', '', 0)) AS hashes;
