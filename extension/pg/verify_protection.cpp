#include "pg/verify_ledger.h"

extern "C" {
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_event_trigger.h"
#include "catalog/pg_inherits.h"
#include "commands/trigger.h"
#include "rewrite/prs2lock.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
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
  if (const Trigger* const later = FindLaterTrigger(relation)) {
    report({nullptr, nullptr, "unprotected",
            psprintf("trigger %s on %s fires after the row is hashed", later->tgname, name)},
           state);
  }
  if (relation->rd_rules != nullptr && relation->rd_rules->numLocks > 0) {
    report({nullptr, nullptr, "unprotected",
            psprintf("%s has rules, which rewrite statements before any trigger sees them", name)},
           state);
  }
  table_close(relation, AccessShareLock);
}

void CheckEventTrigger(const char* name, ReportFinding report, void* state) {
  const HeapTuple tuple = SearchSysCache1(EVENTTRIGGERNAME, CStringGetDatum(name));
  const char enabled = HeapTupleIsValid(tuple)
                           ? reinterpret_cast<Form_pg_event_trigger>(GETSTRUCT(tuple))->evtenabled
                           : '\0';
  if (HeapTupleIsValid(tuple)) ReleaseSysCache(tuple);
  if (enabled == TRIGGER_FIRES_ALWAYS) return;
  report({nullptr, nullptr, "unprotected",
          psprintf("event trigger %s %s", name,
                   enabled == '\0'               ? "is missing"
                   : enabled == TRIGGER_DISABLED ? "is disabled"
                                                 : "does not fire always")},
         state);
}

}  // namespace

void VerifyProtection(Oid ledger, ReportFinding report, void* state) {
  const Relation relation = table_open(ledger, AccessShareLock);
  const LedgerRelation* const described = LookAtLedger(relation);
  ListCell* cell;
  foreach (cell, find_all_inheritors(ledger, AccessShareLock, nullptr)) {
    CheckTable(lfirst_oid(cell), described->arguments, report, state);
  }
  table_close(relation, AccessShareLock);
  for (const char* const name :
       {"bulla_judge_ddl_start", "bulla_judge_ddl_end", "bulla_judge_drop", "bulla_judge_rewrite"})
    CheckEventTrigger(name, report, state);
}

}  // namespace bulla
