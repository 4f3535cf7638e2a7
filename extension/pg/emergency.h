// Emergency mode: what bulla.enable_emergency_mode has forbidden, to everybody, superusers too. Whoever does
// something that can be forbidden asks here; nobody else knows.
#pragma once

extern "C" {
#include "postgres.h"
#include "utils/rel.h"
}

namespace bulla {

enum class Restriction { kNoNewKeys, kNoExports, kNoDecrypt, kNoEncrypt, kReadOnly };

// By Restriction, as bulla.emergency has them.
inline constexpr const char* kRestrictionNames[] = {"no_new_keys", "no_exports", "no_decrypt",
                                                    "no_encrypt", "read_only"};

// Registers the invalidation callback; once per backend.
void WatchEmergency();

// Whether the restriction is in force. What another transaction committed counts at once, also inside an open
// transaction and in the middle of a statement; what this transaction did counts until it is rolled back. Accepts
// invalidations, which take unwrapped keys out of memory: call it before anything is asked of pg/key_store.h.
bool IsInForce(Restriction restriction);

// Raises object_not_in_prerequisite_state, with the reason that was given.
[[noreturn]] void RaiseRestricted(Restriction restriction);

// The one where the other.
void RequireNotRestricted(Restriction restriction);

// RequireNotRestricted(kReadOnly) for a row of a ledger; but bulla.events goes on.
void RequireMayAppend(Relation ledger);

}  // namespace bulla
