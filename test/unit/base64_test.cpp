#include "core/base64.h"

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "vectors.h"

namespace bulla {
namespace {

std::string Encode(Bytes bytes) {
  std::string text(Base64UrlSize(bytes.size()), '?');
  EncodeBase64Url(bytes, text);
  return text;
}

bool Decodes(std::string_view text) {
  std::vector<std::byte> bytes(Base64UrlDecodedSize(text.size()));
  return DecodeBase64Url(text, bytes);
}

TEST(Base64UrlTest, AgreesWithRfc4648AndRefusesEveryOtherText) {
  for (const auto& vector : LoadVectors("base64.json", "vectors")) {
    const auto text = vector["text"].get<std::string>();
    SCOPED_TRACE(text);
    if (vector.contains("want_error")) {
      EXPECT_FALSE(Decodes(text)) << vector["desc"];
      continue;
    }
    const auto bytes = HexIn(vector, "bytes");
    EXPECT_EQ(Encode(bytes), text);
    std::vector<std::byte> decoded(bytes.size());
    EXPECT_TRUE(DecodeBase64Url(text, decoded));
    EXPECT_EQ(decoded, bytes);
  }
}

// One text per byte string: every text of up to three characters that decodes is the one that the
// bytes encode to.
TEST(Base64UrlTest, ShortTextsAreCanonical) {
  size_t accepted = 0;
  for (int a = 0; a < 256; ++a) {
    for (int b = 0; b < 256; ++b) {
      std::string text{static_cast<char>(a), static_cast<char>(b)};
      std::vector<std::byte> bytes(1);
      if (!DecodeBase64Url(text, bytes)) continue;
      ++accepted;
      EXPECT_EQ(Encode(bytes), text);
    }
  }
  EXPECT_EQ(accepted, 256U);
  accepted = 0;
  for (int c = 0; c < 256; ++c) {
    const std::string text{'A', 'A', static_cast<char>(c)};
    std::vector<std::byte> bytes(2);
    if (!DecodeBase64Url(text, bytes)) continue;
    ++accepted;
    EXPECT_EQ(Encode(bytes), text);
  }
  EXPECT_EQ(accepted, 16U);
}

TEST(Base64UrlTest, EveryWrongByteAtEveryPlaceIsRefused) {
  const std::string good = Encode(AsBytes("0123456789"));  // 14 characters
  const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  for (size_t place = 0; place < good.size(); ++place) {
    for (int c = 0; c < 256; ++c) {
      if (alphabet.find(static_cast<char>(c)) != std::string::npos) continue;
      std::string bad = good;
      bad[place] = static_cast<char>(c);
      EXPECT_FALSE(Decodes(bad)) << place << " " << c;
    }
  }
}

TEST(Base64UrlTest, SizesAreEachOthersInverse) {
  for (size_t size = 0; size < 100; ++size) {
    EXPECT_EQ(Base64UrlDecodedSize(Base64UrlSize(size)), size);
    EXPECT_NE(Base64UrlSize(size) % 4, 1U);
  }
}

TEST(Base64UrlTest, RefusesAnOutputOfAnotherSize) {
  std::vector<std::byte> bytes(4);
  EXPECT_FALSE(DecodeBase64Url("Zm9v", bytes));
  EXPECT_FALSE(DecodeBase64Url("Zm9v", MutableBytes(bytes).first(2)));
}

TEST(Base64UrlTest, EncodesTheTailOfItsOwnOutput) {
  std::vector<std::byte> bytes;
  for (unsigned size = 0; size < 100; ++size) {
    std::string text(Base64UrlSize(size), '?');
    const auto tail = std::as_writable_bytes(std::span<char>(text)).last(size);
    std::copy(bytes.begin(), bytes.end(), tail.begin());
    EncodeBase64Url(tail, text);
    EXPECT_EQ(text, Encode(bytes)) << size;
    bytes.push_back(static_cast<std::byte>(size * 89 + 7));
  }
}

TEST(Base64Test, WhatIsWrittenIsReadBack) {
  const auto encode = [](Bytes bytes) {
    std::string text(Base64Size(bytes.size()), '?');
    EncodeBase64(bytes, text);
    return text;
  };
  // RFC 4648, section 10.
  EXPECT_EQ(encode(AsBytes("")), "");
  EXPECT_EQ(encode(AsBytes("f")), "Zg==");
  EXPECT_EQ(encode(AsBytes("fo")), "Zm8=");
  EXPECT_EQ(encode(AsBytes("foobar")), "Zm9vYmFy");
  std::vector<std::byte> bytes;
  for (unsigned size = 0; size < 300; ++size) {
    std::vector<std::byte> decoded(size);
    EXPECT_TRUE(DecodeBase64(encode(bytes), decoded)) << size;
    EXPECT_EQ(decoded, bytes);
    bytes.push_back(static_cast<std::byte>(size * 89 + 7));
  }
}

TEST(Base64Test, WantsPaddingAndTheStandardAlphabet) {
  std::array<std::byte, 32> key;
  const std::string good = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaG/+/vb8=";
  ASSERT_TRUE(DecodeBase64(good, key));
  EXPECT_EQ(ToHex(key), "000102030405060708090a0b0c0d0e0f101112131415161718191a1bffbfbdbf");
  const auto refused = [&key](std::string text) { return !DecodeBase64(text, key); };
  EXPECT_TRUE(refused(good.substr(0, 43)));
  EXPECT_TRUE(refused(good.substr(0, 43) + "A"));
  EXPECT_TRUE(refused(good.substr(0, 42) + "9="));  // unused bits set
  EXPECT_TRUE(refused(good.substr(0, 42) + "=="));
  EXPECT_TRUE(refused("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaG_-_vb8="));
  EXPECT_TRUE(refused(good + "="));
  EXPECT_TRUE(refused(""));
  std::array<std::byte, 4> four;
  EXPECT_TRUE(DecodeBase64("Zm9vYg==", four));
  EXPECT_FALSE(DecodeBase64("Zm9vYg=A", four));
  EXPECT_FALSE(DecodeBase64("Zm9vYgA=", four));
}

}  // namespace
}  // namespace bulla
