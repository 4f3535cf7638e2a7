// The committed heads of recently used chains, in shared memory when the library is preloaded. Never
// the truth: that is the table. A head is read and written only by who holds the chain's lock, so it is
// either exactly the committed head or absent.
#pragma once

extern "C" {
#include "postgres.h"
}

#include "core/chain_tail.h"

namespace bulla {

// A chain anywhere in the cluster. The ledger's uuid alone would not do: CREATE DATABASE … TEMPLATE and
// a second restore copy it. No padding: compared as bytes.
struct ChainIdentity {
  Oid database;
  Oid ledger;
  LedgerId ledger_id;
  Sha256Digest chain_key;  // SHA-256 of the chain key; zeros for the single chain of a ledger
};
static_assert(sizeof(ChainIdentity) == 4 + 4 + 16 + 32);

// While the library is preloaded: asks for the memory.
void ReserveHeadCache();

// False where there is no cache or the chain is not in it. The rest must not raise: commit calls it.
bool FindCachedHead(const ChainIdentity& chain, ChainHead* head) noexcept;
void CacheHead(const ChainIdentity& chain, const ChainHead& head) noexcept;
void DropCachedHead(const ChainIdentity& chain) noexcept;
// Every chain of a ledger.
void DropCachedHeads(Oid database, Oid ledger) noexcept;

}  // namespace bulla
