-- Verifying audit events.

CREATE FUNCTION agentidp.verification(organization uuid) RETURNS json
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    started CONSTANT timestamp with time zone NOT NULL := clock_timestamp();
    last_seq bigint;
    -- What was checked and the first finding, of a row before of the table.
    report record;
BEGIN
    SELECT max(e.seq) INTO last_seq FROM agentidp.audit_events AS e WHERE e.organization_id = organization;
    IF organization IS NULL THEN
        SELECT s.rows_checked, s.chains, s.broken_chain, s.broken_at, s.verdict INTO report
        FROM bulla.verify_summary('agentidp.audit_events') AS s;
    ELSIF last_seq IS NULL THEN
        -- No chain yet.
        SELECT 0 AS rows_checked, 0 AS chains, NULL AS broken_chain, NULL::bigint AS broken_at, NULL AS verdict INTO report;
    ELSE
        SELECT c.rows_checked, 1 AS chains, f.chain AS broken_chain, f.seq AS broken_at, f.verdict INTO report
        FROM (SELECT count(*) AS rows_checked
              FROM agentidp.audit_events AS e
              WHERE e.organization_id = organization AND e.seq <= last_seq) AS c
        LEFT JOIN (SELECT v.chain, v.seq, v.verdict
                   FROM bulla.verify('agentidp.audit_events', organization::text, to_seq => last_seq)
                       WITH ORDINALITY AS v (chain, seq, verdict, detail, n)
                   ORDER BY v.seq IS NULL, v.seq, v.n
                   LIMIT 1) AS f ON true;
    END IF;
    RETURN json_build_object(
        'verified', report.verdict IS NULL,
        'checkedCount', report.rows_checked,
        'chains', report.chains,
        'brokenAtEventId', (SELECT e.event_id
                            FROM agentidp.audit_events AS e
                            WHERE e.organization_id = report.broken_chain::uuid AND e.seq = report.broken_at
                            LIMIT 1),
        'brokenAtSeq', report.broken_at,
        'brokenChain', report.broken_chain,
        'verdict', report.verdict,
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
    bound_to CONSTANT uuid := agentidp.begin_request(request_id, token_digest, 'audit:read');
BEGIN
    PERFORM agentidp.refuse_unknown(parameters, '{}', 'parameter ');
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
    PERFORM agentidp.name_request(request_id);
    status := 200;
    answer := agentidp.verification(NULL);
END $$;
COMMENT ON FUNCTION agentidp_api.verify_all(text) IS
    'Verifies all audit events without an access token: for the service''s own regular check.';
