// Loads test/unit/testdata/*.json. Bytes are hexadecimal there.
#pragma once

#include <cstddef>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/bytes.h"

namespace bulla {

// One list of a file, by value: `for (… : LoadVectors("keys.json", "wrapped"))` is safe.
inline nlohmann::json LoadVectors(const std::string& name, const std::string& list) {
  const std::string path = std::string(TESTDATA_DIR) + "/" + name;
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path);
  return nlohmann::json::parse(file).at(list);
}

inline std::vector<std::byte> FromHex(std::string_view hex) {
  const auto digit = [](char c) { return std::string_view("0123456789abcdef").find(c); };
  std::vector<std::byte> bytes(hex.size() / 2);
  for (size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<std::byte>(digit(hex[2 * i]) * 16 + digit(hex[2 * i + 1]));
  return bytes;
}

inline std::vector<std::byte> HexIn(const nlohmann::json& vector, const char* field) {
  return FromHex(vector.at(field).get_ref<const std::string&>());
}

inline std::string ToHex(Bytes bytes) {
  std::string hex;
  for (const std::byte byte : bytes) {
    hex.push_back("0123456789abcdef"[std::to_integer<size_t>(byte >> 4)]);
    hex.push_back("0123456789abcdef"[std::to_integer<size_t>(byte & std::byte{15})]);
  }
  return hex;
}

}  // namespace bulla
