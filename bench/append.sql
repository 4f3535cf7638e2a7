-- The tables that bench/run appends to. All have the same columns and one unique index, on seq; they
-- differ in what fills seq, prev_hash and hash.

CREATE TABLE audit_template (
    event_id uuid NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    action text NOT NULL,
    outcome text NOT NULL,
    agent_id text NOT NULL,
    organization_id text NOT NULL,
    details text NOT NULL
);

-- Nothing: a sequence, and constants of the same size where the hashes would be.
CREATE TABLE audit_plain (
    LIKE audit_template,
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    prev_hash bytea NOT NULL DEFAULT pg_catalog.decode(pg_catalog.repeat('5a', 32), 'hex'),
    hash bytea NOT NULL DEFAULT pg_catalog.decode(pg_catalog.repeat('a5', 32), 'hex')
);

-- The chain that people write today: an advisory lock until the end of the transaction, the last row
-- by its seq, SHA-256 over the values as text. It has the known faults of its kind (no lengths between
-- values, texts that depend on settings, forks under REPEATABLE READ); only its speed matters here.
CREATE TABLE audit_plpgsql (
    LIKE audit_template,
    seq bigint PRIMARY KEY,
    prev_hash bytea NOT NULL,
    hash bytea NOT NULL
);
CREATE FUNCTION chain_audit_plpgsql() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    last record;
BEGIN
    PERFORM pg_advisory_xact_lock(77);
    SELECT seq, hash INTO last FROM audit_plpgsql ORDER BY seq DESC LIMIT 1;
    NEW.seq := coalesce(last.seq + 1, 0);
    NEW.prev_hash := coalesce(last.hash, decode(repeat('00', 32), 'hex'));
    NEW.hash := sha256(convert_to(NEW.event_id::text || NEW.occurred_at::text || NEW.action
        || NEW.outcome || NEW.agent_id || NEW.organization_id || NEW.details, 'UTF8')
        || NEW.prev_hash);
    RETURN NEW;
END $$;
CREATE TRIGGER chain BEFORE INSERT ON audit_plpgsql
    FOR EACH ROW EXECUTE FUNCTION chain_audit_plpgsql();

-- The same, but the row is chained at the end of the transaction, by a deferred constraint trigger, so that
-- the lock is held for the commit alone.
CREATE TABLE audit_deferred (
    LIKE audit_template,
    row_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    seq bigint UNIQUE,
    prev_hash bytea,
    hash bytea
);
CREATE FUNCTION chain_audit_deferred() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    last record;
BEGIN
    PERFORM pg_advisory_xact_lock(78);
    SELECT seq, hash INTO last FROM audit_deferred WHERE seq IS NOT NULL ORDER BY seq DESC LIMIT 1;
    UPDATE audit_deferred
    SET seq = coalesce(last.seq + 1, 0),
        prev_hash = coalesce(last.hash, decode(repeat('00', 32), 'hex')),
        hash = sha256(convert_to(NEW.event_id::text || NEW.occurred_at::text || NEW.action
            || NEW.outcome || NEW.agent_id || NEW.organization_id || NEW.details, 'UTF8')
            || coalesce(last.hash, decode(repeat('00', 32), 'hex')))
    WHERE row_id = NEW.row_id;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER chain AFTER INSERT ON audit_deferred DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION chain_audit_deferred();

-- Bulla.
CREATE TABLE audit_ledger (LIKE audit_template);
CREATE TABLE audit_bulk (LIKE audit_template);
SELECT bulla.create_ledger('audit_ledger');
SELECT bulla.create_ledger('audit_bulk');
