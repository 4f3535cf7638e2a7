#include "pg/own_ddl.h"

extern "C" {
#include "access/xact.h"
#include "utils/memutils.h"
}

namespace bulla {
namespace {

// In TopTransactionContext: gone with the transaction, which clears `innermost` first.
struct OwnDdl {
  Oid table;
  int nest_level;
  OwnDdl* outer;
};

OwnDdl* innermost = nullptr;

void OnTransactionEnd(XactEvent event, void*) {
  switch (event) {
    case XACT_EVENT_ABORT:
    case XACT_EVENT_COMMIT:
    case XACT_EVENT_PREPARE:
      innermost = nullptr;
      break;
    default:
      break;
  }
}

void OnSubtransactionEnd(SubXactEvent event, SubTransactionId, SubTransactionId, void*) {
  if (event != SUBXACT_EVENT_ABORT_SUB) return;
  while (innermost != nullptr && innermost->nest_level >= GetCurrentTransactionNestLevel())
    innermost = innermost->outer;
}

}  // namespace

void BeginOwnDdl(Oid table) {
  auto* const own = static_cast<OwnDdl*>(MemoryContextAlloc(TopTransactionContext, sizeof(OwnDdl)));
  *own = {table, GetCurrentTransactionNestLevel(), innermost};
  innermost = own;
}

void EndOwnDdl() {
  Assert(innermost != nullptr);
  innermost = innermost->outer;
}

bool IsOwnDdl(Oid table) {
  for (const OwnDdl* own = innermost; own != nullptr; own = own->outer) {
    if (own->table == table) return true;
  }
  return false;
}

bool AnyOwnDdl() { return innermost != nullptr; }

void WatchOwnDdl() {
  RegisterXactCallback(OnTransactionEnd, nullptr);
  RegisterSubXactCallback(OnSubtransactionEnd, nullptr);
}

}  // namespace bulla
