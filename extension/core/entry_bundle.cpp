#include "core/entry_bundle.h"

#include "core/record.h"

namespace bulla {

static_assert(kMaxRecordSize == 0xFFFF, "the length of an entry has two bytes");

void PutEntry(Bytes record, ByteWriter* bundle) {
  bundle->PutByte(static_cast<uint8_t>(record.size() >> 8));
  bundle->PutByte(static_cast<uint8_t>(record.size()));
  bundle->Put(record);
}

Result<std::vector<Bytes>> ParseEntryBundle(Bytes bundle, size_t count) {
  const Error corrupt{Code::kCorrupt,
                      "entry bundle is not " + std::to_string(count) + " entries long"};
  std::vector<Bytes> records;
  while (!bundle.empty()) {
    if (bundle.size() < kEntryFrameSize || records.size() == count) return corrupt;
    const size_t size =
        std::to_integer<size_t>(bundle[0]) << 8 | std::to_integer<size_t>(bundle[1]);
    bundle = bundle.subspan(kEntryFrameSize);
    if (size > bundle.size()) return corrupt;
    records.push_back(bundle.first(size));
    bundle = bundle.subspan(size);
  }
  if (records.size() != count) return corrupt;
  return records;
}

}  // namespace bulla
