#pragma once

#include <string_view>

namespace bulla::service {

// "0.1.0", as extension/agentidp.control says.
std::string_view Version();

}  // namespace bulla::service
