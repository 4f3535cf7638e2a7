// The one table of what can be configured.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "service/config_values.h"

namespace bulla::service {

struct ConfigKey {
  std::string_view section;
  std::string_view name;
  std::string_view help;
  ConfigKind kind;

  std::string full_name() const { return std::string(section) + "." + std::string(name); }
  std::string variable() const;             // BULLAD_SECTION_NAME
  std::string variable_of_section() const;  // BULLAD_SECTION_
};

// In the order in which they are shown; a section's keys stand together.
std::span<const ConfigKey> ConfigKeys(Role role = Role::kService);

}  // namespace bulla::service
