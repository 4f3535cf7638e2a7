-- Key-encryption keys: moving what they wrap from one to another, and what is known of their end.

CREATE FUNCTION bulla.retire_kek(id text) RETURNS void
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'bulla_retire_kek';
COMMENT ON FUNCTION bulla.retire_kek(text) IS
    'Notes that a KEK was destroyed wherever it was kept, all copies of it: versions that were destroyed and that no other KEK ever wrapped are final then. Bulla cannot know, it takes your word. Refused while a key is wrapped under it; it wraps none from now on. Recorded as kek.retired.';

CREATE FUNCTION bulla.rewrap_key_batch(
    batch integer,
    INOUT place text DEFAULT NULL,
    OUT rewrapped bigint,
    OUT problems text[]
)
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'bulla_rewrap_key_batch';
COMMENT ON FUNCTION bulla.rewrap_key_batch(integer, text) IS
    'One step of bulla.rewrap_keys, for transactions of your own: tries so many wrapped keys at most, behind a place that the call before it returned or from the first. Returns the place it has come to, null when it is through, how many it moved, and which could not be moved and why.';

CREATE PROCEDURE bulla.rewrap_keys(
    batch integer DEFAULT 50,
    INOUT rewrapped bigint DEFAULT 0
)
    LANGUAGE plpgsql AS $$
DECLARE
    place text;
    step record;
    problems text[] := '{}';
    shown CONSTANT integer := 20;
BEGIN
    -- No SET clause: with one, a procedure cannot commit.
    rewrapped := 0;
    LOOP
        SELECT b.place, b.rewrapped, b.problems INTO step FROM bulla.rewrap_key_batch(batch, place) AS b;
        place := step.place;
        rewrapped := rewrapped OPERATOR(pg_catalog.+) step.rewrapped;
        problems := problems OPERATOR(pg_catalog.||) step.problems;
        COMMIT;
        EXIT WHEN place IS NULL;
    END LOOP;
    IF pg_catalog.cardinality(problems) OPERATOR(pg_catalog.>) 0 THEN
        RAISE object_not_in_prerequisite_state USING
            MESSAGE = CASE pg_catalog.cardinality(problems) WHEN 1 THEN problems[1]
                ELSE pg_catalog.format('%s versions of keys cannot be moved', pg_catalog.cardinality(problems)) END,
            DETAIL = pg_catalog.concat(pg_catalog.array_to_string(problems[1:shown], E'\n'), CASE
                WHEN pg_catalog.cardinality(problems) OPERATOR(pg_catalog.>) shown
                THEN pg_catalog.format(E'\nand %s others', pg_catalog.cardinality(problems) OPERATOR(pg_catalog.-) shown) END),
            HINT = 'All others are moved. Name every KEK that wraps keys in bulla.kek. What cannot be opened any more, bulla.destroy_key_version ends.';
    END IF;
END $$;
COMMENT ON PROCEDURE bulla.rewrap_keys(integer, bigint) IS
    'Moves every wrapped key that is not under the first KEK of bulla.kek to it, so many in one transaction, and gives how many. No sealed value is touched. What fails in the middle is resumed by another call. What cannot be moved is passed over, and is an error at the end. Recorded as key.rewrapped. Not a remedy for a KEK that leaked: who has it and a backup has the keys.';
