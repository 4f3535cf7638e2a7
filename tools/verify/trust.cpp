#include "verify/trust.h"

#include <set>

#include "core/verifier_key.h"

namespace bulla::verify {
namespace {

// How far a witness's clock may be ahead of ours.
constexpr uint64_t kClockDifference = 300;

}  // namespace

Result<Trust> Trust::FromKeys(const std::vector<std::string>& keys, const Demands& demands) {
  std::string logs;
  std::string witnesses;
  std::string members;
  std::set<std::string> names;
  for (const std::string& text : keys) {
    const Result<VerifierKey> key = VerifierKey::Parse(text);
    if (!key.ok())
      return Error{key.error().code, "the key \"" + text + "\": " + key.error().message};
    if (key.value().type() == SignatureType::kNote) {
      logs += "log " + text + "\n";
    } else {
      // The names of keys can stand in a policy: they have no blanks. A witness may have several keys.
      std::string name = key.value().name();
      while (!names.insert(name).second) name += "'";
      witnesses += "witness " + name + " " + text + "\n";
      members += " " + name;
    }
  }
  const std::string quorum =
      members.empty() ? "quorum none\n" : "group #any any" + members + "\nquorum #any\n";
  Result<Policy> policy = Policy::Parse(logs + witnesses + quorum);
  if (!policy.ok()) return Error{policy.error().code, "a key is given twice"};
  Trust trust(std::move(policy).value(), demands);
  trust.knows_witnesses_ = !members.empty();
  return trust;
}

Result<Trust> Trust::FromPolicy(std::string_view text, const Demands& demands) {
  Result<Policy> policy = Policy::Parse(text);
  if (!policy.ok()) return policy.error();
  return Trust(std::move(policy).value(), demands);
}

std::vector<std::string> Trust::logs() const {
  std::vector<std::string> names;
  for (const VerifierKey& key : policy_.logs()) names.push_back(key.name());
  return names;
}

Result<TrustVerdict> Trust::Judge(const SignedNote& note, PosixTime now) const {
  const Result<PolicyVerdict> judged = policy_.Judge(note);
  if (!judged.ok()) return judged.error();
  TrustVerdict verdict;
  verdict.cosigners = judged.value().cosigners;
  verdict.witnessed_at = judged.value().witnessed_at;
  if (!judged.value().log) {
    verdict.why = "no log that you trust has signed it";
  } else if (demands_.witness && !knows_witnesses_) {
    verdict.why = "no witness is trusted: give the key of one, or say --no-witness";
  } else if (demands_.witness && !judged.value().witnessed) {
    verdict.why = "not as many witnesses that you trust have cosigned it as you ask for";
  } else {
    verdict.anchored = true;
    JudgeAge(now, &verdict);
  }
  return verdict;
}

void Trust::JudgeAge(PosixTime now, TrustVerdict* verdict) const {
  if (!demands_.max_age) return;
  if (!verdict->witnessed_at) {
    verdict->stale = true;
    verdict->why = "no witness says how old it is";
  } else if (verdict->witnessed_at->seconds > now.seconds + kClockDifference) {
    verdict->stale = true;
    verdict->why = "its cosignature is from the future: one of the clocks is wrong";
  } else if (now.seconds > verdict->witnessed_at->seconds + *demands_.max_age) {
    verdict->stale = true;
    verdict->why = "its cosignature is " +
                   std::to_string(now.seconds - verdict->witnessed_at->seconds) + " seconds old";
  }
}

}  // namespace bulla::verify
