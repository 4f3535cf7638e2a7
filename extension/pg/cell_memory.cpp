#include "pg/cell_memory.h"

extern "C" {
#include "utils/memutils.h"
}

#include <algorithm>

#include "pg/versions.h"

namespace bulla {
namespace {

// Between the sealing of a row that is proposed and its UPDATE there are only triggers of that row.
constexpr int kKept = 64;

// Of every algorithm, the beginning of a sealed value has the whole nonce: no two are alike.
constexpr size_t kBeginning = 80;

struct Note {
  char beginning[kBeginning];
  size_t size;  // of the sealed value, 0 where nothing is noted
  std::byte* context;
  size_t context_size;
};

struct Notes {
  int next;
  Note notes[kKept];
};

Notes* noted = nullptr;  // in TopTransactionContext of the transaction that this is
LocalTransactionId noted_in = InvalidLocalTransactionId;

bool IsCurrent() { return noted != nullptr && noted_in == LocalTransactionOf(MyProc); }

}  // namespace

void NoteSealed(std::string_view sealed, Bytes context) {
  if (!IsCurrent()) {
    noted = static_cast<Notes*>(MemoryContextAllocZero(TopTransactionContext, sizeof(Notes)));
    noted_in = LocalTransactionOf(MyProc);
  }
  Note& note = noted->notes[noted->next];
  noted->next = (noted->next + 1) % kKept;
  note.size = 0;
  if (note.context != nullptr) pfree(note.context);
  note.context = nullptr;
  note.context = static_cast<std::byte*>(
      MemoryContextAlloc(TopTransactionContext, std::max<size_t>(context.size(), 1)));
  memcpy(note.context, context.data(), context.size());
  note.context_size = context.size();
  memcpy(note.beginning, sealed.data(), std::min(sealed.size(), kBeginning));
  note.size = sealed.size();
}

Bytes ContextOfSealed(std::string_view sealed) {
  if (!IsCurrent()) return {};
  for (const Note& note : noted->notes) {
    if (note.size == sealed.size() &&
        memcmp(note.beginning, sealed.data(), std::min(sealed.size(), kBeginning)) == 0)
      return {note.context, note.context_size};
  }
  return {};
}

}  // namespace bulla
