#include "core/cell_context.h"

namespace bulla {
namespace {

constexpr std::string_view kMagic{"bulla.cell.v1\0", 14};

}  // namespace

void CellContextWriter::Begin(const CellId& id) {
  ByteWriter out(buffer_);
  out.Put(AsBytes(kMagic));
  out.Put(id.bytes);
  size_ = out.size();
  ok_ = true;
}

void CellContextWriter::Column(Bytes name, Bytes value, Sha256* hasher) {
  Sha256Digest digest;
  const bool literal = value.size() <= kMaxLiteralSize;
  ok_ = ok_ && name.size() <= kMaxBoundNameSize && (literal || DigestValue(value, hasher, &digest));
  if (!ok_) return;
  ByteWriter out(MutableBytes(buffer_).subspan(size_));
  out.PutSized(name);
  out.PutByte(static_cast<uint8_t>(literal ? kRecordLiteral : kRecordDigest));
  out.PutSized(literal ? value : Bytes(digest.bytes));
  ok_ = !out.overflowed();
  size_ += out.size();
}

}  // namespace bulla
