// A server for tests of what asks others by HTTP: it answers each connection with bytes, or not at all.
#pragma once

#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

namespace bulla::client {

// A certificate for 127.0.0.1 that vouches for itself, with its key.
class PeerCertificate {
 public:
  PeerCertificate() : key_(EVP_EC_gen("P-256")), certificate_(X509_new()) {
    ASN1_INTEGER_set(X509_get_serialNumber(certificate_), 1);
    X509_set_version(certificate_, X509_VERSION_3);
    X509_gmtime_adj(X509_getm_notBefore(certificate_), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate_), 3600);
    X509_set_pubkey(certificate_, key_);
    X509_NAME* const name = X509_get_subject_name(certificate_);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("peer"), -1, -1, 0);
    X509_set_issuer_name(certificate_, name);
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate_, certificate_, nullptr, nullptr, 0);
    X509_EXTENSION* const address =
        X509V3_EXT_conf_nid(nullptr, &context, NID_subject_alt_name, "IP:127.0.0.1");
    X509_add_ext(certificate_, address, -1);
    X509_EXTENSION_free(address);
    if (X509_sign(certificate_, key_, EVP_sha256()) == 0) std::abort();
  }
  ~PeerCertificate() {
    X509_free(certificate_);
    EVP_PKEY_free(key_);
  }
  PeerCertificate(const PeerCertificate&) = delete;
  PeerCertificate& operator=(const PeerCertificate&) = delete;

  void Write(const std::string& file) const {
    BIO* const memory = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(memory, certificate_);
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(memory, &bytes);
    std::ofstream(file).write(bytes, size);
    BIO_free(memory);
  }

  SSL_CTX* MakeContext(int newest_version) const {
    SSL_CTX* const context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_security_level(context, 0);  // TLS 1.1 needs it
    SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context, newest_version);
    SSL_CTX_use_certificate(context, certificate_);
    SSL_CTX_use_PrivateKey(context, key_);
    return context;
  }

 private:
  EVP_PKEY* const key_;
  X509* const certificate_;
};

class HttpPeer {
 public:
  // What to answer to a request: all bytes of it. Runs in the connection's thread.
  using Script = std::function<std::string(const std::string& request)>;

  // Speaks TLS where there is a certificate.
  explicit HttpPeer(Script script, const PeerCertificate* certificate = nullptr,
                    int newest_tls = TLS1_3_VERSION)
      : script_(std::move(script)),
        tls_(certificate == nullptr ? nullptr : certificate->MakeContext(newest_tls)),
        listener_(socket(AF_INET, SOCK_STREAM, 0)) {
    std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes to clients that have gone
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        listen(listener_, 16) != 0 ||
        getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
      std::abort();
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { Accept(); });
  }
  ~HttpPeer() {
    shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    {
      const std::lock_guard lock(mutex_);
      for (const int client : sockets_) shutdown(client, SHUT_RDWR);
    }
    for (std::thread& client : clients_) client.join();
    for (const int client : sockets_) close(client);
    close(listener_);
    SSL_CTX_free(tls_);
  }
  HttpPeer(const HttpPeer&) = delete;
  HttpPeer& operator=(const HttpPeer&) = delete;

  std::string url(const std::string& path = "/") const {
    return (tls_ == nullptr ? "http://127.0.0.1:" : "https://127.0.0.1:") + std::to_string(port_) +
           path;
  }

  std::atomic<int> connections{0};
  std::atomic<int> requests{0};

 private:
  void Accept() {
    for (int client; (client = accept(listener_, nullptr, nullptr)) >= 0;) {
      ++connections;
      const std::lock_guard lock(mutex_);
      sockets_.push_back(client);
      clients_.emplace_back([this, client] { Serve(client); });
    }
  }

  void Serve(int client) {
    SSL* const ssl = tls_ == nullptr ? nullptr : SSL_new(tls_);
    if (ssl != nullptr) SSL_set_fd(ssl, client);
    if (ssl == nullptr || SSL_accept(ssl) == 1) {
      for (std::string request; !(request = ReadRequest(client, ssl)).empty();) {
        ++requests;
        const std::string answer = script_(request);
        if (ssl != nullptr)
          SSL_write(ssl, answer.data(), static_cast<int>(answer.size()));
        else
          send(client, answer.data(), answer.size(), MSG_NOSIGNAL);
        if (answer.find("Content-Length") == std::string::npos) break;
      }
    }
    SSL_free(ssl);
    shutdown(client, SHUT_RDWR);
  }

  // Empty where the client has gone.
  static std::string ReadRequest(int client, SSL* ssl) {
    std::string request;
    while (true) {
      const std::size_t head = request.find("\r\n\r\n");
      const std::size_t length = request.find("Content-Length: ");
      if (head != std::string::npos &&
          request.size() >= head + 4 +
                                (length == std::string::npos
                                     ? 0
                                     : std::strtoul(request.c_str() + length + 16, nullptr, 10)))
        return request;
      char bytes[4096];
      const ssize_t got = ssl != nullptr ? SSL_read(ssl, bytes, sizeof bytes)
                                         : recv(client, bytes, sizeof bytes, 0);
      if (got <= 0) return {};
      request.append(bytes, static_cast<std::size_t>(got));
    }
  }

  const Script script_;
  SSL_CTX* const tls_;
  const int listener_;
  std::uint16_t port_ = 0;
  std::mutex mutex_;
  std::vector<int> sockets_;  // under mutex_
  std::vector<std::thread> clients_;
  std::thread acceptor_;
};

}  // namespace bulla::client
