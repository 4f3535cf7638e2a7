#include "core/aead.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "core/aes_gcm.h"
#include "core/cbc_hmac.h"
#include "vectors.h"

namespace bulla {
namespace {

using Buffer = std::vector<std::byte>;

std::unique_ptr<Aead> CipherOf(Algorithm algorithm, Bytes key) {
  auto cipher = MakeAead(algorithm, SecretBytes::CopyOf(key).value());
  EXPECT_TRUE(cipher.ok());
  return std::move(cipher).value();
}

// Opens, and checks that nothing of a refused plaintext is left.
Result<Buffer> Open(Aead* cipher, Algorithm algorithm, Bytes nonce, Bytes aad, Bytes sealed) {
  const Bytes pieces[] = {aad};
  Buffer room(ShapeOf(algorithm).OpenedRoom(sealed.size()), std::byte{0xEE});
  const Result<size_t> opened = cipher->Open(nonce, pieces, sealed, room);
  if (opened.ok()) {
    EXPECT_TRUE(std::all_of(room.begin() + static_cast<std::ptrdiff_t>(opened.value()), room.end(),
                            [](std::byte b) { return b == std::byte{0}; }));
    room.resize(opened.value());
    return room;
  }
  if (opened.error().code == Code::kAuthenticationFailed) {
    EXPECT_EQ(room, Buffer(room.size()));
  }
  return opened.error();
}

void AgreeWithVectors(Algorithm algorithm, const char* file) {
  for (const auto& vector : LoadVectors(file, "vectors")) {
    SCOPED_TRACE(vector["desc"]);
    const auto cipher = CipherOf(algorithm, HexIn(vector, "key"));
    const Buffer nonce = HexIn(vector, "nonce"), aad = HexIn(vector, "aad"),
                 plaintext = HexIn(vector, "plaintext"), want = HexIn(vector, "sealed");
    const Bytes pieces[] = {aad};
    ASSERT_EQ(ShapeOf(algorithm).SealedSize(plaintext.size()), want.size());
    Buffer sealed(want.size());
    ASSERT_TRUE(cipher->Seal(nonce, pieces, plaintext, sealed).ok());
    EXPECT_EQ(ToHex(sealed), ToHex(want));
    const Result<Buffer> opened = Open(cipher.get(), algorithm, nonce, aad, want);
    ASSERT_TRUE(opened.ok());
    EXPECT_EQ(opened.value(), plaintext);
  }
  for (const auto& vector : LoadVectors(file, "bad")) {
    SCOPED_TRACE(vector["desc"]);
    const auto cipher = CipherOf(algorithm, HexIn(vector, "key"));
    const Result<Buffer> opened = Open(cipher.get(), algorithm, HexIn(vector, "nonce"),
                                       HexIn(vector, "aad"), HexIn(vector, "sealed"));
    ASSERT_FALSE(opened.ok());
    EXPECT_EQ(opened.error().code, Code::kAuthenticationFailed);
  }
}

TEST(AeadTest, AesGcmAgreesWithNist) {
  AgreeWithVectors(Algorithm::kAes256Gcm, "aes_256_gcm.json");
}

TEST(AeadTest, CbcHmacAgreesWithRfc7518) {
  AgreeWithVectors(Algorithm::kAes256CbcHmacSha512, "cbc_hmac_sha512.json");
}

class EveryAead : public ::testing::TestWithParam<Algorithm> {
 protected:
  // Sealed by the fixture's cipher with the fixture's nonce.
  Buffer Sealed(Bytes plaintext, std::span<const Bytes> aad) {
    Buffer sealed(shape_.SealedSize(plaintext.size()));
    EXPECT_TRUE(cipher_->Seal(nonce_, aad, plaintext, sealed).ok());
    return sealed;
  }

  const Algorithm algorithm_ = GetParam();
  const AeadShape shape_ = ShapeOf(algorithm_);
  Buffer key_ = Buffer(DataKeySize(algorithm_), std::byte{0x42});
  Buffer nonce_ = Buffer(shape_.nonce, std::byte{0x24});
  std::unique_ptr<Aead> cipher_ = CipherOf(algorithm_, key_);
};

TEST_P(EveryAead, OpensWhatItSealedAtEveryLength) {
  for (size_t size = 0; size < 200; ++size) {
    const Buffer plaintext(size, std::byte{0x5A});
    const Buffer sealed = Sealed(plaintext, {});
    EXPECT_TRUE(shape_.HasSealedSize(sealed.size()));
    const Result<Buffer> opened = Open(cipher_.get(), algorithm_, nonce_, {}, sealed);
    ASSERT_TRUE(opened.ok()) << size;
    EXPECT_EQ(opened.value(), plaintext);
  }
}

TEST_P(EveryAead, HowAssociatedDataIsCutMakesNoDifference) {
  const std::string aad = "one two three";
  const Bytes whole[] = {AsBytes(aad)};
  const Bytes pieces[] = {{}, AsBytes(aad).first(3), {}, AsBytes(aad).subspan(3), {}};
  EXPECT_EQ(Sealed(AsBytes("hello"), whole), Sealed(AsBytes("hello"), pieces));
}

TEST_P(EveryAead, WorksInPlace) {
  const Buffer plaintext(100, std::byte{7});
  const Buffer apart = Sealed(plaintext, {});
  Buffer room(apart.size(), std::byte{7});
  ASSERT_TRUE(cipher_->Seal(nonce_, {}, MutableBytes(room).first(100), room).ok());
  EXPECT_EQ(room, apart);
  const MutableBytes opened = MutableBytes(room).first(shape_.OpenedRoom(room.size()));
  ASSERT_EQ(cipher_->Open(nonce_, {}, room, opened).value(), 100U);
  EXPECT_TRUE(SameBytes(opened.first(100), plaintext));
}

TEST_P(EveryAead, EveryFlippedBitIsRefusedAndLeavesNoPlaintext) {
  const Bytes aad[] = {AsBytes("aad")};
  const Buffer sealed = Sealed(AsBytes("hello"), aad);
  for (size_t bit = 0; bit < 8 * (sealed.size() + nonce_.size()); ++bit) {
    Buffer bad = sealed, nonce = nonce_;
    std::byte& hit = bit / 8 < bad.size() ? bad[bit / 8] : nonce[bit / 8 - bad.size()];
    hit ^= static_cast<std::byte>(1 << bit % 8);
    const Result<Buffer> opened = Open(cipher_.get(), algorithm_, nonce, aad[0], bad);
    ASSERT_FALSE(opened.ok()) << bit;
    EXPECT_EQ(opened.error().code, Code::kAuthenticationFailed);
  }
  // The cipher goes on working after refusals.
  EXPECT_TRUE(Open(cipher_.get(), algorithm_, nonce_, aad[0], sealed).ok());
  EXPECT_FALSE(Open(cipher_.get(), algorithm_, nonce_, {}, sealed).ok());
  EXPECT_FALSE(Open(cipher_.get(), algorithm_, nonce_, AsBytes("aae"), sealed).ok());
}

TEST_P(EveryAead, EveryOtherLengthIsRefused) {
  Buffer sealed = Sealed(AsBytes("hello"), {});
  for (size_t size = 0; size < sealed.size(); ++size)
    EXPECT_FALSE(Open(cipher_.get(), algorithm_, nonce_, {}, Bytes(sealed).first(size)).ok());
  sealed.push_back(std::byte{0});
  EXPECT_FALSE(Open(cipher_.get(), algorithm_, nonce_, {}, sealed).ok());
}

TEST_P(EveryAead, RefusesSizesThatDoNotFit) {
  Buffer room(200);
  const Bytes text = AsBytes("hello");
  const auto exact = MutableBytes(room).first(shape_.SealedSize(text.size()));
  const auto code = [](const auto& result) { return result.error().code; };
  EXPECT_EQ(code(cipher_->Seal(nonce_, {}, text, room)), Code::kInvalidArgument);
  EXPECT_EQ(code(cipher_->Seal(Bytes(nonce_).first(8), {}, text, exact)), Code::kInvalidArgument);
  EXPECT_EQ(code(cipher_->Seal({}, {}, text, exact)), Code::kInvalidArgument);
  EXPECT_EQ(code(cipher_->Open(nonce_, {}, room, room)), Code::kInvalidArgument);
  EXPECT_EQ(code(cipher_->Open({}, {}, exact, MutableBytes(room).first(5))),
            Code::kInvalidArgument);
  for (size_t size = 0; size < shape_.tag; ++size)
    EXPECT_EQ(code(cipher_->Open(nonce_, {}, Bytes(room).first(size), {})), Code::kInvalidArgument);
}

TEST_P(EveryAead, RefusesAKeyOfAnotherSize) {
  for (const size_t size : {1, 16, 31, 32, 33, 63, 64, 65}) {
    if (size == DataKeySize(algorithm_)) continue;
    const auto made = MakeAead(algorithm_, SecretBytes::Allocate(size).value());
    ASSERT_FALSE(made.ok());
    EXPECT_EQ(made.error().code, Code::kInvalidArgument);
  }
  EXPECT_FALSE(MakeAead(algorithm_, SecretBytes()).ok());
}

TEST_P(EveryAead, AnotherKeyDoesNotOpenIt) {
  // The first half: in CBC-HMAC it authenticates, and the other one only hides. (That a data key is the right
  // one as a whole, its commitment says: core/data_key.h.)
  for (const size_t place : {size_t{0}, key_.size() / 4, key_.size() / 2 - 1}) {
    const Buffer sealed = Sealed(AsBytes("hello"), {});
    Buffer other = key_;
    other[place] ^= std::byte{1};
    const auto cipher = CipherOf(algorithm_, other);
    EXPECT_FALSE(Open(cipher.get(), algorithm_, nonce_, {}, sealed).ok()) << place;
  }
}

INSTANTIATE_TEST_SUITE_P(Algorithms, EveryAead,
                         ::testing::Values(Algorithm::kXaes256Gcm, Algorithm::kAes256Gcm,
                                           Algorithm::kAes256CbcHmacSha512));

}  // namespace
}  // namespace bulla
