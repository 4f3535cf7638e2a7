-- Changing all the values of a protected column, in batches that are committed one by one.

CREATE FUNCTION bulla.begin_column_change("table" regclass, "column" name, reencrypt boolean) RETURNS regclass[]
    LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'bulla_begin_column_change';
COMMENT ON FUNCTION bulla.begin_column_change(regclass, name, boolean) IS
    'A step of bulla.encrypt_column and bulla.reencrypt_column: checks what they refuse, and returns the tables to go through.';

-- Without a search_path of its own, as the two that follow: triggers of the table run in it.
CREATE FUNCTION bulla.change_cells(
    "table" regclass,
    "column" name,
    leaf regclass,
    reencrypt boolean,
    after tid,
    batch integer,
    wait boolean,
    OUT changed bigint,
    OUT more boolean,
    OUT last tid
)
    LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'bulla_change_cells';
COMMENT ON FUNCTION bulla.change_cells(regclass, name, regclass, boolean, tid, integer, boolean) IS
    'A step of bulla.encrypt_column and bulla.reencrypt_column: one batch.';

CREATE FUNCTION bulla.stale_cells("table" regclass, "column" name, reencrypt boolean) RETURNS bigint
    LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'bulla_stale_cells';
COMMENT ON FUNCTION bulla.stale_cells(regclass, name, boolean) IS
    'How many values of a protected column are not sealed, or with reencrypt are sealed under another version than the primary one and could be re-encrypted.';

CREATE FUNCTION bulla.end_column_change("table" regclass, "column" name, reencrypt boolean) RETURNS void
    LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'bulla_end_column_change';
COMMENT ON FUNCTION bulla.end_column_change(regclass, name, boolean) IS
    'A step of bulla.encrypt_column and bulla.reencrypt_column: drops statistics, and says what is left.';

-- No SET clause in the procedures: with one, they could not commit. Everything is qualified instead.
CREATE PROCEDURE bulla.change_column(
    "table" regclass,
    "column" name,
    reencrypt boolean,
    batch integer,
    INOUT rows_changed bigint DEFAULT 0
)
    LANGUAGE plpgsql AS $$
DECLARE
    leaf regclass;
    place tid;
    step record;
    waits boolean := false;
BEGIN
    IF batch IS NULL OR batch OPERATOR(pg_catalog.<) 1 THEN
        RAISE invalid_parameter_value USING MESSAGE = 'batch must be 1 or more';
    END IF;
    rows_changed := 0;
    LOOP
        -- Rows that somebody has locked are left for the second time, and rows that move in the table meanwhile for
        -- the next: what counts is that one snapshot shows none that is left.
        FOREACH leaf IN ARRAY bulla.begin_column_change("table", "column", reencrypt) LOOP
            place := '(0,0)';
            LOOP
                COMMIT;
                SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
                SELECT c.changed, c.more, c.last INTO step
                FROM bulla.change_cells("table", "column", leaf, reencrypt, place, batch, waits) AS c;
                rows_changed := rows_changed OPERATOR(pg_catalog.+) coalesce(step.changed, 0);
                place := step.last;
                EXIT WHEN step.more IS NOT TRUE;
            END LOOP;
        END LOOP;
        COMMIT;
        SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
        EXIT WHEN bulla.stale_cells("table", "column", reencrypt) OPERATOR(pg_catalog.=) 0;
        waits := true;
    END LOOP;
    PERFORM bulla.end_column_change("table", "column", reencrypt);
END $$;
COMMENT ON PROCEDURE bulla.change_column(regclass, name, boolean, integer, bigint) IS
    'What bulla.encrypt_column and bulla.reencrypt_column have in common.';

CREATE PROCEDURE bulla.encrypt_column(
    "table" regclass,
    "column" name,
    key text DEFAULT NULL,
    batch integer DEFAULT 1000,
    bind_to name[] DEFAULT '{}',
    INOUT rows_changed bigint DEFAULT 0
)
    LANGUAGE plpgsql AS $$
DECLARE
    present record;
BEGIN
    SELECT p.key, p.enabled INTO present FROM bulla.protected_columns AS p
    WHERE p."table" OPERATOR(pg_catalog.=) encrypt_column."table"
      AND p."column" OPERATOR(pg_catalog.=) encrypt_column."column";
    IF present.enabled IS NOT TRUE AND encrypt_column.key IS NULL THEN
        RAISE object_not_in_prerequisite_state USING
            MESSAGE = pg_catalog.format('column "%s" of %s is not protected', "column", "table"),
            HINT = 'Name the key that protects it from now on, and the columns that its values are bound to: key => …, bind_to => ….';
    ELSIF present.enabled IS NOT TRUE THEN
        PERFORM bulla.protect_column("table", "column", encrypt_column.key, encrypt_column.bind_to);
    ELSIF encrypt_column.key OPERATOR(pg_catalog.<>) present.key THEN
        RAISE object_not_in_prerequisite_state USING
            MESSAGE = pg_catalog.format('column "%s" of %s is protected under key "%s", not "%s"', "column", "table",
                present.key, encrypt_column.key),
            HINT = 'Leave key out, or name the one that protects it.';
    END IF;
    CALL bulla.change_column("table", "column", false, batch, rows_changed);
END $$;
COMMENT ON PROCEDURE bulla.encrypt_column(regclass, name, text, integer, name[], bigint) IS
    'Seals the values of a column that are there already, batch rows in one transaction, without keeping readers or writers out, rows that change meanwhile included. A column that is not protected is protected first, as bulla.protect_column does. Called again, it goes on where it was interrupted. Refuses while an index, a generated column or a materialised view holds the values; drops the column''s statistics, and says where plaintext is left, which VACUUM has to clean up. bulla.column_progress shows how far it is. Needs ownership of the table.';

CREATE PROCEDURE bulla.reencrypt_column(
    "table" regclass,
    "column" name,
    batch integer DEFAULT 1000,
    INOUT rows_changed bigint DEFAULT 0
)
    LANGUAGE plpgsql AS $$
BEGIN
    CALL bulla.change_column("table", "column", true, batch, rows_changed);
END $$;
COMMENT ON PROCEDURE bulla.reencrypt_column(regclass, name, integer, bigint) IS
    'Moves the values of a protected column to the primary version of its key, batch rows in one transaction, without keeping readers or writers out. Values under destroyed versions stay; one under a disabled version is an error. Called again, it goes on where it was interrupted. bulla.column_progress shows how far it is. Needs ownership of the table.';

CREATE FUNCTION bulla.running_column_changes() RETURNS TABLE (
    pid integer,
    "table" regclass,
    command text,
    started_at timestamp with time zone,
    blocks_done bigint,
    blocks_total bigint,
    rows_changed bigint
)
    LANGUAGE C VOLATILE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'bulla_running_column_changes';
COMMENT ON FUNCTION bulla.running_column_changes() IS
    'What the view bulla.column_progress shows.';

CREATE VIEW bulla.column_progress AS
SELECT r.pid,
       r."table",
       r.command,
       a.usename,
       a.application_name,
       r.started_at,
       r.blocks_done,
       r.blocks_total,
       r.rows_changed
FROM bulla.running_column_changes() AS r
LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid OPERATOR(pg_catalog.=) r.pid;
COMMENT ON VIEW bulla.column_progress IS
    'The calls of bulla.encrypt_column and bulla.reencrypt_column that run in this database now, how many blocks of the table and its partitions they have gone through this time, and how many rows they have changed. Those of other roles show in full to who may read all statistics, as in pg_stat_activity.';
