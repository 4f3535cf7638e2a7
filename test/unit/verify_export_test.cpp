// bulla-verify export: what it says of sound exports, and of every way to change one.
#include <fstream>
#include <functional>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "made_export.h"
#include "verify/commands.h"

namespace bulla::verify {
namespace {

constexpr uint8_t kLog = 1, kOtherLog = 2, kZetasLog = 3, kWitness = 11, kOtherWitness = 12;
constexpr uint64_t kNow = 1'800'000'000;

class VerifyExportTest : public testing::Test {
 protected:
  VerifyExportTest() { acme_ = export_.Add("acme", 11); }

  std::string Write(const std::string& name, const std::string& text) {
    const std::string path = testing::TempDir() + "/verify-" +
                             testing::UnitTest::GetInstance()->current_test_info()->name() + "-" +
                             name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }

  Verification VerifyText(const std::string& text) {
    arguments_.file = Write("export", text);
    return VerifyExport(arguments_, {kNow});
  }
  Verification Verify() { return VerifyText(export_.Text()); }

  // Each origin has a key of its own.
  static uint8_t LogOf(const std::string& tenant) { return tenant == "acme" ? kLog : kZetasLog; }
  // A checkpoint of a chain as it is now, by a log and a witness that are trusted from now on.
  std::string Checkpoint(const std::string& tenant, const MadeChain& rows, size_t size,
                         uint64_t time = kNow) {
    return NoteOf({OriginOf(tenant), {size}, RootOf(rows, size), {}}, LogOf(tenant),
                  {{kWitness, time}});
  }
  void Trust(const std::string& tenant) {
    arguments_.trust.keys.push_back(KeyOf(OriginOf(tenant), SignerOf(LogOf(tenant))).ToText());
    if (arguments_.trust.keys.size() == 1) arguments_.trust.keys.push_back(WitnessKeyOf(kWitness));
  }
  void Anchor(const std::string& tenant, const MadeChain& rows, size_t size) {
    arguments_.checkpoints.push_back(
        Write("checkpoint-" + tenant + std::to_string(size), Checkpoint(tenant, rows, size)));
    Trust(tenant);
  }

  // Of what outcome the first finding of this verdict is; its seq, too.
  static void ExpectFinding(const Verification& verification, Outcome outcome,
                            const std::string& verdict, std::optional<uint64_t> seq) {
    EXPECT_EQ(verification.findings.outcome(), outcome);
    for (const Finding& finding : verification.findings.kept()) {
      if (finding.verdict != verdict) continue;
      EXPECT_EQ(finding.seq, seq) << finding.text;
      return;
    }
    ADD_FAILURE() << "no finding " << verdict << " in\n"
                  << WriteText(verification.findings, verification.subject);
  }
  static void ExpectProven(const Verification& verification) {
    EXPECT_EQ(verification.findings.outcome(), Outcome::kProven)
        << WriteText(verification.findings, verification.subject);
    EXPECT_EQ(verification.findings.count(), 0U);
  }

  MadeExport export_;
  MadeChain* acme_;
  ExportArguments arguments_;
};

TEST_F(VerifyExportTest, TheExampleOfTheSpecificationIsSoundAndNotAnchored) {
  arguments_.file = std::string(TESTDATA_DIR) + "/export.jsonl";
  const Verification verification = VerifyExport(arguments_, {kNow});
  ExpectFinding(verification, Outcome::kUnanchored, "not anchored", {});
  EXPECT_EQ(verification.subject.rows, 2U);
  EXPECT_EQ(verification.subject.text,
            "2 rows in 1 chain of public.audit (0f8c5b1e-3f7a-4c2d-9e60-4b1d2a3c4e5f)");
}

TEST_F(VerifyExportTest, ACheckpointOfAllRowsProvesThem) {
  Anchor("acme", *acme_, 11);
  const Verification verification = Verify();
  ExpectProven(verification);
  ASSERT_EQ(verification.findings.proven().size(), 1U);
  EXPECT_EQ(verification.findings.proven()[0],
            "the first 11 rows of chain \"acme\" are those that " + OriginOf("acme") +
                " signed, cosigned by witness.example.com/11 at "
                "2027-01-15T08:00:00Z");
}

// Whoever changes rows makes the file fit again. The checkpoint he cannot change.
TEST_F(VerifyExportTest, EveryKindOfChangeIsFoundAndNamed) {
  Anchor("acme", *acme_, 11);
  struct Change {
    const char* what;
    std::function<void(MadeChain*)> make;
    const char* verdict;
    std::optional<uint64_t> seq;
  };
  const auto revalue = [](MadeRow* row) { row->values["note"] = "never happened"; };
  const Change changes[] = {
      {"value", [&](MadeChain* c) { revalue(&(*c)[3]); }, "altered", 3},
      {"value and record",
       [&](MadeChain* c) {
         const LeafHash hash = (*c)[3].hash;
         revalue(&(*c)[3]);
         MadeExport::Rehash(&(*c)[3]);
         (*c)[3].hash = hash;
       },
       "altered", 3},
      {"record", [](MadeChain* c) { (*c)[3].record->back() ^= std::byte{1}; }, "altered", 3},
      {"record taken away", [](MadeChain* c) { (*c)[3].record.reset(); }, "altered", 3},
      {"hash", [](MadeChain* c) { (*c)[3].hash.bytes[0] ^= std::byte{1}; }, "altered", 3},
      {"value and hash", [&](MadeChain* c) { revalue(&(*c)[3]), MadeExport::Rehash(&(*c)[3]); },
       "relinked", 4},
      {"last value and hash",
       [&](MadeChain* c) { revalue(&(*c)[10]), MadeExport::Rehash(&(*c)[10]); }, "rewritten", 10},
      {"everything from a row on",
       [&](MadeChain* c) { revalue(&(*c)[3]), MadeExport::Rechain(c, 3); }, "rewritten", 10},
      {"everything", [&](MadeChain* c) { revalue(&(*c)[0]), MadeExport::Rechain(c, 0); },
       "rewritten", 10},
      {"link", [](MadeChain* c) { (*c)[3].prev_hash.bytes[9] ^= std::byte{4}; }, "altered", 3},
      {"first link", [](MadeChain* c) { (*c)[0].prev_hash.bytes[9] ^= std::byte{4}; }, "relinked",
       0},
      {"value taken away", [](MadeChain* c) { (*c)[3].values.erase("note"); }, "altered", 3},
      {"column put in", [](MadeChain* c) { (*c)[3].values["other"] = "x"; }, "altered", 3},
      {"row taken out", [](MadeChain* c) { c->erase(c->begin() + 4); }, "missing", 4},
      {"row taken out, seq drawn up",
       [](MadeChain* c) {
         c->erase(c->begin() + 4);
         for (size_t i = 4; i < c->size(); ++i) (*c)[i].seq = static_cast<int64_t>(i);
       },
       "altered", 4},
      {"row taken out and chained anew",
       [](MadeChain* c) {
         c->erase(c->begin() + 4);
         for (size_t i = 4; i < c->size(); ++i) (*c)[i].seq = static_cast<int64_t>(i);
         MadeExport::Rechain(c, 4);
       },
       "truncated", 10},
      {"row put in twice", [](MadeChain* c) { c->insert(c->begin() + 4, (*c)[4]); }, "misplaced",
       4},
      {"rows that changed places", [](MadeChain* c) { std::swap((*c)[4], (*c)[5]); }, "missing", 4},
      {"last row taken off", [](MadeChain* c) { c->pop_back(); }, "truncated", 10},
      {"last rows taken off", [](MadeChain* c) { c->resize(2); }, "truncated", 2},
      {"row put behind",
       [](MadeChain* c) {
         c->push_back(c->back());
         c->back().seq = 11;
         c->back().values["note"] = "made up";
         c->erase(c->begin() + 5);
         for (size_t i = 5; i < c->size(); ++i) (*c)[i].seq = static_cast<int64_t>(i);
         MadeExport::Rechain(c, 5);
       },
       "rewritten", 10},
      {"row of another chain", [](MadeChain* c) { (*c)[3].values["tenant"] = "other"; }, "altered",
       3},
      {"erasable value", [](MadeChain* c) { (*c)[2].values["ip"] = "192.0.2.77"; }, "altered", 2},
      {"erasable value taken away", [](MadeChain* c) { (*c)[2].values.erase("ip"); }, "altered", 2},
      {"salt", [](MadeChain* c) { (*c)[2].openings["ip"].salt[0] ^= std::byte{1}; }, "altered", 2},
      {"salt taken away", [](MadeChain* c) { (*c)[2].openings["ip"].salt.clear(); }, "altered", 2},
      {"commitment", [](MadeChain* c) { (*c)[2].openings["ip"].commitment[0] ^= std::byte{1}; },
       "altered", 2},
      {"opening taken away", [](MadeChain* c) { (*c)[2].openings.clear(); }, "altered", 2},
      {"opening of another column",
       [](MadeChain* c) { (*c)[2].openings["note"] = (*c)[2].openings["ip"]; }, "altered", 2},
      {"committed anew", [](MadeChain* c) { MadeExport::Commit(&(*c)[2], "192.0.2.77"); },
       "altered", 2},
  };
  const MadeChain sound = *acme_;
  for (const Change& change : changes) {
    SCOPED_TRACE(change.what);
    *acme_ = sound;
    change.make(acme_);
    ExpectFinding(Verify(), Outcome::kTampered, change.verdict, change.seq);
  }
  *acme_ = sound;
  ExpectProven(Verify());
}

TEST_F(VerifyExportTest, NoBitOfAnExportCanChange) {
  acme_->resize(3);
  Anchor("acme", *acme_, 3);
  const std::string sound = export_.Text();
  ExpectProven(VerifyText(sound));
  for (size_t i = 0; i < sound.size(); ++i) {
    std::string changed = sound;
    changed[i] = static_cast<char>(changed[i] ^ 1 << i % 8);
    const Outcome outcome = VerifyText(changed).findings.outcome();
    EXPECT_TRUE(outcome == Outcome::kTampered || outcome == Outcome::kBadInput) << i;
  }
}

TEST_F(VerifyExportTest, AFileThatWasCutOffIsRefused) {
  acme_->resize(1);
  const std::string sound = export_.Text();
  for (size_t size = 0; size < sound.size(); ++size)
    ExpectFinding(VerifyText(sound.substr(0, size)), Outcome::kBadInput, "unreadable", {});
  ExpectFinding(VerifyText(sound + "\n"), Outcome::kBadInput, "unreadable", {});
  ExpectFinding(VerifyText(sound + "{"), Outcome::kBadInput, "unreadable", {});
  arguments_.file = testing::TempDir() + "/is-not-there";
  ExpectFinding(VerifyExport(arguments_, {kNow}), Outcome::kBadInput, "unreadable", {});
}

TEST_F(VerifyExportTest, CountsAndDigestHaveToFit) {
  const std::string sound = export_.Text();
  for (const auto& [what, other] :
       std::map<std::string, std::string>{{"\"chains\":1,", "\"chains\":2,"},
                                          {"\"rows\":11,\"sha256\"", "\"rows\":12,\"sha256\""},
                                          {"public.audit", "public.other"},
                                          {"\"rows\":11,\"lastSeq\"", "\"rows\":10,\"lastSeq\""},
                                          {"\"lastSeq\":10", "\"lastSeq\":9"}}) {
    SCOPED_TRACE(what);
    std::string changed = sound;
    changed.replace(changed.find(what), what.size(), other);
    EXPECT_EQ(VerifyText(changed).findings.outcome(), Outcome::kTampered);
  }
}

TEST_F(VerifyExportTest, RowsBeyondTheCheckpointAreNotProven) {
  Anchor("acme", *acme_, 8);
  ExpectFinding(Verify(), Outcome::kUnanchored, "not anchored", 8);
  acme_->resize(8);
  ExpectProven(Verify());
  // That the checkpoint's rows are there is no question of what was asked for.
  acme_->resize(5);
  export_.to = 4;
  ExpectFinding(Verify(), Outcome::kUnanchored, "not compared", 4);
  export_.to = 7;
  ExpectFinding(Verify(), Outcome::kTampered, "truncated", 5);
}

TEST_F(VerifyExportTest, WhatBeginsLaterCannotBeCompared) {
  Anchor("acme", *acme_, 11);
  acme_->erase(acme_->begin(), acme_->begin() + 3);
  ExpectFinding(Verify(), Outcome::kUnanchored, "not compared", 3);
  export_.from = 3;
  ExpectFinding(Verify(), Outcome::kUnanchored, "not anchored", 3);
  (*acme_)[2].values["note"] = "other";
  ExpectFinding(Verify(), Outcome::kTampered, "altered", 5);
  export_.from = 4;
  ExpectFinding(Verify(), Outcome::kTampered, "misplaced", 3);
}

TEST_F(VerifyExportTest, OnlyTrustedKeysAnchor) {
  arguments_.checkpoints.push_back(Write("checkpoint", Checkpoint("acme", *acme_, 11)));
  const std::string log = KeyOf(OriginOf("acme"), SignerOf(kLog)).ToText();
  const auto outcome = [&](std::vector<std::string> keys) {
    arguments_.trust.keys = std::move(keys);
    return Verify().findings.outcome();
  };
  EXPECT_EQ(outcome({}), Outcome::kUnanchored);
  EXPECT_EQ(outcome({log}), Outcome::kUnanchored);  // no witness
  EXPECT_EQ(outcome({WitnessKeyOf(kWitness)}), Outcome::kUnanchored);
  EXPECT_EQ(outcome({log, WitnessKeyOf(kOtherWitness)}), Outcome::kUnanchored);
  EXPECT_EQ(
      outcome({KeyOf(OriginOf("acme"), SignerOf(kOtherLog)).ToText(), WitnessKeyOf(kWitness)}),
      Outcome::kUnanchored);
  EXPECT_EQ(outcome({KeyOf(OriginOf("other"), SignerOf(kLog)).ToText(), WitnessKeyOf(kWitness)}),
            Outcome::kUnanchored);
  EXPECT_EQ(outcome({log, WitnessKeyOf(kOtherWitness), WitnessKeyOf(kWitness)}), Outcome::kProven);
  EXPECT_EQ(outcome({log, "no key"}), Outcome::kBadInput);
  EXPECT_EQ(outcome({log, log}), Outcome::kBadInput);
  arguments_.trust.demands.witness = false;
  EXPECT_EQ(outcome({log}), Outcome::kProven);
  EXPECT_EQ(outcome({}), Outcome::kUnanchored);
}

TEST_F(VerifyExportTest, APolicySaysHowManyWitnesses) {
  Anchor("acme", *acme_, 11);
  const std::string log = "log " + arguments_.trust.keys[0] + "\n";
  const std::string witnesses = "witness a " + WitnessKeyOf(kWitness) + "\nwitness b " +
                                WitnessKeyOf(kOtherWitness) + "\ngroup g any a b\ngroup h all g\n";
  const auto outcome = [&](const std::string& policy) {
    arguments_.trust.policy = Write("policy", policy);
    return Verify().findings.outcome();
  };
  EXPECT_EQ(outcome(log + witnesses + "quorum h\n"), Outcome::kProven);
  EXPECT_EQ(outcome(log + witnesses + "quorum b\n"), Outcome::kUnanchored);
  EXPECT_EQ(outcome(log + "quorum none\n"), Outcome::kProven);
  EXPECT_EQ(outcome(witnesses + "quorum h\n"), Outcome::kUnanchored);
  EXPECT_EQ(outcome(log), Outcome::kBadInput);
}

TEST_F(VerifyExportTest, AForgedSignatureIsAFindingEvenWhereTheRowsFit) {
  Anchor("acme", *acme_, 11);
  std::string note = Checkpoint("acme", *acme_, 11);
  const size_t in_signature = note.find(" ", note.find("\n\n") + 6) + 20;
  note[in_signature] = note[in_signature] == 'A' ? 'B' : 'A';
  arguments_.checkpoints = {Write("forged", note)};
  ExpectFinding(Verify(), Outcome::kTampered, "forged", {});
  arguments_.checkpoints = {Write("garbage", "no note\n")};
  ExpectFinding(Verify(), Outcome::kBadInput, "unreadable", {});
}

TEST_F(VerifyExportTest, ACheckpointOfSomethingElseIsRefused) {
  LedgerId other = MadeLedger();
  other.bytes[0] ^= std::byte{1};
  const ChainId id = IdentifyChain(MadeLedger(), MadeExport::KeyOfChain("acme")).value();
  const std::string origin = FormatOrigin({"ledger.example.com/bulla", other, id, Epoch{}});
  arguments_.checkpoints = {
      Write("other", NoteOf({origin, {11}, RootOf(*acme_, 11), {}}, kLog, {}))};
  ExpectFinding(Verify(), Outcome::kBadInput, "wrong origin", {});
  arguments_.checkpoints = {
      Write("log", NoteOf({"example.com/log", {11}, RootOf(*acme_, 11), {}}, kLog, {}))};
  ExpectFinding(Verify(), Outcome::kBadInput, "unreadable", {});
}

TEST_F(VerifyExportTest, AnOldCosignatureIsStale) {
  Anchor("acme", *acme_, 11);
  arguments_.trust.demands.max_age = 60;
  const auto outcome = [&](uint64_t time) {
    arguments_.checkpoints = {Write("checkpoint", Checkpoint("acme", *acme_, 11, time))};
    return Verify().findings.outcome();
  };
  EXPECT_EQ(outcome(kNow - 60), Outcome::kProven);
  EXPECT_EQ(outcome(kNow - 61), Outcome::kStale);
  EXPECT_EQ(outcome(kNow + 299), Outcome::kProven);
  EXPECT_EQ(outcome(kNow + 301), Outcome::kStale);
  // A fresh one of the same rows makes up for it.
  arguments_.checkpoints.push_back(Write("fresh", Checkpoint("acme", *acme_, 11)));
  EXPECT_EQ(Verify().findings.outcome(), Outcome::kProven);
}

TEST_F(VerifyExportTest, AnEarlierCheckpointHasToBeABeginning) {
  Anchor("acme", *acme_, 11);
  arguments_.earlier = {Write("earlier", Checkpoint("acme", *acme_, 6))};
  ExpectProven(Verify());
  // It vouches for nothing itself.
  const std::vector<std::string> newer = std::move(arguments_.checkpoints);
  arguments_.checkpoints.clear();
  ExpectFinding(Verify(), Outcome::kUnanchored, "not anchored", {});
  // A log that signs another history is told by who kept what it signed before.
  arguments_.earlier = {Write("earlier", Checkpoint("acme", *acme_, 6))};
  (*acme_)[2].values["note"] = "never happened";
  MadeExport::Rechain(acme_, 2);
  arguments_.checkpoints = {Write("new", Checkpoint("acme", *acme_, 11))};
  ExpectFinding(Verify(), Outcome::kTampered, "rewritten", 5);
}

// Rows that the newer epoch's checkpoint covers are proven, and that there was a restore is always told.
TEST_F(VerifyExportTest, ARecordedRestoreIsAlwaysTold) {
  const MadeChain before = *acme_;
  acme_->resize(7);
  const auto note = [&](uint32_t epoch, const MadeChain& rows, size_t size, bool cosigned = true) {
    const uint8_t log = epoch == 0 ? kLog : kOtherLog;
    std::vector<std::pair<uint8_t, uint64_t>> witnesses;
    if (cosigned) witnesses.emplace_back(kWitness, kNow);
    return NoteOf({OriginOf("acme", epoch), {size}, RootOf(rows, size), {}}, log, witnesses);
  };
  const auto key = [](uint32_t epoch) {
    return KeyOf(OriginOf("acme", epoch), SignerOf(epoch == 0 ? kLog : kOtherLog)).ToText();
  };
  arguments_.trust.keys = {key(0), key(1), WitnessKeyOf(kWitness)};
  arguments_.checkpoints = {Write("new", note(1, *acme_, 7))};
  const Verification proven = Verify();
  ExpectFinding(proven, Outcome::kProven, "restored", {});
  EXPECT_EQ(proven.findings.proven().size(), 1U);
  const auto json = nlohmann::json::parse(WriteJson(proven.findings, proven.subject));
  EXPECT_EQ(json["exitCode"], 0);
  EXPECT_EQ(json["findings"][0]["verdict"], "restored");
  EXPECT_EQ(json["findings"][0]["outcome"], "proven");

  // Of what was kept from before, that is here which the restore did not lose.
  arguments_.earlier = {Write("kept", note(0, before, 5))};
  ExpectFinding(Verify(), Outcome::kProven, "restored", {});
  arguments_.earlier = {Write("kept", note(0, before, 11))};
  const Verification lost = Verify();
  EXPECT_EQ(lost.findings.outcome(), Outcome::kTampered);
  EXPECT_EQ(lost.findings.kept()[0].verdict, "restored");
  EXPECT_EQ(lost.findings.kept()[0].seq, 7U);
  EXPECT_NE(lost.findings.kept()[0].text.find("the last 4 are missing"), std::string::npos);

  // Other rows were appended since.
  export_.chains.clear();
  acme_ = export_.Add("acme", 12);
  (*acme_)[8].values["note"] = "after the restore";
  MadeExport::Rechain(acme_, 8);
  arguments_.checkpoints = {Write("new", note(1, *acme_, 12))};
  const Verification other = Verify();
  EXPECT_EQ(other.findings.outcome(), Outcome::kTampered);
  EXPECT_EQ(other.findings.kept()[0].verdict, "restored");
  EXPECT_EQ(other.findings.kept()[0].seq, 10U);

  // Nobody who is trusted says that there was one: then nothing explains it.
  arguments_.checkpoints = {Write("new", note(1, *acme_, 12, false))};
  ExpectFinding(Verify(), Outcome::kTampered, "rewritten", 10);
  arguments_.trust.keys = {key(0), WitnessKeyOf(kWitness)};
  ExpectFinding(Verify(), Outcome::kTampered, "rewritten", 10);
  acme_->resize(7);
  arguments_.checkpoints = {Write("new", note(1, *acme_, 7))};
  ExpectFinding(Verify(), Outcome::kTampered, "truncated", 7);
}

TEST_F(VerifyExportTest, AChainThatARestoreLostIsTold) {
  const MadeChain zeta = *export_.Add("zeta", 3);
  arguments_.earlier = {Write("zeta", Checkpoint("zeta", zeta, 3))};
  export_.chains.pop_back();
  acme_ = &export_.chains[0].second;
  arguments_.checkpoints = {Write("new", NoteOf({OriginOf("acme", 1), {11}, RootOf(*acme_, 11), {}},
                                                kOtherLog, {{kWitness, kNow}}))};
  arguments_.trust.keys = {KeyOf(OriginOf("acme", 1), SignerOf(kOtherLog)).ToText(),
                           WitnessKeyOf(kWitness)};
  const Verification verification = Verify();
  EXPECT_EQ(verification.findings.outcome(), Outcome::kTampered);
  size_t told = 0;
  for (const Finding& finding : verification.findings.kept()) told += finding.verdict == "restored";
  EXPECT_EQ(told, 2U) << WriteText(verification.findings, verification.subject);
}

TEST_F(VerifyExportTest, EachChainIsAnchoredByItself) {
  const MadeChain zeta = *export_.Add("ze \"ta", 4);
  acme_ = &export_.chains[0].second;
  Anchor("acme", *acme_, 11);
  Verification verification = Verify();
  ExpectFinding(verification, Outcome::kUnanchored, "not anchored", {});
  EXPECT_EQ(verification.findings.kept()[0].chain, "ze \"ta");
  Anchor("ze \"ta", zeta, 4);
  ExpectProven(Verify());
  export_.chains.pop_back();  // a whole chain
  ExpectFinding(Verify(), Outcome::kTampered, "truncated", {});
  export_.chain = "acme";
  ExpectFinding(Verify(), Outcome::kBadInput, "wrong origin", {});
  arguments_.checkpoints.pop_back();
  ExpectProven(Verify());
  export_.chain = "other";
  ExpectFinding(Verify(), Outcome::kTampered, "misplaced", 0);
}

TEST_F(VerifyExportTest, AnExportWithoutRowsProvesNothing) {
  const MadeChain rows = *acme_;
  export_.chains.clear();
  ExpectFinding(Verify(), Outcome::kUnanchored, "not anchored", {});
  Anchor("acme", rows, 11);
  ExpectFinding(Verify(), Outcome::kTampered, "truncated", {});
  export_.to = 10;
  ExpectFinding(Verify(), Outcome::kTampered, "truncated", {});
  export_.chain = "acme";
  ExpectFinding(Verify(), Outcome::kTampered, "truncated", {});
  export_.chain = "other";
  ExpectFinding(Verify(), Outcome::kBadInput, "wrong origin", {});
  export_.chain.reset();
  export_.from = 3;
  ExpectFinding(Verify(), Outcome::kBadInput, "wrong origin", {});
}

TEST_F(VerifyExportTest, AChainStandsTogether) {
  export_.chains.push_back({"zeta", {}});
  export_.Add("zeta", 2);
  export_.chains.push_back(export_.chains[0]);
  ExpectFinding(Verify(), Outcome::kBadInput, "unreadable", {});
}

// A key made of names would let one chain stand under two.
TEST_F(VerifyExportTest, AChainHasOneName) {
  export_.chains[0].first = "other";
  ExpectFinding(Verify(), Outcome::kTampered, "altered", 0);
  export_.chain_by = {"note", "tenant"};
  export_.chains[0].first = "( note 0,acme)";
  ExpectFinding(Verify(), Outcome::kTampered, "altered", 0);
}

TEST_F(VerifyExportTest, ErasedValuesAreCountedAndNotAlarming) {
  (*acme_)[2].openings["ip"].salt.clear();
  (*acme_)[2].values.erase("ip");
  Anchor("acme", *acme_, 11);
  const Verification verification = Verify();
  ExpectProven(verification);
  ASSERT_FALSE(verification.findings.notes().empty());
  EXPECT_TRUE(verification.findings.notes().back().starts_with("1 values were erased"));
}

TEST_F(VerifyExportTest, ManyFindingsAreCountedAndNotAllKept) {
  acme_ = export_.Add("large", 1'500);
  for (MadeRow& row : *acme_) row.values["note"] = "x";
  const Verification verification = Verify();
  EXPECT_EQ(verification.findings.kept().size(), Findings::kMost);
  EXPECT_GE(verification.findings.count(), 1'500U);
  EXPECT_NE(WriteText(verification.findings, verification.subject).find("more findings\n"),
            std::string::npos);
}

TEST_F(VerifyExportTest, FindingsAreToldToPeopleAndPrograms) {
  export_.chains.clear();
  acme_ = export_.Add("a\x1b[31m", 3);
  (*acme_)[1].values["note"] = "x";
  const Verification verification = Verify();
  const std::string text = WriteText(verification.findings, verification.subject);
  EXPECT_EQ(text.substr(0, text.find('\n')),
            "altered: chain \"a?[31m\", seq 1: its columns do not have this hash");
  EXPECT_NE(text.find("\ntampered: 3 rows in 1 chain of public.audit ("), std::string::npos);
  const auto json = nlohmann::json::parse(WriteJson(verification.findings, verification.subject));
  EXPECT_EQ(json["outcome"], "tampered");
  EXPECT_EQ(json["exitCode"], 1);
  EXPECT_EQ(json["rows"], 3);
  EXPECT_EQ(json["findings"][0]["chain"], "a\x1b[31m");
  EXPECT_EQ(json["findings"][0]["seq"], 1);
  EXPECT_EQ(json["findings"][0]["verdict"], "altered");
}

}  // namespace
}  // namespace bulla::verify
