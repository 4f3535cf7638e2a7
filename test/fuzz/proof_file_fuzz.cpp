// Proof files and requests to witnesses under arbitrary bytes: what parses is what would have been written, and its proof can
// be checked, whatever it says.

#include "core/add_checkpoint.h"
#include "core/proof_check.h"
#include "core/proof_file.h"
#include "require.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace bulla;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Sha256 hasher;
  if (const Result<ProofFile> file = ParseProofFile(text); file.ok()) {
    Require(FormatProofFile(file.value()) == text);
    const Result<void> checked = CheckProofFile(file.value(), {}, &hasher);
    Require(checked.ok() || checked.error().code != Code::kInternal);
  }
  if (const Result<AddCheckpoint> request = ParseAddCheckpoint(text); request.ok()) {
    Require(FormatAddCheckpoint(request.value()) == text);
    const RootPair roots{EmptyTreeRoot(), request.value().checkpoint.root};
    const Result<void> checked =
        CheckConsistency(request.value().old_size, request.value().checkpoint.size, roots,
                         request.value().proof, &hasher);
    Require(checked.ok() || checked.error().code != Code::kInternal);
  }
  return 0;
}
