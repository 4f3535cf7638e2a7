#include "service/config.h"

#include <algorithm>
#include <map>

#include <sys/stat.h>
#include <toml++/toml.h>

#include "client/url.h"
#include "database/conninfo.h"
#include "http/listener.h"
#include "http/network.h"
#include "service/config_keys.h"

namespace bulla::service {
namespace {

class Reading {
 public:
  Reading(std::string file, Role role)
      : file_(std::move(file)), role_(role), config_(DefaultConfig(role)) {}

  void ReadFile();
  void ReadEnvironment(const Environment& environment);
  void CheckTogether();
  Config Finish() const;

 private:
  void CheckDatabase();
  void ReadSection(const std::string& section, const toml::node& node);
  void ReadKey(const std::string& section, const std::string& name, const toml::node& node);
  void Take(const ConfigKey& key, const std::string& place, const GivenValue& value);
  // Where a key was given; the key itself where it has its default.
  std::string PlaceOf(const std::string& key) const;
  std::string Line(const toml::node& node) const {
    return file_ + ":" + std::to_string(node.source().begin.line);
  }
  void Mistake(const std::string& place, const std::string& what) {
    mistakes_ += (mistakes_.empty() ? "" : "\n") + place + ": " + what;
  }

  std::string file_;
  Role role_;
  Config config_;
  std::map<std::string, std::string> places_;
  std::string mistakes_;
};

void Reading::ReadFile() {
  toml::table file;
  struct stat status {};
  if (stat(file_.c_str(), &status) == 0 && S_ISDIR(status.st_mode))
    return Mistake(file_, "is a folder");  // which would be read as an empty file
  try {
    file = toml::parse_file(file_);
  } catch (const toml::parse_error& error) {
    const auto line = error.source().begin.line;
    return Mistake(line == 0 ? file_ : file_ + ":" + std::to_string(line),
                   std::string(error.description()));
  }
  for (const auto& [section, node] : file) ReadSection(std::string(section.str()), node);
}

void Reading::ReadSection(const std::string& section, const toml::node& node) {
  const bool known = std::any_of(ConfigKeys(role_).begin(), ConfigKeys(role_).end(),
                                 [&](const ConfigKey& key) { return key.section == section; });
  if (!known || !node.is_table()) {
    std::string sections;
    for (const ConfigKey& key : ConfigKeys(role_)) {
      if (!sections.ends_with("[" + std::string(key.section) + "]"))
        sections += (sections.empty() ? "[" : ", [") + std::string(key.section) + "]";
    }
    return Mistake(Line(node), "there is no " + section + "; allowed: the sections " + sections);
  }
  for (const auto& [name, value] : *node.as_table())
    ReadKey(section, std::string(name.str()), value);
}

void Reading::ReadKey(const std::string& section, const std::string& name, const toml::node& node) {
  std::string names;
  for (const ConfigKey& key : ConfigKeys(role_)) {
    if (key.section != section) continue;
    names += (names.empty() ? "" : ", ") + std::string(key.name);
    if (key.name != name) continue;
    if (const auto* text = node.as_string()) return Take(key, Line(node), text->get());
    if (const auto* number = node.as_integer()) return Take(key, Line(node), number->get());
    std::vector<std::string> list;
    const toml::array* const array = node.as_array();
    const bool texts = array != nullptr && std::all_of(array->begin(), array->end(),
                                                       [](auto& item) { return item.is_string(); });
    if (!texts) return Mistake(Line(node), key.full_name() + " must be " + Allowed(key.kind));
    for (const toml::node& item : *array) list.push_back(item.as_string()->get());
    return Take(key, Line(node), list);
  }
  Mistake(Line(node),
          "there is no " + section + "." + name + "; allowed in [" + section + "]: " + names);
}

void Reading::ReadEnvironment(const Environment& environment) {
  for (const auto& [variable, text] : environment) {
    bool of_a_section = false;
    const ConfigKey* meant = nullptr;
    for (const ConfigKey& key : ConfigKeys(role_)) {
      of_a_section = of_a_section || variable.starts_with(key.variable_of_section());
      if (variable == key.variable()) meant = &key;
    }
    if (meant != nullptr)
      Take(*meant, variable, FromEnvironment(meant->kind, text));
    else if (of_a_section)  // others may have variables that begin with BULLAD_
      Mistake(variable, "there is no such key; bullad check-config lists them");
  }
}

void Reading::Take(const ConfigKey& key, const std::string& place, const GivenValue& value) {
  places_[key.full_name()] = place;
  if (!SetValue(key.kind, value, config_))
    Mistake(place, key.full_name() + " must be " + Allowed(key.kind));
}

std::string Reading::PlaceOf(const std::string& key) const {
  const auto found = places_.find(key);
  return found == places_.end() ? key : found->second;
}

// What no key can say for itself.
void Reading::CheckTogether() {
  const auto& api = config_.api;
  if (api.tls_certificate.empty() != api.tls_key.empty()) {
    const bool has_key = api.tls_certificate.empty();
    Mistake(PlaceOf(has_key ? "api.tls_key" : "api.tls_certificate"),
            has_key ? "api.tls_key needs api.tls_certificate"
                    : "api.tls_certificate needs api.tls_key");
  }
  if (!api.tls_client_ca.empty() && api.tls_certificate.empty())
    Mistake(PlaceOf("api.tls_client_ca"),
            "api.tls_client_ca needs api.tls_certificate and api.tls_key");
  const auto check_addresses = [this](const char* key, const std::vector<std::string>& addresses) {
    try {
      for (const std::string& address : addresses) http::CheckAddress(address);
    } catch (const std::runtime_error& reason) {
      Mistake(PlaceOf(key), std::string(key) + ": " + reason.what());
    }
  };
  check_addresses("api.listen", api.listen);
  check_addresses("admin.listen", config_.admin.listen);
  try {
    const http::Networks networks(api.trusted_proxies);
  } catch (const std::runtime_error& reason) {
    Mistake(PlaceOf("api.trusted_proxies"), std::string("api.trusted_proxies: ") + reason.what());
  }
  if (config_.limits.body + config_.limits.head > config_.limits.held_bytes)
    Mistake(PlaceOf("limits.body"), "limits.body and limits.head must fit into limits.held_bytes");

  if (role_ == Role::kService) return CheckDatabase();
  const auto& publish = config_.publish;
  for (const auto& [key, urls] : {std::pair("publish.webhooks", &publish.webhooks),
                                  std::pair("publish.peers", &publish.peers),
                                  std::pair("publish.read_back", &publish.read_back)}) {
    for (const std::string& url : *urls) {
      if (const Result<void> checked = client::CheckUrl(url, false); !checked.ok())
        Mistake(PlaceOf(key), std::string(key) + ": " + checked.error().message);
    }
  }
}

void Reading::CheckDatabase() {
  const std::string place = PlaceOf("database.conninfo");
  const auto conninfo = database::ReadConninfo(config_.database.conninfo);
  if (!conninfo)
    return Mistake(place,
                   "database.conninfo must be a connection string of libpq, such as "
                   "\"host=db.example user=bullad dbname=bulla\"");
  struct stat status {};
  if (place.starts_with(file_ + ":") && !conninfo->password.empty() &&
      stat(file_.c_str(), &status) == 0 && (status.st_mode & S_IROTH) != 0)
    Mistake(place,
            "everybody may read the password in this file: take the right from others "
            "(chmod o-r), or put the password elsewhere (passfile, PGPASSFILE)");
}

Config Reading::Finish() const {
  if (!mistakes_.empty()) throw ConfigError(mistakes_);
  return config_;
}

}  // namespace

Config DefaultConfig(Role role) {
  Config config;
  if (role == Role::kWitness) {
    config.api.listen = {"127.0.0.1:8090"};
    config.admin.listen = {"127.0.0.1:8091"};
  }
  return config;
}

Config ReadConfig(const std::string& file, const Environment& environment, Role role) {
  Reading reading(file, role);
  if (!file.empty()) reading.ReadFile();
  reading.ReadEnvironment(environment);
  reading.CheckTogether();
  return reading.Finish();
}

std::string ShowConfig(const Config& config, Role role) {
  Config shown = config;
  if (const auto conninfo = database::ReadConninfo(shown.database.conninfo))
    shown.database.conninfo = conninfo->shown;
  // What is behind the host may be a secret.
  for (std::string& url : shown.publish.webhooks) {
    const std::size_t path = url.find('/', url.find("://") + 3);
    if (path != url.npos) url.replace(path + 1, url.npos, "...");
  }
  std::string text;
  std::string_view section;
  for (const ConfigKey& key : ConfigKeys(role)) {
    if (key.section != section) {
      text += (text.empty() ? "[" : "\n[") + std::string(key.section) + "]\n";
      section = key.section;
    }
    text += "# " + std::string(key.help) + "; " + key.variable() + "\n";
    text += std::string(key.name) + " = " + ShowValue(key.kind, shown) + "\n";
  }
  return text;
}

}  // namespace bulla::service
