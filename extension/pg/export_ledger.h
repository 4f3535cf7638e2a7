// A ledger as lines of text that leave the database: docs/spec/export.md.
#pragma once

extern "C" {
#include "postgres.h"
}

#include <string_view>

namespace bulla {

struct ExportRange {
  const char* chain;  // null for all chains
  int64 first;        // of each chain
  int64 last;
};

// Calls `put` with each line, which is valid during the call only. Exports what is committed now, whatever the
// transaction's snapshot; raises object_not_in_prerequisite_state where this transaction itself wrote a row
// of the range: that could still be rolled back. CheckMayRead comes first, ConfirmWhatWasRead afterwards,
// before any line leaves.
void ExportLedger(Oid ledger, const ExportRange& range,
                  void (*put)(std::string_view line, void* state), void* state);

}  // namespace bulla
