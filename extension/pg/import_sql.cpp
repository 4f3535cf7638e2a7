// bulla.record_erasure: what tools/import cannot say by appending rows.

#include "pg/boundary.h"

extern "C" {
#include "access/table.h"
#include "miscadmin.h"
#include "utils/builtins.h"
}

#include "pg/arguments.h"
#include "pg/erasure.h"
#include "pg/ledger_relation.h"

namespace bulla {

// Whoever could write the event directly may call it, and nobody else.
BULLA_FUNCTION(bulla_record_erasure);
Datum bulla_record_erasure(PG_FUNCTION_ARGS) {
  if (!superuser()) {
    ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                    errmsg("must be superuser to record erasures that were made elsewhere"),
                    errhint("bulla.erase records its own.")));
  }
  const Oid ledger = ReadableLedger(fcinfo);
  const Relation relation = table_open(ledger, AccessShareLock);
  RecordErasure(DescribeLedger(relation), text_to_cstring(PG_GETARG_TEXT_PP(1)), PG_GETARG_INT64(2),
                NameList(PG_GETARG_ARRAYTYPE_P(3), "columns"),
                text_to_cstring(PG_GETARG_TEXT_PP(4)));
  table_close(relation, AccessShareLock);
  PG_RETURN_VOID();
}

}  // namespace bulla
