// What bulla.keks knows of key-encryption keys: which ever wrapped a key here, and which are said to be
// destroyed since.
#pragma once

extern "C" {
#include "postgres.h"
}

namespace bulla {

// Remembers that this KEK, by its id as text, wraps a key. Raises object_not_in_prerequisite_state where
// it was retired: what is final would be so no more.
void NoteKek(const char* kek_id);

// Notes that it was destroyed, by whom. Raises undefined_object for one that never wrapped a key here,
// object_not_in_prerequisite_state where it was retired already, dependent_objects_still_exist while a key
// is wrapped under it.
void RetireKek(const char* kek_id, const char* role);

}  // namespace bulla
