-- Retention: the oldest rows of a ledger go, and what is left verifies from a recorded boundary.

CREATE FUNCTION bulla.prune(ledger regclass, before_seq bigint, chain text DEFAULT '') RETURNS bigint
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'bulla_prune';
COMMENT ON FUNCTION bulla.prune(regclass, bigint, text) IS
    'Removes the rows of a chain with a lower seq than before_seq, rounded down to a multiple of 256, but never the last row, and records in bulla.events where the chain begins now; bulla.verify goes by that. Refuses when these rows do not verify. Returns how many rows went. Only the owner of the ledger may. Its transaction commits synchronously and without early lock release.';

CREATE FUNCTION bulla.detach_partition(ledger regclass, partition regclass) RETURNS bigint
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'bulla_detach_partition';
COMMENT ON FUNCTION bulla.detach_partition(regclass, regclass) IS
    'Takes a partition out of a ledger, as a table of its own that stays append-only, takes no rows and can be verified alone, and records in bulla.events where each chain begins now. Refuses where its rows do not verify, are not the first of their chains, or are all that a chain has. Returns how many rows it has. Only who owns both tables may. bulla.drop_ledger makes it an ordinary table, which can be dropped.';
