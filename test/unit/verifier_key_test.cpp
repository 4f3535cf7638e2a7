#include "core/verifier_key.h"

#include <gtest/gtest.h>

#include "signing_keys.h"

namespace bulla {
namespace {

TEST(VerifierKeyTest, TextIsThatOfTheOtherImplementations) {
  for (const char* part : {"known_note", "key", "witness"}) {
    const std::string text = CheckpointVectors(part)["vkey"];
    const VerifierKey key = KeyOf(text);
    EXPECT_EQ(key.ToText(), text);
    EXPECT_EQ(key.type(),
              part == std::string("witness") ? SignatureType::kCosignature : SignatureType::kNote);
  }
  const auto known = CheckpointVectors("known_note");
  EXPECT_EQ(KeyOf("PeterNeumann", SignerOf(HexIn(known, "seed"))).ToText(), known["vkey"]);
  EXPECT_EQ(KeyOf(known["vkey"].get<std::string>()).id(), NoteKeyId{0xc74f20a3});
}

TEST(VerifierKeyTest, PartsAndChangedCharactersAreRefused) {
  const std::string text = CheckpointVectors("known_note")["vkey"];
  for (size_t begin = 0; begin <= text.size(); ++begin) {
    for (size_t size = 0; begin + size <= text.size(); ++size) {
      if (size == text.size()) continue;
      const Result<VerifierKey> key = VerifierKey::Parse(text.substr(begin, size));
      ASSERT_FALSE(key.ok()) << text.substr(begin, size);
      EXPECT_EQ(key.error().code, Code::kInvalidArgument);
    }
  }
  for (size_t at = 0; at < text.size(); ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string other = text;
      other[at] = static_cast<char>(byte);
      ASSERT_EQ(VerifierKey::Parse(other).ok(), other == text) << other;
    }
    ASSERT_FALSE(VerifierKey::Parse(std::string(text).insert(at, 1, text[at])).ok());
  }
}

TEST(VerifierKeyTest, OtherTypesAndSizesAreRefusedThoughTheirIdFits) {
  // A key of 36 bytes and one of type 64 hexadecimal, both with the ids that belong to them.
  EXPECT_FALSE(VerifierKey::Parse(
                   "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==")
                   .ok());
  const Result<VerifierKey> other_type =
      VerifierKey::Parse("PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW");
  ASSERT_FALSE(other_type.ok());
  EXPECT_EQ(other_type.error().message, "this type of verifier key is not supported");
  // The id in capital letters.
  EXPECT_FALSE(
      VerifierKey::Parse("PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
          .ok());
}

TEST(VerifierKeyTest, TheSameKeyHasAnotherIdForAnotherPurposeOrName) {
  const Ed25519Signer signer = SignerOf(3);
  const VerifierKey log = KeyOf("a", signer);
  EXPECT_NE(log.id(), KeyOf("a", signer, SignatureType::kCosignature).id());
  EXPECT_NE(log.id(), KeyOf("b", signer).id());
  EXPECT_NE(log.id(), KeyOf("a", SignerOf(4)).id());
}

TEST(VerifierKeyTest, NamesHaveNeitherSpacesNorPlusSigns) {
  for (const char* name : {"a", "example.com/log", "\xC3\xA9tat", "\xE2\x80\x94", "a-b_c~d:e"})
    EXPECT_TRUE(IsKeyName(name)) << name;
  for (const std::string_view name :
       {"", " ", "a b", "a+b", "+", "a\n", "\ta", "a\xC2\xA0", "\xE2\x80\x89", "\xE3\x80\x80",
        "a\xFF", "\xC3", "a\x01", "a\x1F"}) {
    EXPECT_FALSE(IsKeyName(name)) << name;
    EXPECT_FALSE(VerifierKey::Create(name, SignatureType::kNote, {}).ok());
  }
  EXPECT_FALSE(IsKeyName(std::string_view("a\0b", 3)));
}

}  // namespace
}  // namespace bulla
