#include "pg/row_record.h"

extern "C" {
#include "postgres.h"
#include "access/table.h"
#include "utils/lsyscache.h"
}

#include <string>
#include <vector>

#include "core/chain_name.h"
#include "pg/boundary.h"
#include "pg/row_openings.h"
#include "pg/value_text.h"
#include "pg/versions.h"

namespace bulla {
namespace {

// A value that was erased, or was NULL from the beginning: its opening tells, not the value.
void WriteErasable(const OpeningsReader& openings, const LedgerColumn& column,
                   RecordWriter* record) {
  const Bytes name = AsBytes({column.name, column.name_size});
  Opening opening;
  if (openings.Find(name, &opening)) record->Commitment(name, opening.commitment);
}

}  // namespace

RecordWriter* BackendRecord() {
  static RecordWriter* const record = Enter([]() -> Result<RecordWriter*> {
    return new RecordWriter;
  });  // never freed: lives as long as the backend
  return record;
}

Sha256* BackendHasher() {
  static Sha256* const hasher = Enter([]() -> Result<Sha256*> { return new Sha256; });
  return hasher;
}

Sha256* BackendDrawHasher() {
  static Sha256* const hasher = Enter([]() -> Result<Sha256*> { return new Sha256; });
  return hasher;
}

bool ChainOfRow(const LedgerRelation* ledger, const Datum* values, const bool* nulls,
                RowChain* chain) {
  const int count = ledger->arguments.chain_by_count;
  *chain = {};
  if (count == 0) return true;
  auto* const columns = static_cast<Datum*>(palloc(sizeof(Datum) * count));
  for (int i = 0; i < count; ++i) {
    const LedgerColumn& column = ledger->columns[ledger->chain_by[i]];
    if (nulls[column.attribute]) return false;
    columns[i] = values[column.attribute];
  }
  return ChainOfValues(ledger, columns, chain);
}

bool ChainOfValues(const LedgerRelation* ledger, ChainValues values, RowChain* chain) {
  const int count = ledger->arguments.chain_by_count;
  *chain = {};
  if (count == 0) return true;
  auto* const key = static_cast<std::byte*>(palloc(kMaxChainKeySize));
  ByteWriter out({key, kMaxChainKeySize});
  for (int i = 0; i < count; ++i)
    out.PutSized(AsBytes(ValueText(&ledger->columns[ledger->chain_by[i]].type, values[i])));
  *chain = {out.written(), values};
  return !out.overflowed();
}

void RaiseUnfitRow(Relation relation) {
  ereport(
      ERROR,
      (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
       errmsg("row does not fit into ledger \"%s\"", RelationGetRelationName(relation)),
       errdetail(
           "chain_by values may take %zu bytes and must not be null; a record may take %zu bytes.",
           kMaxChainKeySize, kMaxRecordSize)));
}

char* NameOfChain(const LedgerRelation* ledger, ChainValues chain) {
  const int count = ledger->arguments.chain_by_count;
  auto* const texts = static_cast<char**>(palloc(sizeof(char*) * (count + 1)));
  for (int i = 0; i < count; ++i) {
    const std::string_view text = ValueText(&ledger->columns[ledger->chain_by[i]].type, chain[i]);
    texts[i] = pnstrdup(text.data(), text.size());
  }
  return Enter([&]() -> Result<char*> {
    const std::vector<std::string_view> values(texts, texts + count);
    const std::string name = FormatChainName(values);
    return CallPg([&] { return pnstrdup(name.data(), name.size()); });
  });
}

void WriteColumns(const LedgerRelation* ledger, const RowChain& chain, const Datum* values,
                  const bool* nulls, RecordWriter* record) {
  Sha256* const hasher = BackendHasher();
  const Bytes stored = OpeningsOf(ledger, values, nulls);
  const OpeningsReader openings(stored);
  record->Begin(ledger->arguments.id, chain.key);
  if (!stored.empty() && !openings.ok()) record->Fail();
  for (int i = 0; i < ledger->column_count; ++i) {
    LedgerColumn& column = ledger->columns[i];
    if (column.erasable) {
      WriteErasable(openings, column, record);
      continue;
    }
    if (nulls[column.attribute]) continue;
    const std::string_view text = ValueText(&column.type, values[column.attribute]);
    record->Column(AsBytes({column.name, column.name_size}), AsBytes(text), hasher);
  }
  record->EndColumns();
}

bool HashRow(const LedgerRelation* ledger, const RowChain& chain, const Datum* values,
             const bool* nulls, int64 seq, const LeafHash& prev_hash, LeafHash* hash) {
  RecordWriter* const record = BackendRecord();
  WriteColumns(ledger, chain, values, nulls, record);
  record->Finish(static_cast<uint64_t>(seq), prev_hash);
  if (!record->ok()) return false;
  *hash = HashOf(*record);
  return true;
}

Sha256Digest DigestChainKey(const RowChain& chain) {
  Sha256Digest digest;
  if (chain.key.empty()) return digest;
  Sha256* const hasher = BackendHasher();
  hasher->Start();
  hasher->Update(chain.key);
  if (!hasher->Finish(&digest))
    ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("SHA-256 failed")));
  return digest;
}

ChainValues ChainOfName(const LedgerRelation* ledger, const char* name) {
  const int count = ledger->arguments.chain_by_count;
  auto* const values = static_cast<Datum*>(palloc(sizeof(Datum) * (count + 1)));
  const char* const* const texts = Enter([&]() -> Result<char**> {
    auto parsed = ParseChainName(name, static_cast<size_t>(count));
    if (!parsed.ok()) return parsed.error();
    auto* const copies =
        CallPg([&] { return static_cast<char**>(palloc(sizeof(char*) * (count + 1))); });
    for (int i = 0; i < count; ++i)
      copies[i] = CallPg([&] { return pstrdup(parsed.value()[i].c_str()); });
    return copies;
  });
  for (int i = 0; i < count; ++i) {
    const LedgerColumn& column = ledger->columns[ledger->chain_by[i]];
    Oid input;
    Oid parameter;
    getTypeInputInfo(column.type_oid, &input, &parameter);
    values[i] = OidInputFunctionCall(input, const_cast<char*>(texts[i]), parameter, -1);
  }
  return values;
}

ChainValues ChainOfLedger(Oid ledger, const char* name) {
  const Relation relation = table_open(ledger, AccessShareLock);
  const ChainValues values = ChainOfName(DescribeLedger(relation), name);
  table_close(relation, AccessShareLock);
  return values;
}

LeafHash HashOf(const RecordWriter& record) {
  LeafHash hash;
  if (!HashRecord(record, BackendHasher(), &hash)) {
    ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("SHA-256 failed")));
  }
  return hash;
}

Datum HashDatum(const LeafHash& hash) {
  auto* const bytes = static_cast<bytea*>(palloc(VARHDRSZ + hash.bytes.size()));
  SET_VARSIZE(bytes, VARHDRSZ + hash.bytes.size());
  memcpy(VARDATA(bytes), hash.bytes.data(), hash.bytes.size());
  return PointerGetDatum(bytes);
}

bool ReadHash(Datum value, LeafHash* hash) {
  const bytea* const bytes = DatumGetByteaPP(value);
  if (VARSIZE_ANY_EXHDR(bytes) != hash->bytes.size()) return false;
  memcpy(hash->bytes.data(), VARDATA_ANY(bytes), hash->bytes.size());
  return true;
}

}  // namespace bulla
