// Where random bytes come from. The core has no source of its own: kms/system_random.h is the one
// that ships.
#pragma once

#include "core/bytes.h"
#include "core/result.h"

namespace bulla {

class Random {
 public:
  virtual ~Random() = default;

  // Unpredictable bytes that will be public: nonces, salts, ids. After an error `out` is not random
  // and must not be used.
  virtual Result<void> Fill(MutableBytes out) = 0;

  // Bytes that stay secret: keys. Never out of a buffer that public bytes come from.
  virtual Result<void> FillSecret(MutableBytes out) = 0;
};

}  // namespace bulla
