#include "core/xaes_gcm.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "vectors.h"

namespace bulla {
namespace {

using Buffer = std::vector<std::byte>;

XaesGcm CipherOf(Bytes key) {
  Result<XaesGcm> cipher = XaesGcm::Create(SecretBytes::CopyOf(key).value());
  EXPECT_TRUE(cipher.ok());
  return std::move(cipher).value();
}

XaesGcm::Nonce NonceOf(Bytes bytes) { return XaesGcm::Nonce(bytes); }

TEST(XaesGcmTest, AgreesWithTheSpecification) {
  for (const auto& vector : LoadVectors("xaes_256_gcm.json", "vectors")) {
    SCOPED_TRACE(vector["desc"]);
    XaesGcm cipher = CipherOf(HexIn(vector, "key"));
    const Buffer nonce = HexIn(vector, "nonce"), aad = HexIn(vector, "aad"),
                 plaintext = HexIn(vector, "plaintext"), want = HexIn(vector, "sealed");
    const Bytes pieces[] = {aad};
    Buffer sealed(want.size()), opened(plaintext.size());
    ASSERT_TRUE(cipher.Seal(NonceOf(nonce), pieces, plaintext, sealed).ok());
    EXPECT_EQ(sealed, want);
    ASSERT_TRUE(cipher.Open(NonceOf(nonce), pieces, sealed, opened).ok());
    EXPECT_EQ(opened, plaintext);
  }
}

// The derivation's intermediate values, by way of plain AES-256-GCM under Kx and Nx.
TEST(XaesGcmTest, IsGcmUnderTheDerivedKeyAndNonce) {
  for (const auto& vector : LoadVectors("xaes_256_gcm.json", "vectors")) {
    const Buffer kx = HexIn(vector, "kx"), nx = HexIn(vector, "nx"), aad = HexIn(vector, "aad"),
                 plaintext = HexIn(vector, "plaintext");
    const ossl::CipherContext gcm(EVP_CIPHER_CTX_new());
    const auto raw = [](const Buffer& b) {
      return reinterpret_cast<const unsigned char*>(b.data());
    };
    std::array<unsigned char, 64> out{};
    int written = 0;
    ASSERT_EQ(EVP_EncryptInit_ex2(gcm.get(), ossl::Aes256Gcm(), raw(kx), raw(nx), nullptr), 1);
    ASSERT_EQ(
        EVP_EncryptUpdate(gcm.get(), nullptr, &written, raw(aad), static_cast<int>(aad.size())), 1);
    ASSERT_EQ(EVP_EncryptUpdate(gcm.get(), out.data(), &written, raw(plaintext),
                                static_cast<int>(plaintext.size())),
              1);
    ASSERT_EQ(EVP_EncryptFinal_ex(gcm.get(), out.data() + plaintext.size(), &written), 1);
    ASSERT_EQ(EVP_CIPHER_CTX_ctrl(gcm.get(), EVP_CTRL_AEAD_GET_TAG, XaesGcm::kTagSize,
                                  out.data() + plaintext.size()),
              1);
    const Bytes sealed = std::as_bytes(std::span(out)).first(plaintext.size() + XaesGcm::kTagSize);
    EXPECT_EQ(ToHex(sealed), vector["sealed"].get<std::string>());
  }
}

// The whole output of SHAKE-128 over the absorbed bytes, squeezed once.
Buffer Shake128(Bytes input, size_t size) {
  Buffer output(size);
  const ossl::DigestContext context(EVP_MD_CTX_new());
  EXPECT_EQ(EVP_DigestInit_ex2(context.get(), EVP_shake128(), nullptr), 1);
  EXPECT_EQ(EVP_DigestUpdate(context.get(), input.data(), input.size()), 1);
  EXPECT_EQ(EVP_DigestFinalXOF(context.get(), reinterpret_cast<unsigned char*>(output.data()),
                               output.size()),
            1);
  return output;
}

// OpenSSL 3.0 squeezes once only, so the specification's random stream is squeezed whole.
void CheckAccumulated(size_t iterations) {
  const auto all = LoadVectors("xaes_256_gcm.json", "accumulated");
  const auto wanted = std::find_if(all.begin(), all.end(), [iterations](const auto& vector) {
    return vector["iterations"].template get<size_t>() == iterations;
  });
  ASSERT_NE(wanted, all.end());
  const size_t average = 32 + 24 + 2 + 2 * 128;
  const Buffer stream = Shake128({}, iterations * average + iterations / 4 + 10000);
  ASSERT_EQ(ToHex(Bytes(stream).first(16)), "7f9c2ba4e88f827d616045507605853e");
  Bytes rest = stream;
  const auto take = [&rest](size_t size) {
    const Bytes taken = rest.first(size);
    rest = rest.subspan(size);
    return taken;
  };
  const auto take_sized = [&take] { return take(std::to_integer<size_t>(take(1)[0])); };

  const ossl::DigestContext hash(EVP_MD_CTX_new());
  ASSERT_EQ(EVP_DigestInit_ex2(hash.get(), EVP_shake128(), nullptr), 1);
  Buffer sealed, opened;
  for (size_t i = 0; i < iterations; ++i) {
    ASSERT_GT(rest.size(), 32U + 24 + 2 + 2 * 255) << "the stream is too short";
    XaesGcm cipher = CipherOf(take(32));
    const XaesGcm::Nonce nonce(take(24));
    const Bytes plaintext = take_sized(), aad = take_sized();
    sealed.resize(XaesGcm::SealedSize(plaintext.size()));
    opened.resize(plaintext.size());
    // In two pieces, which must make no difference.
    const Bytes pieces[] = {aad.first(aad.size() / 3), aad.subspan(aad.size() / 3)};
    ASSERT_TRUE(cipher.Seal(nonce, pieces, plaintext, sealed).ok());
    ASSERT_TRUE(cipher.Open(nonce, pieces, sealed, opened).ok());
    ASSERT_TRUE(SameBytes(opened, plaintext));
    ASSERT_EQ(EVP_DigestUpdate(hash.get(), sealed.data(), sealed.size()), 1);
  }
  std::array<std::byte, 32> digest;
  ASSERT_EQ(EVP_DigestFinalXOF(hash.get(), reinterpret_cast<unsigned char*>(digest.data()),
                               digest.size()),
            1);
  EXPECT_EQ(ToHex(digest), (*wanted)["hash"].get<std::string>());
}

TEST(XaesGcmTest, AgreesWithTenThousandRandomMessages) { CheckAccumulated(10000); }

// Some seconds and 330 MB.
TEST(XaesGcmTest, AgreesWithAMillionRandomMessages) { CheckAccumulated(1000000); }

class XaesGcmFixture : public ::testing::Test {
 protected:
  XaesGcm cipher_ = CipherOf(AsBytes("0123456789abcdef0123456789abcdef"));
  std::array<std::byte, 24> nonce_{};
};

TEST_F(XaesGcmFixture, HowAssociatedDataIsCutMakesNoDifference) {
  const std::string aad = "one two three";
  const Bytes whole[] = {AsBytes(aad)};
  const Bytes pieces[] = {{}, AsBytes(aad).first(3), {}, AsBytes(aad).subspan(3), {}};
  Buffer sealed(XaesGcm::SealedSize(5)), same(sealed.size());
  ASSERT_TRUE(cipher_.Seal(nonce_, whole, AsBytes("hello"), sealed).ok());
  ASSERT_TRUE(cipher_.Seal(nonce_, pieces, AsBytes("hello"), same).ok());
  EXPECT_EQ(sealed, same);
}

TEST_F(XaesGcmFixture, WorksInPlace) {
  Buffer room(XaesGcm::SealedSize(100), std::byte{7}), apart(room.size());
  const MutableBytes plaintext = MutableBytes(room).first(100);
  ASSERT_TRUE(cipher_.Seal(nonce_, {}, plaintext, apart).ok());
  ASSERT_TRUE(cipher_.Seal(nonce_, {}, plaintext, room).ok());
  EXPECT_EQ(room, apart);
  ASSERT_TRUE(cipher_.Open(nonce_, {}, room, plaintext).ok());
  EXPECT_TRUE(std::all_of(plaintext.begin(), plaintext.end(),
                          [](std::byte b) { return b == std::byte{7}; }));
}

TEST_F(XaesGcmFixture, EveryFlippedBitIsRefusedAndLeavesNoPlaintext) {
  const Bytes aad[] = {AsBytes("aad")};
  Buffer sealed(XaesGcm::SealedSize(5));
  ASSERT_TRUE(cipher_.Seal(nonce_, aad, AsBytes("hello"), sealed).ok());
  const Buffer zeros(5);
  for (size_t bit = 0; bit < 8 * (sealed.size() + nonce_.size()); ++bit) {
    Buffer bad = sealed;
    auto nonce = nonce_;
    std::byte& hit = bit / 8 < bad.size() ? bad[bit / 8] : nonce[bit / 8 - bad.size()];
    hit ^= static_cast<std::byte>(1 << bit % 8);
    Buffer opened(5, std::byte{0xEE});
    const Result<void> result = cipher_.Open(nonce, aad, bad, opened);
    ASSERT_FALSE(result.ok()) << bit;
    EXPECT_EQ(result.error().code, Code::kAuthenticationFailed);
    EXPECT_EQ(opened, zeros);
  }
  // The cipher goes on working after refusals.
  Buffer opened(5);
  EXPECT_TRUE(cipher_.Open(nonce_, aad, sealed, opened).ok());
  EXPECT_EQ(AsText(opened), "hello");
  EXPECT_FALSE(cipher_.Open(nonce_, {}, sealed, opened).ok());
}

TEST_F(XaesGcmFixture, RefusesSizesThatDoNotFit) {
  Buffer room(40);
  const auto code = [](const Result<void>& result) { return result.error().code; };
  EXPECT_EQ(code(cipher_.Seal(nonce_, {}, AsBytes("hello"), room)), Code::kInvalidArgument);
  EXPECT_EQ(code(cipher_.Open(nonce_, {}, room, room)), Code::kInvalidArgument);
  for (size_t size = 0; size < XaesGcm::kTagSize; ++size)
    EXPECT_EQ(code(cipher_.Open(nonce_, {}, Bytes(room).first(size), {})), Code::kInvalidArgument);
}

TEST(XaesGcmTest, RefusesAKeyOfAnotherSize) {
  for (const size_t size : {1, 16, 31, 33, 64}) {
    const Result<XaesGcm> made = XaesGcm::Create(SecretBytes::Allocate(size).value());
    ASSERT_FALSE(made.ok());
    EXPECT_EQ(made.error().code, Code::kInvalidArgument);
  }
  EXPECT_FALSE(XaesGcm::Create(SecretBytes()).ok());
}

TEST_F(XaesGcmFixture, MovesToAnotherObject) {
  Buffer sealed(XaesGcm::SealedSize(5)), opened(5);
  ASSERT_TRUE(cipher_.Seal(nonce_, {}, AsBytes("hello"), sealed).ok());
  XaesGcm moved = std::move(cipher_);
  EXPECT_TRUE(moved.Open(nonce_, {}, sealed, opened).ok());
}

}  // namespace
}  // namespace bulla
