#include "core/proof_file.h"

#include "core/base64.h"
#include "core/decimal.h"
#include "core/proof_check.h"

namespace bulla {
namespace {

constexpr std::string_view kFirstLine = "c2sp.org/tlog-proof@v1";
constexpr std::string_view kExtra = "extra ";
constexpr std::string_view kIndex = "index ";

Error Malformed(std::string_view why) {
  return {Code::kInvalidArgument, "malformed proof: " + std::string(why)};
}

bool ParseExtra(std::string_view text, std::vector<std::byte>* extra) {
  if (text.size() % 4 != 0) return false;
  const size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
  extra->resize(text.size() / 4 * 3 - padding);
  return DecodeBase64(text, *extra);
}

}  // namespace

bool TakeProofLines(std::string_view* text, std::vector<NodeHash>* hashes) {
  std::string_view line;
  while (TakeLine(text, &line)) {
    if (line.empty()) return true;
    if (hashes->size() == kMaxProofLines || !ParseHash(line, &hashes->emplace_back())) return false;
  }
  return false;
}

std::string FormatProofLines(std::span<const NodeHash> hashes) {
  std::string lines;
  for (const NodeHash& hash : hashes) lines.append(FormatHash(hash)).append("\n");
  return lines.append("\n");
}

Result<ProofFile> ParseProofFile(std::string_view text) {
  if (text.size() > kMaxProofFileSize) return Malformed("it is too long");
  ProofFile file;
  std::string_view line;
  if (!TakeLine(&text, &line) || line != kFirstLine)
    return Malformed("its first line is not " + std::string(kFirstLine));
  if (!TakeLine(&text, &line)) return Malformed("it has no index");
  if (line.starts_with(kExtra)) {
    if (!ParseExtra(line.substr(kExtra.size()), &file.extra.emplace()))
      return Malformed("the extra data is not base64");
    if (!TakeLine(&text, &line)) return Malformed("it has no index");
  }
  if (!line.starts_with(kIndex)) return Malformed("it has no index");
  const auto index = ParseDecimal(line.substr(kIndex.size()), kMaxTreeSize.value - 1);
  if (!index) return Malformed("the index is not a number from 0 to 2^63 - 2");
  file.index = LeafIndex{*index};
  if (!TakeProofLines(&text, &file.proof))
    return Malformed("behind the index are not up to 63 hashes in base64 and an empty line");
  Result<SignedNote> note = ParseNote(text);
  if (!note.ok()) return note.error();
  file.note = std::move(note).value();
  Result<Checkpoint> checkpoint = ParseCheckpoint(file.note.text);
  if (!checkpoint.ok()) return checkpoint.error();
  file.checkpoint = std::move(checkpoint).value();
  return file;
}

std::string FormatProofFile(const ProofFile& file) {
  std::string text = std::string(kFirstLine) + "\n";
  if (file.extra) {
    std::string extra(Base64Size(file.extra->size()), '\0');
    EncodeBase64(*file.extra, extra);
    text.append(kExtra).append(extra).append("\n");
  }
  text.append(kIndex).append(std::to_string(file.index.value)).append("\n");
  return text + FormatProofLines(file.proof) + FormatNote(file.note);
}

Result<void> CheckProofFile(const ProofFile& file, const NodeHash& leaf, Sha256* hasher) {
  return CheckInclusion(file.index, file.checkpoint.size, leaf, file.proof, file.checkpoint.root,
                        hasher);
}

}  // namespace bulla
