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

TEST(XaesGcmTest, AgreesWithTheSpecification) {
  for (const auto& vector : LoadVectors("xaes_256_gcm.json", "vectors")) {
    SCOPED_TRACE(vector["desc"]);
    XaesGcm cipher = CipherOf(HexIn(vector, "key"));
    const Buffer nonce = HexIn(vector, "nonce"), aad = HexIn(vector, "aad"),
                 plaintext = HexIn(vector, "plaintext"), want = HexIn(vector, "sealed");
    const Bytes pieces[] = {aad};
    Buffer sealed(want.size()), opened(plaintext.size());
    ASSERT_TRUE(cipher.Seal(nonce, pieces, plaintext, sealed).ok());
    EXPECT_EQ(sealed, want);
    ASSERT_TRUE(cipher.Open(nonce, pieces, sealed, opened).ok());
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
    const Bytes nonce = take(24);
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

}  // namespace
}  // namespace bulla
