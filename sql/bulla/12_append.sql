-- Appending at the end of the transaction.

CREATE FUNCTION bulla.append(ledger regclass, event jsonb) RETURNS void
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'bulla_append';
COMMENT ON FUNCTION bulla.append(regclass, jsonb) IS
    'Appends a row to a ledger when the transaction commits, so that its chain is locked for the commit alone. The keys of the event are column names; columns it leaves out have their defaults, evaluated now. The row is inserted with the rights of the call, after everything this transaction queued before it; a savepoint that is rolled back takes it away. Needs INSERT on the ledger.';
