#include "pg/ddl_start.h"

extern "C" {
#include "access/table.h"
#include "catalog/namespace.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "nodes/parsenodes.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
}

#include "pg/ddl_catalog.h"
#include "pg/event_log.h"
#include "pg/ledger_relation.h"

namespace bulla {
namespace {

// The first row's only column, in the caller's memory; nullptr where there is no row.
const char* FirstText(const char* query) {
  const MemoryContext caller = CurrentMemoryContext;
  SPI_connect();
  if (SPI_execute(query, true, 1) != SPI_OK_SELECT) elog(ERROR, "SPI failed on: %s", query);
  const char* text = nullptr;
  if (SPI_processed > 0) {
    text =
        MemoryContextStrdup(caller, SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1));
  }
  SPI_finish();
  return text;
}

// A ledger of this database other than bulla.events.
const char* AnyLedger() {
  return FirstText(
      "SELECT l.ledger::pg_catalog.text FROM bulla.ledgers AS l WHERE l.ledger "
      "OPERATOR(pg_catalog.<>) ALL (SELECT c.oid FROM pg_catalog.pg_class AS c WHERE "
      "c.relnamespace OPERATOR(pg_catalog.=) 'bulla'::pg_catalog.regnamespace) ORDER BY 1");
}

// A table with a column that is protected, or was and is not forgotten: what is sealed there could not be opened
// any more. From the triggers themselves, as one that is broken counts too.
const char* AnyProtectedTable() {
  return FirstText(
      "SELECT t.tgrelid::pg_catalog.regclass::pg_catalog.text FROM pg_catalog.pg_trigger AS t "
      "WHERE t.tgfoid OPERATOR(pg_catalog.=) ANY "
      "(ARRAY['bulla.seal_cell'::pg_catalog.regproc::pg_catalog.oid, "
      "'bulla.name_cell_columns'::pg_catalog.regproc::pg_catalog.oid]) AND t.tgparentid "
      "OPERATOR(pg_catalog.=) 0::pg_catalog.oid ORDER BY 1");
}

void RefuseWithoutExtension(const char* statement) {
  if (const char* const ledger = AnyLedger()) {
    ereport(ERROR,
            (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
             errmsg("%s would leave ledger \"%s\" without protection", statement, ledger),
             errhint("Run bulla.drop_ledger for every table in bulla.ledgers first, or, as a "
                     "superuser, set bulla.restore = on.")));
  }
  if (const char* const table = AnyProtectedTable()) {
    ereport(
        ERROR,
        (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
         errmsg("%s would end the protection of columns of \"%s\", and take the keys of what is "
                "sealed there",
                statement, table),
         errhint("For every column in bulla.protected_columns, open what is sealed and run "
                 "bulla.unprotect_column(…, forget => true) first, or, as a superuser, set "
                 "bulla.restore = on.")));
  }
}

void JudgeDropExtension(const DropStmt* drop) {
  ListCell* cell;
  foreach (cell, drop->objects) {
    if (strcmp(strVal(lfirst(cell)), "bulla") == 0) RefuseWithoutExtension("DROP EXTENSION bulla");
  }
}

void JudgeDropOwned(const DropOwnedStmt* drop) {
  ListCell* cell;
  foreach (cell, drop->roles) {
    if (get_rolespec_oid(static_cast<RoleSpec*>(lfirst(cell)), true) == ExtensionOwner())
      RefuseWithoutExtension("DROP OWNED by the owner of extension bulla");
  }
}

void JudgeDropIndexConcurrently(const DropStmt* drop) {
  ListCell* cell;
  foreach (cell, drop->objects) {
    const Oid index =
        RangeVarGetRelid(makeRangeVarFromNameList(lfirst_node(List, cell)), NoLock, true);
    const Oid table = OidIsValid(index) ? TableOfIndex(index, nullptr) : InvalidOid;
    if (!OidIsValid(table) || !OidIsValid(LedgerOf(table, nullptr))) continue;
    const Relation relation = table_open(table, AccessShareLock);
    const bool head = DescribeLedger(relation)->head_index == index;
    table_close(relation, AccessShareLock);
    if (head) {
      ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                      errmsg("index \"%s\" cannot be dropped concurrently: ledger \"%s\" finds its "
                             "rows by it",
                             get_rel_name(index), get_rel_name(table)),
                      errhint("REINDEX CONCURRENTLY renews it.")));
    }
  }
}

void JudgeDetachConcurrently(const AlterTableStmt* alter) {
  ListCell* cell;
  foreach (cell, alter->cmds) {
    const auto* const command = lfirst_node(AlterTableCmd, cell);
    if (command->subtype != AT_DetachPartition ||
        !reinterpret_cast<const PartitionCmd*>(command->def)->concurrent)
      continue;
    const Oid table = RangeVarGetRelid(alter->relation, NoLock, true);
    if (!OidIsValid(table) || !OidIsValid(LedgerOf(table, nullptr))) continue;
    ereport(
        ERROR,
        (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
         errmsg("partitions of ledger \"%s\" cannot be detached like this", get_rel_name(table)),
         errhint("bulla.detach_partition does it, and notes where the rest of the ledger "
                 "begins.")));
  }
}

}  // namespace

void JudgeStart(const Node* statement) {
  switch (nodeTag(statement)) {
    case T_DropStmt: {
      const auto* const drop = reinterpret_cast<const DropStmt*>(statement);
      if (drop->removeType == OBJECT_EXTENSION) JudgeDropExtension(drop);
      if (drop->removeType == OBJECT_INDEX && drop->concurrent) JudgeDropIndexConcurrently(drop);
      break;
    }
    case T_DropOwnedStmt:
      JudgeDropOwned(reinterpret_cast<const DropOwnedStmt*>(statement));
      break;
    case T_AlterTableStmt:
      JudgeDetachConcurrently(reinterpret_cast<const AlterTableStmt*>(statement));
      break;
    default:
      break;
  }
}

}  // namespace bulla
