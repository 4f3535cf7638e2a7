// What bulla-verify can be asked, each with all that it needs: files are named, keys are given.
#pragma once

#include <string>
#include <vector>

#include "verify/anchors.h"
#include "verify/report.h"
#include "verify/trust.h"

namespace bulla::verify {

// Proofs from the log of bulla.heads, which vouches for the others.
struct HeadsArguments {
  std::vector<std::string> files;
  std::string log;  // which of the logs that are trusted it is; empty: the only one
};

struct TrustArguments {
  std::vector<std::string> keys;
  std::string policy;  // a file; empty: the keys
  Demands demands;
};

struct ExportArguments {
  std::string file;  // "-": standard input
  std::vector<std::string> checkpoints;
  std::vector<std::string> earlier;
  HeadsArguments heads;
  TrustArguments trust;
  bool progress = false;
};

struct ProofArguments {
  std::string file;
  std::string record;  // a file; empty: the hash
  std::string hash;    // hexadecimal
  HeadsArguments heads;
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

// Used by two: nothing where one cannot be read or is no proof, which findings say.
std::optional<std::vector<Anchor>> ReadHeads(const HeadsArguments& arguments, const Trust& trust,
                                             PosixTime now, Findings* findings);

// Used by all three. A file of at most `most` bytes; kNotFound, kInvalidArgument with a sentence that names it.
Result<std::string> ReadFile(const std::string& path, size_t most);
// The finding is added where it cannot be made.
std::optional<Trust> MakeTrust(const TrustArguments& arguments, Findings* findings);
// What trust says of a note in a file; a signature that is not what it claims to be is a finding.
TrustVerdict JudgeNote(const Trust& trust, const SignedNote& note, const std::string& file,
                       PosixTime now, Findings* findings);

}  // namespace bulla::verify
