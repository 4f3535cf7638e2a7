-- Appending audit events.

CREATE TYPE agentidp.new_event AS (
    -- The place in the request.
    n bigint,
    event_id uuid,
    occurred_at timestamp with time zone,
    action text,
    outcome text,
    agent_id uuid,
    organization_id uuid,
    client_ip inet,
    metadata jsonb
);
COMMENT ON TYPE agentidp.new_event IS 'An audit event that was asked to be appended, checked and complete.';

CREATE FUNCTION agentidp.read_event(event jsonb, n bigint, place text, bound_to uuid) RETURNS agentidp.new_event
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    read agentidp.new_event;
BEGIN
    IF jsonb_typeof(event) <> 'object' THEN
        RAISE EXCEPTION '% must be an object', rtrim(place, '.') USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM agentidp.refuse_unknown(event,
        '{eventId,occurredAt,action,outcome,agentId,organizationId,clientIp,metadata}', place);
    IF NOT event ?& '{action,outcome}' THEN
        RAISE EXCEPTION '%', place || CASE WHEN event ? 'action' THEN 'outcome' ELSE 'action' END || ' is needed'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'An event has at least an action and an outcome.';
    END IF;
    -- Where null is among what is allowed, it is as if nothing was given.
    read.n := n;
    read.event_id := coalesce(agentidp.uuid_value(event -> 'eventId', place || 'eventId'), gen_random_uuid());
    read.occurred_at := coalesce(
        agentidp.time_value(event -> 'occurredAt', place || 'occurredAt'), clock_timestamp());
    read.action := agentidp.action_value(event -> 'action', place || 'action');
    read.outcome := agentidp.outcome_value(event -> 'outcome', place || 'outcome');
    read.agent_id := agentidp.uuid_value(nullif(event -> 'agentId', 'null'), place || 'agentId');
    read.organization_id := coalesce(
        agentidp.allowed_organization(
            bound_to,
            agentidp.uuid_value(event -> 'organizationId', place || 'organizationId'),
            place || 'organizationId'),
        agentidp.system_organization());
    read.client_ip := agentidp.address_value(nullif(event -> 'clientIp', 'null'), place || 'clientIp');
    read.metadata := agentidp.metadata_value(nullif(event -> 'metadata', 'null'), place || 'metadata');
    RETURN read;
END $$;
COMMENT ON FUNCTION agentidp.read_event(jsonb, bigint, text, uuid) IS
    'The rules of an audit event: reads one from a request, whose access token is bound to an organization or, for NULL, to none. Errors name its place and field.';

CREATE FUNCTION agentidp_api.append_audit_events(
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
    bound_to CONSTANT uuid := agentidp.begin_request(request_id, token_digest, 'audit:write', parameters, '{}');
    many CONSTANT boolean NOT NULL := coalesce(jsonb_typeof(body) = 'array', false);
    new_events agentidp.new_event[];
    twice record;
    existing uuid;
BEGIN
    IF body IS NULL OR jsonb_typeof(body) NOT IN ('object', 'array') OR body = '[]' THEN
        RAISE EXCEPTION 'the body must be an event or an array of 1 to 1000 events'
            USING ERRCODE = 'invalid_parameter_value';
    ELSIF many AND jsonb_array_length(body) > 1000 THEN
        RAISE EXCEPTION 'events must be at most 1000, not %', jsonb_array_length(body)
            USING ERRCODE = 'program_limit_exceeded', HINT = 'Send them in several requests.';
    END IF;
    new_events := ARRAY(
        SELECT agentidp.read_event(
            e.event, e.n, CASE WHEN many THEN 'events[' || e.n - 1 || '].' ELSE '' END, bound_to)
        FROM jsonb_array_elements(CASE WHEN many THEN body ELSE jsonb_build_array(body) END)
            WITH ORDINALITY AS e (event, n));

    IF many THEN
        SELECT e.n - 1 AS place, e.first - 1 AS first INTO twice
        FROM (SELECT n, min(n) OVER (PARTITION BY event_id) AS first FROM unnest(new_events)) AS e
        WHERE e.n > e.first
        ORDER BY e.n
        LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'events[%].eventId is that of events[%] too', twice.place, twice.first
                USING ERRCODE = 'invalid_parameter_value', HINT = 'Each event has an id of its own.';
        END IF;
        -- Appending to more than 64 chains, bulla locks the ledger instead, and two that do so with some chains
        -- locked already would wait for each other. So they wait here, with nothing locked.
        IF (SELECT count(DISTINCT organization_id) FROM unnest(new_events)) > 64 THEN
            LOCK TABLE agentidp.audit_events IN SHARE ROW EXCLUSIVE MODE;
        END IF;
    END IF;
    BEGIN
        -- In order of the chains, so that no two requests wait for each other.
        WITH appended AS (
            INSERT INTO agentidp.audit_events AS a
                (event_id, occurred_at, action, outcome, agent_id, organization_id, client_ip, metadata)
            SELECT e.event_id, e.occurred_at, e.action, e.outcome, e.agent_id, e.organization_id, e.client_ip,
                   e.metadata
            FROM unnest(new_events) AS e
            ORDER BY e.organization_id, e.n
            RETURNING a.event_id, a.seq, a.hash
        )
        SELECT json_agg(json_build_object('eventId', a.event_id, 'seq', a.seq, 'hash', encode(a.hash, 'hex'))
                        ORDER BY e.n)
        INTO answer
        FROM unnest(new_events) AS e
        JOIN appended AS a USING (event_id);
    EXCEPTION WHEN unique_violation THEN
        SELECT a.event_id INTO existing
        FROM unnest(new_events) AS e
        JOIN agentidp.audit_events AS a USING (event_id)
        ORDER BY e.n
        LIMIT 1;
        IF existing IS NULL THEN
            RAISE;
        END IF;
        RAISE EXCEPTION 'there is an audit event % already', existing
            USING ERRCODE = 'unique_violation',
                  HINT = 'If this repeats a request whose answer was lost, that one had succeeded.';
    END;
    status := 201;
    answer := CASE WHEN many THEN json_build_object('events', answer) ELSE answer -> 0 END;
END $$;
COMMENT ON FUNCTION agentidp_api.append_audit_events(text, bytea, inet, jsonb, jsonb) IS
    'Appends an audit event, or an array of 1 to 1000 of them, all or nothing. Scope audit:write.';
