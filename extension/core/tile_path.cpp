// Tiles as paths. Declared in core/tile.h.
#include <algorithm>

#include "core/decimal.h"
#include "core/tile.h"

namespace bulla {
namespace {

constexpr std::string_view kTileWord = "tile/";
constexpr std::string_view kEntriesWord = "entries/";
constexpr uint64_t kGroup = 1'000;
constexpr unsigned kMaxLevel = 63;  // as the specification has it, though no tree reaches it

// Groups of three digits, all but the last one with an x before them: x001/x234/067.
std::string FormatIndex(uint64_t index) {
  const auto three = [](uint64_t group) { return std::to_string(kGroup + group).substr(1); };
  std::string text = three(index % kGroup);
  while ((index /= kGroup) > 0) text.insert(0, "x" + three(index % kGroup) + "/");
  return text;
}

std::string FormatPlace(uint64_t index, unsigned width) {
  const std::string text = FormatIndex(index);
  return width == kTileWidth ? text : text + ".p/" + std::to_string(width);
}

struct Place {
  uint64_t index;
  unsigned width;
};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Reads digits without judging their groups: whether the text is what FormatPlace writes is seen by writing it again.
std::optional<Place> ParsePlace(std::string_view text, uint64_t max_index) {
  Place place{0, kTileWidth};
  const size_t suffix = text.find(".p/");
  if (suffix != text.npos) {
    const auto width = ParseDecimal(text.substr(suffix + 3), kTileWidth - 1);
    if (!width || *width == 0) return {};
    place.width = static_cast<unsigned>(*width);
  }
  for (const char c : text.substr(0, suffix)) {
    if (!IsDigit(c)) continue;
    place.index = place.index * 10 + static_cast<uint64_t>(c - '0');
    if (place.index > max_index) return {};
  }
  if (FormatPlace(place.index, place.width) != text) return {};
  return place;
}

// The index of the last tile of that level in a tree of kMaxTreeSize leaves.
uint64_t MaxIndex(unsigned level) {
  return level >= kTileLevels ? 0 : (kMaxTreeSize.value >> (kTileHeight * level)) / kTileWidth;
}

Error BadPath() { return {Code::kInvalidArgument, "this is not the path of a tile"}; }

}  // namespace

std::string TilePath(const Tile& tile) {
  return std::string(kTileWord) + std::to_string(tile.level) + "/" +
         FormatPlace(tile.index, tile.width);
}

std::string EntryBundlePath(const EntryBundle& bundle) {
  return std::string(kTileWord)
      .append(kEntriesWord)
      .append(FormatPlace(bundle.index, bundle.width));
}

Result<Tile> ParseTilePath(std::string_view path) {
  if (!path.starts_with(kTileWord)) return BadPath();
  path.remove_prefix(kTileWord.size());
  const size_t slash = path.find('/');
  if (slash == path.npos) return BadPath();
  const auto level = ParseDecimal(path.substr(0, slash), kMaxLevel);
  if (!level) return BadPath();
  Tile tile;
  tile.level = static_cast<unsigned>(*level);
  const auto place = ParsePlace(path.substr(slash + 1), MaxIndex(tile.level));
  if (!place) return BadPath();
  tile.index = place->index;
  tile.width = place->width;
  return tile;
}

Result<EntryBundle> ParseEntryBundlePath(std::string_view path) {
  if (!path.starts_with(kTileWord)) return BadPath();
  path.remove_prefix(kTileWord.size());
  if (!path.starts_with(kEntriesWord)) return BadPath();
  const auto place = ParsePlace(path.substr(kEntriesWord.size()), MaxIndex(0));
  if (!place) return BadPath();
  return EntryBundle{place->index, place->width};
}

}  // namespace bulla
