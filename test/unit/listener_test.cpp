#include "http/listener.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <stdexcept>

namespace bulla::http {
namespace {

TEST(ListenerTest, TakesAFreePortAndSaysWhich) {
  const Listener listener("127.0.0.1:0");
  EXPECT_NE(listener.address(), "127.0.0.1:0");
  EXPECT_THROW(Listener(listener.address()), std::runtime_error) << "the port is taken";
}

TEST(ListenerTest, ReplacesAUnixSocketThatNobodyListensOn) {
  const std::string path = testing::TempDir() + "listener_test." + std::to_string(getpid());
  {
    const Listener listener("unix:" + path);
    EXPECT_THROW(Listener("unix:" + path), std::runtime_error);
    link(path.c_str(), (path + ".left").c_str());
  }
  EXPECT_NE(access(path.c_str(), F_OK), 0) << "it is removed at the end";
  rename((path + ".left").c_str(), path.c_str());
  EXPECT_NO_THROW(Listener("unix:" + path));
}

TEST(ListenerTest, RefusesWhatIsNoAddress) {
  for (const std::string bad :
       {"", "8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:x", "localhost:80",
        "::1:80", "[127.0.0.1]:80", "[::1]", "unix:"}) {
    EXPECT_THROW(Listener{bad}, std::runtime_error) << bad;
  }
  EXPECT_THROW(Listener("unix:/" + std::string(200, 'a')), std::runtime_error);
}

}  // namespace
}  // namespace bulla::http
