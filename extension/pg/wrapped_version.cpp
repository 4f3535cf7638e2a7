#include "pg/wrapped_version.h"

#include <string>

#include "kms/system_random.h"
#include "pg/key_store.h"

namespace bulla {

Result<WrappedVersion> MakeWrappedVersion(const KeyVersion& version) {
  Random& random = SystemRandom::Instance();
  const auto kek = LoadKek();
  if (!kek.ok()) return kek.error();
  const auto data_key = GenerateDataKey(version.algorithm, random);
  if (!data_key.ok()) return data_key.error();
  const auto commitment = CommitToDataKey(data_key.value(), version.algorithm, version.purpose);
  if (!commitment.ok()) return commitment.error();

  WrappedVersion made{version, commitment.value(), {}, WrappedKeySize(version.algorithm), {}};
  const auto wrapped = WrapDataKey(kek.value(), version, data_key.value(), random,
                                   MutableBytes(made.bytes, made.size));
  if (!wrapped.ok()) return wrapped.error();
  kek.value().id().Text().copy(made.kek_id, sizeof made.kek_id - 1);
  return made;
}

}  // namespace bulla
