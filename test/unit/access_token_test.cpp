#include "service/access_token.h"

#include <set>
#include <string>

#include <gtest/gtest.h>

namespace bulla::service {
namespace {

TEST(AccessTokenTest, NewOnesAreRecognisableAndDifferent) {
  std::set<std::string> tokens;
  for (int i = 0; i < 100; ++i) {
    const std::string token = NewAccessToken();
    EXPECT_TRUE(token.starts_with("bulla_"));
    EXPECT_EQ(token.size(), 6 + 43U);
    EXPECT_TRUE(IsAccessToken(token)) << token;
    tokens.insert(token);
  }
  EXPECT_EQ(tokens.size(), 100U);
}

// 32 bytes take 43 characters, and the last of these holds four bits only.
TEST(AccessTokenTest, TheLastCharacterHasNothingButWhatIsLeft) {
  for (int i = 0; i < 100; ++i)
    EXPECT_NE(std::string("AEIMQUYcgkosw048").find(NewAccessToken().back()), std::string::npos);
}

TEST(AccessTokenTest, KnowsTheAlphabetOfBearerTokens) {
  for (const char* text : {"a", "Zz09-._~+/", "abc=", "abc==", "a.b.c"})
    EXPECT_TRUE(IsAccessToken(text));
  for (const char* text : {"", "=", "==", "a=b", "a b", "a,b", "a\"", "\xC3\xA9", "a\t", "a:b"})
    EXPECT_FALSE(IsAccessToken(text)) << text;
}

TEST(AccessTokenTest, TheDigestIsSha256) {
  EXPECT_EQ(DigestAsBytea("abc"),
            "\\xba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace bulla::service
