// The one row of bulla.emergency, which stands there while emergency mode is on. Read and changed as the tables
// of keys are (pg/key_tables.h): as of now, needing no rights of the caller.
#pragma once

extern "C" {
#include "postgres.h"
#include "nodes/pg_list.h"
}

#include "core/sha256.h"

namespace bulla {

struct EmergencyRow {  // palloc'd
  const char* reason;
  List* restrictions;  // const char*
  Sha256Digest code;
};

// nullptr while there is no emergency.
const EmergencyRow* ReadEmergency();

// Until the end of this transaction nobody else begins, changes or ends it.
void LockEmergency();

// Of a locked table: no row is there, or one is.
void InsertEmergency(const EmergencyRow& emergency);
void SetRestrictions(List* restrictions);
void DeleteEmergency();

}  // namespace bulla
