#include "kms/pkcs11_uri.h"

#include <string>

#include <gtest/gtest.h>

namespace bulla {
namespace {

TEST(Pkcs11UriTest, TakesTheAttributesOfTheStandard) {
  const auto uri = Pkcs11Uri::Parse(
      "token=The%20Token;serial=01ab;object=kek%3b1;id=%01%ff;type=secret-key"
      "?module-path=/usr/lib/m.so&pin-source=file:/etc/pin");
  ASSERT_TRUE(uri.ok()) << uri.error().message;
  EXPECT_EQ(uri.value().token, "The Token");
  EXPECT_EQ(uri.value().serial, "01ab");
  EXPECT_EQ(uri.value().object, "kek;1");
  EXPECT_EQ(uri.value().id, "\x01\xff");
  EXPECT_EQ(uri.value().module_path, "/usr/lib/m.so");
  EXPECT_EQ(uri.value().pin_file, "/etc/pin");
  EXPECT_EQ(uri.value().name, "The Token/kek;1");
  const auto named =
      Pkcs11Uri::Parse("object=o;token=t?pin-source=/etc/pin&name=prod&module-path=/m");
  ASSERT_TRUE(named.ok());
  EXPECT_EQ(named.value().name, "prod");
  EXPECT_EQ(named.value().pin_file, "/etc/pin");
}

TEST(Pkcs11UriTest, RefusesTheRestAndRepeatsNoValue) {
  const std::string query = "?module-path=/m&pin-source=/p";
  for (const std::string& rest :
       {std::string(), query, "token=t" + query, "object=o" + query, "token=t;object=" + query,
        "token=t;object=o;token=u" + query, "token=t;object=%4" + query,
        "token=t;object=%zz" + query, "token=t;object=o;type=public" + query,
        "token=t;object=o;pin-value=secret9" + query,
        "token=t;object=o" + query + "&pin-value=secret9", "token=t;object=o;slot-id=1" + query,
        std::string("token=t;object=o"),
        std::string("token=t;object=o?module-path=m&pin-source=/p"),
        std::string("token=t;object=o?module-path=/m"),
        std::string("token=t;object=o?module-path=/m&pin-source=|secret9"),
        std::string("token=t;object=o?module-path=/m%00&pin-source=/p"),
        std::string("module-path=/m;token=t;object=o?pin-source=/p")}) {
    const auto uri = Pkcs11Uri::Parse(rest);
    ASSERT_FALSE(uri.ok()) << rest;
    EXPECT_EQ(uri.error().code, Code::kInvalidArgument) << rest;
    EXPECT_NE(uri.error().message.find("bulla.kek"), std::string::npos);
    EXPECT_EQ((uri.error().message + uri.error().hint).find("secret9"), std::string::npos) << rest;
  }
}

}  // namespace
}  // namespace bulla
