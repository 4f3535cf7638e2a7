#include "http/tls.h"

#include <openssl/err.h>

#include <stdexcept>

namespace bulla::http {
namespace {

[[noreturn]] void Refuse(const std::string& what) {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  const std::string why = reason == nullptr ? "" : std::string(": ") + reason;
  ERR_clear_error();
  throw std::runtime_error(what + why);
}

// A key with a passphrase would have OpenSSL ask for it on the terminal.
int NoPassphrase(char*, int, int, void*) { return -1; }

}  // namespace

std::shared_ptr<SSL_CTX> MakeTlsContext(const TlsFiles& files) {
  ERR_clear_error();
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), SslDeleter());
  if (!context) {
    Refuse("OpenSSL cannot make a TLS context");
  }
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                         SSL_OP_CIPHER_SERVER_PREFERENCE |
                                         SSL_OP_PRIORITIZE_CHACHA);
  // Pistache's transport keeps the rest of a write that did not fit in another buffer.
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                      SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_default_passwd_cb(context.get(), NoPassphrase);
  if (SSL_CTX_use_certificate_chain_file(context.get(), files.certificate.c_str()) != 1) {
    Refuse("the TLS certificate \"" + files.certificate + "\" cannot be used");
  }
  if (SSL_CTX_use_PrivateKey_file(context.get(), files.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    Refuse("the TLS key \"" + files.key + "\" cannot be used with the certificate \"" +
           files.certificate + "\"");
  }
  if (!files.client_ca.empty()) {
    STACK_OF(X509_NAME)* names = SSL_load_client_CA_file(files.client_ca.c_str());
    if (names == nullptr ||
        SSL_CTX_load_verify_locations(context.get(), files.client_ca.c_str(), nullptr) != 1) {
      sk_X509_NAME_pop_free(names, X509_NAME_free);
      Refuse("the certificates of client authorities \"" + files.client_ca + "\" cannot be used");
    }
    SSL_CTX_set_client_CA_list(context.get(), names);
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  // Resumed sessions have to belong to this service, else client certificates refuse to resume at all.
  static constexpr unsigned char kSessionContext[] = "bullad";
  SSL_CTX_set_session_id_context(context.get(), kSessionContext, sizeof kSessionContext - 1);
  return context;
}

}  // namespace bulla::http
