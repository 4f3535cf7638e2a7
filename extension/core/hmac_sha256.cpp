#include "core/hmac_sha256.h"

namespace bulla {
namespace {

using Block = std::array<std::byte, kHmacKeyLimit>;

Block PaddedKey(Bytes key, std::byte pad) {
  Block block;
  block.fill(pad);
  for (size_t i = 0; i < key.size(); ++i) block[i] ^= key[i];
  return block;
}

}  // namespace

bool HmacSha256(Bytes key, std::initializer_list<Bytes> parts, Sha256* hasher, Sha256Digest* mac) {
  Sha256Digest inner;
  if (key.size() > kHmacKeyLimit) return false;
  hasher->Start();
  hasher->Update(PaddedKey(key, std::byte{0x36}));
  for (const Bytes part : parts) hasher->Update(part);
  if (!hasher->Finish(&inner)) return false;
  hasher->Start();
  hasher->Update(PaddedKey(key, std::byte{0x5c}));
  hasher->Update(inner.bytes);
  return hasher->Finish(mac);
}

}  // namespace bulla
