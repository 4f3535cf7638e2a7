-- The audit events.

CREATE FUNCTION agentidp.system_organization() RETURNS uuid
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN '00000000-0000-8000-8000-000000000000'::uuid;
COMMENT ON FUNCTION agentidp.system_organization() IS
    'The organization of AgentIdP''s own events. A valid UUID (version 8 of RFC 9562) that no generator makes; not the nil UUID, which is what a variable that was never set holds.';

CREATE FUNCTION agentidp.set_up() RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    -- One at a time: it conflicts with itself and with nothing that a request does.
    LOCK TABLE agentidp.access_tokens IN SHARE UPDATE EXCLUSIVE MODE;
    IF to_regclass('agentidp.audit_events') IS NOT NULL THEN
        IF NOT EXISTS (SELECT
                       FROM bulla.ledgers AS l
                       JOIN pg_class AS c ON c.oid = l.ledger
                       WHERE l.ledger = 'agentidp.audit_events'::regclass
                         AND l.chain_by = '{organization_id}'
                         AND l.erasable = '{client_ip,metadata}'
                         AND c.relowner = quote_ident(current_user)::regrole) THEN
            RAISE EXCEPTION 'table agentidp.audit_events is not the ledger that AgentIdP makes'
                USING ERRCODE = 'object_not_in_prerequisite_state',
                      HINT = format('It has to be a ledger with chain_by {organization_id} and erasable {client_ip,metadata} that belongs to %I. Rename what is there.', current_user);
        END IF;
        RETURN false;
    END IF;

    CREATE TABLE agentidp.audit_events (
        event_id uuid PRIMARY KEY,
        occurred_at timestamp with time zone NOT NULL CHECK (agentidp.is_time(occurred_at)),
        action text NOT NULL CHECK (agentidp.is_action(action)),
        outcome text NOT NULL CHECK (agentidp.is_outcome(outcome)),
        agent_id uuid,
        organization_id uuid NOT NULL,
        client_ip inet CHECK (client_ip = host(client_ip)::inet),
        metadata jsonb CHECK (agentidp.is_metadata(metadata))
    );
    -- As they are listed: newest first, of all organizations, of one, or of one agent.
    CREATE INDEX ON agentidp.audit_events (occurred_at DESC, event_id DESC);
    CREATE INDEX ON agentidp.audit_events (organization_id, occurred_at DESC, event_id DESC);
    CREATE INDEX ON agentidp.audit_events (agent_id, occurred_at DESC, event_id DESC);
    -- What may say who somebody is can be erased: bulla.erase('agentidp.audit_events', organization, seq, …).
    PERFORM bulla.create_ledger('agentidp.audit_events', '{organization_id}', erasable => '{client_ip,metadata}');

    COMMENT ON TABLE agentidp.audit_events IS
        'The audit events, a ledger with one chain per organization.';
    COMMENT ON COLUMN agentidp.audit_events.event_id IS
        'Given by its sender, so that what was sent twice is appended once, or made here.';
    COMMENT ON COLUMN agentidp.audit_events.occurred_at IS
        'When it happened, as its sender says; seq is the order in which events were appended.';
    COMMENT ON COLUMN agentidp.audit_events.action IS 'What was done; agentidp.is_action has the alphabet.';
    COMMENT ON COLUMN agentidp.audit_events.outcome IS
        'success; failure: it was allowed and did not work; denied: it was not allowed.';
    COMMENT ON COLUMN agentidp.audit_events.agent_id IS 'Who did it; NULL where no agent is known.';
    COMMENT ON COLUMN agentidp.audit_events.organization_id IS
        'Whose event it is, and the chain it is in; agentidp.system_organization() for AgentIdP''s own.';
    COMMENT ON COLUMN agentidp.audit_events.client_ip IS 'From where it was done, as its sender says. Can be erased.';
    COMMENT ON COLUMN agentidp.audit_events.metadata IS 'Whatever else its sender wants to keep. Can be erased.';
    RETURN true;
END $$;
COMMENT ON FUNCTION agentidp.set_up() IS
    'Makes the ledger agentidp.audit_events where there is none; true when it did. Not done by CREATE EXTENSION, so that a restored dump can bring its own.';

CREATE FUNCTION agentidp.append_event(action text, organization_id uuid, metadata jsonb) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    IF to_regclass('agentidp.audit_events') IS NULL THEN
        RAISE EXCEPTION 'table agentidp.audit_events does not exist'
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Run SELECT agentidp.set_up().';
    END IF;
    PERFORM bulla.append(
        'agentidp.audit_events',
        jsonb_build_object(
            'event_id', gen_random_uuid(),
            'occurred_at', clock_timestamp(),
            'action', action,
            'outcome', 'success',
            'organization_id', coalesce(organization_id, agentidp.system_organization()),
            'metadata', metadata));
END $$;
COMMENT ON FUNCTION agentidp.append_event(text, uuid, jsonb) IS
    'Appends an event of AgentIdP''s own when the transaction commits, in the chain of an organization or, for NULL, of the system.';

CREATE FUNCTION agentidp.erased_fields(openings bytea) RETURNS json
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE bulla.erased_columns(openings)
        WHEN '{}'::name[] THEN '[]'::json
        WHEN '{client_ip}'::name[] THEN '["clientIp"]'
        WHEN '{metadata}'::name[] THEN '["metadata"]'
        WHEN '{client_ip,metadata}'::name[] THEN '["clientIp", "metadata"]' END;
COMMENT ON FUNCTION agentidp.erased_fields(bytea) IS
    'The fields of an event whose values were erased, as answers name them.';

CREATE FUNCTION agentidp.event_json(
    event_id uuid,
    occurred_at timestamp with time zone,
    action text,
    outcome text,
    agent_id uuid,
    organization_id uuid,
    client_ip inet,
    metadata jsonb,
    seq bigint,
    prev_hash bytea,
    hash bytea,
    openings bytea
) RETURNS json
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN pg_catalog.json_build_object(
        'eventId', event_id,
        'occurredAt', agentidp.time_text(occurred_at),
        'action', action,
        'outcome', outcome,
        'agentId', agent_id,
        'organizationId', organization_id,
        'clientIp', pg_catalog.host(client_ip),
        'metadata', metadata,
        'erased', agentidp.erased_fields(openings),
        'seq', seq,
        'prevHash', pg_catalog.encode(prev_hash, 'hex'),
        'hash', pg_catalog.encode(hash, 'hex'));
COMMENT ON FUNCTION agentidp.event_json(uuid, timestamp with time zone, text, text, uuid, uuid, inet, jsonb, bigint, bytea, bytea, bytea) IS
    'A row of agentidp.audit_events as answers give it.';
