// What one client, and all of them together, may take.
#pragma once

#include <chrono>
#include <cstddef>

namespace bulla::http {

struct Limits {
  // Of one request, in bytes: above, it is refused before it is read.
  std::size_t target = 8 * 1024;   // 414
  std::size_t head = 16 * 1024;    // 431
  std::size_t fields = 100;        // 431
  std::size_t body = 1024 * 1024;  // 413

  std::size_t connections = 4096;  // of all clients: above, none is accepted until one ends
  std::size_t connections_per_address = 512;  // above, a new one is closed at once
  // Bytes of requests and answers that are held for all clients: above, new bodies are refused (503).
  std::size_t held_bytes = 256 * 1024 * 1024;

  std::chrono::milliseconds tls_handshake{5'000};
  std::chrono::milliseconds head_time{
      5'000};  // from the first byte of a request to its last of the head
  std::chrono::milliseconds body_time{30'000};   // from there to its last byte
  std::chrono::milliseconds idle_time{60'000};   // between two requests
  std::chrono::milliseconds write_time{30'000};  // for the client to take an answer
  std::chrono::milliseconds linger_time{1'000};  // for the client to close after our last answer
};

}  // namespace bulla::http
