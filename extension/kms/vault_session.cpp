#include "kms/vault_session.h"

#include <algorithm>
#include <cstdio>
#include <thread>
#include <utility>

#include "kms/secret_file.h"

namespace bulla {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

constexpr size_t kMaxTokenSize = 4096;

// Bytes of the other side: only ever into the log, by way of our parent, which bounds and cleans them.
void NoteErrors(const json& reply) {
  const auto errors = reply.find("errors");
  if (errors == reply.end() || !errors->is_array()) return;
  for (const json& error : *errors)
    if (error.is_string())
      std::fprintf(stderr, "%s; ", error.get_ref<const std::string&>().c_str());
}

json Parse(const HttpReply& reply) {
  json parsed = json::parse(reply.body, nullptr, false);
  return parsed.is_object() ? parsed : json::object();
}

bool IsWorthAnotherTry(long status) { return status == 412 || status == 429 || status >= 500; }

// The error that a status stands for. Nothing of the body is in it.
Error StatusError(long status) {
  const std::string text = "answered with status " + std::to_string(status);
  if (status == 403 || status == 401)
    return Error{
        Code::kPermissionDenied, text + ": permission denied",
        "The policy must allow update on encrypt/KEY and decrypt/KEY of the transit mount."};
  if (status == 503) return Error{Code::kUnavailable, text + ": sealed, or not the active node"};
  if (status == 429) return Error{Code::kUnavailable, text + ": too many requests"};
  if (status == 404)
    return Error{Code::kFailedPrecondition, text + ": no such mount, key or namespace"};
  if (status >= 300 && status < 400)
    return Error{Code::kFailedPrecondition, text + ": a redirect, which is not followed",
                 "Name the address that answers itself."};
  if (status >= 500) return Error{Code::kUnavailable, text};
  return Error{Code::kFailedPrecondition, text};
}

bool HasResults(const json& body) {
  const auto data = body.find("data");
  return data != body.end() && data->is_object() && data->contains("batch_results");
}

std::string TextIn(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

uint32_t NumberIn(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_number_unsigned()) return 0;
  return static_cast<uint32_t>(std::min<uint64_t>(found->get<uint64_t>(), 1U << 30));
}

bool IsHeaderValue(const std::string& value) {
  return !value.empty() &&
         std::all_of(value.begin(), value.end(), [](char c) { return c > ' ' && c <= '~'; });
}

}  // namespace

VaultSession::VaultSession(const VaultSettings& settings, std::string data_directory,
                           Clock::time_point deadline, std::string kept, bool renew)
    : settings_(settings),
      data_directory_(std::move(data_directory)),
      deadline_(deadline),
      token_(std::move(kept)),
      renew_(renew) {}

// A little less than there is, so that the error said is ours and not that of a killed process.
milliseconds VaultSession::Left() const {
  const auto left = std::chrono::duration_cast<milliseconds>(deadline_ - Clock::now());
  return std::max(milliseconds(1), left - milliseconds(50));
}

bool VaultSession::WaitBefore(int next_try, long retry_after) const {
  // 0.1, 0.2, 0.4 s, and up to half as much again, so that backends do not come all at once.
  const auto base = milliseconds(50L << next_try);
  const auto jitter =
      milliseconds(Clock::now().time_since_epoch().count() / 1000 % (base.count() / 2));
  const auto wait = std::max<milliseconds>(base + jitter, std::chrono::seconds(retry_after));
  if (wait >= Left()) return false;
  std::this_thread::sleep_for(wait);
  return true;
}

Result<std::string> VaultSession::ReadLine(const char* what, const std::string& path) const {
  const SecretFile file{what, path};
  const Result<SecretBytes> content = ReadSecretFile(file, data_directory_, kMaxTokenSize);
  if (!content.ok()) return content.error();
  std::string line(AsText(content.value().RevealSecretBytes()));
  if (line.ends_with('\n')) line.pop_back();
  if (!IsHeaderValue(line) || line.size() >= kMaxTokenSize - 1)
    return SecretFileError(Code::kFailedPrecondition, file,
                           "does not hold one line of printable text");
  return line;
}

Result<HttpReply> VaultSession::AskOnce(const std::string& path, const std::string* body,
                                        bool with_token) {
  if (!client_) {
    Result<HttpsClient> client = HttpsClient::Create(settings_.ca_file);
    if (!client.ok()) return client.error();
    client_ = std::move(client).value();
  }
  std::vector<std::string> headers{"X-Vault-Request: true", "Content-Type: application/json"};
  if (!settings_.name_space.empty())
    headers.push_back("X-Vault-Namespace: " + settings_.name_space);
  if (with_token) headers.push_back("X-Vault-Token: " + token_);
  return client_->Ask(settings_.address + "/v1/" + path, headers, body, Left());
}

Result<HttpReply> VaultSession::AskOften(const std::string& path, const std::string* body,
                                         bool with_token) {
  for (int next_try = 1;; ++next_try) {
    Result<HttpReply> reply = AskOnce(path, body, with_token);
    const bool again = reply.ok() ? IsWorthAnotherTry(reply.value().status)
                                  : reply.error().code == Code::kUnavailable;
    if (!again || next_try == kMaxTries) return reply;
    if (!WaitBefore(next_try, reply.ok() ? reply.value().retry_after : 0)) return reply;
  }
}

Result<void> VaultSession::LogIn() {
  const Result<std::string> role_id = ReadLine("role id file", settings_.role_id_file);
  if (!role_id.ok()) return role_id.error();
  const Result<std::string> secret_id = ReadLine("secret id file", settings_.secret_id_file);
  if (!secret_id.ok()) return secret_id.error();
  const std::string body =
      json{{"role_id", role_id.value()}, {"secret_id", secret_id.value()}}.dump();
  const Result<HttpReply> reply = AskOften("auth/" + settings_.auth_mount + "/login", &body, false);
  if (!reply.ok()) return reply.error();
  const json parsed = Parse(reply.value());
  if (reply.value().status != 200) {
    NoteErrors(parsed);
    // What Vault says of credentials that it does not know.
    if (reply.value().status == 400)
      return Error{Code::kPermissionDenied, "refused the role id and secret id with status 400"};
    return StatusError(reply.value().status);
  }
  const auto auth = parsed.find("auth");
  if (auth == parsed.end() || !auth->is_object() || !IsHeaderValue(TextIn(*auth, "client_token")))
    return Error{Code::kUnavailable, "answered something that is not of its API"};
  token_ = TextIn(*auth, "client_token");
  token_seconds_ = NumberIn(*auth, "lease_duration");
  return {};
}

Result<void> VaultSession::Authenticate() {
  if (!settings_.token_file.empty()) {
    // Read each time: Vault Agent and administrators replace it.
    Result<std::string> token = ReadLine("token file", settings_.token_file);
    if (!token.ok()) return token.error();
    token_ = std::move(token).value();
    return {};
  }
  return token_.empty() ? LogIn() : Result<void>();
}

Result<json> VaultSession::Post(const std::string& path, const json& body) {
  const bool was_kept = !token_.empty() && settings_.token_file.empty();
  if (const Result<void> known = Authenticate(); !known.ok()) return known.error();
  const std::string text = body.dump();
  Result<HttpReply> reply = AskOften(path, &text, true);
  if (reply.ok() && reply.value().status == 403 && was_kept) {
    // The token has expired, or was revoked: a new one says whether we are still let in.
    token_.clear();
    renew_ = false;
    if (const Result<void> known = LogIn(); !known.ok()) return known.error();
    reply = AskOften(path, &text, true);
  }
  if (!reply.ok()) return reply.error();
  json parsed = Parse(reply.value());
  if (reply.value().status != 200) NoteErrors(parsed);
  if (reply.value().status == 200 || (reply.value().status == 400 && HasResults(parsed)))
    return parsed;
  return StatusError(reply.value().status);
}

void VaultSession::RenewIfDue() {
  if (!renew_) return;
  const Result<HttpReply> looked = AskOnce("auth/token/lookup-self", nullptr, true);
  if (!looked.ok() || looked.value().status != 200) return;
  const json parsed = Parse(looked.value());
  const auto data = parsed.find("data");
  if (data == parsed.end() || !data->is_object()) return;
  const uint32_t left = NumberIn(*data, "ttl");
  const auto renewable = data->find("renewable");
  token_seconds_ = left;
  if (renewable == data->end() || !renewable->is_boolean() || !renewable->get<bool>() ||
      left > NumberIn(*data, "creation_ttl") / 2)
    return;
  const std::string body = "{}";
  const Result<HttpReply> renewed = AskOnce("auth/token/renew-self", &body, true);
  const json answer = renewed.ok() ? Parse(renewed.value()) : json::object();
  const auto auth = answer.find("auth");
  if (auth != answer.end() && auth->is_object()) {
    token_seconds_ = NumberIn(*auth, "lease_duration");
  } else {
    std::fprintf(stderr, "the token could not be renewed; ");
  }
}

}  // namespace bulla
