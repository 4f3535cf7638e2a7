#include "pg/wrapped_version.h"

#include <string>
#include <vector>

#include "kms/system_random.h"
#include "kms/wrapping.h"
#include "pg/keks.h"

namespace bulla {
namespace {

static_assert(kMaxRewrapped == kMaxBatch);

// Copies into the memory context of the caller, from among C++ objects.
Bytes Keep(Bytes bytes) {
  auto* const copy = CallPg([&] { return static_cast<std::byte*>(palloc(bytes.size())); });
  memcpy(copy, bytes.data(), bytes.size());
  return {copy, bytes.size()};
}

const char* Keep(const std::string& text) {
  return CallPg([&] { return pnstrdup(text.data(), text.size()); });
}

Result<WrappedVersion> WrapNew(const KeyVersion& version, KekList& keks, Waiter& waiter) {
  const auto data_key = GenerateDataKey(version.algorithm, SystemRandom::Instance());
  if (!data_key.ok()) return data_key.error();
  const auto commitment = CommitToDataKey(data_key.value(), version.algorithm, version.purpose);
  if (!commitment.ok()) return commitment.error();
  const PlainKey key{version, &data_key.value()};
  const auto wrapped = WrapDataKeys(keks.first(), {&key, 1}, waiter);
  if (!wrapped.ok()) return wrapped.error();
  const auto kek = SplitWrapped(wrapped.value()[0]);
  if (!kek.ok()) return kek.error();
  return WrappedVersion{version, commitment.value(), Keep(kek.value().kek.Text()),
                        Keep(wrapped.value()[0])};
}

Result<const char*> Rewrap(RewrapItem* items, int count, KekList& keks, Waiter& waiter) {
  std::vector<StoredKey> keys;
  for (int i = 0; i < count; ++i)
    keys.push_back({items[i].version, items[i].commitment, items[i].wrapped});
  const auto id = keks.first().Id();
  if (!id.ok()) return id.error();
  const auto rewrapped = RewrapDataKeys(keks, keys, waiter);
  if (!rewrapped.ok()) return rewrapped.error();
  for (int i = 0; i < count; ++i) {
    const auto& answer = rewrapped.value()[static_cast<size_t>(i)];
    items[i].rewrapped = answer.ok() ? Keep(answer.value()) : Bytes{};
    items[i].problem = answer.ok() ? nullptr : Keep(answer.error().message);
  }
  return Keep(id.value().Text());
}

}  // namespace

WrappedVersion MakeWrappedVersion(const KeyVersion& version) {
  return EnterKeks([&](KekList& keks, Waiter& waiter) { return WrapNew(version, keks, waiter); });
}

const char* WrappingKekId() {
  return EnterKeks([](KekList& keks, Waiter&) -> Result<const char*> {
    const auto id = keks.first().Id();
    if (!id.ok()) return id.error();
    return Keep(id.value().Text());
  });
}

const char* RewrapVersions(RewrapItem* items, int count) {
  return EnterKeks(
      [&](KekList& keks, Waiter& waiter) { return Rewrap(items, count, keks, waiter); });
}

}  // namespace bulla
