#include "service/config_keys.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>
#include <vector>

namespace bulla::service {
namespace {

using namespace std::chrono_literals;
using Api = Config::Api;
using Admin = Config::Admin;
using Database = Config::Database;
using Witnesses = Config::Witnesses;
using http::Limits;
using Publish = Config::Publish;
using Witness = Config::Witness;

constexpr std::size_t KiB = 1024;
constexpr std::size_t MiB = 1024 * KiB;
constexpr std::size_t GiB = 1024 * MiB;

// Where in Config a value belongs.
template <auto section, auto member>
auto& At(Config& config) {
  return config.*section.*member;
}
template <auto member>
auto& At(Config& config) {
  return config.*member;
}

constexpr ConfigKey kKeys[] = {
    {"api", "listen", "for clients: \"ADDRESS:PORT\", \"[IPV6]:PORT\" or \"unix:PATH\"",
     ListKey{At<&Config::api, &Api::listen>, false}},
    {"api", "tls_certificate", "file with the certificate and its chain (PEM); empty: no TLS",
     TextKey{At<&Config::api, &Api::tls_certificate>}},
    {"api", "tls_key", "file with its private key (PEM)", TextKey{At<&Config::api, &Api::tls_key>}},
    {"api", "tls_client_ca",
     "file with the CA that signed clients' certificates; empty: none asked",
     TextKey{At<&Config::api, &Api::tls_client_ca>}},
    {"api", "trusted_proxies", "networks whose X-Forwarded-For and X-Request-Id are believed",
     ListKey{At<&Config::api, &Api::trusted_proxies>, true}},
    {"api", "io_threads", "threads that read requests and write answers",
     CountKey{At<&Config::api, &Api::io_threads>, 1, 64}},

    {"admin", "listen", "for metrics and health; not for clients to reach",
     ListKey{At<&Config::admin, &Admin::listen>, false}},

    {"database", "conninfo", "libpq connection string, \"host=... user=bullad dbname=...\"",
     TextKey{At<&Config::database, &Database::conninfo>}},
    {"database", "connections", "connections for everyday calls",
     CountKey{At<&Config::database, &Database::connections>, 1, 256}},
    {"database", "queue", "everyday calls that may wait for a connection; above: 503",
     CountKey{At<&Config::database, &Database::queue>, 1, 100'000}},
    {"database", "deadline", "for an everyday call, from the request's arrival",
     TimeKey{At<&Config::database, &Database::deadline>, 10ms, 10min}},
    {"database", "long_connections", "connections for long calls such as a verification",
     CountKey{At<&Config::database, &Database::long_connections>, 1, 64}},
    {"database", "long_queue", "long calls that may wait for a connection; above: 503",
     CountKey{At<&Config::database, &Database::long_queue>, 1, 10'000}},
    {"database", "long_deadline", "for a long call, from the request's arrival",
     TimeKey{At<&Config::database, &Database::long_deadline>, 10ms, 24h}},
    {"database", "open_connections",
     "connections for what everybody may ask for without a token: checkpoints and tiles",
     CountKey{At<&Config::database, &Database::open_connections>, 1, 64}},
    {"database", "open_queue", "such calls that may wait for a connection; above: 503",
     CountKey{At<&Config::database, &Database::open_queue>, 1, 100'000}},
    {"database", "connect_timeout", "for one attempt to connect",
     TimeKey{At<&Config::database, &Database::connect_timeout>, 100ms, 1min}},

    {"limits", "target", "path and query of a request; above: 414",
     SizeKey{At<&Config::limits, &Limits::target>, 256, 64 * KiB}},
    {"limits", "head", "request line and headers; above: 431",
     SizeKey{At<&Config::limits, &Limits::head>, 1 * KiB, 1 * MiB}},
    {"limits", "fields", "headers of a request; above: 431",
     CountKey{At<&Config::limits, &Limits::fields>, 1, 10'000}},
    {"limits", "body", "a request's body; above: 413",
     SizeKey{At<&Config::limits, &Limits::body>, 1 * KiB, 64 * MiB}},
    {"limits", "connections", "clients' connections; above, none is accepted until one ends",
     CountKey{At<&Config::limits, &Limits::connections>, 1, 1'000'000}},
    {"limits", "connections_per_address", "of one address; above, a new one is closed at once",
     CountKey{At<&Config::limits, &Limits::connections_per_address>, 1, 1'000'000}},
    {"limits", "held_bytes", "of all requests and answers in memory; above, new bodies get 503",
     SizeKey{At<&Config::limits, &Limits::held_bytes>, 1 * MiB, 1024 * GiB}},

    {"timeouts", "tls_handshake", "for a client's TLS handshake",
     TimeKey{At<&Config::limits, &Limits::tls_handshake>, 10ms, 10min}},
    {"timeouts", "head", "from the first byte of a request to the end of its headers",
     TimeKey{At<&Config::limits, &Limits::head_time>, 10ms, 10min}},
    {"timeouts", "body", "from there to the end of its body",
     TimeKey{At<&Config::limits, &Limits::body_time>, 10ms, 1h}},
    {"timeouts", "idle", "between two requests of a connection",
     TimeKey{At<&Config::limits, &Limits::idle_time>, 10ms, 24h}},
    {"timeouts", "write", "for a client to take 64 KiB of an answer",
     TimeKey{At<&Config::limits, &Limits::write_time>, 10ms, 1h}},
    {"timeouts", "linger", "for a client to close after the last answer",
     TimeKey{At<&Config::limits, &Limits::linger_time>, 0ms, 1min}},
    {"timeouts", "drain", "for requests under way to be answered when bullad stops",
     TimeKey{At<&Config::drain>, 0ms, 1h}},

    {"log", "level", "the least that is logged", LevelKey{At<&Config::log_level>}},

    {"audit", "verify_every", "how often all audit events are verified; 0: never",
     TimeKey{At<&Config::verify_every>, 0ms, 24h * 365}},

    {"keys", "messages_every",
     "how often /metrics learns what is used of AES-256-GCM keys' message budgets; 0: never",
     TimeKey{At<&Config::messages_every>, 0ms, 24h}},

    {"seal", "every", "how often all ledgers are sealed, by one bullad of several; 0: never",
     TimeKey{At<&Config::seal_every>, 0ms, 24h}},

    {"witnesses", "every",
     "how often a witness is asked while bulla.heads grows, else each minute; 0: never",
     TimeKey{At<&Config::witnesses, &Witnesses::every>, 0ms, 1min}},
    {"witnesses", "deadline", "for the answer of a witness",
     TimeKey{At<&Config::witnesses, &Witnesses::deadline>, 100ms, 1min}},
    {"witnesses", "ca_file",
     "file with the CAs that witnesses' certificates are trusted by (PEM); empty: the system's",
     TextKey{At<&Config::witnesses, &Witnesses::ca_file>}},
};

constexpr ConfigKey kWitnessKeys[] = {
    {"witness", "state",
     "file with what was cosigned last of each log; bullad witness init makes it",
     TextKey{At<&Config::witness, &Witness::state>}},
    {"witness", "key", "file with the private key; empty: that of the state with .key behind it",
     TextKey{At<&Config::witness, &Witness::key>}},
    {"witness", "evidence",
     "directory for proofs that a log has lied; empty: that of the state with .evidence behind it",
     TextKey{At<&Config::witness, &Witness::evidence>}},
    {"witness", "refresh_every",
     "how often a tree that has not grown is cosigned anew, as a proof of freshness",
     TimeKey{At<&Config::witness, &Witness::refresh_every>, 100ms, 24h}},

    {"publish", "directory",
     "directory to keep NAME/checkpoint of each log in, and to read back at start; empty: none",
     TextKey{At<&Config::publish, &Publish::directory>}},
    {"publish", "webhooks", "URLs that each newest checkpoint is sent to, by POST",
     ListKey{At<&Config::publish, &Publish::webhooks>, true}},
    {"publish", "peers", "URLs of other witnesses, which are told what was cosigned",
     ListKey{At<&Config::publish, &Publish::peers>, true}},
    {"publish", "read_back", "URLs that serve what was published, to be read back at start",
     ListKey{At<&Config::publish, &Publish::read_back>, true}},
    {"publish", "ca_file", "file with the CAs that these are to have (PEM); empty: the system's",
     TextKey{At<&Config::publish, &Publish::ca_file>}},
};

// What a witness shares with the service: what it has beside that comes first.
constexpr std::array<std::string_view, 5> kSharedSections = {"api", "admin", "limits", "timeouts",
                                                             "log"};

std::vector<ConfigKey> AllWitnessKeys() {
  std::vector<ConfigKey> keys(std::begin(kWitnessKeys), std::end(kWitnessKeys));
  std::copy_if(std::begin(kKeys), std::end(kKeys), std::back_inserter(keys), [](const auto& key) {
    return std::find(kSharedSections.begin(), kSharedSections.end(), key.section) !=
           kSharedSections.end();
  });
  return keys;
}

std::string UpperCase(std::string text) {
  for (char& byte : text) byte = static_cast<char>(std::toupper(static_cast<unsigned char>(byte)));
  return text;
}

}  // namespace

std::string ConfigKey::variable_of_section() const {
  return UpperCase("BULLAD_" + std::string(section) + "_");
}

std::string ConfigKey::variable() const {
  return variable_of_section() + UpperCase(std::string(name));
}

std::span<const ConfigKey> ConfigKeys(Role role) {
  static const auto& witness = *new std::vector<ConfigKey>(AllWitnessKeys());
  if (role == Role::kWitness) return witness;
  return kKeys;
}

}  // namespace bulla::service
