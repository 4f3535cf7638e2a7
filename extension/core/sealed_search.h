// Finds values sealed under certain key versions, wherever in a value they stand: a text or bytea column,
// a JSON document, an array, a message that somebody put together.
#pragma once

#include <optional>
#include <vector>

#include "core/bytes.h"
#include "core/key_version.h"

namespace bulla {

class SealedSearch {
 public:
  void Add(const VersionId& version);

  // The version of the first envelope found that is of one of those added: as bytes, as text
  // ("bulla1:…"), or as bytes in lower-case hexadecimal digits, which is how PostgreSQL prints a bytea.
  // Only headers are looked at. Does not allocate.
  std::optional<VersionId> FindIn(Bytes value) const;

 private:
  std::optional<VersionId> MatchHeader(Bytes header) const;
  std::optional<VersionId> FindBytes(Bytes value) const;
  std::optional<VersionId> FindText(Bytes value) const;
  std::optional<VersionId> FindHex(Bytes value) const;

  std::vector<VersionId> versions_;  // sorted
};

}  // namespace bulla
