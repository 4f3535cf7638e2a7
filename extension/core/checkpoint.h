// Checkpoints (C2SP tlog-checkpoint): the text of a signed note that says how large a log's tree is and what its root is.
// docs/spec/checkpoint.md.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/tree.h"

namespace bulla {

struct Checkpoint {
  std::string origin;  // which log
  TreeSize size;
  NodeHash root;
  std::vector<std::string> extensions;  // further lines. Bulla writes none.
  bool operator==(const Checkpoint&) const = default;
};

// The text of a note, with its last line feed. Strict: one checkpoint has one text. kInvalidArgument.
Result<Checkpoint> ParseCheckpoint(std::string_view text);

// kInvalidArgument where the parser would not give back what was formatted, because origin or extensions are no lines.
Result<std::string> FormatCheckpoint(const Checkpoint& checkpoint);

// A hash in base64, as checkpoints and proofs have it on a line of its own.
std::string FormatHash(const NodeHash& hash);
bool ParseHash(std::string_view text, NodeHash* hash);

// Takes a line off the front of the text, without its line feed. False where no line feed is left.
bool TakeLine(std::string_view* text, std::string_view* line);

}  // namespace bulla
