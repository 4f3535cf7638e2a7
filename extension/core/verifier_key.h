// Who signed a note: a key's name and id, and the public key as text ("vkey"). C2SP signed-note;
// docs/spec/checkpoint.md.
#pragma once

#include <string>
#include <string_view>

#include "core/ed25519.h"
#include "core/result.h"

namespace bulla {

// What a key signs, and how: a byte in its id and in its text. Other types exist; notes may be signed by them too.
enum class SignatureType : uint8_t {
  kNote = 0x01,         // Ed25519 over the note's text: a log
  kCosignature = 0x04,  // Ed25519 over a time and the text: a witness
};

// Part of every signature line, with the name: which key it claims to be of. Not a commitment to the key.
struct NoteKeyId {
  uint32_t value = 0;
  bool operator==(const NoteKeyId&) const = default;
};

// What may stand as a key's name: UTF-8, not empty, no Unicode space, no control character, no plus.
bool IsKeyName(std::string_view name);

// kInternal where SHA-256 fails.
Result<NoteKeyId> ComputeNoteKeyId(std::string_view name, SignatureType type,
                                   const Ed25519PublicKey& key);

// A public key that somebody trusts. Made by the two functions below, so the id is that of the rest.
class VerifierKey {
 public:
  // kInvalidArgument where the name is none.
  static Result<VerifierKey> Create(std::string_view name, SignatureType type,
                                    const Ed25519PublicKey& key);

  // <name>+<key id in hexadecimal>+<base64 of type and key>. kInvalidArgument for everything that ToText does not
  // write, and for types of keys other than those above.
  static Result<VerifierKey> Parse(std::string_view text);

  std::string ToText() const;

  const std::string& name() const { return name_; }
  NoteKeyId id() const { return id_; }
  SignatureType type() const { return type_; }
  const Ed25519PublicKey& key() const { return key_; }

 private:
  VerifierKey(std::string_view name, NoteKeyId id, SignatureType type, const Ed25519PublicKey& key)
      : name_(name), id_(id), type_(type), key_(key) {}

  std::string name_;
  NoteKeyId id_;
  SignatureType type_;
  Ed25519PublicKey key_;
};

}  // namespace bulla
