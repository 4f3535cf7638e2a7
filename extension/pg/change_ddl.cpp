// bulla.follow_audits, an event trigger: DDL on audited tables. It refuses audit triggers that somebody
// makes by hand, keeps TRUNCATE triggers on what becomes a partition and the settings in the names of now,
// and records in bulla.events where an audit ended by DDL.

#include "pg/boundary.h"

extern "C" {
#include "access/relation.h"
#include "access/table.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_trigger.h"
#include "commands/event_trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/lsyscache.h"
}

#include "pg/change_audit.h"
#include "pg/change_refresh.h"
#include "pg/event_log.h"
#include "pg/ledger_triggers.h"
#include "pg/own_ddl.h"
#include "pg/settings.h"
#include "pg/versions.h"

namespace bulla {
namespace {

bool IsOwnDdlOfTree(Oid table) {
  if (IsOwnDdl(table)) return true;
  ListCell* cell;
  foreach (cell, get_partition_ancestors(table)) {
    if (IsOwnDdl(lfirst_oid(cell))) return true;
  }
  return false;
}

// A table has but one of each, which its name tells from other triggers: none may take its place.
void CheckName(Relation table, const Trigger& trigger, bool ours) {
  const char* const name =
      TRIGGER_FOR_ROW(trigger.tgtype) ? kCaptureTrigger : kCaptureTruncateTrigger;
  const bool named = strcmp(trigger.tgname, kCaptureTrigger) == 0 ||
                     strcmp(trigger.tgname, kCaptureTruncateTrigger) == 0;
  if (ours ? strcmp(trigger.tgname, name) == 0 : !named) return;
  ereport(ERROR, (errcode(ERRCODE_INVALID_NAME),
                  errmsg("trigger \"%s\" on \"%s\" must not have that name", trigger.tgname,
                         RelationGetRelationName(table)),
                  errhint("\"%s\" and \"%s\" are the names of the triggers that "
                          "bulla.audit_changes makes.",
                          kCaptureTrigger, kCaptureTruncateTrigger)));
}

// Where events go to was allowed to who called bulla.audit_changes. A superuser restores dumps.
void CheckMadeTrigger(Oid table, Oid trigger_oid) {
  if (IsOwnDdlOfTree(table)) return;
  const Relation source = table_open(table, AccessShareLock);
  const Oid function = TriggerFunction("capture_change");
  for (int i = 0; source->trigdesc != nullptr && i < source->trigdesc->numtriggers; ++i) {
    const Trigger& trigger = source->trigdesc->triggers[i];
    if (trigger.tgoid != trigger_oid) continue;
    CheckName(source, trigger, trigger.tgfoid == function);
    if (trigger.tgfoid != function || superuser()) continue;
    ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                    errmsg("permission denied to make a trigger of bulla.capture_change"),
                    errhint("Call bulla.audit_changes, which makes it.")));
  }
  table_close(source, AccessShareLock);
}

void CheckEnabled(Relation table) {
  const Oid function = TriggerFunction("capture_change");
  for (int i = 0; i < table->trigdesc->numtriggers && !superuser(); ++i) {
    const Trigger& trigger = table->trigdesc->triggers[i];
    if (trigger.tgfoid != function || trigger.tgenabled == TRIGGER_FIRES_ALWAYS) continue;
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("changes of \"%s\" are recorded: its trigger \"%s\" cannot be disabled",
                           RelationGetRelationName(table), trigger.tgname),
                    errhint("bulla.stop_auditing ends the audit, and records that.")));
  }
}

bool Has(const Node* command, AlterTableType type) {
  ListCell* cell;
  foreach (cell, reinterpret_cast<const AlterTableStmt*>(command)->cmds) {
    if (static_cast<const AlterTableCmd*>(lfirst(cell))->subtype == type) return true;
  }
  return false;
}

void FollowAudited(Oid root, const Node* command) {
  if (IsA(command, CreateStmt) ||
      (IsA(command, AlterTableStmt) && Has(command, AT_AttachPartition))) {
    AuditNewPartitions(root);
  } else if (IsA(command, AlterTableStmt) &&
             (Has(command, AT_DetachPartition) || Has(command, kFinalizeDetach))) {
    EndAuditOfDetached(root);
  } else if (IsA(command, RenameStmt) ||
             (IsA(command, AlterTableStmt) &&
              (Has(command, AT_DropColumn) || Has(command, AT_EnableAlwaysTrig)))) {
    RefreshColumns(root);
  }
}

// The table is closed before anything is done to it.
void FollowTable(Oid oid, const Node* command) {
  const Relation table = try_relation_open(oid, AccessShareLock);
  if (table == nullptr) return;
  const bool own = IsOwnDdlOfTree(oid);
  const bool audited = !own && FindCaptureTrigger(table) != nullptr;
  const bool ledger = !own && FindLedgerTrigger(table) != nullptr;
  const Oid root = audited ? FindAuditedRoot(table) : InvalidOid;
  if (audited && IsA(command, AlterTableStmt)) CheckEnabled(table);
  relation_close(table, AccessShareLock);
  if (audited) FollowAudited(root, command);
  if (ledger && (IsA(command, RenameStmt) || IsA(command, AlterObjectSchemaStmt)))
    RefreshLedgerNames();
}

// With a snapshot of now, as the command's own rows are looked for.
int Select(const char* query) {
  if (SPI_execute(query, false, 0) != SPI_OK_SELECT) elog(ERROR, "SPI failed on: %s", query);
  return static_cast<int>(SPI_processed);
}

Oid OidAt(const SPITupleTable* rows, int row, int column) {
  bool null;
  const Datum value = SPI_getbinval(rows->vals[row], rows->tupdesc, column, &null);
  return null ? InvalidOid : DatumGetObjectId(value);
}

void FollowCommand(const Node* command) {
  if (IsA(command, RenameStmt) &&
      reinterpret_cast<const RenameStmt*>(command)->renameType == OBJECT_SCHEMA) {
    RefreshLedgerNames();
    return;
  }
  const int count = Select(
      "SELECT c.classid, c.objid, t.tgrelid FROM pg_catalog.pg_event_trigger_ddl_commands() AS c "
      "LEFT JOIN pg_catalog.pg_trigger AS t "
      "ON c.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_trigger'::pg_catalog.regclass "
      "AND t.oid OPERATOR(pg_catalog.=) c.objid");
  const SPITupleTable* const rows = SPI_tuptable;
  for (int i = 0; i < count; ++i) {
    if (OidAt(rows, i, 1) == TriggerRelationId && OidIsValid(OidAt(rows, i, 3))) {
      CheckMadeTrigger(OidAt(rows, i, 3), OidAt(rows, i, 2));
    } else if (OidAt(rows, i, 1) == RelationRelationId) {
      FollowTable(OidAt(rows, i, 2), command);
    }
  }
}

// What concerns no audit, as most commands do, is told from the statement.
bool MayConcernAudits(const Node* command) {
  return !IsA(command, CreateStmt) ||
         reinterpret_cast<const CreateStmt*>(command)->partbound != nullptr;
}

// The trigger's row is gone; its name is left. A restore that cleans up first ends nothing.
void FollowDrop(const char* command) {
  if (restore_mode) return;
  const int count = Select(psprintf(
      "SELECT DISTINCT pg_catalog.to_regclass(pg_catalog.format('%%I.%%I', address_names[1], "
      "address_names[2]))::pg_catalog.oid, "
      "pg_catalog.format('%%I.%%I', address_names[1], address_names[2]) "
      "FROM pg_catalog.pg_event_trigger_dropped_objects() "
      "WHERE object_type OPERATOR(pg_catalog.=) 'trigger' "
      "AND address_names[3] OPERATOR(pg_catalog.=) ANY ('{%s,%s}'::pg_catalog.text[])",
      kCaptureTrigger, kCaptureTruncateTrigger));
  const SPITupleTable* const rows = SPI_tuptable;
  for (int i = 0; i < count; ++i) {
    const Oid table = OidAt(rows, i, 1);
    if (OidIsValid(table) && IsOwnDdlOfTree(table)) continue;
    RecordEvent("audit.stopped", EventDetail()
                                     .Text("table", SPI_getvalue(rows->vals[i], rows->tupdesc, 2))
                                     .Text("command", command));
  }
}

}  // namespace

BULLA_FUNCTION(bulla_follow_audits);
Datum bulla_follow_audits(PG_FUNCTION_ARGS) {
  if (!CALLED_AS_EVENT_TRIGGER(fcinfo)) {
    ereport(ERROR, (errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
                    errmsg("this function must be called as an event trigger")));
  }
  const auto* const happened = reinterpret_cast<const EventTriggerData*>(fcinfo->context);
  if (!MayConcernAudits(happened->parsetree)) return PointerGetDatum(nullptr);
  SPI_connect();
  if (strcmp(happened->event, "sql_drop") == 0) {
    FollowDrop(GetCommandTagName(happened->tag));
  } else {
    FollowCommand(happened->parsetree);
  }
  SPI_finish();
  return PointerGetDatum(nullptr);
}

}  // namespace bulla
