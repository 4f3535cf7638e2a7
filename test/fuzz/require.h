// What a fuzzing program says where a promise was broken.
#pragma once

#include <cstdlib>

namespace bulla {

inline void Require(bool promise) {
  if (!promise) std::abort();
}

}  // namespace bulla
