// SQL functions that prove what is in a tree, to whoever has its root.

#include "pg/boundary.h"

extern "C" {
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
}

#include "pg/arguments.h"
#include "pg/durable.h"
#include "pg/key_tables.h"
#include "pg/log_chain.h"
#include "pg/log_rows.h"
#include "pg/stored_proof.h"

namespace bulla {
namespace {

// The tree of the chain that the first two arguments name.
TreeRow TreeArgument(FunctionCallInfo fcinfo) {
  const Oid ledger = ReadableLedger(fcinfo);
  const LogChain chain = NameLogChain(ledger, CStringArgument(fcinfo, 1, "chain"));
  TreeRow tree;
  if (!FindTree(chain.ledger_id, chain.chain_id, &tree)) {
    ereport(ERROR,
            (errcode(ERRCODE_NO_DATA_FOUND), errmsg("chain \"%s\" was never sealed", chain.name),
             errhint("bulla.seal makes its tree.")));
  }
  return tree;
}

TreeSize SizeArgument(FunctionCallInfo fcinfo, int argument, const char* name,
                      const TreeRow& tree) {
  const auto newest = static_cast<int64>(tree.size.value);
  const int64 size = SeqArgument(fcinfo, argument, name, newest);
  if (size > newest) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("%s is " INT64_FORMAT ", and the tree has " INT64_FORMAT " leaves", name,
                           size, newest)));
  }
  return {static_cast<uint64_t>(size)};
}

// Of what is durable only, as an array.
Datum ProofDatum(const TreeRow& tree, const ProofPlan& plan) {
  const Proof proof = StoredProof(tree, plan);
  ConfirmWhatWasRead();
  Datum values[kMaxProofSize];
  for (size_t i = 0; i < proof.size(); ++i) values[i] = BytesDatum(proof[i].bytes);
  return PointerGetDatum(
      construct_array(values, static_cast<int>(proof.size()), BYTEAOID, -1, false, TYPALIGN_INT));
}

}  // namespace

BULLA_FUNCTION(bulla_inclusion_proof);
Datum bulla_inclusion_proof(PG_FUNCTION_ARGS) {
  const TreeRow tree = TreeArgument(fcinfo);
  RefuseNull(fcinfo, 2, "seq");
  const LeafIndex leaf{static_cast<uint64_t>(SeqArgument(fcinfo, 2, "seq", 0))};
  const TreeSize size = SizeArgument(fcinfo, 3, "tree_size", tree);
  return ProofDatum(tree, Enter([&] { return PlanInclusion(leaf, size); }));
}

BULLA_FUNCTION(bulla_consistency_proof);
Datum bulla_consistency_proof(PG_FUNCTION_ARGS) {
  const TreeRow tree = TreeArgument(fcinfo);
  RefuseNull(fcinfo, 2, "old_size");
  const TreeSize old_size = SizeArgument(fcinfo, 2, "old_size", tree);
  const TreeSize new_size = SizeArgument(fcinfo, 3, "new_size", tree);
  return ProofDatum(tree, Enter([&] { return PlanConsistency(old_size, new_size); }));
}

}  // namespace bulla
