// SQL functions that seal chains, and show what was sealed.

#include "pg/boundary.h"

extern "C" {
#include "access/table.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
}

#include <map>
#include <string>

#include "pg/arguments.h"
#include "pg/chain_heads.h"
#include "pg/chain_lock.h"
#include "pg/checkpoint_signer.h"
#include "pg/context_owned.h"
#include "pg/cosigned_rows.h"
#include "pg/durable.h"
#include "pg/ledger_checks.h"
#include "pg/restore_rows.h"
#include "pg/seal_chain.h"
#include "pg/transaction_events.h"
#include "pg/user_scope.h"

namespace bulla {
namespace {

// One sealer of the ledger at a time, this one, and on this server.
LogRow BeginSealing(Oid ledger) {
  PreventCommandIfReadOnly("bulla.seal()");
  PreventCommandIfParallelMode("bulla.seal()");
  CheckOwnsTable(ledger);
  AcquireSealLock(ledger);
  return RequireLogToSign();
}

struct SealedSizes {
  int32 epoch;  // the ledger's
  std::map<std::string, int64> by_chain;
};

void KeepSize(const TreeRow& tree, void* state) {
  auto* const sizes = static_cast<SealedSizes*>(state);
  Enter([&]() -> Result<void> {
    // The last epoch comes last. In this one nothing is sealed of a chain that is not in it yet.
    sizes->by_chain[tree.chain] =
        tree.epoch < sizes->epoch ? 0 : static_cast<int64>(tree.size.value);
    return {};
  });
}

// Chains that have more rows than their trees have leaves, in byte order of their names: const char*.
List* GrownChains(Oid ledger) {
  auto* const sizes = NewInContext<SealedSizes>();
  sizes->epoch = EpochOfLedger(IdOfLedger(ledger));
  ReadTrees(IdOfLedger(ledger), KeepSize, sizes);
  PushActiveSnapshot(GetLatestSnapshot());
  const ChainHeads* const heads = ReadChainHeads(ledger, GetActiveSnapshot());
  PopActiveSnapshot();
  List* grown = NIL;
  for (const auto& [name, head] : heads->by_name) {
    const auto sealed = sizes->by_chain.find(name);
    if (sealed == sizes->by_chain.end() || head.seq >= sealed->second)
      grown = lappend(grown, pstrdup(name.c_str()));
  }
  return grown;
}

const char* ChainArgument(FunctionCallInfo fcinfo) { return CStringArgument(fcinfo, 1, "chain"); }

// kLastEpoch where it is null.
int32 EpochArgument(FunctionCallInfo fcinfo) {
  if (PG_ARGISNULL(2)) return kLastEpoch;
  const int32 epoch = PG_GETARG_INT32(2);
  if (epoch < 0) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("epoch must not be negative: %d", epoch)));
  }
  return epoch;
}

}  // namespace

BULLA_FUNCTION(bulla_seal);
Datum bulla_seal(PG_FUNCTION_ARGS) {
  RefuseNull(fcinfo, 0, "ledger");
  const Oid ledger = PG_GETARG_OID(0);
  const char* const chain = ChainArgument(fcinfo);
  const LogRow log = BeginSealing(ledger);
  const SealedChain sealed = SealChain(NameLogChain(ledger, chain), log);
  CommitDurably();
  PG_RETURN_INT64(sealed.size);
}

namespace {

// Returns how many of the ledger's trees grew.
int64 SealChains(Oid ledger) {
  const LogRow log = BeginSealing(ledger);
  const MemoryContext memory =
      AllocSetContextCreate(CurrentMemoryContext, "bulla sealed chain", ALLOCSET_DEFAULT_SIZES);
  int64 grew = 0;
  ListCell* cell;
  foreach (cell, GrownChains(ledger)) {
    CHECK_FOR_INTERRUPTS();
    const MemoryContext caller = MemoryContextSwitchTo(memory);
    grew += SealChain(NameLogChain(ledger, static_cast<const char*>(lfirst(cell))), log).grew;
    MemoryContextSwitchTo(caller);
    MemoryContextReset(memory);
  }
  if (grew > 0) CommitDurably();
  return grew;
}

}  // namespace

BULLA_FUNCTION(bulla_seal_chains);
Datum bulla_seal_chains(PG_FUNCTION_ARGS) { PG_RETURN_INT64(SealChains(PG_GETARG_OID(0))); }

// Who may call it is for its right EXECUTE to say.
BULLA_FUNCTION(bulla_seal_as_owner);
Datum bulla_seal_as_owner(PG_FUNCTION_ARGS) {
  const Oid ledger = PG_GETARG_OID(0);
  CheckTableExists(ledger);
  const Relation relation = table_open(ledger, AccessShareLock);
  const Oid owner = relation->rd_rel->relowner;
  table_close(relation, NoLock);
  const UserScope caller = BeginAs(owner, SECURITY_LOCAL_USERID_CHANGE);
  const int64 grew = SealChains(ledger);
  EndAs(caller);
  PG_RETURN_INT64(grew);
}

BULLA_FUNCTION(bulla_try_seal_round);
Datum bulla_try_seal_round(PG_FUNCTION_ARGS) { PG_RETURN_BOOL(TrySealRoundLock()); }

BULLA_FUNCTION(bulla_checkpoint);
Datum bulla_checkpoint(PG_FUNCTION_ARGS) {
  const Oid ledger = ReadableLedger(fcinfo);
  const LogChain chain = NameLogChain(ledger, ChainArgument(fcinfo));
  TreeRow tree;
  if (!FindTree(chain.ledger_id, chain.chain_id, &tree, EpochArgument(fcinfo))) PG_RETURN_NULL();
  const char* const note = NewestNote(tree);
  ConfirmWhatWasRead();
  PG_RETURN_TEXT_P(cstring_to_text(note));
}

BULLA_FUNCTION(bulla_verifier_key);
Datum bulla_verifier_key(PG_FUNCTION_ARGS) {
  const Oid ledger = ReadableLedger(fcinfo);
  const LogChain chain = NameLogChain(ledger, ChainArgument(fcinfo));
  const int32 asked = EpochArgument(fcinfo);
  const int32 epoch = asked == kLastEpoch ? EpochOf(chain) : asked;
  const char* const origin = OriginOf(chain, RequireLog().name, epoch);
  PG_RETURN_TEXT_P(cstring_to_text(VerifierKeyOf(origin)));
}

}  // namespace bulla
