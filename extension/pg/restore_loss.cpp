#include "pg/restore_loss.h"

#include <algorithm>

#include "pg/event_log.h"
#include "pg/key_tables.h"
#include "pg/ledger_relation.h"
#include "pg/uuid_ids.h"
#include "pg/tile_rows.h"

namespace bulla {
namespace {

// Whether the tree begins with the one that was published.
bool BeginsWith(const TreeRow& tree, const PublishedNote& published) {
  NodeHash root;
  return published.size <= tree.size && FindRoot(tree.tiles, published.size, &root) &&
         root == published.root;
}

void AddPublished(const PublishedNote& published, EventDetail* detail) {
  detail->Text("published_origin", published.origin)
      .Number("published_size", static_cast<int64>(published.size.value))
      .Bytes("published_root", published.root.bytes.data(), published.root.bytes.size())
      .Text("published_note", published.text);
}

EventDetail DetailOfLedger(Oid ledger) {
  return EventDetail()
      .Text("ledger", QualifiedName(ledger))
      .Text("ledger_id", IdText(IdOfLedger(ledger)));
}

}  // namespace

Loss JudgeLoss(const TreeRow* before, const TreeRow& tree, List* published) {
  Loss loss{false, tree.common, nullptr, false};
  const PublishedNote* met = nullptr;
  const PublishedNote* missed = nullptr;
  for (int i = 0; i < list_length(published); ++i) {
    const auto* const note = static_cast<const PublishedNote*>(list_nth(published, i));
    const PublishedNote*& largest = BeginsWith(tree, *note) ? met : missed;
    if (largest == nullptr || note->size > largest->size) largest = note;
  }
  if (met != nullptr) loss.common = std::max(loss.common, met->size);
  loss.published = missed != nullptr ? missed : met;
  loss.contradicts = missed != nullptr && missed->size <= loss.common;
  loss.any = missed != nullptr || (before != nullptr && tree.common < before->size);
  return loss;
}

void RecordLoss(const LogChain& chain, const TreeRow* before, const TreeRow& tree, const Loss& loss,
                const char* reason) {
  NodeHash common_root;
  if (!FindRoot(tree.tiles, loss.common, &common_root))
    elog(ERROR, "a tile of tree \"%s\" is gone from bulla.tiles", tree.origin);
  EventDetail detail = DetailOfLedger(chain.ledger);
  detail.Text("chain", chain.name)
      .Text("chain_id", chain.chain_id)
      .Number("seq", static_cast<int64>(loss.common.value))
      .Number("epoch", tree.epoch)
      .Text("reason", reason)
      .Text("origin", tree.origin)
      .Number("common_size", static_cast<int64>(loss.common.value))
      .Bytes("common_root", common_root.bytes.data(), common_root.bytes.size());
  if (before != nullptr) {
    detail.Text("old_origin", before->origin)
        .Number("sealed_size", static_cast<int64>(before->size.value))
        .Bytes("sealed_root", before->root.bytes.data(), before->root.bytes.size());
  }
  if (loss.published != nullptr) {
    AddPublished(*loss.published, &detail);
    detail.Boolean("contradicts", loss.contradicts);
  }
  RecordEvent(kRestoredEvent, detail);
}

void RecordLostChain(Oid ledger, const PublishedNote& published, int32 epoch, const char* reason) {
  EventDetail detail = DetailOfLedger(ledger);
  detail.Text("chain_id", published.chain_id).Number("epoch", epoch).Text("reason", reason);
  AddPublished(published, &detail);
  RecordEvent(kRestoredEvent, detail);
}

}  // namespace bulla
