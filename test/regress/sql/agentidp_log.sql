-- What a log serves and proves through AgentIdP. (Over HTTP, and computed again: test/frontend/test_log.py.)
\set VERBOSITY terse
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_proofs_owner;
CREATE ROLE regress_proofs_owner;
RESET client_min_messages;
SELECT format('GRANT CREATE ON DATABASE %I TO regress_proofs_owner', current_database()) \gexec
SET ROLE regress_proofs_owner;
CREATE EXTENSION agentidp;
SELECT agentidp.set_up();
RESET ROLE;
\set acme '6f1d2c3b-4a59-4e68-8c77-0a1b2c3d4e5f'
\set other '7a2e3d4c-5b6a-4f79-9d88-1b2c3d4e5f60'
\set event '7d0c1a52-58f5-4b7b-9c4e-6d1f0b2c3a4d'
SELECT agentidp.add_access_token(sha256('admin'), 'admin', '{admin}');
SELECT agentidp.add_access_token(sha256('reader'), 'reader', '{audit:read}');
SELECT agentidp.add_access_token(sha256('acme'), 'acme', '{audit:read}', :'acme');
SELECT agentidp.add_access_token(sha256('other'), 'other', '{audit:read}', :'other');
SELECT agentidp.add_access_token(sha256('writer'), 'writer', '{audit:write}');
CREATE FUNCTION proof(token text, event text) RETURNS json LANGUAGE sql
    RETURN (SELECT answer FROM agentidp_api.get_audit_event_proof('r', sha256(token::bytea), NULL,
                                                                  jsonb_build_object('eventId', event), NULL));
CREATE FUNCTION consistency(token text, parameters jsonb) RETURNS json LANGUAGE sql
    RETURN (SELECT answer FROM agentidp_api.get_audit_consistency('r', sha256(token::bytea), NULL, parameters, NULL));
CREATE FUNCTION entries(token text, log text) RETURNS integer LANGUAGE sql
    RETURN (SELECT length(answer) FROM agentidp_api.log_entries('r', sha256(token::bytea), NULL, jsonb_build_object(
        'log', log, 'index', '0', 'width', '3'), NULL));
INSERT INTO agentidp.audit_events (event_id, occurred_at, action, outcome, organization_id)
SELECT ('7d0c1a52-58f5-4b7b-9c4e-6d1f0b2c3a4' || to_hex(i))::uuid, '2026-03-01 12:00+00', 'test.happened', 'success', :'acme'
FROM generate_series(0, 15) AS i;

-- Without a name for the log nothing is proven.
SELECT proof('admin', :'event');
SELECT consistency('admin', jsonb_build_object('old', '0', 'organizationId', :'acme'));
SELECT bulla.set_log_name('ledger.example.com');
SELECT proof('admin', :'event');
SELECT bulla.seal('agentidp.audit_events', :'acme');

SELECT p ->> 'eventId' = :'event' AS event, p ->> 'index' AS index, p ->> 'size' AS size,
       p ->> 'checkpoint' = bulla.checkpoint('agentidp.audit_events', :'acme') AS checkpoint,
       p ->> 'origin' = split_part(p ->> 'checkpoint', E'\n', 1) AS origin,
       sha256('\x00' || decode(p ->> 'record', 'base64')) = decode(p ->> 'hash', 'base64') AS record,
       ARRAY(SELECT decode(json_array_elements_text(p -> 'hashes'), 'base64'))
           = bulla.inclusion_proof('agentidp.audit_events', :'acme', 14) AS hashes,
       split_part(p ->> 'tlogProof', E'\n\n', 1)
           = array_to_string('{c2sp.org/tlog-proof@v1,index 14}'::text[] || ARRAY(SELECT json_array_elements_text(p -> 'hashes')), E'\n') AS file,
       (p ->> 'tlogProof') LIKE '%' || (p ->> 'checkpoint') AS its_note
FROM proof('admin', :'event') AS p;
SELECT proof('reader', :'event') ->> 'index' AS reader, proof('acme', :'event') ->> 'index' AS acme;
SELECT proof('other', :'event');
SELECT proof('writer', :'event');
SELECT proof('nobody', :'event');
SELECT proof('admin', 'x');
SELECT proof('admin', '00000000-0000-4000-8000-000000000000');

SELECT c ->> 'oldSize' AS old, c ->> 'newSize' AS new,
       ARRAY(SELECT decode(json_array_elements_text(c -> 'hashes'), 'base64'))
           = bulla.consistency_proof('agentidp.audit_events', :'acme', 5, 11) AS hashes
FROM consistency('acme', '{"old": "5", "new": "11"}') AS c;
SELECT c ->> 'oldSize' AS old, c ->> 'newSize' AS new FROM consistency('acme', '{"old": "5"}') AS c;
SELECT consistency('acme', '{}');
SELECT consistency('acme', '{"old": "-1"}');
SELECT consistency('acme', '{"old": "1e1"}');
SELECT consistency('acme', '{"old": "12", "new": "11"}');
SELECT consistency('acme', '{"old": "12", "new": "18"}');
SELECT consistency('acme', '{"old": "1", "size": "2"}');
SELECT consistency('acme', jsonb_build_object('old', '1', 'organizationId', :'other'));
SELECT consistency('other', '{"old": "0"}');
SELECT consistency('writer', '{"old": "0"}');
SELECT consistency('admin', '{"old": "0"}');

-- Rows of the log.
SELECT '/' || l.id || '/' || t.chain_id || '/0' AS log
FROM bulla.ledgers AS l JOIN bulla.trees AS t ON t.ledger_id = l.id WHERE l.ledger = 'agentidp.audit_events'::regclass \gset
SELECT entries('admin', :'log') > 500 AS admin, entries('reader', :'log') > 500 AS reader, entries('acme', :'log') > 500 AS acme;
SELECT entries('other', :'log');
SELECT entries('writer', :'log');
SELECT entries('nobody', :'log');
SELECT status, length(answer) FROM agentidp_api.log_tile('r', NULL, NULL, jsonb_build_object(
    'log', :'log', 'level', '0', 'index', '0', 'width', '17'), NULL);
SELECT status, convert_from(answer, 'UTF8') = bulla.checkpoint('agentidp.audit_events', :'acme') AS checkpoint
FROM agentidp_api.log_checkpoint('r', NULL, NULL, jsonb_build_object('log', :'log'), NULL);
SELECT agentidp_api.log_tile('r', NULL, NULL, jsonb_build_object(
    'log', :'log', 'level', '0', 'index', '0', 'width', '18'), NULL);

-- Another ledger is served once the owner of agentidp may read it, and its rows to administrators.
CREATE TABLE orders (n int);
SELECT bulla.create_ledger('orders', blind => true) AS orders_id \gset
INSERT INTO orders SELECT generate_series(1, 3);
SELECT bulla.seal('orders');
\set log '/' :orders_id '/0/0'
SELECT entries('admin', :'log');
SELECT agentidp_api.log_checkpoint('r', NULL, NULL, jsonb_build_object('log', :'log'), NULL);
GRANT SELECT ON orders TO regress_proofs_owner;
SELECT entries('admin', :'log') > 300 AS admin;
SELECT entries('reader', :'log');

SET client_min_messages = warning;
SET bulla.restore = on;
DROP EXTENSION agentidp CASCADE;
DROP OWNED BY regress_proofs_owner;
DROP ROLE regress_proofs_owner;
