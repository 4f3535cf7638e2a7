// What all commands read. Declared in verify/commands.h.
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "verify/commands.h"

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
