-- Verification.

CREATE FUNCTION bulla.verify(
    ledger regclass,
    chain text DEFAULT NULL,
    from_seq bigint DEFAULT NULL,
    to_seq bigint DEFAULT NULL
) RETURNS TABLE (
    chain text,
    seq bigint,
    verdict text,
    detail text
)
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'bulla_verify';
COMMENT ON FUNCTION bulla.verify(regclass, text, bigint, bigint) IS
    'Checks every row of a ledger, or of one chain and range of it, and returns one row per finding, none when it is sound. Verdicts: altered (the row does not match its hash), relinked (prev_hash is not the hash of the row before), missing, duplicate, unprotected (a trigger is missing or off), schema_changed (a column is not what bulla.events tells of it, or such that rows cannot be read), and, where the chain was sealed, truncated (it ends before its checkpoint does) and rewritten (a row, or what is kept of the tree, is not what was signed). Of bulla.events and bulla.heads also lost (they tell of a ledger that is not in the database any more and that bulla.drop_ledger did not end). A row restored is no fault: it tells of a recorded restore (bulla.record_restore), and of what it lost. Needs SELECT on the ledger.';

CREATE FUNCTION bulla.verify_summary(
    ledger regclass,
    OUT verified boolean,
    OUT rows_checked bigint,
    OUT chains bigint,
    OUT broken_chain text,
    OUT broken_at bigint,
    OUT verdict text,
    OUT head_seq bigint,
    OUT head_hash bytea,
    OUT duration interval,
    OUT notes text[]
)
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'bulla_verify_summary';
COMMENT ON FUNCTION bulla.verify_summary(regclass) IS
    'Checks a whole ledger and returns one row: whether it is sound, what was checked, the first finding if there is one, the head where there is one chain only, and notes that explain without alarming, such as rows chained retroactively. What it tells of is durable when it returns.';

CREATE FUNCTION bulla.row_record(ledger regclass, chain text, seq bigint) RETURNS bytea
    LANGUAGE C STABLE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'bulla_row_record';
COMMENT ON FUNCTION bulla.row_record(regclass, text, bigint) IS
    'The canonical record of a row (docs/spec/record.md); the chain of a ledger without chain_by is the empty string. The hash of the row is sha256(''\x00'' || record).';
