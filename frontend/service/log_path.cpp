#include "service/log_path.h"

#include <string>

#include "core/origin.h"
#include "core/tile.h"

namespace bulla::service {
namespace {

// The database knows the host; here any will do.
bool IsLog(std::string_view path) {
  return path.starts_with('/') && ParseOrigin("host" + std::string(path)).ok();
}

// What follows the log, from this word on; nothing where it is not a log that it follows.
std::string_view After(std::string_view path, std::string_view word, http::Parameters& parameters) {
  // The last one: parts of a log's name can be called like this, those of a tile's path cannot.
  const std::size_t slash = path.rfind("/" + std::string(word));
  if (slash == path.npos || !IsLog(path.substr(0, slash))) return {};
  parameters = {{"log", std::string(path.substr(0, slash))}};
  return path.substr(slash + 1);
}

}  // namespace

bool IsCheckpointPath(std::string_view path, http::Parameters& parameters) {
  constexpr std::string_view kCheckpoint = "checkpoint";
  return After(path, kCheckpoint, parameters) == kCheckpoint;
}

bool IsTilePath(std::string_view path, http::Parameters& parameters) {
  const auto tile = ParseTilePath(After(path, "tile/", parameters));
  if (!tile.ok()) return false;
  parameters["level"] = std::to_string(tile.value().level);
  parameters["index"] = std::to_string(tile.value().index);
  parameters["width"] = std::to_string(tile.value().width);
  return true;
}

bool IsEntriesPath(std::string_view path, http::Parameters& parameters) {
  const auto bundle = ParseEntryBundlePath(After(path, "tile/", parameters));
  if (!bundle.ok()) return false;
  parameters["index"] = std::to_string(bundle.value().index);
  parameters["width"] = std::to_string(bundle.value().width);
  return true;
}

}  // namespace bulla::service
