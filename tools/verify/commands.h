// What bulla-verify can be asked, each with all that it needs: files are named, keys are given.
#pragma once

#include <string>
#include <vector>

#include "verify/report.h"
#include "verify/trust.h"

namespace bulla::verify {

struct TrustArguments {
  std::vector<std::string> keys;
  std::string policy;  // a file; empty: the keys
  Demands demands;
};

struct ExportArguments {
  std::string file;  // "-": standard input
  std::vector<std::string> checkpoints;
  std::vector<std::string> earlier;
  TrustArguments trust;
  bool progress = false;
};

struct ProofArguments {
  std::string file;
  std::string record;  // a file; empty: the hash
  std::string hash;    // hexadecimal
  TrustArguments trust;
};

struct ConsistencyArguments {
  std::string older;
  std::string newer;
  std::string proof;
  TrustArguments trust;
};

struct Verification {
  Findings findings;
  Subject subject;
};

Verification VerifyExport(const ExportArguments& arguments, PosixTime now);
Verification VerifyProof(const ProofArguments& arguments, PosixTime now);
Verification VerifyConsistency(const ConsistencyArguments& arguments, PosixTime now);

// Used by all three. A file of at most `most` bytes; kNotFound, kInvalidArgument with a sentence that names it.
Result<std::string> ReadFile(const std::string& path, size_t most);
// The finding is added where it cannot be made.
std::optional<Trust> MakeTrust(const TrustArguments& arguments, Findings* findings);
// What trust says of a note in a file; a signature that is not what it claims to be is a finding.
TrustVerdict JudgeNote(const Trust& trust, const SignedNote& note, const std::string& file,
                       PosixTime now, Findings* findings);

}  // namespace bulla::verify
