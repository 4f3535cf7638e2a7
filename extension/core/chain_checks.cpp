#include "core/chain_checks.h"

#include <algorithm>
#include <cstring>

namespace bulla {
namespace {

void WriteSized(std::string* bytes, std::string_view text) {
  const size_t size = text.size();
  bytes->append(reinterpret_cast<const char*>(&size), sizeof size).append(text);
}

bool ReadSized(std::string_view* bytes, std::string_view* text) {
  size_t size;
  if (bytes->size() < sizeof size) return false;
  std::memcpy(&size, bytes->data(), sizeof size);
  bytes->remove_prefix(sizeof size);
  if (bytes->size() < size) return false;
  *text = bytes->substr(0, size);
  bytes->remove_prefix(size);
  return true;
}

}  // namespace

ChainCheck* ChainChecks::Find(Bytes key) {
  if (recent_ != nullptr && SameBytes(AsBytes(recent_key_), key)) return recent_;
  const auto found = by_key_.find(AsText(key));
  if (found == by_key_.end()) return nullptr;
  recent_key_ = found->first;
  recent_ = found->second.get();
  return recent_;
}

ChainCheck* ChainChecks::Add(Bytes key, std::string_view name) {
  auto chain = std::make_unique<ChainCheck>();
  chain->name = name;
  return by_key_.emplace(std::string(AsText(key)), std::move(chain)).first->second.get();
}

void ChainChecks::Clear() {
  recent_ = nullptr;
  by_key_.clear();
}

void ChainChecks::WriteInParts(size_t size,
                               const std::function<void(std::string_view part)>& send) const {
  std::string part;
  for (const auto& [key, chain] : by_key_) {
    WriteSized(&part, key);
    WriteSized(&part, chain->name);
    WriteSized(&part, {reinterpret_cast<const char*>(&chain->highest_seq), sizeof(int64_t)});
    chain->links.Write(&part);
    if (part.size() < size) continue;
    send(part);
    part.clear();
  }
  if (!part.empty()) send(part);
}

bool ChainChecks::Merge(std::string_view part) {
  for (std::string_view bytes = part; !bytes.empty();) {
    std::string_view key;
    std::string_view name;
    std::string_view highest;
    LinkCheck links;
    if (!ReadSized(&bytes, &key) || !ReadSized(&bytes, &name) || !ReadSized(&bytes, &highest) ||
        highest.size() != sizeof(int64_t) || !links.Read(&bytes)) {
      return false;
    }
    ChainCheck* chain = Find(AsBytes(key));
    if (chain == nullptr) chain = Add(AsBytes(key), name);
    int64_t highest_seq;
    std::memcpy(&highest_seq, highest.data(), sizeof highest_seq);
    chain->highest_seq = std::max(chain->highest_seq, highest_seq);
    chain->links.Merge(links);
  }
  return true;
}

}  // namespace bulla
