// Where cosigned checkpoints go, beside the answers; and whether what went there is ahead of us.
#pragma once

#include <string>

#include "core/add_checkpoint.h"
#include "core/witness_state.h"

namespace bulla::witness {

// One cosigned checkpoint on its way out.
struct Published {
  std::string name;  // NameOfOrigin
  std::string note;  // with our cosignature
};

// A directory with DIRECTORY/NAME/checkpoint for each log, as a witness's monitoring prefix has it: any web server can serve it.
class Publisher {
 public:
  // An empty name: nothing is published.
  explicit Publisher(std::string directory) : directory_(std::move(directory)) {}

  // On disk when it returns. Throws std::runtime_error.
  void Publish(const Published& published);

  // Reads back what stands there. Throws StateError where that is ahead of the state, or is not ours.
  void CheckNotAhead(const WitnessState& state) const;

 private:
  const std::string directory_;
};

// Throws StateError where this note, which was found at that place, is not one that a witness with this state has published
// or could publish.
void CheckNote(const std::string& note, const std::string& place, const WitnessState& state);

}  // namespace bulla::witness
