// bulla.export: the SQL function through which a ledger leaves the database.

#include "pg/boundary.h"

extern "C" {
#include "utils/builtins.h"
}

#include "pg/arguments.h"
#include "pg/durable.h"
#include "pg/emergency.h"
#include "pg/export_ledger.h"
#include "pg/versions.h"

namespace bulla {
namespace {

// A store of rows that goes to disk beyond work_mem.
void StoreLine(std::string_view line, void* state) {
  RequireNotRestricted(Restriction::kNoExports);
  const auto* const result = static_cast<const ReturnSetInfo*>(state);
  Datum value =
      PointerGetDatum(cstring_to_text_with_len(line.data(), static_cast<int>(line.size())));
  bool null = false;
  tuplestore_putvalues(result->setResult, result->setDesc, &value, &null);
  pfree(DatumGetPointer(value));
}

}  // namespace

BULLA_FUNCTION(bulla_export);
Datum bulla_export(PG_FUNCTION_ARGS) {
  RequireNotRestricted(Restriction::kNoExports);
  const Oid ledger = ReadableLedger(fcinfo);
  ExportRange range{nullptr, 0, PG_INT64_MAX};
  if (!PG_ARGISNULL(1)) range.chain = text_to_cstring(PG_GETARG_TEXT_PP(1));
  range.first = SeqArgument(fcinfo, 2, "from_seq", range.first);
  range.last = SeqArgument(fcinfo, 3, "to_seq", range.last);
  ReturnSet(fcinfo);
  ExportLedger(ledger, range, StoreLine, fcinfo->resultinfo);
  ConfirmWhatWasRead();
  return Datum{0};
}

}  // namespace bulla
