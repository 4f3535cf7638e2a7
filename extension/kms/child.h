// Work in a child process: what may hang, crash or bring libraries with it does so outside of ours, and
// can be ended at any moment.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "core/bytes.h"
#include "core/result.h"
#include "kms/waiter.h"

namespace bulla {

// How a child ended that was not ended by us.
struct ChildEnd {
  int status = 0;          // as waitpid() tells it
  size_t output_size = 0;  // of what it wrote to its standard output
  std::string errors;  // the first bytes of its standard error, only printable ASCII, not trusted

  bool succeeded() const { return status == 0; }
  // "ended with status 1", "was killed by signal 9".
  std::string Text() const;
};

// Forks, and runs `body` in the child with the input as its standard input, its standard output going to
// `output` and at most kMaxChildErrors of its standard error being kept. What `body` returns is the
// child's exit status; it may exec instead. In the child every signal has its default action, no other
// descriptor is open, nothing of it goes into a core dump, and it dies with the process that forked it.
// It must not touch what it shares with its parent.
//
// When the waiter's deadline passes (kUnavailable), it is cancelled or throws, or the output does not
// fit (kCorrupt), the child and all in its process group are killed, and it is reaped, before this
// returns.
inline constexpr size_t kMaxChildErrors = 1024;
Result<ChildEnd> RunChild(const std::function<int()>& body, Bytes input, MutableBytes output,
                          Waiter& waiter);

}  // namespace bulla
