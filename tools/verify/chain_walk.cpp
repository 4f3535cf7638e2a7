#include "verify/chain_walk.h"

#include <algorithm>

#include "core/base64.h"
#include "core/chain_name.h"
#include "core/hex.h"
#include "verify/report.h"

namespace bulla::verify {
namespace {

const Error kHashFailed{Code::kInternal, "SHA-256 failed"};

constexpr char kLostInARestore[] =
    ". The log recorded a restore since, which loses rows; somebody who takes rows away can say "
    "so, too";

std::string HexOf(const LeafHash& hash) {
  std::string text(2 * hash.bytes.size(), '\0');
  EncodeHex(hash.bytes, text.data());
  return text;
}

bool IsHexOf(std::string_view text, const LeafHash& hash) {
  std::array<char, 64> digits{};
  EncodeHex(hash.bytes, digits.data());
  return text == std::string_view(digits.data(), digits.size());
}

std::string SeqRange(uint64_t first, uint64_t last) {
  return first == last
             ? "the row with seq " + std::to_string(first)
             : "the rows with seq " + std::to_string(first) + " to " + std::to_string(last);
}

}  // namespace

Result<ChainId> IdentifyChainByName(const LedgerLine& ledger, std::string_view name,
                                    std::vector<std::string>* values) {
  std::vector<std::string> parsed;
  const Result<std::vector<std::string>> fields = ParseChainName(name, ledger.chain_by.size());
  if (fields.ok()) parsed = fields.value();
  const std::vector<std::string_view> views(parsed.begin(), parsed.end());
  if (!fields.ok() || FormatChainName(views) != name)
    return Error{Code::kInvalidArgument,
                 "the chain's name is not one that the columns in chainBy can make"};
  std::vector<std::byte> key(ChainKeySize(views));
  ByteWriter writer(key);
  WriteChainKey(views, &writer);
  if (values != nullptr) *values = std::move(parsed);
  return IdentifyChain(ledger.id, key);
}

Result<void> ChainWalk::Begin(const RowLine& first, Anchors* anchors) {
  name_ = first.chain;
  first_ = next_ = first.seq;
  rows_ = erased_ = anchored_ = 0;
  stale_ = false;
  whole_ = first_ == 0;
  link_known_ = true;
  tree_ = CompactRange();
  anchors_.clear();
  next_anchor_ = 0;
  chain_values_.clear();
  last_hash_ = {};
  last_hash_text_ = first_ == 0 ? HexOf(last_hash_) : std::string(first.prev_hash);
  if (first_ != 0 && !DecodeHex(first.prev_hash, last_hash_.bytes)) last_hash_ = {};
  // The name says which chain this is, and every row has to agree with it.
  const Result<ChainId> id = IdentifyChainByName(*ledger_, name_, &chain_values_);
  if (!id.ok() && id.error().code == Code::kInternal) return id.error();
  if (!id.ok()) {
    Find("altered", first_, id.error().message);
    return {};
  }
  anchors_ = anchors->Of(ledger_->id, id.value());
  newest_epoch_ = anchors->NewestEpoch(ledger_->id);
  for (Anchor* const anchor : anchors_) anchor->met = true;
  return MeetAnchors();
}

Result<void> ChainWalk::Row(const RowLine& row) {
  ++rows_;
  CheckPlace(row);
  const bool in_place = row.seq == next_;
  LeafHash prev_hash;
  const bool readable = row.prev_hash == last_hash_text_
                            ? (prev_hash = last_hash_, true)
                            : DecodeHex(row.prev_hash, prev_hash.bytes);
  LeafHash hash;
  if (!readable) {
    Find("altered", row.seq, "its prevHash is no hash");
  } else if (Result<void> checked = CheckRecord(row, prev_hash, &hash); !checked.ok()) {
    return checked;
  }
  if (row.seq < next_) return {};
  if (!in_place) whole_ = false;
  next_ = row.seq + 1;
  // Whether the row is what its hash says was judged; links and tree are about the hashes as they stand here.
  link_known_ = IsHexOf(row.hash, hash) || DecodeHex(row.hash, hash.bytes);
  whole_ = whole_ && link_known_;
  last_hash_text_ = row.hash;
  last_hash_ = hash;
  return Grow(row.seq, hash);
}

void ChainWalk::CheckPlace(const RowLine& row) {
  if (row.seq > next_) {
    Find("missing", next_,
         SeqRange(next_, row.seq - 1) + " should stand here, and seq " + std::to_string(row.seq) +
             " follows");
  } else if (row.seq < next_) {
    Find("misplaced", row.seq,
         "the row stands behind seq " + std::to_string(next_ - 1) +
             ": it is there twice, or changed places");
  } else if (link_known_ && row.prev_hash != last_hash_text_) {
    Find("relinked", row.seq,
         row.seq == 0 ? "the first row of a chain is linked to one before it"
                      : "its prevHash is not the hash of the row before");
  }
  if (row.seq < ledger_->from_seq || (ledger_->to_seq && row.seq > *ledger_->to_seq))
    Find("misplaced", row.seq, "the row is not in the range that the export says it is of");
  CheckChainOf(row);
}

void ChainWalk::CheckChainOf(const RowLine& row) {
  if (ledger_->chain && *ledger_->chain != row.chain)
    Find("misplaced", row.seq, "the row is not of the chain that the export says it is of");
}

// What the columns make must be what is said to have been hashed, and what has this hash.
Result<void> ChainWalk::CheckRecord(const RowLine& row, const LeafHash& prev_hash, LeafHash* hash) {
  const Result<void> derived = deriver_.Derive(row, prev_hash, &hasher_);
  if (!derived.ok()) {
    if (derived.error().code == Code::kInternal) return derived;
    Find("altered", row.seq, derived.error().message);
    return {};
  }
  for (const RowLine::Opening& opening : row.openings) erased_ += opening.salt ? 0 : 1;
  if (!HashRecord(deriver_.record(), &hasher_, hash)) return kHashFailed;
  const auto& values = deriver_.chain_values();
  if (!std::equal(values.begin(), values.end(), chain_values_.begin(), chain_values_.end()))
    Find("altered", row.seq, "its columns say that it is of another chain");
  if (!IsHexOf(row.hash, *hash)) {
    Find("altered", row.seq, "its columns do not have this hash");
    return {};
  }
  const Bytes record = deriver_.record().record();
  base64_.resize(Base64Size(record.size()));
  EncodeBase64(record, base64_);
  if (!row.record || *row.record != base64_)
    Find("altered", row.seq, "its record is not the one that its columns make");
  return {};
}

// Nobody needs the tree beyond the largest checkpoint.
Result<void> ChainWalk::Grow(uint64_t seq, const LeafHash& leaf) {
  if (!whole_ || next_anchor_ == anchors_.size()) return {};
  if (seq != tree_.size().value || !tree_.Append(leaf, &hasher_)) return kHashFailed;
  return MeetAnchors();
}

Result<void> ChainWalk::MeetAnchors() {
  for (; whole_ && next_anchor_ < anchors_.size() &&
         anchors_[next_anchor_]->checkpoint.size == tree_.size();
       ++next_anchor_) {
    const Result<NodeHash> root = tree_.Root(&hasher_);
    if (!root.ok()) return root.error();
    anchors_[next_anchor_]->root = root.value();
  }
  return {};
}

Result<void> ChainWalk::End(const ChainLine& line) {
  if (line.chain != name_ || line.rows != rows_ || line.last_seq + 1 != next_ ||
      line.last_hash != last_hash_text_)
    Find("miscounted", next_ - 1, "the end of the chain is not that of its rows");
  for (const Anchor* const anchor : anchors_) JudgeAnchor(*anchor);
  return {};
}

void ChainWalk::JudgeAnchor(const Anchor& anchor) {
  const uint64_t size = anchor.checkpoint.size.value;
  if (anchor.root) {
    JudgeRoot(anchor);
  } else if (ledger_->to_seq && *ledger_->to_seq + 1 < size) {
    findings_->Add({Outcome::kUnanchored, "not compared", name_, next_ - 1,
                    "the checkpoint in " + anchor.file + " covers " + std::to_string(size) +
                        " rows, and the export was asked for only up to seq " +
                        std::to_string(*ledger_->to_seq)});
  } else if (size > next_) {
    const std::string missing = "the checkpoint in " + anchor.file + " covers " +
                                std::to_string(size) + " rows, and the chain ends with seq " +
                                std::to_string(next_ - 1) + ": the last " +
                                std::to_string(size - next_) + " are missing";
    if (Outlived(anchor)) {
      Find(kRestored, next_, missing + kLostInARestore);
    } else {
      Find("truncated", next_, missing + ", unless the export is the older of the two");
    }
  } else if (first_ != 0) {
    findings_->Add(
        {Outcome::kUnanchored, "not compared", name_, first_,
         "the checkpoint in " + anchor.file +
             " cannot be compared: it covers the rows from seq 0 on, and these begin later"});
  }
}

void ChainWalk::JudgeRoot(const Anchor& anchor) {
  const uint64_t size = anchor.checkpoint.size.value;
  if (*anchor.root != anchor.checkpoint.root) {
    const std::string other = "the first " + std::to_string(size) +
                              " rows are not those of the checkpoint in " + anchor.file;
    Find(Outlived(anchor) ? kRestored : "rewritten", size == 0 ? 0 : size - 1,
         Outlived(anchor) ? other + kLostInARestore : other);
  } else if (anchor.trust.anchored) {
    stale_ = anchor.trust.stale && (stale_ || size > anchored_);
    anchored_ = size;  // they come by size
    findings_->Prove("the first " + std::to_string(size) + " rows of chain \"" + name_ +
                     "\" are those that " +
                     (anchor.signer.empty() ? anchor.checkpoint.origin + " signed"
                                            : anchor.signer + " tells of") +
                     ToldBy(anchor.trust));
  } else if (anchor.earlier) {
    findings_->Prove("the first " + std::to_string(size) + " rows of chain \"" + name_ +
                     "\" are those of the earlier checkpoint in " + anchor.file);
  } else {
    findings_->Add(
        {Outcome::kUnanchored,
         "not anchored",
         name_,
         {},
         "the checkpoint in " + anchor.file + " fits, and proves nothing: " + anchor.trust.why});
  }
}

void ChainWalk::Find(const char* verdict, uint64_t seq, std::string text) {
  findings_->Add({Outcome::kTampered, verdict, name_, seq, std::move(text)});
}

}  // namespace bulla::verify
