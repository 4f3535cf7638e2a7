#include "kms/vault_provider.h"

#include <cstdio>
#include <string>
#include <utility>

#include "core/base64.h"
#include "kms/remote_provider.h"
#include "kms/vault_session.h"
#include "kms/vault_settings.h"

namespace bulla {
namespace {

using nlohmann::json;
using Clock = Waiter::Clock;

// A token is looked at for renewal so often at most.
constexpr auto kRenewalInterval = std::chrono::minutes(5);

std::string Base64(Bytes bytes) {
  std::string text(Base64Size(bytes.size()), '\0');
  EncodeBase64(bytes, text);
  return text;
}

Error NotItsApi() { return Error{Code::kUnavailable, "answered something that is not of its API"}; }

// One result for each item of a batch, in their order, or an error.
Result<json> BatchResults(const Result<json>& answer, size_t count) {
  if (!answer.ok()) return answer.error();
  const auto data = answer.value().find("data");
  if (data == answer.value().end() || !data->is_object()) return NotItsApi();
  const auto results = data->find("batch_results");
  if (results == data->end() || !results->is_array() || results->size() != count)
    return NotItsApi();
  for (const json& result : *results)
    if (!result.is_object()) return NotItsApi();
  return *results;
}

// What Vault made of one structure: "vault:v1:…".
Result<SecretBytes> Ciphertext(const json& result) {
  const auto text = result.find("ciphertext");
  if (text == result.end() || !text->is_string()) return NotItsApi();
  const auto& ciphertext = text->get_ref<const std::string&>();
  if (!ciphertext.starts_with("vault:v") || ciphertext.size() > kMaxSealedSize) return NotItsApi();
  return SecretBytes::CopyOf(AsBytes(ciphertext));
}

Result<SecretBytes> Plaintext(const json& result) {
  const auto error = result.find("error");
  if (error != result.end() && error->is_string() &&
      !error->get_ref<const std::string&>().empty()) {
    std::fprintf(stderr, "%s; ", error->get_ref<const std::string&>().c_str());
    return Error{Code::kAuthenticationFailed, "would not open it"};
  }
  const auto text = result.find("plaintext");
  if (text == result.end() || !text->is_string()) return NotItsApi();
  const auto& encoded = text->get_ref<const std::string&>();
  const size_t padding = encoded.ends_with("==") ? 2 : encoded.ends_with("=") ? 1 : 0;
  if (encoded.size() / 4 * 3 <= padding) return NotItsApi();
  Result<SecretBytes> bytes = SecretBytes::Allocate(encoded.size() / 4 * 3 - padding);
  if (!bytes.ok()) return bytes;
  if (!DecodeBase64(encoded, bytes.value().RevealSecretBytes())) return NotItsApi();
  return bytes;
}

// One request for a whole batch.
class VaultProvider final : public RemoteProvider {
 public:
  VaultProvider(VaultSettings settings, const KekId& id, const ProviderEnvironment& environment)
      : RemoteProvider(id, settings.name),
        settings_(std::move(settings)),
        environment_(environment) {}

 private:
  Result<RemoteAnswers> WrapInChild(std::span<const ToWrap> batch,
                                    Clock::time_point deadline) override {
    json items = json::array();
    for (const ToWrap& item : batch)
      items.push_back({{"plaintext", Base64(item.structure->RevealSecretBytes())},
                       {"associated_data", Base64(item.binding)}});
    return Ask("encrypt", items, Ciphertext, deadline);
  }

  Result<RemoteAnswers> UnwrapInChild(std::span<const ToUnwrap> batch,
                                      Clock::time_point deadline) override {
    json items = json::array();
    for (const ToUnwrap& item : batch)
      items.push_back(
          {{"ciphertext", AsText(item.sealed)}, {"associated_data", Base64(item.binding)}});
    return Ask("decrypt", items, Plaintext, deadline);
  }

  // In the child, where alone secrets are in ordinary memory.
  Result<RemoteAnswers> Ask(const char* operation, const json& items,
                            Result<SecretBytes> (*read)(const json& result),
                            Clock::time_point deadline) const {
    std::string kept;
    if (token_good_until_ > Clock::now()) kept = AsText(token_.RevealSecretBytes());
    VaultSession session(settings_, environment_.data_directory, deadline, std::move(kept),
                         RenewalIsDue());
    const Result<json> results =
        BatchResults(session.Post(settings_.mount + "/" + operation + "/" + settings_.key,
                                  {{"batch_input", items}}),
                     items.size());
    if (!results.ok()) return results.error();
    RemoteAnswers answers;
    for (const json& result : results.value()) answers.items.push_back(read(result));
    session.RenewIfDue();
    answers.kept_seconds = session.token_seconds();
    if (settings_.token_file.empty()) {
      Result<SecretBytes> token = SecretBytes::CopyOf(AsBytes(session.token()));
      if (!token.ok()) return token.error();
      answers.kept = std::move(token).value();
    }
    return answers;
  }

  // A token that AppRole gave is used again by this backend while nine tenths of its time last.
  void Keep(SecretBytes token, uint32_t seconds) override {
    const auto now = Clock::now();
    if (RenewalIsDue()) renew_at_ = now + kRenewalInterval;
    if (token.size() == 0) return;
    token_ = std::move(token);
    if (seconds > 0) token_good_until_ = now + std::chrono::milliseconds(uint64_t{seconds} * 900);
  }

  bool RenewalIsDue() const { return renew_at_ <= Clock::now(); }

  VaultSettings settings_;
  ProviderEnvironment environment_;
  SecretBytes token_;
  Clock::time_point token_good_until_;
  Clock::time_point renew_at_;
};

}  // namespace

Result<std::unique_ptr<KekProvider>> OpenVaultProvider(std::string_view rest,
                                                       const ProviderEnvironment& environment) {
  Result<VaultSettings> settings = VaultSettings::Parse(rest);
  if (!settings.ok()) return settings.error();
  const Result<KekId> id = NamedKekId(KekKind::kVault, settings.value().name);
  if (!id.ok()) return id.error();
  return std::unique_ptr<KekProvider>(
      std::make_unique<VaultProvider>(std::move(settings).value(), id.value(), environment));
}

}  // namespace bulla
