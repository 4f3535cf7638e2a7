// Random numbers for tests: known ones, and none at all.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "core/random.h"

namespace bulla {

// Hands out the given bytes in order, to Fill and FillSecret alike; fails when they are used up.
class FixedRandom final : public Random {
 public:
  explicit FixedRandom(std::vector<std::byte> bytes) : bytes_(std::move(bytes)) {}

  Result<void> Fill(MutableBytes out) override {
    if (out.size() > bytes_.size() - used_) return Error{Code::kInternal, "no fixed bytes left"};
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(used_), out.size(), out.begin());
    used_ += out.size();
    return {};
  }
  Result<void> FillSecret(MutableBytes out) override { return Fill(out); }

  bool used_up() const { return used_ == bytes_.size(); }

 private:
  std::vector<std::byte> bytes_;
  size_t used_ = 0;
};

class FailingRandom final : public Random {
 public:
  Result<void> Fill(MutableBytes) override { return Failure(); }
  Result<void> FillSecret(MutableBytes) override { return Failure(); }

 private:
  static Error Failure() { return {Code::kUnavailable, "no randomness today"}; }
};

}  // namespace bulla
