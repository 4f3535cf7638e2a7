-- Columns that a superuser changes behind the event triggers: verify says so once, beside the rows that do not
-- match any more.
\set VERBOSITY terse
CREATE TYPE colour AS ENUM ('red', 'green');
CREATE TABLE ledger (id int NOT NULL, n int, note varchar(40), hue colour, doubled int GENERATED ALWAYS AS (id * 2) STORED);
SELECT bulla.create_ledger('ledger', blind => true) IS NOT NULL AS created;
INSERT INTO ledger VALUES (1, 10, 'one', 'red'), (2, 20, 'two', 'green');
CREATE VIEW changes AS
SELECT verdict, seq, CASE WHEN seq IS NULL THEN detail END AS detail FROM bulla.verify('ledger');

-- What is allowed is no finding: columns added, widened, renamed types, values added to an enum.
ALTER TABLE ledger ADD COLUMN later text;
INSERT INTO ledger (id, note, later) VALUES (3, 'three', 'later');
ALTER TABLE ledger ALTER COLUMN n TYPE bigint;
ALTER TABLE ledger ALTER COLUMN note TYPE text;
ALTER TYPE colour RENAME TO shade;
ALTER TYPE shade ADD VALUE 'blue';
ALTER TABLE ledger RENAME TO renamed;
ALTER TABLE renamed RENAME TO ledger;
SELECT * FROM changes;
SELECT action, detail ->> 'columns' AS columns, detail ->> 'types' AS types, detail ->> 'column' AS column, detail ->> 'type' AS type
FROM bulla.events WHERE detail ->> 'ledger_id' = (SELECT id::text FROM bulla.ledgers WHERE ledger = 'ledger'::regclass) AND action <> 'ledger.renamed' ORDER BY seq;

-- What is not, under bulla.restore, which is a superuser's way around. Each is undone after it.
SET bulla.restore = on;
ALTER TABLE ledger ADD COLUMN added int DEFAULT 7;
SELECT * FROM changes;
ALTER TABLE ledger DROP COLUMN added;
ALTER TABLE ledger ADD COLUMN unseen int;
SELECT * FROM changes;
ALTER TABLE ledger DROP COLUMN unseen;
ALTER TABLE ledger RENAME COLUMN note TO remark;
SELECT * FROM changes;
ALTER TABLE ledger RENAME COLUMN remark TO note;
SELECT * FROM changes;
ALTER TABLE ledger ALTER COLUMN n TYPE numeric(10, 2);
SELECT * FROM changes;
ALTER TABLE ledger ALTER COLUMN n TYPE bigint;
SELECT * FROM changes;
ALTER TABLE ledger DROP COLUMN later;
SELECT * FROM changes;
SELECT verified, verdict FROM bulla.verify_summary('ledger');
SELECT DISTINCT verdict, detail FROM bulla.verify_since('ledger') WHERE seq IS NULL;
DROP TABLE ledger CASCADE;
