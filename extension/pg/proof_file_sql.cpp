// SQL functions that put a proof and the checkpoint it is shown against into one text.

#include "pg/boundary.h"

extern "C" {
#include "catalog/pg_type.h"
#include "utils/builtins.h"
}

#include <cstdlib>

#include "core/add_checkpoint.h"
#include "core/hex.h"
#include "core/proof_file.h"
#include "pg/arguments.h"
#include "pg/checkpoint_signer.h"
#include "pg/cosigned_rows.h"
#include "pg/durable.h"
#include "pg/heads_ledger.h"
#include "pg/ledger_triggers.h"
#include "pg/log_chain.h"
#include "pg/own_query.h"
#include "pg/stored_proof.h"

namespace bulla {
namespace {

[[noreturn]] void RaiseNotSealed(const char* message) {
  ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND), errmsg("%s", message),
                  errhint("bulla.seal takes new rows into the tree.")));
}

// `record` is in hexadecimal, or null.
const char* WriteProofFile(const TreeRow& tree, int64 seq, const CosignedRow& checkpoint,
                           const char* record) {
  const LeafIndex leaf{static_cast<uint64_t>(seq)};
  const Proof proof =
      StoredProof(tree, Enter([&] { return PlanInclusion(leaf, checkpoint.size); }));
  return Enter([&]() -> Result<const char*> {
    auto note = ParseNote(checkpoint.note);
    if (!note.ok()) return note.error();
    ProofFile file{{}, leaf, {proof.begin(), proof.end()}, std::move(note).value(), {}};
    if (record != nullptr) {
      file.extra.emplace(strlen(record) / 2);
      if (!DecodeHex(record, *file.extra)) return Error{Code::kInternal, "malformed record"};
    }
    const std::string text = FormatProofFile(file);
    return CallPg([&] { return pstrdup(text.c_str()); });
  });
}

TreeRow RequireTree(const LogChain& chain) {
  TreeRow tree;
  if (!FindTree(chain.ledger_id, chain.chain_id, &tree))
    RaiseNotSealed(psprintf("chain \"%s\" was never sealed", chain.name));
  return tree;
}

bool FindHeadsTree(TreeRow* tree) {
  const Oid heads = HeadsLedger();
  return OidIsValid(heads) && FindTree(IdOfLedger(heads), "0", tree);
}

struct HeadRow {
  int64 seq;
  const char* record;  // hexadecimal
  TreeSize size;       // that it tells
};
constexpr TreeSize kAnySize{PG_INT64_MAX};

// The row of bulla.heads that tells of this tree at this size, or the newest one, among so many of its first rows.
bool FindHead(const TreeRow& tree, TreeSize size, TreeSize heads_size, HeadRow* head) {
  const char** const found = OwnRow(
      "SELECT h.seq, pg_catalog.encode(bulla.row_record('bulla.heads'::pg_catalog.regclass, '', "
      "h.seq), 'hex'), h.size FROM bulla.heads AS h WHERE h.ledger_id OPERATOR(pg_catalog.=) "
      "(SELECT "
      "t.ledger_id FROM bulla.trees AS t WHERE t.tree_id OPERATOR(pg_catalog.=) $1) AND "
      "(h.chain_id "
      "COLLATE pg_catalog.\"C\") OPERATOR(pg_catalog.=) $2 AND h.epoch OPERATOR(pg_catalog.=) $3 "
      "AND h.seq OPERATOR(pg_catalog.<) $4 AND (h.size OPERATOR(pg_catalog.=) $5 OR $5 "
      "OPERATOR(pg_catalog.=) 9223372036854775807) ORDER BY h.size DESC LIMIT 1",
      {{UUIDOID, UUIDPGetDatum(&tree.id)},
       {TEXTOID, CStringGetTextDatum(tree.chain_id)},
       {INT4OID, Int32GetDatum(tree.epoch)},
       {INT8OID, Int64GetDatum(static_cast<int64>(heads_size.value))},
       {INT8OID, Int64GetDatum(static_cast<int64>(size.value))}});
  if (found == nullptr) return false;
  *head = {std::atoll(found[0]), found[1], {std::strtoull(found[2], nullptr, 10)}};
  return true;
}

// What the tree was when this was its size, signed once more: the signature is the same, unless the key was replaced.
// False where another server signs.
bool SignAgain(const TreeRow& tree, TreeSize size, CosignedRow* checkpoint) {
  LogRow log;
  if (!FindLog(&log) || log.place != PlaceOfThisServer()) return false;
  *checkpoint = {size, SignCheckpoint(tree.origin, size, StoredRoot(tree, size))};
  return true;
}

// The newest checkpoint of the tree that covers the leaf and that a witness has seen, itself or in bulla.heads; where there
// is none the newest one.
CosignedRow CheckpointOver(const TreeRow& tree, int64 seq) {
  CosignedRow found;
  if (FindNewestCosigned(tree, {static_cast<uint64_t>(seq) + 1}, 1, &found)) return found;
  TreeRow heads;
  CosignedRow above;
  HeadRow head;
  if (FindHeadsTree(&heads) && FindNewestCosigned(heads, {1}, 1, &above) &&
      FindHead(tree, kAnySize, above.size, &head) && head.size.value > static_cast<uint64>(seq) &&
      head.size < tree.size && SignAgain(tree, head.size, &found))
    return found;
  return {tree.size, tree.note};
}

// The tree that witnesses are asked about.
bool FindTreeToWitness(const char* origin, TreeRow* tree) {
  return origin == nullptr ? FindHeadsTree(tree) : FindTreeOfOrigin(origin, tree);
}

const char* WriteRequest(const TreeRow& tree, TreeSize old_size) {
  const Proof proof =
      old_size.value == 0
          ? Proof{}
          : StoredProof(tree, Enter([&] { return PlanConsistency(old_size, tree.size); }));
  return Enter([&]() -> Result<const char*> {
    auto note = ParseNote(tree.note);
    if (!note.ok()) return note.error();
    const std::string body =
        FormatAddCheckpoint({old_size, {proof.begin(), proof.end()}, std::move(note).value(), {}});
    return CallPg([&] { return pstrdup(body.c_str()); });
  });
}

}  // namespace

BULLA_FUNCTION(bulla_proof_file);
Datum bulla_proof_file(PG_FUNCTION_ARGS) {
  const Oid ledger = ReadableLedger(fcinfo);
  const LogChain chain = NameLogChain(ledger, CStringArgument(fcinfo, 1, "chain"));
  RefuseNull(fcinfo, 2, "seq");
  const int64 seq = SeqArgument(fcinfo, 2, "seq", 0);
  const TreeRow tree = RequireTree(chain);
  if (static_cast<uint64>(seq) >= tree.size.value)
    RaiseNotSealed(
        psprintf("row " INT64_FORMAT " of chain \"%s\" is not sealed yet", seq, chain.name));
  const char* const file = WriteProofFile(tree, seq, CheckpointOver(tree, seq), nullptr);
  ConfirmWhatWasRead();
  PG_RETURN_TEXT_P(cstring_to_text(file));
}

BULLA_FUNCTION(bulla_heads_proof);
Datum bulla_heads_proof(PG_FUNCTION_ARGS) {
  const Oid ledger = ReadableLedger(fcinfo);
  const LogChain chain = NameLogChain(ledger, CStringArgument(fcinfo, 1, "chain"));
  const TreeRow tree = RequireTree(chain);
  const TreeSize size = PG_ARGISNULL(2)
                            ? kAnySize
                            : TreeSize{static_cast<uint64_t>(SeqArgument(fcinfo, 2, "size", 0))};
  TreeRow heads;
  if (!FindHeadsTree(&heads)) RaiseNotSealed("bulla.heads was never sealed");
  CosignedRow checkpoint;
  HeadRow head;
  if (!FindNewestCosigned(heads, {1}, 1, &checkpoint) ||
      !FindHead(tree, size, checkpoint.size, &head)) {
    checkpoint = {heads.size, heads.note};
    if (!FindHead(tree, size, heads.size, &head))
      RaiseNotSealed(
          psprintf("bulla.heads does not tell of chain \"%s\" at that size yet", chain.name));
  }
  const char* const file = WriteProofFile(heads, head.seq, checkpoint, head.record);
  ConfirmWhatWasRead();
  PG_RETURN_TEXT_P(cstring_to_text(file));
}

BULLA_FUNCTION(bulla_witness_request);
Datum bulla_witness_request(PG_FUNCTION_ARGS) {
  const char* const witness = CStringArgument(fcinfo, 0, "witness");
  const char* const origin = PG_ARGISNULL(2) ? nullptr : text_to_cstring(PG_GETARG_TEXT_PP(2));
  TreeRow tree;
  if (!FindTreeToWitness(origin, &tree)) PG_RETURN_NULL();
  const TreeSize old_size =
      PG_ARGISNULL(1) ? CosignedSize(tree, witness)
                      : TreeSize{static_cast<uint64_t>(SeqArgument(fcinfo, 1, "old_size", 0))};
  if (old_size > tree.size) {
    ereport(
        ERROR,
        (errcode(ERRCODE_DATA_CORRUPTED),
         errmsg("witness \"%s\" has seen " INT64_FORMAT " leaves of a tree that has " INT64_FORMAT,
                witness, static_cast<int64>(old_size.value), static_cast<int64>(tree.size.value)),
         errhint("This database was set back, or another server signs in its name.")));
  }
  const char* const body = WriteRequest(tree, old_size);
  ConfirmWhatWasRead();
  PG_RETURN_TEXT_P(cstring_to_text(body));
}

}  // namespace bulla
