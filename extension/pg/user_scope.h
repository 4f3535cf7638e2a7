// Acting with another role's rights for a few calls.
#pragma once

extern "C" {
#include "postgres.h"
#include "miscadmin.h"
}

namespace bulla {

// What to go back to. An error needs no EndAs: rolling back restores it.
struct UserScope {
  Oid user;
  int security_context;
};

// `restriction` is one of SECURITY_LOCAL_USERID_CHANGE, for Bulla's own statements, and
// SECURITY_RESTRICTED_OPERATION, where code of that user may run.
inline UserScope BeginAs(Oid user, int restriction) {
  UserScope before;
  GetUserIdAndSecContext(&before.user, &before.security_context);
  SetUserIdAndSecContext(user, before.security_context | restriction);
  return before;
}

inline void EndAs(const UserScope& before) {
  SetUserIdAndSecContext(before.user, before.security_context);
}

}  // namespace bulla
