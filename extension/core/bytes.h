// Byte strings as every format of Bulla writes them: big-endian integers, no padding, explicit lengths.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace bulla {

using Bytes = std::span<const std::byte>;
using MutableBytes = std::span<std::byte>;

inline Bytes AsBytes(std::string_view text) {
  return std::as_bytes(std::span<const char>(text.data(), text.size()));
}

inline std::string_view AsText(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Big-endian. Written out, so that compilers make one store of it.
inline void PutU32(std::byte* out, uint32_t value) {
  out[0] = static_cast<std::byte>(value >> 24);
  out[1] = static_cast<std::byte>(value >> 16);
  out[2] = static_cast<std::byte>(value >> 8);
  out[3] = static_cast<std::byte>(value);
}

inline void PutU64(std::byte* out, uint64_t value) {
  PutU32(out, static_cast<uint32_t>(value >> 32));
  PutU32(out + 4, static_cast<uint32_t>(value));
}

inline uint32_t GetU32(const std::byte* in) {
  return std::to_integer<uint32_t>(in[0]) << 24 | std::to_integer<uint32_t>(in[1]) << 16 |
         std::to_integer<uint32_t>(in[2]) << 8 | std::to_integer<uint32_t>(in[3]);
}

inline uint64_t GetU64(const std::byte* in) { return uint64_t{GetU32(in)} << 32 | GetU32(in + 4); }

inline bool SameBytes(Bytes a, Bytes b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

// Appends to a span the caller owns. Never writes past its end: what does not fit sets overflowed()
// and is dropped, so a writer is checked once, after the last Put. Trivially destructible on
// purpose: PostgreSQL may raise (longjmp) while one is alive.
class ByteWriter {
 public:
  explicit ByteWriter(MutableBytes out)
      : begin_(out.data()), at_(out.data()), end_(out.data() + out.size()) {}

  void Put(Bytes bytes) {
    if (std::byte* to = Reserve(bytes.size()); to != nullptr && !bytes.empty())
      std::memcpy(to, bytes.data(), bytes.size());
  }
  void PutByte(uint8_t value) {
    if (std::byte* to = Reserve(1)) *to = static_cast<std::byte>(value);
  }
  void PutU32(uint32_t value) {
    if (std::byte* to = Reserve(4)) bulla::PutU32(to, value);
  }
  void PutU64(uint64_t value) {
    if (std::byte* to = Reserve(8)) bulla::PutU64(to, value);
  }
  // The u32 length of the bytes, then the bytes.
  void PutSized(Bytes bytes) {
    PutU32(static_cast<uint32_t>(bytes.size()));
    Put(bytes);
  }

  // Room for `size` bytes that the caller fills, or nullptr when they do not fit.
  std::byte* Reserve(size_t size) {
    if (size > static_cast<size_t>(end_ - at_)) {
      overflowed_ = true;
      return nullptr;
    }
    std::byte* to = at_;
    at_ += size;
    return to;
  }

  bool overflowed() const { return overflowed_; }
  size_t size() const { return static_cast<size_t>(at_ - begin_); }
  Bytes written() const { return {begin_, size()}; }

 private:
  std::byte* begin_;
  std::byte* at_;
  std::byte* end_;
  bool overflowed_ = false;
};

}  // namespace bulla
