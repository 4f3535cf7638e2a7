#include "http/network.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <stdexcept>

namespace bulla::http {
namespace {

TEST(NetworkTest, KnowsWhatIsInANetwork) {
  const Networks networks(
      {"10.0.0.0/8", "192.168.1.128/25", "2001:db8::/33", "::1", "203.0.113.7"});
  for (const char* inside : {"10.0.0.0", "10.255.255.255", "::ffff:10.1.2.3", "192.168.1.128",
                             "2001:db8:7fff::1", "::1", "203.0.113.7"}) {
    EXPECT_TRUE(networks.Contains(inside)) << inside;
  }
  for (const char* outside : {"11.0.0.0", "192.168.1.127", "2001:db8:8000::", "::2", "203.0.113.8",
                              "", "unix", "10.0.0"}) {
    EXPECT_FALSE(networks.Contains(outside)) << outside;
  }
  EXPECT_TRUE(Networks({"0.0.0.0/0"}).Contains("1.2.3.4"));
  EXPECT_FALSE(Networks({"0.0.0.0/0"}).Contains("2001:db8::1"));
  EXPECT_FALSE(Networks({}).Contains("127.0.0.1"));
}

TEST(NetworkTest, RefusesWhatIsNoNetwork) {
  for (const char* bad : {"", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "10.0.0.0/8x", "10.0.0",
                          "::1/129", "example.com", "10.0.0.0/8/8"}) {
    EXPECT_THROW(Networks({bad}), std::runtime_error) << bad;
  }
}

TEST(NetworkTest, BelievesWhatProxiesThatAreTrustedSayOfTheirClient) {
  const Networks trusted({"10.0.0.0/8"});
  const auto client = [&](const char* peer, const Fields& fields) {
    return ClientBehind(trusted, peer, fields);
  };
  EXPECT_EQ(client("203.0.113.7", {{"x-forwarded-for", "198.51.100.1"}}), "203.0.113.7");
  EXPECT_EQ(client("10.0.0.1", {}), "10.0.0.1");
  EXPECT_EQ(client("10.0.0.1", {{"x-forwarded-for", "198.51.100.1"}}), "198.51.100.1");
  // The client wrote the first; the proxy appended the second.
  EXPECT_EQ(client("10.0.0.1", {{"x-forwarded-for", "192.0.2.66, 198.51.100.1"}}), "198.51.100.1");
  EXPECT_EQ(client("10.0.0.1", {{"x-forwarded-for", "198.51.100.1 ,\t10.0.0.2"}}), "198.51.100.1");
  EXPECT_EQ(
      client("10.0.0.1", {{"x-forwarded-for", "192.0.2.66"}, {"x-forwarded-for", "198.51.100.1"}}),
      "198.51.100.1");
  EXPECT_EQ(client("10.0.0.1", {{"x-forwarded-for", "10.0.0.3, 10.0.0.2"}}), "10.0.0.3");
  EXPECT_EQ(client("10.0.0.1", {{"x-forwarded-for", "198.51.100.1, nonsense, 10.0.0.2"}}),
            "10.0.0.2");
  EXPECT_EQ(client("10.0.0.1", {{"x-forwarded-for", ",,"}}), "10.0.0.1");
  EXPECT_EQ(client("10.0.0.1", {{"x-forwarded-for", "2001:DB8::0:1"}}), "2001:db8::1");
}

TEST(NetworkTest, PrintsAddressesWithoutPort) {
  sockaddr_in ipv4{};
  ipv4.sin_family = AF_INET;
  ipv4.sin_port = htons(80);
  inet_pton(AF_INET, "192.0.2.1", &ipv4.sin_addr);
  EXPECT_EQ(AddressText(reinterpret_cast<sockaddr*>(&ipv4)), "192.0.2.1");
  sockaddr_in6 ipv6{};
  ipv6.sin6_family = AF_INET6;
  inet_pton(AF_INET6, "::ffff:192.0.2.1", &ipv6.sin6_addr);
  EXPECT_EQ(AddressText(reinterpret_cast<sockaddr*>(&ipv6)), "192.0.2.1");
  inet_pton(AF_INET6, "2001:db8::1", &ipv6.sin6_addr);
  EXPECT_EQ(AddressText(reinterpret_cast<sockaddr*>(&ipv6)), "2001:db8::1");
  const sockaddr local{.sa_family = AF_UNIX, .sa_data = {}};
  EXPECT_EQ(AddressText(&local), "");
}

}  // namespace
}  // namespace bulla::http
