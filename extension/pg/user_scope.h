// Acting with another role's rights for a few calls.
#pragma once

extern "C" {
#include "postgres.h"
#include "miscadmin.h"
}

namespace bulla {

// With whose rights something is done, and how far they go.
struct UserScope {
  Oid user;
  int security_context;
  bool operator==(const UserScope&) const = default;
};

inline UserScope CurrentUser() {
  UserScope current;
  GetUserIdAndSecContext(&current.user, &current.security_context);
  return current;
}

// Returns what EndAs goes back to. An error needs no EndAs: rolling back restores it. `restriction` is one of
// SECURITY_LOCAL_USERID_CHANGE, for Bulla's own statements, and SECURITY_RESTRICTED_OPERATION, where code of
// that user may run.
inline UserScope BeginAs(const UserScope& as, int restriction) {
  const UserScope before = CurrentUser();
  SetUserIdAndSecContext(as.user, as.security_context | restriction);
  return before;
}

// The same in the security context of now.
inline UserScope BeginAs(Oid user, int restriction) {
  return BeginAs(UserScope{user, CurrentUser().security_context}, restriction);
}

inline void EndAs(const UserScope& before) {
  SetUserIdAndSecContext(before.user, before.security_context);
}

}  // namespace bulla
