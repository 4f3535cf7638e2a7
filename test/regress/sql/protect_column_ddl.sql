-- DDL on tables with protected columns: what would end the protection unseen is refused; the rest works.
\set VERBOSITY terse
SET client_min_messages = warning;
SELECT bulla.create_key('card') IS NOT NULL AS created;
CREATE SCHEMA elsewhere;
CREATE TABLE t (id int PRIMARY KEY, other int, c text);
SELECT bulla.protect_column('t', 'c', 'card', '{id}') IS NOT NULL AS protected;
INSERT INTO t VALUES (1, 1, 'one');
-- The names of its triggers are those of the protection.
SELECT 'zzz_bulla_cell_' || replace(protection::text, '-', '') AS seal, 'bulla_cell_' || replace(protection::text, '-', '') AS names FROM bulla.protected_columns \gset
CREATE FUNCTION refusal(command text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE command;
    RETURN 'works';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || regexp_replace(SQLERRM, 'bulla_cell_[0-9a-f]*', 'bulla_cell_…', 'g');
END $$;
SELECT refusal(format(c, :'seal')) FROM unnest(ARRAY['ALTER TABLE t DISABLE TRIGGER %I', 'ALTER TABLE t DISABLE TRIGGER ALL', 'ALTER TABLE t DISABLE TRIGGER USER',
    'ALTER TABLE t ENABLE TRIGGER %I', 'ALTER TABLE t ENABLE REPLICA TRIGGER %I', 'DROP TRIGGER %I ON t', 'ALTER TRIGGER %I ON t RENAME TO x']) AS c;
SELECT refusal(format(c, :'names')) FROM unnest(ARRAY['ALTER TABLE t DISABLE TRIGGER %I', 'DROP TRIGGER %I ON t', 'ALTER TRIGGER %I ON t RENAME TO x']) AS c;
SELECT refusal(c) FROM unnest(ARRAY['ALTER TABLE t DROP COLUMN c', 'ALTER TABLE t DROP COLUMN c CASCADE', 'ALTER TABLE t DROP COLUMN id', 'ALTER TABLE t DROP COLUMN id CASCADE',
    'ALTER TABLE t ALTER id TYPE bigint', 'ALTER TABLE t ALTER c TYPE varchar(10)', 'ALTER TABLE t DROP CONSTRAINT t_pkey, ALTER id DROP NOT NULL']) AS c;
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
SELECT refusal('CREATE TRIGGER zzzz BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION nothing()'), refusal('CREATE TRIGGER zzzz BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION nothing()'),
    refusal('CREATE TRIGGER zzzz AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION nothing()'), refusal('CREATE TRIGGER a BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION nothing()'),
    refusal('ALTER TRIGGER a ON t RENAME TO zzzz_a');
SELECT refusal('ALTER TABLE t DROP COLUMN other'), refusal('ALTER TABLE t ADD COLUMN more text DEFAULT ''x'''), refusal('ALTER TABLE t RENAME c TO d'), refusal('ALTER TABLE t RENAME d TO c'),
    refusal('ALTER TABLE t SET SCHEMA elsewhere'), refusal('ALTER TABLE elsewhere.t SET SCHEMA public'), refusal('CREATE INDEX ON t (more)'), refusal('ALTER TABLE t ALTER c SET DEFAULT ''default''');
INSERT INTO t VALUES (2);
SELECT id, bulla.open(t, 'c') FROM t ORDER BY id;
SELECT "column", bind_to, enabled FROM bulla.protected_columns;
-- A superuser can, in a restore; and it shows.
BEGIN;
SET LOCAL bulla.restore = on;
ALTER TABLE t DISABLE TRIGGER ALL;
SELECT "column", enabled FROM bulla.protected_columns;
ALTER TABLE t ENABLE TRIGGER ALL;
SELECT "column", enabled FROM bulla.protected_columns;
ROLLBACK;
BEGIN;
SET LOCAL bulla.restore = on;
SELECT refusal(format('DROP TRIGGER %I ON t', :'names'));
SELECT count(*) FROM bulla.protected_columns;
INSERT INTO t VALUES (3, 'fails');
ROLLBACK;

-- Partitions: old, new and attached ones, with columns in another order.
CREATE TABLE p (id int NOT NULL, part int NOT NULL, c text) PARTITION BY LIST (part);
CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
SELECT bulla.protect_column('p', 'c', 'card', '{id}') IS NOT NULL AS protected;
CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2);
CREATE TABLE p3 (c text, gone int, part int NOT NULL, id int NOT NULL);
ALTER TABLE p3 DROP COLUMN gone;
INSERT INTO p3 VALUES ('plain before', 3, 0), (NULL, 3, -1);
-- One that has plaintext is attached once that is sealed, which the hint tells how to do.
\set VERBOSITY default
ALTER TABLE p ATTACH PARTITION p3 FOR VALUES IN (3);
\set VERBOSITY terse
UPDATE public.p3 SET c = bulla.encrypt(c, 'card', bulla.context('public.p', 'c', id)) WHERE NOT bulla.is_encrypted(c);
ALTER TABLE p ATTACH PARTITION p3 FOR VALUES IN (3);
SELECT bulla.open(p, 'c') FROM p WHERE id = 0;
DELETE FROM p3 WHERE id = -1;
INSERT INTO p VALUES (1, 1, 'one'), (2, 2, 'two'), (3, 3, 'three');
INSERT INTO p3 (id, part, c) VALUES (4, 3, 'four, directly');
SELECT tableoid::regclass AS partition, id, bulla.is_encrypted(c) AS sealed, bulla.decrypt_if_encrypted(c, bulla.context('p', 'c', id)) AS opened FROM p ORDER BY id;
SELECT bulla.open(p3, 'c') FROM p3 WHERE id = 4;
UPDATE p SET part = part % 3 + 1 WHERE id > 0;
SELECT tableoid::regclass AS partition, id, bulla.open(p, 'c') FROM p WHERE id > 0 ORDER BY id;
SELECT "table", "column", bind_to, enabled FROM bulla.protected_columns WHERE "table" = 'p'::regclass;
SELECT refusal('ALTER TABLE p2 DISABLE TRIGGER ALL'), refusal('ALTER TABLE p3 ALTER id DROP NOT NULL'), refusal('CREATE TRIGGER zzzz BEFORE INSERT ON p2 FOR EACH ROW EXECUTE FUNCTION nothing()');
ALTER TABLE p DETACH PARTITION p3;
SELECT bulla.decrypt(c, bulla.context('p', 'c', id)) FROM p3 WHERE id = 2;
ALTER TABLE p ATTACH PARTITION p3 FOR VALUES IN (3);
ALTER TABLE p DETACH PARTITION p3;
INSERT INTO p3 (id, part, c) VALUES (5, 3, 'no longer protected');
SELECT refusal('ALTER TABLE p ATTACH PARTITION p3 FOR VALUES IN (3)');
-- It is found where row-level security hides it, or deep in what is attached.
ALTER TABLE p3 ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE ROLE regress_attaches;
GRANT CREATE ON SCHEMA public TO regress_attaches;
GRANT regress_attaches TO CURRENT_USER;
ALTER TABLE p OWNER TO regress_attaches;
ALTER TABLE p3 OWNER TO regress_attaches;
SET ROLE regress_attaches;
SELECT count(*) FROM p3;
SELECT refusal('ALTER TABLE p ATTACH PARTITION p3 FOR VALUES IN (3)');
RESET ROLE;
ALTER TABLE p OWNER TO CURRENT_USER;
ALTER TABLE p3 OWNER TO CURRENT_USER;
ALTER TABLE p3 DISABLE ROW LEVEL SECURITY;
DROP OWNED BY regress_attaches;
DROP ROLE regress_attaches;
CREATE TABLE deep (id int NOT NULL, part int NOT NULL, c text) PARTITION BY LIST (part);
ALTER TABLE deep ATTACH PARTITION p3 FOR VALUES IN (3);
SELECT refusal('ALTER TABLE p ATTACH PARTITION deep FOR VALUES IN (3)');
ALTER TABLE deep DETACH PARTITION p3;
DROP TABLE deep;
-- A column that is protected by itself has another context.
CREATE TABLE own (id int NOT NULL, part int NOT NULL, c text);
SELECT bulla.protect_column('own', 'c', 'card', '{id}') IS NOT NULL AS protected;
SELECT refusal('ALTER TABLE p ATTACH PARTITION own FOR VALUES IN (4)');
DROP TABLE own;
-- A superuser can, in a restore; bulla.encrypt_column seals it then.
SET bulla.restore = on;
ALTER TABLE p ATTACH PARTITION p3 FOR VALUES IN (3);
RESET bulla.restore;
CALL bulla.encrypt_column('p', 'c');
SELECT id, bulla.open(p3, 'c') FROM p3 ORDER BY id;
SELECT bulla.unprotect_column('p', 'c');
SELECT count(*) FROM pg_trigger WHERE tgrelid IN ('p'::regclass, 'p1'::regclass, 'p2'::regclass, 'p3'::regclass);
SELECT bulla.unprotect_column('p', 'c', true);
SELECT count(*) FROM pg_trigger WHERE tgrelid IN ('p'::regclass, 'p1'::regclass, 'p2'::regclass, 'p3'::regclass);
-- Neither the extension nor its schema goes while there is such a column, one that was and is not forgotten included.
SELECT refusal('DROP SCHEMA bulla CASCADE');
SELECT refusal(format('DROP OWNED BY %I CASCADE', (SELECT extowner::regrole FROM pg_extension WHERE extname = 'bulla')));
DROP TABLE p;
DROP EXTENSION bulla;
\set VERBOSITY default
DROP EXTENSION bulla CASCADE;
\set VERBOSITY terse
SELECT bulla.unprotect_column('t', 'c');
SELECT refusal('DROP EXTENSION bulla CASCADE');
SELECT bulla.open(t, 'c') FROM t WHERE id = 1;
BEGIN;
SET LOCAL bulla.restore = on;
SELECT refusal('DROP EXTENSION bulla CASCADE');
ROLLBACK;
BEGIN;
SELECT bulla.unprotect_column('t', 'c', true);
SELECT refusal('DROP EXTENSION bulla CASCADE');
ROLLBACK;
DROP TABLE t;
DROP FUNCTION refusal, nothing;
DROP SCHEMA elsewhere;
