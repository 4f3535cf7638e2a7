// The checkpoints that an export is held against, each of one chain: what is known of it before the rows are read, and the
// root that the rows turn out to have at its size.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/checkpoint.h"
#include "core/origin.h"
#include "verify/findings.h"
#include "verify/trust.h"

namespace bulla::verify {

struct Anchor {
  std::string file;
  bool earlier = false;  // the auditor's own, from an earlier time: nobody need vouch for it
  SignedNote note;
  Checkpoint checkpoint;
  Origin origin;
  // Whose log vouches for it, where that is not the chain's own: the origin of bulla.heads.
  std::string signer;
  TrustVerdict trust;

  bool met = false;              // its chain was in the export
  std::optional<NodeHash> root;  // of the rows, at its size
};

// What every checkpoint of an epoch above 0 says, whatever else is found: a restore was recorded. No fault.
Finding RestoredFinding(const std::string& file, const Origin& origin);

// A checkpoint of a ledger's chain. kInvalidArgument where the text is none.
Result<Anchor> ParseAnchor(std::string_view text, std::string file);

class Anchors {
 public:
  void Add(Anchor anchor) { all_.push_back(std::move(anchor)); }
  std::vector<Anchor>& all() { return all_; }
  const std::vector<Anchor>& all() const { return all_; }

  // The highest epoch of the ledger that somebody who is trusted vouches for, 0 where there is none: older checkpoints
  // may cover rows that were lost in a restore.
  Epoch NewestEpoch(const LedgerId& ledger) const;

  // Those of a chain of a ledger, smallest first.
  std::vector<Anchor*> Of(const LedgerId& ledger, const ChainId& chain);

 private:
  std::vector<Anchor> all_;
};

}  // namespace bulla::verify
