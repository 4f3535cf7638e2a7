-- Event triggers that refuse DDL which would break a ledger, and write down what it changes of one. They fire
-- always, also where session_replication_role is replica. docs/ledger.md says what is refused and why.

-- Without a search_path of its own: it looks up what the command names as the command will.
CREATE FUNCTION bulla.judge_ddl_start() RETURNS event_trigger
    LANGUAGE C
    AS 'MODULE_PATHNAME', 'bulla_judge_ddl_start';
COMMENT ON FUNCTION bulla.judge_ddl_start() IS
    'Event trigger: refuses what could not be refused afterwards, such as DROP EXTENSION bulla while there are ledgers or protected columns.';

CREATE FUNCTION bulla.judge_ddl_end() RETURNS event_trigger
    LANGUAGE C SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'bulla_judge_ddl_end';
COMMENT ON FUNCTION bulla.judge_ddl_end() IS
    'Event trigger: refuses what a command has made of a ledger where its hashes or its protection would not hold, gives new partitions their triggers, and records changes in bulla.events.';

CREATE FUNCTION bulla.judge_drop() RETURNS event_trigger
    LANGUAGE C SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'bulla_judge_drop';
COMMENT ON FUNCTION bulla.judge_drop() IS
    'Event trigger: refuses to drop a ledger, its partitions, triggers, columns and index.';

CREATE FUNCTION bulla.judge_rewrite() RETURNS event_trigger
    LANGUAGE C SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'bulla_judge_rewrite';
COMMENT ON FUNCTION bulla.judge_rewrite() IS
    'Event trigger: refuses to convert the values of a ledger.';

CREATE EVENT TRIGGER bulla_judge_ddl_start ON ddl_command_start
    WHEN TAG IN ('ALTER TABLE', 'DROP EXTENSION', 'DROP INDEX', 'DROP OWNED')
    EXECUTE FUNCTION bulla.judge_ddl_start();
ALTER EVENT TRIGGER bulla_judge_ddl_start ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER bulla_judge_ddl_start IS 'Protects the ledgers of this database.';

CREATE EVENT TRIGGER bulla_judge_ddl_end ON ddl_command_end
    EXECUTE FUNCTION bulla.judge_ddl_end();
ALTER EVENT TRIGGER bulla_judge_ddl_end ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER bulla_judge_ddl_end IS 'Protects the ledgers of this database.';

CREATE EVENT TRIGGER bulla_judge_drop ON sql_drop
    EXECUTE FUNCTION bulla.judge_drop();
ALTER EVENT TRIGGER bulla_judge_drop ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER bulla_judge_drop IS 'Protects the ledgers of this database.';

CREATE EVENT TRIGGER bulla_judge_rewrite ON table_rewrite
    EXECUTE FUNCTION bulla.judge_rewrite();
ALTER EVENT TRIGGER bulla_judge_rewrite ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER bulla_judge_rewrite IS 'Protects the ledgers of this database.';
