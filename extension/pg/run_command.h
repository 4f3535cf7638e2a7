// Statements of Bulla's own that need no arguments.
#pragma once

namespace bulla {

// Runs an SQL command, connected to SPI, as the current user, and raises what it raises. `command` is put
// together by the caller: names in it are quoted and qualified.
void RunCommand(const char* command);

}  // namespace bulla
