-- Changes of tables, recorded in a ledger.

CREATE FUNCTION bulla.capture_change() RETURNS trigger
    LANGUAGE C AS 'MODULE_PATHNAME', 'bulla_capture_change';
COMMENT ON FUNCTION bulla.capture_change() IS
    'Trigger of an audited table, AFTER INSERT, UPDATE or DELETE for each row and AFTER TRUNCATE: appends an event to the ledger that bulla.audit_changes named.';

CREATE FUNCTION bulla.audit_changes(
    source regclass,
    ledger regclass DEFAULT pg_catalog.to_regclass('bulla.changes'),
    columns name[] DEFAULT NULL,
    skip name[] DEFAULT '{}',
    erasable name[] DEFAULT '{}',
    seal jsonb DEFAULT '{}'
) RETURNS void
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'bulla_audit_changes';
COMMENT ON FUNCTION bulla.audit_changes(regclass, regclass, name[], name[], name[], jsonb) IS
    'From now on every INSERT, UPDATE, DELETE and TRUNCATE of a table becomes an event in a ledger, bulla.changes unless another is named, in the same transaction. columns restricts what is recorded to these and the primary key, skip leaves columns out, erasable names columns whose values bulla.erase can erase from the events, seal maps columns to the keys under which their values are sealed. Needs ownership of the table, INSERT on the ledger, and the use encrypt of the keys in seal.';

CREATE FUNCTION bulla.stop_auditing(source regclass) RETURNS void
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'bulla_stop_auditing';
COMMENT ON FUNCTION bulla.stop_auditing(regclass) IS
    'Ends what bulla.audit_changes began, and records that in bulla.events. The events that there are stay. Needs ownership of the table.';

CREATE FUNCTION bulla.audit_settings(
    source oid,
    OUT ledger regclass,
    OUT columns name[],
    OUT skip name[],
    OUT erasable name[],
    OUT seal jsonb
)
    LANGUAGE C STABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'bulla_audit_settings';
COMMENT ON FUNCTION bulla.audit_settings(oid) IS
    'What bulla.audit_changes was told about a table, in the names of now. The ledger is null where it is gone.';

CREATE VIEW bulla.audited_tables AS
SELECT t.tgrelid::pg_catalog.regclass AS source,
       a.ledger,
       a.columns,
       a.skip,
       a.erasable,
       a.seal,
       NOT EXISTS (
           SELECT FROM (
               SELECT t.tgrelid AS relid
               UNION
               SELECT p.relid FROM pg_catalog.pg_partition_tree(t.tgrelid) AS p) AS r
           WHERE (
               SELECT pg_catalog.count(*) FROM pg_catalog.pg_trigger AS u
               WHERE u.tgrelid OPERATOR(pg_catalog.=) r.relid
                 AND u.tgfoid OPERATOR(pg_catalog.=) t.tgfoid
                 AND u.tgenabled OPERATOR(pg_catalog.=) 'A') OPERATOR(pg_catalog.<>) 2) AS enabled
FROM pg_catalog.pg_trigger AS t
CROSS JOIN LATERAL bulla.audit_settings(t.tgrelid) AS a
WHERE t.tgfoid OPERATOR(pg_catalog.=) 'bulla.capture_change'::pg_catalog.regproc
  AND t.tgparentid OPERATOR(pg_catalog.=) 0::pg_catalog.oid
  AND (t.tgtype OPERATOR(pg_catalog.&) 1::pg_catalog.int2) OPERATOR(pg_catalog.<>) 0
  AND a.skip IS NOT NULL;
COMMENT ON VIEW bulla.audited_tables IS
    'The tables whose changes are recorded, and how. enabled is false where a trigger, of a partition too, was disabled or dropped. columns is null where all are recorded.';

-- Enabled always: session_replication_role is no way around. The extension's owner, a superuser, makes them.

CREATE FUNCTION bulla.follow_audits() RETURNS event_trigger
    LANGUAGE C
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'bulla_follow_audits';
COMMENT ON FUNCTION bulla.follow_audits() IS
    'Event trigger: keeps audited tables audited through DDL, refuses audit triggers made by hand, and records where an audit ended by DDL.';

CREATE EVENT TRIGGER bulla_follow_audits ON ddl_command_end
    WHEN TAG IN ('CREATE TRIGGER', 'ALTER TRIGGER', 'CREATE TABLE', 'ALTER TABLE', 'ALTER SCHEMA')
    EXECUTE FUNCTION bulla.follow_audits();
ALTER EVENT TRIGGER bulla_follow_audits ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER bulla_follow_audits IS 'Follows DDL on the tables of bulla.audited_tables.';

CREATE EVENT TRIGGER bulla_follow_dropped_audits ON sql_drop
    EXECUTE FUNCTION bulla.follow_audits();
ALTER EVENT TRIGGER bulla_follow_dropped_audits ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER bulla_follow_dropped_audits IS
    'Records in bulla.events where DDL ended an audit that bulla.stop_auditing did not.';
