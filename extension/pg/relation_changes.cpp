#include "pg/relation_changes.h"

extern "C" {
#include "utils/memutils.h"
}

namespace bulla {
namespace {

struct Listener {
  RelcacheCallbackFunction call;
  Datum argument;
  Listener* next;
};

Listener* first = nullptr;

void TellAll(Datum, Oid relation) {
  for (const Listener* listener = first; listener != nullptr; listener = listener->next)
    listener->call(listener->argument, relation);
}

}  // namespace

void ListenForRelationChanges(RelcacheCallbackFunction call, Datum argument) {
  auto* const listener =
      static_cast<Listener*>(MemoryContextAlloc(TopMemoryContext, sizeof(Listener)));
  if (first == nullptr) CacheRegisterRelcacheCallback(TellAll, Datum{0});
  *listener = {call, argument, first};
  first = listener;
}

}  // namespace bulla
