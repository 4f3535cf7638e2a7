// States of witnesses under arbitrary bytes: one that parses has no other text.

#include "core/witness_state.h"
#include "require.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace bulla;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Result<WitnessState> state = ParseWitnessState(text);
  if (!state.ok()) {
    Require(state.error().code == Code::kCorrupt);
    return 0;
  }
  static const Ed25519Signer* const signer = new Ed25519Signer(
      std::move(Ed25519Signer::Create(std::move(SecretBytes::Allocate(kEd25519SeedSize)).value()))
          .value());
  const Result<std::string> formatted = FormatWitnessState(state.value(), *signer);
  Require(formatted.ok() && formatted.value().size() == text.size());
  const size_t signature = text.rfind("signature ");
  Require(formatted.value().substr(0, signature) == text.substr(0, signature));
  for (const auto& [origin, log] : state.value().logs)
    Require(!log.newest || log.newest->checkpoint.origin == origin);
  return 0;
}
