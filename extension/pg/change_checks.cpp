#include "pg/change_checks.h"

extern "C" {
#include "access/sysattr.h"
#include "access/table.h"
#include "catalog/catalog.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "parser/parse_func.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
}

#include "pg/change_ledger.h"
#include "pg/change_source.h"
#include "pg/key_store.h"
#include "pg/ledger_relation.h"
#include "pg/ledger_triggers.h"
#include "pg/versions.h"

namespace bulla {
namespace {

[[noreturn]] void Refuse(Relation source, const char* because, const char* hint) {
  ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
                  errmsg("changes of \"%s\" cannot be recorded: %s",
                         RelationGetRelationName(source), because),
                  errhint("%s", hint)));
}

void CheckKind(Relation source) {
  switch (source->rd_rel->relkind) {
    case RELKIND_RELATION:
    case RELKIND_PARTITIONED_TABLE:
      break;
    case RELKIND_VIEW:
    case RELKIND_MATVIEW:
      Refuse(source, "it is a view", "Name the tables under it.");
    case RELKIND_FOREIGN_TABLE:
      Refuse(source, "it is a foreign table", "Record them on the server where its rows are.");
    default:
      Refuse(source, "it is not a table", "Name an ordinary or partitioned table.");
  }
  if (source->rd_rel->relpersistence == RELPERSISTENCE_TEMP)
    Refuse(source, "it is a temporary table", "Use a permanent table.");
  if (IsCatalogRelation(source))
    Refuse(source, "it is a system catalog", "Name a table of your own.");
  if (FindLedgerTrigger(source) != nullptr)
    Refuse(source, "it is a ledger", "A ledger records itself.");
}

[[noreturn]] void RaiseAudited(Relation table, Oid root) {
  ereport(ERROR,
          (errcode(ERRCODE_DUPLICATE_OBJECT),
           errmsg("changes of \"%s\" are recorded already", RelationGetRelationName(table)),
           errhint("bulla.audited_tables says how; SELECT bulla.stop_auditing('%s') ends it.",
                   QualifiedName(root))));
}

const FormData_pg_attribute* FindColumn(Relation table, const char* name) {
  const TupleDesc columns = RelationGetDescr(table);
  for (int i = 0; i < columns->natts; ++i) {
    const FormData_pg_attribute* const column = TupleDescAttr(columns, i);
    if (!column->attisdropped && strcmp(NameStr(column->attname), name) == 0) return column;
  }
  return nullptr;
}

bool Names(List* columns, const char* name) {
  ListCell* cell;
  foreach (cell, columns) {
    if (strcmp(static_cast<const NamedColumn*>(lfirst(cell))->name, name) == 0) return true;
  }
  return false;
}

void CheckColumns(Relation source, const char* argument, List* columns) {
  ListCell* cell;
  foreach (cell, columns) {
    auto* const column = static_cast<NamedColumn*>(lfirst(cell));
    const FormData_pg_attribute* const attribute = FindColumn(source, column->name);
    if (attribute == nullptr) {
      ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
                      errmsg("%s names \"%s\", which is no column of \"%s\"", argument,
                             column->name, RelationGetRelationName(source))));
    }
    column->number = attribute->attnum;
    ListCell* other;
    foreach (other, columns) {
      if (other != cell &&
          strcmp(static_cast<const NamedColumn*>(lfirst(other))->name, column->name) == 0) {
        ereport(ERROR, (errcode(ERRCODE_DUPLICATE_COLUMN),
                        errmsg("%s names \"%s\" twice", argument, column->name)));
      }
    }
  }
}

// A column of the key is recorded even where `columns` does not name it.
void CheckRecorded(Relation source, const ChangeSettings& settings, const char* argument,
                   List* columns) {
  Bitmapset* const key = AuditKeyColumns(source);
  ListCell* cell;
  foreach (cell, columns) {
    const auto* const column = static_cast<const NamedColumn*>(lfirst(cell));
    const bool in_key = bms_is_member(column->number - FirstLowInvalidHeapAttributeNumber, key);
    if (!Names(settings.skip, column->name) &&
        (settings.all_columns || in_key || Names(settings.columns, column->name)))
      continue;
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("%s names \"%s\", which is not recorded", argument, column->name),
                    errhint("Take it out of skip, or add it to columns.")));
  }
}

// Who has its values sealed could as well seal them himself.
void CheckMaySeal(List* columns) {
  if (columns == NIL) return;
  Oid types[] = {TEXTOID, TEXTOID, TEXTOID};
  const Oid encrypt = LookupFuncName(
      list_make2(makeString(pstrdup("bulla")), makeString(pstrdup("encrypt"))), 3, types, false);
  if (!MayExecute(encrypt, GetUserId()))
    aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_FUNCTION, "encrypt");
  ListCell* cell;
  foreach (cell, columns)
    PrimaryCipher(static_cast<const NamedColumn*>(lfirst(cell))->key, Use::kEncrypt);
}

}  // namespace

void CheckCanBeAudited(Relation source) {
  CheckKind(source);
  if (FindCaptureTrigger(source) != nullptr) RaiseAudited(source, FindAuditedRoot(source));
  ListCell* cell;
  foreach (cell, find_all_inheritors(RelationGetRelid(source), ShareRowExclusiveLock, nullptr)) {
    if (lfirst_oid(cell) == RelationGetRelid(source)) continue;
    const Relation child = table_open(lfirst_oid(cell), NoLock);
    if (child->rd_rel->relkind == RELKIND_FOREIGN_TABLE)
      Refuse(source, "a partition of it is a foreign table",
             "Name the other partitions one by one.");
    if (child->rd_rel->relispartition && FindCaptureTrigger(child) != nullptr)
      RaiseAudited(child, FindAuditedRoot(child));
    table_close(child, NoLock);
  }
}

void CheckAuditedColumns(Relation source, const ChangeSettings& settings) {
  CheckColumns(source, "columns", settings.columns);
  CheckColumns(source, "skip", settings.skip);
  CheckColumns(source, "erasable", settings.erasable);
  CheckColumns(source, "seal", settings.seal);
  CheckRecorded(source, settings, "columns", settings.columns);
  CheckRecorded(source, settings, "erasable", settings.erasable);
  CheckRecorded(source, settings, "seal", settings.seal);
  CheckMaySeal(settings.seal);
}

void CheckTakesNoChanges(Oid ledger) {
  constexpr char kQuery[] =
      "SELECT pg_catalog.string_agg(pg_catalog.format('SELECT bulla.stop_auditing(%L);', "
      "a.source), ' ' "
      "ORDER BY a.source::pg_catalog.text COLLATE \"C\") "
      "FROM bulla.audited_tables AS a WHERE a.ledger OPERATOR(pg_catalog.=) $1";
  Oid types[] = {REGCLASSOID};
  Datum values[] = {ObjectIdGetDatum(ledger)};
  const MemoryContext caller = CurrentMemoryContext;
  PushActiveSnapshot(GetLatestSnapshot());
  SPI_connect();
  if (SPI_execute_with_args(kQuery, 1, types, values, nullptr, true, 0) != SPI_OK_SELECT)
    elog(ERROR, "SPI failed on: %s", kQuery);
  const char* stop = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
  if (stop != nullptr) stop = MemoryContextStrdup(caller, stop);
  SPI_finish();
  PopActiveSnapshot();
  if (stop == nullptr) return;
  ereport(ERROR,
          (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
           errmsg("changes of other tables are recorded in ledger \"%s\"", get_rel_name(ledger)),
           errhint("End that first: %s", stop)));
}

void CheckMayAppendTo(Relation ledger, bool erasable) {
  CheckChangeLedger(ledger, erasable);
  const AclResult result = pg_class_aclcheck(RelationGetRelid(ledger), GetUserId(), ACL_INSERT);
  if (result != ACLCHECK_OK) aclcheck_error(result, OBJECT_TABLE, RelationGetRelationName(ledger));
}

}  // namespace bulla
