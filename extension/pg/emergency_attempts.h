// Attempts to end emergency mode, counted where no rollback, crash or restart takes them back: in a sequence.
#pragma once

extern "C" {
#include "postgres.h"
}

namespace bulla {

// Counts one more attempt, and makes it wait the longer the more there were since the mode began
// (DelayOfAttempt). Can be cancelled; it is counted then. Returns the attempt's number, from 1.
int64 BeginAttempt();

// The next attempt is the first one again.
void ForgetAttempts();

}  // namespace bulla
