#include "core/record.h"

namespace bulla {
namespace {

constexpr std::string_view kMagic{"bulla.record.v1\0", 16};
constexpr std::string_view kValueMagic{"bulla.value.v1\0", 15};

}  // namespace

bool DigestValue(Bytes value, Sha256* hasher, Sha256Digest* digest) {
  hasher->Start();
  hasher->Update(AsBytes(kValueMagic));
  hasher->Update(value);
  return hasher->Finish(digest);
}

std::byte* RecordWriter::Reserve(size_t size) {
  if (size > buffer_.size() - size_) {
    ok_ = false;
    return nullptr;
  }
  std::byte* to = buffer_.data() + size_;
  size_ += size;
  return to;
}

void RecordWriter::Begin(const LedgerId& ledger, Bytes chain_key) {
  buffer_[0] = std::byte{0};  // RFC 6962's prefix of a leaf
  size_ = 1;
  count_ = 0;
  ok_ = chain_key.size() <= kMaxChainKeySize;
  if (!ok_) return;
  ByteWriter out({Reserve(16 + 16 + 4 + chain_key.size() + 4), 16 + 16 + 4 + chain_key.size() + 4});
  out.Put(AsBytes(kMagic));
  out.Put(ledger.bytes);
  out.PutSized(chain_key);
  count_at_ = size_ - 4;
}

// Everything of a column but its value, for which it returns the place; nullptr where it does not fit.
std::byte* RecordWriter::BeginColumn(Bytes name, std::byte kind, size_t value_size) {
  std::byte* to = ok_ ? Reserve(4 + name.size() + 1 + 4 + value_size) : nullptr;
  if (to == nullptr) return nullptr;
  PutU32(to, static_cast<uint32_t>(name.size()));
  to += 4;
  std::memcpy(to, name.data(), name.size());
  to += name.size();
  *to++ = kind;
  PutU32(to, static_cast<uint32_t>(value_size));
  ++count_;
  return to + 4;
}

void RecordWriter::Column(Bytes name, Bytes value, Sha256* hasher) {
  if (value.size() <= kMaxLiteralSize) {
    std::byte* const to = BeginColumn(name, kRecordLiteral, value.size());
    if (to != nullptr && !value.empty()) std::memcpy(to, value.data(), value.size());
    return;
  }
  Sha256Digest digest;
  std::byte* const to = BeginColumn(name, kRecordDigest, digest.bytes.size());
  if (to == nullptr) return;
  ok_ = DigestValue(value, hasher, &digest);
  std::memcpy(to, digest.bytes.data(), digest.bytes.size());
}

void RecordWriter::Commitment(Bytes name, Bytes commitment) {
  std::byte* const to = BeginColumn(name, kRecordCommitment, commitment.size());
  if (to == nullptr) return;
  ok_ = commitment.size() == 32;
  std::memcpy(to, commitment.data(), commitment.size());
}

void RecordWriter::EndColumns() {
  if (ok_) PutU32(buffer_.data() + count_at_, count_);
}

void RecordWriter::Finish(uint64_t seq, const LeafHash& prev_hash) {
  std::byte* to = ok_ ? Reserve(8 + 32) : nullptr;
  if (to == nullptr) return;
  PutU64(to, seq);
  std::memcpy(to + 8, prev_hash.bytes.data(), 32);
}

bool HashRecord(const RecordWriter& record, Sha256* hasher, LeafHash* hash) {
  hasher->Start();
  hasher->Update(record.leaf_input());
  return hasher->Finish(hash);
}

}  // namespace bulla
