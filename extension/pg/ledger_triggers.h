// The triggers that make a table a ledger. Their arguments are the ledger's only registration: they
// survive dumps, pg_upgrade and renames, and bulla.ledgers is a view of them.
#pragma once

extern "C" {
#include "postgres.h"
#include "catalog/pg_trigger.h"
#include "utils/rel.h"
#include "utils/reltrigger.h"
}

#include <span>

#include "core/record.h"

namespace bulla {

// One trigger of a ledger: its SQL name, "bulla.<function>", and pg_trigger.tgtype. Row triggers stand
// on the ledger itself and are cloned to its partitions by PostgreSQL; statement triggers are not, so
// each partition gets its own.
struct RequiredTrigger {
  const char* name;
  const char* function;
  const char* definition;  // what comes between the name and the table
  int16 type;
};
std::span<const RequiredTrigger> RequiredTriggers();

// The arguments of every trigger of a ledger, in this order; the number of chain_by columns stands before
// their names, the rest are erasable columns.
struct LedgerArguments {
  LedgerId id;
  const char* created_at;  // timestamptz, as text in UTC
  const char* created_by;  // role name
  int64 retroactive_rows;  // how many rows were there before the ledger was
  int chain_by_count;
  const char* const* chain_by;  // column names, pointing into the arguments parsed
  int erasable_count;
  const char* const* erasable;  // likewise
};

// False where the arguments are not those of a ledger's trigger.
bool ParseLedgerArguments(int count, char* const* arguments, LedgerArguments* parsed);

// The same as CREATE TRIGGER takes them, palloc'd. ParseLedgerArguments reads them back.
const char* LedgerArgumentsSql(const LedgerArguments& ledger);

// True where both say that a table is the same ledger, with the same chain_by and erasable columns.
bool SameLedger(const LedgerArguments& a, const LedgerArguments& b);

// A trigger of Bulla's on this relation, the chain trigger if it is there, or nullptr. Each carries the
// ledger's arguments, so one that is left tells what the table is.
const Trigger* FindLedgerTrigger(Relation relation);

// An enabled BEFORE INSERT row trigger that fires after the chain trigger, or would on a ledger: what it
// changed would not be what was hashed. nullptr where there is none.
const Trigger* FindLaterTrigger(Relation relation);

// The oid of a trigger function of this extension, InvalidOid where the extension is not installed.
Oid TriggerFunction(const char* name);

// The trigger by which a table is known as a part of a ledger that was detached: it refuses INSERT, as the
// chains go on elsewhere. Of its own, besides the required ones.
inline constexpr RequiredTrigger kDetachedTrigger = {"bulla_refuse_insert", "refuse_change",
                                                     "BEFORE INSERT",
                                                     TRIGGER_TYPE_BEFORE | TRIGGER_TYPE_INSERT};
bool IsDetachedPart(Relation relation);

// Raises object_not_in_prerequisite_state where the ledger is such a part.
void RefuseDetachedPart(Oid ledger);

}  // namespace bulla
