#include "kms/pkcs11_token.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <dlfcn.h>

#include "kms/secret_file.h"

namespace bulla {
namespace {

constexpr size_t kNonceSize = 12;
constexpr size_t kTagSize = 16;
constexpr size_t kMostPin = 256;
constexpr int kMaxTries = 4;

Error TokenError(Code code, const char* what, CK_RV value) {
  char text[96];
  std::snprintf(text, sizeof text, "%s failed with CKR 0x%lx", what,
                static_cast<unsigned long>(value));
  return Error{code, text};
}

// What says that the token itself is in trouble, and not what it was given.
bool IsOutage(CK_RV value) {
  return value == CKR_DEVICE_ERROR || value == CKR_DEVICE_MEMORY || value == CKR_DEVICE_REMOVED ||
         value == CKR_HOST_MEMORY || value == CKR_TOKEN_NOT_PRESENT ||
         value == CKR_SESSION_CLOSED || value == CKR_SESSION_HANDLE_INVALID ||
         value == CKR_USER_NOT_LOGGED_IN;
}

// PKCS#11 takes what it only reads by pointers that are not const.
template <class T>
CK_BYTE_PTR Pointer(const T& bytes) {
  return const_cast<CK_BYTE_PTR>(reinterpret_cast<const CK_BYTE*>(bytes.data()));
}

// Fields of the token are padded with blanks.
template <size_t size>
bool Holds(const unsigned char (&field)[size], const std::string& text) {
  std::string_view value(reinterpret_cast<const char*>(field), size);
  while (value.ends_with(' ')) value.remove_suffix(1);
  return value == text;
}

CK_GCM_PARAMS GcmParameters(Bytes nonce, Bytes associated_data) {
  CK_GCM_PARAMS parameters;
  std::memset(&parameters, 0, sizeof parameters);
  parameters.pIv = Pointer(nonce);
  parameters.ulIvLen = nonce.size();
  parameters.ulIvBits = 8 * nonce.size();
  parameters.pAAD = Pointer(associated_data);
  parameters.ulAADLen = associated_data.size();
  parameters.ulTagBits = 8 * kTagSize;
  return parameters;
}

}  // namespace

Result<Pkcs11Token> Pkcs11Token::Open(const Pkcs11Uri& uri, const std::string& data_directory) {
  void* const module = dlopen(uri.module_path.c_str(), RTLD_NOW | RTLD_LOCAL);
  const auto get_list =
      module == nullptr
          ? nullptr
          : reinterpret_cast<CK_C_GetFunctionList>(dlsym(module, "C_GetFunctionList"));
  CK_FUNCTION_LIST* functions = nullptr;
  if (get_list == nullptr || get_list(&functions) != CKR_OK || functions == nullptr)
    return Error{Code::kFailedPrecondition, "its module cannot be loaded",
                 "module-path names the library of the token's maker."};
  Pkcs11Token token(functions);
  if (const Result<void> done = token.Start(uri, data_directory); !done.ok()) return done.error();
  return token;
}

// A token that somebody else is busy with may look as if it were not there, or fail without a reason:
// SoftHSM's does while another process writes to it. Modules look for tokens when they are initialized. A PIN
// that is refused is never tried again: tokens count.
Result<void> Pkcs11Token::Start(const Pkcs11Uri& uri, const std::string& data_directory) {
  for (int next_try = 1;; ++next_try) {
    const CK_RV initialized = functions_->C_Initialize(nullptr);
    if (initialized != CKR_OK) return TokenError(Code::kUnavailable, "C_Initialize", initialized);
    const Result<void> prepared = Prepare(uri, data_directory);
    if (prepared.ok() || prepared.error().code != Code::kUnavailable || next_try == kMaxTries)
      return prepared;
    functions_->C_Finalize(nullptr);
    std::this_thread::sleep_for(std::chrono::milliseconds(50L << next_try));
  }
}

Result<void> Pkcs11Token::Prepare(const Pkcs11Uri& uri, const std::string& data_directory) {
  if (Result<void> done = OpenSession(uri); !done.ok()) return done;
  if (Result<void> done = LogIn(uri, data_directory); !done.ok()) return done;
  if (Result<void> done = FindKey(uri); !done.ok()) return done;
  return CheckKey();
}

Result<void> Pkcs11Token::OpenSession(const Pkcs11Uri& uri) {
  CK_ULONG count = 0;
  CK_RV value = functions_->C_GetSlotList(CK_TRUE, nullptr, &count);
  std::vector<CK_SLOT_ID> slots(count);
  if (value == CKR_OK && count > 0)
    value = functions_->C_GetSlotList(CK_TRUE, slots.data(), &count);
  if (value != CKR_OK) return TokenError(Code::kUnavailable, "C_GetSlotList", value);
  slots.resize(std::min<size_t>(slots.size(), count));
  std::vector<CK_SLOT_ID> found;
  for (const CK_SLOT_ID slot : slots) {
    CK_TOKEN_INFO info;
    if (functions_->C_GetTokenInfo(slot, &info) != CKR_OK || !Holds(info.label, uri.token))
      continue;
    if (uri.serial.empty() || Holds(info.serialNumber, uri.serial)) found.push_back(slot);
  }
  if (found.size() != 1)
    return Error{found.empty() ? Code::kUnavailable : Code::kFailedPrecondition,
                 found.empty() ? "no token with this label is present"
                               : "several tokens with this label are present",
                 found.empty() ? "" : "serial= says which."};
  value = functions_->C_OpenSession(found[0], CKF_SERIAL_SESSION, nullptr, nullptr, &session_);
  if (value != CKR_OK) return TokenError(Code::kUnavailable, "C_OpenSession", value);
  return {};
}

Result<void> Pkcs11Token::LogIn(const Pkcs11Uri& uri, const std::string& data_directory) const {
  const SecretFile file{"PIN file", uri.pin_file};
  const Result<SecretBytes> content = ReadSecretFile(file, data_directory, kMostPin);
  if (!content.ok()) return content.error();
  Bytes pin = content.value().RevealSecretBytes();
  if (!pin.empty() && pin.back() == std::byte{'\n'}) pin = pin.first(pin.size() - 1);
  if (pin.empty() || pin.size() >= kMostPin - 1 ||
      std::find(pin.begin(), pin.end(), std::byte{'\n'}) != pin.end())
    return SecretFileError(Code::kFailedPrecondition, file, "does not hold a PIN, one line");
  const CK_RV value = functions_->C_Login(session_, CKU_USER, Pointer(pin), pin.size());
  if (value == CKR_OK || value == CKR_USER_ALREADY_LOGGED_IN) return {};
  const bool refused = value == CKR_PIN_INCORRECT || value == CKR_PIN_LOCKED ||
                       value == CKR_PIN_LEN_RANGE || value == CKR_PIN_INVALID ||
                       value == CKR_PIN_EXPIRED;
  return TokenError(refused ? Code::kPermissionDenied : Code::kUnavailable, "C_Login", value);
}

Result<void> Pkcs11Token::FindKey(const Pkcs11Uri& uri) {
  CK_OBJECT_CLASS object_class = CKO_SECRET_KEY;
  CK_KEY_TYPE type = CKK_AES;
  std::vector<CK_ATTRIBUTE> wanted{{CKA_CLASS, &object_class, sizeof object_class},
                                   {CKA_KEY_TYPE, &type, sizeof type},
                                   {CKA_LABEL, Pointer(uri.object), uri.object.size()}};
  if (!uri.id.empty()) wanted.push_back({CKA_ID, Pointer(uri.id), uri.id.size()});
  std::array<CK_OBJECT_HANDLE, 2> found{};
  CK_ULONG count = 0;
  CK_RV value = functions_->C_FindObjectsInit(session_, wanted.data(), wanted.size());
  if (value == CKR_OK)
    value = functions_->C_FindObjects(session_, found.data(), found.size(), &count);
  if (value != CKR_OK) return TokenError(Code::kUnavailable, "C_FindObjects", value);
  functions_->C_FindObjectsFinal(session_);
  if (count != 1)
    return Error{Code::kFailedPrecondition,
                 count == 0 ? "the token has no AES key with this label"
                            : "the token has several AES keys with this label",
                 count == 0 ? "" : "id= says which."};
  key_ = found[0];
  return {};
}

// A key that could leave the token would not be what this is for.
Result<void> Pkcs11Token::CheckKey() const {
  CK_BBOOL sensitive = CK_FALSE;
  CK_BBOOL extractable = CK_TRUE;
  CK_ULONG size = 0;
  CK_ATTRIBUTE attributes[] = {{CKA_SENSITIVE, &sensitive, sizeof sensitive},
                               {CKA_EXTRACTABLE, &extractable, sizeof extractable},
                               {CKA_VALUE_LEN, &size, sizeof size}};
  const CK_RV value = functions_->C_GetAttributeValue(session_, key_, attributes, 3);
  if (value != CKR_OK) return TokenError(Code::kUnavailable, "C_GetAttributeValue", value);
  if (size != 32) return Error{Code::kFailedPrecondition, "the key has not 256 bits"};
  if (sensitive != CK_TRUE || extractable != CK_FALSE)
    return Error{Code::kFailedPrecondition, "the key can be taken out of the token",
                 "Make one that is sensitive and not extractable."};
  return {};
}

Result<SecretBytes> Pkcs11Token::Seal(Bytes associated_data, Bytes plaintext,
                                      Random& random) const {
  Result<SecretBytes> sealed = SecretBytes::Allocate(plaintext.size() + kOverhead);
  if (!sealed.ok()) return sealed;
  const MutableBytes out = sealed.value().RevealSecretBytes();
  if (const Result<void> filled = random.Fill(out.first(kNonceSize)); !filled.ok())
    return filled.error();
  CK_GCM_PARAMS parameters = GcmParameters(out.first(kNonceSize), associated_data);
  CK_MECHANISM mechanism{CKM_AES_GCM, &parameters, sizeof parameters};
  CK_RV value = functions_->C_EncryptInit(session_, &mechanism, key_);
  if (value != CKR_OK) return TokenError(Code::kUnavailable, "C_EncryptInit", value);
  CK_ULONG size = out.size() - kNonceSize;
  value = functions_->C_Encrypt(session_, Pointer(plaintext), plaintext.size(),
                                Pointer(out.subspan(kNonceSize)), &size);
  if (value != CKR_OK) return TokenError(Code::kUnavailable, "C_Encrypt", value);
  if (size != out.size() - kNonceSize)
    return Error{Code::kUnavailable, "the token answered with a wrong size"};
  return sealed;
}

Result<SecretBytes> Pkcs11Token::Open(Bytes associated_data, Bytes sealed) const {
  if (sealed.size() <= kOverhead) return Error{Code::kCorrupt, "wrapped key has a wrong size"};
  const Bytes nonce = sealed.first(kNonceSize);
  const Bytes rest = sealed.subspan(kNonceSize);
  CK_GCM_PARAMS parameters = GcmParameters(nonce, associated_data);
  CK_MECHANISM mechanism{CKM_AES_GCM, &parameters, sizeof parameters};
  CK_RV value = functions_->C_DecryptInit(session_, &mechanism, key_);
  if (value != CKR_OK) return TokenError(Code::kUnavailable, "C_DecryptInit", value);
  // As large as the ciphertext with its tag: some modules ask for that much.
  Result<SecretBytes> room = SecretBytes::Allocate(rest.size());
  if (!room.ok()) return room;
  CK_ULONG size = rest.size();
  value = functions_->C_Decrypt(session_, Pointer(rest), rest.size(),
                                Pointer(room.value().RevealSecretBytes()), &size);
  if (IsOutage(value)) return TokenError(Code::kUnavailable, "C_Decrypt", value);
  // Modules differ in what they call it: CKR_ENCRYPTED_DATA_INVALID, CKR_GENERAL_ERROR and others.
  if (value != CKR_OK || size != rest.size() - kTagSize)
    return TokenError(Code::kAuthenticationFailed, "C_Decrypt", value);
  return SecretBytes::CopyOf(std::as_const(room.value()).RevealSecretBytes().first(size));
}

}  // namespace bulla
