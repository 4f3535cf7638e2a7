-- Values of requests: from text to a type, or an error that names the field and says what is allowed.
-- NULL, a value that was not given, stays NULL.

CREATE FUNCTION agentidp.shown(value text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN pg_catalog.to_json(CASE WHEN pg_catalog.length(value) OPERATOR(pg_catalog.>) 60
                              THEN pg_catalog.left(value, 60) OPERATOR(pg_catalog.||) '…' ELSE value END);
COMMENT ON FUNCTION agentidp.shown(text) IS
    'A value of a caller as an error message may quote it: in quotation marks, shortened, on one line.';

CREATE FUNCTION agentidp.time_text(value timestamp with time zone) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN pg_catalog.to_char(value AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
COMMENT ON FUNCTION agentidp.time_text(timestamp with time zone) IS
    'A time as answers give it: RFC 3339 in UTC, always with six fractional digits.';

CREATE FUNCTION agentidp.time_value(value text, field text) RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    parsed timestamp with time zone;
BEGIN
    IF value IS NULL THEN
        RETURN NULL;
    END IF;
    BEGIN
        -- Only what is exact: PostgreSQL itself would round a seventh digit and turn second 60 into the next 0.
        IF value ~ '^\d{4}-\d\d-\d\d[Tt]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?([Zz]|[+-](0\d|1[0-4]):[0-5]\d)$' THEN
            parsed := value::timestamp with time zone;
        END IF;
    EXCEPTION WHEN datetime_field_overflow THEN
        -- No such day, as 30 February.
    END;
    IF parsed IS NULL OR NOT agentidp.is_time(parsed) THEN
        RAISE EXCEPTION '% must be a time of RFC 3339 with a zone and at most six fractional digits, from 1970 to 2199, not %',
            field, agentidp.shown(value)
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'For example 2026-03-01T12:34:56.789012Z. In a URL, + is written %2B.';
    END IF;
    RETURN parsed;
END $$;
COMMENT ON FUNCTION agentidp.time_value(text, text) IS
    'Reads a time of RFC 3339. What PostgreSQL would change silently is refused.';

CREATE FUNCTION agentidp.is_time(value timestamp with time zone) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN value OPERATOR(pg_catalog.>=) '1970-01-01 00:00:00+00'::timestamp with time zone
       AND value OPERATOR(pg_catalog.<) '2200-01-01 00:00:00+00'::timestamp with time zone;
COMMENT ON FUNCTION agentidp.is_time(timestamp with time zone) IS
    'Whether an event can have happened then: years 1970 to 2199, in UTC.';

CREATE FUNCTION agentidp.uuid_value(value text, field text) RETURNS uuid
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    IF value !~ '^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$' THEN
        RAISE EXCEPTION '% must be a UUID, not %', field, agentidp.shown(value)
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'For example 7d0c1a52-58f5-4b7b-9c4e-6d1f0b2c3a4d.';
    END IF;
    RETURN value::uuid;
END $$;
COMMENT ON FUNCTION agentidp.uuid_value(text, text) IS 'Reads a UUID in its usual form, with hyphens.';

CREATE FUNCTION agentidp.address_value(value text, field text) RETURNS inet
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    IF strpos(value, '/') = 0 THEN
        RETURN value::inet;
    ELSIF value IS NULL THEN
        RETURN NULL;
    END IF;
    RAISE invalid_text_representation;
EXCEPTION WHEN invalid_text_representation THEN
    RAISE EXCEPTION '% must be an IPv4 or IPv6 address, not %', field, agentidp.shown(value)
        USING ERRCODE = 'invalid_parameter_value', HINT = 'For example 192.0.2.1 or 2001:db8::1.';
END $$;
COMMENT ON FUNCTION agentidp.address_value(text, text) IS 'Reads the address of one host.';

CREATE FUNCTION agentidp.is_action(value text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN value COLLATE "C" OPERATOR(pg_catalog.~) '^[A-Za-z0-9][A-Za-z0-9._:/-]*$'
       AND pg_catalog.length(value) OPERATOR(pg_catalog.<=) 200;
COMMENT ON FUNCTION agentidp.is_action(text) IS
    'Whether a text can be the action of an event: 1 to 200 of A-Z a-z 0-9 . _ : / -, a letter or digit first. AgentIdP''s own are lower-case words with dots, such as access_token.added.';

CREATE FUNCTION agentidp.action_value(value text, field text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    IF NOT agentidp.is_action(value) THEN
        RAISE EXCEPTION '% must be 1 to 200 of A-Z a-z 0-9 . _ : / - with a letter or digit first, not %',
            field, agentidp.shown(value)
            USING ERRCODE = 'invalid_parameter_value', HINT = 'For example token.issued.';
    END IF;
    RETURN value;
END $$;
COMMENT ON FUNCTION agentidp.action_value(text, text) IS 'Reads the action of an event.';

CREATE FUNCTION agentidp.is_outcome(value text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN value OPERATOR(pg_catalog.=) ANY ('{success,failure,denied}'::text[]);
COMMENT ON FUNCTION agentidp.is_outcome(text) IS
    'Whether a text can be the outcome of an event: success; failure, it was allowed and did not work; denied, it was not allowed.';

CREATE FUNCTION agentidp.outcome_value(value text, field text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    IF NOT agentidp.is_outcome(value) THEN
        RAISE EXCEPTION '% must be success, failure or denied, not %', field, agentidp.shown(value)
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN value;
END $$;
COMMENT ON FUNCTION agentidp.outcome_value(text, text) IS 'Reads the outcome of an event.';

CREATE FUNCTION agentidp.is_metadata(value jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN pg_catalog.jsonb_typeof(value) OPERATOR(pg_catalog.=) 'object'
       AND pg_catalog.octet_length(value::text) OPERATOR(pg_catalog.<=) 65536;
COMMENT ON FUNCTION agentidp.is_metadata(jsonb) IS
    'Whether a value can be the metadata of an event: an object, at most 65536 bytes as PostgreSQL prints it.';

CREATE FUNCTION agentidp.refuse_unknown(object jsonb, known text[], place text) RETURNS void
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    unknown text;
BEGIN
    IF object - known <> '{}' THEN
        SELECT min(key COLLATE "C") INTO unknown FROM jsonb_object_keys(object - known) AS key;
        RAISE EXCEPTION '%', place || agentidp.shown(unknown) || ' is not known here'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = CASE WHEN known = '{}' THEN 'There are none.'
                         ELSE 'Known are ' || array_to_string(known, ', ') || '.' END;
    END IF;
END $$;
COMMENT ON FUNCTION agentidp.refuse_unknown(jsonb, text[], text) IS
    'Refuses a member of an object that is not known: a filter or field with a slip of the pen in its name must not be left out silently.';
