#include "core/hmac_sha256.h"

#include "core/secret_bytes.h"

namespace bulla {
namespace {

void StartWithKey(Bytes key, std::byte pad, Sha256* hasher) {
  std::array<std::byte, kHmacKeyLimit> block;
  block.fill(pad);
  for (size_t i = 0; i < key.size(); ++i) block[i] ^= key[i];
  hasher->Start();
  hasher->Update(block);
  Wipe(block);
}

}  // namespace

bool HmacSha256(Bytes key, std::initializer_list<Bytes> parts, Sha256* hasher, Sha256Digest* mac) {
  Sha256Digest inner;
  if (key.size() > kHmacKeyLimit) return false;
  StartWithKey(key, std::byte{0x36}, hasher);
  for (const Bytes part : parts) hasher->Update(part);
  if (!hasher->Finish(&inner)) return false;
  StartWithKey(key, std::byte{0x5c}, hasher);
  hasher->Update(inner.bytes);
  return hasher->Finish(mac);
}

}  // namespace bulla
