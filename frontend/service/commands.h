// The command line of bullad.
#pragma once

namespace bulla::service {

// Runs what the arguments say and returns the process's exit code.
int RunCommand(int argc, char** argv);

}  // namespace bulla::service
