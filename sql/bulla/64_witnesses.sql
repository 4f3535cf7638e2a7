-- Witnesses, and the checkpoints that they cosigned. docs/spec/checkpoint.md.

CREATE TABLE bulla.witnesses (
    name text COLLATE pg_catalog."C" PRIMARY KEY,
    vkey text NOT NULL,
    -- Where bullad asks it; null: others do.
    url text CHECK (url OPERATOR(pg_catalog.~) '^https?://'),
    added_at timestamp with time zone NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    added_by name NOT NULL
);
COMMENT ON TABLE bulla.witnesses IS
    'Whose cosignatures this database keeps. Auditors decide for themselves whom they believe.';

CREATE TABLE bulla.cosigned (
    tree_id uuid NOT NULL,
    size bigint NOT NULL CHECK (size OPERATOR(pg_catalog.>=) 0),
    -- The checkpoint of this size, signed by the log and by the witnesses.
    note text NOT NULL,
    -- Who they are, and when they did.
    witnesses text[] NOT NULL,
    cosigned_at timestamp with time zone[] NOT NULL,
    PRIMARY KEY (tree_id, size)
);
COMMENT ON TABLE bulla.cosigned IS
    'Checkpoints that witnesses cosigned. One is kept until a newer one has all of its cosigners.';

SELECT pg_catalog.pg_extension_config_dump('bulla.witnesses', '');
SELECT pg_catalog.pg_extension_config_dump('bulla.cosigned', '');

-- Without policies, as the tables of keys.
ALTER TABLE bulla.witnesses ENABLE ROW LEVEL SECURITY;
ALTER TABLE bulla.cosigned ENABLE ROW LEVEL SECURITY;

CREATE VIEW bulla.witness_status AS
    SELECT w.name AS witness, w.url, t.origin, t.size AS sealed_size, t.sealed_at,
           last.size AS cosigned_size, last.cosigned_at
    FROM bulla.witnesses AS w
    CROSS JOIN (
        SELECT DISTINCT ON (t.ledger_id, t.chain_id) t.tree_id, t.origin, t.size, t.sealed_at, l.ledger
        FROM bulla.trees AS t
        LEFT JOIN bulla.ledgers AS l ON l.id OPERATOR(pg_catalog.=) t.ledger_id
        ORDER BY t.ledger_id, t.chain_id, t.epoch DESC) AS t
    LEFT JOIN LATERAL (
        SELECT c.size, by.cosigned_at
        FROM bulla.cosigned AS c,
             ROWS FROM (pg_catalog.unnest(c.witnesses), pg_catalog.unnest(c.cosigned_at)) AS by (witness, cosigned_at)
        WHERE c.tree_id OPERATOR(pg_catalog.=) t.tree_id AND by.witness OPERATOR(pg_catalog.=) w.name
        ORDER BY c.size DESC
        LIMIT 1) AS last ON true
    WHERE last.size IS NOT NULL OR t.ledger OPERATOR(pg_catalog.=) pg_catalog.to_regclass('bulla.heads');
COMMENT ON VIEW bulla.witness_status IS
    'What each witness cosigned last: of bulla.heads, and of every other tree that it has cosigned.';

CREATE FUNCTION bulla.add_witness(vkey text, url text DEFAULT NULL) RETURNS text
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'bulla_add_witness';
COMMENT ON FUNCTION bulla.add_witness(text, text) IS
    'Makes a witness known by its verifier key, whose name it returns: its cosignatures are kept from now on. bullad asks it at the URL, if there is one. Recorded as witness.added.';

CREATE FUNCTION bulla.drop_witness(name text) RETURNS void
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'bulla_drop_witness';
COMMENT ON FUNCTION bulla.drop_witness(text) IS
    'Forgets a witness. What it has cosigned stays. Recorded as witness.dropped.';

CREATE FUNCTION bulla.add_cosignatures(note text) RETURNS integer
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'bulla_add_cosignatures';
COMMENT ON FUNCTION bulla.add_cosignatures(text) IS
    'Keeps the cosignatures of known witnesses under a checkpoint that this database signed, the newest or an older one. Returns how many witnesses have cosigned it now. A later cosignature replaces an earlier one of the same witness; those of others are passed over; one that does not verify is an error.';

CREATE FUNCTION bulla.witnessed_checkpoint(ledger regclass, chain text DEFAULT '', witnesses integer DEFAULT 1) RETURNS text
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    SET synchronous_commit = on
    AS 'MODULE_PATHNAME', 'bulla_witnessed_checkpoint';
COMMENT ON FUNCTION bulla.witnessed_checkpoint(regclass, text, integer) IS
    'The newest checkpoint of a chain that as many witnesses have cosigned; NULL where there is none. Needs SELECT on the ledger.';

CREATE FUNCTION bulla.proof_file(ledger regclass, chain text, seq bigint) RETURNS text
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    SET synchronous_commit = on
    AS 'MODULE_PATHNAME', 'bulla_proof_file';
COMMENT ON FUNCTION bulla.proof_file(regclass, text, bigint) IS
    'A proof that a row is in the log, as a file (C2SP tlog-proof): against the newest checkpoint that covers it and has a cosignature, or is in a checkpoint of bulla.heads that has one (bulla.heads_proof shows that), else the newest. Needs SELECT on the ledger.';

CREATE FUNCTION bulla.heads_proof(ledger regclass, chain text DEFAULT '', size bigint DEFAULT NULL) RETURNS text
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    SET synchronous_commit = on
    AS 'MODULE_PATHNAME', 'bulla_heads_proof';
COMMENT ON FUNCTION bulla.heads_proof(regclass, text, bigint) IS
    'A proof that a row of bulla.heads, which tells the root of this chain at this size, by default the newest that is witnessed, is in the log, as a file (C2SP tlog-proof) whose extra data is the row''s record: against the newest checkpoint of bulla.heads with a cosignature, else the newest. So one witnessed checkpoint vouches for every chain. Needs SELECT on the ledger.';

CREATE FUNCTION bulla.witness_request(witness text, old_size bigint DEFAULT NULL, origin text DEFAULT NULL) RETURNS text
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    SET synchronous_commit = on
    AS 'MODULE_PATHNAME', 'bulla_witness_request';
COMMENT ON FUNCTION bulla.witness_request(text, bigint, text) IS
    'The body of a request that asks a witness to cosign the newest checkpoint of a log, by default bulla.heads (C2SP tlog-witness, add-checkpoint): with a proof from the size that the witness has, by default what it cosigned last as far as is known here. NULL where there is no checkpoint.';

CREATE FUNCTION bulla.witnesses_to_ask(every interval DEFAULT '10 seconds', at_least interval DEFAULT '1 minute')
    RETURNS TABLE (witness text, vkey text, url text, heard_at timestamp with time zone, is_due boolean)
    LANGUAGE sql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT w.name, w.vkey, w.url, coalesce(s.cosigned_at, w.added_at),
           s.cosigned_at IS NULL
           OR s.cosigned_at OPERATOR(pg_catalog.<=) (clock_timestamp() OPERATOR(pg_catalog.-) at_least)
           OR s.cosigned_size OPERATOR(pg_catalog.<>) s.sealed_size
              AND s.cosigned_at OPERATOR(pg_catalog.<=) (clock_timestamp() OPERATOR(pg_catalog.-) every)
    FROM bulla.witnesses AS w
    JOIN bulla.witness_status AS s ON s.witness OPERATOR(pg_catalog.=) w.name
    JOIN bulla.trees AS t ON t.origin OPERATOR(pg_catalog.=) s.origin
    JOIN bulla.ledgers AS l ON l.id OPERATOR(pg_catalog.=) t.ledger_id
    WHERE w.url IS NOT NULL AND l.ledger OPERATOR(pg_catalog.=) to_regclass('bulla.heads')
    ORDER BY w.name
$$;
COMMENT ON FUNCTION bulla.witnesses_to_ask(interval, interval) IS
    'The witnesses that bullad asks about bulla.heads, since when nothing was heard of them, and whether they are due: those whose last cosignature is older than at_least, or older than every and of a smaller tree.';
