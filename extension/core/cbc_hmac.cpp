#include "core/cbc_hmac.h"

#include <algorithm>
#include <array>
#include <utility>

#include <openssl/core_names.h>
#include <openssl/params.h>

namespace bulla {
namespace {

using ossl::Fits;
using ossl::Raw;

constexpr size_t kHalf = CbcHmac::kKeySize / 2;
constexpr AeadShape kShape = ShapeOf(Algorithm::kAes256CbcHmacSha512);

bool StartMac(EVP_MAC_CTX* context, Bytes key) {
  char digest[] = "SHA2-512";
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                               OSSL_PARAM_construct_end()};
  return EVP_MAC_init(context, Raw(key.data()), key.size(), params) == 1;
}

ossl::CipherContext KeyedCbc(Bytes key, bool encrypt) {
  ossl::CipherContext context(EVP_CIPHER_CTX_new());
  const bool keyed = context && ossl::Aes256Cbc() &&
                     EVP_CipherInit_ex2(context.get(), ossl::Aes256Cbc(), Raw(key.data()), nullptr,
                                        encrypt ? 1 : 0, nullptr) == 1;
  return keyed ? std::move(context) : nullptr;
}

// In the direction of the context; `blocks` may be `from`. The padding is ours.
bool Crypt(EVP_CIPHER_CTX* context, Bytes nonce, Bytes from, MutableBytes blocks) {
  return EVP_CipherInit_ex2(context, nullptr, nullptr, Raw(nonce.data()), -1, nullptr) == 1 &&
         EVP_CIPHER_CTX_set_padding(context, 0) == 1 && ossl::Update(context, blocks.data(), from);
}

// PKCS #7: how many bytes of padding end the blocks, 0 where they do not.
size_t PaddingOf(Bytes blocks) {
  const auto count = std::to_integer<size_t>(blocks.back());
  if (count == 0 || count > CbcHmac::kBlockSize) return 0;
  const Bytes padding = blocks.last(count);
  const bool whole =
      std::all_of(padding.begin(), padding.end(), [&](std::byte b) { return b == blocks.back(); });
  return whole ? count : 0;
}

Error WrongSize() {
  return {Code::kInvalidArgument, "size of nonce, value or output does not fit"};
}

}  // namespace

Result<CbcHmac> CbcHmac::Create(const SecretBytes& key) {
  if (key.size() != kKeySize)
    return Error{Code::kInvalidArgument, "a key of AES-256-CBC-HMAC-SHA-512 has 64 bytes"};
  const Bytes bytes = key.RevealSecretBytes();
  CbcHmac cipher;
  cipher.encrypt_ = KeyedCbc(bytes.last(kHalf), true);
  cipher.decrypt_ = KeyedCbc(bytes.last(kHalf), false);
  cipher.hmac_.reset(ossl::Hmac() ? EVP_MAC_CTX_new(ossl::Hmac()) : nullptr);
  const bool made = cipher.encrypt_ && cipher.decrypt_ && cipher.hmac_ &&
                    StartMac(cipher.hmac_.get(), bytes.first(kHalf));
  if (!made) return ossl::DrainErrors("AES-256-CBC-HMAC-SHA-512 set-up");
  return cipher;
}

// Steps 4 and 5 of RFC 7518, section 5.2.2.1: HMAC over associated data | IV | ciphertext | AL, the first half.
bool CbcHmac::Authenticate(Bytes nonce, std::span<const Bytes> associated_data, Bytes ciphertext,
                           Tag* tag) {
  EVP_MAC_CTX* const mac = hmac_.get();
  const auto add = [mac](Bytes bytes) {
    return bytes.empty() || EVP_MAC_update(mac, Raw(bytes.data()), bytes.size()) == 1;
  };
  uint64_t size = 0;
  if (EVP_MAC_init(mac, nullptr, 0, nullptr) != 1) return false;
  for (const Bytes piece : associated_data) {
    size += piece.size();
    if (!add(piece)) return false;
  }
  std::array<std::byte, 8> bits;
  PutU64(bits.data(), size * 8);
  std::array<std::byte, 64> whole;
  size_t written = 0;
  if (!add(nonce) || !add(ciphertext) || !add(bits) ||
      EVP_MAC_final(mac, Raw(whole.data()), &written, whole.size()) != 1)
    return false;
  std::copy_n(whole.begin(), tag->size(), tag->begin());
  return true;
}

Result<void> CbcHmac::Seal(Bytes nonce, std::span<const Bytes> associated_data, Bytes plaintext,
                           MutableBytes sealed) {
  if (nonce.size() != kNonceSize || !Fits(sealed.size()) ||
      sealed.size() != kShape.SealedSize(plaintext.size()))
    return WrongSize();
  const MutableBytes blocks = sealed.first(sealed.size() - kTagSize);
  const size_t padding = blocks.size() - plaintext.size();
  if (!plaintext.empty() && blocks.data() != plaintext.data())
    std::copy(plaintext.begin(), plaintext.end(), blocks.begin());
  std::fill(blocks.end() - static_cast<std::ptrdiff_t>(padding), blocks.end(),
            static_cast<std::byte>(padding));
  Tag tag;
  if (!Crypt(encrypt_.get(), nonce, blocks, blocks) ||
      !Authenticate(nonce, associated_data, blocks, &tag)) {
    Wipe(sealed);
    return ossl::DrainErrors("AES-256-CBC-HMAC-SHA-512 encryption");
  }
  std::copy(tag.begin(), tag.end(), sealed.begin() + static_cast<std::ptrdiff_t>(blocks.size()));
  return {};
}

Result<size_t> CbcHmac::Open(Bytes nonce, std::span<const Bytes> associated_data, Bytes sealed,
                             MutableBytes plaintext) {
  if (nonce.size() != kNonceSize || !Fits(sealed.size()) || !kShape.HasSealedSize(sealed.size()) ||
      plaintext.size() != kShape.OpenedRoom(sealed.size()))
    return WrongSize();
  const Bytes blocks = sealed.first(plaintext.size());
  Tag tag;
  bool worked = Authenticate(nonce, associated_data, blocks, &tag);
  const bool authentic = worked && ConstantTimeEqual(tag, sealed.subspan(blocks.size()));
  worked = worked && (!authentic || Crypt(decrypt_.get(), nonce, blocks, plaintext));
  // What has our MAC has our padding: no oracle, as nobody without the key gets here.
  const size_t padding = worked && authentic ? PaddingOf(plaintext) : 0;
  if (padding == 0) Wipe(plaintext);
  if (!worked) return ossl::DrainErrors("AES-256-CBC-HMAC-SHA-512 decryption");
  if (padding == 0) return Error{Code::kAuthenticationFailed, "authentication failed"};
  Wipe(plaintext.last(padding));
  return plaintext.size() - padding;
}

}  // namespace bulla
