-- Verification of audit events: what a superuser did behind the ledger's back is named, to those whom it concerns.
\set VERBOSITY terse
\pset format unaligned
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_verify_owner, regress_verify_service;
CREATE ROLE regress_verify_owner;
CREATE ROLE regress_verify_service;
RESET client_min_messages;
SELECT format('GRANT CREATE ON DATABASE %I TO regress_verify_owner', current_database()) \gexec
SET ROLE regress_verify_owner;
CREATE EXTENSION agentidp;
SELECT agentidp.set_up();
SELECT agentidp.grant_service('regress_verify_service');
RESET ROLE;

-- What the service, an administrator, and a reader of each organization are told.
CREATE FUNCTION told(who text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    result record;
BEGIN
    IF who = 'service' THEN
        SELECT * INTO result FROM agentidp_api.verify_all('r');
    ELSE
        SELECT * INTO result FROM agentidp_api.verify_audit_events('r', sha256(who::bytea), NULL, '{}', NULL);
    END IF;
    IF result.status <> 200 OR result.answer ->> 'checkedAt' !~ '^[0-9-]{10}T[0-9:]{8}[.][0-9]{6}Z$' OR (result.answer ->> 'durationMs')::numeric < 0 THEN
        RAISE 'wrong: %', result;
    END IF;
    RETURN result.answer::jsonb - '{checkedAt,durationMs}'::text[];
END $$;
CREATE PROCEDURE show_told() LANGUAGE plpgsql AS $$
DECLARE
    who text;
BEGIN
    SET LOCAL ROLE regress_verify_service;
    FOREACH who IN ARRAY '{service,admin,1,2,3}'::text[] LOOP
        RAISE INFO '%: %', who, told(who);
    END LOOP;
    SET LOCAL ROLE NONE;
END $$;

-- Nothing yet.
SET ROLE regress_verify_service;
SELECT answer::jsonb - '{checkedAt,durationMs}'::text[] AS nothing_yet FROM agentidp_api.verify_all('r');
RESET ROLE;
SELECT agentidp.add_access_token(sha256('admin'), 'admin', '{admin}');
SELECT agentidp.add_access_token(sha256('1'), 'one', '{audit:read}', '10000000-0000-4000-8000-000000000001');
SELECT agentidp.add_access_token(sha256('2'), 'two', '{audit:read}', '10000000-0000-4000-8000-000000000002');
SELECT agentidp.add_access_token(sha256('3'), 'three', '{audit:read}', '10000000-0000-4000-8000-000000000003');
-- An organization without an event: its token was given another one.
UPDATE agentidp.access_tokens SET organization_id = '10000000-0000-4000-8000-00000000000f' WHERE name = 'three';
-- Sound.
SELECT status FROM agentidp_api.append_audit_events('r', sha256('admin'), NULL, '{}', (
    SELECT jsonb_agg(jsonb_build_object('eventId', format('00000000-0000-4000-8000-000000000%s%s', o, lpad(n::text, 2, '0')),
        'action', 'a', 'outcome', 'success', 'organizationId', format('10000000-0000-4000-8000-00000000000%s', o)) ORDER BY n, o)
    FROM generate_series(1, 3) AS o, generate_series(1, 10) AS n));
CALL show_told();

-- One event of organization 2 is changed: that one is named, to all but the reader of 1.
CREATE PROCEDURE tamper(command text) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('bulla.restore', 'on', true);
    ALTER TABLE agentidp.audit_events DISABLE TRIGGER USER;
    EXECUTE command;
    EXECUTE (SELECT string_agg(format('ALTER TABLE agentidp.audit_events ENABLE ALWAYS TRIGGER %I', tgname), ';')
             FROM pg_trigger WHERE tgrelid = 'agentidp.audit_events'::regclass);
    PERFORM set_config('bulla.restore', 'off', true);
END $$;
BEGIN;
CALL tamper($$UPDATE agentidp.audit_events SET outcome = 'failure' WHERE event_id = '00000000-0000-4000-8000-000000000204'$$);
CALL show_told();
-- Of several the first of a chain is named.
CALL tamper($$UPDATE agentidp.audit_events SET metadata = '{}' WHERE event_id IN ('00000000-0000-4000-8000-000000000203', '00000000-0000-4000-8000-000000000107')$$);
CALL show_told();
ROLLBACK;
-- Removed: there is no event to name.
BEGIN;
CALL tamper($$DELETE FROM agentidp.audit_events WHERE event_id = '00000000-0000-4000-8000-000000000205'$$);
CALL show_told();
ROLLBACK;
-- Moved to another organization.
BEGIN;
CALL tamper($$UPDATE agentidp.audit_events SET organization_id = '10000000-0000-4000-8000-00000000000f', seq = 0 WHERE event_id = '00000000-0000-4000-8000-000000000105'$$);
CALL show_told();
ROLLBACK;
-- A hash alone is changed: that is one finding, not one more of its successor.
BEGIN;
CALL tamper($$UPDATE agentidp.audit_events SET hash = sha256(hash) WHERE event_id = '00000000-0000-4000-8000-000000000106'$$);
CALL show_told();
ROLLBACK;
-- A trigger that is off concerns all whose events it protects; a changed row is named before it.
BEGIN;
SET LOCAL bulla.restore = on;
ALTER TABLE agentidp.audit_events DISABLE TRIGGER bulla_refuse_change;
CALL show_told();
UPDATE agentidp.audit_events SET outcome = 'failure' WHERE event_id = '00000000-0000-4000-8000-000000000204';
CALL show_told();
ROLLBACK;
-- No ledger at all any more: a finding, not a check that failed.
BEGIN;
SET LOCAL ROLE regress_verify_owner;
SELECT bulla.drop_ledger('agentidp.audit_events');
CALL show_told();
ROLLBACK;
CALL show_told();

SET client_min_messages = warning;
SET bulla.restore = on;
DROP EXTENSION agentidp CASCADE;
DROP OWNED BY regress_verify_owner, regress_verify_service;
DROP ROLE regress_verify_owner, regress_verify_service;
