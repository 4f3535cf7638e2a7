#include "kms/pkcs11_provider.h"

#include <string>
#include <utility>

#include "kms/pkcs11_token.h"
#include "kms/pkcs11_uri.h"
#include "kms/remote_task.h"

namespace bulla {
namespace {

class Pkcs11Provider final : public KekProvider {
 public:
  Pkcs11Provider(Pkcs11Uri uri, const KekId& id, const ProviderEnvironment& environment)
      : uri_(std::move(uri)), id_(id), environment_(environment) {}

  KekKind kind() const override { return KekKind::kPkcs11; }
  Result<KekId> Id() override { return id_; }
  bool PrefersBatches() const override { return true; }  // logging in is what takes its time

  Result<std::vector<std::vector<std::byte>>> Wrap(std::span<const ToWrap> batch,
                                                   Waiter& waiter) override {
    const auto sealed = ForEach(
        batch.size(),
        [&](const Pkcs11Token& token, size_t i) {
          return token.Seal(batch[i].binding, batch[i].structure->RevealSecretBytes(),
                            *environment_.random);
        },
        waiter);
    if (!sealed.ok()) return sealed.error();
    std::vector<std::vector<std::byte>> all;
    for (const Result<SecretBytes>& item : sealed.value()) {
      if (!item.ok()) return About(item.error());
      const Bytes bytes = item.value().RevealSecretBytes();
      all.emplace_back(bytes.begin(), bytes.end());
    }
    return all;
  }

  Result<std::vector<Result<SecretBytes>>> Unwrap(std::span<const ToUnwrap> batch,
                                                  Waiter& waiter) override {
    return ForEach(
        batch.size(),
        [&](const Pkcs11Token& token, size_t i) {
          return token.Open(batch[i].binding, batch[i].sealed);
        },
        waiter);
  }

 private:
  // One session for the whole batch, in a child process.
  template <class Work>
  Result<std::vector<Result<SecretBytes>>> ForEach(size_t count, Work work, Waiter& waiter) {
    Result<RemoteAnswers> answers = RunRemotely(
        [&]() -> Result<RemoteAnswers> {
          const Result<Pkcs11Token> token = Pkcs11Token::Open(uri_, environment_.data_directory);
          if (!token.ok()) return token.error();
          RemoteAnswers found;
          for (size_t i = 0; i < count; ++i) found.items.push_back(work(token.value(), i));
          return found;
        },
        Who(), waiter);
    if (!answers.ok()) return answers.error();
    if (answers.value().items.size() != count)
      return About({Code::kInternal, "a batch lost some of its keys"});
    return std::move(answers.value().items);
  }

  std::string Who() const { return "KEK pkcs11:" + uri_.name; }
  Error About(Error error) const {
    error.message = Who() + ": " + error.message;
    return error;
  }

  Pkcs11Uri uri_;
  KekId id_;
  ProviderEnvironment environment_;
};

}  // namespace

Result<std::unique_ptr<KekProvider>> OpenPkcs11Provider(std::string_view rest,
                                                        const ProviderEnvironment& environment) {
  Result<Pkcs11Uri> uri = Pkcs11Uri::Parse(rest);
  if (!uri.ok()) return uri.error();
  const Result<KekId> id = NamedKekId(KekKind::kPkcs11, uri.value().name);
  if (!id.ok()) return id.error();
  return std::unique_ptr<KekProvider>(
      std::make_unique<Pkcs11Provider>(std::move(uri).value(), id.value(), environment));
}

}  // namespace bulla
