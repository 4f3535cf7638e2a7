#include "core/origin.h"

#include <gtest/gtest.h>

#include "signing_keys.h"

namespace bulla {
namespace {

LedgerId LedgerIn(const nlohmann::json& vector) {
  LedgerId ledger;
  const auto bytes = HexIn(vector, "ledger");
  std::copy(bytes.begin(), bytes.end(), ledger.bytes.begin());
  return ledger;
}

TEST(OriginTest, AgreesWithTheSpecification) {
  for (const auto& vector : CheckpointVectors("origins")) {
    const LedgerId ledger = LedgerIn(vector);
    const Result<ChainId> chain = IdentifyChain(ledger, HexIn(vector, "chain_key"));
    ASSERT_TRUE(chain.ok());
    EXPECT_EQ(chain.value().text, vector["chain_id"]);
    const Origin origin{vector["log_name"], ledger, chain.value(), {vector["epoch"]}};
    const std::string text = vector["origin"];
    EXPECT_EQ(FormatOrigin(origin), text);
    EXPECT_EQ(ParseOrigin(text).value(), origin);
  }
}

TEST(OriginTest, EveryChangedByteIsAnotherOriginOrRefused) {
  for (const auto& vector : CheckpointVectors("origins")) {
    const std::string text = vector["origin"];
    for (size_t at = 0; at < text.size(); ++at) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string other = text;
        other[at] = static_cast<char>(byte);
        const Result<Origin> parsed = ParseOrigin(other);
        ASSERT_TRUE(!parsed.ok() || FormatOrigin(parsed.value()) == other) << other;
      }
    }
  }
}

TEST(OriginTest, OtherTextsAreRefused) {
  const std::string uuid = "0190f3c2-a1b4-7d3e-8f00-112233445566";
  EXPECT_TRUE(ParseOrigin("l/" + uuid + "/0/0").ok());
  for (const std::string& text : {std::string(),
                                  std::string("/"),
                                  std::string("///"),
                                  "/" + uuid + "/0/0",
                                  uuid + "/0/0",
                                  "l/" + uuid + "/0",
                                  "l/" + uuid + "/0/",
                                  "l/" + uuid + "/0/00",
                                  "l/" + uuid + "/0/01",
                                  "l/" + uuid + "/0/2147483648",
                                  "l/" + uuid + "/0/-1",
                                  "l/" + uuid + "/00/0",
                                  "l/" + uuid + "/1/0",
                                  "l/" + uuid + "/0A83779e4aa5b2d68b521b89d2fb5b65/0",
                                  "l/" + uuid + "/0a83779e4aa5b2d68b521b89d2fb5b6/0",
                                  "l/" + uuid + "//0",
                                  std::string("l/0190F3c2-a1b4-7d3e-8f00-112233445566/0/0"),
                                  std::string("l/0190f3c2a1b47d3e8f00112233445566/0/0"),
                                  "l/{" + uuid + "}/0/0",
                                  "l//" + uuid + "/0/0",
                                  "l/" + uuid + "/0/0/",
                                  "l/" + uuid + "/0/0\n",
                                  " l/" + uuid + "/0/0",
                                  "https://l/" + uuid + "/0/0"}) {
    const Result<Origin> parsed = ParseOrigin(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(parsed.error().code, Code::kInvalidArgument);
  }
}

TEST(OriginTest, LogNamesAreUrlsWithoutAScheme) {
  for (const std::string& name :
       {std::string("a"), std::string("ledger.example.com/bulla"),
        std::string("host:8080/a/b-c_d~e"), std::string("..."), std::string(kMaxLogNameSize, 'a')})
    EXPECT_TRUE(CheckLogName(name).ok()) << name;
  for (const std::string& name :
       {std::string(), std::string("/"), std::string("/a"), std::string("a/"), std::string("a//b"),
        std::string("."), std::string("a/.."), std::string("../a"), std::string("a b"),
        std::string("a+b"), std::string("a\nb"), std::string("\xC3\xA9"), std::string("a%20"),
        std::string("a?b"), std::string("a#b"), std::string(1, '\0'),
        std::string(kMaxLogNameSize + 1, 'a')}) {
    const Result<void> checked = CheckLogName(name);
    ASSERT_FALSE(checked.ok()) << name;
    EXPECT_EQ(checked.error().code, Code::kInvalidArgument);
    EXPECT_FALSE(checked.error().hint.empty());
  }
}

TEST(OriginTest, EveryOriginHasAKeyOfItsOwn) {
  const auto vector = CheckpointVectors("key");
  const SecretBytes signing_seed = SecretBytes::CopyOf(HexIn(vector, "signing_seed")).value();
  const std::string origin = vector["origin"];
  const Result<SecretBytes> seed = DeriveOriginSeed(signing_seed, origin);
  ASSERT_TRUE(seed.ok());
  EXPECT_EQ(ToHex(seed.value().RevealSecretBytes()), vector["seed"]);
  const Ed25519Signer signer = SignerOf(seed.value().RevealSecretBytes());
  EXPECT_EQ(ToHex(signer.public_key().bytes), vector["public_key"]);
  EXPECT_EQ(KeyOf(origin, signer).ToText(), vector["vkey"]);
  EXPECT_NE(ToHex(DeriveOriginSeed(signing_seed, origin + "0").value().RevealSecretBytes()),
            vector["seed"]);
  EXPECT_FALSE(DeriveOriginSeed(SecretBytes::Allocate(31).value(), origin).ok());
}

TEST(OriginTest, AnOriginIsTheNameOfAKey) {
  for (const auto& vector : CheckpointVectors("origins"))
    EXPECT_TRUE(IsKeyName(vector["origin"].get<std::string>()));
}

}  // namespace
}  // namespace bulla
