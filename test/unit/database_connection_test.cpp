#include "database/connection.h"

#include <array>
#include <chrono>
#include <future>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "unit/fake_postgres.h"

namespace bulla::database {
namespace {

using namespace std::chrono_literals;
using Kind = Outcome::Kind;

ConnectionOptions OptionsFor(const FakePostgres& server) {
  return {.conninfo = server.conninfo(),
          .connect_timeout = 10s,
          .statement_timeout = 10s,
          .statements = {"SELECT 1"},
          .cancel_time = 100ms};
}

// Calls once, with time enough, against a server that answers with these bytes and then, where it says
// so, hangs up.
struct Called {
  Outcome outcome;
  bool usable;
};
Called CallAgainst(const std::string& answer, bool hangs_up) {
  FakePostgres server([&](const Peer& peer) {
    if (!peer.ReadRequest()) return;
    peer.Send(answer);
    if (!hangs_up) peer.ReadRequest();
  });
  Connection connection(OptionsFor(server), {});
  Outcome outcome = connection.Call(0, {}, Clock::now() + 10s, {});
  return {std::move(outcome), connection.usable()};
}

TEST(DatabaseConnectionTest, ACommittedRowIsTheAnswer) {
  const auto [outcome, usable] = CallAgainst(Row({"200", "{}"}) + Complete() + Ready(), false);
  EXPECT_EQ(outcome.kind, Kind::kAnswer);
  EXPECT_EQ(outcome.row, (std::vector<std::optional<std::string>>{"200", "{}"}));
  EXPECT_TRUE(usable);
}

TEST(DatabaseConnectionTest, AnErrorOfTheServerIsRolledBack) {
  const auto [outcome, usable] = CallAgainst(ErrorMessage("ERROR", "22023") + Ready(), false);
  EXPECT_EQ(outcome.kind, Kind::kSqlError);
  EXPECT_EQ(outcome.error.sqlstate, "22023");
  EXPECT_EQ(outcome.error.message, "the message");
  EXPECT_TRUE(usable);
}

// The row comes before the commit, and the commit can fail.
TEST(DatabaseConnectionTest, AnErrorBehindTheRowCounts) {
  const auto [outcome, usable] = CallAgainst(
      Row({"200", "{}"}) + Complete() + ErrorMessage("ERROR", "40001") + Ready(), false);
  EXPECT_EQ(outcome.kind, Kind::kSqlError);
  EXPECT_EQ(outcome.error.sqlstate, "40001");
}

TEST(DatabaseConnectionTest, AServerThatSaysWhyItHangsUpHasRolledBack) {
  const auto [outcome, usable] = CallAgainst(ErrorMessage("FATAL", "57P01"), true);
  EXPECT_EQ(outcome.kind, Kind::kSqlError);
  EXPECT_EQ(outcome.error.sqlstate, "57P01");
  EXPECT_FALSE(usable);
}

TEST(DatabaseConnectionTest, AServerThatHangsUpSilentlyLeavesTheOutcomeUnknown) {
  for (const std::string& answer :
       {std::string(), Row({"200", "{}"}), Row({"200", "{}"}) + Complete(),
        ErrorMessage("PANIC", "XX000"), std::string("Z\0\0", 3)}) {
    const auto [outcome, usable] = CallAgainst(answer, true);
    EXPECT_EQ(outcome.kind, Kind::kUnknown);
    EXPECT_FALSE(usable);
  }
}

TEST(DatabaseConnectionTest, ACallOverAConnectionThatEndedWhileIdleIsNotRun) {
  for (const std::string& last : {std::string(), ErrorMessage("FATAL", "57P01")}) {
    std::promise<void> gone;
    FakePostgres server([&](const Peer& peer) {
      // As a request that it swallows would be: nothing but what the client sees tells them apart.
      peer.Send(last);
      if (last.empty()) peer.HangUp();
      gone.set_value();
      peer.ReadRequest();
    });
    Connection connection(OptionsFor(server), {});
    gone.get_future().wait();
    EXPECT_EQ(connection.Call(0, {}, Clock::now() + 10s, {}).kind, Kind::kNotRun);
    EXPECT_FALSE(connection.usable());
    EXPECT_EQ(connection.Call(0, {}, Clock::now() + 10s, {}).kind, Kind::kNotRun);
  }
}

TEST(DatabaseConnectionTest, AtItsDeadlineACallIsCancelledAndTheConnectionGoesOn) {
  FakePostgres server([&](const Peer& peer) {
    peer.ReadRequest();
    while (server.cancels == 0) std::this_thread::yield();
    peer.Send(ErrorMessage("ERROR", "57014") + Ready());
    peer.ReadRequest();  // the ping that makes sure of the cancel
    peer.Send(Message('I', "") + Ready());
    peer.ReadRequest();
    peer.Send(Row({"200"}) + Complete() + Ready());
    peer.ReadRequest();
  });
  ConnectionOptions options = OptionsFor(server);
  options.cancel_time = 10s;
  Connection connection(options, {});
  EXPECT_EQ(connection.Call(0, {}, Clock::now() + 20ms, {}).kind, Kind::kDeadline);
  ASSERT_TRUE(connection.usable());
  const Outcome next = connection.Call(0, {}, Clock::now() + 10s, {});
  EXPECT_EQ(next.kind, Kind::kAnswer);
  EXPECT_EQ(next.row, (std::vector<std::optional<std::string>>{"200"}));
  EXPECT_EQ(server.cancels, 1);
}

TEST(DatabaseConnectionTest, ACancelThatComesTooLateLeavesTheAnswer) {
  FakePostgres server([&](const Peer& peer) {
    peer.ReadRequest();
    while (server.cancels == 0) std::this_thread::yield();
    peer.Send(Row({"200"}) + Complete() + Ready());
    peer.ReadRequest();
    peer.Send(Message('I', "") + Ready());
    peer.ReadRequest();
  });
  ConnectionOptions options = OptionsFor(server);
  options.cancel_time = 10s;
  Connection connection(options, {});
  EXPECT_EQ(connection.Call(0, {}, Clock::now() + 20ms, {}).kind, Kind::kAnswer);
  EXPECT_TRUE(connection.usable());
}

TEST(DatabaseConnectionTest, ACallThatIsUnwantedIsCancelledBeforeItsDeadline) {
  FakePostgres server([&](const Peer& peer) {
    peer.ReadRequest();
    while (server.cancels == 0) std::this_thread::yield();
    peer.Send(ErrorMessage("ERROR", "57014") + Ready());
    peer.ReadRequest();
  });
  Connection connection(OptionsFor(server), {});
  const auto begin = Clock::now();
  EXPECT_EQ(connection.Call(0, {}, begin + 60s, [] { return true; }).kind, Kind::kDeadline);
  EXPECT_LT(Clock::now() - begin, 30s);
}

TEST(DatabaseConnectionTest, AServerThatTakesNoCancelIsGivenUp) {
  FakePostgres server([&](const Peer& peer) {
    peer.ReadRequest();
    peer.ReadRequest();
  });
  Connection connection(OptionsFor(server), {});
  EXPECT_EQ(connection.Call(0, {}, Clock::now() + 20ms, {}).kind, Kind::kUnknown);
  EXPECT_FALSE(connection.usable());
}

// What was not sent to its end cannot be committed, and must not be sent later.
TEST(DatabaseConnectionTest, ARequestThatIsNotTakenInTimeNeverBecomesComplete) {
  std::promise<void> given_up;
  std::promise<bool> complete;
  FakePostgres server([&](const Peer& peer) {
    given_up.get_future().wait();
    complete.set_value(peer.ReadRequest());
  });
  Connection connection(OptionsFor(server), {});
  const std::string large(8 << 20, 'x');
  const std::array parameters = {large.c_str()};
  EXPECT_EQ(connection.Call(0, parameters, Clock::now() + 50ms, {}).kind, Kind::kDeadline);
  EXPECT_FALSE(connection.usable());
  given_up.set_value();
  EXPECT_FALSE(complete.get_future().get());
}

TEST(DatabaseConnectionTest, ConnectingHasATimeLimit) {
  FakePostgres server([](const Peer&) {});
  ConnectionOptions options = OptionsFor(server);
  options.connect_timeout = 0ms;
  EXPECT_THROW(Connection(options, {}), ConnectError);
  options.connect_timeout = 10s;
  options.conninfo = "host=/nowhere";
  EXPECT_THROW(Connection(options, {}), ConnectError);
  // A second statement, which this server does not answer.
  options.conninfo = server.conninfo();
  options.statements.emplace_back("SELECT 2");
  EXPECT_THROW(Connection(options, {}), ConnectError);
}

TEST(DatabaseConnectionTest, APingTellsWhetherTheServerAnswers) {
  FakePostgres server([](const Peer& peer) {
    peer.ReadRequest();
    peer.Send(Message('I', "") + Ready());
    peer.ReadRequest();
    peer.ReadRequest();
  });
  Connection connection(OptionsFor(server), {});
  EXPECT_TRUE(connection.Ping(10s));
  EXPECT_FALSE(connection.Ping(20ms));
  EXPECT_FALSE(connection.usable());
}

}  // namespace
}  // namespace bulla::database
