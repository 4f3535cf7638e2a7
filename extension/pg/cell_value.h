// Sealing and opening one value of a protected column.
#pragma once

extern "C" {
#include "postgres.h"
}

#include "pg/cell_relation.h"
#include "pg/value_bytes.h"

namespace bulla {

// Whether a value of the column is sealed: well-formed to the last character. Anything else is plaintext.
bool IsSealed(const Cell* cell, Datum value);

// The name of the column's key. Raises undefined_object where it is not in this database.
const char* RequireKeyName(const Cell* cell);

// The value sealed under the primary version of the column's key, with the rights of the table's owner.
// Raises what RequireKeyName and bulla.encrypt raise.
Datum SealValue(const Cell* cell, Datum plaintext, Bytes context);

// Raises where values could not be sealed under this key with this role's rights, by sealing one.
void CheckMaySeal(Oid role, const char* key_name);

// The plaintext of a sealed value, with the rights of the current user. Raises what bulla.decrypt raises.
Datum OpenValue(const Cell* cell, Datum sealed, Bytes context);

// Raises what bulla.decrypt raises where the value does not open with this context. Needs no right to use the
// key: nobody gets to see what was opened.
void CheckOpens(const Cell* cell, Datum sealed, Bytes context);

// The value, opened with one context and sealed with another, or under the primary version of now. Needs the
// right to seal only, of the table's owner.
Datum ResealValue(const Cell* cell, Datum sealed, Bytes from, Bytes to);

}  // namespace bulla
