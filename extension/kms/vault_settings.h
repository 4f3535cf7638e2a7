// What the setting bulla.kek says of a KEK in Vault: 'vault:URL?key=NAME&…'. docs/encryption.md.
#pragma once

#include <string>
#include <string_view>

#include "core/result.h"

namespace bulla {

struct VaultSettings {
  std::string address;  // https://host[:port], or http:// to this machine
  std::string key;      // of the transit engine
  std::string mount = "transit";
  std::string name_space;    // empty for none
  std::string token_file;    // either this …
  std::string role_id_file;  // … or these two
  std::string secret_id_file;
  std::string auth_mount = "approle";
  std::string ca_file;  // empty for the system's certificates
  std::string name;     // what the KEK's id is made of

  // kInvalidArgument for anything else; the hint says what is allowed. No error repeats a value.
  static Result<VaultSettings> Parse(std::string_view rest);
};

}  // namespace bulla
