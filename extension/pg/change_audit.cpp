#include "pg/change_audit.h"

extern "C" {
#include "access/table.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
}

#include "pg/event_log.h"
#include "pg/ledger_relation.h"
#include "pg/ledger_triggers.h"
#include "pg/own_ddl.h"
#include "pg/run_command.h"
#include "pg/user_scope.h"
#include "pg/uuid_ids.h"

namespace bulla {
namespace {

bool HasTrigger(Oid table, const char* name) {
  return OidIsValid(get_trigger_oid(table, name, true));
}

// Enabled always: what logical replication applies is a change of this table too, and
// session_replication_role is no way around.
void CreateTrigger(Oid table, const char* name, const char* when, const char* argument) {
  RunCommand(psprintf("CREATE TRIGGER %s AFTER %s EXECUTE FUNCTION bulla.capture_change(%s)", name,
                      psprintf(when, QualifiedName(table)), quote_literal_cstr(argument)));
  RunCommand(psprintf("ALTER TABLE %s ENABLE ALWAYS TRIGGER %s", QualifiedName(table), name));
}

void DropTrigger(Oid table, const char* name) {
  if (!HasTrigger(table, name)) return;
  RunCommand(psprintf("DROP TRIGGER %s ON %s", name, QualifiedName(table)));
}

// The table, and its partitions if it is partitioned; children by inheritance are tables of their own.
List* TableAndPartitions(Oid table) {
  if (get_rel_relkind(table) != RELKIND_PARTITIONED_TABLE) return list_make1_oid(table);
  return find_all_inheritors(table, ShareRowExclusiveLock, nullptr);
}

// One that is left from before its partition was detached is replaced.
void CreateTruncateTrigger(Oid table, const char* argument) {
  DropTrigger(table, kCaptureTruncateTrigger);
  CreateTrigger(table, kCaptureTruncateTrigger, "TRUNCATE ON %s FOR EACH STATEMENT", argument);
}

const char* CaptureArgument(Oid table) {
  const Relation relation = table_open(table, NoLock);
  const Trigger* const trigger = FindCaptureTrigger(relation);
  const char* const argument = trigger != nullptr ? pstrdup(trigger->tgargs[0]) : nullptr;
  table_close(relation, NoLock);
  return argument;
}

void Record(const char* action, Oid source, const ChangeSettings& settings) {
  RecordEvent(action, EventDetail()
                          .Text("table", QualifiedName(source))
                          .Text("ledger", settings.ledger_name)
                          .Text("ledger_id", IdText(settings.ledger_id))
                          .Text("settings", FormatChangeSettings(settings)));
}

}  // namespace

void StartAudit(const ChangeSettings& settings) {
  const char* const argument = FormatChangeSettings(settings);
  const UserScope caller = BeginAs(ExtensionOwner(), SECURITY_LOCAL_USERID_CHANGE);
  BeginOwnDdl(settings.source);
  CreateTrigger(settings.source, kCaptureTrigger, "INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW",
                argument);
  ListCell* cell;
  foreach (cell, TableAndPartitions(settings.source))
    CreateTruncateTrigger(lfirst_oid(cell), argument);
  EndOwnDdl();
  EndAs(caller);
  Record("audit.started", settings.source, settings);
}

void StopAudit(Oid source) {
  const Relation relation = table_open(source, NoLock);
  const ChangeSettings settings = AuditOf(relation);
  table_close(relation, NoLock);
  const UserScope caller = BeginAs(ExtensionOwner(), SECURITY_LOCAL_USERID_CHANGE);
  BeginOwnDdl(source);
  DropTrigger(source, kCaptureTrigger);
  ListCell* cell;
  foreach (cell, TableAndPartitions(source)) DropTrigger(lfirst_oid(cell), kCaptureTruncateTrigger);
  EndOwnDdl();
  EndAs(caller);
  Record("audit.stopped", source, settings);
}

void AuditNewPartitions(Oid root) {
  const char* const argument = CaptureArgument(root);
  if (argument == nullptr) return;
  const UserScope caller = BeginAs(ExtensionOwner(), SECURITY_LOCAL_USERID_CHANGE);
  BeginOwnDdl(root);
  ListCell* cell;
  foreach (cell, find_all_inheritors(root, NoLock, nullptr)) {
    if (!HasTrigger(lfirst_oid(cell), kCaptureTruncateTrigger))
      CreateTruncateTrigger(lfirst_oid(cell), argument);
  }
  EndOwnDdl();
  EndAs(caller);
}

void EndAuditOfDetached(Oid root) {
  Oid types[] = {OIDOID};
  Datum values[] = {ObjectIdGetDatum(root)};
  if (SPI_execute_with_args(
          "SELECT t.tgrelid FROM pg_catalog.pg_trigger AS t "
          "JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) t.tgrelid "
          "JOIN pg_catalog.pg_trigger AS r ON r.tgfoid OPERATOR(pg_catalog.=) t.tgfoid "
          "AND r.tgargs OPERATOR(pg_catalog.=) t.tgargs AND r.tgname OPERATOR(pg_catalog.=) "
          "t.tgname "
          "WHERE r.tgrelid OPERATOR(pg_catalog.=) $1 AND t.tgrelid OPERATOR(pg_catalog.<>) $1 "
          "AND t.tgfoid OPERATOR(pg_catalog.=) 'bulla.capture_change'::pg_catalog.regproc "
          "AND NOT c.relispartition",
          1, types, values, nullptr, false, 0) != SPI_OK_SELECT)
    elog(ERROR, "SPI failed to find detached partitions");
  const SPITupleTable* const rows = SPI_tuptable;
  const int count = static_cast<int>(SPI_processed);
  for (int i = 0; i < count; ++i) {
    bool null;
    const Oid table = DatumGetObjectId(SPI_getbinval(rows->vals[i], rows->tupdesc, 1, &null));
    const UserScope caller = BeginAs(ExtensionOwner(), SECURITY_LOCAL_USERID_CHANGE);
    BeginOwnDdl(table);
    ListCell* cell;
    foreach (cell, TableAndPartitions(table))
      DropTrigger(lfirst_oid(cell), kCaptureTruncateTrigger);
    EndOwnDdl();
    EndAs(caller);
    RecordEvent(
        "audit.stopped",
        EventDetail().Text("table", QualifiedName(table)).Text("command", "DETACH PARTITION"));
  }
}

ChangeSettings AuditOf(Relation source) {
  const TriggerDesc* const triggers = source->trigdesc;
  const Oid function = triggers != nullptr ? TriggerFunction("capture_change") : InvalidOid;
  for (int i = 0; OidIsValid(function) && i < triggers->numtriggers; ++i) {
    if (triggers->triggers[i].tgfoid == function && triggers->triggers[i].tgnargs == 1)
      return ParseChangeSettings(triggers->triggers[i].tgargs[0]);
  }
  ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
                  errmsg("changes of \"%s\" are not recorded", RelationGetRelationName(source)),
                  errhint("bulla.audited_tables lists the tables whose changes are.")));
}

}  // namespace bulla
