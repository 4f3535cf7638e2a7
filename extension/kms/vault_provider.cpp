#include "kms/vault_provider.h"

#include <cstdio>
#include <string>
#include <utility>

#include "core/base64.h"
#include "kms/remote_task.h"
#include "kms/vault_session.h"
#include "kms/vault_settings.h"

namespace bulla {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

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

class VaultProvider final : public KekProvider {
 public:
  VaultProvider(VaultSettings settings, const KekId& id, const ProviderEnvironment& environment)
      : settings_(std::move(settings)), id_(id), environment_(environment) {}

  KekKind kind() const override { return KekKind::kVault; }
  Result<KekId> Id() override { return id_; }
  bool PrefersBatches() const override { return true; }

  Result<std::vector<std::vector<std::byte>>> Wrap(std::span<const ToWrap> batch,
                                                   Waiter& waiter) override {
    const auto sealed = Ask(
        "encrypt",
        [&] {
          json items = json::array();
          for (const ToWrap& item : batch)
            items.push_back({{"plaintext", Base64(item.structure->RevealSecretBytes())},
                             {"associated_data", Base64(item.binding)}});
          return items;
        },
        batch.size(), Ciphertext, waiter);
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
    return Ask(
        "decrypt",
        [&] {
          json items = json::array();
          for (const ToUnwrap& item : batch)
            items.push_back(
                {{"ciphertext", AsText(item.sealed)}, {"associated_data", Base64(item.binding)}});
          return items;
        },
        batch.size(), Plaintext, waiter);
  }

 private:
  // One request for the whole batch, made and read in a child process.
  template <class MakeItems>
  Result<std::vector<Result<SecretBytes>>> Ask(const char* operation, MakeItems make_items,
                                               size_t count,
                                               Result<SecretBytes> (*read)(const json& result),
                                               Waiter& waiter) {
    const bool use_kept = token_good_until_ > Clock::now();
    const bool renew = renew_at_ <= Clock::now();
    Result<RemoteAnswers> answers = RunRemotely(
        [&]() -> Result<RemoteAnswers> {
          // Only here, in the child, are secrets in ordinary memory.
          std::string kept(use_kept ? AsText(token_.RevealSecretBytes()) : std::string_view());
          VaultSession session(settings_, environment_.data_directory, waiter.deadline(),
                               std::move(kept), renew);
          const Result<json> results =
              BatchResults(session.Post(settings_.mount + "/" + operation + "/" + settings_.key,
                                        {{"batch_input", make_items()}}),
                           count);
          if (!results.ok()) return results.error();
          RemoteAnswers found;
          for (const json& result : results.value()) found.items.push_back(read(result));
          session.RenewIfDue();
          found.kept_seconds = session.token_seconds();
          if (settings_.token_file.empty()) {
            Result<SecretBytes> token = SecretBytes::CopyOf(AsBytes(session.token()));
            if (!token.ok()) return token.error();
            found.kept = std::move(token).value();
          }
          return found;
        },
        Who(), waiter);
    if (!answers.ok()) return answers.error();
    Keep(std::move(answers.value().kept), answers.value().kept_seconds, renew);
    if (answers.value().items.size() != count) return About(NotItsApi());
    return std::move(answers.value().items);
  }

  // A token that AppRole gave is used again by this backend while nine tenths of its time last.
  void Keep(SecretBytes token, uint32_t seconds, bool renewed) {
    const auto now = Clock::now();
    if (renewed) renew_at_ = now + kRenewalInterval;
    if (token.size() == 0) return;
    token_ = std::move(token);
    if (seconds > 0) token_good_until_ = now + std::chrono::milliseconds(uint64_t{seconds} * 900);
  }

  std::string Who() const { return "KEK vault:" + settings_.name; }
  Error About(Error error) const {
    error.message = Who() + ": " + error.message;
    return error;
  }

  VaultSettings settings_;
  KekId id_;
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
