// Judges the links of one chain from its rows in any order: which seq are missing or there twice, and
// where a row does not link to its predecessor. Rows are stored almost in order of seq, so what is kept
// is a short list of unbroken stretches, whatever the number of rows. The findings do not depend on the
// order: parts of a chain can be looked at by several processes and put together.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/chain_tail.h"

namespace bulla {

enum class LinkVerdict { kRelinked, kMissing, kDuplicate };

struct LinkFinding {
  LinkVerdict verdict;
  int64_t first;  // the seq at fault
  int64_t last;   // the same, or the end of a missing stretch
};

class LinkCheck {
 public:
  LinkCheck() = default;
  LinkCheck(const LinkCheck&) = delete;  // recent_ points into stretches_
  LinkCheck& operator=(const LinkCheck&) = delete;

  // A row as it stands in the table, 0 <= seq < INT64_MAX. A second row of the same seq is a finding;
  // links to and from that seq are not judged, as which of the two is meant cannot be told.
  void Add(int64_t seq, const LeafHash& prev_hash, const LeafHash& hash);

  // A row that is there, but whose hashes cannot be read: links to and from it are not judged.
  void AddDamaged(int64_t seq);

  // A row that is known by its hash alone: it stands before the rows to be judged.
  void AddPredecessor(int64_t seq, const LeafHash& hash);

  // All that another check of the same chain was given, as if it had been given to this one.
  void Merge(const LinkCheck& other);

  // The findings from `first` to `last`, in order of seq; without a last, to the last row. Row 0 links to
  // the zero hash; the predecessor of another first row is checked if it was added.
  std::vector<LinkFinding> Finish(int64_t first, std::optional<int64_t> last) const;

  int64_t rows() const { return rows_; }
  // The row with the highest seq, seq -1 where there is none; a zero hash where it cannot be read.
  ChainHead head() const;
  // The lowest seq, -1 where there is none.
  int64_t lowest() const { return stretches_.empty() ? -1 : stretches_.begin()->first; }

  // To another process of the same program and back. Read is for a new check, takes its part off
  // `bytes`, and is false for what Write does not write.
  void Write(std::string* bytes) const;
  [[nodiscard]] bool Read(std::string_view* bytes);

 private:
  // A row's end of a link; without hash where it cannot be read.
  using End = std::optional<LeafHash>;
  struct Stretch {
    End prev_hash;  // of its first row
    int64_t last;   // seq of its last row
    End hash;       // of its last row
  };
  using Stretches = std::map<int64_t, Stretch>;  // by the first seq

  void AddRow(int64_t seq, const End& prev_hash, const End& hash);
  // A stretch of rows, some of whose seq may be there already.
  void AddStretch(int64_t first, const Stretch& stretch);
  // A stretch none of whose seq is there, joined to its neighbours.
  void Insert(int64_t first, const Stretch& stretch);
  // Notes a broken link between a row's hash and the prev_hash of the row `seq` after it.
  void CheckLink(const End& hash, int64_t seq, const End& prev_hash);

  Stretches stretches_;
  Stretches::iterator recent_ =
      stretches_.end();  // where the last row went: the next goes there too
  std::vector<LinkFinding> findings_;
  int64_t rows_ = 0;
};

}  // namespace bulla
