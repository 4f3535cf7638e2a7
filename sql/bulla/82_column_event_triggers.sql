-- Event triggers that refuse DDL which would end the protection of a column unseen.

CREATE FUNCTION bulla.judge_columns() RETURNS event_trigger
    LANGUAGE C SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'bulla_judge_columns';
COMMENT ON FUNCTION bulla.judge_columns() IS
    'Event trigger: refuses what takes the protection of a column away, or what its values are bound to, triggers that would fire after values are sealed, and partitions with values that are not sealed.';

CREATE EVENT TRIGGER bulla_judge_columns ON ddl_command_end
    WHEN TAG IN ('ALTER TABLE', 'ALTER TRIGGER', 'CREATE TABLE', 'CREATE TRIGGER')
    EXECUTE FUNCTION bulla.judge_columns();
ALTER EVENT TRIGGER bulla_judge_columns ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER bulla_judge_columns IS 'Protects the columns of bulla.protected_columns.';

CREATE EVENT TRIGGER bulla_judge_dropped_columns ON sql_drop
    EXECUTE FUNCTION bulla.judge_columns();
ALTER EVENT TRIGGER bulla_judge_dropped_columns ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER bulla_judge_dropped_columns IS 'Protects the columns of bulla.protected_columns.';
