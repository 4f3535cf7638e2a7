-- The log: Merkle trees over the chains of ledgers, and checkpoints that sign them. docs/spec/tree.md, checkpoint.md.

CREATE TABLE bulla.log (
    -- One row, once bulla.set_log_name was called.
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    name text NOT NULL,
    set_at timestamp with time zone NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    set_by name NOT NULL,
    -- The one place that signs. A copy of this database is somewhere else, and must not.
    system_identifier bigint NOT NULL,
    timeline bigint NOT NULL,
    database_oid oid NOT NULL
);
COMMENT ON TABLE bulla.log IS
    'What this database calls itself towards those who check its checkpoints, and where it signs them.';

CREATE TABLE bulla.trees (
    tree_id uuid PRIMARY KEY,
    ledger_id uuid NOT NULL,
    -- '0' without chain_by, else 32 hexadecimal digits: docs/spec/checkpoint.md.
    chain_id text COLLATE pg_catalog."C" NOT NULL,
    -- The same chain as SQL names it.
    chain text NOT NULL,
    epoch integer NOT NULL CHECK (epoch >= 0),
    origin text COLLATE pg_catalog."C" NOT NULL UNIQUE,
    size bigint NOT NULL CHECK (size >= 0),
    root bytea NOT NULL CHECK (pg_catalog.octet_length(root) = 32),
    -- The newest checkpoint, with cosignatures that came in for it.
    note text NOT NULL,
    sealed_at timestamp with time zone NOT NULL,
    -- How many leaves this tree begins with that are those of the epoch before.
    common_size bigint NOT NULL CHECK (common_size BETWEEN 0 AND size),
    -- The tree that its tiles are stored under: itself, or one of an earlier epoch, with which all of it begins.
    tiles_id uuid NOT NULL,
    UNIQUE (ledger_id, chain_id, epoch)
);
COMMENT ON TABLE bulla.trees IS
    'One row per chain that was sealed, and epoch of it: its Merkle tree, and the newest checkpoint.';

CREATE TABLE bulla.tiles (
    -- As tiles_id in bulla.trees.
    tree_id uuid NOT NULL,
    level smallint NOT NULL CHECK (level >= 0),
    index bigint NOT NULL CHECK (index >= 0),
    -- 256 hashes, of the last tile of a level fewer.
    hashes bytea NOT NULL CHECK (pg_catalog.octet_length(hashes) BETWEEN 32 AND 8192
                                 AND pg_catalog.octet_length(hashes) % 32 = 0),
    PRIMARY KEY (tree_id, level, index)
);
COMMENT ON TABLE bulla.tiles IS
    'The hashes of the trees in pieces of 256 (C2SP tlog-tiles). A full one never changes.';
-- Hashes do not compress.
ALTER TABLE bulla.tiles ALTER COLUMN hashes SET STORAGE EXTERNAL;

SELECT pg_catalog.pg_extension_config_dump('bulla.log', '');
SELECT pg_catalog.pg_extension_config_dump('bulla.trees', '');
SELECT pg_catalog.pg_extension_config_dump('bulla.tiles', '');

-- Without policies, as the tables of keys.
ALTER TABLE bulla.log ENABLE ROW LEVEL SECURITY;
ALTER TABLE bulla.trees ENABLE ROW LEVEL SECURITY;
ALTER TABLE bulla.tiles ENABLE ROW LEVEL SECURITY;

CREATE FUNCTION bulla.set_log_name(name text) RETURNS void
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'bulla_set_log_name';
COMMENT ON FUNCTION bulla.set_log_name(text) IS
    'Names the log of this database, once and for ever, and makes the key that signs its checkpoints, wrapped under the first KEK of bulla.kek. The name begins every origin: a URL without its scheme that is yours, as ledger.example.com/bulla. Recorded as log.named.';

CREATE FUNCTION bulla.rotate_signing_key(reason text) RETURNS integer
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'bulla_rotate_signing_key';
COMMENT ON FUNCTION bulla.rotate_signing_key(text) IS
    'Gives the key that signs checkpoints one more version, which signs from now on, and returns its number. The event log.signing_key_rotated has a note that names the new key of bulla.heads, signed by the old one: who trusts that can follow. Hand out bulla.verifier_key anew.';

CREATE FUNCTION bulla.take_over_log(reason text) RETURNS void
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'bulla_take_over_log';
COMMENT ON FUNCTION bulla.take_over_log(text) IS
    'Lets this server sign from now on, where checkpoints were signed by another one that this is a copy of: after the promotion of a synchronous standby, or pg_upgrade. Only where nothing that was published is missing here and the other one never signs again: two servers that sign one log are caught by its witnesses. Recorded as log.taken_over.';

CREATE FUNCTION bulla.seal(ledger regclass, chain text DEFAULT '') RETURNS bigint
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'bulla_seal';
COMMENT ON FUNCTION bulla.seal(regclass, text) IS
    'Takes the new rows of a chain into its Merkle tree, signs a checkpoint over it, and appends it to bulla.heads. Returns the size of the tree: the seq that comes next. Does nothing where there are no new rows. The checkpoint leaves the database once this transaction is durable. For the owner of the ledger.';

CREATE FUNCTION bulla.seal_chains(ledger regclass) RETURNS bigint
    LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'bulla_seal_chains';
COMMENT ON FUNCTION bulla.seal_chains(regclass) IS
    'bulla.seal for every chain of a ledger that has grown. Returns how many.';

CREATE FUNCTION bulla.checkpoint(ledger regclass, chain text DEFAULT '', epoch integer DEFAULT NULL) RETURNS text
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    SET synchronous_commit = on
    AS 'MODULE_PATHNAME', 'bulla_checkpoint';
COMMENT ON FUNCTION bulla.checkpoint(regclass, text, integer) IS
    'The newest checkpoint of a chain that is durable, a signed note (C2SP tlog-checkpoint) with its cosignatures; NULL where none was made. Of an epoch before the newest: the last one that this database knows of. Needs SELECT on the ledger.';

CREATE FUNCTION bulla.verifier_key(ledger regclass, chain text DEFAULT '', epoch integer DEFAULT NULL) RETURNS text
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'bulla_verifier_key';
COMMENT ON FUNCTION bulla.verifier_key(regclass, text, integer) IS
    'The public key of a chain''s checkpoints, as C2SP signed-note writes it (a vkey). Each epoch has its own; by default the newest. Hand it to who checks them by a way of his own: what comes with a checkpoint proves nothing about it. Needs SELECT on the ledger.';

CREATE FUNCTION bulla.inclusion_proof(ledger regclass, chain text, seq bigint, tree_size bigint DEFAULT NULL)
    RETURNS bytea[]
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    SET synchronous_commit = on
    AS 'MODULE_PATHNAME', 'bulla_inclusion_proof';
COMMENT ON FUNCTION bulla.inclusion_proof(regclass, text, bigint, bigint) IS
    'The hashes that lead from the hash of a row to the root of the tree of that size, by default the newest: RFC 6962, section 2.1.1, from the leaf upwards. Needs SELECT on the ledger.';

CREATE FUNCTION bulla.consistency_proof(ledger regclass, chain text, old_size bigint, new_size bigint DEFAULT NULL)
    RETURNS bytea[]
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    SET synchronous_commit = on
    AS 'MODULE_PATHNAME', 'bulla_consistency_proof';
COMMENT ON FUNCTION bulla.consistency_proof(regclass, text, bigint, bigint) IS
    'The hashes that show that the tree of new_size, by default the newest, begins with the one of old_size: RFC 6962, section 2.1.2. Needs SELECT on the ledger.';

CREATE PROCEDURE bulla.seal_all(INOUT sealed bigint DEFAULT 0)
    LANGUAGE plpgsql AS $$
DECLARE
    every pg_catalog.regclass[];
    one pg_catalog.regclass;
BEGIN
    -- No SET clause: with one, a procedure cannot commit.
    sealed := 0;
    every := ARRAY(
        SELECT l.ledger FROM bulla.ledgers AS l
        WHERE l.ledger OPERATOR(pg_catalog.<>) ALL (
            SELECT c.oid FROM pg_catalog.pg_class AS c
            WHERE c.relname OPERATOR(pg_catalog.=) 'heads'
              AND c.relnamespace OPERATOR(pg_catalog.=) 'bulla'::pg_catalog.regnamespace)
        ORDER BY l.ledger::pg_catalog.oid);
    COMMIT;
    -- At once, before there is a snapshot. Under SERIALIZABLE it could fail for what appenders do, and they for it.
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
    FOREACH one IN ARRAY every LOOP
        BEGIN
            sealed := sealed OPERATOR(pg_catalog.+) bulla.seal_chains(one);
        EXCEPTION WHEN OTHERS THEN
            -- What is wrong with one ledger must not keep the others from being sealed.
            RAISE WARNING 'ledger % was not sealed: %', one, SQLERRM;
        END;
        COMMIT;
        SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
    END LOOP;
    IF pg_catalog.to_regclass('bulla.heads') IS NOT NULL THEN
        sealed := sealed OPERATOR(pg_catalog.+) bulla.seal_chains('bulla.heads'::pg_catalog.regclass);
    END IF;
END $$;
COMMENT ON PROCEDURE bulla.seal_all(bigint) IS
    'Seals every chain of every ledger that has grown, each ledger in a transaction of its own, and bulla.heads at last: its checkpoint covers all others. A ledger that cannot be sealed is a warning. Gives how many trees grew. To be called again and again.';
