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

CREATE FUNCTION agentidp.event_fields() RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN '{eventId,occurredAt,action,outcome,agentId,organizationId,clientIp,metadata}'::text[];
COMMENT ON FUNCTION agentidp.event_fields() IS 'The fields that an event of a request may have.';

CREATE FUNCTION agentidp.refuse_form(event jsonb, n bigint) RETURNS text
    LANGUAGE plpgsql STABLE
    AS $$
BEGIN
    IF pg_catalog.jsonb_typeof(event) OPERATOR(pg_catalog.<>) 'object' THEN
        RAISE EXCEPTION '% must be an object', pg_catalog.rtrim(agentidp.field_name('', n), '.')
            USING ERRCODE = 'invalid_parameter_value';
    ELSIF event OPERATOR(pg_catalog.-) agentidp.event_fields() OPERATOR(pg_catalog.<>) '{}' THEN
        PERFORM agentidp.refuse_unknown(event, agentidp.event_fields(), agentidp.field_name('', n));
    END IF;
    RAISE EXCEPTION '% is needed',
        agentidp.field_name(CASE WHEN event OPERATOR(pg_catalog.?) 'action' THEN 'outcome' ELSE 'action' END, n)
        USING ERRCODE = 'invalid_parameter_value', HINT = 'An event has at least an action and an outcome.';
END $$;
COMMENT ON FUNCTION agentidp.refuse_form(jsonb, bigint) IS
    'Says what is wrong with the n-th event of an array, or with the only one, n being 0: no object, a field that is not known, or one that is missing.';

CREATE FUNCTION agentidp.read_event(event jsonb, n bigint, bound_to uuid) RETURNS agentidp.new_event
    LANGUAGE sql
    -- SQL, so that it becomes a part of the statement that uses it: PL/pgSQL would run a statement for each field.
    -- Where null is among what is allowed, it is as if nothing was given.
    RETURN CASE
        WHEN jsonb_typeof(event) = 'object'
             AND event - agentidp.event_fields() = '{}'
             AND event ?& '{action,outcome}'
        THEN ROW(
            n,
            coalesce(agentidp.uuid_value(event -> 'eventId', 'eventId', n), gen_random_uuid()),
            coalesce(agentidp.time_value(event -> 'occurredAt', 'occurredAt', n), clock_timestamp()),
            agentidp.action_value(event -> 'action', 'action', n),
            agentidp.outcome_value(event -> 'outcome', 'outcome', n),
            agentidp.uuid_value(nullif(event -> 'agentId', 'null'), 'agentId', n),
            coalesce(
                agentidp.allowed_organization(
                    bound_to,
                    agentidp.uuid_value(event -> 'organizationId', 'organizationId', n),
                    'organizationId',
                    n),
                agentidp.system_organization()),
            agentidp.address_value(nullif(event -> 'clientIp', 'null'), 'clientIp', n),
            agentidp.metadata_value(nullif(event -> 'metadata', 'null'), 'metadata', n))::agentidp.new_event
        ELSE agentidp.refuse_form(event, n)::agentidp.new_event END;
COMMENT ON FUNCTION agentidp.read_event(jsonb, bigint, uuid) IS
    'The rules of an audit event: reads the n-th of an array, or the only one, n being 0, from a request whose access token is bound to an organization or, for NULL, to none. Errors name its place and field.';

CREATE FUNCTION agentidp.receipt(event_id uuid, seq bigint, hash bytea) RETURNS json
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN json_build_object('eventId', event_id, 'seq', seq, 'hash', encode(hash, 'hex'));
COMMENT ON FUNCTION agentidp.receipt(uuid, bigint, bytea) IS 'What is answered for an event that was appended.';

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
    new_event agentidp.new_event;
    new_events agentidp.new_event[];
    twice record;
    existing uuid;
BEGIN
    IF body IS NULL OR jsonb_typeof(body) NOT IN ('object', 'array') OR body = '[]' THEN
        RAISE EXCEPTION 'the body must be an event or an array of 1 to 1000 events'
            USING ERRCODE = 'invalid_parameter_value';
    ELSIF NOT many THEN
        new_event := agentidp.read_event(body, 0, bound_to);
    ELSIF jsonb_array_length(body) > 1000 THEN
        RAISE EXCEPTION 'events must be at most 1000, not %', jsonb_array_length(body)
            USING ERRCODE = 'program_limit_exceeded', HINT = 'Send them in several requests.';
    ELSE
        new_events := ARRAY(
            SELECT agentidp.read_event(e.event, e.n, bound_to)
            FROM jsonb_array_elements(body) WITH ORDINALITY AS e (event, n));
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
        IF NOT many THEN
            INSERT INTO agentidp.audit_events AS a
                (event_id, occurred_at, action, outcome, agent_id, organization_id, client_ip, metadata)
            VALUES
                (new_event.event_id, new_event.occurred_at, new_event.action, new_event.outcome, new_event.agent_id,
                 new_event.organization_id, new_event.client_ip, new_event.metadata)
            RETURNING agentidp.receipt(a.event_id, a.seq, a.hash) INTO answer;
        ELSE
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
            SELECT json_build_object(
                'events', json_agg(agentidp.receipt(a.event_id, a.seq, a.hash) ORDER BY e.n))
            INTO answer
            FROM unnest(new_events) AS e
            JOIN appended AS a USING (event_id);
        END IF;
    EXCEPTION WHEN unique_violation THEN
        SELECT a.event_id INTO existing
        FROM unnest(coalesce(new_events, ARRAY[new_event])) AS e
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
END $$;
COMMENT ON FUNCTION agentidp_api.append_audit_events(text, bytea, inet, jsonb, jsonb) IS
    'Appends an audit event, or an array of 1 to 1000 of them, all or nothing. Scope audit:write.';
