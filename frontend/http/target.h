// The parts of a request target, decoded strictly (RFC 3986).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bulla::http {

// Percent-decodes once. Nothing for a bad escape, %00, or a result that is not UTF-8.
std::optional<std::string> PercentDecode(std::string_view text);

// The decoded segments of a path that begins with "/"; one empty segment for "/". Nothing where
// PercentDecode gives nothing, and for an empty segment, "." or "..", also where they were encoded.
std::optional<std::vector<std::string>> SplitPath(std::string_view path);

// name=value pairs separated by "&", "+" is a blank. Nothing where PercentDecode gives nothing, for a
// pair without name and for a name that is there twice. An empty query has no pairs.
std::optional<std::map<std::string, std::string>> SplitQuery(std::string_view query);

bool IsUtf8(std::string_view text);

}  // namespace bulla::http
