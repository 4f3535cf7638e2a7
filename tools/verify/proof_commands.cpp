// bulla-verify proof and consistency. Declared in verify/commands.h.
#include <algorithm>

#include "core/hex.h"
#include "core/proof_check.h"
#include "core/proof_file.h"
#include "verify/anchors.h"
#include "verify/commands.h"

namespace bulla::verify {
namespace {

void Refuse(Findings* findings, std::string why) {
  findings->Add({Outcome::kBadInput, "unreadable", {}, {}, std::move(why)});
}

// What a record says of itself, by docs/spec/record.md.
struct RecordPlace {
  LedgerId ledger;
  Bytes chain_key;
  uint64_t seq = 0;
};

constexpr std::string_view kMagic("bulla.record.v1\0", 16);

std::optional<RecordPlace> PlaceOf(Bytes record) {
  constexpr size_t kKeyAt = kMagic.size() + 16 + 4;
  constexpr size_t kTail = 8 + 32;
  RecordPlace place;
  if (record.size() > kMaxRecordSize || record.size() < kRecordFrameSize ||
      !AsText(record).starts_with(kMagic))
    return {};
  std::copy_n(record.begin() + kMagic.size(), 16, place.ledger.bytes.begin());
  const size_t key_size = GetU32(record.data() + kKeyAt - 4);
  if (key_size > kMaxChainKeySize || key_size > record.size() - kRecordFrameSize) return {};
  place.chain_key = record.subspan(kKeyAt, key_size);
  place.seq = GetU64(record.data() + record.size() - kTail);
  return place;
}

// The bytes themselves, or as psql prints a bytea.
Result<std::vector<std::byte>> ReadRecord(const std::string& file) {
  const Result<std::string> read = ReadFile(file, 2 * kMaxRecordSize + 3);
  if (!read.ok()) return read.error();
  std::string_view text = read.value();
  if (!text.starts_with("\\x")) {
    const Bytes bytes = AsBytes(text);
    return std::vector<std::byte>(bytes.begin(), bytes.end());
  }
  text.remove_prefix(2);
  if (text.ends_with('\n')) text.remove_suffix(1);
  std::vector<std::byte> record(text.size() / 2);
  if (!DecodeHex(text, record))
    return Error{Code::kInvalidArgument, file + ": it is not hexadecimal"};
  return record;
}

// The proof has to be of the place that the record says it is at.
Result<bool> IsOf(const ProofFile& proof, const RecordPlace& place) {
  const Result<Origin> origin = ParseOrigin(proof.checkpoint.origin);
  if (!origin.ok()) return false;
  const Result<ChainId> chain = IdentifyChain(place.ledger, place.chain_key);
  if (!chain.ok()) return chain.error();
  return origin.value().ledger == place.ledger && origin.value().chain == chain.value() &&
         proof.index.value == place.seq;
}

// The leaf; nothing where a finding says why.
std::optional<LeafHash> LeafOf(const ProofArguments& arguments, const ProofFile& proof,
                               Findings* findings) {
  LeafHash leaf;
  if (arguments.record.empty()) {
    if (DecodeHex(arguments.hash, leaf.bytes)) return leaf;
    Refuse(findings, "--hash is not 64 hexadecimal digits in lower case");
    return {};
  }
  const Result<std::vector<std::byte>> record = ReadRecord(arguments.record);
  if (!record.ok()) return Refuse(findings, record.error().message), std::nullopt;
  const std::optional<RecordPlace> place = PlaceOf(record.value());
  if (!place)
    return Refuse(findings, arguments.record + ": it is no record of a ledger"), std::nullopt;
  const Result<bool> is_of = IsOf(proof, *place);
  if (!is_of.ok()) return Refuse(findings, is_of.error().message), std::nullopt;
  if (!is_of.value()) {
    findings->Add({Outcome::kTampered,
                   "wrong origin",
                   {},
                   place->seq,
                   "the proof is not of the ledger, chain and seq that the record names"});
    return {};
  }
  Sha256 hasher;
  const std::byte zero{};
  hasher.Start();
  hasher.Update({&zero, 1});
  hasher.Update(record.value());
  if (!hasher.Finish(&leaf)) return Refuse(findings, "SHA-256 failed"), std::nullopt;
  return leaf;
}

// What bulla.heads says of the checkpoint takes the place of who signed it. False where it says something else.
bool MeetHeads(const std::vector<Anchor>& heads, const Checkpoint& checkpoint,
               TrustVerdict* verdict, Findings* findings) {
  for (const Anchor& anchor : heads) {
    const bool same_tree =
        anchor.checkpoint.origin == checkpoint.origin && anchor.checkpoint.size == checkpoint.size;
    if (!same_tree)
      return Refuse(findings,
                    anchor.file + ": it tells of " + std::to_string(anchor.checkpoint.size.value) +
                        " rows of " + anchor.checkpoint.origin + ", and the proof is of " +
                        std::to_string(checkpoint.size.value) + " of " + checkpoint.origin),
             false;
    if (anchor.checkpoint.root != checkpoint.root) {
      findings->Add({Outcome::kTampered,
                     "rewritten",
                     {},
                     {},
                     "the checkpoint of the proof is not the one that bulla.heads tells of in " +
                         anchor.file});
      return false;
    }
    *verdict = anchor.trust;
  }
  return true;
}

// What a checkpoint that fits is worth.
void TellTrust(const TrustVerdict& verdict, const std::string& file, const std::string& shown,
               Findings* findings) {
  if (!verdict.anchored) {
    findings->Add({Outcome::kUnanchored,
                   "not anchored",
                   {},
                   {},
                   "the checkpoint in " + file + " fits, and proves nothing: " + verdict.why});
    return;
  }
  findings->Prove(shown + ToldBy(verdict));
  if (verdict.stale)
    findings->Add(
        {Outcome::kStale, "stale", {}, {}, "the checkpoint in " + file + ": " + verdict.why});
}

}  // namespace

namespace {

// Logs that are none of Bulla's have no epochs.
void TellEpoch(const std::string& file, const std::string& origin, Findings* findings) {
  const Result<Origin> parsed = ParseOrigin(origin);
  if (parsed.ok() && parsed.value().epoch.value > 0)
    findings->Add(RestoredFinding(file, parsed.value()));
}

}  // namespace

Verification VerifyProof(const ProofArguments& arguments, PosixTime now) {
  Verification verification;
  Findings* const findings = &verification.findings;
  verification.subject.text = arguments.file;
  const std::optional<Trust> trust = MakeTrust(arguments.trust, findings);
  if (!trust) return verification;
  const Result<std::string> text = ReadFile(arguments.file, kMaxProofFileSize);
  if (!text.ok()) return Refuse(findings, text.error().message), verification;
  const Result<ProofFile> proof = ParseProofFile(text.value());
  if (!proof.ok())
    return Refuse(findings, arguments.file + ": " + proof.error().message), verification;
  const Checkpoint& checkpoint = proof.value().checkpoint;
  verification.subject.text =
      "index " + std::to_string(proof.value().index.value) + " of " + checkpoint.origin;
  const std::optional<LeafHash> leaf = LeafOf(arguments, proof.value(), findings);
  if (!leaf) return verification;
  Sha256 hasher;
  TrustVerdict verdict = JudgeNote(*trust, proof.value().note, arguments.file, now, findings);
  TellEpoch(arguments.file, checkpoint.origin, findings);
  const auto heads = ReadHeads(arguments.heads, *trust, now, findings);
  if (!heads || !MeetHeads(*heads, checkpoint, &verdict, findings)) return verification;
  if (!CheckProofFile(proof.value(), *leaf, &hasher).ok()) {
    findings->Add({Outcome::kTampered,
                   "not included",
                   {},
                   proof.value().index.value,
                   "the proof does not lead from this record to the root of its checkpoint"});
    return verification;
  }
  TellTrust(verdict, arguments.file,
            "the record is the one with seq " + std::to_string(proof.value().index.value) +
                " of the " + std::to_string(checkpoint.size.value) + " that " + checkpoint.origin +
                " signed",
            findings);
  return verification;
}

namespace {

std::optional<Anchor> ReadAnchor(const std::string& file, Findings* findings) {
  const Result<std::string> text = ReadFile(file, kMaxNoteSize);
  if (!text.ok()) return Refuse(findings, text.error().message), std::nullopt;
  Result<Anchor> anchor = ParseAnchor(text.value(), file);
  if (!anchor.ok()) return Refuse(findings, file + ": " + anchor.error().message), std::nullopt;
  return std::move(anchor).value();
}

// Hashes in base64, one on each line.
std::optional<std::vector<NodeHash>> ReadProof(const std::string& file, Findings* findings) {
  const Result<std::string> text = ReadFile(file, kMaxProofLines * 45 + 1);
  if (!text.ok()) return Refuse(findings, text.error().message), std::nullopt;
  // The empty line behind them may be there or not.
  const bool ended = text.value() == "\n" || text.value().ends_with("\n\n");
  const std::string with_end = text.value() + (ended ? "" : "\n");
  std::string_view rest = with_end;
  std::vector<NodeHash> hashes;
  if (!TakeProofLines(&rest, &hashes) || !rest.empty())
    return Refuse(findings, file + ": it is not hashes in base64, one on each line"), std::nullopt;
  return hashes;
}

// The same log, perhaps in a later epoch, which may begin with the tree of the one before.
bool IsSuccessor(const Origin& older, const Origin& newer) {
  return older.log_name == newer.log_name && older.ledger == newer.ledger &&
         older.chain == newer.chain && older.epoch <= newer.epoch;
}

}  // namespace

Verification VerifyConsistency(const ConsistencyArguments& arguments, PosixTime now) {
  Verification verification;
  Findings* const findings = &verification.findings;
  verification.subject.text = arguments.newer;
  const std::optional<Trust> trust = MakeTrust(arguments.trust, findings);
  if (!trust) return verification;
  const std::optional<Anchor> older = ReadAnchor(arguments.older, findings);
  const std::optional<Anchor> newer = ReadAnchor(arguments.newer, findings);
  const std::optional<std::vector<NodeHash>> proof = ReadProof(arguments.proof, findings);
  if (!older || !newer || !proof) return verification;
  const Checkpoint& from = older->checkpoint;
  const Checkpoint& to = newer->checkpoint;
  verification.subject.text = to.origin;
  if (!IsSuccessor(older->origin, newer->origin))
    return Refuse(findings,
                  "the checkpoints are of two logs: " + from.origin + " and " + to.origin),
           verification;
  const bool outlived = older->origin.epoch < newer->origin.epoch;
  JudgeNote(*trust, older->note, arguments.older, now, findings);
  const TrustVerdict verdict = JudgeNote(*trust, newer->note, arguments.newer, now, findings);
  TellEpoch(arguments.newer, to.origin, findings);
  Sha256 hasher;
  if (from.size > to.size) {
    findings->Add({Outcome::kTampered,
                   outlived && verdict.anchored ? kRestored : "truncated",
                   {},
                   {},
                   "the newer checkpoint covers " + std::to_string(to.size.value) +
                       " rows, the older one " + std::to_string(from.size.value) +
                       (outlived ? ", of an epoch before a restore was recorded" : "")});
  } else if (!CheckConsistency(from.size, to.size, {from.root, to.root}, *proof, &hasher).ok()) {
    findings->Add(
        {Outcome::kTampered,
         "not consistent",
         {},
         {},
         "the proof does not show that the newer checkpoint's tree begins with the older one's"});
  } else {
    TellTrust(verdict, arguments.newer,
              "the " + std::to_string(to.size.value) + " rows that " + to.origin +
                  " signed begin with the " + std::to_string(from.size.value) +
                  " of the older checkpoint",
              findings);
  }
  return verification;
}

}  // namespace bulla::verify
