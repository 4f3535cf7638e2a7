// Sealing and opening values under keys, for bulla.encrypt and bulla.decrypt and whatever in the extension
// seals and opens. Errors never hold a value, a context or a key.
#pragma once

extern "C" {
#include "postgres.h"
}

#include <string_view>

#include "pg/key_access.h"

namespace bulla {

// A text in UTF-8, as it is sealed and indexed, so that it means the same in a database of another encoding.
// Raises feature_not_supported in one with encoding SQL_ASCII, naming what cannot be done: "seal texts".
std::string_view ToUtf8(std::string_view text, const char* what);

// A sealed value, palloc'd: text or bytea. `use` is kEncrypt, or kNone where the current user was not the one to
// ask. Raises what PrimaryCipher raises, program_limit_exceeded for a value of about 1 GB (750 MB as text).
text* SealText(std::string_view value, std::string_view key, std::string_view context, Use use);
bytea* SealBytes(std::string_view value, std::string_view key, std::string_view context, Use use);

// The inverse. `use` is kDecrypt or kNone. Raises what OpeningKey raises; data_corrupted for what is no
// envelope, invalid_binary_representation for what does not open with this context.
text* OpenText(std::string_view sealed, std::string_view context, Use use);
bytea* OpenBytes(std::string_view sealed, std::string_view context, Use use);

// Whether it is an envelope, well-formed to the last character. Says nothing about its key or whether it opens.
bool IsSealedText(std::string_view value);
bool IsSealedBytes(std::string_view value);

// The same for who has columns of both types: as bytea where `bytes`, else as text.
varlena* SealAs(bool bytes, std::string_view value, std::string_view key, std::string_view context,
                Use use);
varlena* OpenAs(bool bytes, std::string_view sealed, std::string_view context, Use use);
bool IsSealedAs(bool bytes, std::string_view value);

// Whether an envelope opens with this context, for who does not get to see what is in it. Raises what
// OpeningKey raises, for Use::kNone.
bool OpensAs(bool bytes, std::string_view sealed, std::string_view context);

}  // namespace bulla
