#pragma once

namespace bulla::service {

// As bullad --help tells them.
enum ExitCode {
  kFine = 0,
  kFailed = 1,      // while running
  kWrongUse = 2,    // of the command line, or a configuration that cannot be used
  kNoDatabase = 3,  // it cannot be reached; for init and token only: serve waits for it
  kBadState =
      4,  // of a witness: what it has signed is not known for sure, so it signs nothing more
};

}  // namespace bulla::service
