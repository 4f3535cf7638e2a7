// Paths of tiles and of entry bundles, and the bundles themselves, under arbitrary bytes: what parses is what would
// have been written.

#include <vector>

#include "core/entry_bundle.h"
#include "core/tile.h"
#include "require.h"

namespace bulla {
namespace {

void TryPath(std::string_view text) {
  if (const Result<Tile> tile = ParseTilePath(text); tile.ok()) {
    Require(TilePath(tile.value()) == text);
    Require(tile.value().width >= 1 && tile.value().width <= kTileWidth);
    Require(!HasTile(TreeSize{0}, tile.value()));
  }
  if (const Result<EntryBundle> bundle = ParseEntryBundlePath(text); bundle.ok()) {
    Require(EntryBundlePath(bundle.value()) == text);
    Require(!ParseTilePath(text).ok());
  }
}

void TryBundle(Bytes bytes) {
  if (bytes.empty()) return;
  const auto count = std::to_integer<size_t>(bytes[0]);
  bytes = bytes.subspan(1);
  const auto records = ParseEntryBundle(bytes, count);
  if (!records.ok()) return;
  Require(records.value().size() == count);
  std::vector<std::byte> again(bytes.size());
  ByteWriter writer(again);
  for (const Bytes record : records.value()) PutEntry(record, &writer);
  Require(!writer.overflowed() && SameBytes(writer.written(), bytes));
}

}  // namespace
}  // namespace bulla

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const bulla::Bytes bytes(reinterpret_cast<const std::byte*>(data), size);
  bulla::TryPath(bulla::AsText(bytes));
  bulla::TryBundle(bytes);
  return 0;
}
