// Exports and checkpoints for tests of the verifier: made of rows that a test can change before they are written, with
// all counts and digests of the file made to fit, as somebody would who wants it to pass.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/chain_name.h"
#include "core/checkpoint.h"
#include "core/compact_range.h"
#include "core/export_lines.h"
#include "core/origin.h"
#include "signing_keys.h"

namespace bulla::verify {

inline LedgerId MadeLedger() {
  const auto bytes = FromHex("0f8c5b1e3f7a4c2d9e604b1d2a3c4e5f");
  LedgerId id;
  std::copy(bytes.begin(), bytes.end(), id.bytes.begin());
  return id;
}

struct MadeOpening {
  std::vector<std::byte> commitment;
  std::vector<std::byte> salt;  // empty: erased
};

struct MadeRow {
  int64_t seq = 0;
  LeafHash prev_hash;
  LeafHash hash;
  std::map<std::string, std::string> values;
  std::map<std::string, MadeOpening> openings;
  std::optional<std::vector<std::byte>> record;
};
using MadeChain = std::vector<MadeRow>;

class MadeExport {
 public:
  // Columns of every row: tenant names its chain, ip can be erased.
  std::vector<std::string> chain_by{"tenant"};
  std::vector<std::string> erasable{"ip"};
  std::vector<std::pair<std::string, MadeChain>> chains;
  std::optional<std::string> chain;  // that was asked for
  int64_t from = 0;
  std::optional<int64_t> to;

  // A sound chain of so many rows, every third of which has an erasable value.
  MadeChain* Add(const std::string& name, int64_t rows) {
    MadeChain made;
    for (int64_t seq = 0; seq < rows; ++seq) {
      MadeRow& row = made.emplace_back();
      row.seq = seq;
      row.values = {{"note", "note " + std::to_string(seq)}, {"tenant", name}};
      if (seq % 5 == 4) row.values["note"] = std::string(300, 'x') + "\n\"" + row.values["note"];
      if (seq % 3 == 2) Commit(&row, "192.0.2." + std::to_string(seq));
    }
    chains.emplace_back(name, std::move(made));
    Rechain(&chains.back().second, 0);
    return &chains.back().second;
  }

  static void Commit(MadeRow* row, const std::string& ip) {
    Sha256 hasher;
    Sha256Digest commitment;
    const std::vector<std::byte> salt(kSaltSize, std::byte{0x5A});
    EXPECT_TRUE(CommitToValue(salt, AsBytes("ip"), AsBytes(ip), &hasher, &commitment));
    row->values["ip"] = ip;
    row->openings["ip"] = {{commitment.bytes.begin(), commitment.bytes.end()}, salt};
  }

  // Record and hash as the row's columns have them.
  static void Rehash(MadeRow* row) {
    const auto writer = std::make_unique<RecordWriter>();
    Sha256 hasher;
    writer->Begin(MadeLedger(), KeyOfChain(row->values.at("tenant")));
    std::map<std::string, bool> names;
    for (const auto& [name, text] : row->values) names[name] = true;
    for (const auto& [name, opening] : row->openings) names[name] = true;
    for (const auto& [name, there] : names) {
      const auto opening = row->openings.find(name);
      if (opening != row->openings.end()) {
        writer->Commitment(AsBytes(name), opening->second.commitment);
      } else {
        writer->Column(AsBytes(name), AsBytes(row->values.at(name)), &hasher);
      }
    }
    writer->EndColumns();
    writer->Finish(static_cast<uint64_t>(row->seq), row->prev_hash);
    const Bytes record = writer->record();
    row->record = std::vector<std::byte>(record.begin(), record.end());
    EXPECT_TRUE(HashRecord(*writer, &hasher, &row->hash));
  }

  // Every row from this place on linked and hashed anew.
  static void Rechain(MadeChain* rows, size_t from) {
    for (size_t i = from; i < rows->size(); ++i) {
      (*rows)[i].prev_hash = i == 0 ? LeafHash{} : (*rows)[i - 1].hash;
      Rehash(&(*rows)[i]);
    }
  }

  static std::vector<std::byte> KeyOfChain(std::string_view tenant) {
    const std::vector<std::string_view> values{tenant};
    std::vector<std::byte> key(ChainKeySize(values));
    ByteWriter writer(key);
    WriteChainKey(values, &writer);
    return key;
  }

  std::string Text() const {
    ExportLines lines;
    std::string text = HeaderOf(&lines) + "\n";
    for (const auto& [name, rows] : chains) {
      if (rows.empty()) continue;
      lines.BeginChain(name);
      for (const MadeRow& row : rows) text += RowOf(&lines, row) + "\n";
      text += std::string(lines.EndChain()) + "\n";
    }
    return text + std::string(lines.End().value()) + "\n";
  }

 private:
  std::string HeaderOf(ExportLines* lines) const {
    static const std::vector<ExportColumn> columns{
        {"ip", "inet"}, {"note", "text"}, {"tenant", "text"}};
    const std::vector<std::string_view> by(chain_by.begin(), chain_by.end());
    const std::vector<std::string_view> can_be_erased(erasable.begin(), erasable.end());
    ExportHeader header{};
    header.ledger = "public.audit";
    header.ledger_id = "0f8c5b1e-3f7a-4c2d-9e60-4b1d2a3c4e5f";
    header.created_at = "2026-03-01 09:00:00+00";
    header.created_by = "alice";
    header.chain_by = by;
    header.erasable = can_be_erased;
    header.columns = columns;
    if (chain) header.chain = *chain;
    header.first = from;
    header.last = to;
    return std::string(lines->Header(header));
  }

  static std::string RowOf(ExportLines* lines, const MadeRow& row) {
    std::vector<ExportValue> values;
    std::vector<Opening> openings;
    for (const auto& [name, text] : row.values) values.push_back({name, text});
    for (const auto& [name, opening] : row.openings)
      openings.push_back({AsBytes(name), opening.commitment, opening.salt});
    ExportRow line{};
    line.seq = row.seq;
    line.prev_hash = row.prev_hash.bytes;
    line.hash = row.hash.bytes;
    line.values = values;
    line.openings = openings;
    if (row.record) line.record = *row.record;
    return std::string(lines->Row(line));
  }
};

inline std::string OriginOf(std::string_view tenant, uint32_t epoch = 0) {
  const ChainId id = IdentifyChain(MadeLedger(), MadeExport::KeyOfChain(tenant)).value();
  return FormatOrigin({"ledger.example.com/bulla", MadeLedger(), id, Epoch{epoch}});
}

inline NodeHash RootOf(const MadeChain& rows, size_t size) {
  CompactRange tree;
  Sha256 hasher;
  for (size_t i = 0; i < size; ++i) EXPECT_TRUE(tree.Append(rows[i].hash, &hasher));
  return tree.Root(&hasher).value();
}

// Signed by the log with this seed; witnesses are seeds and times.
inline std::string NoteOf(const Checkpoint& checkpoint, uint8_t log,
                          const std::vector<std::pair<uint8_t, uint64_t>>& witnesses) {
  SignedNote note;
  note.text = FormatCheckpoint(checkpoint).value();
  note.signatures.push_back(SignNote(note.text, checkpoint.origin, SignerOf(log)).value());
  for (const auto& [seed, time] : witnesses)
    note.signatures.push_back(
        Cosign(note.text, {time}, "witness.example.com/" + std::to_string(seed), SignerOf(seed))
            .value());
  return FormatNote(note);
}

inline std::string WitnessKeyOf(uint8_t seed) {
  return KeyOf("witness.example.com/" + std::to_string(seed), SignerOf(seed),
               SignatureType::kCosignature)
      .ToText();
}

}  // namespace bulla::verify
