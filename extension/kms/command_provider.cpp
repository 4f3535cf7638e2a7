#include "kms/command_provider.h"

#include <algorithm>
#include <utility>

#include <unistd.h>

#include "kms/child.h"

namespace bulla {
namespace {

// What is opened is a description and a data key, far smaller than this.
constexpr size_t kMaxOpenedSize = 512;

Error BadItem(const char* what) {
  return Error{
      Code::kInvalidArgument, std::string("command in setting bulla.kek ") + what,
      "Allowed: 'command:NAME:/PATH/PROGRAM ARGUMENT…', with %o for the operation and %k for "
      "the id of the KEK; words may stand in quotes."};
}

bool IsName(std::string_view name) {
  constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  return !name.empty() && name.size() <= 64 &&
         name.find_first_not_of(kAllowed) == std::string_view::npos;
}

class CommandProvider final : public KekProvider {
 public:
  CommandProvider(std::string_view name, const KekId& id, std::vector<std::string> words)
      : name_(name), id_(id), words_(std::move(words)) {}

  KekKind kind() const override { return KekKind::kCommand; }
  Result<KekId> Id() override { return id_; }
  bool PrefersBatches() const override { return false; }

  Result<std::vector<std::vector<std::byte>>> Wrap(std::span<const ToWrap> batch,
                                                   Waiter& waiter) override {
    std::vector<std::vector<std::byte>> all;
    for (const ToWrap& item : batch) {
      std::vector<std::byte>& sealed = all.emplace_back(kMaxSealedSize);
      const Result<size_t> size = Run("wrap", item.structure->RevealSecretBytes(), sealed, waiter);
      if (!size.ok()) return size.error();
      sealed.resize(size.value());
    }
    return all;
  }

  Result<std::vector<Result<SecretBytes>>> Unwrap(std::span<const ToUnwrap> batch,
                                                  Waiter& waiter) override {
    std::vector<Result<SecretBytes>> all;
    for (const ToUnwrap& item : batch) {
      all.push_back(UnwrapOne(item, waiter));
      if (!all.back().ok() && all.back().error().code == Code::kCancelled)
        return all.back().error();
    }
    return all;
  }

 private:
  Result<SecretBytes> UnwrapOne(const ToUnwrap& item, Waiter& waiter) const {
    Result<SecretBytes> room = SecretBytes::Allocate(kMaxOpenedSize);
    if (!room.ok()) return room;
    const Result<size_t> size =
        Run("unwrap", item.sealed, room.value().RevealSecretBytes(), waiter);
    if (!size.ok()) return size.error();
    return SecretBytes::CopyOf(std::as_const(room.value()).RevealSecretBytes().first(size.value()));
  }

  // Runs the program once; the size of what it answered.
  Result<size_t> Run(const char* operation, Bytes input, MutableBytes output,
                     Waiter& waiter) const {
    std::vector<std::string> words;
    for (const std::string& word : words_) {
      Result<std::string> filled = FillPlaceholders(word, operation, id_.Text());
      if (!filled.ok()) return filled.error();
      words.push_back(std::move(filled).value());
    }
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    const Result<ChildEnd> end = RunChild(
        [&] {
          execv(arguments[0], arguments.data());
          return 127;
        },
        input, output, waiter);
    if (!end.ok()) return About(operation, end.error());
    if (!end.value().errors.empty())
      waiter.Note("program of KEK command:" + name_ + ", " + operation + ": " + end.value().errors);
    if (!end.value().succeeded())
      return About(operation,
                   {Code::kUnavailable, "the program " + end.value().Text(),
                    "What it wrote to its standard error is in the server's log; status 127 says "
                    "that it cannot be run."});
    if (end.value().output_size == 0)
      return About(operation, {Code::kUnavailable, "the program answered nothing"});
    return end.value().output_size;
  }

  Error About(const char* operation, const Error& error) const {
    if (error.code == Code::kCancelled) return error;
    return Error{error.code,
                 "KEK command:" + name_ + " could not " + operation + ": " + error.message,
                 error.hint};
  }

  std::string name_;
  KekId id_;
  std::vector<std::string> words_;
};

}  // namespace

Result<std::vector<std::string>> SplitCommandLine(std::string_view line) {
  if (line.find('\0') != std::string_view::npos) return BadItem("holds a NUL");
  std::vector<std::string> words;
  bool in_word = false;
  for (size_t at = 0; at < line.size(); ++at) {
    if (line[at] == ' ') {
      in_word = false;
      continue;
    }
    if (!std::exchange(in_word, true)) words.emplace_back();
    if (line[at] != '\'' && line[at] != '"') {
      words.back().push_back(line[at]);
      continue;
    }
    const size_t end = line.find(line[at], at + 1);
    if (end == std::string_view::npos) return BadItem("has a quote that is not closed");
    words.back().append(line.substr(at + 1, end - at - 1));
    at = end;
  }
  if (words.empty() || !words[0].starts_with('/')) return BadItem("names no absolute path");
  return words;
}

Result<std::string> FillPlaceholders(std::string_view word, std::string_view operation,
                                     std::string_view kek_id) {
  std::string filled;
  for (size_t at = 0; at < word.size(); ++at) {
    if (word[at] != '%') {
      filled.push_back(word[at]);
      continue;
    }
    const char what = ++at < word.size() ? word[at] : '\0';
    if (what == 'o')
      filled.append(operation);
    else if (what == 'k')
      filled.append(kek_id);
    else if (what == '%')
      filled.push_back('%');
    else
      return BadItem("has a % that is not %o, %k or %%");
  }
  return filled;
}

Result<std::unique_ptr<KekProvider>> OpenCommandProvider(std::string_view rest,
                                                         const ProviderEnvironment&) {
  const size_t colon = std::min(rest.find(':'), rest.size());
  const std::string_view name = rest.substr(0, colon);
  if (!IsName(name)) return BadItem("has no name of letters, digits, '.', '_' and '-'");
  Result<std::vector<std::string>> words =
      SplitCommandLine(rest.substr(std::min(colon + 1, rest.size())));
  if (!words.ok()) return words.error();
  for (const std::string& word : words.value())
    if (const auto filled = FillPlaceholders(word, "", ""); !filled.ok()) return filled.error();
  const Result<KekId> id = NamedKekId(KekKind::kCommand, name);
  if (!id.ok()) return id.error();
  return std::unique_ptr<KekProvider>(
      std::make_unique<CommandProvider>(name, id.value(), std::move(words).value()));
}

}  // namespace bulla
