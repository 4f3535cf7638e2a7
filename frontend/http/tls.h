// TLS for the server's side, on OpenSSL.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

namespace bulla::http {

struct TlsFiles {
  std::string certificate;  // PEM, the chain after it
  std::string key;          // PEM, without passphrase
  std::string client_ca;    // PEM; where set, clients must show a certificate that it signed
};

struct SslDeleter {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using SslPtr = std::unique_ptr<SSL, SslDeleter>;

// A context for TLS 1.2 and 1.3 without renegotiation. Throws std::runtime_error with one plain sentence
// that names the file where one cannot be read or key and certificate are no pair.
std::shared_ptr<SSL_CTX> MakeTlsContext(const TlsFiles& files);

}  // namespace bulla::http
