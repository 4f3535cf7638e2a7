// What this transaction has sealed just now. An UPSERT seals a value for the row that it proposes, and brings
// it to another row where that one is in the way: so the trigger has to know for which row it sealed it.
#pragma once

extern "C" {
#include "postgres.h"
}

#include <string_view>

#include "core/bytes.h"

namespace bulla {

// Notes the context that a value was sealed with. The last few are kept, until the transaction ends. Values
// that came sealed are never noted: only plaintext that this transaction knew can move to another row.
void NoteSealed(std::string_view sealed, Bytes context);

// The context that this transaction sealed the value with; no bytes where it did not, or forgot.
Bytes ContextOfSealed(std::string_view sealed);

}  // namespace bulla
