#include "verify/anchors.h"

#include <algorithm>

namespace bulla::verify {

Finding RestoredFinding(const std::string& file, const Origin& origin) {
  return {
      Outcome::kProven,
      kRestored,
      {},
      {},
      "the checkpoint in " + file + " is of epoch " + std::to_string(origin.epoch.value) +
          ": the log recorded that it was restored to an older state. What it signed before and "
          "lost is not seen here but by a checkpoint that you kept (--since); bulla.events says "
          "what it was"};
}

Result<Anchor> ParseAnchor(std::string_view text, std::string file) {
  Anchor anchor;
  anchor.file = std::move(file);
  Result<SignedNote> note = ParseNote(text);
  if (!note.ok()) return note.error();
  anchor.note = std::move(note).value();
  Result<Checkpoint> checkpoint = ParseCheckpoint(anchor.note.text);
  if (!checkpoint.ok()) return checkpoint.error();
  anchor.checkpoint = std::move(checkpoint).value();
  Result<Origin> origin = ParseOrigin(anchor.checkpoint.origin);
  if (!origin.ok()) return origin.error();
  anchor.origin = std::move(origin).value();
  return anchor;
}

Epoch Anchors::NewestEpoch(const LedgerId& ledger) const {
  Epoch newest{};
  for (const Anchor& anchor : all_) {
    if (anchor.origin.ledger == ledger && anchor.trust.anchored)
      newest = std::max(newest, anchor.origin.epoch);
  }
  return newest;
}

std::vector<Anchor*> Anchors::Of(const LedgerId& ledger, const ChainId& chain) {
  std::vector<Anchor*> found;
  for (Anchor& anchor : all_)
    if (anchor.origin.ledger == ledger && anchor.origin.chain == chain) found.push_back(&anchor);
  std::stable_sort(found.begin(), found.end(), [](const Anchor* a, const Anchor* b) {
    return a->checkpoint.size < b->checkpoint.size;
  });
  return found;
}

}  // namespace bulla::verify
