-- Who may say which uses of keys are recorded, and that it is said. What becomes of the records is in test/recovery.
\set VERBOSITY terse
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_audited, regress_key_officer;
CREATE ROLE regress_audited;
CREATE ROLE regress_key_officer;
RESET client_min_messages;
SELECT bulla.create_key('watched') IS NOT NULL AND bulla.create_key('unwatched') IS NOT NULL AS created;
SHOW bulla.audit_decrypts;
SELECT bulla.grant_key('watched', 'regress_audited', 'decrypt');
SELECT bulla.encrypt('secret', 'watched') AS sealed \gset

-- Nobody turns off what watches him.
SET bulla.audit_decrypts = sometimes;
SET ROLE regress_audited;
SET bulla.audit_decrypts = off;
SELECT bulla.set_key_audit('watched', false);
RESET ROLE;
GRANT EXECUTE ON FUNCTION bulla.set_key_audit TO regress_key_officer;

-- The attribute of a key: an event for each change, undone with its transaction.
SET ROLE regress_key_officer;
SELECT bulla.set_key_audit('watched', true);
SELECT bulla.set_key_audit('watched', true);
RESET ROLE;
BEGIN;
SELECT bulla.set_key_audit('unwatched', true);
SELECT name, audited FROM bulla.keys ORDER BY name;
ROLLBACK;
SELECT bulla.rotate_key('watched');
SELECT name, version, audited FROM bulla.keys ORDER BY name, version;
SELECT action, role, detail - 'key_id' AS detail FROM bulla.events WHERE action = 'key.audit_changed' ORDER BY seq;
SELECT bulla.set_key_audit('watched', false);
SELECT action, role, detail - 'key_id' AS detail FROM bulla.events WHERE action = 'key.audit_changed' ORDER BY seq;

-- What is refused.
SELECT bulla.set_key_audit('no such key', true);
SELECT bulla.set_key_audit(NULL, true);
SELECT bulla.set_key_audit('watched', NULL);
BEGIN READ ONLY;
SELECT bulla.set_key_audit('watched', true);
ROLLBACK;
-- In an emergency more may be recorded, and not less.
SELECT bulla.enable_emergency_mode('a test', '{read_only}') AS code \gset
SELECT bulla.set_key_audit('watched', true);
SELECT bulla.set_key_audit('watched', false);
SELECT bulla.disable_emergency_mode(:'code');

-- Whatever is recorded, values open as they did: in a read-only transaction too, and beside a failure.
SET bulla.audit_decrypts = 'on';
SELECT bulla.decrypt(:'sealed');
SELECT count(bulla.decrypt(:'sealed' || left(g::text, 0))) FROM generate_series(1, 10000) AS g;
BEGIN READ ONLY;
SELECT bulla.decrypt(:'sealed');
ROLLBACK;
SELECT bulla.decrypt(:'sealed', 'elsewhere');
SET bulla.audit_decrypts = 'key';
SELECT bulla.decrypt(:'sealed');
RESET bulla.audit_decrypts;
SELECT count(*) FROM bulla.verify('bulla.events');

DROP OWNED BY regress_audited, regress_key_officer;
DROP ROLE regress_audited, regress_key_officer;
