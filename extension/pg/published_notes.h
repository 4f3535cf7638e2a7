// Checkpoints of this log that somebody kept, handed in by who records a restore.
#pragma once

extern "C" {
#include "postgres.h"
#include "nodes/pg_list.h"
}

#include "core/record.h"
#include "core/tree.h"

namespace bulla {

struct PublishedNote {
  const char* text;  // palloc'd, as are the others
  const char* origin;
  LedgerId ledger;
  const char* chain_id;
  int32 epoch;
  TreeSize size;
  NodeHash root;
};

// A list of PublishedNote*, of const char*. Raises invalid_parameter_value where one is no checkpoint of a log of this
// name, or no version of the signing key that is here has signed it.
List* ReadPublishedNotes(List* texts, const char* log_name);

// Those of one chain.
List* NotesOfChain(List* notes, const LedgerId& ledger, const char* chain_id);

}  // namespace bulla
