-- Sealing all ledgers again and again, by a role that owns none of them: what bullad does.

CREATE FUNCTION bulla.seal_as_owner(ledger regclass) RETURNS bigint
    LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'bulla_seal_as_owner';
COMMENT ON FUNCTION bulla.seal_as_owner(regclass) IS
    'bulla.seal_chains with the rights of the ledger''s owner, for whoever may call this function.';

CREATE FUNCTION bulla.try_seal_round() RETURNS boolean
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'bulla_try_seal_round';
COMMENT ON FUNCTION bulla.try_seal_round() IS
    'Takes the lock of who seals all ledgers until the end of the transaction; false where another one has it.';

CREATE FUNCTION bulla.seal_state(OUT log_name text, OUT sealed_at timestamp with time zone)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT (SELECT l.name FROM bulla.log AS l),
           (SELECT max(t.sealed_at)
            FROM bulla.ledgers AS h
            JOIN bulla.trees AS t ON t.ledger_id = h.id
            WHERE h.ledger = to_regclass('bulla.heads'))
$$;
COMMENT ON FUNCTION bulla.seal_state() IS
    'What the log is called and when bulla.heads was sealed last; NULL where it has no name, where it never was.';

CREATE PROCEDURE bulla.seal_round(every interval, INOUT result jsonb DEFAULT NULL)
    LANGUAGE plpgsql AS $$
DECLARE
    started CONSTANT timestamp with time zone NOT NULL := pg_catalog.clock_timestamp();
    known record;
    ledgers pg_catalog.regclass[];
    one pg_catalog.regclass;
    grew bigint := 0;
    failed bigint := 0;
    problem text;
BEGIN
    -- No SET clause: with one, a procedure cannot commit.
    IF pg_catalog.pg_is_in_recovery() THEN
        result := '{"state": "standby"}';
        RETURN;
    END IF;
    SELECT s.log_name, s.sealed_at INTO known FROM bulla.seal_state() AS s;
    IF known.log_name IS NULL THEN
        result := '{"state": "unnamed"}';
        RETURN;
    ELSIF known.sealed_at OPERATOR(pg_catalog.>) (started OPERATOR(pg_catalog.-) every)
          -- A clock that was set back must not stop the sealing until it has caught up.
          AND known.sealed_at OPERATOR(pg_catalog.<=) pg_catalog.clock_timestamp() THEN
        result := pg_catalog.jsonb_build_object(
            'state', 'recent', 'ago', extract(epoch FROM started OPERATOR(pg_catalog.-) known.sealed_at));
        RETURN;
    END IF;
    ledgers := ARRAY(
        SELECT l.ledger FROM bulla.ledgers AS l
        WHERE l.ledger OPERATOR(pg_catalog.<>) ALL (
            SELECT c.oid FROM pg_catalog.pg_class AS c
            WHERE c.relname OPERATOR(pg_catalog.=) 'heads'
              AND c.relnamespace OPERATOR(pg_catalog.=) 'bulla'::pg_catalog.regnamespace)
        ORDER BY l.ledger::pg_catalog.oid);
    COMMIT;
    -- At once, before there is a snapshot. Under SERIALIZABLE it could fail for what appenders do, and they for it.
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
    -- bulla.heads has what the others come to. It comes last, and may be made meanwhile.
    FOREACH one IN ARRAY pg_catalog.array_append(ledgers, NULL) LOOP
        one := coalesce(one, pg_catalog.to_regclass('bulla.heads'));
        CONTINUE WHEN one IS NULL;
        IF NOT bulla.try_seal_round() THEN
            result := '{"state": "busy"}';
            RETURN;
        END IF;
        BEGIN
            grew := grew OPERATOR(pg_catalog.+) bulla.seal_as_owner(one);
        EXCEPTION WHEN OTHERS THEN
            -- What is wrong with one ledger must not keep the others from being sealed.
            failed := failed OPERATOR(pg_catalog.+) 1;
            problem := coalesce(problem, pg_catalog.format('ledger %s: %s', one, SQLERRM));
        END;
        COMMIT;
        SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
    END LOOP;
    result := pg_catalog.jsonb_build_object('state', 'sealed', 'grew', grew, 'failed', failed, 'problem', problem,
        'seconds', extract(epoch FROM pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) started));
END $$;
COMMENT ON PROCEDURE bulla.seal_round(interval, jsonb) IS
    'One round of the regular sealing: bulla.seal_all with the rights of each ledger''s owner, unless bulla.heads was sealed so recently, or somebody else is at it. Gives {"state": "sealed", "grew": trees that grew, "failed": ledgers that could not be sealed, "problem": the first reason, "seconds": that it took}, or another state: recent, busy, unnamed (the log has no name), standby. Needs EXECUTE on bulla.try_seal_round and bulla.seal_as_owner, which bullad init grants to bullad.';
