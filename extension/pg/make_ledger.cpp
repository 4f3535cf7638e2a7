#include "pg/make_ledger.h"

extern "C" {
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
}

#include "pg/chain_existing.h"
#include "pg/ddl_catalog.h"
#include "pg/ledger_checks.h"
#include "pg/ledger_relation.h"
#include "pg/own_ddl.h"
#include "pg/run_command.h"
#include "pg/transaction_chains.h"
#include "pg/user_scope.h"
#include "pg/uuid_ids.h"
#include "pg/value_text.h"

namespace bulla {
namespace {

// All rows there are, also those that a REPEATABLE READ transaction's snapshot does not show.
int64 CountRows(Oid table) {
  PushActiveSnapshot(GetLatestSnapshot());
  const char* const query = psprintf("SELECT pg_catalog.count(*) FROM %s", QualifiedName(table));
  if (SPI_execute(query, true, 0) != SPI_OK_SELECT) elog(ERROR, "SPI failed on: %s", query);
  PopActiveSnapshot();
  bool null;
  return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &null));
}

const char* NowText() {
  ValueType type;
  DescribeValueType(TIMESTAMPTZOID, &type);
  const std::string_view text = ValueText(&type, TimestampTzGetDatum(GetCurrentTimestamp()));
  return pnstrdup(text.data(), text.size());
}

const char* const* NameArray(List* names) {
  auto* const array = static_cast<const char**>(palloc(sizeof(char*) * (list_length(names) + 1)));
  for (int i = 0; i < list_length(names); ++i)
    array[i] = static_cast<const char*>(list_nth(names, i));
  return array;
}

void CreateTrigger(Oid table, const RequiredTrigger& trigger, const char* arguments) {
  const bool row = (trigger.type & TRIGGER_TYPE_ROW) != 0;
  RunCommand(psprintf("CREATE TRIGGER %s %s ON %s FOR EACH %s EXECUTE FUNCTION bulla.%s(%s)",
                      trigger.name, trigger.definition, QualifiedName(table),
                      row ? "ROW" : "STATEMENT", trigger.function, arguments));
  // Also where session_replication_role is replica.
  RunCommand(
      psprintf("ALTER TABLE %s ENABLE ALWAYS TRIGGER %s", QualifiedName(table), trigger.name));
}

bool HasTrigger(Oid table, const char* name) {
  return OidIsValid(get_trigger_oid(table, name, true));
}

void CreateStatementTriggers(Oid table, const char* arguments) {
  for (const RequiredTrigger& trigger : RequiredTriggers()) {
    if ((trigger.type & TRIGGER_TYPE_ROW) != 0 || HasTrigger(table, trigger.name)) continue;
    CreateTrigger(table, trigger, arguments);
  }
}

void CreateTriggers(Oid table, const char* arguments) {
  for (const RequiredTrigger& trigger : RequiredTriggers()) {
    if ((trigger.type & TRIGGER_TYPE_ROW) != 0) CreateTrigger(table, trigger, arguments);
  }
  ListCell* cell;
  foreach (cell, find_all_inheritors(table, NoLock, nullptr))
    CreateStatementTriggers(lfirst_oid(cell), arguments);
}

void AddColumns(Oid table, const LedgerOptions& options) {
  RunCommand(psprintf(
      "ALTER TABLE %s ADD COLUMN seq bigint, ADD COLUMN prev_hash bytea, ADD COLUMN hash bytea%s%s",
      QualifiedName(table), options.erasable != NIL ? ", ADD COLUMN openings bytea" : "",
      options.blind ? ", ADD COLUMN blind uuid NOT NULL DEFAULT pg_catalog.gen_random_uuid()"
                    : ""));
}

void AddIndex(Oid table, List* chain_by) {
  StringInfoData sql;
  initStringInfo(&sql);
  appendStringInfo(&sql, "CREATE %sINDEX ON %s (", CanBeUnique(table, chain_by) ? "UNIQUE " : "",
                   QualifiedName(table));
  ListCell* cell;
  foreach (cell, chain_by)
    appendStringInfo(&sql, "%s, ", quote_identifier(static_cast<const char*>(lfirst(cell))));
  appendStringInfoString(&sql, "seq)");
  RunCommand(sql.data);
}

LedgerId NewId() {
  return IdOfUuid<LedgerId>(*DatumGetUUIDP(DirectFunctionCall1(gen_random_uuid, Datum{0})));
}

Oid TableOwner(Oid table) {
  const Relation relation = table_open(table, NoLock);
  const Oid owner = relation->rd_rel->relowner;
  table_close(relation, NoLock);
  return owner;
}

}  // namespace

MadeLedger MakeLedger(Oid table, const LedgerOptions& options) {
  CheckOwnsTable(table);
  const Relation relation = table_open(table, AccessExclusiveLock);
  CheckCanBecomeLedger(relation, options);
  table_close(relation, NoLock);  // ALTER TABLE refuses a table that is open here

  LedgerArguments arguments{NewId(),
                            NowText(),
                            GetUserNameFromId(GetUserId(), false),
                            CountRows(table),
                            list_length(options.chain_by),
                            NameArray(options.chain_by),
                            list_length(options.erasable),
                            NameArray(options.erasable)};
  BeginOwnDdl(table);
  AddColumns(table, options);
  CreateTriggers(table, LedgerArgumentsSql(arguments));
  MadeLedger made{arguments.id, arguments.retroactive_rows, NIL};
  if (made.retroactive_rows > 0) {
    // Its index expressions and constraints are evaluated: code of the owner, not of who calls.
    const UserScope caller = BeginAs(TableOwner(table), SECURITY_RESTRICTED_OPERATION);
    made.chains = ChainExistingRows(table);
    EndAs(caller);
  }
  RunCommand(
      psprintf("ALTER TABLE %s ALTER COLUMN seq SET NOT NULL, ALTER COLUMN prev_hash SET NOT NULL, "
               "ALTER COLUMN hash SET NOT NULL",
               QualifiedName(table)));
  AddIndex(table, options.chain_by);
  EndOwnDdl();
  return made;
}

void UnmakeLedger(Oid ledger) {
  const Relation relation = table_open(ledger, NoLock);
  ForgetHeadsAtCommit(DescribeLedger(relation));
  table_close(relation, NoLock);
  BeginOwnDdl(ledger);
  ListCell* cell;
  // The ledger itself comes first: its row triggers take their clones on partitions with them.
  foreach (cell, find_all_inheritors(ledger, AccessExclusiveLock, nullptr)) {
    for (const RequiredTrigger& trigger : RequiredTriggers()) {
      if (!HasTrigger(lfirst_oid(cell), trigger.name)) continue;
      RunCommand(psprintf("DROP TRIGGER %s ON %s", trigger.name, QualifiedName(lfirst_oid(cell))));
    }
    if (HasTrigger(lfirst_oid(cell), kDetachedTrigger.name))
      RunCommand(psprintf("DROP TRIGGER %s ON %s", kDetachedTrigger.name,
                          QualifiedName(lfirst_oid(cell))));
  }
  EndOwnDdl();
}

void ProtectTable(Oid table, Oid ledger) {
  const Relation relation = table_open(ledger, AccessShareLock);
  const char* const arguments = LedgerArgumentsSql(DescribeLedger(relation)->arguments);
  table_close(relation, NoLock);
  SPI_connect();
  BeginOwnDdl(table);
  CreateStatementTriggers(table, arguments);
  EndOwnDdl();
  SPI_finish();
}

void FireAlways(Oid table) {
  SPI_connect();
  BeginOwnDdl(table);
  ListCell* cell;
  foreach (cell, OwnTriggers(table, nullptr)) {
    const auto* const trigger = static_cast<const OwnTrigger*>(lfirst(cell));
    if (trigger->enabled != TRIGGER_FIRES_ON_ORIGIN) continue;
    RunCommand(psprintf("ALTER TABLE %s ENABLE ALWAYS TRIGGER %s", QualifiedName(table),
                        quote_identifier(NameStr(trigger->name))));
  }
  EndOwnDdl();
  SPI_finish();
}

void ProtectDetached(Oid table, const char* arguments) {
  for (const RequiredTrigger& trigger : RequiredTriggers()) {
    if (!HasTrigger(table, trigger.name)) CreateTrigger(table, trigger, arguments);
  }
  CreateTrigger(table, kDetachedTrigger, arguments);
}

}  // namespace bulla
