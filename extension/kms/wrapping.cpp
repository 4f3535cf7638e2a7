#include "kms/wrapping.h"

#include <utility>

namespace bulla {
namespace {

Result<void> CheckBatch(size_t size) {
  if (size <= kMaxBatch) return {};
  return Error{Code::kInvalidArgument, "too many keys in one batch"};
}

Result<SecretBytes> Open(Result<SecretBytes> structure, const StoredKey& key) {
  if (structure.ok()) return TakeDataKey(structure.value(), key.version, key.commitment);
  if (structure.error().code != Code::kAuthenticationFailed) return structure;
  return Error{Code::kAuthenticationFailed,
               "wrapped key was altered, or belongs to another key version"};
}

// Asks one provider for the keys with these indexes and puts its answers in their places.
Result<void> UnwrapSome(KekProvider& provider, std::span<const StoredKey> keys,
                        std::span<const size_t> indexes, Waiter& waiter,
                        std::vector<Result<SecretBytes>>* answers) {
  std::vector<WrapBinding> bindings(indexes.size());
  std::vector<ToUnwrap> batch;
  for (size_t i = 0; i < indexes.size(); ++i) {
    const StoredKey& key = keys[indexes[i]];
    const Result<WrappedParts> parts = SplitWrapped(key.wrapped);
    if (!parts.ok()) return parts.error();
    bindings[i] = BindTo(parts.value().kek, key.version);
    batch.push_back({parts.value().sealed, bindings[i]});
  }
  auto opened = provider.Unwrap(batch, waiter);
  if (!opened.ok() && opened.error().code == Code::kCancelled) return opened.error();
  for (size_t i = 0; i < indexes.size(); ++i) {
    Result<SecretBytes>& answer = (*answers)[indexes[i]];
    answer = opened.ok() ? Open(std::move(opened.value()[i]), keys[indexes[i]])
                         : Result<SecretBytes>(opened.error());
  }
  return {};
}

}  // namespace

Result<std::vector<ByteString>> WrapDataKeys(KekProvider& kek, std::span<const PlainKey> keys,
                                             Waiter& waiter) {
  if (Result<void> checked = CheckBatch(keys.size()); !checked.ok()) return checked.error();
  const Result<KekId> id = kek.Id();
  if (!id.ok()) return id.error();
  std::vector<SecretBytes> structures;
  std::vector<WrapBinding> bindings;
  for (const PlainKey& key : keys) {
    Result<SecretBytes> structure = JoinStructure(key.version, *key.data_key);
    if (!structure.ok()) return structure.error();
    structures.push_back(std::move(structure).value());
    bindings.push_back(BindTo(id.value(), key.version));
  }
  std::vector<ToWrap> batch;
  for (size_t i = 0; i < keys.size(); ++i) batch.push_back({&structures[i], bindings[i]});
  Result<std::vector<ByteString>> sealed = kek.Wrap(batch, waiter);
  if (!sealed.ok()) return sealed;
  for (ByteString& bytes : sealed.value()) bytes = JoinWrapped(id.value(), bytes);
  return sealed;
}

Result<std::vector<Result<SecretBytes>>> UnwrapDataKeys(KekList& keks,
                                                        std::span<const StoredKey> keys,
                                                        Waiter& waiter) {
  if (Result<void> checked = CheckBatch(keys.size()); !checked.ok()) return checked.error();
  std::vector<Result<SecretBytes>> answers;
  std::vector<std::pair<KekId, std::vector<size_t>>> groups;
  for (size_t i = 0; i < keys.size(); ++i) {
    const Result<WrappedParts> parts = SplitWrapped(keys[i].wrapped);
    answers.push_back(parts.ok() ? Error{Code::kInternal, "no provider was asked"} : parts.error());
    if (!parts.ok()) continue;
    size_t group = 0;
    while (group < groups.size() && groups[group].first != parts.value().kek) ++group;
    if (group == groups.size()) groups.push_back({parts.value().kek, {}});
    groups[group].second.push_back(i);
  }
  for (const auto& [id, indexes] : groups) {
    const Result<KekProvider*> provider = keks.Find(id);
    if (!provider.ok()) {
      for (const size_t index : indexes) answers[index] = provider.error();
      continue;
    }
    const Result<void> asked = UnwrapSome(*provider.value(), keys, indexes, waiter, &answers);
    if (!asked.ok()) return asked.error();
  }
  return answers;
}

Result<std::vector<Result<ByteString>>> RewrapDataKeys(KekList& keks,
                                                       std::span<const StoredKey> keys,
                                                       Waiter& waiter) {
  const Result<std::vector<Result<SecretBytes>>> unwrapped = UnwrapDataKeys(keks, keys, waiter);
  if (!unwrapped.ok()) return unwrapped.error();
  std::vector<PlainKey> plain;
  for (size_t i = 0; i < keys.size(); ++i)
    if (unwrapped.value()[i].ok())
      plain.push_back({keys[i].version, &unwrapped.value()[i].value()});
  std::vector<ByteString> wrapped;
  if (!plain.empty()) {
    Result<std::vector<ByteString>> done = WrapDataKeys(keks.first(), plain, waiter);
    if (!done.ok()) return done.error();
    wrapped = std::move(done).value();
  }
  std::vector<Result<ByteString>> answers;
  auto next = wrapped.begin();
  for (const Result<SecretBytes>& key : unwrapped.value()) {
    if (key.ok())
      answers.push_back(std::move(*next++));
    else
      answers.push_back(key.error());
  }
  return answers;
}

}  // namespace bulla
