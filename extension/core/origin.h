// What a log of Bulla is called, and the key that it signs with. One log is one chain of one ledger in one epoch:
//
//     <log name>/<uuid of the ledger>/<chain id>/<epoch>
//
// docs/spec/checkpoint.md.
#pragma once

#include <string>
#include <string_view>

#include "core/record.h"
#include "core/result.h"
#include "core/secret_bytes.h"

namespace bulla {

// What the administrator calls the logs of this database: like the beginning of a URL without its scheme.
inline constexpr size_t kMaxLogNameSize = 128;
// One to kMaxLogNameSize letters, digits and .-_~: of ASCII, in parts divided by single slashes, none of them . or ..;
// else kInvalidArgument.
Result<void> CheckLogName(std::string_view name);

// "0", or 32 hexadecimal digits.
struct ChainId {
  std::string text;
  bool operator==(const ChainId&) const = default;
};

// Of a chain by its key (core/chain_name.h), which is empty where the ledger has one chain only. kInternal where SHA-256
// fails.
Result<ChainId> IdentifyChain(const LedgerId& ledger, Bytes chain_key);

// 0, and one more after each recorded restore.
struct Epoch {
  uint32_t value = 0;
  auto operator<=>(const Epoch&) const = default;
};
inline constexpr Epoch kMaxEpoch{0x7FFF'FFFF};

struct Origin {
  std::string log_name;
  LedgerId ledger;
  ChainId chain;
  Epoch epoch;
  bool operator==(const Origin&) const = default;
};

// The fields have to be what ParseOrigin accepts.
std::string FormatOrigin(const Origin& origin);
// Just what FormatOrigin writes, else kInvalidArgument.
Result<Origin> ParseOrigin(std::string_view text);

// The seed of the origin's Ed25519 key, from the ledger's signing seed. kInvalidArgument where that has not 32 bytes.
Result<SecretBytes> DeriveOriginSeed(const SecretBytes& signing_seed, std::string_view origin);

}  // namespace bulla
