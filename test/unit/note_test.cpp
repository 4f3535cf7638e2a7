#include "core/note.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "signing_keys.h"

namespace bulla {
namespace {

std::string KnownNote() {
  const auto known = CheckpointVectors("known_note");
  return known["text"].get<std::string>() + "\n" + known["line"].get<std::string>();
}

SignedNote Parsed(std::string_view note) {
  const Result<SignedNote> parsed = ParseNote(note);
  EXPECT_TRUE(parsed.ok()) << note;
  return parsed.value();
}

TEST(NoteTest, SignsLikeTheOtherImplementation) {
  const auto known = CheckpointVectors("known_note");
  const std::string text = known["text"];
  const Result<NoteSignature> signature =
      SignNote(text, "PeterNeumann", SignerOf(HexIn(known, "seed")));
  ASSERT_TRUE(signature.ok());
  EXPECT_EQ(FormatSignatureLine(signature.value()), known["line"]);
  const std::string note = FormatNote({text, {signature.value()}});
  EXPECT_EQ(note, KnownNote());
  EXPECT_TRUE(IsSignedBy(Parsed(note), KeyOf(known["vkey"].get<std::string>())).value());
}

TEST(NoteTest, TextsMayHaveEmptyLinesAndNothingElse) {
  const Ed25519Signer signer = SignerOf(1);
  for (const std::string text : {"a\n", "\n", "\n\n", "a\n\nb\n", "a\n\n\n", "\xC3\xA9\n"}) {
    const std::string note = FormatNote({text, {SignNote(text, "k", signer).value()}});
    EXPECT_EQ(Parsed(note).text, text);
    EXPECT_TRUE(IsSignedBy(Parsed(note), KeyOf("k", signer)).value());
  }
  for (const std::string_view text : {"", "a", "a\r\n", "a\tb\n", "\x01\n", "\xFF\n", "\xC3\n"})
    EXPECT_FALSE(SignNote(text, "k", signer).ok());
  EXPECT_FALSE(SignNote("a\n", "k k", signer).ok());
}

TEST(NoteTest, EveryTruncationAndEveryChangedByteIsRefusedOrDoesNotVerify) {
  const std::string note = KnownNote();
  const VerifierKey key = KeyOf(CheckpointVectors("known_note")["vkey"].get<std::string>());
  for (size_t size = 0; size < note.size(); ++size)
    EXPECT_FALSE(ParseNote(note.substr(0, size)).ok()) << size;
  for (size_t at = 0; at < note.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string other = note;
      other[at] = static_cast<char>(other[at] ^ (1 << bit));
      const Result<SignedNote> parsed = ParseNote(other);
      if (!parsed.ok()) continue;
      EXPECT_EQ(FormatNote(parsed.value()), other);
      const Result<bool> verified = IsSignedBy(parsed.value(), key);
      EXPECT_FALSE(verified.ok() && verified.value()) << other;
    }
  }
}

TEST(NoteTest, MalformedNotesAreRefused) {
  const std::string text = "text\n\n", line = CheckpointVectors("known_note")["line"];
  EXPECT_TRUE(ParseNote(text + line).ok());
  for (const std::string& note :
       {text, "text\n" + line, text + line + "\n", text + line + "more\n", text + " " + line,
        text + "-" + line.substr(3), text + "\xE2\x80\x94PeterNeumann AAAAAAA=\n",
        text + "\xE2\x80\x94 PeterNeumann  AAAAAAA=\n",
        text + "\xE2\x80\x94 Peter Neumann AAAAAAA=\n",
        text + "\xE2\x80\x94 PeterNeumann AAAAAAA= \n",
        text + "\xE2\x80\x94 PeterNeumann AAAAAAA\n", text + "\xE2\x80\x94 PeterNeumann \n",
        text + "\xE2\x80\x94  AAAAAAA=\n",
        text + "\xE2\x80\x94 PeterNeumann AAAAAA==\n",  // no byte of a signature after the id
        text + "\xE2\x80\x94 PeterNeumann AAAAAAB=\n",  // unused bits that are not zero
        text + "\xE2\x80\x94 Peter+Neumann AAAAAAA=\n", "\x01" + text + line, "\xFF" + text + line,
        text + line.substr(0, line.size() - 1) + "\r\n"}) {
    const Result<SignedNote> parsed = ParseNote(note);
    ASSERT_FALSE(parsed.ok()) << note;
    EXPECT_EQ(parsed.error().code, Code::kInvalidArgument);
  }
  EXPECT_TRUE(ParseNote(text + "\xE2\x80\x94 PeterNeumann AAAAAAA=\n").ok());
}

TEST(NoteTest, AnyNumberOfSignaturesUpToTheLimitAndOthersAreIgnored) {
  const Ed25519Signer mine = SignerOf(1);
  SignedNote note{"text\n", {}};
  for (uint8_t i = 2; i < 2 + kMaxNoteSignatures - 1; ++i)
    note.signatures.push_back(SignNote(note.text, "k" + std::to_string(i), SignerOf(i)).value());
  EXPECT_FALSE(IsSignedBy(Parsed(FormatNote(note)), KeyOf("mine", mine)).value());
  note.signatures.push_back(SignNote(note.text, "mine", mine).value());
  const SignedNote parsed = Parsed(FormatNote(note));
  EXPECT_EQ(parsed.signatures, note.signatures);
  EXPECT_TRUE(IsSignedBy(parsed, KeyOf("mine", mine)).value());
  note.signatures.push_back(note.signatures.back());
  EXPECT_FALSE(ParseNote(FormatNote(note)).ok());
  EXPECT_FALSE(ParseNote(std::string(kMaxNoteSize, 'a') + KnownNote()).ok());
}

TEST(NoteTest, NameAndIdTogetherSayWhoseALineIs) {
  const Ed25519Signer signer = SignerOf(1), other = SignerOf(2);
  const VerifierKey key = KeyOf("k", signer);
  const NoteSignature good = SignNote("text\n", "k", signer).value();
  NoteSignature other_name = good, other_id = good, bad = good, longer = good;
  other_name.name = "l";
  other_id.id.value ^= 1;
  bad.bytes[0] ^= std::byte{1};
  longer.bytes.push_back(std::byte{0});
  const auto verdict = [&](std::vector<NoteSignature> lines) {
    return IsSignedBy({"text\n", std::move(lines)}, key);
  };
  EXPECT_TRUE(verdict({good}).value());
  EXPECT_TRUE(verdict({other_name, good, other_id}).value());
  EXPECT_TRUE(verdict({good, good}).value());
  EXPECT_FALSE(verdict({}).value());
  EXPECT_FALSE(verdict({other_name}).value());
  EXPECT_FALSE(verdict({other_id}).value());
  EXPECT_FALSE(verdict({SignNote("text\n", "k", other).value()}).value());
  for (const auto& lines : std::vector<std::vector<NoteSignature>>{
           {bad}, {longer}, {good, bad}, {bad, good}, {good, longer}}) {
    const Result<bool> refused = verdict(lines);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, Code::kAuthenticationFailed);
  }
  EXPECT_FALSE(IsSignedBy({"Text\n", {good}}, key).ok());
}

TEST(NoteTest, AKeyOfAWitnessIsNotAskedForASignatureOfALog) {
  const Ed25519Signer signer = SignerOf(1);
  const NoteSignature line = SignNote("text\n", "k", signer).value();
  EXPECT_FALSE(
      IsSignedBy({"text\n", {line}}, KeyOf("k", signer, SignatureType::kCosignature)).ok());
}

TEST(NoteTest, SignatureLinesParseAlone) {
  const std::string line = CheckpointVectors("known_note")["line"];
  EXPECT_EQ(ParseSignatureLines(line + line).value().size(), 2u);
  EXPECT_TRUE(ParseSignatureLines("").value().empty());
  for (const std::string& bad :
       {line + "\n", "\n" + line, line.substr(0, line.size() - 1), line + "x"})
    EXPECT_FALSE(ParseSignatureLines(bad).ok()) << bad;
}

}  // namespace
}  // namespace bulla
