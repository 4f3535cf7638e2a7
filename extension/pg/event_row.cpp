#include "pg/event_row.h"

extern "C" {
#include "access/htup_details.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "funcapi.h"
#include "nodes/makefuncs.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
}

#include "pg/append_queue.h"
#include "pg/boundary.h"
#include "pg/event_reader.h"
#include "pg/ledger_relation.h"

namespace bulla {
namespace {

struct Row {
  Datum* values;  // by attribute
  bool* nulls;
};

bool Matches(const FormData_pg_attribute* column, const JsonbValue& key) {
  const char* const name = NameStr(column->attname);
  const auto size = static_cast<size_t>(key.val.string.len);
  return !column->attisdropped && strlen(name) == size &&
         memcmp(name, key.val.string.val, size) == 0;
}

int AttributeOf(Relation ledger, const JsonbValue& key) {
  const TupleDesc columns = RelationGetDescr(ledger);
  for (int i = 0; i < columns->natts; ++i) {
    if (Matches(TupleDescAttr(columns, i), key)) return i;
  }
  ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
                  errmsg("ledger \"%s\" has no column \"%.*s\"", RelationGetRelationName(ledger),
                         key.val.string.len, key.val.string.val),
                  errhint("The keys of an event are names of columns.")));
}

void CheckMayBeGiven(Relation ledger, int attribute) {
  const FormData_pg_attribute* const column = TupleDescAttr(RelationGetDescr(ledger), attribute);
  const bool own = IsOwnColumn(DescribeLedger(ledger), attribute);
  if (!own && column->attgenerated == '\0' && column->attidentity != ATTRIBUTE_IDENTITY_ALWAYS)
    return;
  ereport(ERROR,
          (errcode(ERRCODE_GENERATED_ALWAYS),
           errmsg("an event cannot give column \"%s\" of ledger \"%s\"", NameStr(column->attname),
                  RelationGetRelationName(ledger)),
           errdetail("%s fills it in.", own ? "Bulla" : "PostgreSQL"), errhint("Leave it out.")));
}

// By attribute, whether the event gives it.
bool* ReadKeys(Relation ledger, Jsonb* event) {
  if (!JB_ROOT_IS_OBJECT(event)) {
    ereport(ERROR,
            (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("an event must be a JSON object"),
             errhint("Its keys are names of columns of the ledger.")));
  }
  auto* const given =
      static_cast<bool*>(palloc0(sizeof(bool) * (RelationGetDescr(ledger)->natts + 1)));
  JsonbIterator* tokens = JsonbIteratorInit(&event->root);
  JsonbValue value;
  for (JsonbIteratorToken token; (token = JsonbIteratorNext(&tokens, &value, true)) != WJB_DONE;) {
    if (token != WJB_KEY) continue;
    const int attribute = AttributeOf(ledger, value);
    CheckMayBeGiven(ledger, attribute);
    given[attribute] = true;
  }
  return given;
}

// A row of the columns that the event leaves out, the others null.
Row Defaults(const EventReader* reader, int count, const bool* given) {
  const Row row{static_cast<Datum*>(palloc0(sizeof(Datum) * (count + 1))),
                static_cast<bool*>(palloc(sizeof(bool) * (count + 1)))};
  for (int i = 0; i < count; ++i) {
    row.nulls[i] = true;
    if (!given[i] && reader->defaults[i] != nullptr)
      row.values[i] = ExecEvalExpr(reader->defaults[i], reader->context, &row.nulls[i]);
  }
  return row;
}

// Puts the event's values over them.
void Populate(EventReader* reader, TupleDesc columns, Jsonb* event, const Row& row) {
  const Datum defaults = HeapTupleGetDatum(heap_form_tuple(columns, row.values, row.nulls));
  const HeapTupleHeader header =
      DatumGetHeapTupleHeader(FunctionCall2(&reader->populate, defaults, JsonbPGetDatum(event)));
  HeapTupleData tuple = {};
  tuple.t_len = HeapTupleHeaderGetDatumLength(header);
  tuple.t_data = header;
  heap_deform_tuple(&tuple, columns, row.values, row.nulls);
}

void CheckNotNull(Relation ledger, const Row& row) {
  const LedgerRelation* const described = DescribeLedger(ledger);
  for (int i = 0; i < RelationGetDescr(ledger)->natts; ++i) {
    const FormData_pg_attribute* const column = TupleDescAttr(RelationGetDescr(ledger), i);
    if (!column->attnotnull || !row.nulls[i] || column->attgenerated != '\0' ||
        IsOwnColumn(described, i)) {
      continue;
    }
    ereport(ERROR, (errcode(ERRCODE_NOT_NULL_VIOLATION),
                    errmsg("null value in column \"%s\" of ledger \"%s\" violates not-null "
                           "constraint",
                           NameStr(column->attname), RelationGetRelationName(ledger)),
                    errtablecol(ledger, i + 1)));
  }
}

void CheckConstraints(EventReader* reader, Relation ledger, const Row& row) {
  ExecClearTuple(reader->row);
  const size_t count = static_cast<size_t>(RelationGetDescr(ledger)->natts);
  memcpy(reader->row->tts_values, row.values, sizeof(Datum) * count);
  memcpy(reader->row->tts_isnull, row.nulls, sizeof(bool) * count);
  ExecStoreVirtualTuple(reader->row);
  reader->context->ecxt_scantuple = reader->row;
  for (int i = 0; i < reader->check_count; ++i) {
    if (ExecCheck(reader->checks[i].expression, reader->context)) continue;
    ereport(ERROR, (errcode(ERRCODE_CHECK_VIOLATION),
                    errmsg("the event for ledger \"%s\" violates check constraint \"%s\"",
                           RelationGetRelationName(ledger), reader->checks[i].name),
                    errtableconstraint(ledger, reader->checks[i].name)));
  }
}

void CheckAndQueue(EventReader* reader, Relation ledger, const Row& row) {
  if (!reader->others_may_change_row) {
    CheckNotNull(ledger, row);
    CheckConstraints(reader, ledger, row);
  }
  QueueRow(ledger, row.values, row.nulls);
}

void ReadAndQueue(EventReader* reader, Relation ledger, Jsonb* event) {
  const TupleDesc columns = RelationGetDescr(ledger);
  const bool* const given = ReadKeys(ledger, event);
  const Row row = Defaults(reader, columns->natts, given);
  Populate(reader, columns, event, row);
  CheckAndQueue(reader, ledger, row);
}

// Calls `queue` with the ledger's reader and with memory for one event.
template <class Queue>
void WithReader(Relation ledger, Queue&& queue) {
  EventReader* const reader = EventReaderOf(ledger);
  Enter([&]() -> Result<void> {
    const EventReaderInUse in_use(reader);
    CallPg([&] {
      ResetExprContext(reader->context);
      const MemoryContext caller = MemoryContextSwitchTo(reader->context->ecxt_per_tuple_memory);
      queue(reader);
      MemoryContextSwitchTo(caller);
    });
    return {};
  });
}

}  // namespace

void QueueEvent(Relation ledger, Jsonb* event) {
  WithReader(ledger, [&](EventReader* reader) { ReadAndQueue(reader, ledger, event); });
}

void QueueValues(Relation ledger, const Datum* values, const bool* nulls, const bool* given) {
  WithReader(ledger, [&](EventReader* reader) {
    const int count = RelationGetDescr(ledger)->natts;
    const Row row = Defaults(reader, count, given);
    for (int i = 0; i < count; ++i) {
      if (!given[i]) continue;
      row.values[i] = values[i];
      row.nulls[i] = nulls[i];
    }
    CheckAndQueue(reader, ledger, row);
  });
}

}  // namespace bulla
