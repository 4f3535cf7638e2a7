-- Every change of an audited table becomes an event in bulla.changes.
\set VERBOSITY terse
CREATE TABLE orders (
    id integer PRIMARY KEY,
    item text,
    price numeric(10, 2),
    note text,
    total numeric GENERATED ALWAYS AS (price * 2) STORED,
    gone text
);
ALTER TABLE orders DROP COLUMN gone;
SELECT bulla.audit_changes('orders');
SELECT * FROM bulla.audited_tables;
CREATE VIEW trail AS
SELECT seq, table_name AS "table", operation, row_key, old_values, new_values FROM bulla.changes;

INSERT INTO orders VALUES (1, 'pen', 1.5), (2, 'ink', NULL);
UPDATE orders SET price = 2 WHERE id = 1;
UPDATE orders SET id = 3, note = 'moved' WHERE id = 2;
DELETE FROM orders WHERE id = 3;
TRUNCATE orders;
SELECT * FROM trail ORDER BY seq;
-- What changed nothing is no event.
INSERT INTO orders VALUES (1, 'pen', 1.50);
UPDATE orders SET item = item, price = 1.5;
UPDATE orders SET price = 1.50 WHERE false;
SELECT max(seq) FROM trail;

-- Who, when, in which transaction.
BEGIN;
SET LOCAL application_name = 'shop';
SET LOCAL bulla.actor = 'alice';
UPDATE orders SET note = 'x';
SELECT pg_current_xact_id() AS transaction_id, transaction_timestamp() AS began, statement_timestamp() AS after \gset
COMMIT;
SELECT table_schema, table_oid = 'orders'::regclass AS same_table, partition_name, statement_at > :'began' AND statement_at < :'after' AS at,
    transaction_id = :'transaction_id' AS in_that_transaction, session_role = session_user AS session_role, role = current_user AS role, application_name, actor
FROM bulla.changes ORDER BY seq DESC LIMIT 1;
UPDATE orders SET note = 'y';
SELECT actor IS NULL AS no_actor FROM bulla.changes ORDER BY seq DESC LIMIT 1;

-- What is rolled back leaves no event.
BEGIN;
UPDATE orders SET note = 'z';
SAVEPOINT a;
UPDATE orders SET note = 'never';
ROLLBACK TO a;
COMMIT;
BEGIN;
DELETE FROM orders;
ROLLBACK;
SELECT * FROM trail WHERE seq > 8 ORDER BY seq;

-- All the ways to write.
INSERT INTO orders VALUES (1, 'dup'), (4, 'new') ON CONFLICT DO NOTHING;
INSERT INTO orders VALUES (1, 'upserted'), (5, 'inserted') ON CONFLICT (id) DO UPDATE SET item = excluded.item;
COPY orders (id, item, note) FROM stdin;
6	copied	\N
7	copied	"quoted" \\ and ünïcode
\.
SELECT max(seq) AS before_merge FROM trail \gset
SELECT * FROM trail WHERE seq > 9 ORDER BY seq;
WITH gone AS (DELETE FROM orders WHERE id = 7 RETURNING id) UPDATE orders SET note = 'after ' || gone.id FROM gone WHERE orders.id = 6;
SELECT * FROM trail WHERE seq > :before_merge ORDER BY seq;

MERGE INTO orders USING (VALUES (5, 'merged'), (6, NULL), (9, 'merged')) AS m (id, item) ON orders.id = m.id
WHEN MATCHED AND m.item IS NULL THEN DELETE
WHEN MATCHED THEN UPDATE SET item = m.item
WHEN NOT MATCHED THEN INSERT (id, item) VALUES (m.id, m.item);
SELECT operation, row_key, new_values FROM trail ORDER BY seq DESC LIMIT 3;
DELETE FROM orders WHERE id = 9;

-- Changes by foreign keys and by other triggers.
CREATE TABLE lines (id integer PRIMARY KEY, order_id integer REFERENCES orders ON DELETE CASCADE ON UPDATE CASCADE);
SELECT bulla.audit_changes('lines');
INSERT INTO lines VALUES (1, 4), (2, 4), (3, 5);
SELECT max(seq) AS before FROM trail \gset
UPDATE orders SET id = 40 WHERE id = 4;
DELETE FROM orders WHERE id = 40;
TRUNCATE orders CASCADE;
SELECT * FROM trail WHERE seq > :before ORDER BY seq;
CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.note := 'filled in'; RETURN NEW; END $$;
CREATE TRIGGER zz_fill BEFORE INSERT OR UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION fill();
INSERT INTO orders VALUES (8, 'triggered');
SELECT new_values FROM trail ORDER BY seq DESC LIMIT 1;

-- A table without a key: an UPDATE's row_key is the whole old row. A replica identity is a key.
CREATE TABLE keyless (a integer, b text);
CREATE TABLE identified (a integer NOT NULL, b text);
CREATE UNIQUE INDEX identified_a ON identified (a);
ALTER TABLE identified REPLICA IDENTITY USING INDEX identified_a;
SELECT bulla.audit_changes('keyless'), bulla.audit_changes('identified');
INSERT INTO keyless VALUES (1, 'x'), (2, 'y');
UPDATE keyless SET b = 'z' WHERE a = 1;
DELETE FROM keyless WHERE a = 1;
INSERT INTO identified VALUES (1, 'x');
UPDATE identified SET b = 'z';
SELECT operation, row_key, old_values, new_values FROM trail WHERE "table" IN ('keyless', 'identified') ORDER BY seq;
-- As do changes of the table's shape.
ALTER TABLE keyless ADD PRIMARY KEY (a);
ALTER TABLE keyless RENAME COLUMN b TO c;
ALTER TABLE keyless ADD COLUMN d integer DEFAULT 7;
ALTER TABLE keyless RENAME TO keyed;
CREATE SCHEMA other;
ALTER TABLE keyed SET SCHEMA other;
UPDATE other.keyed SET c = 'w';
ALTER TABLE other.keyed ALTER COLUMN d TYPE text USING 'number ' || d;
DELETE FROM other.keyed;
SELECT table_schema, table_name, operation, row_key, old_values, new_values FROM bulla.changes ORDER BY seq DESC LIMIT 2;

-- Whatever happened, the ledger is sound.
SELECT * FROM bulla.verify('bulla.changes');
SELECT bulla.stop_auditing('orders');
UPDATE orders SET note = 'unseen';
SELECT count(*) FROM trail WHERE new_values ->> 'note' = 'unseen';
SELECT bulla.stop_auditing('orders');
SELECT source, enabled FROM bulla.audited_tables ORDER BY source::text;
SELECT action, detail ->> 'table' AS "table" FROM bulla.events WHERE action ~ '^audit' ORDER BY seq;
