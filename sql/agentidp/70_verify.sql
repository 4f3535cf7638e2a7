-- Verifying audit events.

CREATE FUNCTION agentidp.verification(organization uuid) RETURNS json
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    started CONSTANT timestamp with time zone NOT NULL := clock_timestamp();
    rows_checked bigint := 0;
    chains bigint := 0;
    -- The first finding: of a row before of the table.
    broken_chain uuid;
    broken_at bigint;
    verdict text;
    last_seq bigint;
BEGIN
    SELECT max(e.seq) INTO last_seq FROM agentidp.audit_events AS e WHERE e.organization_id = organization;
    BEGIN
        IF organization IS NULL THEN
            SELECT s.rows_checked, s.chains, s.broken_chain, s.broken_at, s.verdict
            INTO rows_checked, chains, broken_chain, broken_at, verdict
            FROM bulla.verify_summary('agentidp.audit_events') AS s;
        ELSE
            -- To its end, also where no row is left: what was sealed tells of those that were there.
            SELECT f.chain, f.seq, f.verdict INTO broken_chain, broken_at, verdict
            FROM bulla.verify('agentidp.audit_events', organization::text)
                WITH ORDINALITY AS f (chain, seq, verdict, detail, n)
            WHERE f.verdict <> 'restored'
            ORDER BY f.seq, f.n
            LIMIT 1;
            SELECT count(*), sign(count(*)) INTO rows_checked, chains
            FROM agentidp.audit_events AS e
            WHERE e.organization_id = organization AND e.seq <= last_seq;
        END IF;
    EXCEPTION WHEN no_data_found THEN
        -- It has no events.
        NULL;
    WHEN wrong_object_type THEN
        -- The table is not a ledger any more: a finding, not a check that failed.
        verdict := 'unprotected';
    END;
    RETURN json_build_object(
        'verified', verdict IS NULL,
        'checkedCount', rows_checked,
        'chains', chains,
        'brokenAtEventId', (SELECT e.event_id
                            FROM agentidp.audit_events AS e
                            WHERE e.organization_id = broken_chain AND e.seq = broken_at
                            LIMIT 1),
        'brokenAtSeq', broken_at,
        'brokenChain', broken_chain,
        'verdict', verdict,
        'checkedAt', agentidp.time_text(started),
        'durationMs', round(extract(epoch FROM clock_timestamp() - started) * 1000, 3));
END $$;
COMMENT ON FUNCTION agentidp.verification(uuid) IS
    'Verifies the chain of an organization or, for NULL, all of them, and reports as answers do: what was checked and the first finding.';

CREATE FUNCTION agentidp_api.verify_audit_events(
    request_id text,
    token_digest bytea,
    client_ip inet,
    parameters jsonb,
    body jsonb,
    OUT status integer,
    OUT answer json
)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    bound_to CONSTANT uuid := agentidp.begin_request(request_id, token_digest, 'audit:read', parameters, '{}');
BEGIN
    status := 200;
    answer := agentidp.verification(bound_to);
END $$;
COMMENT ON FUNCTION agentidp_api.verify_audit_events(text, bytea, inet, jsonb, jsonb) IS
    'Verifies the audit events that the caller may read: of the organization that the access token is bound to, or all. Scope audit:read.';

CREATE FUNCTION agentidp_api.verify_all(
    request_id text,
    OUT status integer,
    OUT answer json
)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    PERFORM set_config('application_name', 'bullad/' || request_id, true);
    status := 200;
    answer := agentidp.verification(NULL);
END $$;
COMMENT ON FUNCTION agentidp_api.verify_all(text) IS
    'Verifies all audit events without an access token: for the service''s own regular check.';
