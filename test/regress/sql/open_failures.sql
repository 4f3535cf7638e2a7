-- What did not open is counted, in whatever block it failed. That it becomes an event is in test/recovery.
\set VERBOSITY terse
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_refused, regress_monitor;
CREATE ROLE regress_refused;
CREATE ROLE regress_monitor IN ROLE pg_monitor;
RESET client_min_messages;

SELECT bulla.create_key('refused') IS NOT NULL AS created;
SELECT bulla.create_key('refused index', 'index') IS NOT NULL AS created;
CREATE TABLE refusals AS SELECT bulla.encrypt('secret', 'refused', 'here') AS sealed;
GRANT SELECT ON refusals TO regress_refused;
SELECT session AS before FROM bulla.open_failures() \gset

-- Each of these is one.
SELECT bulla.decrypt(sealed, 'there') FROM refusals;
SELECT bulla.decrypt('no sealed value');
SELECT bulla.decrypt('\x00'::bytea);
SELECT bulla.decrypt_if_encrypted('bulla1:no', '');
SELECT bulla.decrypt('\xb101'::bytea || decode(repeat('00', 60), 'hex'));
SELECT bulla.decrypt(substr(bulla.encrypt('\x'::bytea, 'refused'), 1, 2) || version_id || substr(bulla.encrypt('\x'::bytea, 'refused'), 19))
FROM bulla.keys WHERE name = 'refused index';
SET ROLE regress_refused;
SELECT bulla.decrypt(sealed, 'here') FROM refusals;
RESET ROLE;
SELECT bulla.disable_key_version('refused', 1);
SELECT bulla.decrypt(sealed, 'here') FROM refusals;
SELECT bulla.enable_key_version('refused', 1);
SELECT session - :before AS failures FROM bulla.open_failures();

-- Neither an EXCEPTION block nor a rollback takes it back.
DO $$
BEGIN
    FOR g IN 1 .. 10 LOOP
        BEGIN
            PERFORM bulla.decrypt(sealed, 'there') FROM refusals;
        EXCEPTION WHEN invalid_binary_representation THEN NULL;
        END;
    END LOOP;
END $$;
BEGIN;
SELECT bulla.decrypt(sealed, 'there') FROM refusals;
ROLLBACK;
SELECT session - :before AS failures FROM bulla.open_failures();

-- Nothing of all this is one.
SELECT bulla.decrypt(sealed, 'here') FROM refusals;
SELECT bulla.decrypt(NULL::text), bulla.decrypt_if_encrypted('plain');
SELECT bulla.is_encrypted('bulla1:no');
SELECT bulla.encrypt('x', 'no such key');
SET ROLE regress_refused;
SELECT bulla.encrypt('x', 'refused');
RESET ROLE;
SELECT session - :before AS failures FROM bulla.open_failures();
SELECT waiting >= 0 AS waiting, lost >= 0 AS lost FROM bulla.open_failures();

-- Monitoring may ask.
SET ROLE regress_monitor;
SELECT session >= 0 AS counted FROM bulla.open_failures();
SET ROLE regress_refused;
SELECT session >= 0 AS counted FROM bulla.open_failures();
RESET ROLE;

DROP TABLE refusals;
DROP ROLE regress_refused, regress_monitor;
