#include "witness/publisher.h"

#include <cerrno>

#include <sys/stat.h>

#include "witness/files.h"

namespace bulla::witness {

Publisher::Publisher(const Targets& targets, EvidenceStore& evidence, service::Log& log,
                     const std::function<PosixTime()>& now)
    : directory_(targets.directory) {
  // A URL can hold a secret: targets are named by their place in the configuration.
  for (const std::string& url : targets.webhooks)
    webhooks_.push_back(std::make_unique<Webhook>("webhook " + std::to_string(webhooks_.size() + 1),
                                                  url, targets.rules, log));
  for (const std::string& url : targets.peers)
    peers_.push_back(std::make_unique<Peer>("peer " + std::to_string(peers_.size() + 1), url,
                                            targets.rules, evidence, log, now));
}

void Publisher::Write(const std::string& name, const std::string& note) {
  if (directory_.empty()) return;
  const std::string place = directory_ + "/" + name;
  if (mkdir(place.c_str(), 0755) == 0)
    FlushDirectory(directory_);
  else if (errno != EEXIST)
    ThrowFileError(place, "cannot be made", errno);
  File unlocked;
  ReplaceFile(place + "/checkpoint", note, 0644, &unlocked);
}

void Publisher::Send(const std::string& name, const std::string& note) {
  for (const auto& webhook : webhooks_) webhook->Send(name, note);
}

void Publisher::Tell(const Step& step) {
  for (const auto& peer : peers_) peer->Tell(step);
}

void Publisher::Stop() {
  for (Background* one : backgrounds()) one->Stop();
}

std::vector<Background*> Publisher::backgrounds() const {
  std::vector<Background*> all;
  for (const auto& webhook : webhooks_) all.push_back(&webhook->background());
  for (const auto& peer : peers_) all.push_back(&peer->background());
  return all;
}

}  // namespace bulla::witness
