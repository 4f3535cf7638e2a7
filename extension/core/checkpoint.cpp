#include "core/checkpoint.h"

#include "core/base64.h"
#include "core/decimal.h"
#include "core/note.h"

namespace bulla {
namespace {

Error Malformed(std::string_view why) {
  return {Code::kInvalidArgument, "malformed checkpoint: " + std::string(why)};
}

}  // namespace

bool TakeLine(std::string_view* text, std::string_view* line) {
  const size_t end = text->find('\n');
  if (end == text->npos) return false;
  *line = text->substr(0, end);
  text->remove_prefix(end + 1);
  return true;
}

std::string FormatHash(const NodeHash& hash) {
  std::string text(Base64Size(hash.bytes.size()), '\0');
  EncodeBase64(hash.bytes, text);
  return text;
}

bool ParseHash(std::string_view text, NodeHash* hash) {
  return text.size() == Base64Size(hash->bytes.size()) && DecodeBase64(text, hash->bytes);
}

Result<Checkpoint> ParseCheckpoint(std::string_view text) {
  if (text.size() > kMaxNoteSize) return Malformed("it is too long");
  if (!IsNoteText(text)) return Malformed("it is not lines of UTF-8 without control characters");
  Checkpoint checkpoint;
  std::string_view origin, size_text, root, line;
  if (!TakeLine(&text, &origin) || origin.empty()) return Malformed("it has no origin");
  if (!TakeLine(&text, &size_text)) return Malformed("it has no size");
  const auto size = ParseDecimal(size_text, kMaxTreeSize.value);
  if (!size) return Malformed("the size is not a number from 0 to 2^63 - 1");
  if (!TakeLine(&text, &root) || !ParseHash(root, &checkpoint.root))
    return Malformed("the root is not a hash of 32 bytes in base64");
  while (TakeLine(&text, &line)) {
    if (line.empty()) return Malformed("it has an empty line");
    checkpoint.extensions.emplace_back(line);
  }
  checkpoint.origin = origin;
  checkpoint.size = TreeSize{*size};
  return checkpoint;
}

Result<std::string> FormatCheckpoint(const Checkpoint& checkpoint) {
  std::string text = checkpoint.origin + "\n" + std::to_string(checkpoint.size.value) + "\n" +
                     FormatHash(checkpoint.root) + "\n";
  for (const std::string& line : checkpoint.extensions) text.append(line).append("\n");
  const Result<Checkpoint> parsed = ParseCheckpoint(text);
  if (!parsed.ok()) return parsed.error();
  if (parsed.value() != checkpoint) return Malformed("a field of it has several lines");
  return text;
}

}  // namespace bulla
