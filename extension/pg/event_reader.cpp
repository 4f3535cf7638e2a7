#include "pg/event_reader.h"

extern "C" {
#include "access/sysattr.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "rewrite/rewriteHandler.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
}

#include "pg/ledger_relation.h"
#include "pg/relation_cache.h"

namespace bulla {
namespace {

RelationCache<EventReader>* Readers() {
  static RelationCache<EventReader>* cache = nullptr;
  if (cache == nullptr) cache = RelationCache<EventReader>::Make("bulla event readers");
  return cache;
}

bool OthersMayChangeRow(Relation ledger) {
  const TriggerDesc* const triggers = ledger->trigdesc;
  int before = 0;
  for (int i = 0; triggers != nullptr && i < triggers->numtriggers; ++i) {
    if (TRIGGER_TYPE_MATCHES(triggers->triggers[i].tgtype, TRIGGER_TYPE_ROW, TRIGGER_TYPE_BEFORE,
                             TRIGGER_TYPE_INSERT)) {
      ++before;
    }
  }
  return before > 1;
}

// What a column is given that nobody gives a value: as INSERT does it, null has to be let in by a domain.
ExprState* DefaultOf(Relation ledger, int attribute) {
  const FormData_pg_attribute* const column = TupleDescAttr(RelationGetDescr(ledger), attribute);
  if (column->attisdropped || column->attgenerated != '\0') return nullptr;
  Node* expression = build_column_default(ledger, attribute + 1);
  if (expression == nullptr && get_typtype(column->atttypid) == TYPTYPE_DOMAIN) {
    int32 modifier = -1;
    const Oid base = getBaseTypeAndTypmod(column->atttypid, &modifier);
    expression = coerce_to_domain(
        reinterpret_cast<Node*>(makeNullConst(base, modifier, InvalidOid)), base, modifier,
        column->atttypid, COERCION_IMPLICIT, COERCE_IMPLICIT_CAST, -1, false);
  }
  if (expression == nullptr) return nullptr;
  return ExecInitExpr(expression_planner(reinterpret_cast<Expr*>(expression)), nullptr);
}

bool LooksAtRecordAlone(Relation ledger, Node* expression) {
  const TupleDesc columns = RelationGetDescr(ledger);
  const LedgerRelation* const described = DescribeLedger(ledger);
  Bitmapset* attributes = nullptr;
  pull_varattnos(expression, 1, &attributes);
  for (int bit = -1; (bit = bms_next_member(attributes, bit)) >= 0;) {
    const int attribute = bit + FirstLowInvalidHeapAttributeNumber - 1;
    if (attribute < 0 || IsOwnColumn(described, attribute) ||
        TupleDescAttr(columns, attribute)->attgenerated != '\0') {
      return false;
    }
  }
  return true;
}

void PrepareChecks(EventReader* reader, Relation ledger) {
  const TupleConstr* const constraints = RelationGetDescr(ledger)->constr;
  const int count = constraints == nullptr ? 0 : constraints->num_check;
  reader->checks = static_cast<EventCheck*>(palloc(sizeof(EventCheck) * (count + 1)));
  reader->check_count = 0;
  for (int i = 0; i < count; ++i) {
    const ConstrCheck& check = constraints->check[i];
    auto* const expression = static_cast<Node*>(stringToNode(check.ccbin));
    if (!LooksAtRecordAlone(ledger, expression)) continue;
    ExprState* const prepared =
        ExecInitExpr(expression_planner(reinterpret_cast<Expr*>(expression)), nullptr);
    reader->checks[reader->check_count++] = {pstrdup(check.ccname), prepared};
  }
}

// The function asks its call expression for the type of the row.
void PreparePopulate(Relation ledger, FmgrInfo* function) {
  const Oid type = ledger->rd_rel->reltype;
  List* const arguments =
      list_make2(makeNullConst(type, -1, InvalidOid), makeNullConst(JSONBOID, -1, InvalidOid));
  fmgr_info_cxt(F_JSONB_POPULATE_RECORD, function, CurrentMemoryContext);
  fmgr_info_set_expr(
      reinterpret_cast<Node*>(makeFuncExpr(F_JSONB_POPULATE_RECORD, type, arguments, InvalidOid,
                                           InvalidOid, COERCE_EXPLICIT_CALL)),
      function);
}

// What it allocates is in the current memory context.
void Prepare(EventReader* reader, Relation ledger) {
  const TupleDesc columns = RelationGetDescr(ledger);
  reader->user = GetUserId();
  reader->context = CreateStandaloneExprContext();
  reader->row = MakeSingleTupleTableSlot(CreateTupleDescCopyConstr(columns), &TTSOpsVirtual);
  reader->defaults = static_cast<ExprState**>(palloc0(sizeof(ExprState*) * (columns->natts + 1)));
  for (int i = 0; i < columns->natts; ++i) reader->defaults[i] = DefaultOf(ledger, i);
  reader->others_may_change_row = OthersMayChangeRow(ledger);
  PrepareChecks(reader, ledger);
  PreparePopulate(ledger, &reader->populate);
}

}  // namespace

EventReader* EventReaderOf(Relation ledger) {
  EventReader* const kept = Readers()->EntryOf(ledger);
  if (!kept->in_use && kept->user != GetUserId()) kept->valid = false;
  if (!kept->in_use)
    return Readers()->Renew(kept, [&](EventReader* reader) { Prepare(reader, ledger); });
  auto* const another = static_cast<EventReader*>(palloc0(sizeof(EventReader)));
  Prepare(another, ledger);
  return another;
}

}  // namespace bulla
