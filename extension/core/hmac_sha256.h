// HMAC-SHA-256 (RFC 2104) over a digest context that the caller keeps: cheaper than OpenSSL's EVP_MAC, which
// is set up anew for each key.
#pragma once

#include <initializer_list>

#include "core/sha256.h"

namespace bulla {

inline constexpr size_t kHmacKeyLimit =
    64;  // a longer key would have to be hashed first: not done here

// The MAC of the parts, one after the other. False for a key over the limit, or where SHA-256 fails.
[[nodiscard]] bool HmacSha256(Bytes key, std::initializer_list<Bytes> parts, Sha256* hasher,
                              Sha256Digest* mac);

}  // namespace bulla
