#include "service/strict_json.h"

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <set>
#include <vector>

#include <nlohmann/json.hpp>

namespace bulla::service {
namespace {

using Json = nlohmann::json;

// Reads the text and keeps in view how far the parser has come.
class Reader {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  Reader(const char* at, const char** reached) : at_(at), reached_(reached) {}
  reference operator*() const { return *at_; }
  Reader& operator++() {
    *reached_ = ++at_;
    return *this;
  }
  bool operator==(const Reader& other) const { return at_ == other.at_; }
  bool operator!=(const Reader& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  const char** reached_;
};

// Builds nothing: remembers the keys of the objects that are open.
class Checker : public Json::json_sax_t {
 public:
  // Empty while there is no mistake.
  const std::string& mistake() const { return mistake_; }
  bool found_by_parser() const { return found_by_parser_; }

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t& value) override { return HasNoNul(value, "a string"); }
  bool binary(binary_t&) override { return true; }  // no JSON has it

  bool start_object(std::size_t) override {
    keys_.emplace_back();
    return Deeper();
  }
  bool key(string_t& name) override {
    if (!HasNoNul(name, "a name")) return false;
    if (keys_.back().insert(name).second) return true;
    return Refuse("an object has the name " + Shown(name) + " twice");
  }
  bool end_object() override {
    keys_.pop_back();
    --depth_;
    return true;
  }
  bool start_array(std::size_t) override { return Deeper(); }
  bool end_array() override {
    --depth_;
    return true;
  }

  bool parse_error(std::size_t, const std::string&, const Json::exception& error) override {
    found_by_parser_ = true;
    constexpr int kNumberOverflow = 406;
    if (error.id == kNumberOverflow) return Refuse("a number is too large for a double");
    // "… while parsing value - what is wrong; last read: 'a megabyte, perhaps'; …"
    std::string_view reason = error.what();
    if (const auto dash = reason.find(" - "); dash != std::string_view::npos)
      reason.remove_prefix(dash + 3);
    return Refuse(std::string(reason.substr(0, reason.find("; last read"))));
  }

 private:
  bool Refuse(std::string mistake) {
    mistake_ = std::move(mistake);
    return false;
  }
  bool Deeper() {
    if (++depth_ <= kMaxJsonDepth) return true;
    return Refuse("more than " + std::to_string(kMaxJsonDepth) +
                  " arrays and objects are inside one another");
  }
  bool HasNoNul(const std::string& text, const char* what) {
    if (text.find('\0') == std::string::npos) return true;
    return Refuse(std::string(what) + " has a NUL (\\u0000), which cannot be stored");
  }
  static std::string Shown(const std::string& name) {
    constexpr std::size_t kMost = 64;
    return Json(name.substr(0, kMost)).dump(-1, ' ', true, Json::error_handler_t::replace);
  }

  std::string mistake_;
  bool found_by_parser_ = false;
  int depth_ = 0;
  std::vector<std::set<std::string>> keys_;  // ordered: nobody can choose names that collide
};

}  // namespace

std::optional<std::string> FindJsonMistake(std::string_view text) {
  // nlohmann's parser skips a byte order mark, which PostgreSQL refuses, and ends at a NUL.
  if (text.empty()) return "the body is empty where JSON is wanted";
  if (text.starts_with("\xEF\xBB\xBF"))
    return "the body is not JSON at byte 1: it begins with a byte order mark";
  if (const auto nul = text.find('\0'); nul != std::string_view::npos)
    return "the body is not JSON at byte " + std::to_string(nul + 1) + ": it has a NUL";
  Checker checker;
  const char* reached = text.data();
  Json::sax_parse(Reader(text.data(), &reached), Reader(text.data() + text.size(), &reached),
                  &checker);
  if (checker.mistake().empty()) return std::nullopt;
  const std::string place = " at byte " + std::to_string(reached - text.data());
  return checker.found_by_parser() ? "the body is not JSON" + place + ": " + checker.mistake()
                                   : checker.mistake() + place;
}

}  // namespace bulla::service
