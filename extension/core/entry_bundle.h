// The content of an entry bundle (C2SP tlog-tiles): records one after the other, each behind its length in two bytes.
#pragma once

#include <vector>

#include "core/bytes.h"
#include "core/result.h"

namespace bulla {

// What an entry adds to its record, which has kMaxRecordSize bytes at most.
inline constexpr size_t kEntryFrameSize = 2;

void PutEntry(Bytes record, ByteWriter* bundle);

// Just `count` entries and nothing behind them, else kCorrupt. The records lie in `bundle`.
Result<std::vector<Bytes>> ParseEntryBundle(Bytes bundle, size_t count);

}  // namespace bulla
