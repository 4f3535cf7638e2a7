-- Verification in many short transactions, for standbys, where a long one is in the way of replay.

CREATE FUNCTION bulla.chain_heads(ledger regclass) RETURNS TABLE (
    chain text,
    seq bigint,
    hash bytea
)
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'bulla_chain_heads';
COMMENT ON FUNCTION bulla.chain_heads(regclass) IS
    'The chains of a ledger and the last row of each: what to note in another place, against the end of a chain being cut off. Looks at one row per chain and partition. What it tells of is durable when it returns. Needs SELECT on the ledger.';

CREATE FUNCTION bulla.chains_to_verify(ledger regclass) RETURNS TABLE (
    chain text,
    seq bigint,
    verdict text,
    detail text
)
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'bulla_chains_to_verify';
COMMENT ON FUNCTION bulla.chains_to_verify(regclass) IS
    'What bulla.verify_in_steps begins with: the last row of each chain, with no verdict, and what is wrong with the ledger besides the rows of its chains: triggers, columns, rows that belong to no chain or have no place in one. Needs SELECT on the ledger.';

CREATE PROCEDURE bulla.verify_in_steps(
    ledger regclass,
    rows_per_step bigint DEFAULT 100000,
    INOUT rows_checked bigint DEFAULT 0,
    INOUT findings jsonb DEFAULT '[]'
)
    LANGUAGE plpgsql AS $$
DECLARE
    chains text[];
    heads bigint[];
    first bigint;
    last bigint;
    found jsonb;
    path_of_caller text := pg_catalog.current_setting('search_path');
BEGIN
    -- No SET clause: with one, a procedure cannot commit.
    PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
    IF rows_per_step IS NULL OR rows_per_step < 1 THEN
        RAISE invalid_parameter_value USING MESSAGE = 'rows_per_step must be 1 or more';
    END IF;
    rows_checked := 0;
    SELECT array_agg(h.chain) FILTER (WHERE h.verdict IS NULL),
           array_agg(h.seq) FILTER (WHERE h.verdict IS NULL),
           coalesce(jsonb_agg(to_jsonb(h)) FILTER (WHERE h.verdict IS NOT NULL), '[]')
    INTO chains, heads, findings
    FROM bulla.chains_to_verify(ledger) AS h;
    FOR i IN 1 .. coalesce(cardinality(chains), 0) LOOP
        first := 0;
        WHILE first <= heads[i] LOOP
            -- The next step begins with a new snapshot.
            COMMIT;
            PERFORM set_config('search_path', 'pg_catalog, pg_temp', true);
            last := first + least(rows_per_step - 1, heads[i] - first);
            SELECT jsonb_agg(to_jsonb(v)) INTO found FROM bulla.verify(ledger, chains[i], first, last) AS v
            WHERE NOT findings @> jsonb_build_array(to_jsonb(v));
            findings := findings || coalesce(found, '[]');
            rows_checked := rows_checked + last - first + 1;
            first := last + 1;
        END LOOP;
    END LOOP;
    PERFORM set_config('search_path', path_of_caller, true);
END $$;
COMMENT ON PROCEDURE bulla.verify_in_steps(regclass, bigint, bigint, jsonb) IS
    'Verifies every chain of a ledger, rows_per_step rows in one transaction, so that no snapshot is held for long: a standby cancels queries that hold one for longer than max_standby_streaming_delay. Gives how many seq it went through and the findings as an array of objects.';
