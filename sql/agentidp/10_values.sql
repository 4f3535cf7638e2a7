-- Values of requests: from JSON to a type, or an error that names the field and says what is allowed. A value
-- that was not given, which JSON's null is not, gives NULL: that is what STRICT says. They run for each field of up
-- to 1000 events, and so do without a search_path of their own.
--
-- What a CHECK constraint calls is PL/pgSQL: functions in SQL would be read, inlined and planned anew by each INSERT,
-- which took a third of its time.

CREATE FUNCTION agentidp.field_name(field text, n bigint) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE n WHEN 0 THEN '' ELSE 'events[' || n - 1 || '].' END || field;
COMMENT ON FUNCTION agentidp.field_name(text, bigint) IS
    'What errors call a field: that of the n-th event of an array or, for 0, as it is.';

CREATE FUNCTION agentidp.shown(value jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN length(value::text) > 60 THEN left(value::text, 60) || '...' ELSE value::text END;
COMMENT ON FUNCTION agentidp.shown(jsonb) IS
    'A value of a caller as an error message may quote it: as JSON, so on one line, and shortened.';

CREATE FUNCTION agentidp.time_text(value timestamp with time zone) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN to_char(value AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
COMMENT ON FUNCTION agentidp.time_text(timestamp with time zone) IS
    'A time as answers give it: RFC 3339 in UTC, always with six fractional digits.';

CREATE FUNCTION agentidp.is_time(value timestamp with time zone) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
BEGIN
    RETURN value OPERATOR(pg_catalog.>=) '1970-01-01 00:00:00+00'::timestamp with time zone
       AND value OPERATOR(pg_catalog.<) '2200-01-01 00:00:00+00'::timestamp with time zone;
END $$;
COMMENT ON FUNCTION agentidp.is_time(timestamp with time zone) IS
    'Whether an event can have happened then: years 1970 to 2199, in UTC.';

CREATE FUNCTION agentidp.time_value(value jsonb, field text, n bigint DEFAULT 0) RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
    AS $$
DECLARE
    given CONSTANT text := value OPERATOR(pg_catalog.#>>) '{}';
    parsed timestamp with time zone;
BEGIN
    -- Only what is exact: PostgreSQL itself would round a seventh digit and turn second 60 into the next 0.
    IF given OPERATOR(pg_catalog.~)
       '^[0-9]{4}-[0-9][0-9]-[0-9][0-9][Tt]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{1,6})?([Zz]|[+-](0[0-9]|1[0-4]):[0-5][0-9])$' THEN
        BEGIN
            parsed := given::timestamp with time zone;
        EXCEPTION WHEN datetime_field_overflow THEN
            -- There is no such day, as 30 February.
        END;
    END IF;
    IF agentidp.is_time(parsed) THEN
        RETURN parsed;
    END IF;
    RAISE EXCEPTION
        '% must be a time of RFC 3339 with a zone, at most six fractional digits and a year from 1970 to 2199, not %',
        agentidp.field_name(field, n), agentidp.shown(value)
        USING ERRCODE = 'invalid_parameter_value',
              HINT = 'For example 2026-03-01T12:34:56.789012Z. In a URL, + is written %2B.';
END $$;
COMMENT ON FUNCTION agentidp.time_value(jsonb, text, bigint) IS
    'Reads a time of RFC 3339. What PostgreSQL would change silently is refused.';

CREATE FUNCTION agentidp.uuid_value(value jsonb, field text, n bigint DEFAULT 0) RETURNS uuid
    LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
    AS $$
DECLARE
    given CONSTANT text := value OPERATOR(pg_catalog.#>>) '{}';
BEGIN
    -- In one form alone: PostgreSQL takes others, too. (With {8} and {4} the expression takes four times as long.)
    IF given OPERATOR(pg_catalog.~~) '________-____-____-____-____________'
       AND given OPERATOR(pg_catalog.~) '^[0-9A-Fa-f]*-[0-9A-Fa-f]*-[0-9A-Fa-f]*-[0-9A-Fa-f]*-[0-9A-Fa-f]*$' THEN
        RETURN given::uuid;
    END IF;
    RAISE EXCEPTION '% must be a UUID, not %', agentidp.field_name(field, n), agentidp.shown(value)
        USING ERRCODE = 'invalid_parameter_value', HINT = 'For example 7d0c1a52-58f5-4b7b-9c4e-6d1f0b2c3a4d.';
END $$;
COMMENT ON FUNCTION agentidp.uuid_value(jsonb, text, bigint) IS 'Reads a UUID in its usual form, with hyphens.';

CREATE FUNCTION agentidp.address_value(value jsonb, field text, n bigint DEFAULT 0) RETURNS inet
    LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
    AS $$
DECLARE
    given CONSTANT text := value OPERATOR(pg_catalog.#>>) '{}';
    parsed inet;
BEGIN
    BEGIN
        parsed := given::inet;
    EXCEPTION WHEN invalid_text_representation THEN
    END;
    -- One host, not a network.
    IF parsed IS NOT NULL AND pg_catalog.strpos(given, '/') OPERATOR(pg_catalog.=) 0 THEN
        RETURN parsed;
    END IF;
    RAISE EXCEPTION '% must be an IPv4 or IPv6 address, not %', agentidp.field_name(field, n), agentidp.shown(value)
        USING ERRCODE = 'invalid_parameter_value', HINT = 'For example 192.0.2.1 or 2001:db8::1.';
END $$;
COMMENT ON FUNCTION agentidp.address_value(jsonb, text, bigint) IS 'Reads the address of one host.';

CREATE FUNCTION agentidp.is_action(value text) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
BEGIN
    RETURN value COLLATE "C" OPERATOR(pg_catalog.~) '^[A-Za-z0-9][A-Za-z0-9._:/-]*$'
       AND pg_catalog.length(value) OPERATOR(pg_catalog.<=) 200;
END $$;
COMMENT ON FUNCTION agentidp.is_action(text) IS
    'Whether a text can be the action of an event: 1 to 200 of A-Z a-z 0-9 . _ : / - with a letter or digit first. AgentIdP''s own are lower-case words with dots, such as access_token.added.';

CREATE FUNCTION agentidp.action_value(value jsonb, field text, n bigint DEFAULT 0) RETURNS text
    LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
    AS $$
BEGIN
    IF pg_catalog.jsonb_typeof(value) OPERATOR(pg_catalog.=) 'string'
       AND agentidp.is_action(value OPERATOR(pg_catalog.#>>) '{}') THEN
        RETURN value OPERATOR(pg_catalog.#>>) '{}';
    END IF;
    RAISE EXCEPTION '% must be 1 to 200 of A-Z a-z 0-9 . _ : / - with a letter or digit first, not %',
        agentidp.field_name(field, n), agentidp.shown(value)
        USING ERRCODE = 'invalid_parameter_value', HINT = 'For example token.issued.';
END $$;
COMMENT ON FUNCTION agentidp.action_value(jsonb, text, bigint) IS 'Reads the action of an event.';

CREATE FUNCTION agentidp.is_outcome(value text) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
BEGIN
    RETURN value OPERATOR(pg_catalog.=) ANY ('{success,failure,denied}'::text[]);
END $$;
COMMENT ON FUNCTION agentidp.is_outcome(text) IS
    'Whether a text can be the outcome of an event: success; failure, it was allowed and did not work; denied, it was not allowed.';

CREATE FUNCTION agentidp.outcome_value(value jsonb, field text, n bigint DEFAULT 0) RETURNS text
    LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
    AS $$
BEGIN
    IF agentidp.is_outcome(value OPERATOR(pg_catalog.#>>) '{}') THEN
        RETURN value OPERATOR(pg_catalog.#>>) '{}';
    END IF;
    RAISE EXCEPTION '% must be success, failure or denied, not %', agentidp.field_name(field, n), agentidp.shown(value)
        USING ERRCODE = 'invalid_parameter_value';
END $$;
COMMENT ON FUNCTION agentidp.outcome_value(jsonb, text, bigint) IS 'Reads the outcome of an event.';

CREATE FUNCTION agentidp.is_metadata(value jsonb) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
BEGIN
    RETURN pg_catalog.jsonb_typeof(value) OPERATOR(pg_catalog.=) 'object'
       AND pg_catalog.octet_length(value::text) OPERATOR(pg_catalog.<=) 65536;
END $$;
COMMENT ON FUNCTION agentidp.is_metadata(jsonb) IS
    'Whether a value can be the metadata of an event: an object, at most 65536 bytes as PostgreSQL prints it.';

CREATE FUNCTION agentidp.metadata_value(value jsonb, field text, n bigint DEFAULT 0) RETURNS jsonb
    LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
    AS $$
BEGIN
    IF agentidp.is_metadata(value) THEN
        RETURN value;
    END IF;
    -- It is not quoted: what stands in an error stands in the server's log.
    RAISE EXCEPTION '% must be an object of at most 65536 bytes', agentidp.field_name(field, n)
        USING ERRCODE = 'invalid_parameter_value';
END $$;
COMMENT ON FUNCTION agentidp.metadata_value(jsonb, text, bigint) IS 'Reads the metadata of an event.';

CREATE FUNCTION agentidp.limit_value(value jsonb, field text) RETURNS integer
    LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
    AS $$
DECLARE
    given CONSTANT text := value OPERATOR(pg_catalog.#>>) '{}';
BEGIN
    IF given OPERATOR(pg_catalog.~) '^([1-9][0-9]{0,2}|1000)$' THEN
        RETURN given::integer;
    END IF;
    RAISE EXCEPTION '% must be a number from 1 to 1000, not %', field, agentidp.shown(value)
        USING ERRCODE = 'invalid_parameter_value';
END $$;
COMMENT ON FUNCTION agentidp.limit_value(jsonb, text) IS 'Reads how many events an answer may have.';

CREATE FUNCTION agentidp.size_value(value jsonb, field text) RETURNS bigint
    LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
    AS $$
DECLARE
    given CONSTANT text := value OPERATOR(pg_catalog.#>>) '{}';
BEGIN
    IF given OPERATOR(pg_catalog.~) '^(0|[1-9][0-9]{0,17})$' THEN
        RETURN given::bigint;
    END IF;
    RAISE EXCEPTION '% must be a whole number from 0 on, of at most 18 digits, not %', field, agentidp.shown(value)
        USING ERRCODE = 'invalid_parameter_value';
END $$;
COMMENT ON FUNCTION agentidp.size_value(jsonb, text) IS 'Reads the size of a tree.';

CREATE FUNCTION agentidp.base64_array(hashes bytea[]) RETURNS json
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (SELECT coalesce(json_agg(encode(h.hash, 'base64') ORDER BY h.n), '[]')
            FROM unnest(hashes) WITH ORDINALITY AS h (hash, n));
COMMENT ON FUNCTION agentidp.base64_array(bytea[]) IS 'Hashes of a proof as answers give them.';

CREATE FUNCTION agentidp.refuse_unknown(object jsonb, known text[], place text) RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = 'invalid_parameter_value',
        MESSAGE = pg_catalog.format('%s%s is not known here', place, agentidp.shown(
            (SELECT pg_catalog.to_jsonb(pg_catalog.min(key))
             FROM pg_catalog.jsonb_object_keys(object OPERATOR(pg_catalog.-) known) AS key))),
        HINT = CASE WHEN known OPERATOR(pg_catalog.=) '{}' THEN 'This operation takes none.'
               ELSE pg_catalog.format('Known are %s.', pg_catalog.array_to_string(known, ', ')) END;
END $$;
COMMENT ON FUNCTION agentidp.refuse_unknown(jsonb, text[], text) IS
    'Refuses the first member of an object that is not known: a filter or field whose name has a slip must not be left out silently.';
