#include "core/cosignature.h"

#include <gtest/gtest.h>

#include "signing_keys.h"

namespace bulla {
namespace {

const PosixTime kTime{1'700'000'000};
constexpr std::string_view kText =
    "example.com/log\n7\n3bib5AOAnjJXUNPSY814kpwpQreUKjS3fhIslZSnTIw=\n";

TEST(CosignatureTest, CosignsLikeTheSpecification) {
  const auto witness = CheckpointVectors("witness");
  const auto checkpoint = CheckpointVectors("checkpoint");
  const std::string text = checkpoint["text"], name = witness["name"];
  const PosixTime time{witness["time"].get<uint64_t>()};
  const Result<NoteSignature> line = Cosign(text, time, name, SignerOf(HexIn(witness, "seed")));
  ASSERT_TRUE(line.ok());
  EXPECT_EQ(FormatSignatureLine(line.value()), witness["line"]);
  const SignedNote note = ParseNote(checkpoint["note"].get<std::string>()).value();
  EXPECT_EQ(CosignedAt(note, KeyOf(witness["vkey"].get<std::string>())).value(), time);
  EXPECT_TRUE(IsSignedBy(note, KeyOf(CheckpointVectors("key")["vkey"].get<std::string>())).value());
}

TEST(CosignatureTest, EveryBitOfALineCounts) {
  const Ed25519Signer signer = SignerOf(9);
  const VerifierKey key = KeyOf("w", signer, SignatureType::kCosignature);
  const NoteSignature good = Cosign(kText, kTime, "w", signer).value();
  EXPECT_EQ(good.bytes.size(), 72u);
  for (size_t bit = 0; bit < 8 * good.bytes.size(); ++bit) {
    NoteSignature bad = good;
    bad.bytes[bit / 8] ^= std::byte{1} << (bit % 8);
    const auto time = CosignedAt({std::string(kText), {bad}}, key);
    ASSERT_FALSE(time.ok()) << bit;
    EXPECT_EQ(time.error().code, Code::kAuthenticationFailed);
  }
  for (const size_t size : {1u, 8u, 64u, 71u, 73u}) {
    NoteSignature bad = good;
    bad.bytes.resize(size);
    EXPECT_FALSE(CosignedAt({std::string(kText), {bad}}, key).ok()) << size;
  }
}

TEST(CosignatureTest, TheLatestOfSeveralTimesCounts) {
  const Ed25519Signer signer = SignerOf(9);
  const VerifierKey key = KeyOf("w", signer, SignatureType::kCosignature);
  const auto at = [&](uint64_t seconds) { return Cosign(kText, {seconds}, "w", signer).value(); };
  const SignedNote note{std::string(kText), {at(5), at(7), at(6)}};
  EXPECT_EQ(CosignedAt(note, key).value(), PosixTime{7});
  EXPECT_EQ(CosignedAt({std::string(kText), {at(0)}}, key).value(), PosixTime{0});
  EXPECT_EQ(CosignedAt({std::string(kText), {}}, key).value(), std::nullopt);
}

TEST(CosignatureTest, SignaturesOfLogsAndOtherWitnessesAreNone) {
  const Ed25519Signer signer = SignerOf(9), other = SignerOf(8);
  const VerifierKey key = KeyOf("w", signer, SignatureType::kCosignature);
  const SignedNote note{
      std::string(kText),
      {SignNote(kText, "w", signer).value(), Cosign(kText, kTime, "w", other).value(),
       Cosign(kText, kTime, "v", signer).value()}};
  EXPECT_EQ(CosignedAt(note, key).value(), std::nullopt);
  EXPECT_FALSE(CosignedAt(note, KeyOf("w", signer)).ok());
}

TEST(CosignatureTest, ACosignatureIsOfItsTextAlone) {
  const Ed25519Signer signer = SignerOf(9);
  const VerifierKey key = KeyOf("w", signer, SignatureType::kCosignature);
  const NoteSignature line = Cosign(kText, kTime, "w", signer).value();
  EXPECT_FALSE(CosignedAt({std::string(kText) + "extension\n", {line}}, key).ok());
}

TEST(CosignatureTest, TimesEndAtTwoToThe63) {
  const Ed25519Signer signer = SignerOf(9);
  const uint64_t most = (uint64_t{1} << 63) - 1;
  EXPECT_TRUE(Cosign(kText, {most}, "w", signer).ok());
  EXPECT_FALSE(Cosign(kText, {most + 1}, "w", signer).ok());
  EXPECT_FALSE(Cosign("no line", kTime, "w", signer).ok());
  EXPECT_FALSE(Cosign(kText, kTime, "w w", signer).ok());
}

}  // namespace
}  // namespace bulla
