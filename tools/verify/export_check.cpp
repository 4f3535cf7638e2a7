#include "verify/export_check.h"

#include "core/hex.h"

namespace bulla::verify {

bool ExportCheck::Line(std::string_view line) {
  ++lines_;
  if (end_) return Refuse("something follows the end");
  if (!ledger_) return ReadHeader(line);
  switch (KindOf(line).value_or(LineKind::kLedger)) {
    case LineKind::kRow:
      return ReadRow(line);
    case LineKind::kChain:
      return ReadChainEnd(line);
    case LineKind::kEnd:
      return ReadEnd(line);
    case LineKind::kLedger:
      break;
  }
  return Refuse("this is no line of an export");
}

bool ExportCheck::ReadHeader(std::string_view line) {
  Result<LedgerLine> ledger = ReadLedgerLine(line);
  if (!ledger.ok()) return Refuse(ledger.error().message);
  ledger_ = std::move(ledger).value();
  walk_ = std::make_unique<ChainWalk>(&*ledger_, findings_);
  return true;
}

bool ExportCheck::ReadRow(std::string_view line) {
  if (const Result<void> read = ReadRowLine(line, &row_); !read.ok())
    return Refuse(read.error().message);
  if (in_chain_ && row_.chain != walk_->name())
    return Refuse("a row of another chain stands before the end of the chain");
  if (!in_chain_) {
    in_chain_ = true;
    ++chains_;
    if (!names_.emplace(row_.chain).second)
      return Refuse("the rows of a chain do not stand together");
    if (const Result<void> begun = walk_->Begin(row_, anchors_); !begun.ok())
      return Refuse(begun.error().message);
  }
  ++rows_;
  if (const Result<void> judged = walk_->Row(row_); !judged.ok())
    return Refuse(judged.error().message);
  return true;
}

bool ExportCheck::ReadChainEnd(std::string_view line) {
  const Result<ChainLine> read = ReadChainLine(line);
  if (!read.ok()) return Refuse(read.error().message);
  if (!in_chain_) return Refuse("a chain ends that has no rows");
  if (const Result<void> ended = walk_->End(read.value()); !ended.ok())
    return Refuse(ended.error().message);
  in_chain_ = false;
  erased_ += walk_->erased();
  NoteChain();
  return true;
}

void ExportCheck::NoteChain() {
  if (walk_->broken()) return;
  if (!walk_->begins_at_zero()) {
    Fall(&later_start_, walk_->first());
  } else if (walk_->anchored() == 0) {
    Fall(&unsigned_, {});
  } else if (walk_->anchored() < walk_->rows()) {
    Fall(&beyond_, walk_->anchored());
  } else if (walk_->stale()) {
    Fall(&stale_, {});
  }
}

bool ExportCheck::ReadEnd(std::string_view line) {
  Result<EndLine> read = ReadEndLine(line);
  if (!read.ok()) return Refuse(read.error().message);
  if (in_chain_) return Refuse("the last chain is not ended");
  end_ = std::move(read).value();
  if (end_->chains != chains_ || end_->rows != rows_)
    Contradict("the end tells of " + std::to_string(end_->chains) + " chains and " +
               std::to_string(end_->rows) + " rows, and there are " + std::to_string(chains_) +
               " and " + std::to_string(rows_));
  return true;
}

void ExportCheck::Finish(const std::optional<Sha256Digest>& digest) {
  if (!end_) {
    Refuse("the file ends before its end line: it was cut off");
    return;
  }
  if (!digest) {
    Refuse("SHA-256 failed");
    return;
  }
  std::string text(2 * digest->bytes.size(), '\0');
  EncodeHex(digest->bytes, text.data());
  if (end_->sha256 != text)
    Contradict(
        "the file is not the one that was exported: SHA-256 of its lines is not the one at its "
        "end");
  JudgeUnmet();
  TellWhatIsNotProven();
}

// Whether the first row of the chain had to be here, if there is one.
bool ExportCheck::IsAskedFor(const ChainId& chain) const {
  if (ledger_->from_seq > 0) return false;
  if (!ledger_->chain) return true;
  const Result<ChainId> asked = IdentifyChainByName(*ledger_, *ledger_->chain);
  return asked.ok() && asked.value() == chain;
}

// Checkpoints whose chains were not there.
void ExportCheck::JudgeUnmet() {
  for (const Anchor& anchor : anchors_->all()) {
    if (anchor.met) {
      TellEpoch(anchor);
      continue;
    }
    const std::string chain_id = "the chain with the id " + anchor.origin.chain.text;
    if (anchor.origin.ledger != ledger_->id) {
      findings_->Add({Outcome::kBadInput,
                      "wrong origin",
                      {},
                      {},
                      "the checkpoint in " + anchor.file +
                          " is of another ledger than the export: " + anchor.checkpoint.origin});
    } else if (anchor.checkpoint.size.value == 0) {
      continue;
    } else if (!IsAskedFor(anchor.origin.chain)) {
      findings_->Add({Outcome::kBadInput,
                      "wrong origin",
                      {},
                      {},
                      "the checkpoint in " + anchor.file + " is of " + chain_id +
                          ", and the export was not asked for it"});
    } else {
      const bool outlived = anchor.origin.epoch < anchors_->NewestEpoch(ledger_->id);
      findings_->Add({Outcome::kTampered,
                      outlived ? kRestored : "truncated",
                      {},
                      {},
                      "the checkpoint in " + anchor.file + " covers " +
                          std::to_string(anchor.checkpoint.size.value) + " rows of " + chain_id +
                          ", and the export has none of it" +
                          (outlived ? ". The log recorded a restore since" : "")});
    }
  }
}

void ExportCheck::TellEpoch(const Anchor& anchor) {
  if (anchor.origin.epoch.value > 0) findings_->Add(RestoredFinding(anchor.file, anchor.origin));
}

void ExportCheck::TellWhatIsNotProven() {
  if (chains_ == 0)
    findings_->Add({Outcome::kUnanchored,
                    "not anchored",
                    {},
                    {},
                    "there are no rows: that there never were any is not proven"});
  Tell(later_start_, Outcome::kUnanchored, "not anchored",
       "the rows before are not here, pruned or removed or not asked for, so that no checkpoint "
       "can be compared");
  Tell(unsigned_, Outcome::kUnanchored, "not anchored",
       "no checkpoint that you trust covers the rows: who rewrote all of them would not be seen");
  Tell(beyond_, Outcome::kUnanchored, "not anchored",
       "the rows from here on are newer than the checkpoint: that they were not rewritten is not "
       "proven");
  Tell(stale_, Outcome::kStale, "stale",
       "the checkpoint is older than you allow: newer rows could have been removed since");
  if (!ledger_->chain_by.empty() && !ledger_->chain)
    findings_->Note(
        "that no whole chain is missing is proven only for chains whose checkpoint was given");
  if (ledger_->retroactive_rows > 0)
    findings_->Note("the file says that " + std::to_string(ledger_->retroactive_rows) +
                    " rows were there before the ledger was made at " + ledger_->created_at +
                    ": they are proven from then on");
  if (erased_ > 0)
    findings_->Note(std::to_string(erased_) +
                    " values were erased: what they were is gone, and that the erasure was "
                    "recorded is not seen here");
}

void ExportCheck::Fall(Shortfall* shortfall, std::optional<uint64_t> seq) {
  if (shortfall->chains++ > 0) return;
  shortfall->first = walk_->name();
  shortfall->seq = seq;
}

void ExportCheck::Tell(const Shortfall& shortfall, Outcome outcome, const char* verdict,
                       const std::string& text) {
  if (shortfall.chains == 0) return;
  const std::string others =
      shortfall.chains == 1
          ? ""
          : " (and so for " + std::to_string(shortfall.chains - 1) + " more chains)";
  findings_->Add({outcome, verdict, shortfall.first, shortfall.seq, text + others});
}

bool ExportCheck::Refuse(std::string text) {
  findings_->Add({Outcome::kBadInput,
                  "unreadable",
                  {},
                  {},
                  "line " + std::to_string(lines_) + ": " + std::move(text)});
  return false;
}

void ExportCheck::Contradict(std::string text) {
  findings_->Add({Outcome::kTampered, "miscounted", {}, {}, std::move(text)});
}

}  // namespace bulla::verify
