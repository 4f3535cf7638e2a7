// The checkpoint of bulla.heads as an anchor of another chain: a proof that a row of it, which tells the root of that chain
// at some size, is in the log. bulla.heads_proof makes the file: a .tlog-proof whose extra data is the row's record.
#pragma once

#include "core/sha256.h"
#include "verify/anchors.h"

namespace bulla::verify {

// An anchor of the chain that the row tells of; its note is that of bulla.heads, by whose origin `signer` is called. The proof
// holds; nothing is said of signatures, nor whether that log is bulla.heads. kInvalidArgument where it is no such
// file; kCorrupt where the proof does not hold.
Result<Anchor> ParseHeadsAnchor(std::string_view text, std::string file, Sha256* hasher);

}  // namespace bulla::verify
