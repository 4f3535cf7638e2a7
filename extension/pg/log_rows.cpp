#include "pg/log_rows.h"

extern "C" {
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/indexing.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/timestamp.h"
}

#include "pg/key_tables.h"
#include "pg/row_record.h"
#include "pg/uuid_ids.h"
#include "pg/versions.h"

namespace bulla {
namespace {

enum LogColumn {
  kOnlyRow = 1,
  kName,
  kSetAt,
  kSetBy,
  kSystem,
  kTimeline,
  kDatabase,
  kLogColumns = kDatabase
};
enum TreesColumn {
  kTreeId = 1,
  kLedgerId,
  kChainId,
  kChain,
  kEpoch,
  kOrigin,
  kSize,
  kRoot,
  kNote,
  kSealedAt,
  kCommonSize,
  kTilesId,
  kTreesColumns = kTilesId
};

void SetPlace(const SigningPlace& place, Datum* values) {
  values[kSystem - 1] = Int64GetDatum(place.system_identifier);
  values[kTimeline - 1] = Int64GetDatum(place.timeline);
  values[kDatabase - 1] = ObjectIdGetDatum(place.database);
}

TreeRow ParseTree(HeapTuple row, Relation table) {
  TreeRow tree{};
  tree.id = *DatumGetUUIDP(ColumnOf(row, table, kTreeId));
  tree.tiles = *DatumGetUUIDP(ColumnOf(row, table, kTilesId));
  tree.ledger = IdOfUuid<LedgerId>(*DatumGetUUIDP(ColumnOf(row, table, kLedgerId)));
  tree.chain_id = TextOf(row, table, kChainId);
  tree.chain = TextOf(row, table, kChain);
  tree.epoch = DatumGetInt32(ColumnOf(row, table, kEpoch));
  tree.origin = TextOf(row, table, kOrigin);
  tree.size = {static_cast<uint64_t>(DatumGetInt64(ColumnOf(row, table, kSize)))};
  LeafHash root;
  if (!ReadHash(ColumnOf(row, table, kRoot), &root)) {
    ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
                    errmsg("the root of tree \"%s\" is not 32 bytes", tree.origin)));
  }
  tree.root.bytes = root.bytes;
  tree.note = TextOf(row, table, kNote);
  tree.common = {static_cast<uint64_t>(DatumGetInt64(ColumnOf(row, table, kCommonSize)))};
  return tree;
}

// What changes when a tree grows.
void SetState(const TreeRow& tree, Datum* values) {
  values[kSize - 1] = Int64GetDatum(static_cast<int64>(tree.size.value));
  values[kRoot - 1] = BytesDatum(tree.root.bytes);
  values[kNote - 1] = CStringGetTextDatum(tree.note);
  values[kSealedAt - 1] = TimestampTzGetDatum(GetCurrentTimestamp());
}

}  // namespace

SigningPlace PlaceOfThisServer() {
  return {static_cast<int64>(GetSystemIdentifier()), static_cast<int64>(InsertionTimeline()),
          MyDatabaseId};
}

EventDetail DetailOfPlace(const SigningPlace& place) {
  return EventDetail()
      .Number("system_identifier", place.system_identifier)
      .Number("timeline", place.timeline)
      .Number("database_oid", place.database);
}

bool FindLog(LogRow* log) {
  const Relation table = table_open(KeyTable("log"), AccessShareLock);
  const SysScanDesc scan = systable_beginscan(table, InvalidOid, false, nullptr, 0, nullptr);
  const HeapTuple row = systable_getnext(scan);
  if (HeapTupleIsValid(row)) {
    *log = {TextOf(row, table, kName),
            {DatumGetInt64(ColumnOf(row, table, kSystem)),
             DatumGetInt64(ColumnOf(row, table, kTimeline)),
             DatumGetObjectId(ColumnOf(row, table, kDatabase))}};
  }
  systable_endscan(scan);
  table_close(table, AccessShareLock);
  return HeapTupleIsValid(row);
}

LogRow RequireLog() {
  LogRow log;
  if (!FindLog(&log)) {
    ereport(ERROR,
            (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
             errmsg("the log of this database has no name"),
             errhint("bulla.set_log_name('ledger.example.com/bulla') gives it one, for ever, "
                     "and makes the key that signs checkpoints.")));
  }
  return log;
}

LogRow RequireLogToSign() {
  const LogRow log = RequireLog();
  const SigningPlace here = PlaceOfThisServer();
  if (log.place == here) return log;
  ereport(
      ERROR,
      (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
       errmsg("checkpoints of log \"%s\" are another server's to sign", log.name),
       errdetail("They were signed in database %u of system " INT64_FORMAT
                 ", timeline " INT64_FORMAT "; this is database %u of system " INT64_FORMAT
                 ", timeline " INT64_FORMAT ".",
                 log.place.database, log.place.system_identifier, log.place.timeline, here.database,
                 here.system_identifier, here.timeline),
       errhint("A copy must not sign. Where the other one never signs again and nothing that it "
               "published is missing here, as after the promotion of a synchronous standby, call "
               "bulla.take_over_log(reason). Where something may be missing, as after a restore "
               "from a backup, call bulla.record_restore(NULL, reason).")));
}

void InsertLog(const char* name) {
  const Relation table = table_open(KeyTable("log"), RowExclusiveLock);
  Datum values[kLogColumns] = {};
  bool nulls[kLogColumns] = {};
  values[kOnlyRow - 1] = BoolGetDatum(true);
  values[kName - 1] = CStringGetTextDatum(name);
  values[kSetAt - 1] = TimestampTzGetDatum(GetCurrentTimestamp());
  values[kSetBy - 1] =
      DirectFunctionCall1(namein, CStringGetDatum(GetUserNameFromId(GetUserId(), false)));
  SetPlace(PlaceOfThisServer(), values);
  CatalogTupleInsert(table, heap_form_tuple(RelationGetDescr(table), values, nulls));
  table_close(table, NoLock);
  CommandCounterIncrement();
}

void MoveLogHere() {
  const Relation table = table_open(KeyTable("log"), RowExclusiveLock);
  const HeapTuple row =
      LockKeyRow(table, "log_pkey", kOnlyRow, F_BOOLEQ, BoolGetDatum(true), LockTupleExclusive);
  if (row == nullptr) elog(ERROR, "the row of bulla.log is gone");
  Datum values[kLogColumns] = {};
  bool nulls[kLogColumns] = {};
  bool replaced[kLogColumns] = {};
  SetPlace(PlaceOfThisServer(), values);
  replaced[kSystem - 1] = replaced[kTimeline - 1] = replaced[kDatabase - 1] = true;
  CatalogTupleUpdate(table, &row->t_self,
                     heap_modify_tuple(row, RelationGetDescr(table), values, nulls, replaced));
  table_close(table, NoLock);
  CommandCounterIncrement();
}

bool FindTree(const LedgerId& ledger, const char* chain_id, TreeRow* tree, int32 epoch) {
  const Relation table = table_open(KeyTable("trees"), AccessShareLock);
  ScanKeyData keys[2];
  ScanKeyInit(&keys[0], kLedgerId, BTEqualStrategyNumber, F_UUID_EQ, IdDatum(ledger));
  ScanKeyInit(&keys[1], kChainId, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(chain_id));
  const SysScanDesc scan = systable_beginscan(table, KeyTable("trees_ledger_id_chain_id_epoch_key"),
                                              true, nullptr, 2, keys);
  bool found = false;
  while (const HeapTuple row = systable_getnext(scan)) {
    const TreeRow read = ParseTree(row, table);
    if (epoch != kLastEpoch && read.epoch != epoch) continue;
    if (!found || read.epoch > tree->epoch) *tree = read;
    found = true;
  }
  systable_endscan(scan);
  table_close(table, AccessShareLock);
  return found;
}

bool FindTreeOfOrigin(const char* origin, TreeRow* tree) {
  const Relation table = table_open(KeyTable("trees"), AccessShareLock);
  const SysScanDesc scan =
      BeginKeyScan(table, "trees_origin_key", kOrigin, F_TEXTEQ, CStringGetTextDatum(origin));
  const HeapTuple row = systable_getnext(scan);
  const bool found = HeapTupleIsValid(row);
  if (found) *tree = ParseTree(row, table);
  systable_endscan(scan);
  table_close(table, AccessShareLock);
  return found;
}

Datum NewUuid() { return OidFunctionCall0(F_GEN_RANDOM_UUID); }

void InsertTree(const TreeRow& tree) {
  const Relation table = table_open(KeyTable("trees"), RowExclusiveLock);
  Datum values[kTreesColumns] = {};
  bool nulls[kTreesColumns] = {};
  values[kTreeId - 1] = UUIDPGetDatum(&tree.id);
  values[kTilesId - 1] = UUIDPGetDatum(&tree.tiles);
  values[kLedgerId - 1] = IdDatum(tree.ledger);
  values[kChainId - 1] = CStringGetTextDatum(tree.chain_id);
  values[kChain - 1] = CStringGetTextDatum(tree.chain);
  values[kEpoch - 1] = Int32GetDatum(tree.epoch);
  values[kOrigin - 1] = CStringGetTextDatum(tree.origin);
  values[kCommonSize - 1] = Int64GetDatum(static_cast<int64>(tree.common.value));
  SetState(tree, values);
  CatalogTupleInsert(table, heap_form_tuple(RelationGetDescr(table), values, nulls));
  table_close(table, NoLock);
  CommandCounterIncrement();
}

void UpdateTree(const TreeRow& tree) {
  const Relation table = table_open(KeyTable("trees"), RowExclusiveLock);
  const HeapTuple row = LockKeyRow(table, "trees_pkey", kTreeId, F_UUID_EQ, UUIDPGetDatum(&tree.id),
                                   LockTupleNoKeyExclusive);
  if (row == nullptr) elog(ERROR, "tree \"%s\" is gone", tree.origin);
  Datum values[kTreesColumns] = {};
  bool nulls[kTreesColumns] = {};
  bool replaced[kTreesColumns] = {};
  SetState(tree, values);
  replaced[kSize - 1] = replaced[kRoot - 1] = replaced[kNote - 1] = replaced[kSealedAt - 1] = true;
  CatalogTupleUpdate(table, &row->t_self,
                     heap_modify_tuple(row, RelationGetDescr(table), values, nulls, replaced));
  table_close(table, NoLock);
  CommandCounterIncrement();
}

void ReadTrees(const LedgerId& ledger, void (*found)(const TreeRow& tree, void* state),
               void* state) {
  const Relation table = table_open(KeyTable("trees"), AccessShareLock);
  const SysScanDesc scan = BeginKeyScan(table, "trees_ledger_id_chain_id_epoch_key", kLedgerId,
                                        F_UUID_EQ, IdDatum(ledger));
  while (const HeapTuple row = systable_getnext(scan)) found(ParseTree(row, table), state);
  systable_endscan(scan);
  table_close(table, AccessShareLock);
}

}  // namespace bulla
