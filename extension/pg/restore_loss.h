// What a recorded restore has lost of a chain, as far as is known: from the last tree of the epoch before, and from
// checkpoints that somebody kept.
#pragma once

#include "pg/log_chain.h"
#include "pg/log_rows.h"
#include "pg/published_notes.h"

namespace bulla {

inline constexpr char kRestoredEvent[] = "ledger.restored";

struct Loss {
  bool any;
  TreeSize common;                 // leaves that both trees begin with, as far as is shown
  const PublishedNote* published;  // the one that tells most, or nullptr
  bool contradicts;                // it is of no larger tree than was known here, and of another
};

// `before` is nullptr where no tree was known. `tree` is the new one, its tiles stored.
Loss JudgeLoss(const TreeRow* before, const TreeRow& tree, List* published);

// Records it for the end of this transaction (docs/spec/checkpoint.md, "Restores").
void RecordLoss(const LogChain& chain, const TreeRow* before, const TreeRow& tree, const Loss& loss,
                const char* reason);

// The same of a chain of which nothing is here but what this checkpoint says.
void RecordLostChain(Oid ledger, const PublishedNote& published, int32 epoch, const char* reason);

}  // namespace bulla
