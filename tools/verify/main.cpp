// The command line of bulla-verify.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <ctime>
#include <exception>
#include <functional>

#include "verify/commands.h"

namespace bulla::verify {
namespace {

constexpr const char* kFooter = R"(
Whom to believe is said by --vkey or --policy alone: keys that come with a file prove nothing. A checkpoint
counts when the log and at least one witness that are trusted have signed it.

Examples:
  bulla-verify export audit.jsonl
  bulla-verify export audit.jsonl --checkpoint checkpoint --policy policy --since last-year --max-age 86400
  psql … | bulla-verify export - --checkpoint checkpoint --vkey LOG --vkey WITNESS
  bulla-verify proof row.tlog-proof --record record --policy policy
  bulla-verify consistency last-year checkpoint proof --policy policy

Exit codes: 0 proven; 1 tampered; 2 consistent, but not anchored: nothing that is trusted vouches for all of
it; 3 stale: proven, by a cosignature older than --max-age; 4 an input cannot be read, or is of something
else; 5 wrong usage. Findings are on standard output, one sentence each.)";

struct Arguments {
  TrustArguments trust;
  bool no_witness = false;
  bool json = false;
  ExportArguments export_file;
  ProofArguments proof;
  ConsistencyArguments consistency;
};

void AddTrust(CLI::App* command, Arguments* arguments) {
  CLI::Option* const keys = command->add_option(
      "--vkey", arguments->trust.keys, "verifier key of a log or witness to trust; repeatable");
  keys->type_name("KEY")->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command
      ->add_option("--policy", arguments->trust.policy,
                   "logs, witnesses and quorum to trust (C2SP tlog-policy)")
      ->type_name("FILE")
      ->excludes(keys);
  CLI::Option* const no_witness =
      command->add_flag("--no-witness", arguments->no_witness, "the log's own signature is enough");
  command
      ->add_option("--max-age", arguments->trust.demands.max_age,
                   "how old the cosignature may be at most")
      ->type_name("SECONDS")
      ->excludes(no_witness);
  command->add_flag("--json", arguments->json, "print one JSON object instead of sentences");
}

void AddHeads(CLI::App* command, HeadsArguments* heads) {
  command
      ->add_option("--heads", heads->files,
                   "proof from bulla.heads (bulla.heads_proof), whose checkpoint vouches for the "
                   "chain; repeatable")
      ->type_name("FILE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command
      ->add_option("--heads-log", heads->log,
                   "which of the trusted logs is bulla.heads, by its origin; not needed where one "
                   "is trusted")
      ->type_name("ORIGIN");
}

void AddExport(CLI::App* app, Arguments* arguments) {
  CLI::App* const command = app->add_subcommand(
      "export", "an export (bulla.export): rows, hashes, chains, and checkpoints of them");
  ExportArguments& into = arguments->export_file;
  command->add_option("FILE", into.file, "the export; - for standard input")->required();
  command
      ->add_option("--checkpoint", into.checkpoints,
                   "signed checkpoint of a chain in it; repeatable")
      ->type_name("FILE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command
      ->add_option(
          "--since", into.earlier,
          "a checkpoint that you kept: the rows must still begin with what it covers; repeatable")
      ->type_name("FILE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  into.progress = isatty(STDERR_FILENO) == 1;
  command->add_flag("--progress,!--no-progress", into.progress,
                    "tell how far it is, on standard error; by default where that is a terminal");
  AddHeads(command, &into.heads);
  AddTrust(command, arguments);
}

void AddProof(CLI::App* app, Arguments* arguments) {
  CLI::App* const command =
      app->add_subcommand("proof", "that a record is in a log (C2SP tlog-proof)");
  command->add_option("FILE", arguments->proof.file, "the .tlog-proof")->required();
  CLI::Option_group* const leaf = command->add_option_group("what is proven");
  leaf->add_option("--record", arguments->proof.record,
                   "the record (bulla.row_record), as bytes or as psql prints it")
      ->type_name("FILE");
  leaf->add_option("--hash", arguments->proof.hash, "the row's hash, in hexadecimal")
      ->type_name("HEX");
  leaf->require_option(1);
  AddHeads(command, &arguments->proof.heads);
  AddTrust(command, arguments);
}

void AddConsistency(CLI::App* app, Arguments* arguments) {
  CLI::App* const command = app->add_subcommand(
      "consistency", "that a checkpoint's tree has grown out of an older one's");
  command->add_option("OLD", arguments->consistency.older, "the older checkpoint")->required();
  command->add_option("NEW", arguments->consistency.newer, "the newer checkpoint")->required();
  command
      ->add_option("PROOF", arguments->consistency.proof,
                   "the proof: hashes in base64, one on each line")
      ->required();
  AddTrust(command, arguments);
}

Verification Run(const CLI::App& app, Arguments arguments) {
  arguments.trust.demands.witness = !arguments.no_witness;
  const PosixTime now{static_cast<uint64_t>(std::time(nullptr))};
  if (app.got_subcommand("export")) {
    arguments.export_file.trust = arguments.trust;
    return VerifyExport(arguments.export_file, now);
  }
  if (app.got_subcommand("proof")) {
    arguments.proof.trust = arguments.trust;
    return VerifyProof(arguments.proof, now);
  }
  arguments.consistency.trust = arguments.trust;
  return VerifyConsistency(arguments.consistency, now);
}

int Main(int argc, char** argv) {
  CLI::App app("Verifies what Bulla proves, without PostgreSQL and without a network.",
               "bulla-verify");
  app.footer(kFooter);
  app.set_version_flag("--version", "bulla-verify " BULLA_VERSION);
  app.require_subcommand(1);
  Arguments arguments;
  AddExport(&app, &arguments);
  AddProof(&app, &arguments);
  AddConsistency(&app, &arguments);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : static_cast<int>(Outcome::kUsage);
  }
  const Verification verification = Run(app, arguments);
  const std::string text = arguments.json ? WriteJson(verification.findings, verification.subject)
                                          : WriteText(verification.findings, verification.subject);
  if (std::fputs(text.c_str(), stdout) < 0 || std::fflush(stdout) != 0) {
    std::fputs("bulla-verify: the output cannot be written\n", stderr);
    return static_cast<int>(Outcome::kBadInput);
  }
  return static_cast<int>(verification.findings.outcome());
}

}  // namespace
}  // namespace bulla::verify

int main(int argc, char** argv) {
  try {
    return bulla::verify::Main(argc, argv);
  } catch (const std::exception& error) {  // of memory, most likely
    std::fprintf(stderr, "bulla-verify: %s\n", error.what());
    return static_cast<int>(bulla::verify::Outcome::kBadInput);
  }
}
