#include "core/cosigned_note.h"

#include <gtest/gtest.h>

#include "signing_keys.h"

namespace bulla {
namespace {

const std::string kText = "example.com/log\n7\n3bib5AOAnjJXUNPSY814kpwpQreUKjS3fhIslZSnTIw=\n";
using Cosigners = std::vector<CosignedNote::Cosigner>;

class CosignedNoteTest : public testing::Test {
 protected:
  NoteSignature At(uint64_t seconds, uint8_t who) const {
    return Cosign(kText, {seconds}, Name(who), SignerOf(who)).value();
  }
  SignedNote Note(std::vector<NoteSignature> more) const {
    more.insert(more.begin(), log_);
    return {kText, more};
  }
  static std::string Name(uint8_t who) { return "w" + std::to_string(who); }
  static VerifierKey Key(uint8_t who) {
    return KeyOf(Name(who), SignerOf(who), SignatureType::kCosignature);
  }

  const NoteSignature log_ = SignNote(kText, "example.com/log", SignerOf(9)).value();
  const std::vector<VerifierKey> witnesses_ = {Key(2), Key(1)};
};

TEST_F(CosignedNoteTest, CosignaturesOfKnownWitnessesComeIn) {
  const auto result = AddCosignatures(Note({}), Note({At(5, 1), At(6, 2)}), witnesses_);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result.value().cosigners, (Cosigners{{"w1", {5}}, {"w2", {6}}}));
  EXPECT_EQ(FormatNote(result.value().note), FormatNote(Note({At(6, 2), At(5, 1)})));
}

TEST_F(CosignedNoteTest, EverythingElseStaysOut) {
  NoteSignature same_name = At(5, 3);
  same_name.name = "w1";
  const SignedNote came{kText, {At(5, 3), same_name, SignNote(kText, "x", SignerOf(8)).value()}};
  const auto result = AddCosignatures(Note({}), came, witnesses_);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result.value().cosigners, Cosigners{});
  EXPECT_EQ(FormatNote(result.value().note), FormatNote(Note({})));
}

TEST_F(CosignedNoteTest, TheLatestOfAWitnessIsKept) {
  for (const auto& [before, now] : {std::pair<uint64_t, uint64_t>{5, 7}, {7, 5}, {7, 7}}) {
    const auto result =
        AddCosignatures(Note({At(before, 1), At(1, 2)}), Note({At(now, 1), At(2, 1)}), witnesses_);
    ASSERT_TRUE(result.ok());
    EXPECT_EQ(result.value().cosigners, (Cosigners{{"w1", {7}}, {"w2", {1}}}));
    EXPECT_EQ(result.value().note.signatures.size(), 3u);
    EXPECT_EQ(CosignedAt(result.value().note, Key(1)).value(), PosixTime{7});
  }
}

TEST_F(CosignedNoteTest, AWitnessThatIsKnownNoLongerStaysInTheNote) {
  const auto result = AddCosignatures(Note({At(5, 3)}), Note({At(6, 1)}), witnesses_);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result.value().cosigners, (Cosigners{{"w1", {6}}}));
  EXPECT_EQ(result.value().note.signatures.size(), 3u);
}

TEST_F(CosignedNoteTest, AForgedOneIsRefused) {
  NoteSignature forged = At(5, 1);
  forged.bytes.back() ^= std::byte{1};
  for (const auto& [kept, came] : {std::pair{Note({}), Note({At(6, 1), forged})},
                                   std::pair{Note({forged}), Note({At(6, 2)})}}) {
    const auto result = AddCosignatures(kept, came, witnesses_);
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().code, Code::kAuthenticationFailed);
  }
}

TEST_F(CosignedNoteTest, OfAnotherCheckpointIsRefused) {
  const std::string text = "example.com/log\n8\n3bib5AOAnjJXUNPSY814kpwpQreUKjS3fhIslZSnTIw=\n";
  const SignedNote other{text, {Cosign(text, {5}, "w1", SignerOf(1)).value()}};
  EXPECT_EQ(AddCosignatures(Note({}), other, witnesses_).error().code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace bulla
