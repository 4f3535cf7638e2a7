#include "kms/system_random.h"

#include <cstring>

#include <openssl/rand.h>
#include <pthread.h>

#include "core/ossl.h"
#include "core/secret_bytes.h"

namespace bulla {
namespace {

// Counts forks on the way down to this process. A getpid() per nonce would be a system call.
unsigned fork_generation = 0;

Result<void> Draw(int (*source)(unsigned char*, int), MutableBytes out) {
  constexpr size_t kMost = 1 << 20;  // OpenSSL counts in int
  while (!out.empty()) {
    const size_t size = out.size() < kMost ? out.size() : kMost;
    if (source(reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(size)) != 1)
      return ossl::DrainErrors("drawing random bytes");
    out = out.subspan(size);
  }
  return {};
}

}  // namespace

SystemRandom& SystemRandom::Instance() {
  static SystemRandom* const instance = [] {
    pthread_atfork(nullptr, nullptr, [] { ++fork_generation; });
    return new SystemRandom;
  }();
  return *instance;
}

Result<void> SystemRandom::Fill(MutableBytes out) {
  if (out.size() > buffer_.size() / 4) return Draw(RAND_bytes, out);
  if (out.size() > left_ || fork_generation_ != fork_generation) {
    // What is left is too little, or the parent has it too: it must never be handed out twice.
    left_ = 0;
    if (Result<void> drawn = Draw(RAND_bytes, buffer_); !drawn.ok()) return drawn;
    left_ = buffer_.size();
    fork_generation_ = fork_generation;
  }
  left_ -= out.size();
  const MutableBytes handed_out = MutableBytes(buffer_).subspan(left_, out.size());
  if (!out.empty()) std::memcpy(out.data(), handed_out.data(), out.size());
  Wipe(handed_out);
  return {};
}

Result<void> SystemRandom::FillSecret(MutableBytes out) { return Draw(RAND_priv_bytes, out); }

}  // namespace bulla
