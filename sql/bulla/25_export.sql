-- Export.

-- synchronous_commit: rows are shown only when synchronous standbys have them, whatever the session asks.
CREATE FUNCTION bulla.export(
    ledger regclass,
    chain text DEFAULT NULL,
    from_seq bigint DEFAULT NULL,
    to_seq bigint DEFAULT NULL
) RETURNS SETOF text
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    SET synchronous_commit = on
    AS 'MODULE_PATHNAME', 'bulla_export';
COMMENT ON FUNCTION bulla.export(regclass, text, bigint, bigint) IS
    'A ledger, or one chain and range of it, as lines of JSON (docs/spec/export.md): a header, one line per row in order of seq with its hashes, columns and record, one per chain, and an end with counts and a digest. Whoever has the lines can compute every hash again without PostgreSQL. What it shows is durable when it returns. Needs SELECT on the ledger.';

CREATE FUNCTION bulla.record_erasure(
    ledger regclass,
    chain text,
    seq bigint,
    columns name[],
    reason text
) RETURNS void
    LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'bulla_record_erasure';
COMMENT ON FUNCTION bulla.record_erasure(regclass, text, bigint, name[], text) IS
    'Records in bulla.events that values of a row were erased on the server that the row comes from. tools/import calls it; superusers only. bulla.erase records its own erasures.';
