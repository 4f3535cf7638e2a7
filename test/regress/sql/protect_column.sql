-- A protected column: what is written is stored sealed, for the row that it stands in.
\set VERBOSITY terse
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_column_writer, regress_column_owner;
CREATE ROLE regress_column_writer;
CREATE ROLE regress_column_owner;
RESET client_min_messages;
SELECT bulla.create_key('card') IS NOT NULL AS created, bulla.create_key('other') IS NOT NULL AS created;
CREATE TABLE t (id int PRIMARY KEY, email text UNIQUE, c text, note text);
INSERT INTO t VALUES (0, 'before', 'there before');
SELECT bulla.protect_column('t', 'c', 'card', '{id}') AS protection \gset
SELECT "table", "column", key, bind_to, protection = :'protection' AS same, enabled FROM bulla.protected_columns;
SELECT action, detail - 'key_id' - 'protection' AS detail FROM bulla.events WHERE action = 'column.protected';

-- INSERT, COPY, UPDATE; what was there stays as it is, NULL stays NULL.
INSERT INTO t VALUES (1, 'a', 'secret 1'), (2, 'b', NULL), (3, 'c', '');
COPY t FROM stdin;
4	d	copied	\N
\.
SELECT id, c, note FROM t WHERE NOT bulla.is_encrypted(c) OR c IS NULL ORDER BY id;
SELECT id, bulla.open(t, 'c'), bulla.decrypt(c, bulla.context('t', 'c', id)) AS decrypted FROM t WHERE id > 0 ORDER BY id;
UPDATE t SET c = 'changed' WHERE id = 1;
UPDATE t SET c = 'no longer null' WHERE id = 2;
MERGE INTO t USING (VALUES (4, 'merged'), (5, 'merged in')) AS s(id, c) ON t.id = s.id
    WHEN MATCHED THEN UPDATE SET c = s.c WHEN NOT MATCHED THEN INSERT (id, c) VALUES (s.id, s.c);
SELECT id, bulla.open(t, 'c') FROM t WHERE id > 0 ORDER BY id;
-- What does not change is left as it is, a plaintext that was there before too.
CREATE TEMP TABLE was AS SELECT * FROM t;
UPDATE t SET note = 'touched', c = c;
SELECT bool_and(t.c IS NOT DISTINCT FROM was.c) AS same FROM t JOIN was USING (id);
-- The same plaintext again is sealed anew.
UPDATE t SET c = 'changed' WHERE id = 1;
SELECT t.c = was.c AS same FROM t JOIN was USING (id) WHERE id = 1;
-- What only looks sealed is plaintext.
UPDATE t SET c = 'bulla1:hello' WHERE id = 1;
SELECT bulla.open(t, 'c') FROM t WHERE id = 1;
UPDATE t SET c = c || '=' WHERE id = 1;
SELECT bulla.open(t, 'c') LIKE 'bulla1:%=' AS sealed_text_is_sealed FROM t WHERE id = 1;

-- What comes sealed and opens in its row is left; anything else is refused.
UPDATE t SET c = bulla.encrypt('sealed by the application', 'card', bulla.context('t', 'c', id)) WHERE id = 1;
UPDATE t SET c = bulla.encrypt('under another key', 'other', bulla.context('t', 'c', id)) WHERE id = 2;
SELECT id, bulla.open(t, 'c') FROM t WHERE id IN (1, 2) ORDER BY id;
\set VERBOSITY default
UPDATE t SET c = (SELECT c FROM t WHERE id = 3) WHERE id = 1;
\set VERBOSITY terse
INSERT INTO t SELECT 6, 'moved', c FROM t WHERE id = 1;
INSERT INTO t VALUES (6, 'elsewhere', bulla.encrypt('x', 'card', 't.c:6'));
INSERT INTO t VALUES (6, 'unknown', 'bulla1:' || translate(encode('\xb101'::bytea || decode(repeat('00', 58), 'hex'), 'base64'), E'+/=\n', '-_'));
INSERT INTO t VALUES (6, 'null', bulla.encrypt('x', 'card', bulla.context('t', 'c', NULL::int)));
-- Under a disabled version: what is there stays, nothing is believed.
CREATE TABLE kept AS SELECT id, bulla.encrypt('under another key', 'other', bulla.context('t', 'c', id)) AS c FROM t WHERE id = 2;
BEGIN;
UPDATE bulla.key_versions SET state = 'disabled' FROM bulla.key_names AS k WHERE k.key_id = key_versions.key_id AND k.name = 'other';
UPDATE t SET note = 'left alone' WHERE id = 2;
UPDATE t SET c = kept.c FROM kept WHERE t.id = 2 AND kept.id = 2;
ROLLBACK;
BEGIN;
UPDATE bulla.key_versions SET state = 'disabled' FROM bulla.key_names AS k WHERE k.key_id = key_versions.key_id AND k.name = 'card';
INSERT INTO t VALUES (6, 'no value', NULL);
INSERT INTO t VALUES (7, 'a value', 'x');
ROLLBACK;
-- A destroyed version: left, and told of.
SELECT bulla.create_key('doomed') IS NOT NULL AS created;
UPDATE kept SET c = bulla.encrypt('will be shredded', 'doomed', bulla.context('t', 'c', id));
UPDATE bulla.key_versions SET state = 'destroyed', wrapped = NULL FROM bulla.key_names AS k WHERE k.key_id = key_versions.key_id AND k.name = 'doomed';
BEGIN;
UPDATE t SET c = kept.c FROM kept WHERE t.id = 2 AND kept.id = 2;
SAVEPOINT a;
UPDATE t SET c = NULL WHERE id = 2;
UPDATE t SET c = kept.c FROM kept WHERE t.id = 2 AND kept.id = 2;
ROLLBACK TO a;
COMMIT;
SELECT action, detail ->> 'table' AS table, detail ->> 'column' AS column, detail ->> 'reason' AS reason, detail ->> 'count' AS count
FROM bulla.events WHERE action = 'column.values_left';
SELECT t.c = kept.c AS left_as_it_was FROM t JOIN kept USING (id);
-- bulla.restore: what is sealed is left unopened, and told of; plaintext is sealed.
BEGIN;
SET LOCAL bulla.restore = on;
INSERT INTO t SELECT 7, 'restored', c FROM t WHERE id = 3;
INSERT INTO t VALUES (8, 'restored too', 'plaintext');
COMMIT;
SELECT bulla.open(t, 'c') FROM t WHERE id = 8;
SELECT bulla.open(t, 'c') FROM t WHERE id = 7;
DELETE FROM t WHERE id = 7;
UPDATE t SET c = 'two' WHERE id = 2;

-- An UPSERT seals for the row that it lands in.
INSERT INTO t VALUES (20, 'a', 'from 20'), (21, 'new', 'from 21') ON CONFLICT (email) DO UPDATE SET c = excluded.c;
SELECT id, email, bulla.open(t, 'c') FROM t WHERE id IN (1, 20, 21) ORDER BY id;
INSERT INTO t SELECT g, 'many ' || g % 100, 'value ' || g FROM generate_series(1000, 1199) AS g
    ON CONFLICT (email) DO NOTHING;
INSERT INTO t SELECT g, 'many ' || g % 100, 'value ' || g FROM generate_series(2000, 2099) AS g
    ON CONFLICT (email) DO UPDATE SET c = excluded.c, note = 'upserted';
SELECT count(*), bool_and(bulla.open(t, 'c') = 'value ' || id + 1000) AS right FROM t WHERE note = 'upserted';
DELETE FROM t WHERE id >= 1000;
-- But no sealed value of another row gets in like that.
INSERT INTO t SELECT 22, 'a', c FROM t WHERE id = 3 ON CONFLICT (email) DO UPDATE SET c = excluded.c;
INSERT INTO t SELECT id, 'a', c FROM t WHERE id = 3 ON CONFLICT (email) DO UPDATE SET c = excluded.c;

-- What values are bound to cannot change, nor be NULL.
\set VERBOSITY default
UPDATE t SET id = 10 WHERE id = 1;
\set VERBOSITY terse
UPDATE t SET id = 10, c = 'new' WHERE id = 1;
UPDATE t SET id = id + 0 WHERE id = 1;
INSERT INTO t VALUES (NULL, 'x', 'y');
-- Names do not matter.
ALTER TABLE t RENAME c TO d;
ALTER TABLE t RENAME id TO number;
ALTER TABLE t RENAME TO u;
SELECT number, bulla.open(u, 'd') AS opened, bulla.decrypt(d, bulla.context('u', 'd', number)) AS decrypted FROM u WHERE number > 0 ORDER BY number;
SELECT "table", "column", key, bind_to, enabled FROM bulla.protected_columns;
UPDATE u SET d = 'renamed' WHERE number = 1;
UPDATE bulla.key_names SET name = 'renamed' WHERE name = 'card';
INSERT INTO u VALUES (30, 'after', 'after');
SELECT bulla.open(u, 'd') FROM u WHERE number IN (1, 30) ORDER BY number;
SELECT key FROM bulla.protected_columns;
UPDATE bulla.key_names SET name = 'card' WHERE name = 'renamed';

-- A trigger of the table's own comes first, whatever columns the statement names.
CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.d := 'by the trigger';
    RETURN NEW;
END $$;
CREATE TRIGGER fill BEFORE UPDATE OF note ON u FOR EACH ROW EXECUTE FUNCTION fill();
UPDATE u SET note = 'fires it' WHERE number = 1;
SELECT bulla.is_encrypted(d), bulla.open(u, 'd') FROM u WHERE number = 1;
DROP TRIGGER fill ON u;
-- session_replication_role is no way around.
SET session_replication_role = replica;
UPDATE u SET d = 'as a replica' WHERE number = 1;
RESET session_replication_role;
SELECT bulla.is_encrypted(d) FROM u WHERE number = 1;

-- Readers.
SELECT bulla.open(u, 'd') FROM u WHERE number = 0;
SELECT bulla.decrypt_if_encrypted(d, bulla.context('u', 'd', number)) FROM u WHERE number IN (0, 1) ORDER BY number;
SELECT bulla.open(u, 'note') FROM u;
SELECT bulla.open(u, 'none') FROM u;
SELECT bulla.open(ROW(1, 2), 'd');
SELECT bulla.open(1, 'd');
SELECT bulla.open(u, NULL) FROM u;
SELECT bulla.open(NULL::u, 'd');
SELECT bulla.open_bytea(u, 'd') FROM u;
SELECT bulla.context('u', 'd');
SELECT bulla.context('u', 'd', 1, 2);
SELECT bulla.context('u', 'd', NULL);
SELECT bulla.context('u', 'd', 'one');
SELECT bulla.context('u', 'd', 1) = bulla.context('u', 'd', '1') AS unknown, bulla.context('u', 'd', 1) = bulla.context('u', 'd', 1::bigint) AS bigint,
    bulla.context('u', 'd', 1) = bulla.context('u', 'd', VARIADIC '{1}'::int[]) AS variadic, bulla.context('u', 'd', 1) = bulla.context('u', 'd', 2) AS other;
SELECT bulla.context('u', 'note', 1);
-- The context, byte by byte (docs/spec/cell.md).
SELECT bulla.context('u', 'd', 42) = '\x62756c6c612e63656c6c2e763100'::bytea || uuid_send(:'protection')
    || '\x00000002'::bytea || 'id' || '\x00'::bytea || '\x00000002'::bytea || '42' AS as_specified;

-- The end of it.
SELECT bulla.unprotect_column('u', 'd');
SELECT "column", enabled FROM bulla.protected_columns;
INSERT INTO u VALUES (31, 'plain', 'plaintext again');
SELECT d, bulla.decrypt_if_encrypted(d, bulla.context('u', 'd', number)) AS opened FROM u WHERE number = 31;
SELECT bulla.open(u, 'd') FROM u WHERE number = 30;
SELECT bulla.protect_column('u', 'd', 'other', '{number}');
SELECT bulla.protect_column('u', 'd', 'card');
SELECT bulla.protect_column('u', 'd', 'card', '{number}') = :'protection' AS same_protection;
SELECT bulla.protect_column('u', 'd', 'card', '{number}');
SELECT bulla.unprotect_column('u', 'd');
SELECT bulla.unprotect_column('u', 'd', forget => true);
SELECT count(*) FROM bulla.protected_columns;
SELECT bulla.open(u, 'd') FROM u WHERE number = 30;
SELECT bulla.unprotect_column('u', 'd');
SELECT action FROM bulla.events WHERE action LIKE 'column.%' ORDER BY seq;

-- Types. A bytea, a varchar, and values of many types to bind to.
CREATE TABLE types (a boolean NOT NULL, b bigint NOT NULL, n numeric NOT NULL, v varchar(9) NOT NULL, u uuid NOT NULL, d date NOT NULL,
    z timestamptz NOT NULL, y bytea NOT NULL, long text NOT NULL, secret bytea, word varchar);
SELECT bulla.protect_column('types', 'secret', 'card', '{a,b,n,v,u,d,z,y,long}') IS NOT NULL AS protected,
    bulla.protect_column('types', 'word', 'card') IS NOT NULL AS protected;
INSERT INTO types VALUES (true, 7, 1.50, 'v', '0190f3c2-a1b4-7d3e-8f00-112233445566', '2026-01-02', '2026-01-02 03:04:05+06', '\xff', repeat('long', 100), '\x00ff', 'word');
INSERT INTO types SELECT a, b, n, v, u, d, z, y, long, decode(repeat('00', 100000), 'hex'), repeat('word', 100000) FROM types;
SET timezone = 'Asia/Tokyo';
SET datestyle = german;
SET bytea_output = escape;
SELECT octet_length(bulla.open_bytea(t, 'secret')) AS secret, length(bulla.open(t, 'word')) AS word FROM types AS t ORDER BY 1;
SELECT octet_length(bulla.decrypt(secret, bulla.context('types', 'secret', a, b, n, v, u, d, z, y, long))) AS secret FROM types ORDER BY 1;
RESET timezone;
RESET datestyle;
RESET bytea_output;
UPDATE types SET n = 1.500;
UPDATE types SET long = long || '!';
SELECT bulla.open(t, 'secret') FROM types AS t;

-- What cannot be protected, and bound to.
CREATE DOMAIN word AS text;
CREATE TABLE odd (id int PRIMARY KEY, i int, w word, v varchar(10), k text NOT NULL, g text GENERATED ALWAYS AS (k) STORED, c text, n int, f float8 NOT NULL, e text NOT NULL)
    PARTITION BY RANGE (id);
CREATE TABLE odd_1 PARTITION OF odd FOR VALUES FROM (1) TO (2);
CREATE TABLE by_text (id int, c text) PARTITION BY LIST (c);
CREATE TABLE parent (c text);
CREATE TABLE child () INHERITS (parent);
CREATE VIEW seen AS SELECT * FROM parent;
SELECT bulla.protect_column('odd', 'i', 'card');
SELECT bulla.protect_column('odd', 'w', 'card');
SELECT bulla.protect_column('odd', 'v', 'card');
SELECT bulla.protect_column('odd', 'g', 'card');
SELECT bulla.protect_column('odd', 'none', 'card');
SELECT bulla.protect_column('odd', 'ctid', 'card');
SELECT bulla.protect_column('odd_1', 'c', 'card');
SELECT bulla.protect_column('by_text', 'c', 'card');
SELECT bulla.protect_column('parent', 'c', 'card');
SELECT bulla.protect_column('child', 'c', 'card');
SELECT bulla.protect_column('seen', 'c', 'card');
SELECT bulla.protect_column('bulla.key_names', 'name', 'card');
SELECT bulla.protect_column('odd', 'c', 'none');
SELECT bulla.protect_column('odd', 'c', 'doomed');
SELECT bulla.protect_column('odd', 'c', NULL);
SELECT bulla.protect_column('odd', 'c', 'card', NULL);
SELECT bulla.protect_column('odd', 'c', 'card', '{NULL}');
SELECT bulla.protect_column('odd', 'c', 'card', '{none}');
SELECT bulla.protect_column('odd', 'c', 'card', '{c}');
SELECT bulla.protect_column('odd', 'c', 'card', '{n}');
SELECT bulla.protect_column('odd', 'c', 'card', '{g}');
SELECT bulla.protect_column('odd', 'c', 'card', '{f}');
SELECT bulla.protect_column('odd', 'c', 'card', '{id,id}');
SELECT bulla.protect_column('odd', 'c', 'card', '{id,k}') IS NOT NULL AS protected, bulla.protect_column('odd', 'e', 'card') IS NOT NULL AS protected;
SELECT bulla.protect_column('odd', 'k', 'card');
SELECT bulla.unprotect_column('odd_1', 'c');

-- Who may. The table's owner needs the right to seal; who writes needs none, also for what comes sealed.
CREATE TABLE owned (id int NOT NULL, part int NOT NULL, c text) PARTITION BY LIST (part);
CREATE TABLE owned_1 PARTITION OF owned FOR VALUES IN (1);
CREATE TABLE owned_2 PARTITION OF owned FOR VALUES IN (2);
ALTER TABLE owned OWNER TO regress_column_owner;
ALTER TABLE owned_1 OWNER TO regress_column_owner;
ALTER TABLE owned_2 OWNER TO regress_column_owner;
SET ROLE regress_column_writer;
SELECT bulla.protect_column('owned', 'c', 'card', '{id}');
SELECT bulla.unprotect_column('owned', 'c');
CALL bulla.encrypt_column('owned', 'c', 'card');
CALL bulla.reencrypt_column('owned', 'c');
RESET ROLE;
SELECT bulla.protect_column('owned', 'c', 'card', '{id}');
SELECT bulla.grant_key('card', 'regress_column_owner', 'encrypt');
SET ROLE regress_column_owner;
SELECT bulla.protect_column('owned', 'c', 'card', '{id}') IS NOT NULL AS protected;
GRANT SELECT, INSERT, UPDATE ON owned TO regress_column_writer;
SET ROLE regress_column_writer;
INSERT INTO owned VALUES (1, 1, 'one'), (2, 1, 'two');
UPDATE owned SET part = 2 WHERE id = 1;
INSERT INTO owned VALUES (9, 1, 'nine') ON CONFLICT DO NOTHING;
SELECT bulla.is_encrypted(c) AS sealed FROM owned ORDER BY id;
SELECT bulla.open(owned, 'c') FROM owned;
SELECT bulla.reencrypt(c, bulla.context('owned', 'c', id)) FROM owned;
SELECT "column", enabled FROM bulla.protected_columns WHERE "table" = 'owned'::regclass;
RESET ROLE;
SELECT bulla.grant_key('card', 'regress_column_writer', 'decrypt');
SET ROLE regress_column_writer;
SELECT bulla.open(owned, 'c') FROM owned ORDER BY id;
SELECT bulla.reencrypt(c, bulla.context('owned', 'c', id)) FROM owned;
RESET ROLE;
SELECT bulla.revoke_key('card', 'regress_column_owner', 'encrypt');
SET ROLE regress_column_writer;
INSERT INTO owned VALUES (3, 1, 'three');
UPDATE owned SET part = 1 WHERE id = 1;
RESET ROLE;
-- A trigger that somebody makes by hand seals with the rights of his table's owner, too.
CREATE TABLE by_hand (id int NOT NULL, c text);
ALTER TABLE by_hand OWNER TO regress_column_owner;
SET ROLE regress_column_owner;
DO $$
DECLARE
    p record;
BEGIN
    SELECT * INTO p FROM bulla.protected_columns WHERE "table" = 'owned'::regclass;
    EXECUTE format('CREATE TRIGGER bulla_cell_x BEFORE UPDATE OF c ON by_hand FOR EACH ROW WHEN (false) EXECUTE FUNCTION bulla.name_cell_columns(%L, %L)', p.protection, p.key_id);
    EXECUTE format('CREATE TRIGGER zzz_bulla_cell_x BEFORE INSERT OR UPDATE ON by_hand FOR EACH ROW EXECUTE FUNCTION bulla.seal_cell(%L, %L)', p.protection, p.key_id);
END $$;
INSERT INTO by_hand VALUES (1, 'x');
CREATE TRIGGER zzz_bulla_cell_y BEFORE INSERT ON by_hand FOR EACH ROW EXECUTE FUNCTION bulla.seal_cell('nonsense');
RESET ROLE;
DROP TABLE by_hand;

-- On a ledger: what is hashed is what is stored.
CREATE TABLE audit (id int PRIMARY KEY, who text NOT NULL, what text);
SELECT bulla.create_ledger('audit', '{who}') IS NOT NULL AS created;
SELECT bulla.protect_column('audit', 'hash', 'card');
SELECT bulla.protect_column('audit', 'who', 'card');
SELECT bulla.protect_column('audit', 'what', 'card', '{seq}');
SELECT bulla.protect_column('audit', 'what', 'card', '{id}') IS NOT NULL AS protected;
INSERT INTO audit VALUES (1, 'a', 'first'), (2, 'b', NULL), (3, 'a', 'third');
SELECT bulla.append('audit', '{"id": 4, "who": "b", "what": "fourth"}');
SELECT id, seq, bulla.open(audit, 'what') FROM audit ORDER BY id;
SELECT * FROM bulla.verify('audit');
UPDATE audit SET what = bulla.reencrypt(what, bulla.context('audit', 'what', id));
CALL bulla.encrypt_column('audit', 'what');
CALL bulla.reencrypt_column('audit', 'what');

DROP TABLE u, types, odd, by_text, parent, child, owned CASCADE;
SELECT bulla.revoke_key('card', 'regress_column_writer', 'decrypt');
DROP ROLE regress_column_writer, regress_column_owner;
