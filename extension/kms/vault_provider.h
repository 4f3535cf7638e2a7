// A KEK of the transit engine of Vault, or of OpenBao, which speaks the same API: it never leaves there.
// Whole batches travel in one request, bound to what they belong to by associated data.
#pragma once

#include <memory>
#include <string_view>

#include "kms/provider.h"

namespace bulla {

// kInvalidArgument for what VaultSettings::Parse refuses.
Result<std::unique_ptr<KekProvider>> OpenVaultProvider(std::string_view rest,
                                                       const ProviderEnvironment& environment);

}  // namespace bulla
