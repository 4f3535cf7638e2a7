#include "pg/key_rotation.h"

extern "C" {
#include "utils/builtins.h"
#include "utils/uuid.h"
}

#include <string>
#include <vector>

#include "core/key_state.h"
#include "pg/boundary.h"
#include "pg/event_log.h"
#include "pg/key_changes.h"
#include "pg/wrapped_version.h"

namespace bulla {
namespace {

// The description of the version that comes after these; raises where the key may have none.
KeyVersion NextVersion(const KeyRow& key, List* versions) {
  return Enter([&]() -> Result<KeyVersion> {
    const auto described = DescriptionOf(key);
    if (!described.ok()) return described;
    KeyVersion next = described.value();
    next.version = 1;
    std::vector<KeyState> states;
    for (int i = 0; i < list_length(versions); ++i) {
      const auto* const version = static_cast<const KeyRow*>(list_nth(versions, i));
      const auto state = ParseKeyState(version->state);
      if (!state.ok()) return state.error();
      states.push_back(state.value());
      next.version = static_cast<uint32_t>(version->version) + 1;
    }
    const auto rotates = CheckRotates(next.purpose, states);
    if (rotates.ok()) return next;
    Error error = rotates.error();
    error.message = "key \"" + std::string(key.name) + "\" " + error.message;
    return error;
  });
}

}  // namespace

int32 AddVersion(const KeyRow& key, const char* emergency) {
  const KeyVersion next = NextVersion(key, ReadVersions(key));
  const WrappedVersion made = MakeWrappedVersion(next);
  const auto number = static_cast<int32>(next.version);
  InsertVersion(made);
  EventDetail detail;
  detail.Text("key", key.name)
      .Text("key_id", DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(&key.key_id))))
      .Number("version", number)
      .Bytes("version_id", made.commitment.bytes.data(), VersionId{}.bytes.size())
      .Bytes("commitment", made.commitment.bytes.data(), made.commitment.bytes.size())
      .Text("kek_id", made.kek_id);
  if (emergency != nullptr) detail.Text("emergency", emergency);
  RecordEvent("key.rotated", detail);
  return number;
}

int32 RotateKey(const KeyRow& key, const char* emergency) {
  if (strcmp(key.purpose, Name(Purpose::kLog).data()) == 0) {
    ereport(ERROR,
            (errcode(ERRCODE_WRONG_OBJECT_TYPE), errmsg("key \"%s\" signs checkpoints", key.name),
             errhint("Use bulla.rotate_signing_key().")));
  }
  return AddVersion(key, emergency);
}

}  // namespace bulla
