#include "verify/anchors.h"

#include <algorithm>

namespace bulla::verify {

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
