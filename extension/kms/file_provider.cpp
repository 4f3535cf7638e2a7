#include "kms/file_provider.h"

#include <string>
#include <utility>

#include "kms/key_file.h"

namespace bulla {
namespace {

class FileProvider final : public KekProvider {
 public:
  FileProvider(std::string_view path, const ProviderEnvironment& environment)
      : path_(path), environment_(environment) {}

  KekKind kind() const override { return KekKind::kFile; }
  bool PrefersBatches() const override { return false; }

  Result<KekId> Id() override {
    const Result<Kek> kek = Load();
    if (!kek.ok()) return kek.error();
    return kek.value().id();
  }

  Result<std::vector<std::vector<std::byte>>> Wrap(std::span<const ToWrap> batch,
                                                   Waiter&) override {
    const Result<Kek> kek = Load();
    if (!kek.ok()) return kek.error();
    std::vector<std::vector<std::byte>> all;
    for (const ToWrap& item : batch) {
      std::vector<std::byte>& sealed = all.emplace_back(Kek::SealedSize(item.structure->size()));
      const Result<void> done =
          kek.value().Seal(item.binding, *item.structure, *environment_.random, sealed);
      if (!done.ok()) return done.error();
    }
    return all;
  }

  Result<std::vector<Result<SecretBytes>>> Unwrap(std::span<const ToUnwrap> batch,
                                                  Waiter&) override {
    const Result<Kek> kek = Load();
    if (!kek.ok()) return kek.error();
    std::vector<Result<SecretBytes>> all;
    for (const ToUnwrap& item : batch) all.push_back(kek.value().Open(item.binding, item.sealed));
    return all;
  }

 private:
  Result<Kek> Load() const { return LoadKeyFile(path_, environment_.data_directory); }

  std::string path_;
  ProviderEnvironment environment_;
};

}  // namespace

Result<std::unique_ptr<KekProvider>> OpenFileProvider(std::string_view path,
                                                      const ProviderEnvironment& environment) {
  if (!path.starts_with('/') || path.find('\0') != std::string_view::npos)
    return Error{Code::kInvalidArgument, "path in setting bulla.kek is not absolute",
                 "Allowed: 'file:PATH' with an absolute path."};
  return std::unique_ptr<KekProvider>(std::make_unique<FileProvider>(path, environment));
}

}  // namespace bulla
