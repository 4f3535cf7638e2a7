// One connection to PostgreSQL, used by one thread at a time.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "database/sql_error.h"

struct pg_conn;
struct pg_result;

namespace bulla::database {

using Clock = std::chrono::steady_clock;

struct ConnectionOptions {
  std::string conninfo;                          // as libpq takes it
  std::chrono::milliseconds connect_timeout;     // for connecting and preparing together
  std::chrono::milliseconds statement_timeout;   // the server's own limit, behind our deadlines
  std::vector<std::string> statements;           // prepared at once, called by their index
  std::chrono::milliseconds cancel_time{2'000};  // for a cancelled call's outcome
};

// What a call came to.
struct Outcome {
  enum class Kind {
    kAnswer,    // committed; `row` is the first row of the answer
    kSqlError,  // rolled back by the server; `error` says why
    kDeadline,  // rolled back, or never run: its time was over, or nobody wanted it any more
    kNotRun,    // the connection was lost before it can have taken effect
    kUnknown,   // the connection was lost, or given up, when it may have taken effect or not
  };
  Kind kind = Kind::kNotRun;
  std::vector<std::optional<std::string>> row = {};  // nothing for NULL
  SqlError error = {};
};

// One plain sentence that names no secret.
struct ConnectError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Nothing here waits for longer than it was told to, but for the look-up of a host's name, which libpq
// leaves to the system.
class Connection {
 public:
  // Asked about every quarter of a second while waiting: true ends the wait.
  using Unwanted = std::function<bool()>;

  // Connects, sets the session up and prepares. Throws ConnectError.
  Connection(const ConnectionOptions& options, const Unwanted& unwanted);

  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Calls a prepared statement; parameters are texts, nullptr for NULL. The answer's values are texts, too, unless they
  // are asked for in binary: then a bytea is its bytes. At the deadline, and when the
  // call has become unwanted, it is cancelled and its outcome waited for, cancel_time at most.
  Outcome Call(std::size_t statement, std::span<const char* const> parameters,
               Clock::time_point deadline, const Unwanted& unwanted, bool binary = false);

  // Whether the server answers in that time. Where not, the connection is given up.
  bool Ping(std::chrono::milliseconds time);

  // Ends it at once. What was not sent completely will not be.
  void GiveUp();

  // False once it was lost or given up: it is of no more use then.
  bool usable() const { return connection_ != nullptr; }

 private:
  struct Finish {
    void operator()(pg_conn* connection) const;
  };
  enum class Progress { kDone, kOver, kLost };

  void SetUp(const ConnectionOptions& options, Clock::time_point deadline,
             const Unwanted& unwanted);
  bool HungUp();
  Progress Send(Clock::time_point deadline, const Unwanted& unwanted);
  Progress Receive(Outcome& outcome, Clock::time_point deadline, const Unwanted& unwanted);
  void Take(const pg_result* result, Outcome& outcome);
  void Cancel(Outcome& outcome);

  std::unique_ptr<pg_conn, Finish> connection_;
  const std::chrono::milliseconds cancel_time_;
  bool hung_up_ = false;  // the server said that it ends the connection
};

}  // namespace bulla::database
