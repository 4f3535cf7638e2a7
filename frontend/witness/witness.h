// A witness at work: one thread that judges, remembers and cosigns.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/add_checkpoint.h"
#include "core/witness.h"
#include "service/log.h"
#include "witness/evidence.h"
#include "witness/publisher.h"
#include "witness/state_file.h"

namespace bulla::witness {

struct Reply {
  int status =
      503;  // of HTTP, as docs/spec/checkpoint.md has them; 503: nothing was decided, or it is not on disk
  std::string text = {};  // 200: signature lines. 409: the size. Else the reason, for a person.
};

struct AddJob {
  std::string body;
  std::function<void(const Reply&)> done;  // called once, from the witness's thread
  std::function<bool()> unwanted;          // whether nobody waits for it any more
};

// What is shown of a log.
struct LogStatus {
  std::string origin;
  Checkpoint checkpoint;
  PosixTime time;
  std::string note;  // the newest checkpoint with the log's signatures and our cosignature
};

// All decisions are made in one thread, one after the other; what it has decided is on disk, for all requests of a batch at once,
// before any of it is signed.
//
// Times never decrease. Where the clock stands behind the last time that was signed, by up to kClockSlack the last time is
// signed again; further behind nothing is, until the clock has caught up.
class Witness {
 public:
  using Clock = std::function<PosixTime()>;
  static constexpr std::uint64_t kClockSlack = 60;  // seconds
  static constexpr std::size_t kQueue = 1024;
  static constexpr std::size_t kBatch = 256;

  // All of them outlive it but the state. Cosigns what the state holds anew at once, and then every so often.
  Witness(StateFile state, EvidenceStore& evidence, Publisher& publisher, service::Log& log,
          std::chrono::milliseconds refresh_every, Clock clock);
  ~Witness();  // stops
  Witness(const Witness&) = delete;
  Witness& operator=(const Witness&) = delete;

  // False where too many wait already, or it stops; then nothing is called.
  bool Submit(AddJob job);

  // What waits is answered first.
  void Stop();

  // By NameOfOrigin; of logs that were cosigned, as far as they are on disk.
  std::shared_ptr<const LogStatus> Find(const std::string& name) const;
  std::vector<std::shared_ptr<const LogStatus>> logs() const;
  // Every origin that it trusts a log of, or did.
  const std::vector<std::string>& origins() const { return origins_; }

  bool well() const { return well_; }  // the last attempt to remember something did not fail
  std::uint64_t failures() const { return failures_; }
  std::uint64_t seconds_behind() const;  // how far the clock is behind the last time signed

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Judged;
  // What a batch changes, until it is on disk.
  using Changes = std::map<std::string, CosignedCheckpoint, std::less<>>;

  void Work();
  void Process(std::deque<AddJob> jobs);
  Judged Judge(const AddJob& job, const Changes& changes);
  Judged Decide(const AddCheckpoint& request, const Changes& changes);
  void KeepEvidence(const WitnessVerdict& verdict, const WitnessedLog& log,
                    const AddCheckpoint& request);
  bool Remember(const Changes& changes, PosixTime time);
  bool Show(const Changes& changes);
  void ForgetProved(const Changes& changes);
  void Refresh();
  void Fail(std::string_view what, const std::exception& reason);
  std::optional<PosixTime> TimeToSign() const;

  StateFile state_;  // the thread's own, after the start
  EvidenceStore& evidence_;
  Publisher& publisher_;
  service::Log& log_;
  const std::chrono::milliseconds refresh_every_;
  const Clock clock_;
  std::vector<std::string> origins_;
  Sha256 hasher_;
  std::atomic<bool> well_{true};
  std::atomic<std::uint64_t> failures_{0};
  std::atomic<std::uint64_t> last_time_{0};

  mutable std::mutex shown_mutex_;
  std::map<std::string, std::shared_ptr<const LogStatus>> shown_;  // under shown_mutex_

  std::mutex mutex_;
  std::condition_variable changed_;
  // Under mutex_:
  std::deque<AddJob> waiting_;
  bool stopping_ = false;
  std::thread thread_;  // last: it uses all the others
};

}  // namespace bulla::witness
