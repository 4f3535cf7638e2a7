#include "pg/row_log.h"

extern "C" {
#include "access/htup_details.h"
#include "miscadmin.h"
#include "storage/buffile.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
}

namespace bulla {

struct RowLog {
  char* memory;  // the first in_memory bytes of the log; the rest is in the file
  size_t in_memory;
  size_t capacity;
  LogPlace end;
  BufFile* file;   // null until memory was full for the first time
  uint64 file_at;  // where the file stands, or kUnknown
  char* row_read;  // the last row that came from the file
  size_t row_capacity;
};

namespace {

constexpr uint64 kUnknown = PG_UINT64_MAX;

// Rows are padded, so that all stay aligned as tuples must be.
struct RowHeader {
  uint32 tag;
  uint32 size;  // of the tuple, without padding
};
static_assert(sizeof(RowHeader) == MAXALIGN(sizeof(RowHeader)));

size_t MemoryLimit() { return Min(static_cast<size_t>(work_mem) * 1024, MaxAllocSize); }

void Reserve(RowLog* log, size_t size) {
  if (log->in_memory + size <= log->capacity) return;
  const size_t capacity = Min(Max(log->in_memory + size, log->capacity * 2), MemoryLimit());
  log->memory = static_cast<char*>(repalloc(log->memory, capacity));
  log->capacity = capacity;
}

void AddToMemory(RowLog* log, const RowHeader& header, MinimalTuple row) {
  const size_t size = MAXALIGN(header.size);
  Reserve(log, sizeof header + size);
  char* const at = log->memory + log->in_memory;
  memcpy(at, &header, sizeof header);
  memcpy(at + sizeof header, row, header.size);
  log->in_memory += sizeof header + size;
}

// It has to outlive the subtransaction, which would close it at its end.
void OpenFile(RowLog* log) {
  const ResourceOwner owner = CurrentResourceOwner;
  const MemoryContext caller = MemoryContextSwitchTo(TopTransactionContext);
  CurrentResourceOwner = TopTransactionResourceOwner;
  log->file = BufFileCreateTemp(false);
  CurrentResourceOwner = owner;
  MemoryContextSwitchTo(caller);
}

// Moves the file to a place of the log, for one transfer after which the caller says where it stands.
void Seek(RowLog* log, LogPlace place) {
  const uint64 offset = place - log->in_memory;
  const bool there = log->file_at == offset;
  log->file_at = kUnknown;
  if (!there && BufFileSeek(log->file, 0, static_cast<off_t>(offset), SEEK_SET) != 0) {
    ereport(ERROR, (errcode_for_file_access(),
                    errmsg("could not seek in the temporary file of queued rows: %m")));
  }
}

void Read(RowLog* log, void* bytes, size_t size) {
  if (BufFileRead(log->file, bytes, size) != size) {
    ereport(ERROR, (errcode_for_file_access(),
                    errmsg("could not read the temporary file of queued rows: %m")));
  }
}

void AddToFile(RowLog* log, RowHeader header, MinimalTuple row) {
  char padding[MAXIMUM_ALIGNOF] = {};
  if (log->file == nullptr) OpenFile(log);
  Seek(log, log->end);
  BufFileWrite(log->file, &header, sizeof header);
  BufFileWrite(log->file, row, header.size);
  BufFileWrite(log->file, padding, MAXALIGN(header.size) - header.size);
  log->file_at = log->end - log->in_memory + sizeof header + MAXALIGN(header.size);
}

LogPlace ReadFromFile(RowLog* log, LogPlace place, LoggedRow* row) {
  RowHeader header;
  Seek(log, place);
  Read(log, &header, sizeof header);
  const size_t size = MAXALIGN(header.size);
  if (size > log->row_capacity) {
    log->row_read = static_cast<char*>(repalloc(log->row_read, size));
    log->row_capacity = size;
  }
  Read(log, log->row_read, size);
  const LogPlace next = place + sizeof header + size;
  log->file_at = next - log->in_memory;
  *row = {header.tag, reinterpret_cast<MinimalTuple>(log->row_read)};
  return next;
}

}  // namespace

RowLog* MakeRowLog() {
  constexpr size_t kFirstCapacity = 1024;
  const MemoryContext caller = MemoryContextSwitchTo(TopTransactionContext);
  auto* const log = static_cast<RowLog*>(palloc0(sizeof(RowLog)));
  log->memory = static_cast<char*>(palloc(kFirstCapacity));
  log->capacity = kFirstCapacity;
  log->row_read = static_cast<char*>(palloc(kFirstCapacity));
  log->row_capacity = kFirstCapacity;
  MemoryContextSwitchTo(caller);
  return log;
}

void FreeRowLog(RowLog* log) {
  if (log->file != nullptr) BufFileClose(log->file);
  pfree(log->memory);
  pfree(log->row_read);
  pfree(log);
}

LogPlace EndOf(const RowLog* log) noexcept { return log->end; }

void AddRow(RowLog* log, uint32 tag, MinimalTuple row) {
  const RowHeader header{tag, row->t_len};
  const size_t size = sizeof header + MAXALIGN(header.size);
  const bool all_in_memory = log->end == log->in_memory;
  if (all_in_memory && log->in_memory + size <= MemoryLimit()) {
    AddToMemory(log, header, row);
  } else {
    AddToFile(log, header, row);
  }
  log->end += size;
}

void CutLog(RowLog* log, LogPlace end) noexcept {
  log->end = end;
  // What the file held is all gone, and it begins anew where memory now ends.
  log->in_memory = Min(log->in_memory, static_cast<size_t>(end));
}

LogPlace ReadRow(RowLog* log, LogPlace place, LoggedRow* row) {
  if (place >= log->in_memory) return ReadFromFile(log, place, row);
  RowHeader header;
  char* const at = log->memory + place;
  memcpy(&header, at, sizeof header);
  *row = {header.tag, reinterpret_cast<MinimalTuple>(at + sizeof header)};
  return place + sizeof header + MAXALIGN(header.size);
}

}  // namespace bulla
