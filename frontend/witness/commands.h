// bullad witness …
#pragma once

#include <functional>
#include <string>

#include <CLI/CLI.hpp>

#include "service/config.h"

namespace bulla::witness {

// Adds the subcommand with all of its own. The one that was asked for is handed over; it returns the process's exit code and throws as
// other commands of bullad do. `config` names the configuration, and `read` reads it.
void AddCommands(CLI::App& app, std::function<service::Config()> read,
                 std::function<void(std::function<int()>)> hand_over);

}  // namespace bulla::witness
