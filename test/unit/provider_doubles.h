// A waiter on poll() alone, and holders of KEKs that do what a test wants.
#pragma once

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kms/kek_list.h"
#include "kms/waiter.h"

namespace bulla {

// Waits with poll(); `cancelled` is asked before each wait.
class PollWaiter final : public Waiter {
 public:
  explicit PollWaiter(std::chrono::milliseconds limit = std::chrono::seconds(20)) : Waiter(limit) {}

  Result<bool> Wait(std::span<pollfd> descriptors, std::chrono::milliseconds at_most) override {
    if (cancelled && cancelled()) return Error{Code::kCancelled, "cancelled"};
    const auto limit = std::min(left(), at_most);
    const int ready = poll(descriptors.data(), descriptors.size(), static_cast<int>(limit.count()));
    for (pollfd& descriptor : descriptors) {
      if ((descriptor.revents & (POLLHUP | POLLERR)) == 0) continue;
      descriptor.revents = descriptor.events;
    }
    return ready > 0;
  }
  void Note(std::string_view text) override { notes.append(text).append("\n"); }

  std::function<bool()> cancelled;
  std::string notes;
};

// "Wraps" by turning every bit; knows nothing of bindings, as some do.
class FlippingProvider final : public KekProvider {
 public:
  explicit FlippingProvider(KekId id) : id_(id) {}

  KekKind kind() const override { return id_.kind; }
  Result<KekId> Id() override { return id_; }
  bool PrefersBatches() const override { return true; }

  Result<std::vector<std::vector<std::byte>>> Wrap(std::span<const ToWrap> batch,
                                                   Waiter&) override {
    batches.push_back(batch.size());
    if (failure) return *failure;
    std::vector<std::vector<std::byte>> all;
    for (const ToWrap& item : batch) {
      const Bytes bytes = item.structure->RevealSecretBytes();
      for (std::byte& byte : all.emplace_back(bytes.begin(), bytes.end())) byte = ~byte;
    }
    return all;
  }

  Result<std::vector<Result<SecretBytes>>> Unwrap(std::span<const ToUnwrap> batch,
                                                  Waiter&) override {
    batches.push_back(batch.size());
    if (failure) return *failure;
    std::vector<Result<SecretBytes>> all;
    for (const ToUnwrap& item : batch) {
      Result<SecretBytes> opened = SecretBytes::CopyOf(item.sealed);
      for (std::byte& byte : opened.value().RevealSecretBytes()) byte = ~byte;
      all.push_back(std::move(opened));
    }
    return all;
  }

  std::optional<Error> failure;
  std::vector<size_t> batches;  // the size of each that was asked for

 private:
  KekId id_;
};

}  // namespace bulla
