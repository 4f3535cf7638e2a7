#include "core/witness_state.h"

#include <algorithm>

#include "core/base64.h"
#include "core/decimal.h"

namespace bulla {
namespace {

constexpr std::string_view kMagic = "bulla.witness-state.v1\n";
constexpr std::string_view kWitness = "witness ";
constexpr std::string_view kTime = "time ";
constexpr std::string_view kTrust = "trust ";
constexpr std::string_view kCosigned = "cosigned ";
constexpr std::string_view kSignature = "signature ";
constexpr uint64_t kMaxSeconds = (uint64_t{1} << 63) - 1;

Error Corrupt(std::string_view why) {
  return {Code::kCorrupt, "malformed state of a witness: " + std::string(why)};
}

// Takes a line that begins so off the front, and gives what is behind that.
bool TakeAfter(std::string_view prefix, std::string_view* text, std::string_view* rest) {
  if (!text->starts_with(prefix) || !TakeLine(text, rest)) return false;
  rest->remove_prefix(prefix.size());
  return true;
}

bool IsOrigin(std::string_view origin) {
  return FormatCheckpoint({std::string(origin), {}, {}, {}}).ok();
}

std::string Body(const WitnessState& state) {
  std::string text(kMagic);
  text.append(kWitness).append(state.witness.ToText()).append("\n");
  text.append(kTime).append(std::to_string(state.time.seconds)).append("\n");
  for (const auto& [origin, log] : state.logs) {
    for (const VerifierKey& key : log.keys)
      text.append(kTrust).append(key.ToText()).append(" ").append(origin).append("\n");
    if (!log.newest) continue;
    const std::string note = FormatNote(log.newest->note);
    text.append(kCosigned).append(std::to_string(log.newest->time.seconds)).append(" ");
    text.append(std::to_string(note.size())).append("\n").append(note);
  }
  return text;
}

// "trust KEY ORIGIN": a key has no spaces, an origin may.
bool ParseTrust(std::string_view line, WitnessState* state) {
  const size_t space = line.find(' ');
  if (space == line.npos) return false;
  Result<VerifierKey> key = VerifierKey::Parse(line.substr(0, space));
  const std::string origin(line.substr(space + 1));
  if (!key.ok() || key.value().type() != SignatureType::kNote || !IsOrigin(origin)) return false;
  std::vector<VerifierKey>& keys = state->logs[origin].keys;
  const auto is_it = [&](const VerifierKey& other) {
    return other.ToText() == key.value().ToText();
  };
  if (std::any_of(keys.begin(), keys.end(), is_it)) return false;
  keys.push_back(std::move(key).value());
  return true;
}

// "cosigned TIME SIZE", and behind it so many bytes of a note.
bool ParseCosigned(std::string_view line, std::string_view* text, WitnessState* state) {
  const size_t space = line.find(' ');
  if (space == line.npos) return false;
  const auto seconds = ParseDecimal(line.substr(0, space), kMaxSeconds);
  const auto size = ParseDecimal(line.substr(space + 1), text->size());
  if (!seconds || !size) return false;
  Result<SignedNote> note = ParseNote(text->substr(0, *size));
  text->remove_prefix(*size);
  if (!note.ok()) return false;
  Result<Checkpoint> checkpoint = ParseCheckpoint(note.value().text);
  if (!checkpoint.ok()) return false;
  std::string origin = checkpoint.value().origin;
  state->logs[std::move(origin)].newest = CosignedCheckpoint{
      std::move(note).value(), std::move(checkpoint).value(), PosixTime{*seconds}};
  return true;
}

struct Signed {
  std::string_view body;
  Ed25519Signature signature;
};

// Takes the last line off.
std::optional<Signed> TakeSignature(std::string_view text) {
  Signed taken;
  constexpr size_t kTextSize = Base64Size(sizeof taken.signature.bytes);
  constexpr size_t kLineSize = kSignature.size() + kTextSize + 1;
  if (text.size() < kLineSize || !text.ends_with('\n')) return {};
  std::string_view line = text.substr(text.size() - kLineSize);
  taken.body = text.substr(0, text.size() - kLineSize);
  if (!line.starts_with(kSignature) || !taken.body.ends_with('\n')) return {};
  if (!DecodeBase64(line.substr(kSignature.size(), kTextSize), taken.signature.bytes)) return {};
  return taken;
}

Result<VerifierKey> ParseHead(std::string_view* text) {
  std::string_view line;
  if (!text->starts_with(kMagic)) return Corrupt("it does not begin as one");
  text->remove_prefix(kMagic.size());
  if (!TakeAfter(kWitness, text, &line)) return Corrupt("it does not say whose it is");
  Result<VerifierKey> witness = VerifierKey::Parse(line);
  if (!witness.ok() || witness.value().type() != SignatureType::kCosignature)
    return Corrupt("it does not say whose it is");
  return witness;
}

}  // namespace

Result<std::string> FormatWitnessState(const WitnessState& state, const Ed25519Signer& signer) {
  std::string text = Body(state);
  const Result<Ed25519Signature> signature = signer.Sign(AsBytes(text));
  if (!signature.ok()) return signature.error();
  std::string encoded(Base64Size(signature.value().bytes.size()), '\0');
  EncodeBase64(signature.value().bytes, encoded);
  text.append(kSignature).append(encoded).append("\n");
  // What cannot be read again is worse than none.
  if (const Result<WitnessState> read = ParseWitnessState(text); !read.ok())
    return Error{Code::kInvalidArgument, read.error().message};
  return text;
}

Result<WitnessState> ParseWitnessState(std::string_view text) {
  if (text.size() > kMaxWitnessStateSize) return Corrupt("it is too long");
  const auto taken = TakeSignature(text);
  if (!taken) return Corrupt("no signature ends it");
  std::string_view rest = taken->body, line;
  Result<VerifierKey> witness = ParseHead(&rest);
  if (!witness.ok()) return witness.error();
  WitnessState state{std::move(witness).value(), {}, {}};
  if (!TakeAfter(kTime, &rest, &line)) return Corrupt("it has no time");
  const auto seconds = ParseDecimal(line, kMaxSeconds);
  if (!seconds) return Corrupt("its time is not a number from 0 to 2^63 - 1");
  state.time = PosixTime{*seconds};
  while (!rest.empty()) {
    if (TakeAfter(kTrust, &rest, &line)
            ? !ParseTrust(line, &state)
            : !TakeAfter(kCosigned, &rest, &line) || !ParseCosigned(line, &rest, &state))
      return Corrupt("it has a line that is none of it");
  }
  for (const auto& [origin, log] : state.logs) {
    if (log.newest && log.newest->time > state.time)
      return Corrupt("a time is later than its time");
  }
  // Order and repetitions: one state has one text.
  if (Body(state) != taken->body) return Corrupt("its lines are in another order");
  return state;
}

Result<WitnessState> ReadWitnessState(std::string_view text, const VerifierKey& witness) {
  std::string_view rest = text;
  const Result<VerifierKey> owner = ParseHead(&rest);
  if (!owner.ok()) return owner.error();
  if (owner.value().ToText() != witness.ToText())
    return Error{Code::kFailedPrecondition, "it is the state of another key, " +
                                                owner.value().ToText() + ", and not of " +
                                                witness.ToText()};
  const auto taken = TakeSignature(text);
  if (!taken) return Corrupt("no signature ends it");
  const Result<bool> verified =
      VerifyEd25519(witness.key(), AsBytes(taken->body), taken->signature);
  if (!verified.ok()) return verified.error();
  if (!verified.value()) return Corrupt("its signature is not over what stands there");
  return ParseWitnessState(text);
}

}  // namespace bulla
