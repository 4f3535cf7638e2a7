// What a witness answers to a request (C2SP tlog-witness, add-checkpoint): the decision alone. Finding the keys and the tree
// of the origin, keeping the new tree before answering, and cosigning are the caller's. docs/spec/checkpoint.md.
#pragma once

#include <span>
#include <string>

#include "core/add_checkpoint.h"
#include "core/verifier_key.h"

namespace bulla {

// What a witness cosigned last of an origin; by itself, that it has cosigned nothing yet.
struct WitnessedTree {
  TreeSize size;
  NodeHash root = EmptyTreeRoot();
};

// In the order in which they are looked at. The statuses are those of HTTP that the specification gives them.
enum class WitnessAnswer {
  kUnknownOrigin,  // 404: nobody told the witness to trust a log of this name
  kNotSigned,      // 403: none of the trusted keys signed it, or a signature of one does not verify
  kTreeShrank,     // 400: the old size is larger than the new one
  kOtherOldSize,   // 409, with the size that was cosigned last: the log has to prove from there
  kOtherRoot,  // 422: a tree of the same size has another root. The log signed both: it has lied.
  kNotProved,  // 422: the proof does not lead from the tree cosigned last to this one
  kCosign,     // 200
};

struct WitnessVerdict {
  WitnessAnswer answer;
  std::string reason;  // for a person
};

// `trusted` is the keys that are trusted for the origin of the request's checkpoint, `last` what was cosigned of it. An error
// only where OpenSSL fails: then nothing was decided.
Result<WitnessVerdict> JudgeAddCheckpoint(const AddCheckpoint& request,
                                          std::span<const VerifierKey> trusted,
                                          const WitnessedTree& last, Sha256* hasher);

}  // namespace bulla
