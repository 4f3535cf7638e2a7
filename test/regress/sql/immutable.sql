-- A ledger only grows: whoever tries to change what is in it is refused, whatever the way.
\set SHOW_CONTEXT never
CREATE TABLE ledger (id int PRIMARY KEY, note text);
SELECT bulla.create_ledger('ledger') IS NOT NULL AS created;
INSERT INTO ledger VALUES (1, 'one'), (2, 'two');
CREATE TABLE before AS SELECT * FROM ledger;

UPDATE ledger SET note = 'changed' WHERE id = 1;
\echo :LAST_ERROR_SQLSTATE
DELETE FROM ledger WHERE id = 1;
\echo :LAST_ERROR_SQLSTATE
TRUNCATE ledger;
\echo :LAST_ERROR_SQLSTATE

\set VERBOSITY terse
UPDATE ledger SET note = note;
UPDATE ledger SET seq = seq + 1;
UPDATE ledger SET note = 'changed' FROM before WHERE ledger.id = before.id;
DELETE FROM ledger USING before WHERE ledger.id = before.id;
WITH gone AS (DELETE FROM ledger RETURNING *) SELECT * FROM gone;
TRUNCATE ONLY ledger RESTART IDENTITY CASCADE;
CREATE TABLE other (a int);
INSERT INTO other VALUES (1);
TRUNCATE other, ledger;
SELECT count(*) FROM other;
CREATE VIEW through AS SELECT * FROM ledger;
UPDATE through SET note = 'changed';
DELETE FROM through;
DO $$
DECLARE
    here CURSOR FOR SELECT * FROM ledger FOR UPDATE;
BEGIN
    FOR row IN here LOOP
        UPDATE ledger SET note = 'changed' WHERE CURRENT OF here;
    END LOOP;
END $$;
-- What changes no row is no harm.
UPDATE ledger SET note = 'changed' WHERE false;
DELETE FROM ledger WHERE id = 3;

-- No setting helps, not even a superuser's.
SET session_replication_role = replica;
UPDATE ledger SET note = 'changed';
DELETE FROM ledger;
TRUNCATE ledger;
INSERT INTO ledger VALUES (3, 'three') RETURNING seq;
SET session_replication_role = local;
DELETE FROM ledger;
RESET session_replication_role;
SET bulla.restore = on;
UPDATE ledger SET note = 'changed';
DELETE FROM ledger;
TRUNCATE ledger;
RESET bulla.restore;

-- A trigger of the user's that sorts before Bulla's.
CREATE FUNCTION allow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER a_first BEFORE UPDATE OR DELETE ON ledger FOR EACH ROW EXECUTE FUNCTION allow();
UPDATE ledger SET note = 'changed';
DELETE FROM ledger;
DROP TRIGGER a_first ON ledger;

-- Referential actions.
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child (
    id int PRIMARY KEY,
    cascades int REFERENCES parent ON DELETE CASCADE ON UPDATE CASCADE,
    forgets int REFERENCES parent ON DELETE SET NULL ON UPDATE SET NULL,
    defaults int DEFAULT 9 REFERENCES parent ON DELETE SET DEFAULT ON UPDATE SET DEFAULT
);
SELECT bulla.create_ledger('child') IS NOT NULL AS created;
INSERT INTO parent VALUES (1), (2), (3), (9);
INSERT INTO child VALUES (1, 1, NULL, NULL), (2, NULL, 2, NULL), (3, NULL, NULL, 3);
DELETE FROM parent WHERE id = 1;
DELETE FROM parent WHERE id = 2;
DELETE FROM parent WHERE id = 3;
UPDATE parent SET id = 11 WHERE id = 1;
UPDATE parent SET id = 12 WHERE id = 2;
UPDATE parent SET id = 13 WHERE id = 3;
SET session_replication_role = replica;
DELETE FROM parent WHERE id = 1;
RESET session_replication_role;
SELECT id, cascades, forgets, defaults FROM child ORDER BY id;
TRUNCATE parent CASCADE;
SELECT count(*) FROM parent;

-- Partitions, each by itself too, and rows that would move from one to another.
CREATE TABLE parts (id int, note text) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (10) TO (20) PARTITION BY RANGE (id);
CREATE TABLE parts_2_1 PARTITION OF parts_2 FOR VALUES FROM (10) TO (20);
SELECT bulla.create_ledger('parts') IS NOT NULL AS created;
INSERT INTO parts VALUES (1, 'a'), (11, 'b');
UPDATE parts SET note = 'changed';
UPDATE parts SET id = id + 10 WHERE id = 1;
UPDATE parts_2_1 SET note = 'changed';
DELETE FROM parts;
DELETE FROM parts_1;
TRUNCATE parts;
TRUNCATE parts_1;
TRUNCATE parts_2;
TRUNCATE parts_2_1;
TRUNCATE ONLY parts_1;
SELECT tableoid::regclass, seq, id, note FROM parts ORDER BY seq;
CREATE TABLE parts_3 PARTITION OF parts FOR VALUES FROM (20) TO (30);
INSERT INTO parts VALUES (21, 'c');
DELETE FROM parts_3;
UPDATE parts_3 SET note = 'changed';
TRUNCATE parts_3;

-- Nothing of all that left a trace.
SELECT count(*) FROM (TABLE before EXCEPT TABLE ledger) AS lost;
SELECT count(*) FROM bulla.verify('ledger');
SELECT count(*) FROM bulla.verify('child');
SELECT count(*) FROM bulla.verify('parts');

-- bulla.events is a ledger like any other.
UPDATE bulla.events SET action = 'forged';
DELETE FROM bulla.events;
TRUNCATE bulla.events;
SELECT * FROM bulla.verify('bulla.events');
