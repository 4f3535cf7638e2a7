// What all commands read. Declared in verify/commands.h.
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "core/proof_file.h"
#include "verify/commands.h"
#include "verify/heads_anchor.h"

namespace bulla::verify {
namespace {

Error Unreadable(const std::string& path, const std::string& why) {
  return {Code::kInvalidArgument, path + ": " + why};
}

}  // namespace

Result<std::string> ReadFile(const std::string& path, size_t most) {
  const auto close = [](std::FILE* file) { std::fclose(file); };
  const std::unique_ptr<std::FILE, decltype(close)> file(std::fopen(path.c_str(), "rb"), close);
  if (!file) return Unreadable(path, std::strerror(errno));
  std::string text(most + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (std::ferror(file.get()) != 0) return Unreadable(path, std::strerror(errno));
  if (text.size() > most)
    return Unreadable(path, "it has more than " + std::to_string(most) + " bytes");
  return text;
}

std::optional<Trust> MakeTrust(const TrustArguments& arguments, Findings* findings) {
  const auto refuse = [findings](const std::string& why) -> std::optional<Trust> {
    findings->Add({Outcome::kBadInput, "unreadable", {}, {}, why});
    return {};
  };
  if (arguments.policy.empty()) {
    Result<Trust> trust = Trust::FromKeys(arguments.keys, arguments.demands);
    if (!trust.ok()) return refuse(trust.error().message);
    return std::move(trust).value();
  }
  const Result<std::string> text = ReadFile(arguments.policy, kMaxPolicySize);
  if (!text.ok()) return refuse(text.error().message);
  Result<Trust> trust = Trust::FromPolicy(text.value(), arguments.demands);
  if (!trust.ok()) return refuse(arguments.policy + ": " + trust.error().message);
  return std::move(trust).value();
}

std::optional<std::vector<Anchor>> ReadHeads(const HeadsArguments& arguments, const Trust& trust,
                                             PosixTime now, Findings* findings) {
  std::vector<Anchor> anchors;
  const auto refuse = [findings](const std::string& why) -> std::optional<std::vector<Anchor>> {
    findings->Add({Outcome::kBadInput, "unreadable", {}, {}, why});
    return {};
  };
  if (arguments.files.empty()) return anchors;
  const std::vector<std::string> logs = trust.logs();
  if (arguments.log.empty() && logs.size() != 1)
    return refuse("--heads-log has to say which of the logs that you trust is bulla.heads");
  const std::string& heads = arguments.log.empty() ? logs[0] : arguments.log;
  Sha256 hasher;
  for (const std::string& file : arguments.files) {
    const Result<std::string> text = ReadFile(file, kMaxProofFileSize);
    if (!text.ok()) return refuse(text.error().message);
    Result<Anchor> anchor = ParseHeadsAnchor(text.value(), file, &hasher);
    if (!anchor.ok() && anchor.error().code == Code::kCorrupt) {
      findings->Add(
          {Outcome::kTampered, "not included", {}, {}, file + ": " + anchor.error().message});
      return {};
    }
    if (!anchor.ok()) return refuse(file + ": " + anchor.error().message);
    anchor.value().trust = JudgeNote(trust, anchor.value().note, file, now, findings);
    // Other ledgers can have rows of this form.
    if (anchor.value().signer != heads) {
      anchor.value().trust = {};
      anchor.value().trust.why = "it is not of bulla.heads as you know it";
    }
    anchors.push_back(std::move(anchor).value());
  }
  return anchors;
}

TrustVerdict JudgeNote(const Trust& trust, const SignedNote& note, const std::string& file,
                       PosixTime now, Findings* findings) {
  Result<TrustVerdict> verdict = trust.Judge(note, now);
  if (verdict.ok()) return std::move(verdict).value();
  const bool forged = verdict.error().code == Code::kAuthenticationFailed;
  findings->Add({forged ? Outcome::kTampered : Outcome::kBadInput,
                 forged ? "forged" : "unreadable",
                 {},
                 {},
                 forged
                     ? "a signature under " + file + " that claims to be of a key you trust is not"
                     : file + ": " + verdict.error().message});
  TrustVerdict nobody;
  nobody.why = "a signature under it is forged";
  return nobody;
}

}  // namespace bulla::verify
