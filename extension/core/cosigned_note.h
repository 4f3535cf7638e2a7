// What a log keeps of its checkpoint: its own signature, and of each witness it knows the latest cosignature.
#pragma once

#include <span>
#include <vector>

#include "core/cosignature.h"

namespace bulla {

struct CosignedNote {
  SignedNote note;
  // Whose cosignatures are in it.
  struct Cosigner {
    std::string name;
    PosixTime time;
    bool operator==(const Cosigner&) const = default;
  };
  std::vector<Cosigner> cosigners;  // in byte order of their names
};

// `kept` and, of each of the witnesses, the latest cosignature in either of the two. Other signatures in `came` are passed
// over, the log's too. kInvalidArgument where the two have different texts; kAuthenticationFailed where a line claims
// to be of one of the witnesses and is not. Witnesses have different names.
Result<CosignedNote> AddCosignatures(const SignedNote& kept, const SignedNote& came,
                                     std::span<const VerifierKey> witnesses);

}  // namespace bulla
