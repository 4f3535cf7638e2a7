// Whom the auditor believes, by keys on the command line or by a policy (docs/spec/checkpoint.md), and what that says of a
// checkpoint. Nothing here comes from what is judged.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/policy.h"

namespace bulla::verify {

// What is asked for, besides the keys.
struct Demands {
  bool witness = true;              // a witness, or the policy's quorum, has to have cosigned
  std::optional<uint64_t> max_age;  // seconds since then, at most
};

struct TrustVerdict {
  // The text's signature by a trusted log, and as many cosignatures as are asked for.
  bool anchored = false;
  bool stale = false;
  // Why not; empty where it is anchored and fresh. A clause: "no trusted log has signed it".
  std::string why;
  std::vector<PolicyVerdict::Cosigner> cosigners;
  std::optional<PosixTime> witnessed_at;
};

class Trust {
 public:
  // Verifier keys of logs and witnesses, any one of which is enough. kInvalidArgument, with the key.
  static Result<Trust> FromKeys(const std::vector<std::string>& keys, const Demands& demands);
  static Result<Trust> FromPolicy(std::string_view text, const Demands& demands);

  // The names of the logs, which are their origins.
  std::vector<std::string> logs() const;

  // kAuthenticationFailed where a signature that claims to be of a trusted key is not.
  Result<TrustVerdict> Judge(const SignedNote& note, PosixTime now) const;

 private:
  Trust(Policy policy, const Demands& demands) : policy_(std::move(policy)), demands_(demands) {}
  void JudgeAge(PosixTime now, TrustVerdict* verdict) const;

  Policy policy_;
  Demands demands_;
  bool knows_witnesses_ = true;
};

}  // namespace bulla::verify
