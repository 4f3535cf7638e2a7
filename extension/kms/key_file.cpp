#include "kms/key_file.h"

#include <string_view>
#include <utility>

#include "core/base64.h"
#include "kms/secret_file.h"

namespace bulla {
namespace {

constexpr size_t kEncodedSize = 44;  // 32 bytes in base64

}  // namespace

Result<Kek> LoadKeyFile(const std::string& path, const std::string& data_directory) {
  const SecretFile file{"KEK file", path};
  // One byte more than the longest valid content shows that there is more.
  const Result<SecretBytes> content = ReadSecretFile(file, data_directory, kEncodedSize + 2);
  if (!content.ok()) return content.error();
  std::string_view text = AsText(content.value().RevealSecretBytes());
  if (text.ends_with('\n')) text.remove_suffix(1);
  Result<SecretBytes> key = SecretBytes::Allocate(Kek::kKeySize);
  if (!key.ok()) return key.error();
  if (!DecodeBase64(text, key.value().RevealSecretBytes()))
    return SecretFileError(Code::kFailedPrecondition, file, "does not hold a KEK",
                           "Allowed: 32 bytes in base64 with padding, as `openssl rand -base64 32` "
                           "prints them.");
  return Kek::Create(KekKind::kFile, std::move(key).value());
}

}  // namespace bulla
