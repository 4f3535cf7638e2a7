#include "database/connection.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <system_error>
#include <thread>
#include <utility>

#include <libpq-fe.h>
#include <poll.h>
#include <sys/socket.h>

#include "database/message_text.h"

namespace bulla::database {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kAskEvery{250};  // whether a wait is still wanted
constexpr int kMostCancels = 16;        // under way at one time

struct ClearResult {
  void operator()(PGresult* result) const { PQclear(result); }
};
using Result = std::unique_ptr<PGresult, ClearResult>;

// False when the deadline passed or the wait became unwanted.
bool WaitFor(int socket, short events, Clock::time_point deadline,
             const Connection::Unwanted& unwanted) {
  while (true) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
    if (left.count() <= 0) return false;
    pollfd descriptor{socket, events, 0};
    const int ready = poll(&descriptor, 1, static_cast<int>(std::min(left, kAskEvery).count()));
    if (ready > 0 || (ready < 0 && errno != EINTR)) return true;  // an error: libpq will find it
    if (unwanted && unwanted()) return false;
  }
}

// A server that hangs up says so first, as a notice where nothing was asked.
void NoteFatal(void* hung_up, const PGresult* notice) {
  const std::string severity = SeverityOf(notice);
  if (severity == "FATAL" || severity == "PANIC") *static_cast<bool*>(hung_up) = true;
}

// Asks the server to cancel what runs on a connection. PQcancel waits for the server without a limit,
// so it has a thread of its own, which keeps nothing of the connection. True in what it returns once
// the server has taken the request; nullptr where it could not be sent.
std::shared_ptr<std::atomic<bool>> RequestCancel(PGconn* connection) {
  static std::atomic<int> under_way{0};
  PGcancel* const request = PQgetCancel(connection);
  if (request == nullptr) return nullptr;
  auto taken = std::make_shared<std::atomic<bool>>(false);
  if (++under_way <= kMostCancels) {
    try {
      std::thread([request, taken] {
        char reason[256];
        PQcancel(request, reason, sizeof reason);
        PQfreeCancel(request);
        --under_way;
        *taken = true;
      }).detach();
      return taken;
    } catch (const std::system_error&) {  // no thread to be had
    }
  }
  --under_way;
  PQfreeCancel(request);
  return nullptr;
}

}  // namespace

void Connection::Finish::operator()(pg_conn* connection) const { PQfinish(connection); }

Connection::Connection(const ConnectionOptions& options, const Unwanted& unwanted)
    : cancel_time_(options.cancel_time) {
  // What stands before dbname can be overridden by the conninfo, what stands behind cannot.
  const char* const names[] = {
      "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout",
      "dbname",          "application_name",    "client_encoding",  nullptr};
  const char* const values[] = {"10",     "5",    "3",    "15000", options.conninfo.c_str(),
                                "bullad", "UTF8", nullptr};
  const Clock::time_point deadline = Clock::now() + options.connect_timeout;
  connection_.reset(PQconnectStartParams(names, values, 1));
  if (!connection_) throw std::bad_alloc();
  PGconn* const connection = connection_.get();
  auto state = PGRES_POLLING_WRITING;
  while (state != PGRES_POLLING_OK) {
    if (PQstatus(connection) == CONNECTION_BAD || state == PGRES_POLLING_FAILED)
      throw ConnectError("the database cannot be reached: " + OneLine(PQerrorMessage(connection)));
    const short events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    if (!WaitFor(PQsocket(connection), events, deadline, unwanted))
      throw ConnectError("the database cannot be reached: it did not answer in time");
    state = PQconnectPoll(connection);
  }
  SetUp(options, deadline, unwanted);
}

void Connection::SetUp(const ConnectionOptions& options, Clock::time_point deadline,
                       const Unwanted& unwanted) {
  PGconn* const connection = connection_.get();
  PQsetnonblocking(connection, 1);
  PQsetNoticeReceiver(connection, NoteFatal, &hung_up_);
  const auto finish = [&](int sent, const std::string& what) {
    Outcome outcome{Outcome::Kind::kUnknown};
    if (sent != 1 || Send(deadline, unwanted) != Progress::kDone ||
        Receive(outcome, deadline, unwanted) != Progress::kDone)
      throw ConnectError("the database did not " + what + " in time, or hung up");
    if (outcome.kind != Outcome::Kind::kAnswer)
      throw ConnectError("the database did not " + what + ": " + outcome.error.message);
  };
  const std::string timeout = std::to_string(options.statement_timeout.count());
  const char* const settings[] = {timeout.c_str()};
  finish(
      PQsendQueryParams(connection, "SELECT pg_catalog.set_config('statement_timeout', $1, false)",
                        1, nullptr, settings, nullptr, nullptr, 0),
      "set up the session");
  for (std::size_t i = 0; i < options.statements.size(); ++i) {
    const std::string& sql = options.statements[i];
    finish(PQsendPrepare(connection, std::to_string(i).c_str(), sql.c_str(), 0, nullptr),
           "prepare \"" + sql + "\"");
  }
}

Outcome Connection::Call(std::size_t statement, std::span<const char* const> parameters,
                         Clock::time_point deadline, const Unwanted& unwanted, bool binary) {
  Outcome outcome;
  if (!usable() || HungUp() ||
      PQsendQueryPrepared(connection_.get(), std::to_string(statement).c_str(),
                          static_cast<int>(parameters.size()), parameters.data(), nullptr, nullptr,
                          binary ? 1 : 0) != 1) {
    GiveUp();
    return outcome;
  }
  // Until the last byte is sent the server cannot commit: it commits when it reads the message Sync.
  if (const Progress sent = Send(deadline, unwanted); sent != Progress::kDone) {
    if (sent == Progress::kOver) outcome.kind = Outcome::Kind::kDeadline;
    GiveUp();
    return outcome;
  }
  outcome.kind = Outcome::Kind::kUnknown;
  switch (Receive(outcome, deadline, unwanted)) {
    case Progress::kDone:
      break;
    case Progress::kOver:
      Cancel(outcome);
      break;
    case Progress::kLost:
      GiveUp();
      break;
  }
  return outcome;
}

bool Connection::Ping(milliseconds time) {
  const Clock::time_point deadline = Clock::now() + time;
  Outcome outcome{Outcome::Kind::kUnknown};
  if (!usable()) return false;
  if (HungUp() || PQsendQuery(connection_.get(), "") != 1 ||
      Send(deadline, {}) != Progress::kDone || Receive(outcome, deadline, {}) != Progress::kDone)
    GiveUp();
  return usable();
}

// Whether the server has closed the connection while nothing was asked. Without this look a request to
// a server that was restarted would count as one whose outcome is unknown.
bool Connection::HungUp() {
  PGconn* const connection = connection_.get();
  pollfd descriptor{PQsocket(connection), POLLIN, 0};
  while (!hung_up_ && poll(&descriptor, 1, 0) > 0) {
    hung_up_ = PQconsumeInput(connection) == 0;
    PQisBusy(connection);  // reads what came, and so calls NoteFatal
  }
  return hung_up_;
}

Connection::Progress Connection::Send(Clock::time_point deadline, const Unwanted& unwanted) {
  PGconn* const connection = connection_.get();
  while (true) {
    const int left = PQflush(connection);
    if (left == 0) return Progress::kDone;
    if (left < 0) return Progress::kLost;
    if (!WaitFor(PQsocket(connection), POLLIN | POLLOUT, deadline, unwanted))
      return Progress::kOver;
    // The server may be stuck in sending until it is read from.
    if (PQconsumeInput(connection) == 0) return Progress::kLost;
  }
}

Connection::Progress Connection::Receive(Outcome& outcome, Clock::time_point deadline,
                                         const Unwanted& unwanted) {
  PGconn* const connection = connection_.get();
  while (true) {
    while (PQisBusy(connection) == 0) {
      const Result result(PQgetResult(connection));
      if (result) {
        Take(result.get(), outcome);
        continue;
      }
      if (PQstatus(connection) != CONNECTION_OK) return Progress::kLost;
      // Only now it is committed: an answer comes before the commit, which can fail.
      if (outcome.kind == Outcome::Kind::kUnknown && outcome.error.message.empty())
        outcome.kind = Outcome::Kind::kAnswer;
      return Progress::kDone;
    }
    if (!WaitFor(PQsocket(connection), POLLIN, deadline, unwanted)) return Progress::kOver;
    if (PQconsumeInput(connection) == 0) return Progress::kLost;
  }
}

void Connection::Take(const pg_result* result, Outcome& outcome) {
  switch (PQresultStatus(result)) {
    case PGRES_TUPLES_OK:
      if (PQntuples(result) == 0) return;
      for (int column = 0; column < PQnfields(result); ++column) {
        if (PQgetisnull(result, 0, column) != 0)
          outcome.row.emplace_back();
        else
          outcome.row.emplace_back(std::in_place, PQgetvalue(result, 0, column),
                                   static_cast<std::size_t>(PQgetlength(result, 0, column)));
      }
      return;
    case PGRES_COMMAND_OK:
    case PGRES_EMPTY_QUERY:
      return;
    default:
      break;
  }
  outcome.error = ErrorOf(result);
  // Without SQLSTATE it is libpq that speaks, of a lost connection. A server that panics may have
  // written the commit before. All else that the server reports has rolled back.
  if (outcome.error.sqlstate.empty() || SeverityOf(result) == "PANIC") return;
  outcome.kind =
      outcome.error.sqlstate == "57014" ? Outcome::Kind::kDeadline : Outcome::Kind::kSqlError;
}

// Ends a call that ran too long. Leaves the connection usable only when nothing of the cancelling can
// hit the next call: the server took the request, and one round trip later it has let go of it.
void Connection::Cancel(Outcome& outcome) {
  const Clock::time_point deadline = Clock::now() + cancel_time_;
  const auto taken = RequestCancel(connection_.get());
  if (Receive(outcome, deadline, {}) != Progress::kDone || !taken) return GiveUp();
  while (!*taken && Clock::now() < deadline) std::this_thread::sleep_for(milliseconds(2));
  if (!*taken) return GiveUp();
  Ping(cancel_time_);
}

// Closes without a word: what is left to send must not be sent any more, it might be a commit.
void Connection::GiveUp() {
  if (connection_) shutdown(PQsocket(connection_.get()), SHUT_RDWR);
  connection_.reset();
}

}  // namespace bulla::database
