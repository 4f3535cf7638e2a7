// Recorded restores, as the table bulla.restores holds them: each opened an epoch of a ledger. Read with a snapshot taken
// now, and without rights of the caller.
#pragma once

extern "C" {
#include "postgres.h"
#include "utils/timestamp.h"
}

#include "core/record.h"

namespace bulla {

struct RestoreRow {
  int32 epoch;
  TimestampTz recorded_at;
  const char* reason;  // palloc'd
};

// The restore that opened the epoch in which chains of the ledger are sealed; epoch 0 where none was recorded.
RestoreRow LastRestore(const LedgerId& ledger);
inline int32 EpochOfLedger(const LedgerId& ledger) { return LastRestore(ledger).epoch; }

// Whoever adds one holds the seal lock of the ledger.
void InsertRestore(const LedgerId& ledger, int32 epoch, const char* reason);

// Calls `found` with each restore of a ledger, in order of epochs.
void ReadRestores(const LedgerId& ledger, void (*found)(const RestoreRow& restore, void* state),
                  void* state);

}  // namespace bulla
