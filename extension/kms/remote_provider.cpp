#include "kms/remote_provider.h"

#include <utility>

namespace bulla {

RemoteProvider::RemoteProvider(const KekId& id, std::string_view name)
    : id_(id), who_("KEK " + std::string(Name(id.kind)) + ":" + std::string(name)) {}

Result<std::vector<std::vector<std::byte>>> RemoteProvider::Wrap(std::span<const ToWrap> batch,
                                                                 Waiter& waiter) {
  const auto sealed =
      Answers([&] { return WrapInChild(batch, waiter.deadline()); }, batch.size(), waiter);
  if (!sealed.ok()) return sealed.error();
  std::vector<std::vector<std::byte>> all;
  for (const Result<SecretBytes>& item : sealed.value()) {
    if (!item.ok()) return About(item.error());
    const Bytes bytes = item.value().RevealSecretBytes();
    all.emplace_back(bytes.begin(), bytes.end());
  }
  return all;
}

Result<std::vector<Result<SecretBytes>>> RemoteProvider::Unwrap(std::span<const ToUnwrap> batch,
                                                                Waiter& waiter) {
  return Answers([&] { return UnwrapInChild(batch, waiter.deadline()); }, batch.size(), waiter);
}

void RemoteProvider::Keep(SecretBytes, uint32_t) {}

Result<std::vector<Result<SecretBytes>>> RemoteProvider::Answers(const RemoteTask& task,
                                                                 size_t count, Waiter& waiter) {
  Result<RemoteAnswers> answers = RunRemotely(task, who_, waiter);
  if (!answers.ok()) return answers.error();
  Keep(std::move(answers.value().kept), answers.value().kept_seconds);
  if (answers.value().items.size() != count)
    return About({Code::kInternal, "a batch lost some of its keys"});
  return std::move(answers.value().items);
}

Error RemoteProvider::About(Error error) const {
  error.message = who_ + ": " + error.message;
  return error;
}

}  // namespace bulla
