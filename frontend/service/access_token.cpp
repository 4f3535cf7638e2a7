#include "service/access_token.h"

#include <algorithm>
#include <stdexcept>

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

namespace bulla::service {

std::string NewAccessToken() {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  unsigned char random[33] = {};  // 32, and a zero that completes the last group
  if (RAND_bytes(random, 32) != 1)
    throw std::runtime_error("there is no randomness to make a token of");
  std::string token = "bulla_";  // so that people and scanners know what leaked
  for (std::size_t i = 0; i < sizeof random; i += 3) {
    const unsigned group =
        static_cast<unsigned>(random[i] << 16 | random[i + 1] << 8 | random[i + 2]);
    for (const unsigned shift : {18U, 12U, 6U, 0U}) token += kAlphabet[group >> shift & 63];
  }
  token.pop_back();  // nothing but the added zero
  OPENSSL_cleanse(random, sizeof random);
  return token;
}

// b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="
bool IsAccessToken(std::string_view text) {
  const std::string_view body = text.substr(0, text.find_last_not_of('=') + 1);
  return !body.empty() && std::all_of(body.begin(), body.end(), [](char byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') ||
           std::string_view("-._~+/").find(byte) != std::string_view::npos;
  });
}

std::string DigestAsBytea(std::string_view token) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(token.data()), token.size(), digest);
  std::string text = "\\x";
  for (const unsigned char byte : digest) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

}  // namespace bulla::service
