// The life of a key version: which change leads from which state to which. docs/spec/keys.md.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/key_version.h"
#include "core/result.h"

namespace bulla {

// enabled: seals, if it is the key's highest enabled version, and opens. disabled: neither, its key bytes
// are kept. destroyed: neither, they are gone.
enum class KeyState : uint8_t { kEnabled, kDisabled, kDestroyed };
enum class KeyChange : uint8_t { kDisable, kEnable, kDestroy };

struct KeyTransition {
  KeyState from;
  KeyChange change;
  KeyState to;
};

// All of them: what is not here is refused.
inline constexpr std::array kKeyTransitions = {
    KeyTransition{KeyState::kEnabled, KeyChange::kDisable, KeyState::kDisabled},
    KeyTransition{KeyState::kDisabled, KeyChange::kEnable, KeyState::kEnabled},
    KeyTransition{KeyState::kEnabled, KeyChange::kDestroy, KeyState::kDestroyed},
    KeyTransition{KeyState::kDisabled, KeyChange::kDestroy, KeyState::kDestroyed},
};

// The names of SQL: "enabled".
std::string_view Name(KeyState state);

// From a table. kCorrupt for anything else; the given text is not repeated.
Result<KeyState> ParseKeyState(std::string_view name);

// The state after the change; kFailedPrecondition where it is not among the transitions. The message goes
// on from "version 1 of key …": "is destroyed and cannot be enabled".
Result<KeyState> ChangeState(KeyState from, KeyChange change);

// Whether a key of this purpose may get one more version, having these. kFailedPrecondition where the
// purpose allows one alone, or where all are destroyed: a destroyed key does not come back. The message
// goes on from "key …".
Result<void> CheckRotates(Purpose purpose, std::span<const KeyState> versions);

}  // namespace bulla
