// SQL functions that compute blind indexes.

#include "pg/boundary.h"

#include "core/blind_index.h"
#include "pg/arguments.h"
#include "pg/emergency.h"
#include "pg/key_store.h"
#include "pg/sealing.h"

namespace bulla {
// bulla.blind_index and bulla.search_token: the same, but for what the planner may do with them.
BULLA_FUNCTION(bulla_blind_index);
Datum bulla_blind_index(PG_FUNCTION_ARGS) {
  if (PG_ARGISNULL(0)) PG_RETURN_NULL();
  const std::string_view value =
      ToUtf8(BytesArgument(fcinfo, 0, "value"), "make blind indexes of texts");
  const std::string_view key = BytesArgument(fcinfo, 1, "key");
  const std::string_view context =
      ToUtf8(BytesArgument(fcinfo, 2, "context"), "make blind indexes of texts");
  RefuseNull(fcinfo, 3, "bits");
  const int bits = PG_GETARG_INT32(3);
  const size_t size = Enter([&] { return BlindIndexSize(bits); });
  auto* const index = static_cast<bytea*>(palloc(VARHDRSZ + size));
  SET_VARSIZE(index, VARHDRSZ + size);
  // Who can compute it can try values: reading, in the end.
  RequireNotRestricted(Restriction::kNoDecrypt);
  BlindIndexKey* const secret = IndexKey(key, Use::kIndex);
  Enter([&] {
    return secret->Compute(AsBytes(context), AsBytes(value),
                           {reinterpret_cast<std::byte*>(VARDATA(index)), size});
  });
  PG_RETURN_BYTEA_P(index);
}

}  // namespace bulla
