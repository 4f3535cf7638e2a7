#include "core/link_check.h"

#include <algorithm>
#include <cstring>

namespace bulla {
namespace {

template <class T>
void WriteValue(std::string* bytes, const T& value) {
  static_assert(std::is_trivially_copyable_v<T>);
  bytes->append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <class T>
bool ReadValue(std::string_view* bytes, T* value) {
  if (bytes->size() < sizeof *value) return false;
  std::memcpy(static_cast<void*>(value), bytes->data(), sizeof *value);
  bytes->remove_prefix(sizeof *value);
  return true;
}

}  // namespace

void LinkCheck::Add(int64_t seq, const LeafHash& prev_hash, const LeafHash& hash) {
  // Nearly always the row follows the one that was added last.
  if (recent_ != stretches_.end() && seq == recent_->second.last + 1) {
    const auto next = std::next(recent_);
    if (next == stretches_.end() || next->first > seq + 1) {
      ++rows_;
      Stretch& stretch = recent_->second;
      if (stretch.hash && *stretch.hash != prev_hash)
        findings_.push_back({LinkVerdict::kRelinked, seq, seq});
      stretch.last = seq;
      stretch.hash = hash;
      return;
    }
  }
  AddRow(seq, prev_hash, hash);
}

void LinkCheck::AddDamaged(int64_t seq) { AddRow(seq, std::nullopt, std::nullopt); }

void LinkCheck::AddPredecessor(int64_t seq, const LeafHash& hash) {
  AddStretch(seq, {std::nullopt, seq, hash});
}

void LinkCheck::AddRow(int64_t seq, const End& prev_hash, const End& hash) {
  ++rows_;
  AddStretch(seq, {prev_hash, seq, hash});
}

void LinkCheck::Merge(const LinkCheck& other) {
  rows_ += other.rows_;
  findings_.insert(findings_.end(), other.findings_.begin(), other.findings_.end());
  for (const auto& [first, stretch] : other.stretches_) AddStretch(first, stretch);
}

void LinkCheck::AddStretch(int64_t first, const Stretch& stretch) {
  for (int64_t at = first; at <= stretch.last;) {
    const auto next = stretches_.upper_bound(at);  // the first one that begins after it
    const auto before = next == stretches_.begin() ? stretches_.end() : std::prev(next);
    int64_t to = stretch.last;
    if (before != stretches_.end() && before->second.last >= at) {
      to = std::min(to, before->second.last);
      for (int64_t seq = at; seq <= to; ++seq)
        findings_.push_back({LinkVerdict::kDuplicate, seq, seq});
    } else {
      if (next != stretches_.end()) to = std::min(to, next->first - 1);
      // Where a stretch is cut, its neighbour is a duplicate, whose links are not judged.
      Insert(at, {at == first ? stretch.prev_hash : std::nullopt, to,
                  to == stretch.last ? stretch.hash : std::nullopt});
    }
    at = to + 1;
  }
}

void LinkCheck::Insert(int64_t first, const Stretch& stretch) {
  const auto next = stretches_.upper_bound(first);
  const auto before = next == stretches_.begin() ? stretches_.end() : std::prev(next);
  if (before != stretches_.end() && before->second.last + 1 == first) {
    CheckLink(before->second.hash, first, stretch.prev_hash);
    before->second.last = stretch.last;
    before->second.hash = stretch.hash;
    recent_ = before;
  } else {
    recent_ = stretches_.insert({first, stretch}).first;
  }
  if (next == stretches_.end() || next->first != stretch.last + 1) return;
  CheckLink(stretch.hash, next->first, next->second.prev_hash);
  recent_->second.last = next->second.last;
  recent_->second.hash = next->second.hash;
  stretches_.erase(next);
}

void LinkCheck::CheckLink(const End& hash, int64_t seq, const End& prev_hash) {
  if (hash && prev_hash && *hash != *prev_hash)
    findings_.push_back({LinkVerdict::kRelinked, seq, seq});
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

  std::vector<int64_t> twice;
  for (const LinkFinding& finding : findings) {
    if (finding.verdict == LinkVerdict::kDuplicate) twice.push_back(finding.first);
  }
  std::sort(twice.begin(), twice.end());
  const auto is_twice = [&](int64_t seq) {
    return std::binary_search(twice.begin(), twice.end(), seq);
  };
  std::erase_if(findings, [&](const LinkFinding& finding) {
    return finding.last < first || (last && finding.first > *last) ||
           (finding.verdict == LinkVerdict::kRelinked &&
            (is_twice(finding.first) || is_twice(finding.first - 1)));
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

void LinkCheck::Write(std::string* bytes) const {
  WriteValue(bytes, rows_);
  WriteValue(bytes, findings_.size());
  for (const LinkFinding& finding : findings_) WriteValue(bytes, finding);
  WriteValue(bytes, stretches_.size());
  for (const auto& [first, stretch] : stretches_) {
    WriteValue(bytes, first);
    WriteValue(bytes, stretch);
  }
}

bool LinkCheck::Read(std::string_view* bytes) {
  size_t count;
  if (!ReadValue(bytes, &rows_) || !ReadValue(bytes, &count)) return false;
  for (LinkFinding finding; count > 0; --count) {
    if (!ReadValue(bytes, &finding)) return false;
    findings_.push_back(finding);
  }
  if (!ReadValue(bytes, &count)) return false;
  for (int64_t first; count > 0; --count) {
    Stretch stretch;
    if (!ReadValue(bytes, &first) || !ReadValue(bytes, &stretch)) return false;
    stretches_.insert({first, stretch});
  }
  return true;
}

}  // namespace bulla
