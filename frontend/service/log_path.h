// The paths under which a log is served (C2SP tlog-tiles): those of its origin, without the host.
#pragma once

#include <string_view>

#include "http/router.h"

namespace bulla::service {

// Whether a path is that of a log's checkpoint, of a tile or of an entry bundle: just as the core writes the origin and
// the tile, without a percent sign. Then the parameters say which: log ("/bulla/<uuid>/0/0"), and for the other two
// index, width and, of a tile, level, in decimal.
bool IsCheckpointPath(std::string_view path, http::Parameters& parameters);
bool IsTilePath(std::string_view path, http::Parameters& parameters);
bool IsEntriesPath(std::string_view path, http::Parameters& parameters);

}  // namespace bulla::service
