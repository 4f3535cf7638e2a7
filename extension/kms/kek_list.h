// The KEKs that the setting bulla.kek names: the first wraps, each unwraps what it wrapped.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kms/provider.h"

namespace bulla {

// The items of a list: separated by commas, spaces around them do not count. An item may stand in double
// quotes, and then hold commas and doubled quotes. kInvalidArgument for an empty item or an open quote.
Result<std::vector<std::string>> SplitKekSetting(std::string_view setting);

class KekList {
 public:
  // kFailedPrecondition where the setting is empty; else what OpenProvider says. Reads and reaches
  // nothing yet.
  static Result<KekList> Open(std::string_view setting, const ProviderEnvironment& environment);

  explicit KekList(std::vector<std::unique_ptr<KekProvider>> providers)  // at least one
      : providers_(std::move(providers)) {}

  KekProvider& first() { return *providers_.front(); }
  size_t size() const { return providers_.size(); }

  // The provider of the KEK with this id. kFailedPrecondition where none has it, or two do; where a KEK
  // of this kind cannot say its id, it could have been the one: then its error.
  Result<KekProvider*> Find(const KekId& id);

 private:
  std::vector<std::unique_ptr<KekProvider>> providers_;
};

}  // namespace bulla
