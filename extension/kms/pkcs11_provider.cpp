#include "kms/pkcs11_provider.h"

#include <utility>

#include "kms/pkcs11_token.h"
#include "kms/pkcs11_uri.h"
#include "kms/remote_provider.h"

namespace bulla {
namespace {

// One session for a whole batch.
class Pkcs11Provider final : public RemoteProvider {
 public:
  Pkcs11Provider(Pkcs11Uri uri, const KekId& id, const ProviderEnvironment& environment)
      : RemoteProvider(id, uri.name), uri_(std::move(uri)), environment_(environment) {}

 private:
  Result<RemoteAnswers> WrapInChild(std::span<const ToWrap> batch,
                                    Waiter::Clock::time_point) override {
    const Result<Pkcs11Token> token = Pkcs11Token::Open(uri_, environment_.data_directory);
    if (!token.ok()) return token.error();
    RemoteAnswers answers;
    for (const ToWrap& item : batch)
      answers.items.push_back(token.value().Seal(item.binding, item.structure->RevealSecretBytes(),
                                                 *environment_.random));
    return answers;
  }

  Result<RemoteAnswers> UnwrapInChild(std::span<const ToUnwrap> batch,
                                      Waiter::Clock::time_point) override {
    const Result<Pkcs11Token> token = Pkcs11Token::Open(uri_, environment_.data_directory);
    if (!token.ok()) return token.error();
    RemoteAnswers answers;
    for (const ToUnwrap& item : batch)
      answers.items.push_back(token.value().Open(item.binding, item.sealed));
    return answers;
  }

  Pkcs11Uri uri_;
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
