-- What stands in a table already is sealed, or moved to the primary version, in batches.
\set VERBOSITY terse
\set SHOW_CONTEXT never
SELECT bulla.create_key('card') IS NOT NULL AS created, bulla.create_key('other') IS NOT NULL AS created;
CREATE TABLE p (id int NOT NULL, b bytea, c text, g int) PARTITION BY RANGE (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (1000);
CREATE TABLE p2 (g int, gone int, c text, id int NOT NULL, b bytea);
ALTER TABLE p2 DROP COLUMN gone;
ALTER TABLE p ATTACH PARTITION p2 FOR VALUES FROM (1000) TO (5000);
INSERT INTO p SELECT i, decode(md5(i::text), 'hex'), CASE WHEN i % 7 > 0 THEN 'plain ' || i END FROM generate_series(0, 2999) AS i;

-- Refused while something else holds the plaintext.
CREATE INDEX by_c ON p1 (c);
CREATE INDEX by_lower ON p2 (lower(c));
CREATE INDEX partial ON p2 (id) WHERE c LIKE 'x%';
CREATE INDEX harmless ON p (id);
CREATE VIEW seen AS SELECT id, c FROM p;
CREATE MATERIALIZED VIEW kept AS SELECT id FROM seen WHERE c LIKE 'plain%';
CREATE MATERIALIZED VIEW not_filled AS SELECT id FROM seen WITH NO DATA;
CREATE MATERIALIZED VIEW harmless_too AS SELECT id FROM p;
CREATE TABLE generated (id int PRIMARY KEY, c text, lower text GENERATED ALWAYS AS (lower(c)) STORED);
CREATE STATISTICS of_c ON c, id FROM p1;
ANALYZE p, p1, p2;
SELECT count(*) FROM pg_stats WHERE tablename IN ('p', 'p1', 'p2') AND attname = 'c';
CALL bulla.encrypt_column('p', 'c');
\set VERBOSITY default
CALL bulla.encrypt_column('p', 'c', key => 'card', bind_to => '{id}', batch => 100);
\set VERBOSITY terse
DROP INDEX by_c;
CALL bulla.encrypt_column('p', 'c', key => 'card', bind_to => '{id}', batch => 100);
DROP INDEX by_lower;
CALL bulla.encrypt_column('p', 'c', key => 'card', bind_to => '{id}', batch => 100);
DROP INDEX partial;
CALL bulla.encrypt_column('p', 'c', key => 'card', bind_to => '{id}', batch => 100);
CALL bulla.encrypt_column('generated', 'c', key => 'card');
DROP MATERIALIZED VIEW kept;
-- A whole row has the column, of which pg_depend does not tell where others are named beside it.
CREATE FUNCTION holder() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    rows bigint;
BEGIN
    CALL bulla.encrypt_column('p', 'c', 'card', 100, '{id}', rows);
EXCEPTION
    WHEN object_not_in_prerequisite_state THEN RETURN SQLERRM;
    WHEN invalid_transaction_termination THEN RETURN 'none';
END $$;
SELECT holder();
CREATE MATERIALIZED VIEW whole AS SELECT id, p FROM p;
SELECT holder();
DROP MATERIALIZED VIEW whole;
CREATE MATERIALIZED VIEW whole AS SELECT id, to_jsonb(x) AS row FROM p1 AS x;
SELECT holder();
DROP MATERIALIZED VIEW whole;
CREATE VIEW rows AS SELECT id, (SELECT q FROM p2 AS q WHERE q.id = g.id) AS q FROM generated AS g;
CREATE MATERIALIZED VIEW whole AS SELECT r.q FROM rows AS r;
SELECT holder();
DROP VIEW rows CASCADE;
CREATE MATERIALIZED VIEW whole AS WITH w AS (SELECT x.id, x AS y FROM p AS x) SELECT id FROM w WHERE y IS NOT NULL;
SELECT holder();
DROP MATERIALIZED VIEW whole;
CREATE MATERIALIZED VIEW whole AS SELECT j.id, j::text FROM (p1 JOIN generated USING (id)) AS j;
SELECT holder();
DROP MATERIALIZED VIEW whole;
CREATE MATERIALIZED VIEW harmless_whole AS SELECT g, (SELECT s.id FROM (SELECT id, g FROM p1) AS s WHERE s IS NOT NULL LIMIT 1) FROM generated AS g;
SELECT holder();
CREATE FUNCTION in_row(r p1) RETURNS text IMMUTABLE LANGUAGE sql RETURN r.c;
CREATE INDEX by_row ON p1 (in_row(p1));
SELECT holder();
DROP INDEX by_row;
CREATE INDEX by_row ON p1 (id) WHERE in_row(p1.*) <> 'x';
SELECT holder();
DROP INDEX by_row;
CREATE INDEX by_row ON p1 (id) WHERE p1 IS NOT NULL;
SELECT holder();
DROP INDEX by_row;
DROP FUNCTION in_row, holder;
SELECT count(*) FROM bulla.protected_columns;

-- It protects, and seals what is there. Statistics are gone.
\set VERBOSITY default
CALL bulla.encrypt_column('p', 'c', key => 'card', bind_to => '{id}', batch => 100);
\set VERBOSITY terse
SELECT "table", "column", key, bind_to, enabled FROM bulla.protected_columns;
SELECT count(*), count(c), count(*) FILTER (WHERE bulla.open(p, 'c') = 'plain ' || id) AS right FROM p;
SELECT count(*) FROM pg_stats WHERE tablename IN ('p', 'p1', 'p2') AND attname = 'c';
SELECT count(*) FROM pg_statistic_ext_data;
SELECT action, count(*) FROM bulla.events WHERE action = 'column.protected' GROUP BY action;
-- Again: nothing is left to do. Interrupted: it goes on.
CALL bulla.encrypt_column('p', 'c');
CALL bulla.encrypt_column('p', 'c', key => 'card', batch => 1);
CALL bulla.encrypt_column('p', 'c', key => 'other');
BEGIN;
SET LOCAL bulla.restore = on;
ALTER TABLE p DISABLE TRIGGER ALL;
UPDATE p SET c = 'plain ' || id WHERE id % 100 = 1;
ALTER TABLE p ENABLE TRIGGER ALL;
COMMIT;
SELECT enabled FROM bulla.protected_columns;
SELECT bulla.stale_cells('p', 'c', false);
CALL bulla.encrypt_column('p', 'c', batch => 7);
SELECT count(*) FILTER (WHERE bulla.open(p, 'c') = 'plain ' || id) AS right FROM p WHERE id % 100 = 1;
-- A bytea that is bound to nothing.
CALL bulla.encrypt_column('p', 'b', 'card');
SELECT count(*) FILTER (WHERE bulla.open_bytea(p, 'b') = decode(md5(id::text), 'hex')) AS right FROM p;
-- What the application has sealed itself, or for another row, is not sealed again, and is told of.
CREATE TABLE mixed (id int PRIMARY KEY, c text);
SELECT bulla.protect_column('mixed', 'c', 'card', '{id}') IS NOT NULL AS protected;
INSERT INTO mixed VALUES (1, 'right');
SELECT bulla.create_key('lost') IS NOT NULL AS created, bulla.create_key('gone') IS NOT NULL AS created;
BEGIN;
SET LOCAL bulla.restore = on;
ALTER TABLE mixed DISABLE TRIGGER ALL;
INSERT INTO mixed VALUES (2, 'plain'), (3, bulla.encrypt('sealed by the application', 'card')), (4, (SELECT c FROM mixed WHERE id = 1)), (5, NULL),
    (6, bulla.encrypt('right, under another key', 'other', bulla.context('mixed', 'c', 6))), (7, bulla.encrypt('unknown', 'lost', bulla.context('mixed', 'c', 7))),
    (8, bulla.encrypt('destroyed', 'gone', bulla.context('mixed', 'c', 8))), (9, bulla.encrypt('wrong and destroyed', 'gone'));
ALTER TABLE mixed ENABLE TRIGGER ALL;
DELETE FROM bulla.key_versions AS v USING bulla.key_names AS k WHERE k.key_id = v.key_id AND k.name = 'lost';
COMMIT;
SELECT bulla.destroy_key('gone', 'a test') > 0 AS destroyed;
SELECT id, bulla.opens(m, 'c') FROM mixed AS m ORDER BY id;
\set VERBOSITY default
CALL bulla.encrypt_column('mixed', 'c');
\set VERBOSITY terse
SELECT id, bulla.opens(m, 'c') FROM mixed AS m ORDER BY id;
-- What is found so can be put right.
SELECT id FROM mixed AS m WHERE NOT bulla.opens(m, 'c') ORDER BY id;
UPDATE mixed AS m SET c = bulla.decrypt(c, '') WHERE id = 3;
DELETE FROM mixed WHERE id IN (4, 7, 8, 9);
SELECT id, bulla.opens(m, 'c'), bulla.open(m, 'c') FROM mixed AS m ORDER BY id;
CALL bulla.encrypt_column('mixed', 'c');
-- Nobody learns by it what is sealed, and only the owner whether it opens.
CREATE ROLE regress_reader;
GRANT SELECT ON mixed TO regress_reader;
SET ROLE regress_reader;
SELECT bulla.opens(m, 'c') FROM mixed AS m;
RESET ROLE;
ALTER TABLE mixed OWNER TO regress_reader;
SET ROLE regress_reader;
SELECT id, bulla.opens(m, 'c') FROM mixed AS m ORDER BY id;
SELECT bulla.open(m, 'c') FROM mixed AS m;
RESET ROLE;
SELECT bulla.opens(NULL::mixed, 'c'), bulla.opens(m, NULL) FROM mixed AS m;
SELECT bulla.opens(m, 'id') FROM mixed AS m;
SELECT bulla.opens('text'::text, 'c');
DROP TABLE mixed;
DROP ROLE regress_reader;
CREATE TABLE mixed_bytes (id int PRIMARY KEY, c bytea);
INSERT INTO mixed_bytes VALUES (1, 'x'), (2, bulla.encrypt('x'::bytea, 'card')), (3, convert_to(bulla.encrypt('x', 'card'), 'UTF8'));
CALL bulla.encrypt_column('mixed_bytes', 'c', 'card');
SELECT id, bulla.opens(m, 'c') FROM mixed_bytes AS m ORDER BY id;
DROP TABLE mixed_bytes;
-- Triggers of the table fire, in the caller's search_path.
CREATE SCHEMA elsewhere;
CREATE TABLE elsewhere.seen_by_trigger (id int);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO seen_by_trigger VALUES (NEW.id);
    RETURN NEW;
END $$;
CREATE TABLE triggered (id int PRIMARY KEY, c text);
CREATE TRIGGER note AFTER UPDATE ON triggered FOR EACH ROW EXECUTE FUNCTION note();
INSERT INTO triggered SELECT g, 'x' FROM generate_series(1, 10) AS g;
SET search_path = public, elsewhere;
CALL bulla.encrypt_column('triggered', 'c', 'card');
RESET search_path;
SELECT count(*) FROM elsewhere.seen_by_trigger;
-- What is not possible.
CALL bulla.encrypt_column('p', 'c', batch => 0);
CALL bulla.encrypt_column('p', 'none', 'card');
CALL bulla.encrypt_column('p1', 'c', 'card');
BEGIN;
CALL bulla.encrypt_column('p', 'c');
ROLLBACK;
SELECT bulla.unprotect_column('triggered', 'c');
CALL bulla.reencrypt_column('triggered', 'c');
SELECT * FROM bulla.column_progress;

-- Another version of the key.
SELECT bulla.sealed_version(c) = version_id AS same FROM p, bulla.keys AS k WHERE p.id = 1 AND name = 'card';
SELECT bulla.sealed_version('plain'), bulla.sealed_version(''::bytea), bulla.sealed_version(NULL::text);
SELECT bulla.rotate_key('card');
CREATE TABLE was AS SELECT * FROM p;
SELECT count(*) FILTER (WHERE bulla.open(p, 'c') = 'plain ' || id) AS right FROM p;
SELECT bulla.stale_cells('p', 'c', true);
CALL bulla.reencrypt_column('p', 'c', batch => 100);
CALL bulla.reencrypt_column('p', 'c');
SELECT count(*) FILTER (WHERE bulla.open(p, 'c') = 'plain ' || id) AS right, count(*) FILTER (WHERE p.c = was.c) AS same FROM p JOIN was USING (id);
SELECT version, count(*) FROM p JOIN bulla.keys ON version_id = bulla.sealed_version(c) GROUP BY version;
-- One value at a time, with any context.
CREATE TABLE single AS SELECT bulla.sealed_version(c) AS new, bulla.sealed_version(w) AS old, w, c FROM (
    SELECT was.c AS w, bulla.reencrypt(was.c, bulla.context('p', 'c', id)) AS c FROM was WHERE id = 1) AS s;
SELECT version, bulla.decrypt(c, bulla.context('p', 'c', 1)) AS opened, bulla.reencrypt(c, bulla.context('p', 'c', 1)) = c AS same_again FROM single, bulla.keys WHERE version_id = new;
SELECT bulla.reencrypt(w, 'wrong context') FROM single;
SELECT bulla.reencrypt('plaintext'::text);
SELECT bulla.reencrypt('\x00'::bytea, '');
SELECT bulla.reencrypt(w, NULL::text) FROM single;
SELECT bulla.reencrypt(NULL::text), bulla.reencrypt(NULL::bytea, ''::bytea);
SELECT bulla.open_bytea(p, 'b') = bulla.decrypt(bulla.reencrypt(b, bulla.context('p', 'b')), bulla.context('p', 'b')) AS same FROM p WHERE id = 1;
-- Destroyed versions stay as they are, disabled ones are an error.
UPDATE bulla.key_versions AS v SET state = 'disabled' FROM bulla.key_names AS k WHERE k.key_id = v.key_id AND k.name = 'card' AND version = 1;
CALL bulla.reencrypt_column('p', 'b');
SELECT bulla.reencrypt(w, bulla.context('p', 'c', 1)) FROM single;
UPDATE bulla.key_versions AS v SET state = 'destroyed', wrapped = NULL FROM bulla.key_names AS k WHERE k.key_id = v.key_id AND k.name = 'card' AND version = 1;
CALL bulla.reencrypt_column('p', 'b');
SELECT bulla.stale_cells('p', 'b', true);
SET client_min_messages = warning;
DROP TABLE p, was, single, triggered, generated CASCADE;
RESET client_min_messages;
DROP SCHEMA elsewhere CASCADE;
DROP FUNCTION note;
