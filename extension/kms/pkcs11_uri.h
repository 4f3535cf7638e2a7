// What the setting bulla.kek says of a KEK in a PKCS#11 token: a URI of RFC 7512, 'pkcs11:token=…;object=…?
// module-path=…&pin-source=…'. docs/encryption.md.
#pragma once

#include <string>
#include <string_view>

#include "core/result.h"

namespace bulla {

struct Pkcs11Uri {
  std::string token;   // its label
  std::string serial;  // empty for any
  std::string object;  // the key's label
  std::string id;      // its CKA_ID; empty for any
  std::string module_path;
  std::string pin_file;
  std::string name;  // what the KEK's id is made of

  // kInvalidArgument for anything else, a PIN in the URI itself above all; the hint says what is allowed. No
  // error repeats a value.
  static Result<Pkcs11Uri> Parse(std::string_view rest);
};

}  // namespace bulla
