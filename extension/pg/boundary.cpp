#include "pg/boundary.h"

#include <cstring>

namespace bulla {
namespace {

void Copy(std::string_view from, char* to, size_t room) {
  size_t size = from.size() < room ? from.size() : room - 1;
  // Never half a UTF-8 character: a client would reject the whole message.
  while (size < from.size() && size > 0 && (from[size] & 0xC0) == 0x80) --size;
  std::memcpy(to, from.data(), size);
  to[size] = '\0';
}

void Keep(int sqlstate, std::string_view message, PendingError* pending) {
  pending->sqlstate = sqlstate;
  Copy(message, pending->message, sizeof pending->message);
}

}  // namespace

int SqlState(Code code) {
  switch (code) {
    case Code::kInvalidArgument:
      return ERRCODE_INVALID_PARAMETER_VALUE;
    case Code::kNotFound:
      return ERRCODE_UNDEFINED_OBJECT;
    case Code::kAlreadyExists:
      return ERRCODE_DUPLICATE_OBJECT;
    case Code::kPermissionDenied:
      return ERRCODE_INSUFFICIENT_PRIVILEGE;
    case Code::kFailedPrecondition:
      return ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE;
    case Code::kCorrupt:
      return ERRCODE_DATA_CORRUPTED;
    case Code::kAuthenticationFailed:
      return ERRCODE_INVALID_BINARY_REPRESENTATION;
    case Code::kCancelled:
      return ERRCODE_QUERY_CANCELED;
    case Code::kUnavailable:
      return ERRCODE_SYSTEM_ERROR;
    case Code::kInternal:
      return ERRCODE_INTERNAL_ERROR;
  }
  return ERRCODE_INTERNAL_ERROR;
}

void Keep(const Error& error, PendingError* pending) noexcept {
  Keep(SqlState(error.code), error.message, pending);
  Copy(error.hint, pending->hint, sizeof pending->hint);
}

void KeepCurrentException(PendingError* pending) noexcept {
  try {
    throw;
  } catch (const PgError& error) {
    pending->from_postgres = error.data;
  } catch (const std::bad_alloc&) {
    Keep(ERRCODE_OUT_OF_MEMORY, "out of memory", pending);
  } catch (const std::exception& error) {
    Keep(ERRCODE_INTERNAL_ERROR, error.what(), pending);
  } catch (...) {
    Keep(ERRCODE_INTERNAL_ERROR, "unknown C++ exception", pending);
  }
}

void Raise(const PendingError& pending) {
  if (pending.from_postgres != nullptr) ReThrowError(pending.from_postgres);
  ereport(ERROR, (errcode(pending.sqlstate), errmsg("%s", pending.message),
                  pending.hint[0] != '\0' ? errhint("%s", pending.hint) : 0));
  pg_unreachable();
}

}  // namespace bulla
