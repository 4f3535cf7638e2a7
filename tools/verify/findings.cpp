#include "verify/findings.h"

#include <string_view>

namespace bulla::verify {
namespace {

int GravityOf(Outcome outcome) {
  switch (outcome) {
    case Outcome::kProven:
      return 0;
    case Outcome::kStale:
      return 1;
    case Outcome::kUnanchored:
      return 2;
    case Outcome::kBadInput:
      return 3;
    case Outcome::kTampered:
      return 4;
    case Outcome::kUsage:
      return 5;
  }
  return 5;
}

}  // namespace

std::string_view NameOf(Outcome outcome) {
  switch (outcome) {
    case Outcome::kProven:
      return "proven";
    case Outcome::kTampered:
      return "tampered";
    case Outcome::kUnanchored:
      return "not anchored";
    case Outcome::kStale:
      return "stale";
    case Outcome::kBadInput:
      return "bad input";
    case Outcome::kUsage:
      return "usage";
  }
  return "usage";
}

void Findings::Add(Finding finding) {
  if (GravityOf(finding.outcome) > GravityOf(outcome_)) outcome_ = finding.outcome;
  ++count_;
  if (kept_.size() < kMost) kept_.push_back(std::move(finding));
}

}  // namespace bulla::verify
