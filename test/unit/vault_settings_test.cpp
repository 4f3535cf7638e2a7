#include "kms/vault_settings.h"

#include <string>

#include <gtest/gtest.h>

namespace bulla {
namespace {

TEST(VaultSettingsTest, TakesWhatIsThereAndDefaultsTheRest) {
  const auto least = VaultSettings::Parse("https://vault.example.com:8200?key=bulla&token_file=/t");
  ASSERT_TRUE(least.ok()) << least.error().message;
  EXPECT_EQ(least.value().address, "https://vault.example.com:8200");
  EXPECT_EQ(least.value().mount, "transit");
  EXPECT_EQ(least.value().auth_mount, "approle");
  EXPECT_EQ(least.value().name, "transit/bulla");
  const auto most = VaultSettings::Parse(
      "https://[2001:db8::1]:8200/?key=k-1&mount=kms/transit&namespace=a/b&role_id_file=/r&"
      "secret_id_file=/s&auth_mount=role&ca_file=/etc/ca.pem");
  ASSERT_TRUE(most.ok()) << most.error().message;
  EXPECT_EQ(most.value().address, "https://[2001:db8::1]:8200");
  EXPECT_EQ(most.value().name, "a/b/kms/transit/k-1");
  EXPECT_EQ(most.value().secret_id_file, "/s");
  EXPECT_EQ(VaultSettings::Parse("https://v?key=k&token_file=/t&name=prod").value().name, "prod");
}

TEST(VaultSettingsTest, PlainHttpIsForThisMachineAlone) {
  for (const char* address : {"http://127.0.0.1:8200", "http://localhost", "http://[::1]:8200"})
    EXPECT_TRUE(VaultSettings::Parse(std::string(address) + "?key=k&token_file=/t").ok())
        << address;
  for (const char* address : {"http://vault:8200", "http://127.0.0.1.example.com",
                              "http://localhost.example.com", "http://[::2]"})
    EXPECT_FALSE(VaultSettings::Parse(std::string(address) + "?key=k&token_file=/t").ok())
        << address;
}

TEST(VaultSettingsTest, RefusesTheRestAndRepeatsNoValue) {
  for (const char* rest : {"",
                           "https://",
                           "https://v",
                           "https://v?key=k",
                           "https://v?token_file=/t",
                           "ftp://v?key=k",
                           "https://u:secret9@v?key=k&token_file=/t",
                           "https://v/secret9?key=k&token_file=/t",
                           "https://v secret9?key=k&token_file=/t",
                           "https://v?key=k&token=secret9",
                           "https://v?key=k&token_file=secret9",
                           "https://v?key=../k&token_file=/t",
                           "https://v?key=a/b&token_file=/t",
                           "https://v?key=k&token_file=/t&mount=a//b",
                           "https://v?key=k&token_file=/t&mount=..",
                           "https://v?key=k&token_file=/t&namespace=a b",
                           "https://v?key=k&token_file=/t&role_id_file=/r",
                           "https://v?key=k&role_id_file=/r",
                           "https://v?key=k&token_file=/t&secret_id_file=/s",
                           "https://v?key=k\r\n&token_file=/t",
                           "https://v?key=&token_file=/t",
                           "https://v?key=k%2f&token_file=/t"}) {
    const auto settings = VaultSettings::Parse(rest);
    ASSERT_FALSE(settings.ok()) << rest;
    EXPECT_EQ(settings.error().code, Code::kInvalidArgument) << rest;
    EXPECT_NE(settings.error().message.find("bulla.kek"), std::string::npos);
    EXPECT_EQ((settings.error().message + settings.error().hint).find("secret9"),
              std::string::npos);
  }
}

}  // namespace
}  // namespace bulla
