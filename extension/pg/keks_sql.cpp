// SQL functions about key-encryption keys.

#include "pg/boundary.h"

extern "C" {
#include "miscadmin.h"
#include "tcop/utility.h"
}

#include "pg/arguments.h"
#include "pg/emergency.h"
#include "pg/event_log.h"
#include "pg/kek_rows.h"

namespace bulla {

BULLA_FUNCTION(bulla_retire_kek);
Datum bulla_retire_kek(PG_FUNCTION_ARGS) {
  PreventCommandIfReadOnly("bulla.retire_kek()");
  RequireNotRestricted(Restriction::kReadOnly);
  const char* const kek_id = CStringArgument(fcinfo, 0, "id");
  RetireKek(kek_id, GetUserNameFromId(GetUserId(), false));
  RecordEvent("kek.retired", EventDetail().Text("kek_id", kek_id));
  PG_RETURN_VOID();
}

}  // namespace bulla
