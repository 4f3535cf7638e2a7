// Whether what the witness has published is ahead of what its state says: then the state is an old copy.
#pragma once

#include <string>
#include <vector>

#include "client/http_client.h"
#include "core/witness_state.h"

namespace bulla::witness {

// The directory that a Publisher writes to. Throws StateError where what stands there is ahead, or is not ours; FileError where
// it cannot be read.
void CheckDirectory(const std::string& directory, const WitnessState& state);

// GET PREFIX/NAME/checkpoint of every log of the state; 404: nothing was published. Throws StateError likewise, ReadBackError where there is
// no answer: who cannot ask where it stands does not begin.
void CheckPrefixes(const std::vector<std::string>& prefixes, const client::Rules& rules,
                   const WitnessState& state);

}  // namespace bulla::witness
