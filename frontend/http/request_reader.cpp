// Boost.Beast asserts that the last chunk has five bytes; where no chunk came before it, it has three.
#define BOOST_DISABLE_ASSERTS

#include "http/request_reader.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <charconv>
#include <optional>

namespace bulla::http {
namespace {

namespace beast = boost::beast;

constexpr std::string_view kEndOfLine = "\r\n";
constexpr std::string_view kEndOfHead = "\r\n\r\n";
// Enough for 10^15 bytes, and for from_chars never to overflow.
constexpr std::size_t kMaxLengthDigits = 15;

bool IsDigit(char character) { return character >= '0' && character <= '9'; }

// What may stand in a line of a head: no control character but a tab (RFC 9110, 5.5).
bool IsLineText(char character) {
  const auto byte = static_cast<unsigned char>(character);
  return (byte >= 0x20 && byte != 0x7F) || byte == '\t';
}

// Why a head, or the beginning of one, is not made of lines that end in CR LF; empty where it is.
std::string_view FaultInLines(std::string_view head) {
  for (std::size_t i = 0; i < head.size(); ++i) {
    if (IsLineText(head[i])) {
      continue;
    }
    if (head[i] == '\n') {
      return "a line feed without a carriage return before it";
    }
    if (head[i] != '\r') {
      return "a control character in the head";
    }
    if (i + 1 == head.size()) {
      return {};  // the rest is still to come
    }
    if (head[i + 1] != '\n') {
      return "a carriage return without a line feed behind it";
    }
    ++i;
    if (i + 1 < head.size() && (head[i + 1] == ' ' || head[i + 1] == '\t')) {
      return "a folded field line";
    }
  }
  return {};
}

struct RequestLine {
  std::string_view method, target, version;
};

// The three parts between two single blanks; nothing where there are not three.
std::optional<RequestLine> SplitRequestLine(std::string_view line) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == 0 || first == last) {
    return std::nullopt;
  }
  const RequestLine parts{line.substr(0, first), line.substr(first + 1, last - first - 1),
                          line.substr(last + 1)};
  if (parts.target.empty() || parts.target.find(' ') != std::string_view::npos) {
    return std::nullopt;
  }
  return parts;
}

bool IsOtherHttpVersion(std::string_view version) {
  return version.size() == 8 && version.starts_with("HTTP/") && IsDigit(version[5]) &&
         version[6] == '.' && IsDigit(version[7]) && version != "HTTP/1.0" && version != "HTTP/1.1";
}

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char character) {
    return character >= 'A' && character <= 'Z' ? static_cast<char>(character - 'A' + 'a')
                                                : character;
  });
  return lower;
}

std::string_view WithoutBlanks(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool IsLetterOrDigit(char character) {
  return IsDigit(character) || (character >= 'a' && character <= 'z') ||
         (character >= 'A' && character <= 'Z');
}

// A name or an address with an optional port (RFC 9110, 7.2); may be empty. Stricter than RFC 3986's
// reg-name: no commas and other delimiters, which proxies read in more than one way, and no escapes.
bool IsHost(std::string_view host) {
  if (const std::size_t colon = host.rfind(':');
      colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos) {
    const std::string_view port = host.substr(colon + 1);
    if (port.size() > 5 || !std::all_of(port.begin(), port.end(), IsDigit)) {
      return false;
    }
    host = host.substr(0, colon);
  }
  const bool address = host.starts_with('[') && host.ends_with(']');
  if (address) {
    host = host.substr(1, host.size() - 2);
  }
  return std::all_of(host.begin(), host.end(),
                     [address](char character) {
                       return IsLetterOrDigit(character) || character == '.' || character == '-' ||
                              character == '_' || (address && character == ':');
                     }) &&
         !(address && host.empty());
}

}  // namespace

class RequestReader::Parser : public beast::http::request_parser<beast::http::string_body> {};

RequestReader::RequestReader(const Limits& limits)
    : limits_(limits), parser_(std::make_unique<Parser>()) {}
RequestReader::~RequestReader() = default;

RequestReader::State RequestReader::Fail(int status, std::string_view detail) {
  status_ = status;
  detail_ = detail;
  input_.clear();
  return state_ = State::kFailed;
}

RequestReader::State RequestReader::Feed(std::string_view bytes) {
  if (state_ == State::kFailed) {
    return state_;
  }
  input_ += bytes;
  return Read();
}

RequestReader::State RequestReader::Read() {
  if (state_ == State::kHead) {
    ReadHead();
  }
  if (state_ == State::kBody) {
    ReadBody();
  }
  return state_;
}

bool RequestReader::WantsContinue() const {
  return state_ == State::kBody && expects_continue_ && input_.empty() &&
         parser_->get().body().empty();
}

std::size_t RequestReader::held_bytes() const {
  return input_.size() + parser_->get().body().size() + request_.body.size();
}

Request RequestReader::Take() {
  Request taken = std::move(request_);
  request_ = Request();
  parser_ = std::make_unique<Parser>();
  searched_ = 0;
  skipped_empty_line_ = false;
  state_ = State::kHead;
  Read();
  return taken;
}

RequestReader::State RequestReader::ReadHead() {
  if (!skipped_empty_line_ && input_.starts_with(kEndOfLine)) {
    input_.erase(0,
                 kEndOfLine.size());  // RFC 9112, 2.2: one empty line before a request is let pass
    skipped_empty_line_ = true;
    searched_ = 0;
  }
  // What was cut in two, an end of line or of the head, is looked at again from its beginning.
  std::size_t from = searched_ - std::min(searched_, kEndOfHead.size());
  if (from > 0 && input_[from] == '\n') {
    --from;
  }
  const std::size_t end = input_.find(kEndOfHead, from);
  const std::size_t size = end == std::string::npos ? input_.size() : end + kEndOfHead.size();
  if (const std::string_view fault = FaultInLines(std::string_view(input_).substr(
          from, std::min(size, limits_.head) - std::min(from, size)));
      !fault.empty()) {
    return Fail(400, fault);
  }
  const std::string_view line =
      std::string_view(input_).substr(0, std::min(input_.find(kEndOfLine), input_.size()));
  if (line.size() > limits_.target + sizeof("CONNECT  HTTP/1.1")) {
    return Fail(414, "the request target is too long");
  }
  if (size > limits_.head) {
    return Fail(431, "the head of the request is too large");
  }
  if (end == std::string::npos) {
    searched_ = input_.size();
    return state_;
  }

  const std::optional<RequestLine> parts = SplitRequestLine(line);
  if (!parts) {
    return Fail(400, "the first line is not: method, target, HTTP version");
  }
  if (IsOtherHttpVersion(parts->version)) {
    return Fail(505, "this server speaks HTTP/1.1 and HTTP/1.0");
  }
  if (!CheckTarget(parts->target)) {
    return state_;
  }
  // Beast's own limits are ours already, or are set when the body begins.
  parser_->header_limit(static_cast<std::uint32_t>(limits_.head + 1));
  parser_->body_limit(boost::none);
  beast::error_code error;
  const std::size_t parsed = parser_->put(boost::asio::buffer(input_.data(), size), error);
  if (error || parsed != size) {
    return Fail(400, "the head of the request is not well-formed HTTP");
  }
  input_.erase(0, size);
  return CheckFields();
}

bool RequestReader::CheckTarget(std::string_view target) {
  if (target.size() > limits_.target) {
    Fail(414, "the request target is too long");
    return false;
  }
  for (const char character : target) {
    if (character <= 0x20 || character == 0x7F || character == '#') {
      Fail(400, "a character in the request target that has to be percent-encoded");
      return false;
    }
  }
  if (target == "*") {
    request_.path = target;
    return true;
  }
  // The absolute form is for proxies, and servers take it too (RFC 9112, 3.2.2).
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (LowerCase(target.substr(0, scheme.size())) == scheme) {
      const std::size_t path = target.find_first_of("/?", scheme.size());
      target = path == std::string_view::npos ? "/" : target.substr(path);
      break;
    }
  }
  if (!target.starts_with('/')) {
    Fail(400, "the request target does not begin with a slash");
    return false;
  }
  const std::size_t question = std::min(target.find('?'), target.size());
  request_.path = target.substr(0, question);
  request_.query = target.substr(std::min(question + 1, target.size()));
  return true;
}

RequestReader::State RequestReader::CheckFields() {
  const auto& head = parser_->get();
  request_.method = std::string_view(head.method_string().data(), head.method_string().size());
  if (request_.path == "*" && request_.method != "OPTIONS") {
    return Fail(400, "only OPTIONS has * for its target");
  }
  int hosts = 0;
  int lengths = 0;
  int codings = 0;
  expects_continue_ = false;
  for (const auto& field : head) {
    std::string name = LowerCase({field.name_string().data(), field.name_string().size()});
    const std::string_view value = WithoutBlanks({field.value().data(), field.value().size()});
    if (name == "host") {
      ++hosts;
      if (!IsHost(value)) {
        return Fail(400, "Host is not a name or address with an optional port");
      }
    } else if (name == "content-length") {
      ++lengths;
      if (value.empty() || !std::all_of(value.begin(), value.end(), IsDigit)) {
        return Fail(400, "Content-Length is not a number");
      }
      if (value.size() > kMaxLengthDigits) {
        return Fail(413, "the body is too large");
      }
    } else if (name == "transfer-encoding") {
      ++codings;
      if (LowerCase(value) != "chunked") {
        return Fail(501, "the only transfer coding is chunked");
      }
    } else if (name == "expect") {
      if (LowerCase(value) != "100-continue") {
        return Fail(417, "the only expectation is 100-continue");
      }
      expects_continue_ = head.version() == 11;
    }
    request_.fields.emplace_back(std::move(name), value);
  }
  if (request_.fields.size() > limits_.fields) {
    return Fail(431, "too many fields in the head of the request");
  }
  if (hosts > 1 || (hosts == 0 && head.version() == 11)) {
    return Fail(400, "there has to be one Host field");
  }
  if (lengths > 1 || codings > 1 || (lengths == 1 && codings == 1) ||
      (codings == 1 && head.version() != 11)) {
    return Fail(400, "the length of the body is given in more than one way");
  }
  keep_alive_ = parser_->keep_alive();
  if (parser_->content_length().value_or(0) > limits_.body) {
    return Fail(413, "the body is too large");
  }
  if (parser_->is_done()) {
    return state_ = State::kComplete;
  }
  parser_->body_limit(limits_.body);
  parser_->eager(true);
  return state_ = State::kBody;
}

RequestReader::State RequestReader::ReadBody() {
  if (input_.empty()) {
    return state_;
  }
  beast::error_code error;
  const std::size_t parsed = parser_->put(boost::asio::buffer(input_), error);
  input_.erase(0, parsed);
  if (error == beast::http::error::body_limit) {
    return Fail(413, "the body is too large");
  }
  if (error && error != beast::http::error::need_more) {
    return Fail(400, "the body is not well-formed chunks");
  }
  if (!parser_->is_done()) {
    // What is left is a chunk's size line, or trailers, of which the end is still to come.
    return input_.size() > limits_.head
               ? Fail(431, "a chunk's extensions or trailers are too large")
               : state_;
  }
  request_.body = std::move(parser_->get().body());
  return state_ = State::kComplete;
}

}  // namespace bulla::http
