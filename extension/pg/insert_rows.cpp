#include "pg/insert_rows.h"

extern "C" {
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"
}

#include "pg/ledger_relation.h"

namespace bulla {

struct RowInserter {
  Relation ledger;
  SPIPlanPtr plan;
  int settings;  // the nesting level of those that are pinned
  ErrorContextCallback context;
  TupleTableSlot* row;
  Tuplestorestate* batch;  // null where it is empty
  int batch_rows;
  UserScope batch_as;
};

namespace {

// Enough that a statement costs nothing, and not so many that its row triggers take much memory.
constexpr int kBatchRows = 1000;

char queued_rows[] = "bulla_queued_rows";  // how the statement knows the batch

// The statement of a ledger, kept per backend until the table changes.
struct KnownStatement {
  Oid ledger;  // hash key; must be first
  SPIPlanPtr plan;
  char* name;
  TupleDesc columns;
};

HTAB* Statements() {
  static HTAB* statements = nullptr;
  if (statements == nullptr) {
    HASHCTL control = {};
    control.keysize = sizeof(Oid);
    control.entrysize = sizeof(KnownStatement);
    statements = hash_create("bulla insert statements", 16, &control, HASH_ELEM | HASH_BLOBS);
  }
  return statements;
}

// Every column that an INSERT can name: defaults were filled in when the row was queued, and identity
// columns have their numbers.
const char* StatementText(Relation ledger) {
  const TupleDesc columns = RelationGetDescr(ledger);
  const LedgerRelation* const described = DescribeLedger(ledger);
  StringInfoData names;
  initStringInfo(&names);
  for (int i = 0; i < columns->natts; ++i) {
    const FormData_pg_attribute* const column = TupleDescAttr(columns, i);
    if (column->attisdropped || column->attgenerated != '\0' || IsOwnColumn(described, i)) continue;
    appendStringInfo(&names, "%s%s", names.len == 0 ? "" : ", ",
                     quote_identifier(NameStr(column->attname)));
  }
  const bool any = names.len > 0;
  return psprintf("INSERT INTO %s %s%s%s OVERRIDING SYSTEM VALUE SELECT %s FROM %s",
                  QualifiedName(RelationGetRelid(ledger)), any ? "(" : "", names.data,
                  any ? ")" : "", names.data, queued_rows);
}

bool IsStillRight(const KnownStatement* known, Relation ledger) {
  return known->plan != nullptr &&
         strcmp(known->name, QualifiedName(RelationGetRelid(ledger))) == 0 &&
         equalTupleDescs(known->columns, RelationGetDescr(ledger));
}

void Forget(KnownStatement* known) {
  if (known->plan == nullptr) return;
  SPI_freeplan(known->plan);
  known->plan = nullptr;
  pfree(known->name);
  FreeTupleDesc(known->columns);
}

// Connected to SPI, with a batch registered.
SPIPlanPtr PlanFor(Relation ledger) {
  const Oid key = RelationGetRelid(ledger);
  bool found;
  auto* const known =
      static_cast<KnownStatement*>(hash_search(Statements(), &key, HASH_ENTER, &found));
  if (!found) known->plan = nullptr;
  if (IsStillRight(known, ledger)) return known->plan;

  Forget(known);
  const char* const text = StatementText(ledger);
  const SPIPlanPtr plan = SPI_prepare(text, 0, nullptr);
  if (plan == nullptr || SPI_keepplan(plan) != 0) elog(ERROR, "SPI failed on: %s", text);
  const MemoryContext caller = MemoryContextSwitchTo(CacheMemoryContext);
  known->name = pstrdup(QualifiedName(key));
  known->columns = CreateTupleDescCopyConstr(RelationGetDescr(ledger));
  known->plan = plan;
  MemoryContextSwitchTo(caller);
  return plan;
}

void RegisterBatch(RowInserter* inserter) {
  auto* const relation =
      static_cast<EphemeralNamedRelation>(palloc0(sizeof(EphemeralNamedRelationData)));
  relation->md.name = queued_rows;
  relation->md.reliddesc = RelationGetRelid(inserter->ledger);
  relation->md.enrtype = ENR_NAMED_TUPLESTORE;
  relation->md.enrtuples = inserter->batch_rows;
  relation->reldata = inserter->batch;
  if (SPI_register_relation(relation) != SPI_OK_REL_REGISTER)
    elog(ERROR, "SPI failed to register the queued rows");
}

void InsertBatch(RowInserter* inserter) {
  if (inserter->batch == nullptr) return;
  SPI_connect();
  RegisterBatch(inserter);
  const SPIPlanPtr plan = PlanFor(inserter->ledger);
  const UserScope caller = BeginAs(inserter->batch_as, SECURITY_LOCAL_USERID_CHANGE);
  if (SPI_execute_plan(plan, nullptr, nullptr, false, 0) != SPI_OK_INSERT)
    elog(ERROR, "SPI failed to insert the queued rows");
  EndAs(caller);
  SPI_finish();
  tuplestore_end(inserter->batch);
  inserter->batch = nullptr;
  inserter->batch_rows = 0;
}

void SayWhere(void* ledger) {
  errcontext("inserting what was queued for ledger \"%s\"",
             RelationGetRelationName(static_cast<Relation>(ledger)));
}

}  // namespace

RowInserter* StartInserting(Relation ledger) {
  auto* const inserter = static_cast<RowInserter*>(palloc0(sizeof(RowInserter)));
  inserter->ledger = ledger;
  inserter->row = MakeSingleTupleTableSlot(RelationGetDescr(ledger), &TTSOpsMinimalTuple);
  inserter->settings = NewGUCNestLevel();
  set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
                    GUC_ACTION_SAVE, true, 0, false);
  inserter->context = {error_context_stack, SayWhere, ledger};
  error_context_stack = &inserter->context;
  return inserter;
}

void InsertRow(RowInserter* inserter, const UserScope& as, MinimalTuple row) {
  if (inserter->batch_rows == kBatchRows || !(inserter->batch_as == as)) InsertBatch(inserter);
  if (inserter->batch == nullptr) inserter->batch = tuplestore_begin_heap(false, false, work_mem);
  inserter->batch_as = as;
  ExecStoreMinimalTuple(row, inserter->row, false);
  tuplestore_puttupleslot(inserter->batch, inserter->row);
  ++inserter->batch_rows;
}

void FinishInserting(RowInserter* inserter) {
  InsertBatch(inserter);
  ExecDropSingleTupleTableSlot(inserter->row);
  error_context_stack = inserter->context.previous;
  AtEOXact_GUC(true, inserter->settings);
}

}  // namespace bulla
