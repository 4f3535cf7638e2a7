// Rows of bulla.key_grants, and what makes them behave as PostgreSQL's own grants do when roles are dropped.
#pragma once

extern "C" {
#include "postgres.h"
}

#include "core/key_version.h"
#include "pg/key_access.h"

namespace bulla {

// Adds or takes away the grant; false where there is nothing to do. `grantee` 0 is PUBLIC. Needs no rights
// of the caller; the key's row is locked.
bool AddGrant(const KeyId& key, Oid grantee, Use use);
bool RemoveGrant(const KeyId& key, Oid grantee, Use use);

// Has DROP ROLE refuse a role that is granted the use of a key, as it refuses one with privileges for a
// table; or lets go of it where it is granted nothing any more.
void DependOnGrantee(Oid grantee);

// Takes every grant from a role, and records that: DROP OWNED BY.
void RemoveGrantsOf(Oid grantee);

}  // namespace bulla
