#include "core/key_state.h"

#include <algorithm>
#include <string>

namespace bulla {
namespace {

struct StateName {
  KeyState state;
  std::string_view name;
};
constexpr std::array kNames = {
    StateName{KeyState::kEnabled, "enabled"},
    StateName{KeyState::kDisabled, "disabled"},
    StateName{KeyState::kDestroyed, "destroyed"},
};

// What a version that undergoes the change becomes.
std::string_view Participle(KeyChange change) {
  switch (change) {
    case KeyChange::kDisable:
      return "disabled";
    case KeyChange::kEnable:
      return "enabled";
    case KeyChange::kDestroy:
      return "destroyed";
  }
  return "changed";
}

}  // namespace

std::string_view Name(KeyState state) {
  for (const StateName& entry : kNames)
    if (entry.state == state) return entry.name;
  return "unknown";
}

Result<KeyState> ParseKeyState(std::string_view name) {
  for (const StateName& entry : kNames)
    if (entry.name == name) return entry.state;
  return Error{Code::kCorrupt, "unknown state of a key version"};
}

Result<KeyState> ChangeState(KeyState from, KeyChange change) {
  for (const KeyTransition& transition : kKeyTransitions)
    if (transition.from == from && transition.change == change) return transition.to;
  const bool already = Name(from) == Participle(change);
  return Error{Code::kFailedPrecondition, "is " + std::string(Name(from)) + " and cannot be " +
                                              std::string(Participle(change)) +
                                              (already ? " again" : "")};
}

Result<void> CheckRotates(Purpose purpose, std::span<const KeyState> versions) {
  if (purpose == Purpose::kIndex) {
    return Error{Code::kFailedPrecondition, "is of purpose index and has one version only",
                 "A new key is a new index: create one with bulla.create_key and index anew."};
  }
  if (std::all_of(versions.begin(), versions.end(),
                  [](KeyState state) { return state == KeyState::kDestroyed; })) {
    return Error{Code::kFailedPrecondition, "is destroyed and gets no more versions",
                 "Create a key of another name."};
  }
  return {};
}

}  // namespace bulla
