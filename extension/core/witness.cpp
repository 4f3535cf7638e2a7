#include "core/witness.h"

#include "core/proof_check.h"

namespace bulla {
namespace {

// Whether one of the keys signed the note and none of them did so wrongly. The reason why not.
Result<std::string> WhyNotSigned(const SignedNote& note, std::span<const VerifierKey> trusted) {
  std::string reason = "no trusted key of the log signed the checkpoint";
  for (const VerifierKey& key : trusted) {
    const Result<bool> is_signed = IsSignedBy(note, key);
    if (!is_signed.ok() && is_signed.error().code != Code::kAuthenticationFailed)
      return is_signed.error();
    if (!is_signed.ok()) return std::string(is_signed.error().message);
    if (is_signed.value()) reason.clear();
  }
  return reason;
}

}  // namespace

Result<WitnessVerdict> JudgeAddCheckpoint(const AddCheckpoint& request,
                                          std::span<const VerifierKey> trusted,
                                          const WitnessedTree& last, Sha256* hasher) {
  using enum WitnessAnswer;
  const Checkpoint& checkpoint = request.checkpoint;
  if (trusted.empty()) return WitnessVerdict{kUnknownOrigin, "unknown origin"};
  const Result<std::string> why_not_signed = WhyNotSigned(request.note, trusted);
  if (!why_not_signed.ok()) return why_not_signed.error();
  if (!why_not_signed.value().empty()) return WitnessVerdict{kNotSigned, why_not_signed.value()};
  if (request.old_size > checkpoint.size)
    return WitnessVerdict{kTreeShrank, "the old size is larger than that of the checkpoint"};
  if (request.old_size != last.size)
    return WitnessVerdict{kOtherOldSize,
                          "the size cosigned last is " + std::to_string(last.size.value)};
  if (checkpoint.size == last.size && checkpoint.root != last.root)
    return WitnessVerdict{kOtherRoot, "another root was cosigned for this size"};
  const Result<void> proved = CheckConsistency(last.size, checkpoint.size,
                                               {last.root, checkpoint.root}, request.proof, hasher);
  if (proved.ok()) return WitnessVerdict{kCosign, {}};
  if (proved.error().code != Code::kAuthenticationFailed) return proved.error();
  return WitnessVerdict{kNotProved, proved.error().message};
}

}  // namespace bulla
