#include "service/commands.h"

#include <cstdio>
#include <exception>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>
#include <unistd.h>

#include "database/conninfo.h"
#include "database/session.h"
#include "service/config.h"
#include "service/exit_codes.h"
#include "service/serve.h"
#include "service/setup.h"
#include "service/units.h"
#include "service/version.h"
#include "witness/commands.h"

namespace bulla::service {
namespace {

constexpr const char* kFooter = R"(
Examples:
  bullad init --database "host=/run/postgresql user=postgres dbname=bulla" > token
  bullad check-config --config /etc/bulla/bullad.toml
  bullad serve --config /etc/bulla/bullad.toml
  bullad token add ci --scope audit:write --expires 30d
  bullad witness init --name witness.example.com/w1 --state state --trust ORIGIN VKEY

Every key of the configuration can be set in the environment, too: BULLAD_DATABASE_CONNINFO is
conninfo in section [database]. bullad check-config prints all keys with their values.

Signals: SIGTERM and SIGINT let the requests under way be answered and end bullad, a second one ends
it at once; SIGHUP reads the TLS files again.

Exit codes: 0 fine, 1 failed, 2 wrong use or configuration, 3 the database cannot be reached
(init and token; serve waits for it), 4 a witness's state is missing, torn or behind what it signed.)";

// Wrong use that CLI11 cannot see.
struct UseError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Arguments {
  std::string config;
  std::string database;  // an administrator's conninfo
  std::string role = "bullad";
  NewToken token;
  std::string expires;
};

Environment ReadEnvironment() {
  Environment environment;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    if (const auto equals = text.find('='); equals != std::string_view::npos)
      environment.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return environment;
}

void Print(std::FILE* stream, const std::string& line) {
  if (std::fputs((line + "\n").c_str(), stream) < 0 || std::fflush(stream) != 0)
    throw std::runtime_error("the output cannot be written");
}

void Tell(const std::string& what) { Print(stderr, "bullad: " + what); }
void HandOverToken(const std::string& token) { Print(stdout, token); }

database::Session Connect(const Arguments& arguments) {
  if (!database::ReadConninfo(arguments.database))
    throw UseError(
        "--database is not a connection string of libpq, such as \"host=db.example "
        "user=postgres dbname=bulla\"");
  return database::Session(arguments.database);
}

int RunServe(const Arguments& arguments) {
  return Serve(ReadConfig(arguments.config, ReadEnvironment()));
}

int RunCheckConfig(const Arguments& arguments) {
  std::fputs(ShowConfig(ReadConfig(arguments.config, ReadEnvironment())).c_str(), stdout);
  return kFine;
}

int RunInit(const Arguments& arguments) {
  const Config config = ReadConfig(arguments.config, ReadEnvironment());
  const auto conninfo = database::ReadConninfo(config.database.conninfo);
  Setup setup{arguments.role, ""};
  if (conninfo && conninfo->user == setup.role) setup.password = conninfo->password;
  database::Session session = Connect(arguments);
  SetUpDatabase(session, setup, Tell, HandOverToken);
  Tell("the database is ready for bullad");
  return kFine;
}

int RunTokenAdd(Arguments arguments) {
  if (!arguments.expires.empty()) {
    arguments.token.lifetime = ParseTime(arguments.expires);
    if (!arguments.token.lifetime) throw UseError("--expires takes a time such as 12h or 30d");
  }
  database::Session session = Connect(arguments);
  AddToken(session, arguments.token, HandOverToken);
  return kFine;
}

int RunTokenRevoke(const Arguments& arguments) {
  database::Session session = Connect(arguments);
  RevokeToken(session, arguments.token.name);
  return kFine;
}

int RunVersion(const Arguments&) {
  Print(stdout, "bullad " + std::string(Version()));
  return kFine;
}

using Command = std::function<int(const Arguments&)>;

// Each subcommand sets what is to be run.
void AddCommands(CLI::App& app, Arguments& arguments, Command& command) {
  const auto add = [&command](CLI::App& parent, const char* name, const char* help, Command run) {
    CLI::App* const added = parent.add_subcommand(name, help);
    added->fallthrough();
    added->callback([&command, run = std::move(run)] { command = run; });
    return added;
  };
  const auto add_database = [&arguments](CLI::App& to) {
    to.add_option("--database", arguments.database,
                  "an administrator's connection string; else libpq's environment. A password does "
                  "not belong here, where ps shows it: use PGPASSFILE")
        ->envname("BULLAD_INIT_DATABASE")
        ->type_name("CONNINFO");
  };

  app.add_option("--config", arguments.config, "the configuration, a TOML file")
      ->envname("BULLAD_CONFIG")
      ->type_name("FILE");
  add(app, "serve", "serve (what bullad does without a subcommand, too)", RunServe);
  add(app, "check-config", "print the configuration as it is understood, without secrets",
      RunCheckConfig);
  add(app, "version", "print the version", RunVersion);

  CLI::App& init = *add(app, "init",
                        "make in the database what is missing, and print an administrator's access "
                        "token, once",
                        RunInit);
  add_database(init);
  init.add_option("--role", arguments.role, "the role that bullad logs in as")
      ->capture_default_str();

  CLI::App& token = *app.add_subcommand("token", "add and revoke access tokens");
  token.require_subcommand(1);
  token.fallthrough();
  CLI::App& token_add = *add(token, "add", "add an access token, and print it, once", RunTokenAdd);
  add_database(token_add);
  token_add.add_option("NAME", arguments.token.name, "what people call it")->required();
  token_add
      .add_option("--scope", arguments.token.scopes,
                  "admin, audit:read or audit:write; may be repeated")
      ->required();
  token_add.add_option("--organization", arguments.token.organization, "the only one it is for")
      ->type_name("UUID");
  token_add.add_option("--expires", arguments.expires, "how long it counts, such as 12h or 30d")
      ->type_name("TIME");
  CLI::App& token_revoke = *add(token, "revoke", "revoke an access token, at once", RunTokenRevoke);
  add_database(token_revoke);
  token_revoke.add_option("NAME", arguments.token.name, "what people call it")->required();

  witness::AddCommands(
      app, [&arguments] { return ReadConfig(arguments.config, ReadEnvironment(), Role::kWitness); },
      [&command](std::function<int()> run) {
        command = [run = std::move(run)](const Arguments&) { return run(); };
      });
}

int Fail(ExitCode code, const std::exception& reason) {
  std::string_view lines = reason.what();
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    std::fprintf(stderr, "bullad: %.*s\n", static_cast<int>(end), lines.data());
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
  return code;
}

}  // namespace

int RunCommand(int argc, char** argv) {
  CLI::App app("bullad serves AgentIdP, the identity provider on top of Bulla, over HTTP.",
               "bullad");
  app.footer(kFooter);
  app.set_version_flag("--version", "bullad " + std::string(Version()));
  app.require_subcommand(0, 1);
  Arguments arguments;
  Command command = RunServe;
  AddCommands(app, arguments, command);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kFine : kWrongUse;
  }
  try {
    return command(arguments);
  } catch (const UseError& error) {
    return Fail(kWrongUse, error);
  } catch (const ConfigError& error) {
    return Fail(kWrongUse, error);
  } catch (const StartError& error) {
    return Fail(kWrongUse, error);
  } catch (const database::ConnectError& error) {
    return Fail(kNoDatabase, error);
  } catch (const std::exception& error) {
    return Fail(kFailed, error);
  }
}

}  // namespace bulla::service
