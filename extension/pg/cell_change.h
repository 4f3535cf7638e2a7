// What bulla.encrypt_column and bulla.reencrypt_column let the sealing trigger do, which leaves unchanged
// values alone otherwise.
#pragma once

#include "core/cell_context.h"
#include "core/key_version.h"
#include "pg/permission.h"

namespace bulla {

struct CellChange {
  CellId id;
  bool
      reencrypt;  // seal what is sealed under another version than the primary; else seal plaintext
  VersionId primary;
};

using CellChangePermission = Permission<CellChange>;

}  // namespace bulla
