// RFC 6962, section 2.1, word for word and slow: what the tests of the tree compare with.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "core/tree.h"
#include "core/tree_proof.h"

namespace bulla::oracle {

using Hashes = std::vector<NodeHash>;

inline NodeHash Hash(std::initializer_list<Bytes> parts) {
  Sha256 hasher;
  NodeHash hash;
  hasher.Start();
  for (const Bytes part : parts) hasher.Update(part);
  EXPECT_TRUE(hasher.Finish(&hash));
  return hash;
}

inline NodeHash HashLeaf(Bytes entry) { return Hash({AsBytes(std::string_view("\0", 1)), entry}); }

// The hashes of "0", "1", "2" …
inline Hashes Leaves(size_t count) {
  Hashes leaves;
  for (size_t i = 0; i < count; ++i) leaves.push_back(HashLeaf(AsBytes(std::to_string(i))));
  return leaves;
}

using List = std::span<const NodeHash>;

inline size_t Split(size_t n) {
  size_t k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

inline NodeHash Root(List d) {
  if (d.empty()) return Hash({});
  if (d.size() == 1) return d[0];
  const size_t k = Split(d.size());
  return Hash({AsBytes("\x01"), Root(d.first(k)).bytes, Root(d.subspan(k)).bytes});
}

inline Hashes Then(Hashes list, NodeHash last) {
  list.push_back(last);
  return list;
}

inline Hashes Path(size_t m, List d) {
  if (d.size() == 1) return {};
  const size_t k = Split(d.size());
  if (m < k) return Then(Path(m, d.first(k)), Root(d.subspan(k)));
  return Then(Path(m - k, d.subspan(k)), Root(d.first(k)));
}

inline Hashes Subproof(size_t m, List d, bool b) {
  if (m == d.size()) return b ? Hashes{} : Hashes{Root(d)};
  const size_t k = Split(d.size());
  if (m <= k) return Then(Subproof(m, d.first(k), b), Root(d.subspan(k)));
  return Then(Subproof(m - k, d.subspan(k), false), Root(d.first(k)));
}

inline Hashes ConsistencyProof(size_t m, List d) { return Subproof(m, d, true); }

// The nodes of a tree, each computed when it is asked for.
class LeafReader final : public NodeReader {
 public:
  explicit LeafReader(Hashes leaves) : leaves_(std::move(leaves)) {}

  Result<void> Read(std::span<const NodeId> nodes, std::span<NodeHash> hashes) override {
    for (size_t i = 0; i < nodes.size(); ++i) {
      const size_t width = size_t{1} << nodes[i].level;
      hashes[i] = Root(List(leaves_).subspan(nodes[i].index * width, width));
    }
    read_ += nodes.size();
    return {};
  }
  size_t read() const { return read_; }

 private:
  Hashes leaves_;
  size_t read_ = 0;
};

}  // namespace bulla::oracle
