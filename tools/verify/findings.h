// What a verification tells: findings, each one plain sentence, and what they make of the whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bulla::verify {

// The program's exit codes.
enum class Outcome {
  kProven = 0,
  kTampered = 1,    // what was given contradicts itself, or what was signed
  kUnanchored = 2,  // consistent, but nothing that is trusted vouches for all of it
  kStale = 3,       // proven, by a cosignature that is too old
  kBadInput = 4,
  kUsage = 5,
};

std::string_view NameOf(Outcome outcome);

// The verdict on what a recorded restore has lost, or may have.
inline constexpr char kRestored[] = "restored";

struct Finding {
  Outcome outcome;
  std::string verdict;               // one word: altered, missing, rewritten, …
  std::optional<std::string> chain;  // its name
  std::optional<uint64_t> seq;
  std::string text;  // a sentence without chain and seq, and without a full stop
};

class Findings {
 public:
  // More than these are counted, not kept: one cause can spoil every row.
  static constexpr size_t kMost = 1'000;

  void Add(Finding finding);
  // What was shown, in a sentence of its own.
  void Prove(std::string text) {
    if (proven_.size() < kMost) proven_.push_back(std::move(text));
  }
  // Worth knowing, and no fault.
  void Note(std::string text) { notes_.push_back(std::move(text)); }

  const std::vector<Finding>& kept() const { return kept_; }
  uint64_t count() const { return count_; }
  const std::vector<std::string>& proven() const { return proven_; }
  const std::vector<std::string>& notes() const { return notes_; }
  // The gravest one's: tampered, bad input, unanchored, stale.
  Outcome outcome() const { return outcome_; }

 private:
  std::vector<Finding> kept_;
  std::vector<std::string> proven_;
  std::vector<std::string> notes_;
  uint64_t count_ = 0;
  Outcome outcome_ = Outcome::kProven;
};

}  // namespace bulla::verify
