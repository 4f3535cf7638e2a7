-- Verification that goes on where the last one ended, and what runs now.

CREATE FUNCTION bulla.verify_since(ledger regclass) RETURNS TABLE (
    chain text,
    seq bigint,
    verdict text,
    detail text
)
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'bulla_verify_since';
COMMENT ON FUNCTION bulla.verify_since(regclass) IS
    'Checks the rows that came after those that bulla.record_verification has recorded as verified, all rows of chains it has not, and that the recorded rows are still there; returns one row per finding. Verdicts besides those of bulla.verify: truncated (the recorded row and all after it are gone), rewritten (another row stands in its place). Needs SELECT on the ledger.';

CREATE FUNCTION bulla.record_verification(ledger regclass, whole boolean DEFAULT false) RETURNS bigint
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'bulla_record_verification';
COMMENT ON FUNCTION bulla.record_verification(regclass, boolean) IS
    'Does what bulla.verify_since does, or with whole what bulla.verify does, and when there is no finding writes down in bulla.events, for each chain that grew, up to which row it was verified. Returns how many chains these are. Needs SELECT on the ledger. Its transaction commits synchronously and without early lock release.';

CREATE FUNCTION bulla.running_verifications() RETURNS TABLE (
    pid integer,
    ledger regclass,
    started_at timestamp with time zone,
    rows_done bigint,
    rows_estimated bigint
)
    LANGUAGE C VOLATILE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'bulla_running_verifications';
COMMENT ON FUNCTION bulla.running_verifications() IS
    'What the view bulla.verify_progress shows.';

CREATE VIEW bulla.verify_progress AS
SELECT r.pid,
       r.ledger,
       a.usename,
       a.application_name,
       r.started_at,
       r.rows_done,
       r.rows_estimated
FROM bulla.running_verifications() AS r
LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid OPERATOR(pg_catalog.=) r.pid;
COMMENT ON VIEW bulla.verify_progress IS
    'The verifications that run in this database now: who verifies which ledger since when, how many rows are done and how many there are about (null where that is not known). Those of other roles show in full to who may read all statistics, as in pg_stat_activity.';
