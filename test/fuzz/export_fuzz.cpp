// Exports of arbitrary bytes, without a checkpoint: every one ends in a verdict, and none that has rows is proven.

#include "core/sha256.h"
#include "require.h"
#include "verify/export_check.h"

namespace bulla::verify {
namespace {

// Of all lines but the last, as whoever reads the file hands it over.
std::optional<Sha256Digest> DigestOf(std::string_view text) {
  const size_t before = text.size() > 1 ? text.rfind('\n', text.size() - 2) : text.npos;
  Sha256 hasher;
  hasher.Start();
  hasher.Update(AsBytes(text.substr(0, before == text.npos ? 0 : before + 1)));
  Sha256Digest digest;
  return hasher.Finish(&digest) ? std::optional(digest) : std::nullopt;
}

// False where a line made an end of it.
bool ReadLines(std::string_view text, ExportCheck* check) {
  while (!text.empty()) {
    const size_t end = text.find('\n');
    if (end == text.npos) return check->CutOff();
    if (!check->Line(text.substr(0, end))) return false;
    text.remove_prefix(end + 1);
  }
  return true;
}

}  // namespace
}  // namespace bulla::verify

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace bulla;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  verify::Anchors anchors;
  verify::Findings findings;
  verify::ExportCheck check(&anchors, &findings);
  const bool read = verify::ReadLines(text, &check);
  if (read) check.Finish(verify::DigestOf(text));
  const bool proven = findings.outcome() == verify::Outcome::kProven;
  Require(read ? !proven || check.rows() == 0 : !proven && findings.count() > 0);
  return 0;
}
