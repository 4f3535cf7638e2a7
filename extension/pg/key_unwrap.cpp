#include "pg/key_unwrap.h"

#include <utility>

#include "kms/wrapping.h"

namespace bulla {
namespace {

Result<StoredKey> Parse(const KeyRow& row) {
  const auto version = DescriptionOf(row);
  if (!version.ok()) return version.error();
  const auto commitment = CommitmentOf(row);
  if (!commitment.ok()) return commitment.error();
  return StoredKey{version.value(), commitment.value(), row.wrapped};
}

Result<UnwrappedKey> Prepare(const KeyRow& row, const StoredKey& stored, SecretBytes data_key) {
  UnwrappedKey key{row.name, stored.version, stored.commitment, nullptr, nullptr,
                   {},       row.audited,    row.must_rotate};
  if (stored.version.purpose == Purpose::kLog) {
    key.seed = std::move(data_key);
    return key;
  }
  if (stored.version.purpose == Purpose::kIndex) {
    auto index = BlindIndexKey::Create(std::move(data_key));
    if (!index.ok()) return index.error();
    key.index = std::make_unique<BlindIndexKey>(std::move(index).value());
    return key;
  }
  auto cipher =
      EnvelopeCipher::Create(stored.version.algorithm, stored.commitment.version_id(), data_key);
  if (!cipher.ok()) return cipher.error();
  key.cipher = std::make_unique<EnvelopeCipher>(std::move(cipher).value());
  return key;
}

// What is unwrapped together: the row, and what it says.
struct Batch {
  std::vector<const KeyRow*> rows;
  std::vector<StoredKey> keys;
};

// The first row, and those under the same KEK where its provider answers for many as soon as for one.
Result<Batch> BatchOf(const std::vector<const KeyRow*>& rows, KekList& keks) {
  const auto first = Parse(*rows[0]);
  if (!first.ok()) return first.error();
  const auto parts = SplitWrapped(first.value().wrapped);
  if (!parts.ok()) return parts.error();
  const auto provider = keks.Find(parts.value().kek);
  if (!provider.ok()) return provider.error();

  Batch batch{{rows[0]}, {first.value()}};
  for (size_t i = 1; i < rows.size() && provider.value()->PrefersBatches(); ++i) {
    const auto other = Parse(*rows[i]);
    if (!other.ok()) continue;
    const auto others_parts = SplitWrapped(other.value().wrapped);
    if (!others_parts.ok() || others_parts.value().kek != parts.value().kek) continue;
    batch.rows.push_back(rows[i]);
    batch.keys.push_back(other.value());
  }
  return batch;
}

Result<std::vector<UnwrappedKey>> UnwrapBatch(const Batch& batch, KekList& keks, Waiter& waiter) {
  auto data_keys = UnwrapDataKeys(keks, batch.keys, waiter);
  if (!data_keys.ok()) return data_keys.error();
  std::vector<UnwrappedKey> unwrapped;
  for (size_t i = 0; i < batch.keys.size(); ++i) {
    auto& data_key = data_keys.value()[i];
    auto key = data_key.ok() ? Prepare(*batch.rows[i], batch.keys[i], std::move(data_key).value())
                             : Result<UnwrappedKey>(data_key.error());
    if (!key.ok() && i == 0) return key.error();
    if (key.ok()) unwrapped.push_back(std::move(key).value());
  }
  return unwrapped;
}

}  // namespace

Result<std::vector<UnwrappedKey>> UnwrapRows(const std::vector<const KeyRow*>& rows, KekList& keks,
                                             Waiter& waiter) {
  const auto batch = BatchOf(rows, keks);
  auto unwrapped = batch.ok() ? UnwrapBatch(batch.value(), keks, waiter)
                              : Result<std::vector<UnwrappedKey>>(batch.error());
  if (unwrapped.ok() || unwrapped.error().code == Code::kCancelled) return unwrapped;
  Error error = unwrapped.error();
  error.message = "key \"" + std::string(rows[0]->name) + "\": " + error.message;
  return error;
}

}  // namespace bulla
