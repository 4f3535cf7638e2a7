#include "core/policy.h"

#include <algorithm>
#include <functional>

#include "core/checkpoint.h"

namespace bulla {
namespace {

using Times = std::vector<std::optional<PosixTime>>;

// When so many members had cosigned: of their times the one in that place, latest first. Nothing comes last.
std::optional<PosixTime> TimeOfGroup(const std::vector<size_t>& members, size_t threshold,
                                     const Times& times) {
  Times of_members;
  for (const size_t member : members) of_members.push_back(times[member]);
  std::sort(of_members.begin(), of_members.end(), std::greater<>());
  return of_members[threshold - 1];
}

}  // namespace

Result<PolicyVerdict> Policy::Judge(const SignedNote& note) const {
  const Result<Checkpoint> checkpoint = ParseCheckpoint(note.text);
  if (!checkpoint.ok()) return checkpoint.error();
  PolicyVerdict verdict;
  for (const VerifierKey& log : logs_) {
    if (log.name() != checkpoint.value().origin) continue;
    const Result<bool> is_signed = IsSignedBy(note, log);
    if (!is_signed.ok()) return is_signed.error();
    if (is_signed.value()) verdict.log = log.name();
  }
  Times times;
  for (const Party& party : parties_) {
    if (!party.key) {
      times.push_back(TimeOfGroup(party.members, party.threshold, times));
      continue;
    }
    const Result<std::optional<PosixTime>> time = CosignedAt(note, *party.key);
    if (!time.ok()) return time.error();
    times.push_back(time.value());
    if (time.value()) verdict.cosigners.push_back({party.name, *time.value()});
  }
  if (quorum_) verdict.witnessed_at = times[*quorum_];
  verdict.witnessed = !quorum_ || verdict.witnessed_at.has_value();
  return verdict;
}

}  // namespace bulla
