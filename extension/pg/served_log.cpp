#include "pg/served_log.h"

extern "C" {
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/xlog.h"
#include "catalog/pg_trigger.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/rls.h"
}

#include "pg/boundary.h"
#include "pg/durable.h"
#include "pg/heads_ledger.h"
#include "pg/ledger_triggers.h"

namespace bulla {
namespace {

constexpr long kMostKept = 10'000;  // entries of either table below

HTAB* NewTable(const char* name, Size key, Size entry) {
  HASHCTL control = {};
  control.keysize = key;
  control.entrysize = entry;
  return hash_create(name, 64, &control, HASH_ELEM | HASH_BLOBS);
}

// A table that is full is begun anew: nothing in it is needed.
template <class Entry, class Key>
Entry* EntryOf(HTAB** table, const char* name, const Key& key, bool* found) {
  if (*table != nullptr && hash_get_num_entries(*table) >= kMostKept) {
    hash_destroy(*table);
    *table = nullptr;
  }
  if (*table == nullptr) *table = NewTable(name, sizeof(Key), sizeof(Entry));
  return static_cast<Entry*>(hash_search(*table, &key, HASH_ENTER, found));
}

bool IsLedger(Oid table, const LedgerId& id) {
  const Relation relation = try_relation_open(table, AccessShareLock);
  if (relation == nullptr) return false;
  const Trigger* const trigger = FindLedgerTrigger(relation);
  LedgerArguments arguments;
  const bool is = trigger != nullptr && !IsDetachedPart(relation) &&
                  ParseLedgerArguments(trigger->tgnargs, trigger->tgargs, &arguments) &&
                  arguments.id == id;
  relation_close(relation, AccessShareLock);
  return is;
}

// As the view bulla.ledgers does.
Oid SearchLedger(const LedgerId& id) {
  const Relation triggers = table_open(TriggerRelationId, AccessShareLock);
  ScanKeyData keys[2];
  ScanKeyInit(&keys[0], Anum_pg_trigger_tgfoid, BTEqualStrategyNumber, F_OIDEQ,
              ObjectIdGetDatum(TriggerFunction("chain_row")));
  ScanKeyInit(&keys[1], Anum_pg_trigger_tgparentid, BTEqualStrategyNumber, F_OIDEQ,
              ObjectIdGetDatum(InvalidOid));
  const SysScanDesc scan = systable_beginscan(triggers, InvalidOid, false, nullptr, 2, keys);
  Oid found = InvalidOid;
  while (const HeapTuple row = systable_getnext(scan)) {
    const Oid table = reinterpret_cast<Form_pg_trigger>(GETSTRUCT(row))->tgrelid;
    if (IsLedger(table, id)) found = table;
  }
  systable_endscan(scan);
  table_close(triggers, AccessShareLock);
  return found;
}

// Where a ledger was found is kept, and looked at before it is believed.
Oid LedgerOfId(const LedgerId& id) {
  struct Known {
    LedgerId id;
    Oid table;
  };
  static HTAB* known = nullptr;
  bool found;
  auto* const entry = EntryOf<Known>(&known, "bulla ledgers by id", id, &found);
  if (!found) entry->table = InvalidOid;
  if (OidIsValid(entry->table) && IsLedger(entry->table, id)) return entry->table;
  entry->table = InvalidOid;
  return entry->table = SearchLedger(id);
}

bool MayRead(Oid ledger) {
  if (ledger == HeadsLedger()) return true;
  return pg_class_aclcheck(ledger, GetUserId(), ACL_SELECT) == ACLCHECK_OK &&
         check_enable_rls(ledger, InvalidOid, true) != RLS_ENABLED;
}

// With the host of this database's log where it has none.
const char* WholeOrigin(const char* origin) {
  LogRow log;
  if (*origin != '/' || !FindLog(&log)) return origin;
  return psprintf("%s%s", pnstrdup(log.name, strcspn(log.name, "/")), origin);
}

}  // namespace

ServedLog FindServedLog(const char* origin) {
  ServedLog log;
  if (FindTreeOfOrigin(WholeOrigin(origin), &log.tree)) {
    log.ledger = LedgerOfId(log.tree.ledger);
    if (OidIsValid(log.ledger) && MayRead(log.ledger)) return log;
  }
  ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND), errmsg("there is no log of this origin")));
}

void ConfirmTree(const TreeRow& tree) {
  struct Confirmed {
    pg_uuid_t tree;
    uint64 size;
  };
  static HTAB* confirmed = nullptr;
  bool found;
  auto* const entry = EntryOf<Confirmed>(&confirmed, "bulla confirmed trees", tree.id, &found);
  if (!found) entry->size = 0;
  if (entry->size >= tree.size.value && tree.size.value > 0) return;
  ConfirmWhatWasRead();
  // What a standby has need not be on the standbys that it will have once it is promoted.
  if (!RecoveryInProgress()) entry->size = tree.size.value;
}

}  // namespace bulla
