// C++ objects that must survive PostgreSQL calls which may raise: owned by a memory context.
#pragma once

extern "C" {
#include "postgres.h"
#include "utils/memutils.h"
}

#include <memory>

#include "pg/boundary.h"

namespace bulla {

// A new T, deleted when the current memory context is reset or deleted, also by an error.
template <class T>
T* NewInContext() {
  auto* const callback =
      static_cast<MemoryContextCallback*>(palloc0(sizeof(MemoryContextCallback)));
  T* const object = Enter([]() -> Result<T*> { return new T; });
  callback->func = [](void* owned) { delete static_cast<T*>(owned); };
  callback->arg = object;
  MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
  return object;
}

}  // namespace bulla
