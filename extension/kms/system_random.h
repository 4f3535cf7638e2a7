// The operating system's randomness, by way of OpenSSL's generators.
#pragma once

#include <array>
#include <cstddef>

#include "core/random.h"

namespace bulla {

// Public bytes come out of a small buffer: a nonce by itself would cost a call of RAND_bytes, several
// times what it costs here. Handed-out bytes are erased from it, and a process that was forked throws
// away what it inherited. Secret bytes come straight from OpenSSL's private generator.
// One per process, made at first use and never destroyed.
class SystemRandom final : public Random {
 public:
  static SystemRandom& Instance();

  Result<void> Fill(MutableBytes out) override;
  Result<void> FillSecret(MutableBytes out) override;

 private:
  SystemRandom() = default;

  std::array<std::byte, 1024> buffer_{};
  size_t left_ = 0;               // unused bytes, at the front of buffer_
  unsigned fork_generation_ = 0;  // the process the buffer was filled in
};

}  // namespace bulla
