#include "core/add_checkpoint.h"

#include "core/decimal.h"

namespace bulla {
namespace {

constexpr std::string_view kOld = "old ";

Error Malformed(std::string_view why) {
  return {Code::kInvalidArgument, "malformed add-checkpoint request: " + std::string(why)};
}

}  // namespace

Result<AddCheckpoint> ParseAddCheckpoint(std::string_view body) {
  if (body.size() > kMaxProofFileSize) return Malformed("it is too long");
  AddCheckpoint request;
  std::string_view line;
  if (!TakeLine(&body, &line) || !line.starts_with(kOld)) return Malformed("it has no old size");
  const auto old_size = ParseDecimal(line.substr(kOld.size()), kMaxTreeSize.value);
  if (!old_size) return Malformed("the old size is not a number from 0 to 2^63 - 1");
  request.old_size = TreeSize{*old_size};
  if (!TakeProofLines(&body, &request.proof))
    return Malformed("behind the old size are not up to 63 hashes in base64 and an empty line");
  Result<SignedNote> note = ParseNote(body);
  if (!note.ok()) return note.error();
  request.note = std::move(note).value();
  Result<Checkpoint> checkpoint = ParseCheckpoint(request.note.text);
  if (!checkpoint.ok()) return checkpoint.error();
  request.checkpoint = std::move(checkpoint).value();
  return request;
}

std::string FormatAddCheckpoint(const AddCheckpoint& request) {
  return std::string(kOld) + std::to_string(request.old_size.value) + "\n" +
         FormatProofLines(request.proof) + FormatNote(request.note);
}

}  // namespace bulla
