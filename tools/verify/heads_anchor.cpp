#include "verify/heads_anchor.h"

#include <algorithm>
#include <array>

#include "core/decimal.h"
#include "core/hex.h"
#include "core/proof_file.h"

namespace bulla::verify {
namespace {

constexpr std::string_view kMagic("bulla.record.v1\0", 16);
constexpr std::array<std::string_view, 6> kColumns = {"chain_id", "epoch",     "ledger_id",
                                                      "root",     "sealed_at", "size"};
enum Column { kChainId, kEpoch, kLedgerId, kRoot, kSealedAt, kSize };

Error Wrong(std::string why) { return {Code::kInvalidArgument, std::move(why)}; }

// Takes bytes off the front of a record.
class RecordCursor {
 public:
  explicit RecordCursor(Bytes bytes) : rest_(bytes) {}

  bool Take(size_t size, Bytes* bytes) {
    if (size > rest_.size()) return false;
    *bytes = rest_.first(size);
    rest_ = rest_.subspan(size);
    return true;
  }
  bool TakeU32(uint32_t* number) {
    Bytes bytes;
    if (!Take(4, &bytes)) return false;
    *number = GetU32(bytes.data());
    return true;
  }
  bool Expect(std::string_view text) {
    Bytes bytes;
    return Take(text.size(), &bytes) && AsText(bytes) == text;
  }
  bool TakeText(std::string_view* text) {
    uint32_t size = 0;
    Bytes bytes;
    if (!TakeU32(&size) || !Take(size, &bytes)) return false;
    *text = AsText(bytes);
    return true;
  }
  bool empty() const { return rest_.empty(); }

 private:
  Bytes rest_;
};

// What docs/spec/record.md makes of a row of bulla.heads.
struct HeadRecord {
  LedgerId heads;
  std::array<std::string_view, kColumns.size()> columns;
  uint64_t seq = 0;
};

bool ReadColumn(RecordCursor* cursor, std::string_view name, std::string_view* value) {
  std::string_view found;
  Bytes kind;
  return cursor->TakeText(&found) && found == name && cursor->Take(1, &kind) &&
         kind[0] == kRecordLiteral && cursor->TakeText(value);
}

bool ReadHeadRecord(Bytes record, HeadRecord* head) {
  RecordCursor cursor(record);
  Bytes bytes;
  uint32_t number = 0;
  if (!cursor.Expect(kMagic) || !cursor.Take(16, &bytes)) return false;
  std::copy(bytes.begin(), bytes.end(), head->heads.bytes.begin());
  if (!cursor.TakeU32(&number) || number != 0) return false;  // it has one chain
  if (!cursor.TakeU32(&number) || number != kColumns.size()) return false;
  for (size_t i = 0; i < kColumns.size(); ++i)
    if (!ReadColumn(&cursor, kColumns[i], &head->columns[i])) return false;
  if (!cursor.Take(8, &bytes)) return false;
  head->seq = GetU64(bytes.data());
  return cursor.Take(32, &bytes) && cursor.empty();
}

// What the row says of the other chain.
Result<void> ReadColumns(const HeadRecord& head, const std::string& log_name, Anchor* anchor) {
  const auto& columns = head.columns;
  const Result<Origin> origin =
      ParseOrigin(log_name + "/" + std::string(columns[kLedgerId]) + "/" +
                  std::string(columns[kChainId]) + "/" + std::string(columns[kEpoch]));
  if (!origin.ok()) return origin.error();
  const auto size = ParseDecimal(columns[kSize], uint64_t{1} << 62);
  const std::string_view root = columns[kRoot];
  if (!size || !root.starts_with("\\x") ||
      !DecodeHex(root.substr(2), anchor->checkpoint.root.bytes))
    return Wrong("the row of bulla.heads has no size or root");
  anchor->origin = origin.value();
  anchor->checkpoint.origin = FormatOrigin(origin.value());
  anchor->checkpoint.size = {*size};
  return {};
}

Result<void> CheckProof(const ProofFile& proof, Sha256* hasher) {
  LeafHash leaf;
  const std::byte zero{};
  hasher->Start();
  hasher->Update({&zero, 1});
  hasher->Update(*proof.extra);
  if (!hasher->Finish(&leaf)) return Error{Code::kInternal, "SHA-256 failed"};
  if (!CheckProofFile(proof, leaf, hasher).ok())
    return Error{Code::kCorrupt, "the proof does not lead from the row of bulla.heads to the root"};
  return {};
}

}  // namespace

Result<Anchor> ParseHeadsAnchor(std::string_view text, std::string file, Sha256* hasher) {
  const Result<ProofFile> proof = ParseProofFile(text);
  if (!proof.ok()) return proof.error();
  const Result<Origin> signer = ParseOrigin(proof.value().checkpoint.origin);
  if (!signer.ok()) return signer.error();
  HeadRecord head;
  if (!proof.value().extra || !ReadHeadRecord(*proof.value().extra, &head))
    return Wrong("its extra data is no record of bulla.heads");
  if (head.heads != signer.value().ledger || signer.value().chain.text != "0" ||
      head.seq != proof.value().index.value)
    return Wrong("its record is of another ledger or seq than the proof");
  Anchor anchor;
  anchor.file = std::move(file);
  anchor.note = proof.value().note;
  anchor.signer = proof.value().checkpoint.origin;
  if (Result<void> read = ReadColumns(head, signer.value().log_name, &anchor); !read.ok())
    return read.error();
  if (Result<void> holds = CheckProof(proof.value(), hasher); !holds.ok()) return holds.error();
  return anchor;
}

}  // namespace bulla::verify
