// HKDF with SHA-256 (RFC 5869), extract and expand in one call.
#pragma once

#include "core/bytes.h"
#include "core/result.h"

namespace bulla {

// Fills `out` (1 to 8,160 bytes) from the secret `key`. `info` says what the result is for. An
// empty salt is RFC 5869's "not provided".
Result<void> HkdfSha256(Bytes key, Bytes salt, Bytes info, MutableBytes out);

}  // namespace bulla
