#include "core/openings.h"

#include "core/hmac_sha256.h"

namespace bulla {
namespace {

constexpr std::string_view kCommitMagic{"bulla.commit.v1\0", 16};
constexpr std::byte kFormat{1};
constexpr std::byte kErased{0};
constexpr std::byte kOpen{1};

uint16_t GetU16(Bytes bytes) {
  return static_cast<uint16_t>(std::to_integer<unsigned>(bytes[0]) << 8 |
                               std::to_integer<unsigned>(bytes[1]));
}

void PutU16(std::byte* out, uint16_t value) {
  out[0] = static_cast<std::byte>(value >> 8);
  out[1] = static_cast<std::byte>(value);
}

// Takes that many bytes off the front; false where there are fewer.
bool Take(Bytes* rest, size_t size, Bytes* taken) {
  if (rest->size() < size) return false;
  *taken = rest->first(size);
  *rest = rest->subspan(size);
  return true;
}

}  // namespace

bool CommitToValue(Bytes salt, Bytes name, Bytes value, Sha256* hasher, Sha256Digest* commitment) {
  std::array<std::byte, 4> name_size;
  std::array<std::byte, 4> value_size;
  PutU32(name_size.data(), static_cast<uint32_t>(name.size()));
  PutU32(value_size.data(), static_cast<uint32_t>(value.size()));
  return salt.size() == kSaltSize &&
         HmacSha256(salt, {AsBytes(kCommitMagic), name_size, name, value_size, value}, hasher,
                    commitment);
}

OpeningsReader::OpeningsReader(Bytes openings) {
  if (openings.size() < kOpeningsFrameSize || openings[0] != kFormat) return;
  count_ = GetU16(openings.subspan(1));
  first_ = rest_ = openings.subspan(kOpeningsFrameSize);
  ok_ = count_ >= 1 && count_ <= kMaxOpenings && Check();
}

bool OpeningsReader::Read(Bytes* rest, Opening* opening) const {
  Bytes length;
  Bytes state;
  *opening = {};
  if (!Take(rest, 2, &length)) return false;
  const size_t name_size = GetU16(length);
  return name_size >= 1 && name_size <= kMaxOpeningName && Take(rest, name_size, &opening->name) &&
         Take(rest, 1, &state) && (state[0] == kErased || state[0] == kOpen) &&
         Take(rest, kCommitmentSize, &opening->commitment) &&
         (state[0] == kErased || Take(rest, kSaltSize, &opening->salt));
}

bool OpeningsReader::Check() const {
  Bytes rest = first_;
  Bytes before;
  Opening opening;
  for (size_t i = 0; i < count_; ++i) {
    if (!Read(&rest, &opening) || !(AsText(before) < AsText(opening.name))) return false;
    before = opening.name;
  }
  return rest.empty();
}

bool OpeningsReader::Next(Opening* opening) { return !rest_.empty() && Read(&rest_, opening); }

bool OpeningsReader::Find(Bytes name, Opening* opening) const {
  for (Bytes rest = first_; !rest.empty() && Read(&rest, opening);) {
    if (SameBytes(opening->name, name)) return true;
  }
  return false;
}

void OpeningsWriter::Put(const Opening& opening) {
  if (std::byte* const length = out_.Reserve(2))
    PutU16(length, static_cast<uint16_t>(opening.name.size()));
  out_.Put(opening.name);
  out_.PutByte(std::to_integer<uint8_t>(opening.erased() ? kErased : kOpen));
  out_.Put(opening.commitment);
  out_.Put(opening.salt);
  ++count_;
}

Bytes OpeningsWriter::Finish() {
  if (out_.overflowed() || count_ == 0) return {};
  PutU16(count_at_, count_);
  return out_.written();
}

}  // namespace bulla
