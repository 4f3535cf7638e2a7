-- Access tokens: how they are added and revoked, and what each lets its bearer do.
\set VERBOSITY terse
\pset format unaligned
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_tokens_owner, regress_tokens_service;
CREATE ROLE regress_tokens_owner;
CREATE ROLE regress_tokens_service;
RESET client_min_messages;
SELECT format('GRANT CREATE ON DATABASE %I TO regress_tokens_owner', current_database()) \gexec
SET ROLE regress_tokens_owner;
CREATE EXTENSION agentidp;
-- The events come first.
\set VERBOSITY default
\set SHOW_CONTEXT never
SELECT agentidp.add_access_token(sha256('admin'), 'operator', '{admin}');
\set VERBOSITY terse
SELECT agentidp.set_up();
SELECT agentidp.grant_service('regress_tokens_service');

-- Adding.
SELECT agentidp.add_access_token(sha256('admin'), 'operator', '{admin}');
SELECT agentidp.add_access_token(sha256('reader'), 'reader', '{audit:read}');
SELECT agentidp.add_access_token(sha256('writer'), 'writer', '{audit:write}', expires_at => now() + interval '1 hour');
SELECT agentidp.add_access_token(sha256('bound'), 'bound', '{audit:read,audit:write}', '10000000-0000-4000-8000-000000000001');
SELECT name, scopes, organization_id, expires_at - created_at AS expires, revoked_at FROM agentidp.access_tokens ORDER BY name;
-- What is refused, with SQLSTATE and hint.
CREATE FUNCTION pg_temp.refusal(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    hint text;
BEGIN
    EXECUTE command;
    RETURN 'not refused';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RETURN format('%s %s (%s)', sqlstate, sqlerrm, hint);
END $$;
SELECT pg_temp.refusal(format('SELECT agentidp.add_access_token(%s)', arguments)) FROM (VALUES
    (1, $$sha256('admin'), 'again', '{admin}'$$),
    (2, $$sha256('other'), 'reader', '{admin}'$$),
    (3, $$'secret', 'x', '{admin}'$$),
    (4, $$NULL, 'x', '{admin}'$$),
    (5, $$sha256('x'), '', '{admin}'$$),
    (6, $$sha256('x'), NULL, '{admin}'$$),
    (7, $$sha256('x'), repeat('x', 201), '{admin}'$$),
    (8, $$sha256('x'), 'x', '{}'$$),
    (9, $$sha256('x'), 'x', NULL$$),
    (10, $$sha256('x'), 'x', '{audit:read,audit:delete}'$$),
    (11, $$sha256('x'), 'x', '{audit:read,NULL}'$$),
    (12, $$sha256('x'), 'x', '{admin}', '10000000-0000-4000-8000-000000000001'$$),
    (13, $$sha256('x'), 'x', '{admin}', NULL, now()$$)) AS call (n, arguments) ORDER BY n;
SELECT pg_temp.refusal($$SELECT agentidp.revoke_access_token('nobody')$$);
SELECT pg_temp.refusal($$SELECT agentidp.revoke_access_token(NULL)$$);

-- Each has left an event, in the chain of its organization or of the system; none holds a digest.
SELECT organization_id = agentidp.system_organization() AS of_system, seq, action, outcome, agent_id, client_ip,
    metadata - 'expiresAt' AS metadata, metadata ->> 'expiresAt' IS NULL AS never_expires
FROM agentidp.audit_events ORDER BY organization_id, seq;
SELECT count(*) FROM agentidp.audit_events AS e, agentidp.access_tokens AS t WHERE strpos(e::text, encode(t.token_digest, 'hex')) > 0;

-- Who is let in to what.
CREATE FUNCTION pg_temp.try(token text) RETURNS TABLE (operation text, result text) LANGUAGE plpgsql AS $$
DECLARE
    hint text;
BEGIN
    FOR operation IN VALUES ('append_audit_events'), ('get_audit_event'), ('list_audit_events'), ('verify_audit_events') LOOP
        BEGIN
            EXECUTE format('SELECT status FROM agentidp_api.%I($1, sha256($2::bytea), NULL, $3, $4)', operation) INTO result
            USING 'try', token, '{}'::jsonb, '{"action": "a", "outcome": "success"}'::jsonb;
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
            result := format('%s %s (%s)', sqlstate, sqlerrm, hint);
        END;
        RETURN NEXT;
    END LOOP;
END $$;
SET ROLE regress_tokens_service;
SELECT token, operation, result
FROM unnest('{admin,reader,writer,bound,unknown,NULL}'::text[]) WITH ORDINALITY AS t (token, n), pg_temp.try(token) AS o (operation, result)
ORDER BY n, operation;
RESET ROLE;

-- Revoking is effective at once, and once.
SET ROLE regress_tokens_owner;
SELECT agentidp.revoke_access_token('reader');
SELECT agentidp.revoke_access_token('reader');
SELECT pg_temp.refusal($$SELECT agentidp.add_access_token(sha256('other'), 'reader', '{admin}')$$);
UPDATE agentidp.access_tokens SET expires_at = now() WHERE name = 'writer';
SELECT agentidp.revoke_access_token('bound');
RESET ROLE;
SET ROLE regress_tokens_service;
SELECT token, operation, result
FROM unnest('{reader,writer,bound}'::text[]) WITH ORDINALITY AS t (token, n), pg_temp.try(token) AS o (operation, result)
ORDER BY n, operation;
-- Also in a transaction that is open since before.
RESET ROLE;
SELECT agentidp.add_access_token(sha256('short'), 'short', '{audit:read}');
BEGIN;
SELECT status FROM agentidp_api.list_audit_events('r', sha256('short'), NULL, '{}', NULL);
SELECT agentidp.revoke_access_token('short');
SELECT status FROM agentidp_api.list_audit_events('r', sha256('short'), NULL, '{}', NULL);
ROLLBACK;
SELECT agentidp.revoke_access_token('short');
SELECT organization_id = agentidp.system_organization() AS of_system, seq, action, metadata - 'expiresAt' AS metadata
FROM agentidp.audit_events WHERE action = 'access_token.revoked' ORDER BY organization_id, seq;
-- Nothing is left of it when its transaction is rolled back.
BEGIN;
SELECT agentidp.add_access_token(sha256('rolled back'), 'rolled back', '{admin}');
ROLLBACK;
SELECT (SELECT count(*) FROM agentidp.access_tokens WHERE name = 'rolled back') AS tokens,
    (SELECT count(*) FROM agentidp.audit_events WHERE metadata ->> 'name' = 'rolled back') AS events;
SELECT verified FROM bulla.verify_summary('agentidp.audit_events');

-- The request's id is in application_name while the transaction lasts.
SET application_name = 'before';
BEGIN;
SELECT status FROM agentidp_api.list_audit_events('0195e1c2', sha256('admin'), NULL, '{}', NULL);
SHOW application_name;
SELECT status FROM agentidp_api.verify_all('0195e1c3');
SHOW application_name;
COMMIT;
SHOW application_name;

SET client_min_messages = warning;
SET bulla.restore = on;
DROP EXTENSION agentidp CASCADE;
DROP OWNED BY regress_tokens_owner, regress_tokens_service;
DROP ROLE regress_tokens_owner, regress_tokens_service;
