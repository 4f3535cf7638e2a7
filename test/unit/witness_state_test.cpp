#include "core/witness_state.h"

#include <gtest/gtest.h>

#include <utility>

#include "signing_keys.h"
#include "tree_oracle.h"

namespace bulla {
namespace {

const Ed25519Signer& WitnessSigner() {
  static const Ed25519Signer* const signer = new Ed25519Signer(SignerOf(7));
  return *signer;
}
VerifierKey WitnessKey() {
  return KeyOf("w.example.com", WitnessSigner(), SignatureType::kCosignature);
}

CosignedCheckpoint CosignedOf(const std::string& origin, uint64_t size, uint64_t seconds) {
  CosignedCheckpoint cosigned;
  cosigned.checkpoint = {origin, {size}, EmptyTreeRoot(), {"an extension line"}};
  cosigned.note.text = FormatCheckpoint(cosigned.checkpoint).value();
  cosigned.note.signatures = {SignNote(cosigned.note.text, "a.log", SignerOf(1)).value()};
  cosigned.time = {seconds};
  return cosigned;
}

// A log that was cosigned, one with two keys that was not, and one that is trusted no longer.
WitnessState SomeState() {
  WitnessState state{WitnessKey(), {1700000000}, {}};
  state.logs["a log"] = {{KeyOf("a.log", SignerOf(1))}, CosignedOf("a log", 7, 1700000000)};
  state.logs["b"] = {{KeyOf("b", SignerOf(2)), KeyOf("b", SignerOf(3))}, {}};
  state.logs["c"] = {{}, CosignedOf("c", 0, 1)};
  return state;
}

std::string Format(const WitnessState& state) {
  const Result<std::string> text = FormatWitnessState(state, WitnessSigner());
  EXPECT_TRUE(text.ok());
  return text.value();
}

Code CodeOf(const Result<WitnessState>& state) {
  EXPECT_FALSE(state.ok());
  return state.ok() ? Code::kInternal : state.error().code;
}

TEST(WitnessStateTest, WhatWasWrittenIsRead) {
  const WitnessState written = SomeState();
  const Result<WitnessState> read = ReadWitnessState(Format(written), WitnessKey());
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(Format(read.value()), Format(written));
  EXPECT_EQ(read.value().time, PosixTime{1700000000});
  const WitnessedLog& log = read.value().logs.at("a log");
  EXPECT_EQ(log.keys.size(), 1U);
  EXPECT_EQ(log.newest->checkpoint, CosignedOf("a log", 7, 0).checkpoint);
  EXPECT_EQ(log.newest->note.signatures, CosignedOf("a log", 7, 0).note.signatures);
  EXPECT_EQ(read.value().logs.at("b").keys.size(), 2U);
  EXPECT_FALSE(read.value().logs.at("b").newest);
  EXPECT_EQ(read.value().logs.at("c").newest->time, PosixTime{1});
}

TEST(WitnessStateTest, ItIsTheTextOfTheSpecification) {
  WitnessState state{WitnessKey(), {5}, {}};
  state.logs["b"] = {{KeyOf("b", SignerOf(2))}, {}};
  const std::string text = Format(state);
  EXPECT_TRUE(text.starts_with("bulla.witness-state.v1\nwitness " + WitnessKey().ToText() +
                               "\ntime 5\ntrust " + KeyOf("b", SignerOf(2)).ToText() +
                               " b\nsignature "));
}

TEST(WitnessStateTest, CutOffAnywhereItIsRefused) {
  const std::string text = Format(SomeState());
  for (size_t size = 0; size < text.size(); ++size)
    ASSERT_EQ(CodeOf(ReadWitnessState(text.substr(0, size), WitnessKey())), Code::kCorrupt) << size;
  EXPECT_EQ(CodeOf(ReadWitnessState(text + "\n", WitnessKey())), Code::kCorrupt);
  EXPECT_EQ(CodeOf(ReadWitnessState(text + text, WitnessKey())), Code::kCorrupt);
}

TEST(WitnessStateTest, WithAnyBitFlippedItIsRefused) {
  const std::string text = Format(SomeState());
  for (size_t bit = 0; bit < 8 * text.size(); ++bit) {
    std::string changed = text;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ 1 << bit % 8);
    ASSERT_FALSE(ReadWitnessState(changed, WitnessKey()).ok()) << bit;
  }
}

TEST(WitnessStateTest, ThatOfAnotherKeyIsRefusedByThatName) {
  const VerifierKey same_key_other_name =
      KeyOf("x.example.com", WitnessSigner(), SignatureType::kCosignature);
  const VerifierKey other_key = KeyOf("w.example.com", SignerOf(8), SignatureType::kCosignature);
  for (const VerifierKey& key : {same_key_other_name, other_key}) {
    const Result<WitnessState> read = ReadWitnessState(Format(SomeState()), key);
    ASSERT_EQ(CodeOf(read), Code::kFailedPrecondition);
    EXPECT_NE(read.error().message.find(WitnessKey().ToText()), std::string::npos);
  }
}

TEST(WitnessStateTest, OneStateHasOneText) {
  const std::string body =
      "bulla.witness-state.v1\nwitness " + WitnessKey().ToText() + "\ntime 5\n";
  const std::string signature = "signature " + std::string(86, 'A') + "==\n";
  const std::string trust = "trust " + KeyOf("b", SignerOf(2)).ToText() + " ";
  const std::string note = FormatNote(CosignedOf("b", 1, 0).note);
  const auto cosigned = [&](const std::string& time) {
    return "cosigned " + time + " " + std::to_string(note.size()) + "\n" + note;
  };
  for (const std::string& lines : {std::string(), trust + "b\n", trust + "b\n" + cosigned("5")})
    EXPECT_TRUE(ParseWitnessState(body + lines + signature).ok()) << lines;
  for (const std::string& lines :
       {trust + "b\n" + trust + "b\n", trust + "b\n" + trust + "a\n", cosigned("5") + trust + "b\n",
        cosigned("5") + cosigned("5"), cosigned("6"), cosigned("05"), cosigned(""), trust + "\n",
        trust + "b\r\n", std::string("trust b\n"), std::string("\n"), std::string("cosigned 5\n"),
        std::string("cosigned 5 1000000\n") + note, std::string("cosigned 5 3\na\n\n"),
        "trust " + WitnessKey().ToText() + " b\n", std::string("else\n")})
    EXPECT_EQ(CodeOf(ParseWitnessState(body + lines + signature)), Code::kCorrupt) << lines;
}

TEST(WitnessStateTest, WhatCouldNotBeReadIsNotWritten) {
  WitnessState state{WitnessKey(), {5}, {}};
  state.logs["b"].newest = CosignedOf("b", 1, 6);
  EXPECT_FALSE(FormatWitnessState(state, WitnessSigner()).ok());
  state.logs.clear();
  state.logs["two\nlines"].keys = {KeyOf("b", SignerOf(2))};
  EXPECT_FALSE(FormatWitnessState(state, WitnessSigner()).ok());
}

}  // namespace
}  // namespace bulla
