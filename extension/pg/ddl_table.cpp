#include "pg/ddl_table.h"

extern "C" {
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
}

#include "pg/ddl_catalog.h"
#include "pg/ledger_relation.h"
#include "pg/ledger_triggers.h"
#include "pg/make_ledger.h"
#include "pg/own_ddl.h"

namespace bulla {
namespace {

constexpr char kUnmakeHint[] =
    "bulla.drop_ledger makes the ledger an ordinary table again. For a restore, a superuser can "
    "set "
    "bulla.restore = on and verify the ledger afterwards.";

[[noreturn]] void RefuseTrigger(const OwnTrigger* trigger, Oid table, const char* done) {
  ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                  errmsg("trigger \"%s\" protects ledger \"%s\" and cannot be %s",
                         NameStr(trigger->name), get_rel_name(table), done),
                  errhint("%s", kUnmakeHint)));
}

const OwnTrigger* Find(List* triggers, Oid oid) {
  ListCell* cell;
  foreach (cell, triggers) {
    const auto* const trigger = static_cast<const OwnTrigger*>(lfirst(cell));
    if (trigger->oid == oid) return trigger;
  }
  return nullptr;
}

bool SameArguments(const OwnTrigger* a, const OwnTrigger* b) {
  bool same = a->argument_count == b->argument_count;
  for (int i = 0; same && i < a->argument_count; ++i)
    same = strcmp(a->arguments[i], b->arguments[i]) == 0;
  return same;
}

// Each trigger that was there is there as it was. One that did not fire always before (in a restore, the
// moment between its creation and ENABLE ALWAYS) may stay as it is, but not become worse.
void JudgeTriggers(Oid table, List* before, List* now) {
  ListCell* cell;
  foreach (cell, before) {
    const auto* const was = static_cast<const OwnTrigger*>(lfirst(cell));
    const OwnTrigger* const is = Find(now, was->oid);
    if (is == nullptr || is->function != was->function || is->type != was->type ||
        is->conditional != was->conditional || !SameArguments(is, was)) {
      RefuseTrigger(was, table, "dropped or replaced");
    }
    if (strcmp(NameStr(is->name), NameStr(was->name)) != 0)
      RefuseTrigger(was, table, "renamed: triggers fire in order of their names");
    if (is->enabled == was->enabled || was->enabled == TRIGGER_DISABLED ||
        is->enabled == TRIGGER_FIRES_ALWAYS)
      continue;
    if (is->enabled == TRIGGER_DISABLED) RefuseTrigger(was, table, "disabled");
    RefuseTrigger(was, table, "made to fire at times only");
  }
}

void JudgeLaterTriggers(Oid table) {
  const Relation relation = table_open(table, AccessShareLock);
  const Trigger* const later = FindLaterTrigger(relation);
  if (later != nullptr) {
    ereport(ERROR,
            (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
             errmsg("trigger \"%s\" would fire after ledger \"%s\" has hashed the row",
                    later->tgname, RelationGetRelationName(relation)),
             errhint("Give it a name that sorts before \"%s\".", RequiredTriggers()[0].name)));
  }
  table_close(relation, AccessShareLock);
}

// Under another name bulla.events would be forgotten, and a new one begun.
void JudgeName(Oid table, const TableFacts& is, Snapshot before) {
  TableFacts was;
  if (!ReadTable(table, before, &was)) return;
  if (was.schema == is.schema && strcmp(NameStr(was.name), NameStr(is.name)) == 0) return;
  if (was.schema != get_namespace_oid("bulla", true)) return;
  ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                  errmsg("table bulla.%s is Bulla's own and keeps its name", NameStr(was.name)),
                  errhint("Make a view of it.")));
}

bool IsOwnTree(Oid table, Snapshot snapshot) {
  if (IsOwnDdl(table)) return true;
  ListCell* cell;
  foreach (cell, ParentsOf(table, snapshot)) {
    if (IsOwnTree(lfirst_oid(cell), snapshot)) return true;
  }
  return false;
}

}  // namespace

bool IsOwn(Oid table, Snapshot before) {
  return AnyOwnDdl() && (IsOwnTree(table, before) || IsOwnTree(table, nullptr));
}

void PutProtectionBack(Oid table, Snapshot before) {
  JudgePlace(table, before);
  if (OwnTriggers(table, nullptr) != NIL) FireAlways(table);
}

void JudgeTable(Oid table, Snapshot before) {
  TableFacts facts;
  if (!ReadTable(table, nullptr, &facts)) return;
  JudgePlace(table, before);

  List* const was = OwnTriggers(table, before);
  List* const is = OwnTriggers(table, nullptr);
  if (was == NIL && is == NIL) return;
  JudgeTriggers(table, was, is);
  JudgeLaterTriggers(table);
  if (facts.persistence == RELPERSISTENCE_UNLOGGED) {
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("ledger \"%s\" cannot be unlogged: a crash would empty it",
                           NameStr(facts.name)),
                    errhint("%s", kUnmakeHint)));
  }
  if (was == NIL) return;
  JudgeName(table, facts, before);
  const Oid ledger = LedgerOf(table, before);
  JudgeColumns(table, ledger, before);
  if (ledger == table) RecordTableChanges(table, before);
}

}  // namespace bulla
