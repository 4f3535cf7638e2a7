// Checkpoints and origins under arbitrary bytes: what parses is what would have been written.

#include "core/checkpoint.h"
#include "core/origin.h"
#include "core/verifier_key.h"
#include "require.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace bulla;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const Result<Checkpoint> checkpoint = ParseCheckpoint(text); checkpoint.ok()) {
    Require(FormatCheckpoint(checkpoint.value()).value() == text);
    Require(checkpoint.value().size <= kMaxTreeSize);
  }
  if (const Result<Origin> origin = ParseOrigin(text); origin.ok()) {
    Require(FormatOrigin(origin.value()) == text);
    Require(IsKeyName(text));
  }
  return 0;
}
