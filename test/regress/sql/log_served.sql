-- What a log serves, by its origin: who gets it, and that it is what is there. (test/frontend/test_log.py has all widths.)
\set VERBOSITY terse
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_log_reader;
CREATE ROLE regress_log_reader;
RESET client_min_messages;

CREATE TABLE log (n int);
SELECT bulla.create_ledger('log') AS ledger_id \gset
\set path '/bulla/' :ledger_id '/0/0'
\set origin 'ledger.example.com' :path
SELECT bulla.find_log(:'path');
SELECT bulla.set_log_name('ledger.example.com/bulla');
SELECT bulla.log_checkpoint(:'path');
INSERT INTO log SELECT generate_series(0, 299);
SELECT bulla.seal('log');

SELECT * FROM bulla.find_log(:'origin');
SELECT * FROM bulla.find_log(:'path');
SELECT bulla.log_checkpoint(:'origin') = bulla.checkpoint('log') AS checkpoint,
       bulla.log_tile(:'origin', 0, 0) = (SELECT string_agg(hash, '' ORDER BY seq) FROM log WHERE seq < 256) AS full_tile,
       bulla.log_tile(:'path', 0, 1, 44) = (SELECT string_agg(hash, '' ORDER BY seq) FROM log WHERE seq >= 256) AS partial,
       bulla.log_tile(:'path', 0, 0, 3) = (SELECT string_agg(hash, '' ORDER BY seq) FROM log WHERE seq < 3) AS narrower;
SELECT bulla.log_entries(:'path', 1, 2)
       = (SELECT string_agg(substr(int4send(length(r.record)), 3, 2) || r.record, '' ORDER BY l.seq)
          FROM log AS l CROSS JOIN LATERAL (SELECT bulla.row_record('log', '', l.seq) AS record) AS r
          WHERE l.seq IN (256, 257)) AS entries;

SELECT bulla.log_tile(:'path', 0, 1);
SELECT bulla.log_tile(:'path', 0, 2, 1);
SELECT bulla.log_tile(:'path', 0, 9223372036854775807, 1);
SELECT bulla.log_tile(:'path', 64, 0, 1);
SELECT bulla.log_tile(:'path', -1, 0, 1);
SELECT bulla.log_tile(:'path', 0, -1, 1);
SELECT bulla.log_tile(:'path', 0, 0, 0);
SELECT bulla.log_tile(:'path', 0, 0, 257);
SELECT bulla.log_tile(NULL, 0, 0, 1), 'not reached';
SELECT bulla.log_tile(:'path', NULL, 0, 1);
SELECT bulla.log_entries(:'path', NULL);
SELECT bulla.log_entries(:'path', 1, 45);
SELECT bulla.find_log(:'origin' || '/');
SELECT bulla.find_log('other.example.com' || :'path');
SELECT bulla.find_log('');

-- For who may read the ledger. bulla.heads is for everybody.
SELECT h.id AS heads_id FROM bulla.ledgers AS h WHERE h.ledger = 'bulla.heads'::regclass \gset
SELECT bulla.seal('bulla.heads');
SET ROLE regress_log_reader;
SELECT bulla.find_log(:'path');
SELECT bulla.log_checkpoint(:'path');
SELECT bulla.log_tile(:'path', 0, 0);
SELECT bulla.log_entries(:'path', 0);
SELECT length(bulla.log_tile('/bulla/' || :'heads_id' || '/0/0', 0, 0, 1)) AS heads,
       length(bulla.log_entries('/bulla/' || :'heads_id' || '/0/0', 0, 1)) > 200 AS their_entries;
RESET ROLE;
GRANT SELECT ON log TO regress_log_reader;
SET ROLE regress_log_reader;
SELECT length(bulla.log_tile(:'path', 0, 0)), length(bulla.log_entries(:'path', 0)) > 256 * 50 AS entries;
RESET ROLE;
ALTER TABLE log ENABLE ROW LEVEL SECURITY;
SET ROLE regress_log_reader;
SELECT bulla.find_log(:'path');
RESET ROLE;
ALTER TABLE log DISABLE ROW LEVEL SECURITY;

-- Rows that are not there any more, or not the ones that were sealed.
SELECT bulla.prune('log', 256);
SELECT bulla.log_entries(:'path', 0);
SELECT length(bulla.log_entries(:'path', 1, 44)) > 44 * 50 AS the_rest, length(bulla.log_tile(:'path', 0, 0)) AS tile;
SET bulla.restore = on;
ALTER TABLE log DISABLE TRIGGER ALL;
UPDATE log SET n = -1 WHERE seq = 270;
RESET bulla.restore;
SELECT bulla.log_entries(:'path', 1, 44);
SELECT length(bulla.log_entries(:'path', 1, 14)) > 14 * 50 AS before_it;
UPDATE bulla.tiles SET hashes = substr(hashes, 1, 32) WHERE level = 0 AND index = 1;
SELECT bulla.log_tile(:'path', 0, 1, 44);

-- A ledger that is none any more has no log.
SELECT bulla.drop_ledger('log');
SELECT bulla.find_log(:'path');
DROP OWNED BY regress_log_reader;
DROP ROLE regress_log_reader;
