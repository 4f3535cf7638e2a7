-- Partitioned tables: whichever table a statement names, whenever a partition came.
\set VERBOSITY terse
CREATE TABLE readings (at date NOT NULL, sensor integer, value numeric, PRIMARY KEY (at, sensor)) PARTITION BY RANGE (at);
CREATE TABLE readings_1 PARTITION OF readings FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
SELECT bulla.audit_changes('readings', skip => '{value}');
CREATE VIEW trail AS
SELECT seq, table_name AS "table", partition_name AS partition, operation, row_key, old_values, new_values FROM bulla.changes;
-- Made later, attached with columns in another order and one dropped, and two levels deep.
CREATE TABLE readings_2 PARTITION OF readings FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
CREATE TABLE readings_3 (gone text, value numeric, sensor integer NOT NULL, at date NOT NULL);
ALTER TABLE readings_3 DROP COLUMN gone;
ALTER TABLE readings ATTACH PARTITION readings_3 FOR VALUES FROM ('2026-03-01') TO ('2026-04-01');
CREATE TABLE readings_4 (LIKE readings INCLUDING ALL) PARTITION BY RANGE (sensor);
CREATE TABLE readings_4_low PARTITION OF readings_4 FOR VALUES FROM (0) TO (100);
ALTER TABLE readings ATTACH PARTITION readings_4 FOR VALUES FROM ('2026-04-01') TO ('2026-05-01');
CREATE TABLE readings_4_high PARTITION OF readings_4 FOR VALUES FROM (100) TO (200);
SELECT source, skip, enabled FROM bulla.audited_tables;

INSERT INTO readings VALUES ('2026-01-05', 1, 10), ('2026-02-05', 1, 20), ('2026-03-05', 1, 30), ('2026-04-05', 1, 40);
INSERT INTO readings_3 (at, sensor, value) VALUES ('2026-03-06', 2, 50);
INSERT INTO readings_4_high VALUES ('2026-04-06', 150, 60);
UPDATE readings SET sensor = 9 WHERE at = '2026-01-05';
-- To another partition: the row goes in one and comes in the other.
UPDATE readings SET at = '2026-02-06' WHERE at = '2026-01-05';
DELETE FROM readings_2 WHERE sensor = 1;
TRUNCATE readings_3;
TRUNCATE readings_4_high;
SELECT * FROM trail ORDER BY seq;
TRUNCATE readings;
SELECT "table", partition, operation FROM trail WHERE seq > 11 ORDER BY partition NULLS FIRST;

-- A partition whose triggers are not all there shows.
SELECT enabled FROM bulla.audited_tables;
DROP TRIGGER bulla_capture_truncate ON readings_4_low;
SELECT enabled FROM bulla.audited_tables;
SELECT detail FROM bulla.events WHERE action = 'audit.stopped';
CREATE TABLE readings_5 PARTITION OF readings FOR VALUES FROM ('2026-05-01') TO ('2026-06-01');
SELECT enabled FROM bulla.audited_tables;

-- A column is renamed on all of them; the one that is left out stays out.
ALTER TABLE readings RENAME COLUMN value TO reading;
INSERT INTO readings VALUES ('2026-03-07', 3, 70);
SELECT new_values FROM trail ORDER BY seq DESC LIMIT 1;
SELECT skip FROM bulla.audited_tables;

-- A partition that leaves takes no audit along, and may come back. That it left is recorded.
SELECT max(seq) AS before FROM trail \gset
ALTER TABLE readings DETACH PARTITION readings_3;
INSERT INTO readings_3 (at, sensor) VALUES ('2026-03-08', 4);
TRUNCATE readings_3;
SELECT count(*) FROM trail WHERE seq > :before;
ALTER TABLE readings ATTACH PARTITION readings_3 FOR VALUES FROM ('2026-03-01') TO ('2026-04-01');
INSERT INTO readings_3 (at, sensor) VALUES ('2026-03-09', 5);
SELECT "table", partition, operation, row_key, new_values FROM trail ORDER BY seq DESC LIMIT 1;
TRUNCATE readings_3;
SELECT partition, operation FROM trail ORDER BY seq DESC LIMIT 1;
DROP TABLE readings_1;
SELECT action, detail FROM bulla.events WHERE action = 'audit.stopped' ORDER BY seq;

-- A partition is audited with its table, or alone.
SELECT bulla.audit_changes('readings_2');
SELECT bulla.stop_auditing('readings_2');
SELECT bulla.stop_auditing('readings');
SELECT tgrelid::regclass, tgname FROM pg_trigger WHERE tgfoid = 'bulla.capture_change'::regproc;
SELECT bulla.audit_changes('readings_2');
SELECT bulla.audit_changes('readings');
INSERT INTO readings VALUES ('2026-02-20', 7, 1), ('2026-03-20', 7, 1);
SELECT "table", partition, row_key FROM trail ORDER BY seq DESC LIMIT 1;
ALTER TABLE readings DETACH PARTITION readings_2;
SELECT bulla.stop_auditing('readings_2');

-- Inheritance: each table for itself.
CREATE TABLE person (id integer PRIMARY KEY, name text);
CREATE TABLE staff (office text) INHERITS (person);
SELECT bulla.audit_changes('person');
INSERT INTO person VALUES (1, 'a');
INSERT INTO staff VALUES (2, 'b', 'x');
UPDATE person SET name = name || '!';
SELECT "table", operation, row_key, new_values FROM trail WHERE "table" IN ('person', 'staff') ORDER BY seq;
SELECT bulla.audit_changes('staff');
UPDATE person SET name = name || '?';
SELECT "table", operation, row_key, new_values FROM trail WHERE "table" IN ('person', 'staff') ORDER BY seq;
SELECT * FROM bulla.verify('bulla.changes');
