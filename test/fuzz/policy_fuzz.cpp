// Policies under arbitrary bytes: one that parses judges any checkpoint, and finds nobody's signature under an unsigned one.

#include "core/checkpoint.h"
#include "core/policy.h"
#include "require.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace bulla;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Result<Policy> policy = Policy::Parse(text);
  if (!policy.ok()) {
    Require(policy.error().code == Code::kInvalidArgument);
    return 0;
  }
  const std::string origin =
      policy.value().logs().empty() ? "o" : policy.value().logs().front().name();
  const SignedNote note{FormatCheckpoint({origin, {7}, {}, {}}).value(), {}};
  const Result<PolicyVerdict> verdict = policy.value().Judge(note);
  Require(verdict.ok() && !verdict.value().log && verdict.value().cosigners.empty());
  Require(verdict.value().witnessed == !policy.value().asks_for_witnesses());
  return 0;
}
