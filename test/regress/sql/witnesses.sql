-- Whose cosignatures are kept, and who may say so. That they are, and what is made of them: test/recovery/t/cosignatures.pl.
\set VERBOSITY terse
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_witness_reader;
CREATE ROLE regress_witness_reader;
RESET client_min_messages;
\set w1 'witness.example.com/w1+86123f71+BM0Us3+VbpUxlP9/tzs9gdzFYdYadTgJS3w+GmQ+5fOq'
\set log 'ledger.example.com/bulla/0190f3c2-a1b4-7d3e-8f00-112233445566/0/0+01e5a0e6+AeNpO68CRP2CgUoHIMiPfS0W13ZgqRj0vYpV4XTwebco'

SELECT bulla.add_witness(NULL);
SELECT bulla.add_witness('w1');
SELECT bulla.add_witness(:'log');
SELECT bulla.add_witness(:'w1', 'ftp://witness.example.com');
SELECT bulla.add_witness(:'w1', 'https://witness.example.com/');
SELECT bulla.add_witness(:'w1');
SELECT bulla.drop_witness('w2');
SELECT bulla.drop_witness(NULL);
SELECT name, url FROM bulla.witnesses;
SELECT action, detail FROM bulla.events ORDER BY seq;

-- Nothing is sealed yet.
SELECT bulla.witness_request('witness.example.com/w1') IS NULL AS nothing_to_ask;
SELECT * FROM bulla.witnesses_to_ask();
SELECT * FROM bulla.witness_status;
CREATE TABLE log (n int);
SELECT bulla.create_ledger('log') IS NOT NULL AS made;
INSERT INTO log VALUES (0), (1), (2);
SELECT bulla.proof_file('log', '', 0);
SELECT bulla.heads_proof('log');
SELECT bulla.set_log_name('ledger.example.com/bulla');
SELECT bulla.seal('log');
SELECT bulla.heads_proof('log');
CALL bulla.seal_all();
SELECT witness, url, is_due FROM bulla.witnesses_to_ask();
SELECT witness, sealed_size, cosigned_size, cosigned_at FROM bulla.witness_status;

-- What a witness is asked.
CREATE VIEW request AS SELECT string_to_array(bulla.witness_request('witness.example.com/w1'), E'\n\n') AS parts;
SELECT parts[1] AS old, parts[2] || E'\n\n' || parts[3] = bulla.checkpoint('bulla.heads') AS is_the_newest FROM request;
SELECT bulla.witness_request('w', 1) LIKE E'old 1\n' || encode((bulla.consistency_proof('bulla.heads', '', 1))[1], 'base64') || '%' AS with_its_proof;
SELECT bulla.witness_request('w', 3);
SELECT bulla.witness_request('w', -1);
SELECT bulla.witness_request(NULL);
SELECT split_part(bulla.witness_request('w', 0, origin), E'\n', 3) = origin AS of_another_log FROM bulla.trees ORDER BY 1;
SELECT bulla.witness_request('w', 0, 'ledger.example.com/other') IS NULL AS no_such_log;

-- A checkpoint without a witness.
SELECT bulla.witnessed_checkpoint('log') IS NULL AS nobody;
SELECT bulla.witnessed_checkpoint('log', '', 0);
SELECT bulla.witnessed_checkpoint('log', '', NULL);
SELECT bulla.add_cosignatures(bulla.checkpoint('log')) AS cosigned;
SELECT count(*) FROM bulla.cosigned;
SELECT bulla.add_cosignatures(NULL);
SELECT bulla.add_cosignatures('');
SELECT bulla.add_cosignatures(E'other.example.com/log\n3\n' || encode(sha256(''), 'base64') || E'\n\n— other.example.com/log AAAAAAA=\n');
\set VERBOSITY sqlstate
SELECT bulla.add_cosignatures(regexp_replace(bulla.checkpoint('log'), E'\n3\n', E'\n2\n'));
SELECT bulla.add_cosignatures(regexp_replace(bulla.checkpoint('log'), E'— [^\n]*', '— w AAAAAAA=') ) AS known_by_its_text;
SELECT bulla.add_cosignatures(regexp_replace(regexp_replace(bulla.checkpoint('log'), E'\n3\n', E'\n4\n'), E'— [^\n]*', '— w AAAAAAA='));
\set VERBOSITY terse

-- Proofs in files.
SELECT split_part(file, E'\n', 1) AS format, split_part(file, E'\n', 2) AS index,
       split_part(file, E'\n\n', 2) || E'\n\n' || split_part(file, E'\n\n', 3) = bulla.checkpoint('log') AS with_the_checkpoint
FROM bulla.proof_file('log', '', 1) AS file;
SELECT bulla.proof_file('log', '', 3);
SELECT bulla.proof_file('log', '', -1);
SELECT bulla.proof_file('log', '', NULL);
SELECT decode(substr(split_part(file, E'\n', 2), 7), 'base64') = bulla.row_record('bulla.heads', '', seq) AS has_the_record,
       split_part(file, E'\n', 3) = 'index ' || seq AS index,
       split_part(file, E'\n\n', 2) || E'\n\n' || split_part(file, E'\n\n', 3) = bulla.checkpoint('bulla.heads') AS with_the_checkpoint
FROM bulla.heads_proof('log') AS file, bulla.heads AS h
WHERE h.ledger_id = (SELECT id FROM bulla.ledgers WHERE ledger = 'log'::regclass);
SELECT bulla.heads_proof('log', '', 3) = bulla.heads_proof('log') AS of_this_size;
SELECT bulla.heads_proof('log', '', 2);
SELECT bulla.heads_proof('bulla.heads');

-- Who may. What comes out of proofs is for who may read the ledger, though he may not read bulla.heads.
GRANT SELECT ON log TO regress_witness_reader;
SET ROLE regress_witness_reader;
SELECT bulla.add_witness(:'w1');
SELECT bulla.drop_witness('w');
SELECT bulla.add_cosignatures('');
SELECT bulla.witness_request('w');
SELECT * FROM bulla.witnesses_to_ask();
SELECT * FROM bulla.witness_status;
SELECT bulla.witnessed_checkpoint('log') IS NULL AS may, bulla.proof_file('log', '', 0) IS NOT NULL AS may,
       bulla.heads_proof('log') IS NOT NULL AS may;
SELECT bulla.proof_file('bulla.heads', '', 0);
RESET ROLE;
BEGIN READ ONLY;
SELECT bulla.add_witness(:'w1');
ROLLBACK;
BEGIN READ ONLY;
SELECT bulla.add_cosignatures('');
ROLLBACK;
SELECT bulla.drop_witness('witness.example.com/w1');
SELECT * FROM bulla.witness_status;
SELECT action FROM bulla.events WHERE action LIKE 'witness%' ORDER BY seq;
DROP OWNED BY regress_witness_reader;
DROP ROLE regress_witness_reader;
