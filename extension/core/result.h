// What a function of the core answers: a value, or a code with a message for a person.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace bulla {

// A closed set. extension/pg/boundary.cpp holds the one table that maps it to SQLSTATEs.
enum class Code {
  kInvalidArgument,
  kNotFound,
  kAlreadyExists,
  kPermissionDenied,
  kFailedPrecondition,
  kCorrupt,
  kAuthenticationFailed,
  kCancelled,
  kUnavailable,
  kInternal,
};

// The message follows PostgreSQL's style (lower case, no full stop) and never holds key bytes, a
// plaintext or a context. The hint, if any, is a full sentence that says what to do.
struct Error {
  Code code;
  std::string message;
  std::string hint = {};
};

// Either a T or an Error. Check ok() before value(); value() of an error is a defect of the caller.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit

  bool ok() const { return state_.index() == 0; }
  const T& value() const& { return std::get<0>(state_); }
  T& value() & { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  const Error& error() const& { return std::get<1>(state_); }
  Error&& error() && { return std::get<1>(std::move(state_)); }

 private:
  std::variant<T, Error> state_;
};

// Success, or an Error.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit

  bool ok() const { return !error_.has_value(); }
  const Error& error() const { return *error_; }

 private:
  std::optional<Error> error_;
};

}  // namespace bulla
