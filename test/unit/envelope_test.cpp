#include "core/envelope.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "random_doubles.h"
#include "vectors.h"

namespace bulla {
namespace {

using Buffer = std::vector<std::byte>;

Algorithm AlgorithmOf(const nlohmann::json& vector) {
  return static_cast<Algorithm>(vector["algorithm"].get<uint8_t>());
}

EnvelopeCipher CipherOf(const nlohmann::json& vector) {
  VersionId version;
  const Buffer id = HexIn(vector, "version_id");
  std::copy(id.begin(), id.end(), version.bytes.begin());
  const SecretBytes key = std::move(SecretBytes::CopyOf(HexIn(vector, "data_key"))).value();
  return std::move(EnvelopeCipher::Create(AlgorithmOf(vector), version, key)).value();
}

PlaintextKind KindOf(const nlohmann::json& vector) {
  return static_cast<PlaintextKind>(vector["kind"].get<uint8_t>());
}

// Parse and open in one, as a caller does.
Result<Buffer> Open(EnvelopeCipher& cipher, Bytes bytes, PlaintextKind kind, Bytes context) {
  const Result<Envelope> envelope = Envelope::Parse(bytes);
  if (!envelope.ok()) return envelope.error();
  Buffer plaintext(envelope.value().plaintext_room(), std::byte{0xEE});
  const Result<size_t> opened = cipher.Open(envelope.value(), kind, context, plaintext);
  if (opened.ok()) {
    plaintext.resize(opened.value());
    return plaintext;
  }
  if (opened.error().code == Code::kAuthenticationFailed) {
    EXPECT_EQ(plaintext, Buffer(plaintext.size()));
  }
  return opened.error();
}

Code DecodeText(std::string_view text) {
  const auto size = EnvelopeSizeInText(text.size());
  if (!size) return Code::kCorrupt;
  Buffer bytes(*size);
  const Result<void> decoded = DecodeEnvelopeText(text, bytes);
  return decoded.ok() ? Code::kNotFound : decoded.error().code;
}

const char* NameOf(Code code) { return code == Code::kCorrupt ? "kCorrupt" : "another"; }

TEST(EnvelopeTest, AgreesWithTheVectors) {
  for (const auto& vector : LoadVectors("envelope.json", "vectors")) {
    SCOPED_TRACE(vector["desc"]);
    EnvelopeCipher cipher = CipherOf(vector);
    const Buffer plaintext = HexIn(vector, "plaintext"), context = HexIn(vector, "context"),
                 want = HexIn(vector, "envelope"), nonce = HexIn(vector, "nonce");
    const auto want_text = vector["text"].get<std::string>();

    FixedRandom random(nonce);
    Buffer envelope(EnvelopeSize(AlgorithmOf(vector), plaintext.size()));
    ASSERT_TRUE(cipher.Seal(KindOf(vector), context, plaintext, random, envelope).ok());
    EXPECT_EQ(ToHex(envelope), ToHex(want));

    FixedRandom again(nonce);
    std::string text(EnvelopeTextSize(AlgorithmOf(vector), plaintext.size()), '?');
    ASSERT_TRUE(cipher.SealText(KindOf(vector), context, plaintext, again, text).ok());
    EXPECT_EQ(text, want_text);

    EXPECT_TRUE(IsEnvelope(envelope));
    EXPECT_TRUE(IsEnvelopeText(text));
    EXPECT_EQ(EnvelopeSizeInText(text.size()), envelope.size());
    Buffer decoded(envelope.size());
    ASSERT_TRUE(DecodeEnvelopeText(text, decoded).ok());
    EXPECT_EQ(decoded, envelope);
    const Result<Buffer> opened = Open(cipher, decoded, KindOf(vector), context);
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    EXPECT_EQ(opened.value(), plaintext);
  }
}

TEST(EnvelopeTest, RefusesWhatTheVectorsSayIsBad) {
  for (const auto& vector : LoadVectors("envelope.json", "bad")) {
    const Result<Envelope> parsed = Envelope::Parse(HexIn(vector, "envelope"));
    ASSERT_FALSE(parsed.ok()) << vector["desc"];
    EXPECT_EQ(NameOf(parsed.error().code), vector["want_error"].get<std::string>())
        << vector["desc"];
  }
  for (const auto& vector : LoadVectors("envelope.json", "bad_text"))
    EXPECT_EQ(NameOf(DecodeText(vector["text"].get<std::string>())),
              vector["want_error"].get<std::string>())
        << vector["desc"];
}

// By number, a vector of each algorithm with the same short text and context.
class SealedValueTest : public ::testing::TestWithParam<size_t> {
 protected:
  nlohmann::json vector_ = LoadVectors("envelope.json", "vectors").at(GetParam());
  Algorithm algorithm_ = AlgorithmOf(vector_);
  EnvelopeCipher cipher_ = CipherOf(vector_);
  Buffer envelope_ = HexIn(vector_, "envelope");
  Buffer context_ = HexIn(vector_, "context");
  Buffer plaintext_ = HexIn(vector_, "plaintext");
};

TEST_P(SealedValueTest, EveryFlippedBitIsRefused) {
  for (size_t bit = 0; bit < 8 * envelope_.size(); ++bit) {
    Buffer bad = envelope_;
    bad[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
    EXPECT_FALSE(Open(cipher_, bad, PlaintextKind::kText, context_).ok()) << bit;
  }
}

TEST_P(SealedValueTest, EveryOtherLengthIsRefused) {
  for (size_t size = 0; size < envelope_.size(); ++size)
    EXPECT_FALSE(Open(cipher_, Bytes(envelope_).first(size), PlaintextKind::kText, context_).ok())
        << size;
  envelope_.push_back(std::byte{0});
  EXPECT_FALSE(Open(cipher_, envelope_, PlaintextKind::kText, context_).ok());
}

TEST_P(SealedValueTest, EveryTruncatedOrAlteredTextIsRefused) {
  const auto text = vector_["text"].get<std::string>();
  const auto opens = [this](std::string_view candidate) {
    const auto size = EnvelopeSizeInText(candidate.size());
    if (!size) return false;
    Buffer bytes(*size);
    return DecodeEnvelopeText(candidate, bytes).ok() &&
           Open(cipher_, bytes, PlaintextKind::kText, context_).ok();
  };
  ASSERT_TRUE(opens(text));
  for (size_t size = 0; size < text.size(); ++size) EXPECT_FALSE(opens(text.substr(0, size)));
  for (size_t place = 0; place < text.size(); ++place) {
    for (int c = 0; c < 256; ++c) {
      std::string bad = text;
      bad[place] = static_cast<char>(c);
      EXPECT_EQ(opens(bad), bad == text) << place << " " << c;
    }
  }
}

TEST_P(SealedValueTest, OpensOnlyWithItsContextAndKind) {
  const auto code = [this](PlaintextKind kind, Bytes context) {
    const Result<Buffer> opened = Open(cipher_, envelope_, kind, context);
    return opened.ok() ? Code::kNotFound : opened.error().code;
  };
  EXPECT_EQ(code(PlaintextKind::kText, context_), Code::kNotFound);
  EXPECT_EQ(code(PlaintextKind::kBytea, context_), Code::kAuthenticationFailed);
  EXPECT_EQ(code(PlaintextKind::kText, {}), Code::kAuthenticationFailed);
  EXPECT_EQ(code(PlaintextKind::kText, Bytes(context_).first(context_.size() - 1)),
            Code::kAuthenticationFailed);
}

TEST_P(SealedValueTest, OpensOnlyUnderItsVersion) {
  auto other_vector = vector_;
  other_vector["version_id"] = "00000000000000000000000000000000";
  EnvelopeCipher other = CipherOf(other_vector);
  const Result<Buffer> opened = Open(other, envelope_, PlaintextKind::kText, context_);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, Code::kInvalidArgument);
}

TEST_P(SealedValueTest, OpensInPlace) {
  const Envelope envelope = Envelope::Parse(envelope_).value();
  const MutableBytes in_place = MutableBytes(envelope_).subspan(
      kEnvelopeHeaderSize + envelope.nonce.size(), envelope.plaintext_room());
  const auto opened = cipher_.Open(envelope, PlaintextKind::kText, context_, in_place);
  ASSERT_TRUE(opened.ok());
  EXPECT_TRUE(SameBytes(in_place.first(opened.value()), plaintext_));
}

// A short context is copied next to the rest of the associated data, a long one is not.
TEST_P(SealedValueTest, ContextsOfEveryLengthAreBound) {
  const Buffer letters(300, std::byte{'c'});
  for (size_t size = 0; size < letters.size(); ++size) {
    const Bytes context = Bytes(letters).first(size);
    FixedRandom random(Buffer(24, std::byte{1}));
    Buffer sealed(EnvelopeSize(algorithm_, plaintext_.size()));
    ASSERT_TRUE(cipher_.Seal(PlaintextKind::kText, context, plaintext_, random, sealed).ok());
    EXPECT_TRUE(Open(cipher_, sealed, PlaintextKind::kText, context).ok()) << size;
    EXPECT_FALSE(Open(cipher_, sealed, PlaintextKind::kText,
                      Bytes(letters).first(size + 1 < 300 ? size + 1 : 0))
                     .ok())
        << size;
  }
}

TEST_P(SealedValueTest, FailingRandomnessFailsTheSeal) {
  FailingRandom random;
  Buffer sealed(EnvelopeSize(algorithm_, 1));
  EXPECT_EQ(cipher_.Seal(PlaintextKind::kText, {}, AsBytes("x"), random, sealed).error().code,
            Code::kUnavailable);
  std::string text(EnvelopeTextSize(algorithm_, 1), '?');
  EXPECT_FALSE(cipher_.SealText(PlaintextKind::kText, {}, AsBytes("x"), random, text).ok());
}

TEST_P(SealedValueTest, RefusesAnOutputOfAnotherSize) {
  FixedRandom random(Buffer(24));
  Buffer room(EnvelopeSize(algorithm_, 40));
  std::string text(EnvelopeTextSize(algorithm_, 40), '?');
  EXPECT_FALSE(cipher_.Seal(PlaintextKind::kText, {}, AsBytes("hello"), random, room).ok());
  EXPECT_FALSE(cipher_.SealText(PlaintextKind::kText, {}, AsBytes("hello"), random, text).ok());
}

INSTANTIATE_TEST_SUITE_P(Algorithms, SealedValueTest, ::testing::Values(1, 6, 8));

TEST(EnvelopeTest, OrdinaryValuesAreNotEnvelopes) {
  EXPECT_FALSE(IsEnvelopeText(""));
  EXPECT_FALSE(IsEnvelopeText("bulla"));
  EXPECT_FALSE(IsEnvelopeText(" bulla1:AAAA"));
  EXPECT_FALSE(IsEnvelopeText("4929 1234 5678 9012"));
  EXPECT_TRUE(IsEnvelopeText("bulla1:"));  // damaged, and not to be taken for plaintext
  EXPECT_FALSE(IsEnvelope({}));
  for (const Algorithm algorithm :
       {Algorithm::kXaes256Gcm, Algorithm::kAes256Gcm, Algorithm::kAes256CbcHmacSha512}) {
    Buffer bytes(EnvelopeSize(algorithm, 0));
    bytes[0] = kEnvelopeFormat;
    EXPECT_FALSE(IsEnvelope(bytes));
    bytes[1] = static_cast<std::byte>(algorithm);
    EXPECT_TRUE(IsEnvelope(bytes));
    EXPECT_FALSE(IsEnvelope(Bytes(bytes).first(bytes.size() - 1)));
  }
}

TEST(EnvelopeTest, TheSizeInATextIsThatOfTheEnvelope) {
  for (const Algorithm algorithm :
       {Algorithm::kXaes256Gcm, Algorithm::kAes256Gcm, Algorithm::kAes256CbcHmacSha512}) {
    for (size_t size = 0; size < 300; ++size)
      EXPECT_EQ(EnvelopeSizeInText(EnvelopeTextSize(algorithm, size)),
                EnvelopeSize(algorithm, size));
  }
  for (size_t size = 0; size < kEnvelopeTextPrefix.size(); ++size)
    EXPECT_FALSE(EnvelopeSizeInText(size).has_value());
  EXPECT_FALSE(EnvelopeSizeInText(kEnvelopeTextPrefix.size() + 1).has_value());
}

}  // namespace
}  // namespace bulla
