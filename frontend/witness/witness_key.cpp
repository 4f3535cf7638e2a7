#include "witness/witness_key.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base64.h"
#include "kms/system_random.h"

namespace bulla::witness {
namespace {

// The text that golang.org/x/mod/sumdb/note has for private keys: PRIVATE+KEY+name+id+base64(type | seed).
constexpr std::string_view kMagic = "PRIVATE+KEY+";
constexpr std::size_t kMaterialSize = 1 + kEd25519SeedSize;
constexpr std::size_t kMaterialTextSize = Base64Size(kMaterialSize);
constexpr std::size_t kMostSize = 4096;

template <class T>
T Must(Result<T> result) {
  if (!result.ok()) throw std::runtime_error(result.error().message);
  return std::move(result).value();
}

SecretBytes RandomSeed() {
  SecretBytes seed = Must(SecretBytes::Allocate(kEd25519SeedSize));
  const Result<void> filled = SystemRandom::Instance().FillSecret(seed.RevealSecretBytes());
  if (!filled.ok()) throw std::runtime_error(filled.error().message);
  return seed;
}

// Name and id, as the text of the verifier key has them, with the plus behind them.
std::string NameAndId(const VerifierKey& key) {
  const std::string text = key.ToText();
  return text.substr(0, text.find('+', key.name().size() + 1) + 1);
}

void CheckOwner(const File& file, const std::string& path) {
  struct stat status {};
  if (fstat(file.descriptor(), &status) != 0) ThrowFileError(path, "cannot be read", errno);
  if (!S_ISREG(status.st_mode)) throw FileError(path + " is not a regular file");
  if (status.st_uid != geteuid())
    throw FileError("the key file " + path + " belongs to user id " +
                    std::to_string(status.st_uid) + " and not to " + std::to_string(geteuid()) +
                    ", who runs the witness");
  if ((status.st_mode & 077) != 0) {
    char mode[8];
    std::snprintf(mode, sizeof mode, "%04o", static_cast<unsigned>(status.st_mode & 07777));
    throw FileError("the key file " + path + " has mode " + mode +
                    "; allowed: 0600 or stricter, no right for group or others");
  }
}

SecretBytes ReadSecret(const File& file, const std::string& path) {
  SecretBytes content = Must(SecretBytes::Allocate(kMostSize));
  const MutableBytes room = content.RevealSecretBytes();
  std::size_t size = 0;
  while (size < room.size()) {
    const ssize_t got = read(file.descriptor(), room.data() + size, room.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) ThrowFileError(path, "cannot be read", errno);
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size == 0) throw FileError("the key file " + path + " is empty");
  return Must(SecretBytes::CopyOf(room.first(size)));
}

File OpenFile(const std::string& path) {
  File file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!file.open()) ThrowFileError("the key file " + path, "cannot be opened", errno);
  CheckOwner(file, path);
  return file;
}

WitnessKey Parse(File file, const std::string& path) {
  const SecretBytes content = ReadSecret(file, path);
  const FileError refusal("the key file " + path +
                          " does not hold the key of a witness as bullad witness init writes it");
  std::string_view text = AsText(content.RevealSecretBytes());
  if (!text.starts_with(kMagic) || !text.ends_with('\n')) throw refusal;
  text = text.substr(kMagic.size(), text.size() - kMagic.size() - 1);
  if (text.size() <= kMaterialTextSize) throw refusal;
  const std::string_view head = text.substr(0, text.size() - kMaterialTextSize);
  SecretBytes material = Must(SecretBytes::Allocate(kMaterialSize));
  if (!DecodeBase64(text.substr(head.size()), material.RevealSecretBytes())) throw refusal;
  const Bytes bytes = material.RevealSecretBytes();
  if (bytes[0] != std::byte{static_cast<std::uint8_t>(SignatureType::kCosignature)}) throw refusal;
  Ed25519Signer signer = Must(Ed25519Signer::Create(Must(SecretBytes::CopyOf(bytes.subspan(1)))));
  Result<VerifierKey> verifier = VerifierKey::Create(
      head.substr(0, head.find('+')), SignatureType::kCosignature, signer.public_key());
  if (!verifier.ok() || NameAndId(verifier.value()) != head) throw refusal;
  return {std::move(verifier).value(), std::move(signer), std::move(file)};
}

}  // namespace

NewKey::NewKey(const std::string& name) : NewKey(name, RandomSeed()) {}

NewKey::NewKey(const std::string& name, SecretBytes seed)
    : seed_(std::move(seed)),
      signer_(Must(Ed25519Signer::Create(seed_))),
      verifier_(
          Must(VerifierKey::Create(name, SignatureType::kCosignature, signer_.public_key()))) {}

void NewKey::Write(const std::string& path) const {
  const std::string head = std::string(kMagic) + NameAndId(verifier_);
  SecretBytes material = Must(SecretBytes::Allocate(kMaterialSize));
  const MutableBytes bytes = material.RevealSecretBytes();
  bytes[0] = std::byte{static_cast<std::uint8_t>(SignatureType::kCosignature)};
  const Bytes seed = seed_.RevealSecretBytes();
  std::copy(seed.begin(), seed.end(), bytes.begin() + 1);
  SecretBytes text = Must(SecretBytes::Allocate(head.size() + kMaterialTextSize + 1));
  char* const at = reinterpret_cast<char*>(text.RevealSecretBytes().data());
  std::copy(head.begin(), head.end(), at);
  EncodeBase64(bytes, {at + head.size(), kMaterialTextSize});
  at[head.size() + kMaterialTextSize] = '\n';
  CreateFile(path, AsText(text.RevealSecretBytes()), 0600);
}

WitnessKey OpenKey(const std::string& path) {
  File file = OpenFile(path);
  if (!Lock(file))
    throw FileError("another witness runs with the key file " + path + ", and a key has one");
  return Parse(std::move(file), path);
}

VerifierKey ReadVerifierKey(const std::string& path) {
  return Parse(OpenFile(path), path).verifier;
}

}  // namespace bulla::witness
