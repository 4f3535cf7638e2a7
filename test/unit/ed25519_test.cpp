#include "core/ed25519.h"

#include <gtest/gtest.h>

#include "signing_keys.h"

namespace bulla {
namespace {

struct Known {
  const char *seed, *public_key, *message, *signature;
};
// RFC 8032, section 7.1, tests 1 to 3.
const Known kKnown[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b"
     "4"
     "6bd25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11"
     "d"
     "8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc"
     "6"
     "594a7c15e9716ed28dc027beceea1ec40a"},
};

TEST(Ed25519Test, SignsLikeRfc8032) {
  for (const Known& known : kKnown) {
    const Ed25519Signer signer = SignerOf(FromHex(known.seed));
    EXPECT_EQ(ToHex(signer.public_key().bytes), known.public_key);
    const auto message = FromHex(known.message);
    const Result<Ed25519Signature> signature = signer.Sign(message);
    ASSERT_TRUE(signature.ok());
    EXPECT_EQ(ToHex(signature.value().bytes), known.signature);
    EXPECT_TRUE(VerifyEd25519(signer.public_key(), message, signature.value()).value());
  }
}

TEST(Ed25519Test, EveryBitOfKeySignatureAndMessageCounts) {
  const Ed25519Signer signer = SignerOf(1);
  std::vector<std::byte> message = FromHex("68656c6c6f");
  const Ed25519Signature good = signer.Sign(message).value();
  const auto verifies = [&](const Ed25519PublicKey& key, const Ed25519Signature& signature) {
    return VerifyEd25519(key, message, signature).value();
  };
  for (size_t bit = 0; bit < 512; ++bit) {
    Ed25519Signature bad = good;
    bad.bytes[bit / 8] ^= std::byte{1} << (bit % 8);
    EXPECT_FALSE(verifies(signer.public_key(), bad)) << bit;
  }
  for (size_t bit = 0; bit < 256; ++bit) {
    Ed25519PublicKey bad = signer.public_key();
    bad.bytes[bit / 8] ^= std::byte{1} << (bit % 8);
    EXPECT_FALSE(verifies(bad, good)) << bit;
  }
  for (size_t bit = 0; bit < 8 * message.size(); ++bit) {
    message[bit / 8] ^= std::byte{1} << (bit % 8);
    EXPECT_FALSE(verifies(signer.public_key(), good)) << bit;
    message[bit / 8] ^= std::byte{1} << (bit % 8);
  }
  EXPECT_TRUE(verifies(signer.public_key(), good));
}

TEST(Ed25519Test, ASeedOfAnotherSizeIsRefused) {
  for (const size_t size : {1u, 31u, 33u, 64u}) {
    const auto signer = Ed25519Signer::Create(SecretBytes::Allocate(size).value());
    ASSERT_FALSE(signer.ok());
    EXPECT_EQ(signer.error().code, Code::kInvalidArgument);
  }
}

}  // namespace
}  // namespace bulla
