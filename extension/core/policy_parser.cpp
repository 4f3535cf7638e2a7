// Reading a policy. Declared in core/policy.h.
#include <algorithm>
#include <map>
#include <set>

#include "core/checkpoint.h"
#include "core/decimal.h"
#include "core/policy.h"

namespace bulla {
namespace {

constexpr std::string_view kNone = "none";

using Items = std::vector<std::string_view>;

Items SplitItems(std::string_view line) {
  Items items;
  while (true) {
    const size_t begin = line.find_first_not_of(" \t");
    if (begin == line.npos) return items;
    const size_t end = std::min(line.find_first_of(" \t", begin), line.size());
    items.push_back(line.substr(begin, end - begin));
    line.remove_prefix(end);
  }
}

bool IsPolicyByte(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte == '\t' || (byte >= 0x20 && byte != 0x7F);
}

Error Bad(std::string message) { return {Code::kInvalidArgument, std::move(message)}; }

}  // namespace

// One line after the other into a policy.
class PolicyParser {
 public:
  Result<void> ReadLine(std::string_view line) {
    if (!std::all_of(line.begin(), line.end(), IsPolicyByte)) return Bad("control character");
    const Items items = SplitItems(line);
    if (items.empty() || items[0].starts_with('#')) return {};
    if (items[0] == "log") return ReadLog(items);
    if (items[0] == "witness") return ReadWitness(items);
    if (items[0] == "group") return ReadGroup(items);
    if (items[0] == "quorum") return ReadQuorum(items);
    return Bad("does not begin with log, witness, group or quorum");
  }

  Result<Policy> Finish() {
    if (!has_quorum_) return Bad("policy has no quorum line");
    return std::move(policy_);
  }

 private:
  using KeyBytes = decltype(Ed25519PublicKey::bytes);

  // log <vkey> [<url>]
  Result<void> ReadLog(const Items& items) {
    if (items.size() < 2 || items.size() > 3) return Bad("a log has a key and perhaps a URL");
    Result<VerifierKey> key = ReadKey(items[1], SignatureType::kNote, &log_keys_);
    if (!key.ok()) return key.error();
    policy_.logs_.push_back(std::move(key).value());
    return {};
  }

  // witness <name> <vkey> [<url>]
  Result<void> ReadWitness(const Items& items) {
    if (items.size() < 3 || items.size() > 4)
      return Bad("a witness has a name, a key and perhaps a URL");
    Result<VerifierKey> key = ReadKey(items[2], SignatureType::kCosignature, &witness_keys_);
    if (!key.ok()) return key.error();
    return Define({std::string(items[1]), std::move(key).value(), 0, {}});
  }

  // group <name> all|any|<k> <name>...
  Result<void> ReadGroup(const Items& items) {
    if (items.size() < 4) return Bad("a group has a name, a number of members, and members");
    Policy::Party group{std::string(items[1]), {}, 0, {}};
    for (size_t i = 3; i < items.size(); ++i) {
      const auto member = by_name_.find(items[i]);
      if (member == by_name_.end()) return Bad("member of the group is not defined above");
      if (!members_.insert(member->second).second) return Bad("member is in a group already");
      group.members.push_back(member->second);
    }
    const size_t count = group.members.size();
    const auto threshold = items[2] == "all"   ? std::optional<uint64_t>(count)
                           : items[2] == "any" ? std::optional<uint64_t>(1)
                                               : ParseDecimal(items[2], count);
    if (!threshold || *threshold == 0)
      return Bad("number of members is not all, any or from 1 to " + std::to_string(count));
    group.threshold = *threshold;
    return Define(std::move(group));
  }

  // quorum <name>
  Result<void> ReadQuorum(const Items& items) {
    if (items.size() != 2) return Bad("a quorum has a name");
    if (has_quorum_) return Bad("a second quorum");
    has_quorum_ = true;
    if (items[1] == kNone) return {};
    const auto found = by_name_.find(items[1]);
    if (found == by_name_.end()) return Bad("the quorum is not defined above");
    policy_.quorum_ = found->second;
    return {};
  }

  Result<VerifierKey> ReadKey(std::string_view text, SignatureType type,
                              std::set<KeyBytes>* known) {
    Result<VerifierKey> key = VerifierKey::Parse(text);
    if (!key.ok()) return key;
    if (key.value().type() != type)
      return Bad(type == SignatureType::kNote ? "the key is one of a witness, not of a log"
                                              : "the key is one of a log, not of a witness");
    if (!known->insert(key.value().key().bytes).second) return Bad("the same key twice");
    return key;
  }

  Result<void> Define(Policy::Party party) {
    if (party.name == kNone) return Bad("the name none has a meaning of its own");
    if (!by_name_.emplace(party.name, policy_.parties_.size()).second)
      return Bad("the same name twice");
    policy_.parties_.push_back(std::move(party));
    return {};
  }

  Policy policy_;
  bool has_quorum_ = false;
  std::map<std::string, size_t, std::less<>> by_name_;
  std::set<size_t> members_;  // of any group
  std::set<KeyBytes> log_keys_, witness_keys_;
};

Result<Policy> Policy::Parse(std::string_view text) {
  if (text.size() > kMaxPolicySize) return Bad("policy is too long");
  PolicyParser parser;
  std::string_view line;
  for (size_t number = 1; TakeLine(&text, &line); ++number) {
    Result<void> read = parser.ReadLine(line);
    if (read.ok()) continue;
    Error error = read.error();
    error.message = "policy line " + std::to_string(number) + ": " + error.message;
    return error;
  }
  if (!text.empty()) return Bad("the last line of the policy does not end");
  return parser.Finish();
}

}  // namespace bulla
