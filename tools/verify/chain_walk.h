// The rows of one chain as an export has them, one after the other: whether each is what its hash says, whether they are
// linked without gaps, and the roots of their tree at the sizes of the checkpoints.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/compact_range.h"
#include "verify/anchors.h"
#include "verify/derive_record.h"

namespace bulla::verify {

// The id of the chain that is called so, and the values of the chainBy columns in its rows. kInvalidArgument where the name
// is not just the one that such values make.
Result<ChainId> IdentifyChainByName(const LedgerLine& ledger, std::string_view name,
                                    std::vector<std::string>* values = nullptr);

class ChainWalk {
 public:
  ChainWalk(const LedgerLine* ledger, Findings* findings)
      : ledger_(ledger), findings_(findings), deriver_(ledger) {}

  // The first row says what the chain is called and what its key is; Row comes after it for this row too. kInternal
  // where SHA-256 fails, in all three.
  Result<void> Begin(const RowLine& first, Anchors* anchors);
  Result<void> Row(const RowLine& row);
  // The chain's own line, and what the checkpoints say.
  Result<void> End(const ChainLine& line);

  const std::string& name() const { return name_; }
  uint64_t rows() const { return rows_; }
  uint64_t erased() const { return erased_; }
  // Rows from 0 up to, but without, this are those that a trusted checkpoint signed, after End.
  uint64_t anchored() const { return anchored_; }
  bool stale() const { return stale_; }
  bool begins_at_zero() const { return first_ == 0; }
  uint64_t first() const { return first_; }
  // Rows or hashes are missing between others, so that there is no tree: a finding said so.
  bool broken() const { return first_ == 0 && !whole_; }

 private:
  void Find(const char* verdict, uint64_t seq, std::string text);
  void CheckPlace(const RowLine& row);
  Result<void> CheckRecord(const RowLine& row, const LeafHash& prev_hash, LeafHash* hash);
  void CheckChainOf(const RowLine& row);
  Result<void> Grow(uint64_t seq, const LeafHash& leaf);
  Result<void> MeetAnchors();
  void JudgeAnchor(const Anchor& anchor);
  void JudgeRoot(const Anchor& anchor);
  bool Outlived(const Anchor& anchor) const { return anchor.origin.epoch < newest_epoch_; }

  const LedgerLine* ledger_;
  Findings* findings_;
  RecordDeriver deriver_;
  Sha256 hasher_;
  std::string base64_;

  std::string name_;
  std::vector<std::string> chain_values_;
  uint64_t first_ = 0;
  uint64_t next_ = 0;           // the seq that should come next
  std::string last_hash_text_;  // as it stood in the row before
  LeafHash last_hash_;
  bool link_known_ = true;  // false behind a row whose hash cannot be read
  uint64_t rows_ = 0;
  uint64_t erased_ = 0;

  CompactRange tree_;
  bool whole_ = true;  // all rows from 0 on, so that there is a tree
  std::vector<Anchor*> anchors_;
  Epoch newest_epoch_{};
  size_t next_anchor_ = 0;
  uint64_t anchored_ = 0;
  bool stale_ = false;
};

}  // namespace bulla::verify
