#include "kms/provider.h"

#include <array>

#include "kms/command_provider.h"
#include "kms/file_provider.h"
#include "kms/pkcs11_provider.h"
#include "kms/vault_provider.h"

namespace bulla {
namespace {

// The one list of kinds that this build has.
struct Kind {
  KekKind kind;
  const char* form;
  Result<std::unique_ptr<KekProvider>> (*open)(std::string_view rest,
                                               const ProviderEnvironment& environment);
};
constexpr std::array kKinds = {
    Kind{KekKind::kFile, "'file:PATH' with an absolute path", OpenFileProvider},
    Kind{KekKind::kCommand, "'command:NAME:/PATH/PROGRAM ARGUMENT…'", OpenCommandProvider},
    Kind{KekKind::kVault, "'vault:https://HOST:PORT?key=NAME&token_file=PATH'", OpenVaultProvider},
    Kind{KekKind::kPkcs11,
         "'pkcs11:token=LABEL;object=LABEL?module-path=PATH&pin-source=file:PATH'",
         OpenPkcs11Provider},
};

Error UnknownKind() {
  std::string allowed;
  for (const Kind& kind : kKinds) allowed.append(allowed.empty() ? "" : ", ").append(kind.form);
  return Error{Code::kInvalidArgument, "setting bulla.kek names an unknown kind of KEK",
               "Allowed: " + allowed + "."};
}

}  // namespace

Result<std::unique_ptr<KekProvider>> OpenProvider(std::string_view item,
                                                  const ProviderEnvironment& environment) {
  const size_t colon = item.find(':');
  if (colon == std::string_view::npos) return UnknownKind();
  for (const Kind& kind : kKinds)
    if (Name(kind.kind) == item.substr(0, colon))
      return kind.open(item.substr(colon + 1), environment);
  return UnknownKind();
}

}  // namespace bulla
