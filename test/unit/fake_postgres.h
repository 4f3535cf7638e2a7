// A server that speaks just enough of PostgreSQL's protocol to let a call end in every way it can.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace bulla::database {

inline std::string Int32(std::uint32_t number) {
  number = htonl(number);
  return {reinterpret_cast<const char*>(&number), sizeof number};
}
inline std::string Int16(std::uint16_t number) {
  number = htons(number);
  return {reinterpret_cast<const char*>(&number), sizeof number};
}
inline std::string Message(char type, const std::string& payload) {
  return type + Int32(static_cast<std::uint32_t>(payload.size() + 4)) + payload;
}
inline std::string Ready() { return Message('Z', "I"); }
inline std::string Complete() { return Message('C', std::string("SELECT 1\0", 9)); }
inline std::string ErrorMessage(const std::string& severity, const std::string& sqlstate) {
  const auto field = [](char code, const std::string& text) { return code + text + '\0'; };
  return Message('E', field('S', severity) + field('V', severity) + field('C', sqlstate) +
                          field('M', "the message") + '\0');
}
// One row of texts, from BindComplete on, without CommandComplete.
inline std::string Row(const std::vector<std::string>& texts) {
  std::string description = Int16(static_cast<std::uint16_t>(texts.size()));
  std::string data = description;
  for (const std::string& text : texts) {
    description += std::string("c\0", 2) + Int32(0) + Int16(0) + Int32(25) + Int16(0xFFFF) +
                   Int32(0xFFFFFFFF) + Int16(0);
    data += Int32(static_cast<std::uint32_t>(text.size())) + text;
  }
  return Message('2', "") + Message('T', description) + Message('D', data);
}

// One client, as the server sees it.
class Peer {
 public:
  explicit Peer(int socket) : socket_(socket) {}
  ~Peer() { close(socket_); }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  void Send(const std::string& bytes) const {
    send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }

  void HangUp() const { shutdown(socket_, SHUT_RDWR); }

  // Reads messages up to the end of a request; false when the client has gone.
  bool ReadRequest() const {
    while (true) {
      const char type = Read(1)[0];
      if (type == '\0' || type == 'X') return false;
      const std::string size = Read(4);
      std::uint32_t number;
      std::memcpy(&number, size.data(), sizeof number);
      Read(ntohl(number) - 4);
      if (type == 'S' || type == 'Q') return true;
    }
  }

  // So many bytes, zeros where the client has gone.
  std::string Read(std::size_t size) const {
    std::string bytes(size, '\0');
    for (std::size_t at = 0; at < size;) {
      const ssize_t got = recv(socket_, bytes.data() + at, size - at, 0);
      if (got <= 0) return std::string(size, '\0');
      at += static_cast<std::size_t>(got);
    }
    return bytes;
  }

 private:
  const int socket_;
};

class FakePostgres {
 public:
  // Runs in a thread for each client, from the first request after the session was set up.
  using Script = std::function<void(const Peer&)>;

  explicit FakePostgres(Script script) : script_(std::move(script)) {
    std::string pattern = (std::filesystem::temp_directory_path() / "bulla-pg-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = folder_ + "/.s.PGSQL.5432";
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    listener_ = socket(AF_UNIX, SOCK_STREAM, 0);
    if (bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
        listen(listener_, 16) != 0)
      std::abort();
    acceptor_ = std::thread([this] { Accept(); });
  }
  ~FakePostgres() {
    shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    for (std::thread& client : clients_) client.join();
    close(listener_);
    std::filesystem::remove_all(folder_);
  }

  std::string conninfo() const { return "host=" + folder_ + " port=5432 user=u dbname=d"; }

  // Cancel requests that came with the right key.
  std::atomic<int> cancels{0};

 private:
  static constexpr std::uint32_t kCancelRequest = 80877102;
  static constexpr std::uint32_t kPid = 4711;
  static constexpr std::uint32_t kKey = 815;

  void Accept() {
    for (int client; (client = accept(listener_, nullptr, nullptr)) >= 0;)
      clients_.emplace_back([this, client] { Serve(Peer(client)); });
  }

  void Serve(const Peer& peer) {
    const std::string size = peer.Read(4);
    std::uint32_t number;
    std::memcpy(&number, size.data(), sizeof number);
    if (ntohl(number) < 8) return;
    const std::string packet = peer.Read(ntohl(number) - 4);
    if (packet.starts_with(Int32(kCancelRequest))) {
      if (packet == Int32(kCancelRequest) + Int32(kPid) + Int32(kKey)) ++cancels;
      return;
    }
    peer.Send(Message('R', Int32(0)) + Message('K', Int32(kPid) + Int32(kKey)) + Ready());
    // The session's settings, and one statement.
    if (!peer.ReadRequest()) return;
    peer.Send(Message('1', "") + Message('2', "") + Message('n', "") + Complete() + Ready());
    if (!peer.ReadRequest()) return;
    peer.Send(Message('1', "") + Ready());
    script_(peer);
  }

  const Script script_;
  std::string folder_;
  int listener_;
  std::vector<std::thread> clients_;
  std::thread acceptor_;
};

}  // namespace bulla::database
