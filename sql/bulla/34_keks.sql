-- Key-encryption keys: moving what they wrap from one to another, and what is known of their end.

CREATE FUNCTION bulla.retire_kek(id text) RETURNS void
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'bulla_retire_kek';
COMMENT ON FUNCTION bulla.retire_kek(text) IS
    'Notes that a KEK was destroyed wherever it was kept, all copies of it: versions that were destroyed and that no other KEK ever wrapped are final then. Bulla cannot know, it takes your word. Refused while a key is wrapped under it; it wraps none from now on. Recorded as kek.retired.';

CREATE FUNCTION bulla.rewrap_key_batch(batch integer) RETURNS bigint
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'bulla_rewrap_key_batch';
COMMENT ON FUNCTION bulla.rewrap_key_batch(integer) IS
    'One step of bulla.rewrap_keys, for transactions of your own: moves so many wrapped keys at most, and returns how many it moved; 0 says that all are under the first KEK of bulla.kek.';

CREATE PROCEDURE bulla.rewrap_keys(
    batch integer DEFAULT 50,
    INOUT rewrapped bigint DEFAULT 0
)
    LANGUAGE plpgsql AS $$
DECLARE
    moved bigint;
BEGIN
    -- No SET clause: with one, a procedure cannot commit.
    rewrapped := 0;
    LOOP
        moved := bulla.rewrap_key_batch(batch);
        EXIT WHEN moved OPERATOR(pg_catalog.=) 0;
        rewrapped := rewrapped OPERATOR(pg_catalog.+) moved;
        COMMIT;
    END LOOP;
END $$;
COMMENT ON PROCEDURE bulla.rewrap_keys(integer, bigint) IS
    'Moves every wrapped key that is not under the first KEK of bulla.kek to it, so many in one transaction, and gives how many. No sealed value is touched. What fails in the middle is resumed by another call. Recorded as key.rewrapped. Not a remedy for a KEK that leaked: who has it and a backup has the keys.';
