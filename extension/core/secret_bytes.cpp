#include "core/secret_bytes.h"

#include <cstring>
#include <string>
#include <utility>

#include <openssl/crypto.h>
#include <unistd.h>

namespace bulla {
namespace {

// The smallest block of the heap's buddy allocator; a data key is 32 or 64 bytes.
constexpr size_t kSmallestBlock = 32;

// The process whose secure heap is locked, 0 if none.
pid_t locked_in = 0;

bool MakeSecureHeap() {
  if (CRYPTO_secure_malloc_initialized() == 1) return true;
  // 1: made and locked. 2: made, but locking or hiding it from core dumps was refused. 0: not made.
  const int made = CRYPTO_secure_malloc_init(kSecureHeapSize, kSmallestBlock);
  if (made == 1) locked_in = getpid();
  return made != 0;
}

}  // namespace

Result<SecretBytes> SecretBytes::Allocate(size_t size) {
  if (size == 0) return Error{Code::kInvalidArgument, "a secret has at least one byte"};
  // Without the heap OpenSSL would hand out ordinary memory, so that is asked first.
  if (!MakeSecureHeap()) return Error{Code::kUnavailable, "could not set up OpenSSL's secure heap"};
  auto* data = static_cast<std::byte*>(OPENSSL_secure_zalloc(size));
  if (data == nullptr)
    return Error{Code::kUnavailable,
                 "OpenSSL's secure heap of " + std::to_string(kSecureHeapSize) + " bytes is full"};
  return SecretBytes(data, size);
}

Result<SecretBytes> SecretBytes::CopyOf(Bytes bytes) {
  Result<SecretBytes> copy = Allocate(bytes.size());
  if (copy.ok()) std::memcpy(copy.value().RevealSecretBytes().data(), bytes.data(), bytes.size());
  return copy;
}

SecretBytes::SecretBytes(SecretBytes&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  SecretBytes taken(std::move(other));
  std::swap(data_, taken.data_);
  std::swap(size_, taken.size_);
  return *this;
}

SecretBytes::~SecretBytes() { OPENSSL_secure_clear_free(data_, size_); }

bool SecureHeapIsLocked() { return locked_in != 0 && locked_in == getpid(); }

void Wipe(MutableBytes bytes) { OPENSSL_cleanse(bytes.data(), bytes.size()); }

bool ConstantTimeEqual(Bytes a, Bytes b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace bulla
