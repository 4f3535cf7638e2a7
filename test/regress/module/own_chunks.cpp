// Memory that tools can watch. PostgreSQL cuts what palloc hands out from blocks that it keeps, so that a
// sanitizer or valgrind takes a chunk past its end, or after it was freed, for good memory. On a server that
// preloads this module every chunk of an AllocSet is a malloc of its own, which is freed with the chunk or
// with its context: then they see both, in Bulla's code, and in PostgreSQL's as far as they look there.
//
// PostgreSQL 13 to 15 only: from 16 on a chunk's header names its kind by a number that is taken.

#include "pg/boundary.h"

extern "C" {
#include "miscadmin.h"
#include "utils/memutils.h"
}

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <unordered_map>

#if PG_VERSION_NUM < 160000

namespace bulla {
namespace {

// Before each chunk. PostgreSQL itself reads the context, which stands right before the chunk; the size before
// that is an AllocSet's own business.
struct Chunk {
  Chunk* previous;
  Chunk* next;
  Size size;
  MemoryContext context;

  void* start() { return this + 1; }
};
static_assert(sizeof(Chunk) % alignof(std::max_align_t) == 0);

constexpr Size kOurs = Size{1} << 63;  // in Chunk::size: no chunk of PostgreSQL's is as large
constexpr int kWiped =
    0x7f;  // what PostgreSQL, too, writes over freed chunks when it is built for tests

MemoryContextMethods original;  // the AllocSet's, which still knows the chunks made before

// The first link of each context's chunks. Never destroyed: PostgreSQL frees memory while a process ends.
std::unordered_map<MemoryContext, Chunk>& Contexts() {
  static auto* const contexts = new std::unordered_map<MemoryContext, Chunk>;
  return *contexts;
}

Chunk* ChunkAt(void* pointer) { return static_cast<Chunk*>(pointer) - 1; }

bool IsOurs(const Chunk* chunk) { return (chunk->size & kOurs) != 0; }

void* Allocate(MemoryContext context, Size size) {
  auto* const chunk = static_cast<Chunk*>(std::malloc(sizeof(Chunk) + size));
  if (chunk == nullptr) return nullptr;
  Chunk* const first = &Contexts()[context];
  *chunk = {first, first->next, size | kOurs, context};
  if (chunk->next != nullptr) chunk->next->previous = chunk;
  first->next = chunk;
  context->mem_allocated += size;
  return chunk->start();
}

void Release(Chunk* chunk) {
  const Size size = chunk->size & ~kOurs;
  chunk->context->mem_allocated -= size;
  chunk->previous->next = chunk->next;
  if (chunk->next != nullptr) chunk->next->previous = chunk->previous;
  std::memset(chunk->start(), kWiped, size);
  std::free(chunk);
}

void Free(MemoryContext context, void* pointer) {
  if (!IsOurs(ChunkAt(pointer))) return original.free_p(context, pointer);
  Release(ChunkAt(pointer));
}

void* Reallocate(MemoryContext context, void* pointer, Size size) {
  Chunk* const chunk = ChunkAt(pointer);
  if (!IsOurs(chunk)) return original.realloc(context, pointer, size);
  void* const moved = Allocate(context, size);
  if (moved == nullptr) return nullptr;
  std::memcpy(moved, pointer, Min(size, chunk->size & ~kOurs));
  Release(chunk);
  return moved;
}

void ReleaseAll(MemoryContext context) {
  const auto found = Contexts().find(context);
  if (found == Contexts().end()) return;
  while (found->second.next != nullptr) Release(found->second.next);
  Contexts().erase(found);
}

void Reset(MemoryContext context) {
  ReleaseAll(context);
  original.reset(context);
}

void Delete(MemoryContext context) {
  ReleaseAll(context);
  original.delete_context(context);
}

Size ChunkSpace(MemoryContext context, void* pointer) {
  const Chunk* const chunk = ChunkAt(pointer);
  return IsOurs(chunk) ? sizeof(Chunk) + (chunk->size & ~kOurs)
                       : original.get_chunk_space(context, pointer);
}

// All contexts of a kind share one table of methods, in memory that is read-only once the server is loaded.
void ReplaceMethods() {
  auto* const methods = const_cast<MemoryContextMethods*>(TopMemoryContext->methods);
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const uintptr_t from = reinterpret_cast<uintptr_t>(methods) & ~(page - 1);
  const uintptr_t to = reinterpret_cast<uintptr_t>(methods + 1);
  if (mprotect(reinterpret_cast<void*>(from), to - from, PROT_READ | PROT_WRITE) != 0)
    elog(ERROR, "the memory contexts cannot be replaced: %m");
  original = *methods;
  methods->alloc = Allocate;
  methods->free_p = Free;
  methods->realloc = Reallocate;
  methods->reset = Reset;
  methods->delete_context = Delete;
  methods->get_chunk_space = ChunkSpace;
}

}  // namespace
}  // namespace bulla

#endif

#pragma GCC visibility push(default)
extern "C" void _PG_init();
#pragma GCC visibility pop

void _PG_init() {
#if PG_VERSION_NUM < 160000
  if (process_shared_preload_libraries_in_progress) bulla::ReplaceMethods();
#endif
}
