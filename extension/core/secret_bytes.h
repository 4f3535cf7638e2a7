// Bytes that must not leak: keys, and what keys are made from.
#pragma once

#include <cstddef>

#include "core/bytes.h"
#include "core/result.h"

namespace bulla {

// Owns bytes in OpenSSL's secure heap: outside core dumps, locked into memory where the system
// allows it, wiped when the object dies or is assigned to. Move only; a moved-from object is empty.
// There is no operator<<, no comparison and no implicit view: everything that touches the bytes
// calls RevealSecretBytes(), so `grep` finds it.
class SecretBytes {
 public:
  SecretBytes() = default;
  SecretBytes(SecretBytes&& other) noexcept;
  SecretBytes& operator=(SecretBytes&& other) noexcept;
  ~SecretBytes();

  // `size` zero bytes, size > 0. kUnavailable when the secure heap is full or could not be made:
  // never silently the ordinary heap.
  static Result<SecretBytes> Allocate(size_t size);
  // A copy; wiping the original stays with the caller.
  static Result<SecretBytes> CopyOf(Bytes bytes);

  size_t size() const { return size_; }
  Bytes RevealSecretBytes() const { return {data_, size_}; }
  MutableBytes RevealSecretBytes() { return {data_, size_}; }

 private:
  SecretBytes(std::byte* data, size_t size) : data_(data), size_(size) {}

  std::byte* data_ = nullptr;
  size_t size_ = 0;
};

// The secure heap is made at the first Allocate() of the process and holds this much for all of
// it, OpenSSL's own secrets included: whoever caches keys bounds the cache well below.
inline constexpr size_t kSecureHeapSize = size_t{64} * 1024;

// Whether this process's secure heap is locked into memory. False before the first Allocate(), when
// the system refused (RLIMIT_MEMLOCK), and in a child forked after it (locks are not inherited).
// Secrets are kept out of core dumps and wiped either way; only swapping is at stake.
bool SecureHeapIsLocked();

// Overwrites with zeros in a way the compiler keeps.
void Wipe(MutableBytes bytes);

// Compares in a time that depends on the sizes alone.
bool ConstantTimeEqual(Bytes a, Bytes b);

}  // namespace bulla
