// A whole export, line by line: docs/spec/export.md, "Checking", and what the checkpoints say of its chains.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_set>

#include "verify/chain_walk.h"

namespace bulla::verify {

class ExportCheck {
 public:
  ExportCheck(Anchors* anchors, Findings* findings) : anchors_(anchors), findings_(findings) {}

  // The next line, without its line feed. False where reading on makes no sense: a finding says why, or SHA-256 failed.
  bool Line(std::string_view line);
  // The file ends within a line. A finding says so; false.
  bool CutOff() { return Refuse("the file ends within a line: it was cut off"); }
  // After the last line: the digest of all lines before it, nothing where there is none to compare.
  void Finish(const std::optional<Sha256Digest>& digest);

  const LedgerLine* ledger() const { return ledger_ ? &*ledger_ : nullptr; }
  uint64_t rows() const { return rows_; }
  uint64_t chains() const { return chains_; }

 private:
  bool ReadHeader(std::string_view line);
  bool ReadRow(std::string_view line);
  bool ReadChainEnd(std::string_view line);
  bool ReadEnd(std::string_view line);
  void NoteChain();
  bool IsAskedFor(const ChainId& chain) const;
  void JudgeUnmet();
  void TellEpoch(const Anchor& anchor);
  void TellWhatIsNotProven();
  bool Refuse(std::string text);
  void Contradict(std::string text);

  Anchors* anchors_;
  Findings* findings_;
  uint64_t lines_ = 0;
  std::optional<LedgerLine> ledger_;
  std::unique_ptr<ChainWalk> walk_;
  bool in_chain_ = false;
  RowLine row_;
  std::optional<EndLine> end_;
  std::unordered_set<std::string> names_;
  uint64_t rows_ = 0;
  uint64_t chains_ = 0;
  uint64_t erased_ = 0;

  // Chains that are not wholly anchored: how many, and the first.
  struct Shortfall {
    uint64_t chains = 0;
    std::string first;
    std::optional<uint64_t> seq;
  };
  void Fall(Shortfall* shortfall, std::optional<uint64_t> seq);
  void Tell(const Shortfall& shortfall, Outcome outcome, const char* verdict,
            const std::string& text);
  Shortfall unsigned_, beyond_, later_start_, stale_;
};

}  // namespace bulla::verify
