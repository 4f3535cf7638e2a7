// Trust policies (C2SP tlog-policy): which logs and which witnesses somebody believes, and how many of these he asks for.
// docs/spec/checkpoint.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/cosignature.h"
#include "core/note.h"

namespace bulla {

inline constexpr size_t kMaxPolicySize = 1'000'000;

// What a policy says of one checkpoint.
struct PolicyVerdict {
  // The name, which is the origin, of a log of the policy that signed it. Nothing: none did.
  std::optional<std::string> log;
  // The quorum has cosigned it, or none is asked for.
  bool witnessed = false;
  // Since when: the latest time such that the quorum cosigned it at that time or later. Nothing where there is no
  // quorum, or none is asked for.
  std::optional<PosixTime> witnessed_at;
  // Whose cosignatures verify, by the names that the policy gives them.
  struct Cosigner {
    std::string name;
    PosixTime time;
    bool operator==(const Cosigner&) const = default;
  };
  std::vector<Cosigner> cosigners;
};

class Policy {
 public:
  // kInvalidArgument, with the number of the line.
  static Result<Policy> Parse(std::string_view text);

  // A checkpoint counts as signed by a log where the key's name is its origin. kAuthenticationFailed where a signature of
  // a known key does not verify; kInvalidArgument where the note is no checkpoint.
  Result<PolicyVerdict> Judge(const SignedNote& note) const;

  const std::vector<VerifierKey>& logs() const { return logs_; }
  // "quorum none".
  bool asks_for_witnesses() const { return quorum_.has_value(); }

 private:
  friend class PolicyParser;

  // A witness, which has a key, or a group, of whose members so many are asked for. Members come before their group.
  struct Party {
    std::string name;
    std::optional<VerifierKey> key;
    size_t threshold = 0;
    std::vector<size_t> members;
  };

  std::vector<VerifierKey> logs_;
  std::vector<Party> parties_;
  std::optional<size_t> quorum_;
};

}  // namespace bulla
