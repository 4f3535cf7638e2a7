// From rows of the tables of keys to keys that seal, open and index.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/blind_index.h"
#include "core/data_key.h"
#include "core/envelope.h"
#include "core/key_version.h"
#include "kms/kek_list.h"
#include "pg/key_rows.h"

namespace bulla {

// A version of a key, unwrapped.
struct UnwrappedKey {
  std::string name;
  KeyVersion version;
  Commitment commitment;
  std::unique_ptr<EnvelopeCipher> cipher;  // purpose encrypt
  std::unique_ptr<BlindIndexKey> index;    // purpose index
  SecretBytes seed;                        // purpose log
  bool audited;                            // bulla.set_key_audit
  bool must_rotate;                        // before anything is sealed
};

// The first row's version, and behind it those of the others that one batch opens with it. For inside EnterKeks.
// Errors are about the first: the others say what is wrong with them when they are asked for.
Result<std::vector<UnwrappedKey>> UnwrapRows(const std::vector<const KeyRow*>& rows, KekList& keks,
                                             Waiter& waiter);

}  // namespace bulla
