#include "pg/verify_trees.h"

extern "C" {
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
}

#include <algorithm>

#include "core/checkpoint.h"
#include "core/note.h"
#include "pg/boundary.h"
#include "pg/heads_ledger.h"
#include "pg/key_tables.h"
#include "pg/own_ledger.h"
#include "pg/row_record.h"
#include "pg/tree_growth.h"
#include "pg/user_scope.h"
#include "pg/uuid_ids.h"

namespace bulla {
namespace {

struct TreeCheck {
  const TreesToVerify* wanted;
  ReportFinding report;
  void* state;
};

void Report(const TreeCheck* check, const TreeRow& tree, const int64* seq, const char* verdict,
            const char* detail) {
  check->report({tree.chain, seq, verdict, detail}, check->state);
}

// The last row that there is or that went by a recorded boundary; -1 for none.
int64 LastSeq(const TreesToVerify& wanted, const char* chain) {
  const auto head = wanted.heads->by_name.find(chain);
  const int64 last = head == wanted.heads->by_name.end() ? -1 : head->second.seq;
  const ChainBoundary* const boundary = FindBoundary(wanted.boundaries, chain);
  return boundary == nullptr ? last : std::max(last, boundary->seq - 1);
}

void CheckEnd(const TreeCheck* check, const TreeRow& tree) {
  const int64 missing = LastSeq(*check->wanted, tree.chain) + 1;
  const auto size = static_cast<int64>(tree.size.value);
  if (missing >= size) return;
  Report(
      check, tree, &missing, "truncated",
      psprintf("the last rows of the chain are gone: its checkpoint was signed over " INT64_FORMAT
               " rows",
               size));
}

struct Rebuilt {
  pg_uuid_t tree;
  bool same;  // every tile above the leaves is what the leaves make it
};

void CompareTile(void* state, unsigned level, uint64 index, Bytes hashes) {
  if (level == 0) return;
  auto* const rebuilt = static_cast<Rebuilt*>(state);
  rebuilt->same &= SameBytes(ReadTile(rebuilt->tree, level, index), hashes);
}

// From the tiles of leaves. False where one is gone or too short, or a tile above does not fit.
bool RebuildRoot(const TreeRow& tree, NodeHash* root) {
  Rebuilt rebuilt{tree.tiles, true};
  TreeGrowth* const growth = NewGrowth(CompareTile, &rebuilt);
  while (growth->range.size() < tree.size) {
    CHECK_FOR_INTERRUPTS();
    const uint64 done = growth->range.size().value;
    const auto wanted = static_cast<size_t>(std::min<uint64>(kTileWidth, tree.size.value - done));
    const Bytes leaves = ReadTile(tree.tiles, 0, done / kTileWidth);
    if (leaves.size() < wanted * sizeof(NodeHash)) return false;
    for (size_t i = 0; i < wanted; ++i) {
      NodeHash leaf;
      memcpy(leaf.bytes.data(), leaves.data() + i * sizeof(NodeHash), sizeof(NodeHash));
      AppendLeaf(growth, leaf);
    }
  }
  *root = FinishGrowth(growth);
  return rebuilt.same;
}

// Whether bulla.heads has this tree with this root.
bool HeadsTellOf(const TreeRow& tree) {
  return AnyHead(tree, "h.size OPERATOR(pg_catalog.=) $4 AND h.root OPERATOR(pg_catalog.=) $5");
}

// Trees that bulla.heads tells of and that are not there, by chain and epoch: from one to the next in its index, however
// many rows it has.
#define HEAD_CHAIN "(h.chain_id COLLATE pg_catalog.\"C\")"
#define OF_LEDGER "FROM bulla.heads AS h WHERE h.ledger_id OPERATOR(pg_catalog.=) $1"
#define OF_CHAIN OF_LEDGER " AND " HEAD_CHAIN " OPERATOR(pg_catalog.=) $2"
#define NEXT " ORDER BY " HEAD_CHAIN ", h.epoch LIMIT 1"
#define LOST_TREES(OF)                                                                            \
  "WITH RECURSIVE c AS ((SELECT " HEAD_CHAIN " AS id, h.epoch " OF NEXT                           \
  ") UNION ALL SELECT n.* FROM c CROSS JOIN LATERAL (SELECT " HEAD_CHAIN " AS id, h.epoch " OF    \
  " AND (" HEAD_CHAIN ", h.epoch) OPERATOR(pg_catalog.>) (c.id, c.epoch)" NEXT                    \
  ") AS n) SELECT c.id, c.epoch FROM c WHERE NOT EXISTS (SELECT FROM bulla.trees AS t WHERE "     \
  "t.ledger_id OPERATOR(pg_catalog.=) $1 AND t.chain_id OPERATOR(pg_catalog.=) c.id AND t.epoch " \
  "OPERATOR(pg_catalog.=) c.epoch)"

// Of one chain, or of all where `chain_id` is null.
void CheckLostTrees(const LedgerId& ledger, const TreesToVerify& wanted, ReportFinding report,
                    void* state) {
  if (!OidIsValid(HeadsLedger())) return;
  const UserScope caller = BeginAs(ExtensionOwner(), SECURITY_LOCAL_USERID_CHANGE);
  SPI_connect();
  const bool one = wanted.chain_id != nullptr;
  Oid types[] = {UUIDOID, TEXTOID};
  Datum values[] = {IdDatum(ledger), one ? CStringGetTextDatum(wanted.chain_id) : Datum{0}};
  if (SPI_execute_with_args(one ? LOST_TREES(OF_CHAIN) : LOST_TREES(OF_LEDGER), one ? 2 : 1, types,
                            values, nullptr, true, 0) != SPI_OK_SELECT)
    elog(ERROR, "SPI failed to read bulla.heads");
  for (uint64 i = 0; i < SPI_processed; ++i) {
    const char* const id = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1);
    const char* const epoch = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2);
    report({wanted.chain, nullptr, "rewritten",
            psprintf("bulla.heads tells of a tree of chain id %s in epoch %s, which is gone from "
                     "bulla.trees",
                     id, epoch)},
           state);
  }
  SPI_finish();
  EndAs(caller);
}

void CheckTree(const TreeRow& tree, void* state) {
  const auto* const check = static_cast<const TreeCheck*>(state);
  const char* const chain = check->wanted->chain;
  if (chain != nullptr && strcmp(chain, tree.chain) != 0) return;
  CheckEnd(check, tree);
  if (!NoteTellsOf(tree)) {
    Report(check, tree, nullptr, "rewritten",
           "its checkpoint in bulla.trees is not one of the tree beside it");
  }
  if (!IsOfHeads(tree) && (!OidIsValid(HeadsLedger()) || !HeadsTellOf(tree)))
    Report(check, tree, nullptr, "rewritten", "bulla.heads does not tell of its tree");
  const char* const fault = check->wanted->tiles ? FaultOfTiles(tree) : nullptr;
  if (fault != nullptr) Report(check, tree, nullptr, "rewritten", fault);
}

}  // namespace

bool NoteTellsOf(const TreeRow& tree) {
  return Enter([&]() -> Result<bool> {
    const auto note = ParseNote(tree.note);
    if (!note.ok()) return false;
    const auto checkpoint = ParseCheckpoint(note.value().text);
    return checkpoint.ok() && checkpoint.value().origin == tree.origin &&
           checkpoint.value().size == tree.size && checkpoint.value().root == tree.root;
  });
}

const char* FaultOfTiles(const TreeRow& tree) {
  const MemoryContext memory =
      AllocSetContextCreate(CurrentMemoryContext, "bulla verified tree", ALLOCSET_DEFAULT_SIZES);
  const MemoryContext caller = MemoryContextSwitchTo(memory);
  NodeHash root;
  const bool rebuilt = RebuildRoot(tree, &root);
  MemoryContextSwitchTo(caller);
  MemoryContextDelete(memory);
  if (!rebuilt) return "its tiles in bulla.tiles are not those of a tree of its size";
  if (root == tree.root) return nullptr;
  return psprintf("its tiles lead to root %s, the tree that was signed has %s", HexText(root.bytes),
                  HexText(tree.root.bytes));
}

bool IsOfHeads(const TreeRow& tree) {
  return OidIsValid(HeadsLedger()) && IdOfLedger(HeadsLedger()) == tree.ledger;
}

void VerifyTrees(const LedgerId& ledger, const SealedLeaves* sealed, const TreesToVerify& wanted,
                 ReportFinding report, void* state) {
  TreeCheck check{&wanted, report, state};
  EachSealedTree(sealed, CheckTree, &check);
  CheckLostTrees(ledger, wanted, report, state);
}

bool AnyHead(const TreeRow& tree, const char* condition) {
  const UserScope caller = BeginAs(ExtensionOwner(), SECURITY_LOCAL_USERID_CHANGE);
  SPI_connect();
  Oid types[] = {UUIDOID, TEXTOID, INT4OID, INT8OID, BYTEAOID};
  Datum values[] = {IdDatum(tree.ledger), CStringGetTextDatum(tree.chain_id),
                    Int32GetDatum(tree.epoch), Int64GetDatum(static_cast<int64>(tree.size.value)),
                    BytesDatum(tree.root.bytes)};
  const char* const query = psprintf(
      "SELECT 1 FROM bulla.heads AS h WHERE h.ledger_id OPERATOR(pg_catalog.=) $1 AND "
      "(h.chain_id COLLATE pg_catalog.\"C\") OPERATOR(pg_catalog.=) $2 AND h.epoch "
      "OPERATOR(pg_catalog.=) $3 AND %s",
      condition);
  if (SPI_execute_with_args(query, 5, types, values, nullptr, true, 1) != SPI_OK_SELECT)
    elog(ERROR, "SPI failed to read bulla.heads");
  const bool found = SPI_processed > 0;
  SPI_finish();
  EndAs(caller);
  return found;
}

bool HeadsTellOf(const LedgerId& ledger, const char* chain_id) {
  if (!OidIsValid(HeadsLedger())) return false;
  const UserScope caller = BeginAs(ExtensionOwner(), SECURITY_LOCAL_USERID_CHANGE);
  SPI_connect();
  Oid types[] = {UUIDOID, TEXTOID};
  Datum values[] = {IdDatum(ledger), CStringGetTextDatum(chain_id)};
  if (SPI_execute_with_args("SELECT 1 " OF_CHAIN, 2, types, values, nullptr, true, 1) !=
      SPI_OK_SELECT)
    elog(ERROR, "SPI failed to read bulla.heads");
  const bool found = SPI_processed > 0;
  SPI_finish();
  EndAs(caller);
  return found;
}

}  // namespace bulla
