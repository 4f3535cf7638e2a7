#include "core/proof_file.h"

#include <gtest/gtest.h>

#include "signing_keys.h"

namespace bulla {
namespace {

std::string KnownText() { return CheckpointVectors("proof")["text"]; }

NodeHash KnownLeaf() {
  NodeHash leaf;
  const auto bytes = HexIn(CheckpointVectors("proof"), "leaf");
  std::copy(bytes.begin(), bytes.end(), leaf.bytes.begin());
  return leaf;
}

// The known text with one part of it replaced.
std::string With(std::string_view part, std::string_view by) {
  std::string text = KnownText();
  const size_t at = text.find(part);
  EXPECT_NE(at, text.npos) << part;
  return text.replace(at, part.size(), by);
}

TEST(ProofFileTest, AgreesWithTheSpecificationAndVerifies) {
  const Result<ProofFile> file = ParseProofFile(KnownText());
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(file.value().index, LeafIndex{CheckpointVectors("proof")["index"]});
  EXPECT_EQ(file.value().proof.size(), 3u);
  EXPECT_FALSE(file.value().extra.has_value());
  EXPECT_EQ(file.value().checkpoint.size, TreeSize{7});
  EXPECT_EQ(FormatProofFile(file.value()), KnownText());
  Sha256 hasher;
  EXPECT_TRUE(CheckProofFile(file.value(), KnownLeaf(), &hasher).ok());
  EXPECT_TRUE(
      IsSignedBy(file.value().note, KeyOf(CheckpointVectors("key")["vkey"].get<std::string>()))
          .value());
  EXPECT_EQ(CheckProofFile(file.value(), NodeHash{}, &hasher).error().code,
            Code::kAuthenticationFailed);
}

TEST(ProofFileTest, EveryChangedByteIsRefusedOrDoesNotVerify) {
  const std::string text = KnownText();
  const VerifierKey log = KeyOf(CheckpointVectors("key")["vkey"].get<std::string>());
  const VerifierKey witness = KeyOf(CheckpointVectors("witness")["vkey"].get<std::string>());
  const NodeHash leaf = KnownLeaf();
  Sha256 hasher;
  for (size_t at = 0; at < text.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string other = text;
      other[at] = static_cast<char>(other[at] ^ (1 << bit));
      const Result<ProofFile> file = ParseProofFile(other);
      if (!file.ok()) continue;
      ASSERT_EQ(FormatProofFile(file.value()), other);
      const Result<bool> by_log = IsSignedBy(file.value().note, log);
      const auto by_witness = CosignedAt(file.value().note, witness);
      ASSERT_FALSE(CheckProofFile(file.value(), leaf, &hasher).ok() && by_log.ok() &&
                   by_log.value() && by_witness.ok() && by_witness.value())
          << other;
    }
  }
}

TEST(ProofFileTest, ExtraDataStandBeforeTheIndex) {
  ProofFile file = ParseProofFile(KnownText()).value();
  for (const std::string& extra :
       {std::string(), std::string("a"), std::string("ab"), std::string(70'000, 'x')}) {
    const Bytes bytes = AsBytes(extra);
    file.extra.emplace(bytes.begin(), bytes.end());
    const std::string text = FormatProofFile(file);
    const Result<ProofFile> parsed = ParseProofFile(text);
    ASSERT_TRUE(parsed.ok());
    EXPECT_EQ(parsed.value().extra, file.extra);
    EXPECT_EQ(FormatProofFile(parsed.value()), text);
  }
  EXPECT_FALSE(ParseProofFile(With("index 3\n", "extra YQ\nindex 3\n")).ok());
  EXPECT_FALSE(ParseProofFile(With("index 3\n", "extra YR==\nindex 3\n")).ok());
  EXPECT_FALSE(ParseProofFile(With("index 3\n", "extra YQ==\nextra YQ==\nindex 3\n")).ok());
  EXPECT_FALSE(ParseProofFile(With("index 3\n", "index 3\nextra YQ==\n")).ok());
}

TEST(ProofFileTest, MalformedFilesAreRefused) {
  for (const std::string& text :
       {std::string(), With("@v1", "@v2"), With("c2sp", " c2sp"), With("index 3", "index 03"),
        With("index 3", "index  3"), With("index 3", "index -1"), With("index 3", "index"),
        With("index 3", "index "), With("index 3", "Index 3"),
        With("index 3", "index 9223372036854775807"), With("index 3", "index 18446744073709551616"),
        With("index 3\n", "index 3\n\n"), With("Apj", "Ap"), With("Apj", "Apj="),
        With("Apj", "-pj"), With("\n\nledger", "\nledger"), With("\n7\n", "\n07\n"),
        "\n" + KnownText(), KnownText() + "\n"}) {
    const Result<ProofFile> parsed = ParseProofFile(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(parsed.error().code, Code::kInvalidArgument);
  }
  const std::string text = KnownText();
  const size_t one_signature = text.find("\xE2\x80\x94 witness");  // which is all that a note needs
  for (size_t size = 0; size < text.size(); ++size)
    EXPECT_EQ(ParseProofFile(text.substr(0, size)).ok(), size == one_signature) << size;
}

TEST(ProofFileTest, AsManyAs63HashesAreReadAndNoMore) {
  ProofFile file = ParseProofFile(KnownText()).value();
  file.proof.resize(kMaxProofLines);
  EXPECT_TRUE(ParseProofFile(FormatProofFile(file)).ok());
  file.proof.resize(kMaxProofLines + 1);
  EXPECT_FALSE(ParseProofFile(FormatProofFile(file)).ok());
  file.proof.clear();
  EXPECT_TRUE(ParseProofFile(FormatProofFile(file)).ok());
  EXPECT_FALSE(ParseProofFile(std::string(kMaxProofFileSize, 'a') + KnownText()).ok());
}

}  // namespace
}  // namespace bulla
