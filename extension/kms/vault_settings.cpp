#include "kms/vault_settings.h"

#include <algorithm>
#include <array>

namespace bulla {
namespace {

Error Bad(const std::string& what) {
  return Error{Code::kInvalidArgument, "vault in setting bulla.kek " + what,
               "Allowed: 'vault:https://HOST:PORT?key=NAME' and &mount=, &namespace=, &ca_file=, "
               "&name=; &token_file=, or &role_id_file= and &secret_id_file= with &auth_mount=."};
}

constexpr std::string_view kWordCharacters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

// Parts that go into URLs and headers as they are: words with '/' between them.
bool IsPath(std::string_view value, bool several) {
  while (true) {
    const size_t slash = several ? std::min(value.find('/'), value.size()) : value.size();
    const std::string_view word = value.substr(0, slash);
    if (word.empty() || word == "." || word == ".." ||
        word.find_first_not_of(kWordCharacters) != std::string_view::npos)
      return false;
    if (slash == value.size()) return true;
    value.remove_prefix(slash + 1);
  }
}

bool IsFile(std::string_view value) {
  return value.starts_with('/') && value.find('\0') == std::string_view::npos;
}

struct Parameter {
  std::string_view name;
  std::string VaultSettings::*member;
  bool (*allowed)(std::string_view value);
};
constexpr std::array kParameters = {
    Parameter{"key", &VaultSettings::key, [](std::string_view v) { return IsPath(v, false); }},
    Parameter{"mount", &VaultSettings::mount, [](std::string_view v) { return IsPath(v, true); }},
    Parameter{"namespace", &VaultSettings::name_space,
              [](std::string_view v) { return IsPath(v, true); }},
    Parameter{"token_file", &VaultSettings::token_file, IsFile},
    Parameter{"role_id_file", &VaultSettings::role_id_file, IsFile},
    Parameter{"secret_id_file", &VaultSettings::secret_id_file, IsFile},
    Parameter{"auth_mount", &VaultSettings::auth_mount,
              [](std::string_view v) { return IsPath(v, true); }},
    Parameter{"ca_file", &VaultSettings::ca_file, IsFile},
    Parameter{"name", &VaultSettings::name, [](std::string_view v) { return IsPath(v, true); }},
};

// A host and nothing that curl could take for more: no user, no path, no blanks.
Result<void> CheckAddress(std::string_view address) {
  const bool tls = address.starts_with("https://");
  if (!tls && !address.starts_with("http://")) return Bad("names no https:// address");
  std::string_view authority = address.substr(tls ? 8 : 7);
  if (authority.empty() ||
      authority.find_first_not_of(std::string(kWordCharacters) + ":[]") != std::string_view::npos)
    return Bad("has an address that is not a host and a port");
  if (tls) return {};
  const std::string_view host = authority.starts_with('[')
                                    ? authority.substr(0, authority.find(']') + 1)
                                    : authority.substr(0, authority.find(':'));
  if (host == "127.0.0.1" || host == "[::1]" || host == "localhost") return {};
  return Bad("names an http:// address that is not this machine's");
}

Result<void> CheckWhole(const VaultSettings& settings) {
  if (settings.key.empty()) return Bad("names no key");
  const bool role = !settings.role_id_file.empty() && !settings.secret_id_file.empty();
  const bool part = !settings.role_id_file.empty() || !settings.secret_id_file.empty();
  if (settings.token_file.empty() ? !role : part)
    return Bad("wants either token_file, or role_id_file and secret_id_file");
  return {};
}

Result<void> Take(std::string_view pair, VaultSettings* settings) {
  const size_t equals = std::min(pair.find('='), pair.size());
  const std::string_view value = pair.substr(std::min(equals + 1, pair.size()));
  for (const Parameter& parameter : kParameters) {
    if (parameter.name != pair.substr(0, equals)) continue;
    if (!parameter.allowed(value))
      return Bad("has a value of " + std::string(parameter.name) + " that is not allowed");
    settings->*parameter.member = value;
    return {};
  }
  return Bad("has a parameter that is unknown");
}

}  // namespace

Result<VaultSettings> VaultSettings::Parse(std::string_view rest) {
  VaultSettings settings;
  const size_t query = std::min(rest.find('?'), rest.size());
  std::string_view address = rest.substr(0, query);
  if (address.ends_with('/')) address.remove_suffix(1);
  if (const Result<void> checked = CheckAddress(address); !checked.ok()) return checked.error();
  settings.address = address;
  std::string_view left = rest.substr(std::min(query + 1, rest.size()));
  while (!left.empty()) {
    const size_t end = std::min(left.find('&'), left.size());
    if (const Result<void> taken = Take(left.substr(0, end), &settings); !taken.ok())
      return taken.error();
    left.remove_prefix(std::min(end + 1, left.size()));
  }
  if (const Result<void> checked = CheckWhole(settings); !checked.ok()) return checked.error();
  if (settings.name.empty())
    settings.name = (settings.name_space.empty() ? "" : settings.name_space + "/") +
                    settings.mount + "/" + settings.key;
  return settings;
}

}  // namespace bulla
