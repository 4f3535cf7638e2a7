-- What a log serves (C2SP tlog-tiles), and proofs of audit events.

-- The answers of the first three are bytes that are sent as they are. A log is named by the path of its URL, and the
-- parameters of a tile are what the path was read as.

CREATE FUNCTION agentidp_api.log_checkpoint(
    request_id text,
    token_digest bytea,
    client_ip inet,
    parameters jsonb,
    body jsonb,
    OUT status integer,
    OUT answer bytea
)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    PERFORM set_config('application_name', 'bullad/' || request_id, true);
    status := 200;
    answer := convert_to(bulla.log_checkpoint(parameters ->> 'log'), 'UTF8');
END $$;
COMMENT ON FUNCTION agentidp_api.log_checkpoint(text, bytea, inet, jsonb, jsonb) IS
    'The newest checkpoint of a log. For everybody.';

CREATE FUNCTION agentidp_api.log_tile(
    request_id text,
    token_digest bytea,
    client_ip inet,
    parameters jsonb,
    body jsonb,
    OUT status integer,
    OUT answer bytea
)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    PERFORM set_config('application_name', 'bullad/' || request_id, true);
    status := 200;
    answer := bulla.log_tile(parameters ->> 'log', (parameters ->> 'level')::integer,
                             (parameters ->> 'index')::bigint, (parameters ->> 'width')::integer);
END $$;
COMMENT ON FUNCTION agentidp_api.log_tile(text, bytea, inet, jsonb, jsonb) IS
    'A tile of a log''s tree. For everybody.';

CREATE FUNCTION agentidp_api.log_entries(
    request_id text,
    token_digest bytea,
    client_ip inet,
    parameters jsonb,
    body jsonb,
    OUT status integer,
    OUT answer bytea
)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    bound_to CONSTANT uuid := agentidp.begin_request(request_id, token_digest, 'audit:read', '{}', '{}');
    named record;
BEGIN
    SELECT f.ledger, f.chain INTO named FROM bulla.find_log(parameters ->> 'log') AS f;
    IF named.ledger = to_regclass('agentidp.audit_events') THEN
        -- Just that organization's: another one's log is not there for it.
        IF bound_to IS NOT NULL AND named.chain <> bound_to::text THEN
            RAISE EXCEPTION 'there is no log of this origin' USING ERRCODE = 'no_data_found';
        END IF;
    ELSIF NOT agentidp.is_administrator(token_digest) THEN
        RAISE EXCEPTION 'the access token lacks the scope admin'
            USING ERRCODE = 'insufficient_privilege',
                  HINT = 'Rows of other ledgers than the audit events are for administrators.';
    END IF;
    status := 200;
    answer := bulla.log_entries(parameters ->> 'log', (parameters ->> 'index')::bigint,
                                (parameters ->> 'width')::integer);
END $$;
COMMENT ON FUNCTION agentidp_api.log_entries(text, bytea, inet, jsonb, jsonb) IS
    'The records under a tile of level 0. Scope audit:read for audit events, of a token that is bound to an organization those of that; admin for other ledgers.';

CREATE FUNCTION agentidp_api.get_audit_event_proof(
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
    wanted CONSTANT uuid := agentidp.uuid_value(parameters -> 'eventId', 'eventId');
    place record;
    file text;
    heads_file text;
    note text;
BEGIN
    SELECT e.organization_id::text AS chain, e.seq, e.hash INTO place
    FROM agentidp.audit_events AS e
    WHERE e.event_id = wanted AND (bound_to IS NULL OR e.organization_id = bound_to);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no audit event % that you may read', wanted USING ERRCODE = 'no_data_found';
    END IF;
    BEGIN
        file := bulla.proof_file('agentidp.audit_events', place.chain, place.seq);
    EXCEPTION WHEN no_data_found THEN
        RAISE EXCEPTION 'audit event % is not sealed yet', wanted
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = CASE WHEN (SELECT s.log_name FROM bulla.seal_state() AS s) IS NULL
                         THEN 'The log of this database has no name, and so nothing is sealed: bulla.set_log_name gives it one.'
                         ELSE 'Events are sealed regularly, by default every second: ask again.' END;
    END;
    note := substr(file, strpos(file, E'\n\n') + 2);
    BEGIN
        heads_file := bulla.heads_proof('agentidp.audit_events', place.chain, split_part(note, E'\n', 2)::bigint);
    EXCEPTION WHEN no_data_found THEN
        -- bulla.heads is sealed a moment after the chain.
    END;
    status := 200;
    answer := json_build_object(
        'eventId', wanted,
        'origin', split_part(note, E'\n', 1),
        'index', place.seq,
        'size', split_part(note, E'\n', 2)::bigint,
        'hash', encode(place.hash, 'base64'),
        'record', translate(encode(bulla.row_record('agentidp.audit_events', place.chain, place.seq), 'base64'), E'\n', ''),
        -- Behind the first line of the file and the index.
        'hashes', (string_to_array(split_part(file, E'\n\n', 1), E'\n'))[3:],
        'checkpoint', note,
        'tlogProof', file,
        'headsProof', heads_file);
END $$;
COMMENT ON FUNCTION agentidp_api.get_audit_event_proof(text, bytea, inet, jsonb, jsonb) IS
    'Proves that an audit event is in its log: its record, the hashes of RFC 6962, 2.1.1, and a checkpoint, by bulla.proof_file and also as that file; and that bulla.heads tells of this checkpoint, by bulla.heads_proof. Scope audit:read.';

CREATE FUNCTION agentidp_api.get_audit_consistency(
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
        request_id, token_digest, 'audit:read', parameters, '{old,new,organizationId}');
    chain CONSTANT text NOT NULL := coalesce(
        agentidp.allowed_organization(
            bound_to, agentidp.uuid_value(parameters -> 'organizationId', 'organizationId'), 'organizationId'),
        agentidp.system_organization());
    old_size CONSTANT bigint := agentidp.size_value(parameters -> 'old', 'old');
    new_size bigint := agentidp.size_value(parameters -> 'new', 'new');
    note text;
    newest bigint;
BEGIN
    IF old_size IS NULL THEN
        RAISE EXCEPTION 'old is needed' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    note := bulla.checkpoint('agentidp.audit_events', chain);
    newest := split_part(note, E'\n', 2);
    IF newest IS NULL THEN
        RAISE EXCEPTION 'no audit event of organization % is sealed', chain
            USING ERRCODE = 'no_data_found';
    END IF;
    new_size := coalesce(new_size, newest);
    IF new_size > newest THEN
        RAISE EXCEPTION 'new must be at most %, the size of the newest checkpoint, not %', newest, new_size
            USING ERRCODE = 'invalid_parameter_value';
    ELSIF old_size > new_size THEN
        RAISE EXCEPTION 'old must be at most %, the size that it is compared with, not %', new_size, old_size
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    status := 200;
    answer := json_build_object(
        'origin', split_part(note, E'\n', 1),
        'oldSize', old_size,
        'newSize', new_size,
        'hashes', agentidp.base64_array(
            bulla.consistency_proof('agentidp.audit_events', chain, old_size, new_size)));
END $$;
COMMENT ON FUNCTION agentidp_api.get_audit_consistency(text, bytea, inet, jsonb, jsonb) IS
    'Proves that a later tree of an organization''s audit events begins with an earlier one: the hashes of RFC 6962, 2.1.2. Scope audit:read.';
