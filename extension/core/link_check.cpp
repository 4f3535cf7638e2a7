#include "core/link_check.h"

#include <algorithm>

namespace bulla {

void LinkCheck::Add(int64_t seq, const LeafHash& prev_hash, const LeafHash& hash) {
  AddRow(seq, prev_hash, hash);
}

void LinkCheck::AddDamaged(int64_t seq) { AddRow(seq, std::nullopt, std::nullopt); }

void LinkCheck::AddRow(int64_t seq, const End& prev_hash, const End& hash) {
  ++rows_;
  auto before = recent_;
  if (before == stretches_.end() || seq != before->second.last + 1) {
    before = stretches_.upper_bound(seq);  // the first stretch that begins after seq
    before = before == stretches_.begin() ? stretches_.end() : std::prev(before);
  }
  if (before != stretches_.end() && seq <= before->second.last) {
    findings_.push_back({LinkVerdict::kDuplicate, seq, seq});
    return;
  }
  if (before != stretches_.end() && seq == before->second.last + 1) {
    CheckLink(before->second.hash, seq, prev_hash);
    before->second.last = seq;
    before->second.hash = hash;
    recent_ = before;
  } else {
    recent_ = stretches_.insert({seq, {prev_hash, seq, hash}}).first;
  }
  JoinNext(recent_);
}

void LinkCheck::CheckLink(const End& hash, int64_t seq, const End& prev_hash) {
  if (hash && prev_hash && *hash != *prev_hash)
    findings_.push_back({LinkVerdict::kRelinked, seq, seq});
}

void LinkCheck::JoinNext(Stretches::iterator stretch) {
  const auto next = std::next(stretch);
  if (next == stretches_.end() || next->first != stretch->second.last + 1) return;
  CheckLink(stretch->second.hash, next->first, next->second.prev_hash);
  stretch->second.last = next->second.last;
  stretch->second.hash = next->second.hash;
  stretches_.erase(next);
}

std::vector<LinkFinding> LinkCheck::Finish(int64_t first, std::optional<int64_t> last) const {
  std::vector<LinkFinding> findings = findings_;
  int64_t expected = first;
  for (const auto& [begin, stretch] : stretches_) {
    if (begin > expected) findings.push_back({LinkVerdict::kMissing, expected, begin - 1});
    if (begin == 0 && stretch.prev_hash && *stretch.prev_hash != LeafHash{}) {
      findings.push_back({LinkVerdict::kRelinked, 0, 0});
    }
    expected = std::max(expected, stretch.last + 1);
  }
  if (last && *last >= expected) findings.push_back({LinkVerdict::kMissing, expected, *last});
  std::erase_if(findings, [&](const LinkFinding& finding) {
    return finding.last < first || (last && finding.first > *last);
  });
  std::stable_sort(findings.begin(), findings.end(),
                   [](const LinkFinding& a, const LinkFinding& b) { return a.first < b.first; });
  return findings;
}

ChainHead LinkCheck::head() const {
  if (stretches_.empty()) return {};
  const Stretch& last = stretches_.rbegin()->second;
  return {last.last, last.hash.value_or(LeafHash{})};
}

}  // namespace bulla
