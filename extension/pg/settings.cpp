#include "pg/settings.h"

extern "C" {
#include "postgres.h"
#include "miscadmin.h"
#include "utils/guc.h"
}

#include <climits>

namespace bulla {

bool early_lock_release = true;
int chain_lock_timeout = 10'000;
int head_cache_size = 16'384;
bool restore_mode = false;
char* kek_setting = nullptr;
char* actor = nullptr;

void DefineSettings() {
  // On by default because it is what lets commits of one chain share a flush. Other sessions may see a
  // row a moment before it is durable; a client never hears COMMIT before its rows are.
  DefineCustomBoolVariable(
      "bulla.early_lock_release",
      "Releases a chain as soon as its commit is in the log, before the flush.",
      "Turn it off where no session may see a row that a crash could undo.", &early_lock_release,
      true, PGC_USERSET, 0, nullptr, nullptr, nullptr);

  // Bounded by default: a forgotten open transaction must not stop every writer of its chain.
  DefineCustomIntVariable("bulla.chain_lock_timeout",
                          "Limits the time an append waits for another transaction's append to the "
                          "same chain to be committed.",
                          "0 waits without limit.", &chain_lock_timeout, 10'000, 0, INT_MAX,
                          PGC_USERSET, GUC_UNIT_MS, nullptr, nullptr, nullptr);

  // A transaction that brings its own hashes links to nothing until bulla.verify() has judged it.
  DefineCustomBoolVariable(
      "bulla.restore",
      "Accepts ledger rows that bring their own hashes, and DDL that ledgers refuse.",
      "For restores over ledgers that stand already: each row must match its own hash, in any "
      "order. "
      "Run bulla.verify() afterwards.",
      &restore_mode, false, PGC_SUSET, 0, nullptr, nullptr, nullptr);

  // Anybody's to set: the application knows its users, the database does not. An event says what it was
  // told, beside the roles, which it knows.
  DefineCustomStringVariable("bulla.actor",
                             "Names who acts in the application, for events of changes.",
                             "SET LOCAL bulla.actor = '…' in each transaction.", &actor, "",
                             PGC_USERSET, 0, nullptr, nullptr, nullptr);

  // A path, never a key: settings show in pg_settings.
  DefineCustomStringVariable("bulla.kek", "Where the key-encryption key is, as file:PATH.",
                             "The file holds 32 bytes in base64, has mode 0600, and lies outside "
                             "the data directory.",
                             &kek_setting, "", PGC_SIGHUP, GUC_SUPERUSER_ONLY, nullptr, nullptr,
                             nullptr);

  if (process_shared_preload_libraries_in_progress) {
    DefineCustomIntVariable(
        "bulla.head_cache_size", "Number of chains whose head is kept in shared memory.",
        "About 100 bytes each; a chain that is not there is looked for in every partition.",
        &head_cache_size, 16'384, 64, 1 << 20, PGC_POSTMASTER, 0, nullptr, nullptr, nullptr);
  }
  MarkGUCPrefixReserved("bulla");
}

}  // namespace bulla
