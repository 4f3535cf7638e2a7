// The chains of a ledger while it is verified, each with what its links tell so far. About 400 bytes for a
// chain, and about 130 more for each place where its rows are not stored in order of seq.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "core/link_check.h"

namespace bulla {

struct ChainCheck {
  std::string name;
  LinkCheck links;
  int64_t highest_seq = -1;  // outside of what is judged too
};

class ChainChecks {
 public:
  // The chain of this key; nullptr where it is new.
  ChainCheck* Find(Bytes key);
  // A new one.
  ChainCheck* Add(Bytes key, std::string_view name);

  // To another process of the same program, in parts of about `size` bytes, and what it was given there as
  // if it had been given here. Merge is false for what is no such part.
  void WriteInParts(size_t size, const std::function<void(std::string_view part)>& send) const;
  [[nodiscard]] bool Merge(std::string_view part);

  void Clear();

  size_t size() const { return by_key_.size(); }
  auto begin() const { return by_key_.begin(); }
  auto end() const { return by_key_.end(); }

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view key) const { return std::hash<std::string_view>{}(key); }
  };
  std::unordered_map<std::string, std::unique_ptr<ChainCheck>, Hash, std::equal_to<>> by_key_;
  std::string_view
      recent_key_;  // of the chain that was asked for last: the next row's is often the same
  ChainCheck* recent_ = nullptr;
};

}  // namespace bulla
