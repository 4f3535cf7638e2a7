#include "core/record.h"

namespace bulla {
namespace {

constexpr std::string_view kMagic{"bulla.record.v1\0", 16};
constexpr std::string_view kValueMagic{"bulla.value.v1\0", 15};
constexpr std::byte kLiteral{0};
constexpr std::byte kDigest{1};

}  // namespace

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

void RecordWriter::Column(Bytes name, Bytes value, Sha256* hasher) {
  const bool digest = value.size() > kMaxLiteralSize;
  const size_t value_size = digest ? 32 : value.size();
  const size_t size = 4 + name.size() + 1 + 4 + value_size;
  std::byte* to = ok_ ? Reserve(size) : nullptr;
  if (to == nullptr) return;
  PutU32(to, static_cast<uint32_t>(name.size()));
  to += 4;
  std::memcpy(to, name.data(), name.size());
  to += name.size();
  *to++ = digest ? kDigest : kLiteral;
  PutU32(to, static_cast<uint32_t>(value_size));
  to += 4;
  if (digest) {
    Sha256Digest value_digest;
    hasher->Start();
    hasher->Update(AsBytes(kValueMagic));
    hasher->Update(value);
    ok_ = hasher->Finish(&value_digest);
    std::memcpy(to, value_digest.bytes.data(), 32);
  } else if (value_size != 0) {
    std::memcpy(to, value.data(), value_size);
  }
  ++count_;
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
