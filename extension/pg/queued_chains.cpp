#include "pg/queued_chains.h"

#include <algorithm>
#include <string>
#include <unordered_set>
#include <vector>

extern "C" {
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
}

#include "pg/context_owned.h"
#include "pg/row_record.h"
#include "pg/transaction_chains.h"

namespace bulla {

struct QueuedChains {
  LedgerRelation* ledger;
  std::unordered_set<std::string>
      keys;  // kMaxChainLocks + 1 at most: then it is the ledger that is locked
  std::vector<RowChain> chains;
  MemoryContext memory;      // of the chains
  MemoryContext row_memory;  // of the row that is looked at
};

namespace {

bool IsFull(const QueuedChains* chains) { return chains->chains.size() > kMaxChainLocks; }

RowChain CopyChain(const LedgerRelation* ledger, const RowChain& chain) {
  const int count = ledger->arguments.chain_by_count;
  auto* const values = static_cast<Datum*>(palloc(sizeof(Datum) * (count + 1)));
  for (int i = 0; i < count; ++i) {
    int16 length;
    bool by_value;
    get_typlenbyval(ledger->columns[ledger->chain_by[i]].type_oid, &length, &by_value);
    values[i] = datumCopy(chain.values[i], by_value, length);
  }
  auto* const key = static_cast<std::byte*>(palloc(chain.key.size() + 1));
  std::copy(chain.key.begin(), chain.key.end(), key);
  return {Bytes(key, chain.key.size()), values};
}

void AddChain(QueuedChains* chains, const RowChain& chain) {
  const bool is_new = Enter(
      [&]() -> Result<bool> { return chains->keys.insert(std::string(AsText(chain.key))).second; });
  if (!is_new) return;
  MemoryContextSwitchTo(chains->memory);
  const RowChain copy = CopyChain(chains->ledger, chain);
  Enter([&]() -> Result<void> {
    chains->chains.push_back(copy);
    return {};
  });
}

}  // namespace

QueuedChains* MakeQueuedChains(LedgerRelation* ledger) {
  auto* const chains = NewInContext<QueuedChains>();
  chains->ledger = ledger;
  chains->memory = CurrentMemoryContext;
  chains->row_memory =
      AllocSetContextCreate(CurrentMemoryContext, "bulla queued row", ALLOCSET_SMALL_SIZES);
  return chains;
}

void AddChainOfRow(QueuedChains* chains, TupleTableSlot* row) {
  const LedgerRelation* const ledger = chains->ledger;
  if (IsFull(chains) || (ledger->arguments.chain_by_count == 0 && !chains->chains.empty())) return;
  const MemoryContext caller = MemoryContextSwitchTo(chains->row_memory);
  slot_getallattrs(row);
  RowChain chain;
  if (ChainOfRow(ledger, row->tts_values, row->tts_isnull, &chain)) AddChain(chains, chain);
  MemoryContextSwitchTo(caller);
  MemoryContextReset(chains->row_memory);
}

void OpenQueuedChains(QueuedChains* chains) { OpenChains(chains->ledger, chains->chains); }

}  // namespace bulla
