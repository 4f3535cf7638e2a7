-- Ledgers: append-only tables whose rows form hash chains.

-- The triggers of a ledger. bulla.create_ledger installs them; docs/architecture.md says what each does.

CREATE FUNCTION bulla.chain_row() RETURNS trigger
    LANGUAGE C AS 'MODULE_PATHNAME', 'bulla_chain_row';
COMMENT ON FUNCTION bulla.chain_row() IS
    'Trigger of a ledger, BEFORE INSERT FOR EACH ROW: gives the row its seq, prev_hash and hash.';

CREATE FUNCTION bulla.confirm_row() RETURNS trigger
    LANGUAGE C AS 'MODULE_PATHNAME', 'bulla_confirm_row';
COMMENT ON FUNCTION bulla.confirm_row() IS
    'Trigger of a ledger, AFTER INSERT FOR EACH ROW: checks that no row before this one was skipped.';

CREATE FUNCTION bulla.open_statement() RETURNS trigger
    LANGUAGE C AS 'MODULE_PATHNAME', 'bulla_open_statement';
COMMENT ON FUNCTION bulla.open_statement() IS
    'Trigger of a ledger, BEFORE INSERT FOR EACH STATEMENT: marks where a statement begins.';

CREATE FUNCTION bulla.close_statement() RETURNS trigger
    LANGUAGE C AS 'MODULE_PATHNAME', 'bulla_close_statement';
COMMENT ON FUNCTION bulla.close_statement() IS
    'Trigger of a ledger, AFTER INSERT FOR EACH STATEMENT: takes back what was drawn and not inserted.';

CREATE FUNCTION bulla.refuse_change() RETURNS trigger
    LANGUAGE C AS 'MODULE_PATHNAME', 'bulla_refuse_change';
COMMENT ON FUNCTION bulla.refuse_change() IS
    'Trigger of a ledger, BEFORE UPDATE, DELETE and TRUNCATE: refuses, but for what bulla.erase does.';

-- Making and unmaking. All run with the rights of the caller, who must own the table.

CREATE FUNCTION bulla.create_ledger(
    ledger regclass,
    chain_by name[] DEFAULT '{}',
    blind boolean DEFAULT false,
    erasable name[] DEFAULT '{}'
) RETURNS uuid
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'bulla_create_ledger';
COMMENT ON FUNCTION bulla.create_ledger(regclass, name[], boolean, name[]) IS
    'Makes a plain or partitioned table a ledger: it only grows, and each row is chained to the one before by its hash. chain_by splits it into one chain per value of these columns; blind adds a random uuid to each row, so that published hashes hide their rows; values of erasable columns can be removed later by bulla.erase, the hashes stand. Existing rows are chained in primary-key order and reported as such. Returns the ledger''s id. Locks the table exclusively.';

CREATE FUNCTION bulla.drop_ledger(ledger regclass) RETURNS void
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'bulla_drop_ledger';
COMMENT ON FUNCTION bulla.drop_ledger(regclass) IS
    'Makes a ledger an ordinary table again: takes its triggers away, keeps its columns and rows, and records that in bulla.events. Refuses while changes of other tables are recorded in it.';

CREATE FUNCTION bulla.ledger_arguments(
    tgargs bytea,
    OUT id uuid,
    OUT chain_by name[],
    OUT erasable name[],
    OUT created_at timestamp with time zone,
    OUT created_by name,
    OUT retroactive_rows bigint
)
    LANGUAGE C STABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'bulla_ledger_arguments';
COMMENT ON FUNCTION bulla.ledger_arguments(bytea) IS
    'Reads the arguments of a ledger''s trigger as pg_trigger.tgargs stores them.';

CREATE VIEW bulla.ledgers AS
SELECT t.tgrelid::pg_catalog.regclass AS ledger,
       a.id,
       a.chain_by,
       a.erasable,
       a.created_at,
       a.created_by,
       a.retroactive_rows
FROM pg_catalog.pg_trigger AS t
CROSS JOIN LATERAL bulla.ledger_arguments(t.tgargs) AS a
WHERE t.tgfoid OPERATOR(pg_catalog.=) 'bulla.chain_row'::pg_catalog.regproc
  AND t.tgparentid OPERATOR(pg_catalog.=) 0::pg_catalog.oid
  AND a.id IS NOT NULL;
COMMENT ON VIEW bulla.ledgers IS
    'The ledgers of this database, as their triggers describe them. retroactive_rows counts the rows that were there before the ledger was.';

CREATE VIEW bulla.chain_locks AS
SELECT l.classid::pg_catalog.regclass AS ledger,
       CASE WHEN l.objsubid OPERATOR(pg_catalog.=) 31641 THEN 'chain'
            WHEN l.objsubid OPERATOR(pg_catalog.=) 31642 THEN 'ledger'
            ELSE 'successor' END AS scope,
       l.pid,
       l.mode,
       l.granted,
       a.usename,
       a.application_name,
       a.xact_start,
       a.state
FROM pg_catalog.pg_locks AS l
LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid OPERATOR(pg_catalog.=) l.pid
WHERE l.locktype OPERATOR(pg_catalog.=) 'advisory'
  AND l.objsubid OPERATOR(pg_catalog.=) ANY (ARRAY[31641, 31642, 31643]::pg_catalog.int2[])
  AND l.database OPERATOR(pg_catalog.=) (
      SELECT d.oid FROM pg_catalog.pg_database AS d
      WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database());
COMMENT ON VIEW bulla.chain_locks IS
    'Who holds or waits for a chain of a ledger: a transaction locks the chains it appends to until its commit. The successor is the one waiter that is next; the others wait to be it. A holder without pid is a prepared transaction.';
