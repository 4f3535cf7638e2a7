// What is kept where a log has shown trees that do not go together: for people, and for whoever they show it to.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/witness_state.h"

namespace bulla::witness {

struct Evidence {
  enum class Kind {
    kOtherRoot,  // two roots for one size, both signed by the log: proof that it lied
    kNotProved,  // the log signed both trees, and was not shown to have grown from the one to the other. It may still be.
  };
  Kind kind;
  const WitnessedLog* log;  // what was trusted and cosigned
  SignedNote note;          // the checkpoint that was refused, with the log's signatures alone
  Checkpoint checkpoint;    // its text, parsed
  std::vector<NodeHash> proof;
};

// A directory with a directory for each evidence, which is written whole, once, and never again:
//   old, new    the two checkpoints as signed notes; old is missing where nothing was cosigned yet
//   proof       the proof of consistency that was sent, a hash in base64 on each line
//   about       what kind it is, when it came, and the keys
// An origin is inconsistent as long as one of its evidences has no ending to its name: ".acknowledged" is given by an
// operator, ".proved" when the log proves the tree after all. So nothing but this directory has to survive a crash.
// Safe to use from several threads.
class EvidenceStore {
 public:
  // Most that wait to be acknowledged, of each origin and kind: whoever has a checkpoint of the log can send it with a
  // proof that is none, and shall not fill the disk.
  static constexpr std::size_t kMostPending = 8;

  // Makes the directory where there is none. Throws FileError.
  EvidenceStore(std::string directory, VerifierKey witness);

  // Where it was put. Nothing where it is there already, or too much is. Throws FileError; from then on the origin is inconsistent
  // until the end of the process.
  std::optional<std::string> Keep(const Evidence& evidence, PosixTime time);

  // The log has proved this tree: evidence that it had not is no longer of interest. Throws FileError.
  void NoteProved(const Checkpoint& checkpoint);

  bool consistent(const std::string& origin) const;

  // Looks what operators have acknowledged. Throws FileError.
  void Rescan();

 private:
  struct Pending {
    std::string name;
    Evidence::Kind kind;
    Checkpoint checkpoint;
  };

  const std::string directory_;
  const VerifierKey witness_;
  mutable std::mutex mutex_;
  // Under mutex_:
  std::vector<Pending> pending_;
  std::vector<std::string> unkept_;  // origins of evidence that could not be written
};

// Acknowledges what waits, of the origin or, where it is empty, of all; returns the paths. Works while the witness runs.
std::vector<std::string> AcknowledgeEvidence(const std::string& directory,
                                             const std::string& origin);

// SHA-256 in hexadecimal: what a log is called in paths.
std::string NameOfOrigin(std::string_view origin);

}  // namespace bulla::witness
