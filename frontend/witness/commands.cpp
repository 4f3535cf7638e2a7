#include "witness/commands.h"

#include <chrono>
#include <cstdio>
#include <ctime>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include "service/exit_codes.h"
#include "service/log.h"
#include "service/serve.h"
#include "witness/evidence.h"
#include "witness/serve.h"
#include "witness/state_file.h"

namespace bulla::witness {
namespace {

using service::Config;
using Logs = std::map<std::string, WitnessedLog, std::less<>>;

struct Arguments {
  std::function<Config()> read;
  std::string state;
  std::string key;
  std::string name;
  std::vector<std::pair<std::string, std::string>> trust;  // origin, verifier key
  std::string origin;
  std::string verifier;
};

// The configuration, under what the command line says.
Config ConfigOf(const Arguments& arguments) {
  Config config = arguments.read();
  if (!arguments.state.empty()) config.witness.state = arguments.state;
  if (!arguments.key.empty()) config.witness.key = arguments.key;
  return config;
}

void Print(const std::string& line) {
  if (std::fputs((line + "\n").c_str(), stdout) < 0 || std::fflush(stdout) != 0)
    throw std::runtime_error("the output cannot be written");
}

VerifierKey ParseLogKey(const std::string& text) {
  Result<VerifierKey> key = VerifierKey::Parse(text);
  if (!key.ok()) throw service::StartError(key.error().message + "\n" + key.error().hint);
  if (key.value().type() != SignatureType::kNote)
    throw service::StartError("the key of " + key.value().name() +
                              " is that of a witness, and not of a log");
  return std::move(key).value();
}

auto FindKey(std::vector<VerifierKey>& keys, const VerifierKey& key) {
  return std::find_if(keys.begin(), keys.end(),
                      [&](const VerifierKey& other) { return other.ToText() == key.ToText(); });
}

void Trust(Logs& logs, const std::string& origin, const std::string& verifier) {
  if (!FormatCheckpoint({origin, {}, {}, {}}).ok())
    throw service::StartError("not an origin: one line of text, as the first line of a checkpoint");
  const VerifierKey key = ParseLogKey(verifier);
  std::vector<VerifierKey>& keys = logs[origin].keys;
  if (FindKey(keys, key) == keys.end()) keys.push_back(key);
}

int RunInit(const Arguments& arguments) {
  const Config config = ConfigOf(arguments);
  Logs logs;
  for (const auto& [origin, verifier] : arguments.trust) Trust(logs, origin, verifier);
  Print(StateFile::Create(KeyPath(config), StatePath(config), arguments.name, std::move(logs))
            .ToText());
  return service::kFine;
}

int RunTrust(const Arguments& arguments) {
  const Config config = ConfigOf(arguments);
  StateFile file(KeyPath(config), StatePath(config));
  WitnessState state = file.state();
  Trust(state.logs, arguments.origin, arguments.verifier);
  file.Replace(std::move(state));
  return service::kFine;
}

// What was cosigned of the log stays remembered: who trusts it again goes on from there.
int RunDistrust(const Arguments& arguments) {
  const Config config = ConfigOf(arguments);
  const VerifierKey key = ParseLogKey(arguments.verifier);
  StateFile file(KeyPath(config), StatePath(config));
  WitnessState state = file.state();
  const auto log = state.logs.find(arguments.origin);
  if (log == state.logs.end() || FindKey(log->second.keys, key) == log->second.keys.end())
    throw std::runtime_error("this key is not trusted for this origin");
  log->second.keys.erase(FindKey(log->second.keys, key));
  if (log->second.keys.empty() && !log->second.newest) state.logs.erase(log);
  file.Replace(std::move(state));
  return service::kFine;
}

int RunKey(const Arguments& arguments) {
  Print(ReadVerifierKey(KeyPath(ConfigOf(arguments))).ToText());
  return service::kFine;
}

std::string ShowTime(PosixTime time) {
  const auto seconds = static_cast<std::time_t>(time.seconds);
  std::tm parts{};
  char text[40] = "";
  if (gmtime_r(&seconds, &parts) != nullptr) std::strftime(text, sizeof text, "%FT%TZ", &parts);
  return text;
}

// Reads without a lock: the file is always whole.
int RunLogs(const Arguments& arguments) {
  const Config config = ConfigOf(arguments);
  const WitnessState state = ReadState(StatePath(config), ReadVerifierKey(KeyPath(config)));
  const EvidenceStore evidence(EvidencePath(config), state.witness);
  for (const auto& [origin, log] : state.logs) {
    std::string line = origin + "\n  " + NameOfOrigin(origin) + "\n";
    for (const VerifierKey& key : log.keys) line += "  trusted: " + key.ToText() + "\n";
    if (log.keys.empty()) line += "  trusted: no key any more\n";
    line += log.newest ? "  cosigned: size " + std::to_string(log.newest->checkpoint.size.value) +
                             " at " + ShowTime(log.newest->time) + "\n"
                       : "  cosigned: nothing yet\n";
    line += evidence.consistent(origin) ? "  consistent: yes"
                                        : "  consistent: no, see " + EvidencePath(config);
    Print(line);
  }
  return service::kFine;
}

int RunAcknowledge(const Arguments& arguments) {
  const std::string directory = EvidencePath(ConfigOf(arguments));
  const std::vector<std::string> paths = AcknowledgeEvidence(directory, arguments.origin);
  if (paths.empty()) throw std::runtime_error("no evidence waits to be acknowledged");
  for (const std::string& path : paths) Print(path);
  return service::kFine;
}

int RunCheckConfig(const Arguments& arguments) {
  std::fputs(ShowConfig(ConfigOf(arguments), service::Role::kWitness).c_str(), stdout);
  return service::kFine;
}

int RunServe(const Arguments& arguments) {
  const Config config = ConfigOf(arguments);
  try {
    return witness::Serve(config);
  } catch (const StateError& reason) {
    // For those who watch the log and not the exit code.
    service::Log(service::Level::kError)
        .Write(service::Level::kError, "the witness refuses to run", {{"error", reason.what()}});
    throw;
  }
}

}  // namespace

void AddCommands(CLI::App& app, std::function<Config()> read,
                 std::function<void(std::function<int()>)> hand_over) {
  const auto arguments = std::make_shared<Arguments>();
  arguments->read = std::move(read);
  CLI::App& witness = *app.add_subcommand(
      "witness", "cosign checkpoints of logs that only ever grow; see docs/witness.md");
  witness.require_subcommand(1);
  witness.fallthrough();
  witness.add_option("--state", arguments->state, "the state file, else witness.state")
      ->type_name("FILE");
  witness.add_option("--key", arguments->key, "the key file, else witness.key")->type_name("FILE");
  const auto add = [&](const char* name, const char* help, int (*run)(const Arguments&)) {
    CLI::App* const added = witness.add_subcommand(name, help);
    added->fallthrough();
    added->callback([hand_over, arguments, run] {
      hand_over([arguments, run] {
        try {
          return run(*arguments);
        } catch (const StateError& reason) {
          std::fprintf(stderr, "bullad: %s\n", reason.what());
          return static_cast<int>(service::kBadState);
        }
      });
    });
    return added;
  };

  CLI::App& init =
      *add("init", "make key and state of a new witness, and print its verifier key", RunInit);
  init.add_option("--name", arguments->name, "what it is called, such as witness.example.com/w1")
      ->required();
  init.add_option("--trust", arguments->trust,
                  "a log to cosign, and its verifier key; may be repeated")
      ->type_name("ORIGIN VKEY");
  add("serve", "cosign what logs send, until it is told to stop", RunServe);
  add("key", "print the verifier key, for who is to believe the witness", RunKey);
  add("logs", "print the logs: keys, what was cosigned, whether there is evidence", RunLogs);
  for (const bool trusts : {true, false}) {
    CLI::App& one = trusts ? *add("trust", "trust a key for an origin", RunTrust)
                           : *add("distrust", "trust a key for an origin no longer", RunDistrust);
    one.add_option("ORIGIN", arguments->origin, "the first line of the log's checkpoints")
        ->required();
    one.add_option("VKEY", arguments->verifier, "the log's verifier key")->required();
  }
  CLI::App& acknowledge =
      *add("acknowledge", "say that evidence was seen, which ends its alarm", RunAcknowledge);
  acknowledge.add_option("ORIGIN", arguments->origin, "of the log; all where it is left out");
  add("check-config", "print the configuration as it is understood", RunCheckConfig);
}

}  // namespace bulla::witness
