#include "pg/ledger_checks.h"

extern "C" {
#include "access/genam.h"
#include "access/table.h"
#include "catalog/catalog.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/partcache.h"
}

#include "pg/ledger_relation.h"
#include "pg/ledger_triggers.h"
#include "pg/versions.h"

namespace bulla {
namespace {

[[noreturn]] void Refuse(Relation table, const char* because, const char* hint) {
  ereport(ERROR,
          (errcode(ERRCODE_WRONG_OBJECT_TYPE),
           errmsg("\"%s\" cannot become a ledger: %s", RelationGetRelationName(table), because),
           errhint("%s", hint)));
}

void CheckStorage(Relation table) {
  switch (table->rd_rel->relkind) {
    case RELKIND_RELATION:
    case RELKIND_PARTITIONED_TABLE:
      break;
    case RELKIND_VIEW:
    case RELKIND_MATVIEW:
      Refuse(table, "it is a view", "Make the table under it a ledger.");
    case RELKIND_FOREIGN_TABLE:
      Refuse(table, "it is a foreign table", "Make it a ledger on the server where its rows are.");
    default:
      Refuse(table, "it is not a table", "Name an ordinary or partitioned table.");
  }
  if (table->rd_rel->relpersistence == RELPERSISTENCE_TEMP) {
    Refuse(table, "it is a temporary table", "Use a permanent table.");
  }
  if (table->rd_rel->relpersistence == RELPERSISTENCE_UNLOGGED) {
    Refuse(table, "it is an unlogged table, which a crash empties",
           "Run ALTER TABLE … SET LOGGED first.");
  }
  if (IsCatalogRelation(table)) Refuse(table, "it is a system catalog", "Use a table of your own.");
}

void CheckInheritance(Relation table) {
  if (table->rd_rel->relispartition) {
    Refuse(table, "it is a partition", "Make the partitioned table it belongs to a ledger.");
  }
  const bool partitioned = table->rd_rel->relkind == RELKIND_PARTITIONED_TABLE;
  if (has_superclass(RelationGetRelid(table)) ||
      (!partitioned &&
       find_inheritance_children(RelationGetRelid(table), AccessShareLock) != NIL)) {
    Refuse(table, "it takes part in table inheritance", "Use declarative partitioning instead.");
  }
  if (!partitioned) return;
  ListCell* cell;
  foreach (cell, find_all_inheritors(RelationGetRelid(table), AccessExclusiveLock, nullptr)) {
    const Relation partition = table_open(lfirst_oid(cell), NoLock);
    CheckStorage(partition);
    table_close(partition, NoLock);
  }
}

bool MayBeChainColumn(Oid type) {
  switch (getBaseType(type)) {
    // Types whose values are equal exactly when their texts are: the index and the chain key agree.
    case BOOLOID:
    case INT2OID:
    case INT4OID:
    case INT8OID:
    case OIDOID:
    case TEXTOID:
    case VARCHAROID:
    case NAMEOID:
    case UUIDOID:
    case DATEOID:
      return true;
    default:
      return false;
  }
}

const FormData_pg_attribute* FindColumn(Relation table, const char* name) {
  const TupleDesc columns = RelationGetDescr(table);
  for (int i = 0; i < columns->natts; ++i) {
    const FormData_pg_attribute* const column = TupleDescAttr(columns, i);
    if (!column->attisdropped && strcmp(NameStr(column->attname), name) == 0) return column;
  }
  return nullptr;
}

void CheckChainColumn(Relation table, const char* name) {
  const FormData_pg_attribute* const column = FindColumn(table, name);
  if (column == nullptr) {
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
                    errmsg("chain_by names \"%s\", which is no column of \"%s\"", name,
                           RelationGetRelationName(table))));
  }
  if (!column->attnotnull) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_TABLE_DEFINITION),
                    errmsg("chain_by column \"%s\" is nullable", name),
                    errhint("Every row belongs to a chain: run ALTER TABLE … ALTER COLUMN … SET "
                            "NOT NULL first.")));
  }
  if (column->attgenerated != '\0') {
    ereport(
        ERROR,
        (errcode(ERRCODE_INVALID_TABLE_DEFINITION),
         errmsg("chain_by column \"%s\" is a generated column", name),
         errhint("Generated values are not known yet when a row is hashed; use a plain column.")));
  }
  if (!MayBeChainColumn(column->atttypid) ||
      (OidIsValid(column->attcollation) && !get_collation_isdeterministic(column->attcollation))) {
    ereport(
        ERROR,
        (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
         errmsg("chain_by column \"%s\" has type %s, of which equal values can print differently",
                name, format_type_be(column->atttypid)),
         errhint("Use boolean, an integer, text with a deterministic collation, uuid or date.")));
  }
}

void CheckChainBy(Relation table, List* chain_by) {
  ListCell* cell;
  foreach (cell, chain_by) {
    const char* const name = static_cast<const char*>(lfirst(cell));
    CheckChainColumn(table, name);
    ListCell* other;
    foreach (other, chain_by) {
      if (other != cell && strcmp(name, static_cast<const char*>(lfirst(other))) == 0) {
        ereport(ERROR,
                (errcode(ERRCODE_DUPLICATE_COLUMN), errmsg("chain_by names \"%s\" twice", name)));
      }
    }
  }
}

void CheckNamesAreFree(Relation table, const LedgerOptions& options) {
  for (const char* const name : {"seq", "prev_hash", "hash", "blind", "openings"}) {
    if ((options.blind || strcmp(name, "blind") != 0) &&
        (options.erasable != NIL || strcmp(name, "openings") != 0) &&
        FindColumn(table, name) != nullptr) {
      ereport(ERROR,
              (errcode(ERRCODE_DUPLICATE_COLUMN),
               errmsg("\"%s\" has a column \"%s\" already, which a ledger gets from Bulla",
                      RelationGetRelationName(table), name),
               errhint("Rename the column, or drop it where it is left from an earlier ledger.")));
    }
  }
}

// That each column's type is allowed, and no record can be too long.
void CheckTypesAndSize(Relation table, const LedgerOptions& options) {
  LedgerArguments arguments = {};
  arguments.chain_by_count = list_length(options.chain_by);
  arguments.erasable_count = list_length(options.erasable);
  auto* const erasable =
      static_cast<const char**>(palloc(sizeof(char*) * (arguments.erasable_count + 1)));
  for (int i = 0; i < arguments.erasable_count; ++i)
    erasable[i] = static_cast<const char*>(list_nth(options.erasable, i));
  arguments.erasable = erasable;
  int count;
  const LedgerFault* fault;
  DescribeColumns(table, arguments, &count, &fault);
  RaiseFault(fault);
}

}  // namespace

void CheckTableExists(Oid table) {
  if (get_rel_name(table) == nullptr) {
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
                    errmsg("relation with oid %u does not exist", table)));
  }
  // PostgreSQL's own message differs between its versions.
  const char kind = get_rel_relkind(table);
  if (kind == RELKIND_INDEX || kind == RELKIND_PARTITIONED_INDEX) {
    ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
                    errmsg("\"%s\" is an index", get_rel_name(table))));
  }
}

void CheckOwnsTable(Oid table) {
  CheckTableExists(table);
  if (!OwnsRelation(table, GetUserId())) {
    aclcheck_error(ACLCHECK_NOT_OWNER, get_relkind_objtype(get_rel_relkind(table)),
                   get_rel_name(table));
  }
}

void CheckIsNotBullas(Oid table) {
  if (get_rel_namespace(table) != get_namespace_oid("bulla", true)) return;
  ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                  errmsg("table bulla.%s is Bulla's own", get_rel_name(table)),
                  errhint("Name a table in another schema.")));
}

void CheckChainColumns(Relation table, int count, const char* const* names) {
  for (int i = 0; i < count; ++i) CheckChainColumn(table, names[i]);
}

bool HasHeadIndex(const LedgerRelation* ledger) {
  if (!OidIsValid(ledger->head_index)) return false;
  List* chain_by = NIL;
  for (int i = 0; i < ledger->arguments.chain_by_count; ++i)
    chain_by = lappend(chain_by, const_cast<char*>(ledger->arguments.chain_by[i]));
  const Relation index = index_open(ledger->head_index, AccessShareLock);
  const bool unique = index->rd_index->indisunique;
  index_close(index, AccessShareLock);
  return unique || !CanBeUnique(ledger->root, chain_by);
}

void CheckCanBecomeLedger(Relation table, const LedgerOptions& options) {
  CheckStorage(table);
  if (FindLedgerTrigger(table) != nullptr) {
    Refuse(table, "it is one already", "bulla.ledgers lists the ledgers of this database.");
  }
  CheckInheritance(table);
  if (table->rd_rel->relhasrules) {
    Refuse(table, "it has rules, which rewrite statements before any trigger sees them",
           "Drop the rules; use triggers.");
  }
  if (const Trigger* const later = FindLaterTrigger(table)) {
    Refuse(
        table, psprintf("trigger \"%s\" would fire after the row is hashed", later->tgname),
        psprintf("Give the trigger a name that sorts before \"%s\".", RequiredTriggers()[0].name));
  }
  if (GetDatabaseEncoding() != PG_UTF8) {
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                    errmsg("ledgers need a database with encoding UTF8, this one has %s",
                           GetDatabaseEncodingName()),
                    errhint("Create a database with ENCODING 'UTF8'.")));
  }
  CheckNamesAreFree(table, options);
  CheckChainBy(table, options.chain_by);
  CheckErasable(table, options);
  CheckTypesAndSize(table, options);
}

bool CanBeUnique(Oid table, List* chain_by) {
  ListCell* cell;
  foreach (cell, find_all_inheritors(table, NoLock, nullptr)) {
    if (get_rel_relkind(lfirst_oid(cell)) != RELKIND_PARTITIONED_TABLE) continue;
    const Relation level = table_open(lfirst_oid(cell), NoLock);
    const PartitionKey key = RelationGetPartitionKey(level);
    bool covered = true;
    for (int i = 0; i < key->partnatts; ++i) {
      bool among = false;
      ListCell* column;
      foreach (column, chain_by) {
        const auto* const name = static_cast<const char*>(lfirst(column));
        among = among || (key->partattrs[i] != 0 &&
                          get_attnum(RelationGetRelid(level), name) == key->partattrs[i]);
      }
      covered = covered && among;
    }
    table_close(level, NoLock);
    if (!covered) return false;
  }
  return true;
}

}  // namespace bulla
