-- Values that are sealed, values that can be erased, values that are left out.
\set VERBOSITY terse
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_clerk;
CREATE ROLE regress_clerk;
RESET client_min_messages;
SELECT bulla.create_key('card') IS NOT NULL AS created;
CREATE TABLE clients (
    id integer PRIMARY KEY,
    email text,
    card text,
    raw bytea,
    limit_ integer,
    password text
);
GRANT SELECT, INSERT, UPDATE, DELETE ON clients TO regress_clerk;
SELECT bulla.audit_changes('clients', skip => '{password}', erasable => '{email,card}', seal => '{"card": "card", "raw": "card", "limit_": "card"}');
SELECT source, columns, skip, erasable, seal, enabled FROM bulla.audited_tables;

-- Who writes needs no right to use the key.
SET ROLE regress_clerk;
INSERT INTO clients VALUES (1, 'a@example.org', '4111', '\x00ff', 500, 'secret');
UPDATE clients SET card = '4222', email = 'b@example.org';
UPDATE clients SET limit_ = 600, password = 'other';
UPDATE clients SET password = 'third';
RESET ROLE;
SELECT count(*) AS events, count(*) FILTER (WHERE c::text ~ '"(4111|4222|\\+x00ff|500|600|secret|other|third)"') AS in_the_clear,
    count(*) FILTER (WHERE c::text ~ '"a@example.org"') AS not_sealed FROM bulla.changes AS c;
-- What can be erased stands in personal, part by part, and nowhere else.
SELECT operation, row_key, (SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(old_values) AS k) AS old, (SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(new_values) AS k) AS new,
    personal -> 'old_values' ->> 'email' AS old_email, personal -> 'new_values' ->> 'email' AS new_email FROM bulla.changes ORDER BY seq;
-- Sealed under the context schema.table.column, as text.
SELECT operation, bulla.decrypt(personal -> 'old_values' ->> 'card', 'public.clients.card') AS old_card, bulla.decrypt(personal -> 'new_values' ->> 'card', 'public.clients.card') AS new_card,
    bulla.decrypt(new_values ->> 'raw', 'public.clients.raw') AS raw, bulla.decrypt(new_values ->> 'limit_', 'public.clients.limit_') AS "limit" FROM bulla.changes ORDER BY seq;
SELECT bulla.decrypt(new_values ->> 'raw', 'public.clients.card') FROM bulla.changes WHERE operation = 'INSERT';

-- What is sealed at the source is copied, and neither opened nor sealed again.
UPDATE clients SET card = bulla.encrypt('4333', 'card', 'mine'), raw = bulla.encrypt('\x01'::bytea, 'card', 'mine');
SELECT personal -> 'new_values' ->> 'card' = card AS card_as_it_is, (new_values ->> 'raw')::bytea = raw AS raw_as_it_is FROM bulla.changes, clients ORDER BY seq DESC LIMIT 1;
-- What only begins like it is not.
UPDATE clients SET card = 'bulla1:not sealed';
SELECT bulla.decrypt(personal -> 'new_values' ->> 'card', 'public.clients.card') AS card FROM bulla.changes ORDER BY seq DESC LIMIT 1;
UPDATE clients SET card = NULL;
SELECT personal -> 'new_values' AS no_card FROM bulla.changes ORDER BY seq DESC LIMIT 1;

-- Who has values sealed must be allowed to seal them.
SET ROLE regress_clerk;
RESET ROLE;
CREATE TABLE papers (id integer PRIMARY KEY, a text);
ALTER TABLE papers OWNER TO regress_clerk;
GRANT INSERT ON bulla.changes TO regress_clerk;
SET ROLE regress_clerk;
SELECT bulla.audit_changes('papers', seal => '{"a": "card"}');
RESET ROLE;
SELECT bulla.grant_key('card', 'regress_clerk', 'encrypt');
SET ROLE regress_clerk;
SELECT bulla.audit_changes('papers', seal => '{"a": "card"}');
RESET ROLE;

-- A key that can be erased.
CREATE TABLE mails (address text PRIMARY KEY, folder text);
SELECT bulla.audit_changes('mails', erasable => '{address}');
INSERT INTO mails VALUES ('c@example.org', 'in');
UPDATE mails SET folder = 'out';
DELETE FROM mails;
SELECT operation, row_key, old_values, new_values, personal FROM bulla.changes ORDER BY seq DESC LIMIT 3;
-- Without a key, columns that are erasable are so in the whole old row too.
CREATE TABLE loose (address text, folder text);
SELECT bulla.audit_changes('loose', erasable => '{address}', columns => '{address,folder}');
INSERT INTO loose VALUES ('d@example.org', 'in');
UPDATE loose SET folder = 'out';
SELECT operation, row_key, old_values, new_values, personal FROM bulla.changes ORDER BY seq DESC LIMIT 1;
-- columns restricts what is recorded to these and the key.
CREATE TABLE wide (id integer PRIMARY KEY, a text, b text);
SELECT bulla.audit_changes('wide', columns => '{a}');
INSERT INTO wide VALUES (1, 'a', 'b');
UPDATE wide SET b = 'c';
UPDATE wide SET a = 'd', b = 'e';
SELECT operation, row_key, old_values, new_values FROM bulla.changes WHERE table_name = 'wide' ORDER BY seq;

-- What is erasable is erased from one event, and everything else stays.
SELECT seq FROM bulla.changes WHERE table_name = 'mails' AND operation = 'UPDATE' \gset
SELECT bulla.erase('bulla.changes', '', :seq, '{personal}', 'asked for') IS NOT NULL AS erased;
SELECT operation, new_values, personal FROM bulla.changes WHERE seq = :seq;
SELECT * FROM bulla.verify('bulla.changes');
-- Where it could not be, it is not recorded.
CREATE TABLE trail (LIKE bulla.changes INCLUDING DEFAULTS);
ALTER TABLE trail DROP COLUMN seq, DROP COLUMN prev_hash, DROP COLUMN hash, DROP COLUMN blind, DROP COLUMN openings;
SELECT bulla.create_ledger('trail') IS NOT NULL AS created;
CREATE TABLE other (id integer PRIMARY KEY, email text);
SELECT bulla.audit_changes('other', 'trail', erasable => '{email}');
SELECT bulla.audit_changes('other', 'trail');
SET bulla.restore = on;
DROP OWNED BY regress_clerk;
DROP ROLE regress_clerk;
