-- Reading audit events.

CREATE FUNCTION agentidp.cursor_text(occurred_at timestamp with time zone, event_id uuid) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT translate(encode(int8send((extract(epoch FROM occurred_at) * 1000000)::bigint) || uuid_send(event_id),
                            'base64'), '+/', '-_')
$$;
COMMENT ON FUNCTION agentidp.cursor_text(timestamp with time zone, uuid) IS
    'Where a page ended, for the request of the next one: the time and id of its last event, 24 bytes in base64url.';

CREATE FUNCTION agentidp.cursor_value(
    value text,
    OUT occurred_at timestamp with time zone,
    OUT event_id uuid
)
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    bytes bytea;
BEGIN
    IF value ~ '^[A-Za-z0-9_-]{32}$' THEN
        bytes := decode(translate(value, '-_', '+/'), 'base64');
        -- Microseconds since 1970, up to the year 2255: others could be more than a time can hold.
        IF get_byte(bytes, 0) = 0 AND get_byte(bytes, 1) < 32 THEN
            occurred_at := timestamp with time zone 'epoch'
                + ('x' || encode(substr(bytes, 1, 8), 'hex'))::bit(64)::bigint * interval '1 microsecond';
            event_id := encode(substr(bytes, 9), 'hex')::uuid;
        END IF;
    END IF;
    IF value IS NOT NULL AND agentidp.is_time(occurred_at) IS NOT TRUE THEN
        RAISE EXCEPTION 'cursor must be the nextCursor of an earlier answer, not %', agentidp.shown(to_jsonb(value))
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Leave it out for the first page.';
    END IF;
END $$;
COMMENT ON FUNCTION agentidp.cursor_value(text) IS 'Reads what agentidp.cursor_text wrote.';

CREATE FUNCTION agentidp_api.list_audit_events(
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
    bound_to CONSTANT uuid := agentidp.begin_request(request_id, token_digest, 'audit:read', parameters,
        '{action,outcome,agentId,organizationId,from,to,limit,cursor}');
    organization uuid;
    agent uuid;
    wanted_action text;
    wanted_outcome text;
    not_before timestamp with time zone;
    page_limit integer;
    start record;
BEGIN
    organization := agentidp.allowed_organization(
        bound_to, agentidp.uuid_value(parameters -> 'organizationId', 'organizationId'), 'organizationId');
    agent := agentidp.uuid_value(parameters -> 'agentId', 'agentId');
    wanted_action := agentidp.action_value(parameters -> 'action', 'action');
    wanted_outcome := agentidp.outcome_value(parameters -> 'outcome', 'outcome');
    not_before := agentidp.time_value(parameters -> 'from', 'from');
    page_limit := coalesce(agentidp.limit_value(parameters -> 'limit', 'limit'), 100);
    -- The page begins behind the cursor, "to", or the newest event: whichever comes last in the order.
    SELECT p.* INTO start
    FROM (VALUES (timestamp with time zone 'infinity', uuid '00000000-0000-0000-0000-000000000000'),
                 (agentidp.time_value(parameters -> 'to', 'to'), '00000000-0000-0000-0000-000000000000')
          UNION ALL
          SELECT c.occurred_at, c.event_id FROM agentidp.cursor_value(parameters ->> 'cursor') AS c
         ) AS p (occurred_at, event_id)
    WHERE p.occurred_at IS NOT NULL
    ORDER BY p.occurred_at, p.event_id
    LIMIT 1;

    -- EXECUTE, so that each request is planned with what it filters by: each then reads along its index.
    EXECUTE $query$
        WITH found AS (
            SELECT e.occurred_at,
                   e.event_id,
                   agentidp.event_json(e.event_id, e.occurred_at, e.action, e.outcome, e.agent_id,
                                       e.organization_id, e.client_ip, e.metadata, e.seq, e.prev_hash, e.hash, e.openings) AS event
            FROM agentidp.audit_events AS e
            WHERE (e.occurred_at, e.event_id) < ($1, $2)
              AND ($3 IS NULL OR e.occurred_at >= $3)
              AND ($4 IS NULL OR e.organization_id = $4)
              AND ($5 IS NULL OR e.agent_id = $5)
              AND ($6 IS NULL OR e.action = $6)
              AND ($7 IS NULL OR e.outcome = $7)
            ORDER BY e.occurred_at DESC, e.event_id DESC
            -- One more than the page has: whether there is a next one.
            LIMIT $8 + 1
        ), counted AS (
            SELECT f.*,
                   row_number() OVER newest AS n,
                   sum(octet_length(f.event::text)) OVER newest AS bytes
            FROM found AS f
            WINDOW newest AS (ORDER BY f.occurred_at DESC, f.event_id DESC ROWS UNBOUNDED PRECEDING)
        ), page AS (
            SELECT c.*, c.n <= $8 AND c.bytes <= 4 * 1024 * 1024 AS fits FROM counted AS c
        )
        SELECT json_build_object(
            'events', coalesce(json_agg(p.event ORDER BY p.n) FILTER (WHERE p.fits), '[]'),
            'nextCursor', CASE WHEN NOT bool_and(p.fits) THEN
                (SELECT agentidp.cursor_text(l.occurred_at, l.event_id)
                 FROM page AS l WHERE l.fits ORDER BY l.n DESC LIMIT 1) END)
        FROM page AS p
    $query$
    INTO answer
    USING start.occurred_at, start.event_id, not_before, organization, agent, wanted_action, wanted_outcome, page_limit;
    status := 200;
END $$;
COMMENT ON FUNCTION agentidp_api.list_audit_events(text, bytea, inet, jsonb, jsonb) IS
    'Lists audit events, newest first, in pages. Scope audit:read.';

CREATE FUNCTION agentidp_api.get_audit_event(
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
    bound_to CONSTANT uuid := agentidp.begin_request(
        request_id, token_digest, 'audit:read', parameters, '{eventId}');
    wanted uuid;
BEGIN
    wanted := agentidp.uuid_value(parameters -> 'eventId', 'eventId');
    IF wanted IS NULL THEN
        RAISE EXCEPTION 'eventId is needed' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT agentidp.event_json(e.event_id, e.occurred_at, e.action, e.outcome, e.agent_id,
                               e.organization_id, e.client_ip, e.metadata, e.seq, e.prev_hash, e.hash, e.openings)
    INTO answer
    FROM agentidp.audit_events AS e
    WHERE e.event_id = wanted AND (bound_to IS NULL OR e.organization_id = bound_to);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no audit event % that you may read', wanted USING ERRCODE = 'no_data_found';
    END IF;
    status := 200;
END $$;
COMMENT ON FUNCTION agentidp_api.get_audit_event(text, bytea, inet, jsonb, jsonb) IS
    'Reads one audit event. Scope audit:read.';
