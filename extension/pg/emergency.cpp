#include "pg/emergency.h"

extern "C" {
#include "catalog/namespace.h"
#include "miscadmin.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
}

#include "pg/emergency_row.h"
#include "pg/key_tables.h"
#include "pg/relation_changes.h"

namespace bulla {
namespace {

// By Restriction.
constexpr const char* kRefusals[] = {
    "emergency mode allows no new keys",   "emergency mode allows no exports",
    "emergency mode allows no decryption", "emergency mode allows no encryption",
    "emergency mode allows no changes",
};

// What is in force, a bit for each, as far as is known: nothing is, after any message that concerns keys.
struct {
  bool known = false;
  uint32 restrictions = 0;
  uint64 generation = 0;
  Oid watched_relation = InvalidOid;  // bulla.key_versions: told of every change of the key tables
} state;

uint32 Bit(Restriction restriction) { return uint32{1} << static_cast<int>(restriction); }

uint32 ReadRestrictions() {
  const EmergencyRow* const emergency = ReadEmergency();
  if (emergency == nullptr) return 0;
  uint32 restrictions = 0;
  ListCell* cell;
  foreach (cell, emergency->restrictions) {
    for (size_t i = 0; i < lengthof(kRestrictionNames); ++i)
      if (strcmp(static_cast<const char*>(lfirst(cell)), kRestrictionNames[i]) == 0)
        restrictions |= Bit(static_cast<Restriction>(i));
  }
  return restrictions;
}

// Reads until nothing changes meanwhile: else a mode that just began could be taken for none.
void Learn() {
  while (!state.known) {
    CHECK_FOR_INTERRUPTS();
    state.watched_relation = KeyTable("key_versions");
    const uint64 before = state.generation;
    const uint32 restrictions = ReadRestrictions();
    AcceptInvalidationMessages();
    if (state.generation != before) continue;
    state.restrictions = restrictions;
    state.known = true;
  }
}

void Forget(Datum, Oid relation) {
  if (OidIsValid(relation) && OidIsValid(state.watched_relation) &&
      relation != state.watched_relation)
    return;
  state.known = false;
  ++state.generation;
}

}  // namespace

void WatchEmergency() { ListenForRelationChanges(Forget, Datum{0}); }

bool IsInForce(Restriction restriction) {
  AcceptInvalidationMessages();
  if (!state.known) Learn();
  return (state.restrictions & Bit(restriction)) != 0;
}

void RaiseRestricted(Restriction restriction) {
  const int index = static_cast<int>(restriction);
  const EmergencyRow* const emergency = ReadEmergency();  // none where it was ended just now
  ereport(ERROR,
          (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("%s", kRefusals[index]),
           emergency == nullptr ? 0
                                : errdetail("Restriction %s is in force: %s",
                                            kRestrictionNames[index], emergency->reason),
           errhint("bulla.emergency_mode shows since when. bulla.disable_emergency_mode ends it, "
                   "with the code that bulla.enable_emergency_mode returned.")));
}

void RequireNotRestricted(Restriction restriction) {
  if (IsInForce(restriction)) RaiseRestricted(restriction);
}

void RequireMayAppend(Relation ledger) {
  if (!IsInForce(Restriction::kReadOnly)) return;
  // Nobody but the extension's owner inserts there: what is done in an emergency is written down.
  const Oid events = get_relname_relid("events", get_namespace_oid("bulla", false));
  if (RelationGetRelid(ledger) != events) RaiseRestricted(Restriction::kReadOnly);
}

}  // namespace bulla
