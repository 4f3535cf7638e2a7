// What KEKs have in common whose holder is asked in a child process (kms/remote_task.h), a whole batch at once.
#pragma once

#include <string>
#include <string_view>

#include "kms/provider.h"
#include "kms/remote_task.h"

namespace bulla {

class RemoteProvider : public KekProvider {
 public:
  KekKind kind() const final { return id_.kind; }
  Result<KekId> Id() final { return id_; }
  bool PrefersBatches() const final { return true; }  // reaching the holder is what takes its time

  Result<std::vector<std::vector<std::byte>>> Wrap(std::span<const ToWrap> batch,
                                                   Waiter& waiter) final;
  Result<std::vector<Result<SecretBytes>>> Unwrap(std::span<const ToUnwrap> batch,
                                                  Waiter& waiter) final;

 protected:
  // Errors call it "KEK KIND:NAME".
  RemoteProvider(const KekId& id, std::string_view name);

  // Run in the child: one answer for each of the batch, in its order, and before the deadline.
  virtual Result<RemoteAnswers> WrapInChild(std::span<const ToWrap> batch,
                                            Waiter::Clock::time_point deadline) = 0;
  virtual Result<RemoteAnswers> UnwrapInChild(std::span<const ToUnwrap> batch,
                                              Waiter::Clock::time_point deadline) = 0;

  // Takes what a child left for the next one.
  virtual void Keep(SecretBytes kept, uint32_t seconds);

 private:
  Result<std::vector<Result<SecretBytes>>> Answers(const RemoteTask& task, size_t count,
                                                   Waiter& waiter);
  Error About(Error error) const;

  KekId id_;
  std::string who_;
};

}  // namespace bulla
