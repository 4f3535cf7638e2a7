#include "pg/row_openings.h"

#include "kms/system_random.h"
#include "pg/boundary.h"
#include "pg/row_record.h"
#include "pg/versions.h"
#include "pg/value_bytes.h"
#include "pg/value_text.h"

namespace bulla {
namespace {

struct NewOpening {
  LedgerColumn* column;
  std::array<std::byte, kSaltSize> salt;
  Sha256Digest commitment;
};

// The erasable columns that are not null; returns the bytes their openings take.
size_t PresentValues(const LedgerRelation* ledger, const bool* nulls, NewOpening* openings,
                     int* count) {
  size_t size = kOpeningsFrameSize;
  *count = 0;
  for (int i = 0; i < ledger->column_count; ++i) {
    LedgerColumn& column = ledger->columns[i];
    if (!column.erasable || nulls[column.attribute]) continue;
    openings[(*count)++].column = &column;
    size += OpeningSize(column.name_size, false);
  }
  return size;
}

// False where SHA-256 itself fails.
bool Commit(LedgerColumn& column, Datum value, Bytes salt, Sha256Digest* commitment) {
  const std::string_view text = ValueText(&column.type, value);
  return CommitToValue(salt, AsBytes({column.name, column.name_size}), AsBytes(text),
                       BackendHasher(), commitment);
}

// What is wrong with one column, nullptr for nothing.
const char* FaultOfValue(LedgerColumn& column, const Opening* opening, Datum value, bool null) {
  if (opening == nullptr)
    return null ? nullptr : psprintf("column %s has a value without an opening", column.name);
  if (opening->erased())
    return null ? nullptr : psprintf("column %s was erased and has a value", column.name);
  if (null) return psprintf("the value of column %s is gone and its salt is not", column.name);
  Sha256Digest commitment;
  if (!Commit(column, value, opening->salt, &commitment))
    ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("SHA-256 failed")));
  if (!SameBytes(commitment.bytes, opening->commitment))
    return psprintf("the value of column %s does not match its commitment", column.name);
  return nullptr;
}

}  // namespace

void OpenValues(const LedgerRelation* ledger, Datum* values, bool* nulls) {
  if (ledger->arguments.erasable_count == 0) return;
  int count;
  auto* const present = static_cast<NewOpening*>(
      palloc(sizeof(NewOpening) * static_cast<size_t>(ledger->arguments.erasable_count)));
  const size_t size = PresentValues(ledger, nulls, present, &count);
  nulls[ledger->openings] = count == 0;
  if (count == 0) return;
  Enter([&]() -> Result<void> {
    for (int i = 0; i < count; ++i) {
      if (auto drawn = SystemRandom::Instance().Fill(present[i].salt); !drawn.ok()) return drawn;
    }
    return {};
  });
  auto* const stored = static_cast<bytea*>(palloc(VARHDRSZ + size));
  OpeningsWriter writer({reinterpret_cast<std::byte*>(VARDATA(stored)), size});
  for (int i = 0; i < count; ++i) {
    LedgerColumn& column = *present[i].column;
    if (!Commit(column, values[column.attribute], present[i].salt, &present[i].commitment))
      ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("SHA-256 failed")));
    writer.Put(
        {AsBytes({column.name, column.name_size}), present[i].commitment.bytes, present[i].salt});
  }
  SET_VARSIZE(stored, VARHDRSZ + writer.Finish().size());
  values[ledger->openings] = PointerGetDatum(stored);
}

Bytes OpeningsOf(const LedgerRelation* ledger, const Datum* values, const bool* nulls) {
  if (ledger->openings < 0 || nulls[ledger->openings]) return {};
  return AsBytes(ValueBytes(values[ledger->openings]));
}

const char* FaultOfOpenings(const LedgerRelation* ledger, const Datum* values, const bool* nulls,
                            void (*erased)(const char* column, void* state), void* state) {
  if (ledger->arguments.erasable_count == 0) return nullptr;
  const Bytes stored = OpeningsOf(ledger, values, nulls);
  const OpeningsReader openings(stored);
  if (!nulls[ledger->openings] && !openings.ok()) return "its openings cannot be read";
  size_t known = 0;
  for (int i = 0; i < ledger->column_count; ++i) {
    LedgerColumn& column = ledger->columns[i];
    if (!column.erasable) continue;
    Opening opening;
    const bool open = openings.Find(AsBytes({column.name, column.name_size}), &opening);
    const char* const fault = FaultOfValue(column, open ? &opening : nullptr,
                                           values[column.attribute], nulls[column.attribute]);
    if (fault != nullptr) return fault;
    known += open;
    if (open && opening.erased() && erased != nullptr) erased(column.name, state);
  }
  return known == openings.count() ? nullptr : "its openings name a column that is not erasable";
}

}  // namespace bulla
