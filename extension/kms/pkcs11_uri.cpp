#include "kms/pkcs11_uri.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace bulla {
namespace {

Error Bad(const std::string& what) {
  return Error{
      Code::kInvalidArgument, "pkcs11 in setting bulla.kek " + what,
      "Allowed: 'pkcs11:token=LABEL;object=LABEL?module-path=/PATH&pin-source=file:/PATH', "
      "with ;serial= and ;id=, and &name=."};
}

std::optional<unsigned> HexDigit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

// RFC 3986: %XX stands for a byte.
std::optional<std::string> Decode(std::string_view text) {
  std::string decoded;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      decoded.push_back(text[at]);
      continue;
    }
    if (at + 2 >= text.size()) return std::nullopt;
    const auto high = HexDigit(text[at + 1]);
    const auto low = HexDigit(text[at + 2]);
    if (!high || !low) return std::nullopt;
    decoded.push_back(static_cast<char>(*high * 16 + *low));
    at += 2;
  }
  return decoded;
}

struct Attribute {
  std::string_view name;
  std::string Pkcs11Uri::*member;
  bool in_query;
};
constexpr std::array kAttributes = {
    Attribute{"token", &Pkcs11Uri::token, false},
    Attribute{"serial", &Pkcs11Uri::serial, false},
    Attribute{"object", &Pkcs11Uri::object, false},
    Attribute{"id", &Pkcs11Uri::id, false},
    Attribute{"module-path", &Pkcs11Uri::module_path, true},
    Attribute{"pin-source", &Pkcs11Uri::pin_file, true},
    Attribute{"name", &Pkcs11Uri::name, true},
};

Result<void> Take(std::string_view pair, bool in_query, Pkcs11Uri* uri) {
  const size_t equals = std::min(pair.find('='), pair.size());
  const std::string_view name = pair.substr(0, equals);
  if (name == "pin-value") return Bad("holds a PIN, which everybody who sees settings sees");
  if (name == "type" && pair.substr(equals) == "=secret-key") return {};
  for (const Attribute& attribute : kAttributes) {
    if (attribute.name != name || attribute.in_query != in_query) continue;
    std::optional<std::string> value =
        equals < pair.size() ? Decode(pair.substr(equals + 1)) : std::nullopt;
    if (!value || value->empty() || !(uri->*attribute.member).empty())
      return Bad("has a value of " + std::string(name) + " that is not allowed");
    uri->*attribute.member = *std::move(value);
    return {};
  }
  return Bad("has an attribute that is unknown");
}

Result<void> TakeAll(std::string_view text, char separator, bool in_query, Pkcs11Uri* uri) {
  while (!text.empty()) {
    const size_t end = std::min(text.find(separator), text.size());
    if (const Result<void> taken = Take(text.substr(0, end), in_query, uri); !taken.ok())
      return taken;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return {};
}

bool IsFile(const std::string& path) {
  return path.starts_with('/') && path.find('\0') == std::string::npos;
}

}  // namespace

Result<Pkcs11Uri> Pkcs11Uri::Parse(std::string_view rest) {
  Pkcs11Uri uri;
  const size_t query = std::min(rest.find('?'), rest.size());
  if (const Result<void> taken = TakeAll(rest.substr(0, query), ';', false, &uri); !taken.ok())
    return taken.error();
  const std::string_view parameters = rest.substr(std::min(query + 1, rest.size()));
  if (const Result<void> taken = TakeAll(parameters, '&', true, &uri); !taken.ok())
    return taken.error();
  if (uri.token.empty() || uri.object.empty()) return Bad("names no token or no object");
  if (!IsFile(uri.module_path)) return Bad("has no module-path that is absolute");
  if (uri.pin_file.starts_with("file:")) uri.pin_file.erase(0, 5);
  if (!IsFile(uri.pin_file)) return Bad("has no pin-source that is a file");
  if (uri.name.empty()) uri.name = uri.token + "/" + uri.object;
  return uri;
}

}  // namespace bulla
