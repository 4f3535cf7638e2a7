// What a log asks a witness: to cosign a checkpoint, which is proved to extend the one that the witness cosigned last (C2SP
// tlog-witness, add-checkpoint). docs/spec/checkpoint.md.
#pragma once

#include "core/proof_file.h"

namespace bulla {

struct AddCheckpoint {
  TreeSize old_size;  // of the checkpoint that the witness has, as far as the log knows; 0: none
  std::vector<NodeHash> proof;  // of consistency
  SignedNote note;
  Checkpoint checkpoint;  // the text of the note, parsed
};

// The body of the request. Strict: what is accepted is what FormatAddCheckpoint writes. Sizes, proof and signatures are not
// judged. kInvalidArgument.
Result<AddCheckpoint> ParseAddCheckpoint(std::string_view body);

// From all but the checkpoint, which is in the note. At most kMaxProofLines hashes.
std::string FormatAddCheckpoint(const AddCheckpoint& request);

}  // namespace bulla
