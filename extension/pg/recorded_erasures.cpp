#include "pg/recorded_erasures.h"

#include <algorithm>
#include <vector>

extern "C" {
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
}

#include "pg/boundary.h"
#include "pg/context_owned.h"
#include "pg/event_log.h"
#include "pg/ledger_triggers.h"
#include "pg/row_record.h"
#include "pg/user_scope.h"
#include "pg/uuid_ids.h"
#include "pg/versions.h"
#include "pg/value_bytes.h"

namespace bulla {
namespace {

// The expressions are those of the index events_of_ledger (event_log.cpp).
#define CHAIN "(e.detail OPERATOR(pg_catalog.->>) 'chain') COLLATE pg_catalog.\"C\""
#define SEQ "((e.detail OPERATOR(pg_catalog.->>) 'seq')::pg_catalog.int8)"
#define COLUMNS "(e.detail OPERATOR(pg_catalog.->) 'columns')"
#define OF_LEDGER                                                 \
  " WHERE (e.detail OPERATOR(pg_catalog.->>) 'ledger_id') "       \
  "COLLATE pg_catalog.\"C\" OPERATOR(pg_catalog.=) $1 "           \
  "AND e.action COLLATE pg_catalog.\"C\" OPERATOR(pg_catalog.=) " \
  "'ledger.row_erased'::pg_catalog.text "                         \
  "AND pg_catalog.jsonb_typeof(" COLUMNS ") OPERATOR(pg_catalog.=) 'array'::pg_catalog.text"

constexpr char kAll[] = "SELECT " CHAIN ", " SEQ
                        ", c.name FROM bulla.events AS e "
                        "CROSS JOIN LATERAL pg_catalog.jsonb_array_elements_text(CASE "
                        "WHEN pg_catalog.jsonb_typeof(" COLUMNS
                        ") OPERATOR(pg_catalog.=) 'array'::pg_catalog.text "
                        "THEN " COLUMNS " ELSE '[]'::pg_catalog.jsonb END) AS c (name)" OF_LEDGER
                        " AND " CHAIN " IS NOT NULL AND " SEQ " IS NOT NULL";
constexpr char kOne[] =
    "SELECT 1 FROM bulla.events AS e" OF_LEDGER " AND " CHAIN " OPERATOR(pg_catalog.=) $2 AND " SEQ
    " OPERATOR(pg_catalog.=) $3 AND " COLUMNS " OPERATOR(pg_catalog.?) $4";
constexpr int kBatch = 1'000;

using Key = std::array<std::byte, 16>;

Key KeyOf(Bytes chain, int64 seq, Bytes column) {
  Sha256* const hasher = BackendHasher();
  std::array<std::byte, 4 + 8> place;
  PutU32(place.data(), static_cast<uint32_t>(chain.size()));
  PutU64(place.data() + 4, static_cast<uint64_t>(seq));
  Sha256Digest digest;
  hasher->Start();
  hasher->Update(place);
  hasher->Update(chain);
  hasher->Update(column);
  if (!hasher->Finish(&digest))
    ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("SHA-256 failed")));
  Key key;
  memcpy(key.data(), digest.bytes.data(), key.size());
  return key;
}

}  // namespace

class RecordedErasures {
 public:
  LedgerId ledger;
  bool loaded = false;
  std::vector<Key> known;  // sorted once loaded
};

namespace {

void AddBatch(RecordedErasures* erasures, const SPITupleTable* rows, uint64 count) {
  auto* const keys = static_cast<Key*>(palloc(sizeof(Key) * count));
  for (uint64 i = 0; i < count; ++i) {
    Datum values[3];
    bool nulls[3];
    heap_deform_tuple(rows->vals[i], rows->tupdesc, values, nulls);
    keys[i] = KeyOf(AsBytes(ValueBytes(values[0])), DatumGetInt64(values[1]),
                    AsBytes(ValueBytes(values[2])));
  }
  Enter([&]() -> Result<void> {
    erasures->known.insert(erasures->known.end(), keys, keys + count);
    return {};
  });
  pfree(keys);
}

bool EventsExist() {
  return OidIsValid(get_relname_relid("events", get_namespace_oid("bulla", false)));
}

void Load(RecordedErasures* erasures) {
  Oid types[] = {TEXTOID};
  Datum values[] = {CStringGetTextDatum(IdText(erasures->ledger))};
  const Portal rows = SPI_cursor_open_with_args(nullptr, kAll, 1, types, values, nullptr, true,
                                                CURSOR_OPT_NO_SCROLL);
  for (SPI_cursor_fetch(rows, true, kBatch); SPI_processed > 0;
       SPI_cursor_fetch(rows, true, kBatch)) {
    SPITupleTable* const batch = SPI_tuptable;
    AddBatch(erasures, batch, SPI_processed);
    SPI_freetuptable(batch);
  }
  SPI_cursor_close(rows);
  Enter([&]() -> Result<void> {
    std::sort(erasures->known.begin(), erasures->known.end());
    return {};
  });
  erasures->loaded = true;
}

// One that was recorded after all of them were read: a verification may take several snapshots.
bool LookUp(const RecordedErasures* erasures, const char* chain, int64 seq, const char* column) {
  Oid types[] = {TEXTOID, TEXTOID, INT8OID, TEXTOID};
  Datum values[] = {CStringGetTextDatum(IdText(erasures->ledger)), CStringGetTextDatum(chain),
                    Int64GetDatum(seq), CStringGetTextDatum(column)};
  if (SPI_execute_with_args(kOne, 4, types, values, nullptr, true, 1) != SPI_OK_SELECT)
    elog(ERROR, "SPI failed to read bulla.events");
  return SPI_processed > 0;
}

}  // namespace

RecordedErasures* NewRecordedErasures(const LedgerId& ledger) {
  auto* const erasures = NewInContext<RecordedErasures>();
  erasures->ledger = ledger;
  return erasures;
}

bool IsErasureRecorded(RecordedErasures* erasures, const char* chain, int64 seq,
                       const char* column) {
  if (!EventsExist()) return false;
  const Key key = KeyOf(AsBytes(chain), seq, AsBytes(column));
  const auto is_known = [&] {
    return std::binary_search(erasures->known.begin(), erasures->known.end(), key);
  };
  if (erasures->loaded && is_known()) return true;
  const UserScope caller = BeginAs(ExtensionOwner(), SECURITY_LOCAL_USERID_CHANGE);
  SPI_connect();
  const bool first = !erasures->loaded;
  if (first) Load(erasures);
  const bool recorded = (first && is_known()) || LookUp(erasures, chain, seq, column);
  SPI_finish();
  EndAs(caller);
  return recorded;
}

}  // namespace bulla
