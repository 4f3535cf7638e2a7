#include "kms/child.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bulla {
namespace {

Error SystemError(const char* what, int reason) {
  return Error{Code::kUnavailable,
               std::string(what) + " failed: " + std::system_category().message(reason)};
}

class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor() { Close(); }

  void Close() {
    if (number_ >= 0) close(std::exchange(number_, -1));
  }
  int number() const { return number_; }
  bool open() const { return number_ >= 0; }

 private:
  int number_;
};

struct Pipe {
  Descriptor read, write;
};

Result<Pipe> MakePipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return SystemError("making a pipe", errno);
  return Pipe{Descriptor(ends[0]), Descriptor(ends[1])};
}

void DoNotBlock(const Descriptor& descriptor) {
  fcntl(descriptor.number(), F_SETFL, fcntl(descriptor.number(), F_GETFL) | O_NONBLOCK);
}

// A child that is killed with its group and reaped, unless it was seen to end.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ <= 0) return;
    kill(-pid_, SIGKILL);
    kill(pid_, SIGKILL);  // it may not have made its group yet
    // At once, but for a process that is stuck in the kernel: that one is left behind.
    for (int tries = 0; tries < 500 && !Ended(); ++tries) usleep(2'000);
  }

  // Reaps it where it has ended.
  bool Ended() {
    if (pid_ <= 0) return true;
    int status = 0;
    const pid_t got = waitpid(pid_, &status, WNOHANG);
    if (got == 0 || (got < 0 && errno == EINTR)) return false;
    status_ = got == pid_ ? status : -1;  // -1: somebody else has reaped it
    pid_ = -1;
    return true;
  }
  int status() const { return status_; }

 private:
  pid_t pid_;
  int status_ = 0;
};

// Everything that the child does itself. Its parent is a process without threads, so it may allocate.
[[noreturn]] void BeChild(const std::function<int()>& body, const Pipe& in, const Pipe& out,
                          const Pipe& errors, pid_t parent) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(126);
  prctl(PR_SET_DUMPABLE, 0);
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  for (int number = 1; number < NSIG; ++number) signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  // Three numbers that are in nobody's way, then 0 to 2.
  const int from[] = {fcntl(in.read.number(), F_DUPFD, 10), fcntl(out.write.number(), F_DUPFD, 10),
                      fcntl(errors.write.number(), F_DUPFD, 10)};
  for (int to = 0; to < 3; ++to)
    if (dup2(from[to], to) != to) _exit(126);
#ifdef SYS_close_range
  if (syscall(SYS_close_range, 3U, ~0U, 0U) != 0)
#endif
    for (int number = 3; number < 4096; ++number) close(number);
  int status = 126;
  try {
    status = body();
  } catch (...) {  // nothing may unwind into what was the parent's
  }
  _exit(status);
}

// Forks with all signals blocked, so that no handler of the parent's runs in the child.
pid_t ForkQuietly(const std::function<int()>& body, const Pipe& in, const Pipe& out,
                  const Pipe& errors) {
  sigset_t all, before;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, &before);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) BeChild(body, in, out, errors, parent);
  const int reason = errno;
  sigprocmask(SIG_SETMASK, &before, nullptr);
  errno = reason;
  return pid;
}

bool MayTryAgain() { return errno == EAGAIN || errno == EINTR; }

// The parent's side of the three pipes.
class Exchange {
 public:
  Exchange(Descriptor in, Descriptor out, Descriptor errors, Bytes input, MutableBytes output)
      : in_(std::move(in)),
        out_(std::move(out)),
        errors_(std::move(errors)),
        input_(input),
        output_(output) {
    DoNotBlock(in_);
    DoNotBlock(out_);
    DoNotBlock(errors_);
    if (input_.empty()) in_.Close();
  }

  bool done() const { return !out_.open() && !errors_.open(); }
  size_t output_size() const { return size_; }
  std::string& kept_errors() { return kept_; }

  // Waits for the child once and does what can be done. False when the deadline has passed.
  Result<bool> Step(Waiter& waiter) {
    std::vector<pollfd> wanted;
    for (const auto& [descriptor, events] :
         {std::pair<const Descriptor*, short>{&in_, POLLOUT}, {&out_, POLLIN}, {&errors_, POLLIN}})
      if (descriptor->open()) wanted.push_back({descriptor->number(), events, 0});
    const Result<bool> ready = waiter.Wait(wanted, kUntilDeadline);
    if (!ready.ok() || !ready.value()) return ready;
    if (in_.open()) Feed();
    if (out_.open())
      if (const Result<void> read = ReadOutput(); !read.ok()) return read.error();
    if (errors_.open()) ReadErrors();
    return true;
  }

 private:
  // A child that does not want all of its input is free to: EPIPE ends it.
  void Feed() {
    const ssize_t put = write(in_.number(), input_.data(), input_.size());
    if (put < 0 && MayTryAgain()) return;
    input_ = put < 0 ? Bytes{} : input_.subspan(static_cast<size_t>(put));
    if (input_.empty()) in_.Close();
  }

  Result<void> ReadOutput() {
    std::byte more[1];
    const bool full = size_ == output_.size();
    const MutableBytes room = full ? MutableBytes(more) : output_.subspan(size_);
    const ssize_t got = read(out_.number(), room.data(), room.size());
    if (got < 0 && MayTryAgain()) return {};
    if (got < 0) return SystemError("reading from a child process", errno);
    if (got == 0) {
      out_.Close();
    } else if (full) {
      return Error{Code::kCorrupt,
                   "the answer has more than " + std::to_string(output_.size()) + " bytes"};
    } else {
      size_ += static_cast<size_t>(got);
    }
    return {};
  }

  void ReadErrors() {
    std::array<char, 512> room;
    const ssize_t got = read(errors_.number(), room.data(), room.size());
    if (got < 0 && MayTryAgain()) return;
    if (got <= 0) return errors_.Close();
    for (size_t i = 0; i < static_cast<size_t>(got) && kept_.size() < kMaxChildErrors; ++i)
      kept_.push_back(room[i] >= ' ' && room[i] <= '~' ? room[i] : ' ');
  }

  Descriptor in_, out_, errors_;
  Bytes input_;
  MutableBytes output_;
  size_t size_ = 0;
  std::string kept_;
};

Error TooLate(const Waiter& waiter) {
  return Error{Code::kUnavailable,
               "no answer within " + std::to_string(waiter.limit().count()) + " ms",
               "The setting bulla.kek_timeout is the limit."};
}

}  // namespace

std::string ChildEnd::Text() const {
  if (WIFEXITED(status)) return "ended with status " + std::to_string(WEXITSTATUS(status));
  if (WIFSIGNALED(status)) return "was killed by signal " + std::to_string(WTERMSIG(status));
  return "ended nobody knows how";
}

Result<ChildEnd> RunChild(const std::function<int()>& body, Bytes input, MutableBytes output,
                          Waiter& waiter) {
  Result<Pipe> in = MakePipe();
  if (!in.ok()) return in.error();
  Result<Pipe> out = MakePipe();
  if (!out.ok()) return out.error();
  Result<Pipe> errors = MakePipe();
  if (!errors.ok()) return errors.error();
  const pid_t pid = ForkQuietly(body, in.value(), out.value(), errors.value());
  if (pid < 0) return SystemError("starting a child process", errno);
  Child child(pid);
  setpgid(pid, pid);  // as the child does: whoever is first
  in.value().read.Close();
  out.value().write.Close();
  errors.value().write.Close();

  Exchange exchange(std::move(in.value().write), std::move(out.value().read),
                    std::move(errors.value().read), input, output);
  while (!exchange.done()) {
    const Result<bool> stepped = exchange.Step(waiter);
    if (!stepped.ok()) return stepped.error();
    if (!stepped.value()) return TooLate(waiter);
  }
  // It has closed its pipes; it ends now or soon.
  while (!child.Ended()) {
    if (waiter.left().count() == 0) return TooLate(waiter);
    const Result<bool> waited = waiter.Wait({}, std::chrono::milliseconds(2));
    if (!waited.ok()) return waited.error();
  }
  return ChildEnd{child.status(), exchange.output_size(), std::move(exchange.kept_errors())};
}

}  // namespace bulla
