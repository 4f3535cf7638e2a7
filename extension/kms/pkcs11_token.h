// A session with a PKCS#11 token. In a child process only (kms/remote_task.h): modules cannot be
// interrupted, do not survive a fork, and may start threads or crash.
#pragma once

#include <string>

#include "core/bytes.h"
#include "core/random.h"
#include "core/result.h"
#include "core/secret_bytes.h"
#include "kms/pkcs11_uri.h"

#include <p11-kit/pkcs11.h>

namespace bulla {

class Pkcs11Token {
 public:
  // nonce (12) | ciphertext | tag (16)
  static constexpr size_t kOverhead = 28;

  // Loads the module, logs in and finds the key. kFailedPrecondition where module, token or key are not as
  // the setting says, or the key could leave the token; kPermissionDenied where the PIN is refused;
  // kUnavailable where the token fails.
  static Result<Pkcs11Token> Open(const Pkcs11Uri& uri, const std::string& data_directory);

  // AES-256-GCM in the token, with a random nonce.
  Result<SecretBytes> Seal(Bytes associated_data, Bytes plaintext, Random& random) const;
  // kAuthenticationFailed for whatever the token does not open.
  Result<SecretBytes> Open(Bytes associated_data, Bytes sealed) const;

 private:
  Pkcs11Token(CK_FUNCTION_LIST* functions) : functions_(functions) {}

  Result<void> Start(const Pkcs11Uri& uri, const std::string& data_directory);
  Result<void> Prepare(const Pkcs11Uri& uri, const std::string& data_directory);
  Result<void> OpenSession(const Pkcs11Uri& uri);
  Result<void> LogIn(const Pkcs11Uri& uri, const std::string& data_directory) const;
  Result<void> FindKey(const Pkcs11Uri& uri);
  Result<void> CheckKey() const;

  CK_FUNCTION_LIST* functions_;
  CK_SESSION_HANDLE session_ = 0;
  CK_OBJECT_HANDLE key_ = 0;
};

}  // namespace bulla
