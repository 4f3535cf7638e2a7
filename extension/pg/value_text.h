// The text of a column's value as its record holds it: what the type's output function prints under
// pinned settings, so that no session setting ever changes a hash (docs/spec/record.md).
#pragma once

#include <string_view>

#include "pg/value_type.h"

namespace bulla {

// The value's text, valid until the current memory context is reset or the next call, whichever is
// first. Raises what the output function raises.
std::string_view ValueText(ValueType* type, Datum value);

}  // namespace bulla
