// What bullad, or a witness, is told: a TOML file, and environment variables above it.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "http/limits.h"
#include "service/log.h"

namespace bulla::service {

// With the defaults. What each key means stands in the one table, in config_keys.cpp.
struct Config {
  using Time = std::chrono::milliseconds;

  struct Api {
    std::vector<std::string> listen = {"127.0.0.1:8080"};
    std::string tls_certificate;
    std::string tls_key;
    std::string tls_client_ca;
    std::vector<std::string> trusted_proxies;
    std::size_t io_threads = 2;
  };
  struct Admin {
    std::vector<std::string> listen = {"127.0.0.1:8081"};
  };
  struct Database {
    std::string conninfo;
    std::size_t connections = 4;
    std::size_t queue = 1024;
    Time deadline = std::chrono::seconds(10);
    std::size_t long_connections = 1;
    std::size_t long_queue = 16;
    Time long_deadline = std::chrono::minutes(10);
    std::size_t open_connections = 2;
    std::size_t open_queue = 256;
    Time connect_timeout = std::chrono::seconds(5);
  };

  struct Witness {
    std::string state;
    std::string key;       // empty: beside the state, see KeyPath
    std::string evidence;  // empty: likewise
    Time refresh_every = std::chrono::minutes(1);
  };
  struct Publish {
    std::string directory;
    std::vector<std::string> webhooks;
    std::vector<std::string> peers;
    std::vector<std::string> read_back;
    std::string ca_file;
  };
  struct Witnesses {
    Time every = std::chrono::seconds(10);
    Time deadline = std::chrono::seconds(10);
    std::string ca_file;
  };

  Api api;
  Admin admin;
  Database database;
  http::Limits limits;  // [limits] and [timeouts]
  Time drain = std::chrono::seconds(10);
  Level log_level = Level::kInfo;
  Time verify_every = std::chrono::hours(1);
  Time messages_every = std::chrono::minutes(1);
  Time seal_every = std::chrono::seconds(1);
  Witness witness;
  Publish publish;
  Witnesses witnesses;
};

// Each program has the keys that it uses, and defaults of its own where both can run on one host.
enum class Role { kService, kWitness };
Config DefaultConfig(Role role);

// One line per mistake: "bullad.toml:3: database.queue must be a whole number from 1 to 100000". A value
// is not repeated: it may be a secret.
struct ConfigError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

using Environment = std::map<std::string, std::string>;

// Reads the file, unless its name is empty, and then BULLAD_SECTION_KEY for every key. Throws
// ConfigError with every mistake that was found.
Config ReadConfig(const std::string& file, const Environment& environment,
                  Role role = Role::kService);

// Every key with its value and what it means, as a file that ReadConfig takes; passwords are masked.
std::string ShowConfig(const Config& config, Role role = Role::kService);

}  // namespace bulla::service
