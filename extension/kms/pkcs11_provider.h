// A KEK in a PKCS#11 token, which it never leaves: a hardware security module, a smart card, SoftHSM. The
// token itself seals and opens, bound to what belongs together by associated data.
#pragma once

#include <memory>
#include <string_view>

#include "kms/provider.h"

namespace bulla {

// kInvalidArgument for what Pkcs11Uri::Parse refuses.
Result<std::unique_ptr<KekProvider>> OpenPkcs11Provider(std::string_view rest,
                                                        const ProviderEnvironment& environment);

}  // namespace bulla
