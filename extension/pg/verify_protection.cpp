#include "pg/verify_ledger.h"

extern "C" {
#include "access/table.h"
#include "catalog/pg_inherits.h"
#include "commands/trigger.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
}

#include "pg/ledger_relation.h"
#include "pg/ledger_triggers.h"

namespace bulla {
namespace {

const Trigger* FindTrigger(const TriggerDesc* triggers, const RequiredTrigger& required) {
  const Oid function = TriggerFunction(required.function);
  for (int i = 0; triggers != nullptr && i < triggers->numtriggers; ++i) {
    const Trigger& trigger = triggers->triggers[i];
    if (trigger.tgfoid == function && trigger.tgtype == required.type) return &trigger;
  }
  return nullptr;
}

bool SameArguments(const Trigger* trigger, const LedgerArguments& ledger) {
  LedgerArguments own;
  if (!ParseLedgerArguments(trigger->tgnargs, trigger->tgargs, &own)) return false;
  return SameLedger(own, ledger);
}

// What is wrong with a trigger, nullptr for nothing.
const char* Fault(const Trigger* trigger, const LedgerArguments& ledger) {
  if (trigger == nullptr) return "is missing";
  if (trigger->tgenabled == TRIGGER_DISABLED) return "is disabled";
  if (trigger->tgenabled != TRIGGER_FIRES_ALWAYS)
    return "does not fire always: session_replication_role turns it off";
  if (trigger->tgqual != nullptr || trigger->tgnattr != 0) return "fires only under a condition";
  if (OidIsValid(trigger->tgconstraint) || trigger->tgdeferrable) return "is a constraint trigger";
  if (!SameArguments(trigger, ledger)) return "has the arguments of another ledger";
  return nullptr;
}

void CheckTable(Oid table, const LedgerArguments& ledger, ReportFinding report, void* state) {
  const Relation relation = table_open(table, AccessShareLock);
  const char* const name = QualifiedName(table);
  for (const RequiredTrigger& required : RequiredTriggers()) {
    const char* const fault = Fault(FindTrigger(relation->trigdesc, required), ledger);
    if (fault == nullptr) continue;
    report({nullptr, nullptr, "unprotected",
            psprintf("trigger %s on %s %s", required.name, name, fault)},
           state);
  }
  table_close(relation, AccessShareLock);
}

}  // namespace

void VerifyProtection(Oid ledger, ReportFinding report, void* state) {
  const Relation relation = table_open(ledger, AccessShareLock);
  const LedgerRelation* const described = DescribeLedger(relation);
  ListCell* cell;
  foreach (cell, find_all_inheritors(ledger, AccessShareLock, nullptr)) {
    CheckTable(lfirst_oid(cell), described->arguments, report, state);
  }
  table_close(relation, AccessShareLock);
}

}  // namespace bulla
