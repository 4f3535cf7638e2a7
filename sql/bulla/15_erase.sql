-- Erasing values from ledgers.

CREATE FUNCTION bulla.erased_columns(openings bytea) RETURNS name[]
    LANGUAGE C IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'bulla_erased_columns';
COMMENT ON FUNCTION bulla.erased_columns(bytea) IS
    'The columns of a row whose values were erased, given its openings: what tells a value that was erased from one that never was. Empty for NULL openings, NULL for what cannot be read.';

-- Runs the queries and triggers of an UPDATE with the search_path of the caller, as an UPDATE would; what it
-- says itself is qualified.
CREATE FUNCTION bulla.erase(
    ledger regclass,
    chain text,
    seq bigint,
    columns name[],
    reason text
) RETURNS integer
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'bulla_erase';
COMMENT ON FUNCTION bulla.erase(regclass, text, bigint, name[], text) IS
    'Removes values of erasable columns from a row of a ledger: each becomes NULL and its salt is wiped, so that the commitment that the hash covers tells nothing. Chain and hashes stand. Returns how many values were erased, 0 where there is none left; who, when and why is in bulla.events. Needs UPDATE on the columns and SELECT on seq and the chain_by columns. Old row versions stay on disk until VACUUM, and in WAL and backups.';
