// Connection strings, "host=… user=…" or "postgresql://…", without their secrets.
#pragma once

#include <optional>
#include <string>

namespace bulla::database {

// What libpq reads out of a connection string.
struct Conninfo {
  std::string shown;     // the same settings, with the secret ones masked
  std::string user;      // empty where it is not said
  std::string password;  // likewise
};

// Nothing where libpq cannot read it. libpq's reason repeats parts of the string, so it is not told.
std::optional<Conninfo> ReadConninfo(const std::string& conninfo);

}  // namespace bulla::database
