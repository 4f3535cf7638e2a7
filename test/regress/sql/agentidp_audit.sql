-- Audit events through the functions of the REST service: append, list and get, and every refusal.
\set VERBOSITY terse
\pset format unaligned
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_audit_owner, regress_audit_service;
CREATE ROLE regress_audit_owner;
CREATE ROLE regress_audit_service;
RESET client_min_messages;
SELECT format('GRANT CREATE ON DATABASE %I TO regress_audit_owner', current_database()) \gexec
SET ROLE regress_audit_owner;
CREATE EXTENSION agentidp;
SELECT agentidp.set_up();
SELECT agentidp.add_access_token(sha256('admin'), 'admin', '{admin}');
SELECT agentidp.add_access_token(sha256('one'), 'one', '{audit:read,audit:write}', '10000000-0000-4000-8000-000000000001');
SELECT agentidp.grant_service('regress_audit_service');
RESET ROLE;

-- An operation's answer, or what the service would make of its refusal.
CREATE FUNCTION call(operation text, token text, parameters jsonb, body jsonb DEFAULT NULL) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    result jsonb;
    hint text;
BEGIN
    EXECUTE format('SELECT jsonb_build_object(''status'', status, ''answer'', answer) FROM agentidp_api.%I($1, sha256($2::bytea), ''192.0.2.9'', $3, $4)',
        operation || CASE operation WHEN 'get' THEN '_audit_event' ELSE '_audit_events' END) INTO result USING 'r', token, parameters, body;
    RETURN result;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RETURN jsonb_build_object('refused', sqlstate, 'message', sqlerrm) || CASE WHEN hint <> '' THEN jsonb_build_object('hint', hint) ELSE '{}' END;
END $$;
SET ROLE regress_audit_service;

-- Append one: complete, and with as little as possible.
SELECT a -> 'status' AS status, a #>> '{answer,eventId}' AS event_id, a #> '{answer,seq}' AS seq, length(a #>> '{answer,hash}') AS hash
FROM call('append', 'admin', '{}', '{"eventId": "00000000-0000-4000-8000-000000000001", "occurredAt": "2026-03-01T13:34:56.789012+01:00",
    "action": "token.issued", "outcome": "success", "agentId": "20000000-0000-4000-8000-00000000000A",
    "organizationId": "10000000-0000-4000-8000-000000000001", "clientIp": "2001:DB8::1", "metadata": {"scope": ["a", "b"], "n": 1.50}}') AS a;
SELECT a -> 'status' AS status, a #>> '{answer,eventId}' ~ '^[0-9a-f-]{36}$' AS generated, a #> '{answer,seq}' AS seq
FROM call('append', 'admin', '{}', '{"action": "a", "outcome": "denied"}') AS a;
-- null, where a row may have it.
SELECT a -> 'status' AS status, a #> '{answer,seq}' AS seq
FROM call('append', 'one', '{}', '{"action": "a", "outcome": "failure", "agentId": null, "clientIp": null, "metadata": null}') AS a;
-- The hash and seq in the answer are the row's.
SELECT a ->> 'status' AS status, event ->> 'seq' AS seq,
    event = (SELECT jsonb_build_object('eventId', g #> '{answer,eventId}', 'seq', g #> '{answer,seq}', 'hash', g #> '{answer,hash}')
             FROM call('get', 'admin', jsonb_build_object('eventId', event -> 'eventId')) AS g) AS same
FROM call('append', 'one', '{}', '{"action": "b", "outcome": "success"}') AS a, jsonb_extract_path(a, 'answer') AS event;

-- Append several: answers in the order given, chains in theirs.
SELECT event ->> 'eventId' AS event_id, event -> 'seq' AS seq FROM call('append', 'admin', '{}', '[
    {"eventId": "00000000-0000-4000-8000-000000000011", "action": "m", "outcome": "success", "organizationId": "10000000-0000-4000-8000-000000000003", "occurredAt": "2026-03-02T00:00:00Z"},
    {"eventId": "00000000-0000-4000-8000-000000000012", "action": "m", "outcome": "success", "organizationId": "10000000-0000-4000-8000-000000000002", "occurredAt": "2026-03-02T00:00:00Z"},
    {"eventId": "00000000-0000-4000-8000-000000000013", "action": "m", "outcome": "success", "organizationId": "10000000-0000-4000-8000-000000000003", "occurredAt": "2026-03-02T00:00:00.000001Z"},
    {"eventId": "00000000-0000-4000-8000-000000000014", "action": "m", "outcome": "failure", "organizationId": "10000000-0000-4000-8000-000000000001", "occurredAt": "2026-03-01T00:00:00Z"},
    {"eventId": "00000000-0000-4000-8000-000000000010", "action": "m", "outcome": "success", "organizationId": "10000000-0000-4000-8000-000000000002", "occurredAt": "2026-03-02T00:00:00Z"}]') AS a,
    jsonb_array_elements(a #> '{answer,events}') AS event;
SELECT a -> 'status' AS status, jsonb_array_length(a #> '{answer,events}') FROM call('append', 'one', '{}', '[{"action": "single", "outcome": "success"}]') AS a;
-- A token that is bound to an organization may name it.
SELECT a -> 'status' AS status FROM call('append', 'one', '{}', '{"action": "own", "outcome": "success", "organizationId": "10000000-0000-4000-8000-000000000001"}') AS a;

-- Read one: every field.
SELECT status, answer::jsonb - '{hash,prevHash}'::text[] AS answer, answer ->> 'prevHash' = repeat('00', 32) AS first, answer ->> 'hash' ~ '^[0-9a-f]{64}$' AS hashed
FROM agentidp_api.get_audit_event('r', sha256('admin'), NULL, '{"eventId": "00000000-0000-4000-8000-000000000001"}', NULL);
-- As text: keys in order, the time in UTC with six digits, whatever the session's settings.
SET TimeZone = 'Asia/Tokyo';
SET DateStyle = 'SQL, DMY';
SET bytea_output = 'escape';
SET standard_conforming_strings = off;
SET escape_string_warning = off;
SELECT left(answer::text, 350) FROM agentidp_api.get_audit_event('r', sha256('one'), NULL, '{"eventId": "00000000-0000-4000-8000-000000000001"}', NULL);
SELECT answer #>> '{events,0,occurredAt}' FROM agentidp_api.list_audit_events('r', sha256('admin'), NULL, '{"from": "2026-03-01T12:34:56Z", "to": "2026-03-01t21:34:56.789013+09:00"}', NULL);
RESET ALL;
SELECT (e #> '{answer}') - '{hash,prevHash,occurredAt}'::text[] FROM call('get', 'one', '{"eventId": "00000000-0000-4000-8000-000000000014"}') AS e;
-- Another organization's events are as if they were not.
SELECT call('get', 'one', '{"eventId": "00000000-0000-4000-8000-000000000011"}');
SELECT call('get', 'one', '{"eventId": "00000000-0000-4000-8000-0000000000ff"}');
SELECT call('get', 'admin', '{"eventId": "00000000-0000-4000-8000-0000000000ff"}');

-- List: the ids of a page, shortened.
CREATE FUNCTION pg_temp.ids(token text, parameters jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce((SELECT string_agg(right(e ->> 'eventId', 2), ' ' ORDER BY n) FROM jsonb_array_elements(a #> '{answer,events}') WITH ORDINALITY AS x (e, n)),
        a ->> 'refused', 'none') || CASE WHEN a #>> '{answer,nextCursor}' IS NULL THEN '' ELSE ' ...' END
    FROM call('list', token, parameters || '{"to": "2026-03-03T00:00:00Z"}') AS a
$$;
SELECT pg_temp.ids('admin', '{}') AS all, pg_temp.ids('one', '{}') AS of_one;
SELECT pg_temp.ids('admin', '{"action": "m"}') AS action, pg_temp.ids('admin', '{"outcome": "failure"}') AS outcome,
    pg_temp.ids('admin', '{"agentId": "20000000-0000-4000-8000-00000000000a"}') AS agent,
    pg_temp.ids('admin', '{"organizationId": "10000000-0000-4000-8000-000000000002"}') AS organization,
    pg_temp.ids('one', '{"organizationId": "10000000-0000-4000-8000-000000000001"}') AS own,
    pg_temp.ids('one', '{"organizationId": "10000000-0000-4000-8000-000000000002"}') AS foreign,
    pg_temp.ids('admin', '{"organizationId": "10000000-0000-4000-8000-000000000099"}') AS none;
SELECT pg_temp.ids('admin', '{"from": "2026-03-02T00:00:00Z"}') AS from_is_in, pg_temp.ids('admin', '{"from": "2026-03-02T00:00:00.000001Z"}') AS later,
    pg_temp.ids('admin', '{"action": "m", "outcome": "success", "from": "2026-03-01T00:00:00Z", "limit": "2"}') AS combined;
SELECT string_agg(right(e ->> 'eventId', 2), ' ' ORDER BY n) AS to_is_out
FROM call('list', 'admin', '{"to": "2026-03-02T00:00:00Z"}') AS a, jsonb_array_elements(a #> '{answer,events}') WITH ORDINALITY AS x (e, n);
SELECT call('list', 'admin', '{"from": "2026-03-02T00:00:00Z", "to": "2026-03-02T00:00:00Z"}');
SELECT jsonb_array_length(a #> '{answer,events}') AS newest, a #>> '{answer,events,0,action}' AS action, length(a #>> '{answer,nextCursor}') AS cursor
FROM call('list', 'admin', '{"limit": "1"}') AS a;

-- Pages: each event once, whatever their size, also while events come in before and behind.
CREATE FUNCTION pg_temp.pages(token text, parameters jsonb, meanwhile jsonb DEFAULT NULL) RETURNS TABLE (page int, events text) LANGUAGE plpgsql AS $$
DECLARE
    answer jsonb;
BEGIN
    page := 0;
    LOOP
        page := page + 1;
        answer := call('list', token, parameters || CASE WHEN page > 1 THEN jsonb_build_object('cursor', answer -> 'nextCursor') ELSE '{}' END) -> 'answer';
        events := (SELECT string_agg(right(e ->> 'eventId', 2), ' ' ORDER BY n) FROM jsonb_array_elements(answer -> 'events') WITH ORDINALITY AS x (e, n));
        RETURN NEXT;
        EXIT WHEN answer -> 'nextCursor' = 'null' OR page > 100;
        IF meanwhile IS NOT NULL AND page = 2 THEN
            PERFORM call('append', token, '{}', meanwhile);
        END IF;
    END LOOP;
END $$;
SELECT * FROM pg_temp.pages('admin', '{"limit": "1", "to": "2026-03-03T00:00:00Z"}');
SELECT * FROM pg_temp.pages('admin', '{"limit": "2", "to": "2026-03-03T00:00:00Z"}');
SELECT * FROM pg_temp.pages('admin', '{"limit": "3", "to": "2026-03-03T00:00:00Z"}');
SELECT * FROM pg_temp.pages('one', '{"limit": "1", "to": "2026-03-03T00:00:00Z"}');
SELECT * FROM pg_temp.pages('admin', '{"limit": "2", "action": "m"}', '[
    {"eventId": "00000000-0000-4000-8000-000000000021", "action": "m", "outcome": "success", "occurredAt": "2026-03-02T00:00:00Z"},
    {"eventId": "00000000-0000-4000-8000-000000000022", "action": "m", "outcome": "success", "occurredAt": "2026-02-02T00:00:00Z"}]');
-- A cursor that lies before "to" does not reach beyond it, and one may go on with another filter.
SELECT a #>> '{answer,nextCursor}' AS cursor FROM call('list', 'admin', '{"action": "m", "limit": "1"}') AS a \gset
SELECT pg_temp.ids('admin', jsonb_build_object('cursor', :'cursor')) AS after_it,
    (SELECT string_agg(right(e ->> 'eventId', 2), ' ' ORDER BY n)
     FROM call('list', 'admin', jsonb_build_object('cursor', :'cursor', 'to', '2026-03-01T12:34:56Z')) AS a, jsonb_array_elements(a #> '{answer,events}') WITH ORDINALITY AS x (e, n)) AS before_to;

-- A page ends before 4 MiB.
SELECT a -> 'status' AS status FROM call('append', 'admin', '{}', (SELECT jsonb_agg(jsonb_build_object('action', 'big', 'outcome', 'success',
    'metadata', jsonb_build_object('m', repeat('x', 65000)))) FROM generate_series(1, 140))) AS a;
SELECT jsonb_array_length(a #> '{answer,events}') AS events, length(a #>> '{answer,nextCursor}') AS cursor, octet_length(a ->> 'answer') <= 4 * 1024 * 1024 AS fits
FROM call('list', 'admin', '{"action": "big", "limit": "1000"}') AS a;

-- Every refusal of an event.
CREATE FUNCTION pg_temp.with_fields(fields jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT '{"action": "a", "outcome": "success"}' || fields $$;
SELECT call('append', 'admin', '{}', body) FROM (VALUES
    (10, NULL::jsonb), (11, 'null'), (12, '5'), (13, '"text"'), (14, '[]'), (15, '{}'), (16, '[[]]'), (17, '[null]'),
    (20, '{"action": "a"}'), (21, '{"outcome": "success"}'),
    (30, pg_temp.with_fields('{"agentid": "x"}')), (31, pg_temp.with_fields('{"seq": 1, "hash": ""}')),
    (32, pg_temp.with_fields(jsonb_build_object(repeat('long ', 20), 1))),
    (40, pg_temp.with_fields('{"action": null}')), (41, pg_temp.with_fields('{"action": 5}')), (42, pg_temp.with_fields('{"action": ""}')),
    (43, pg_temp.with_fields('{"action": "two words"}')), (44, pg_temp.with_fields('{"action": ".a"}')), (45, pg_temp.with_fields('{"action": "a\nERROR: b"}')),
    (46, pg_temp.with_fields(jsonb_build_object('action', repeat('a', 201)))),
    (50, pg_temp.with_fields('{"outcome": null}')), (51, pg_temp.with_fields('{"outcome": "Success"}')), (52, pg_temp.with_fields('{"outcome": ["success"]}')),
    (60, pg_temp.with_fields('{"eventId": "x"}')), (61, pg_temp.with_fields('{"eventId": 5}')), (62, pg_temp.with_fields('{"agentId": "{20000000-0000-4000-8000-00000000000a}"}')),
    (63, pg_temp.with_fields('{"organizationId": "2000000000004000800000000000000a"}')), (64, pg_temp.with_fields('{"agentId": {}}')),
    (65, pg_temp.with_fields('{"eventId": null}')), (66, pg_temp.with_fields('{"organizationId": null}')), (67, pg_temp.with_fields('{"occurredAt": null}')),
    (70, pg_temp.with_fields('{"clientIp": "10.0.0.0/8"}')), (71, pg_temp.with_fields('{"clientIp": "10.0.0.256"}')), (72, pg_temp.with_fields('{"clientIp": "host"}')),
    (73, pg_temp.with_fields('{"clientIp": 1}')),
    (80, pg_temp.with_fields('{"metadata": []}')), (81, pg_temp.with_fields('{"metadata": "{}"}')),
    (82, pg_temp.with_fields(jsonb_build_object('metadata', jsonb_build_object('m', repeat('x', 65528))))),
    (83, pg_temp.with_fields('{"metadata": {"a": 1e70000}}'))) AS b (n, body) ORDER BY n;
-- Times: RFC 3339 with a zone, nothing that would be changed.
SELECT t, call('append', 'admin', '{}', pg_temp.with_fields(jsonb_build_object('occurredAt', t))) ->> 'refused' AS refused
FROM (VALUES ('2026-03-01T12:34:56Z'), ('2026-03-01t12:34:56.1z'), ('2026-03-01T12:34:56.123456+14:59'), ('2024-02-29T23:59:59-14:00'),
    ('1970-01-01T00:00:00Z'), ('1969-12-31T23:00:00-01:00'), ('2199-12-31T23:59:59.999999Z'),
    ('2026-02-29T12:34:56Z'), ('2026-13-01T12:34:56Z'), ('2026-00-01T12:34:56Z'), ('2026-01-00T12:34:56Z'), ('2026-01-32T12:34:56Z'),
    ('2026-01-01T24:00:00Z'), ('2026-01-01T23:60:00Z'), ('2026-01-01T23:59:60Z'), ('2026-03-01T12:34:56.1234567Z'), ('2026-03-01T12:34:56.Z'),
    ('2026-03-01T12:34:56'), ('2026-03-01'), ('2026-03-01 12:34:56Z'), ('2026-03-01T12:34:56+05'), ('2026-03-01T12:34:56+0530'),
    ('2026-03-01T12:34:56+15:00'), ('0000-01-01T00:00:00Z'), ('9999-01-01T00:00:00Z'), ('1969-12-31T23:59:59Z'), ('2200-01-01T00:00:00Z'),
    ('infinity'), ('now'), ('epoch'), (''), (E'2026-03-01T12:34:56Z\n'), ('٢٠٢٦-03-01T12:34:56Z')) AS times (t);
SELECT call('append', 'admin', '{}', pg_temp.with_fields('{"occurredAt": 1767225600}'));
-- In an array the place is named; nothing is appended of one that has a fault.
SELECT count(*) AS events FROM call('list', 'one', '{"limit": "1000"}') AS a, jsonb_array_elements(a #> '{answer,events}') \gset
SELECT call('append', 'one', '{}', '[{"action": "a", "outcome": "success"}, {"action": "a", "outcome": "success"}, {"action": "a", "outcome": "no"}, {"action": 5}]');
SELECT call('append', 'one', '{}', '[{"action": "a", "outcome": "success"}, 5]');
SELECT call('append', 'one', '{}', '[{"action": "a", "outcome": "success"}, {"outcome": "success"}]');
SELECT call('append', 'one', '{}', '[{"action": "a", "outcome": "success", "x": 1}]');
SELECT call('append', 'one', '{}', '[{"action": "a", "outcome": "success"}, {"action": "a", "outcome": "success", "organizationId": "10000000-0000-4000-8000-000000000002"}]');
SELECT call('append', 'one', '{}', '[{"action": "a", "outcome": "success", "eventId": "00000000-0000-4000-8000-000000000031"}, {"action": "a", "outcome": "success"},
    {"action": "a", "outcome": "success", "eventId": "00000000-0000-4000-8000-000000000031"}]');
SELECT call('append', 'one', '{}', (SELECT jsonb_agg('{"action": "a", "outcome": "success"}'::jsonb) FROM generate_series(1, 1001)));
-- An id that is there already is named, also where it is another organization's.
SELECT call('append', 'one', '{}', '{"action": "a", "outcome": "success", "eventId": "00000000-0000-4000-8000-000000000001"}');
SELECT call('append', 'one', '{}', '[{"action": "a", "outcome": "success"}, {"action": "a", "outcome": "success", "eventId": "00000000-0000-4000-8000-000000000012"},
    {"action": "a", "outcome": "success", "eventId": "00000000-0000-4000-8000-000000000001"}]');
SELECT call('append', 'one', '{}', '{"action": "a", "outcome": "success", "organizationId": "10000000-0000-4000-8000-000000000002"}');
SELECT count(*) - :events AS appended FROM call('list', 'one', '{"limit": "1000"}') AS a, jsonb_array_elements(a #> '{answer,events}');

-- Every refusal of parameters.
SELECT call('list', 'admin', p) FROM (VALUES
    (1, '{"organisationId": "10000000-0000-4000-8000-000000000002"}'::jsonb), (2, '{"action": ""}'), (3, '{"outcome": "ok"}'), (4, '{"agentId": "me"}'),
    (5, '{"organizationId": "1"}'), (6, '{"from": "yesterday"}'), (7, '{"to": "2026-03-01T00:00:00 01:00"}'), (8, '{"limit": "0"}'), (9, '{"limit": "1001"}'),
    (10, '{"limit": "01"}'), (11, '{"limit": "1e2"}'), (12, '{"limit": "-1"}'), (13, '{"cursor": ""}'), (14, '{"cursor": "AAZg2xyS9HK_TQ7-97lO8ot7SymnGa-"}'),
    (15, '{"cursor": "__________________________________"}'), (16, '{"cursor": "________________________________"}'),
    (17, '{"cursor": "ACD/AAAAAAAAAAAAAAAAAAAAAAAAAAAA"}'), (18, '{"cursor": "AB__________AAAAAAAAAAAAAAAAAAAA"}'), (19, '{"cursor": "%"}')) AS c (n, p) ORDER BY n;
SELECT call('get', 'admin', '{}');
SELECT call('get', 'admin', '{"eventId": "x"}');
SELECT call('get', 'admin', '{"eventId": "00000000-0000-4000-8000-000000000001", "x": ""}');
SELECT call('append', 'admin', '{"dryRun": "true"}', '{"action": "a", "outcome": "success"}');
SELECT call('verify', 'admin', '{"organizationId": "10000000-0000-4000-8000-000000000002"}');

-- More organizations in one request than bulla locks one by one.
SELECT a -> 'status' AS status, jsonb_array_length(a #> '{answer,events}') AS events
FROM call('append', 'admin', '{}', (SELECT jsonb_agg(pg_temp.with_fields(jsonb_build_object('organizationId', format('30000000-0000-4000-8000-%s', lpad((g % 90)::text, 12, '0'))))) FROM generate_series(1, 900) AS g)) AS a;
RESET ROLE;
SELECT verified, rows_checked > 1000 AS many, chains FROM bulla.verify_summary('agentidp.audit_events');

-- The owner erases where somebody came from and what was said of them: null, and named.
SET ROLE regress_audit_owner;
SELECT action, bulla.erase('agentidp.audit_events', organization_id::text, seq, '{client_ip,metadata}', 'request 1') AS erased
FROM agentidp.audit_events WHERE event_id IN ('00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000014') ORDER BY seq;
SET ROLE regress_audit_service;
SELECT bulla.erase('agentidp.audit_events', '', 0, '{client_ip}', 'x');
SELECT (e #> '{answer}') - '{hash,prevHash,occurredAt}'::text[] FROM call('get', 'one', '{"eventId": "00000000-0000-4000-8000-000000000001"}') AS e;
SELECT e -> 'clientIp', e -> 'metadata', e -> 'erased' FROM call('list', 'one', '{"action": "token.issued"}') AS a,
    jsonb_array_elements(a #> '{answer,events}') AS e WHERE e ->> 'eventId' = '00000000-0000-4000-8000-000000000001';
SELECT a #> '{answer,verified}' AS verified, a #> '{answer,verdict}' AS verdict FROM call('verify', 'one', '{}') AS a;
RESET ROLE;
SELECT verified, notes FROM bulla.verify_summary('agentidp.audit_events');

SET client_min_messages = warning;
SET bulla.restore = on;
DROP EXTENSION agentidp CASCADE;
DROP OWNED BY regress_audit_owner, regress_audit_service;
DROP ROLE regress_audit_owner, regress_audit_service;
