// The KEK in a file: 'file:PATH'. It is read for each operation and kept nowhere.
#pragma once

#include <memory>
#include <string_view>

#include "kms/provider.h"

namespace bulla {

// kInvalidArgument for a path that is not absolute.
Result<std::unique_ptr<KekProvider>> OpenFileProvider(std::string_view path,
                                                      const ProviderEnvironment& environment);

}  // namespace bulla
