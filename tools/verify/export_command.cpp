// bulla-verify export. Declared in verify/commands.h.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>

#include "verify/block_reader.h"
#include "verify/commands.h"
#include "verify/export_check.h"

namespace bulla::verify {
namespace {

class Descriptor {
 public:
  explicit Descriptor(const std::string& path)
      : number_(path == "-" ? STDIN_FILENO : open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~Descriptor() {
    if (number_ > STDIN_FILENO) close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }

  // In bytes; 0 for what has no size.
  uint64_t Size() const {
    struct stat status {};
    return fstat(number_, &status) == 0 && S_ISREG(status.st_mode)
               ? static_cast<uint64_t>(status.st_size)
               : 0;
  }

 private:
  int number_;
};

// A line on standard error that is written over and over, and gone at the end.
class Progress {
 public:
  Progress(bool shown, uint64_t size) : shown_(shown), size_(size) {}
  ~Progress() {
    if (said_anything_) std::fputs("\r\x1b[K", stderr);
  }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void Tell(uint64_t rows, uint64_t bytes) {
    const auto now = std::chrono::steady_clock::now();
    if (!shown_ || now - told_ < std::chrono::milliseconds(250)) return;
    told_ = now;
    said_anything_ = true;
    std::fprintf(stderr, "\rbulla-verify: %llu rows", static_cast<unsigned long long>(rows));
    if (size_ > 0)
      std::fprintf(stderr, ", %llu %%", static_cast<unsigned long long>(bytes * 100 / size_));
    std::fputs("\x1b[K", stderr);
  }

 private:
  const bool shown_;
  const uint64_t size_;
  bool said_anything_ = false;
  std::chrono::steady_clock::time_point told_ = std::chrono::steady_clock::now();
};

void Refuse(Findings* findings, std::string why) {
  findings->Add({Outcome::kBadInput, "unreadable", {}, {}, std::move(why)});
}

// False where one cannot be read: then nothing is judged at all.
bool AddAnchors(const std::vector<std::string>& files, bool earlier, const Trust& trust,
                PosixTime now, Anchors* anchors, Findings* findings) {
  for (const std::string& file : files) {
    const Result<std::string> text = ReadFile(file, kMaxNoteSize);
    if (!text.ok()) return Refuse(findings, text.error().message), false;
    Result<Anchor> anchor = ParseAnchor(text.value(), file);
    if (!anchor.ok()) return Refuse(findings, file + ": " + anchor.error().message), false;
    anchor.value().earlier = earlier;
    anchor.value().trust = JudgeNote(trust, anchor.value().note, file, now, findings);
    if (earlier) anchor.value().trust.anchored = false;
    anchors->Add(std::move(anchor).value());
  }
  return true;
}

// False where a line made an end of it.
bool CheckBlock(std::string_view block, ExportCheck* check) {
  while (!block.empty()) {
    const size_t end = block.find('\n');
    if (end == block.npos) return check->CutOff();
    if (!check->Line(block.substr(0, end))) return false;
    block.remove_prefix(end + 1);
  }
  return true;
}

void ReadAll(const Descriptor& input, const std::string& file, bool progress_shown,
             ExportCheck* check, Findings* findings) {
  Progress progress(progress_shown, input.Size());
  BlockReader reader(input.number());
  for (std::string_view block; reader.Next(&block);) {
    if (!CheckBlock(block, check)) return;
    progress.Tell(check->rows(), reader.bytes_read());
  }
  if (reader.error()) return Refuse(findings, file + ": " + *reader.error());
  check->Finish(reader.digest());
}

Subject Describe(const ExportCheck& check, const std::string& file) {
  const LedgerLine* const ledger = check.ledger();
  const auto count = [](uint64_t number, const char* what) {
    return std::to_string(number) + " " + what + (number == 1 ? "" : "s");
  };
  return {count(check.rows(), "row") + " in " + count(check.chains(), "chain") + " of " +
              (ledger != nullptr ? ledger->ledger + " (" + ledger->id_text + ")" : file),
          check.rows(), check.chains()};
}

}  // namespace

Verification VerifyExport(const ExportArguments& arguments, PosixTime now) {
  Verification verification;
  Findings* const findings = &verification.findings;
  Anchors anchors;
  ExportCheck check(&anchors, findings);
  verification.subject = Describe(check, arguments.file);
  const std::optional<Trust> trust = MakeTrust(arguments.trust, findings);
  if (!trust || !AddAnchors(arguments.checkpoints, false, *trust, now, &anchors, findings) ||
      !AddAnchors(arguments.earlier, true, *trust, now, &anchors, findings))
    return verification;
  auto heads = ReadHeads(arguments.heads, *trust, now, findings);
  if (!heads) return verification;
  for (Anchor& anchor : *heads) anchors.Add(std::move(anchor));
  const Descriptor input(arguments.file);
  if (input.number() < 0) {
    Refuse(findings, arguments.file + ": " + std::strerror(errno));
    return verification;
  }
  ReadAll(input, arguments.file, arguments.progress, &check, findings);
  verification.subject = Describe(check, arguments.file);
  return verification;
}

}  // namespace bulla::verify
