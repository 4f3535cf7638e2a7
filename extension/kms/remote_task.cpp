#include "kms/remote_task.h"

#include <cerrno>
#include <string_view>
#include <utility>

#include <unistd.h>

#include "core/bytes.h"
#include "kms/child.h"
#include "kms/provider.h"

namespace bulla {
namespace {

// Answers that fill this are larger than any provider may give.
constexpr size_t kAnswerRoom = kMaxBatch * (kMaxSealedSize + 16) + 64 * 1024;

// The answers of one task, in ordinary memory and wiped.
class WipedBuffer {
 public:
  WipedBuffer() : bytes_(kAnswerRoom) {}
  WipedBuffer(const WipedBuffer&) = delete;
  WipedBuffer& operator=(const WipedBuffer&) = delete;
  ~WipedBuffer() { Wipe(bytes_); }
  MutableBytes room() { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

// What the child writes: whether it went well, then an error, or what is kept and the items; an item is
// again bytes or an error.
void PutError(ByteWriter& writer, const Error& error) {
  writer.PutByte(1);
  writer.PutByte(static_cast<uint8_t>(error.code));
  writer.PutSized(AsBytes(error.message));
  writer.PutSized(AsBytes(error.hint));
}

void PutAnswers(ByteWriter& writer, const Result<RemoteAnswers>& answers) {
  if (!answers.ok()) return PutError(writer, answers.error());
  writer.PutByte(0);
  writer.PutU32(answers.value().kept_seconds);
  writer.PutSized(answers.value().kept.RevealSecretBytes());
  writer.PutU32(static_cast<uint32_t>(answers.value().items.size()));
  for (const Result<SecretBytes>& item : answers.value().items) {
    if (!item.ok()) {
      PutError(writer, item.error());
      continue;
    }
    writer.PutByte(0);
    writer.PutSized(item.value().RevealSecretBytes());
  }
}

class Reader {
 public:
  explicit Reader(Bytes bytes) : left_(bytes) {}

  uint8_t Byte() {
    const Bytes byte = Take(1);
    return byte.empty() ? uint8_t{0xFF} : std::to_integer<uint8_t>(byte[0]);
  }
  uint32_t U32() {
    uint32_t value = 0;
    for (const std::byte byte : Take(4)) value = value << 8 | std::to_integer<uint32_t>(byte);
    return value;
  }
  Bytes Sized() { return Take(U32()); }
  Error ReadError() {
    const auto code = static_cast<Code>(Byte());
    std::string message(AsText(Sized()));
    return Error{code, std::move(message), std::string(AsText(Sized()))};
  }
  bool ok() const { return ok_; }

 private:
  Bytes Take(size_t size) {
    if (size > left_.size()) {
      ok_ = false;
      return {};
    }
    const Bytes taken = left_.first(size);
    left_ = left_.subspan(size);
    return taken;
  }

  Bytes left_;
  bool ok_ = true;
};

Result<SecretBytes> Secret(Bytes bytes) {
  if (bytes.empty()) return SecretBytes();
  return SecretBytes::CopyOf(bytes);
}

Result<RemoteAnswers> TakeAnswers(Reader& reader) {
  if (reader.Byte() != 0) return reader.ReadError();
  RemoteAnswers answers;
  answers.kept_seconds = reader.U32();
  Result<SecretBytes> kept = Secret(reader.Sized());
  if (!kept.ok()) return kept.error();
  answers.kept = std::move(kept).value();
  const uint32_t count = reader.U32();
  for (uint32_t i = 0; i < count && reader.ok(); ++i)
    answers.items.push_back(reader.Byte() == 0 ? Secret(reader.Sized()) : reader.ReadError());
  return answers;
}

int WriteAll(Bytes bytes) {
  while (!bytes.empty()) {
    const ssize_t put = write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return 1;
    bytes = bytes.subspan(static_cast<size_t>(put));
  }
  return 0;
}

Error By(const std::string& who, Error error) {
  if (error.code != Code::kCancelled) error.message = who + ": " + error.message;
  return error;
}

}  // namespace

Result<RemoteAnswers> RunRemotely(const RemoteTask& task, const std::string& who, Waiter& waiter) {
  WipedBuffer buffer;
  const Result<ChildEnd> end = RunChild(
      [&] {
        ByteWriter writer(buffer.room());
        PutAnswers(writer, task());
        return writer.overflowed() ? 1 : WriteAll(writer.written());
      },
      {}, buffer.room(), waiter);
  if (!end.ok()) return By(who, end.error());
  if (!end.value().errors.empty()) waiter.Note(who + ": " + end.value().errors);
  Reader reader(Bytes(buffer.room()).first(end.value().output_size));
  Result<RemoteAnswers> answers = TakeAnswers(reader);
  if (!end.value().succeeded() || !reader.ok())
    return By(who, {Code::kUnavailable, "the process that asks it " + end.value().Text()});
  if (!answers.ok()) return By(who, answers.error());
  return answers;
}

}  // namespace bulla
