#include "pg/change_ledger.h"

extern "C" {
#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "replication/logicalworker.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
}

#include "pg/chain_lock.h"
#include "pg/event_log.h"
#include "pg/event_row.h"
#include "pg/ledger_relation.h"
#include "pg/make_ledger.h"
#include "pg/relation_cache.h"
#include "pg/run_command.h"
#include "pg/subscriptions.h"
#include "pg/user_scope.h"
#include "pg/uuid_ids.h"

namespace bulla {
namespace {

// A random uuid in each row (blind): who reads a published hash cannot look for the row by guessing.
constexpr char kCreateTable[] =
    "CREATE TABLE bulla.changes ("
    " table_schema text NOT NULL,"
    " table_name text NOT NULL,"
    " partition_name text,"
    " table_oid oid NOT NULL,"
    " operation text NOT NULL,"
    " row_key jsonb,"
    " old_values jsonb,"
    " new_values jsonb,"
    " personal jsonb,"
    " statement_at timestamp with time zone NOT NULL,"
    " transaction_id xid8 NOT NULL,"
    " session_role text NOT NULL,"
    " role text NOT NULL,"
    " application_name text,"
    " actor text)";

constexpr char kComment[] =
    "COMMENT ON TABLE bulla.changes IS 'Changes of the tables that bulla.audit_changes records, a "
    "ledger: docs/spec/changes.md says what its columns hold.'";

struct EventColumn {
  const char* name;
  Oid type;
};
constexpr EventColumn kColumns[kChangeColumns] = {
    {"table_schema", TEXTOID},   {"table_name", TEXTOID},
    {"partition_name", TEXTOID}, {"table_oid", OIDOID},
    {"operation", TEXTOID},      {"row_key", JSONBOID},
    {"old_values", JSONBOID},    {"new_values", JSONBOID},
    {"personal", JSONBOID},      {"statement_at", TIMESTAMPTZOID},
    {"transaction_id", XID8OID}, {"session_role", TEXTOID},
    {"role", TEXTOID},           {"application_name", TEXTOID},
    {"actor", TEXTOID},
};

Oid ChangesOid() { return get_relname_relid("changes", get_namespace_oid("bulla", false)); }

// The column's index into a tuple's values, -1 where there is none of that name and type.
int FindColumn(Relation ledger, const EventColumn& wanted) {
  const TupleDesc columns = RelationGetDescr(ledger);
  for (int i = 0; i < columns->natts; ++i) {
    const FormData_pg_attribute* const column = TupleDescAttr(columns, i);
    if (!column->attisdropped && strcmp(NameStr(column->attname), wanted.name) == 0)
      return column->atttypid == wanted.type ? i : -1;
  }
  return -1;
}

// Where the columns of an event are in a ledger, kept per backend.
struct Layout {
  Oid relation;  // hash key; must be first
  bool valid;
  MemoryContext memory;
  int attributes
      [kChangeColumns];  // indexes into a tuple's values, -1 for a column that is not there
};

RelationCache<Layout>* Layouts() {
  static RelationCache<Layout>* cache = nullptr;
  if (cache == nullptr) cache = RelationCache<Layout>::Make("bulla ledgers of changes");
  return cache;
}

const Layout* LayoutOf(Relation ledger, bool personal) {
  const Layout* const layout = Layouts()->Find(ledger, [&](Layout* found) {
    CheckChangeLedger(ledger, personal);
    for (int i = 0; i < kChangeColumns; ++i) found->attributes[i] = FindColumn(ledger, kColumns[i]);
  });
  if (personal && layout->attributes[kPersonal] < 0) CheckChangeLedger(ledger, personal);
  return layout;
}

Relation OpenLedger(Oid ledger) {
  const Relation relation = try_relation_open(ledger, RowExclusiveLock);
  if (relation != nullptr) return relation;
  ereport(ERROR,
          (errcode(ERRCODE_UNDEFINED_TABLE),
           errmsg("the ledger to which changes are recorded was dropped"),
           errhint("Call bulla.stop_auditing, and bulla.audit_changes with another ledger.")));
}

// Where a subscription brings the ledger's rows, the event of a change that it brings is among them; of a
// change that was made here there must be none.
bool IsPublishersChange(Relation ledger) {
  const Oid subscription = DescribeLedger(ledger)->subscription;
  if (!OidIsValid(subscription)) return false;
  if (!IsLogicalWorker()) RaiseSubscribed(RelationGetRelationName(ledger), subscription);
  return true;
}

}  // namespace

Oid ChangesLedger() {
  if (OidIsValid(ChangesOid())) return ChangesOid();
  const Oid owner = ExtensionOwner();
  if (!has_privs_of_role(GetUserId(), owner)) {
    ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                    errmsg("permission denied to make bulla.changes, which does not exist yet"),
                    errhint("Name a ledger of your own, or let %s audit the first table.",
                            GetUserNameFromId(owner, false))));
  }
  const UserScope caller = BeginAs(owner, SECURITY_LOCAL_USERID_CHANGE);
  // One maker at a time; the second finds the table once it has the lock.
  AcquireSetupLock();
  if (!OidIsValid(ChangesOid())) {
    RunCommand(kCreateTable);
    RunCommand(kComment);
    LedgerOptions options;
    options.erasable = list_make1(pstrdup(kColumns[kPersonal].name));
    options.blind = true;
    const MadeLedger made = MakeLedger(ChangesOid(), options);
    EndAs(caller);
    RecordEvent("ledger.created", EventDetail()
                                      .Text("ledger", "bulla.changes")
                                      .Text("ledger_id", IdText(made.id))
                                      .Number("retroactive_rows", 0));
    return ChangesOid();
  }
  EndAs(caller);
  return ChangesOid();
}

void CheckChangeLedger(Relation ledger, bool personal) {
  const LedgerArguments& arguments = DescribeWholeLedger(ledger)->arguments;
  for (int i = 0; i < kChangeColumns; ++i) {
    if ((i == kPersonal && !personal) || FindColumn(ledger, kColumns[i]) >= 0) continue;
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
                    errmsg("ledger \"%s\" cannot take changes: it has no column \"%s\" of type %s",
                           RelationGetRelationName(ledger), kColumns[i].name,
                           format_type_be(kColumns[i].type)),
                    errhint("docs/spec/changes.md lists the columns that such a ledger has.")));
  }
  bool erasable = !personal;
  for (int i = 0; i < arguments.erasable_count; ++i)
    erasable = erasable || strcmp(arguments.erasable[i], kColumns[kPersonal].name) == 0;
  if (erasable) return;
  ereport(ERROR,
          (errcode(ERRCODE_INVALID_TABLE_DEFINITION),
           errmsg("ledger \"%s\" cannot take erasable values: its column \"%s\" is not erasable",
                  RelationGetRelationName(ledger), kColumns[kPersonal].name),
           errhint("Make the ledger by bulla.create_ledger(…, erasable => '{%s}').",
                   kColumns[kPersonal].name)));
}

void AppendChange(Oid ledger, const ChangeEvent& event) {
  const Relation relation = OpenLedger(ledger);
  if (IsPublishersChange(relation)) {
    table_close(relation, NoLock);
    return;
  }
  const Layout* const layout = LayoutOf(relation, !event.nulls[kPersonal]);
  const int count = RelationGetDescr(relation)->natts;
  auto* const values = static_cast<Datum*>(palloc(sizeof(Datum) * count));
  auto* const nulls = static_cast<bool*>(palloc(sizeof(bool) * count));
  auto* const given = static_cast<bool*>(palloc0(sizeof(bool) * count));
  for (int i = 0; i < kChangeColumns; ++i) {
    const int attribute = layout->attributes[i];
    if (attribute < 0) continue;
    values[attribute] = event.values[i];
    nulls[attribute] = event.nulls[i];
    given[attribute] = true;
  }
  // With the rights of the ledger's owner, whose code its triggers and constraints are; never with those
  // of who writes to the audited table.
  const UserScope caller = BeginAs(relation->rd_rel->relowner, SECURITY_LOCAL_USERID_CHANGE);
  QueueValues(relation, values, nulls, given);
  EndAs(caller);
  table_close(relation, NoLock);
}

}  // namespace bulla
