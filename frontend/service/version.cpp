#include "service/version.h"

namespace bulla::service {

std::string_view Version() { return BULLA_VERSION; }

}  // namespace bulla::service
