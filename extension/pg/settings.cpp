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
int audit_ring_size = 1'024;
int audit_decrypts = kAuditNone;
bool restore_mode = false;
char* kek_setting = nullptr;
int kek_timeout = 5'000;
int key_cache_ttl = 3'600;
char* actor = nullptr;

namespace {

constexpr config_enum_entry kAuditDecrypts[] = {
    {"off", kAuditNone, false},
    {"on", kAuditAll, false},
    {"key", kAuditByKey, false},
    {nullptr, 0, false},
};

}  // namespace

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

  // Superusers may set it for a role or a database too. Whoever is audited must not turn it off.
  DefineCustomEnumVariable(
      "bulla.audit_decrypts", "Records every use of a key that opens a value.",
      "off: of no key. on: of every key. key: of those that bulla.set_key_audit names.",
      &audit_decrypts, kAuditNone, kAuditDecrypts, PGC_SUSET, 0, nullptr, nullptr, nullptr);

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

  // Places, never keys: settings show in pg_settings.
  DefineCustomStringVariable(
      "bulla.kek", "Where the key-encryption keys are, for example file:PATH.",
      "A list separated by commas: the first wraps, each unwraps what it wrapped. "
      "docs/encryption.md lists the kinds.",
      &kek_setting, "", PGC_SIGHUP, GUC_SUPERUSER_ONLY, nullptr, nullptr, nullptr);

  // Bounded always: whoever waits for a provider may hold locks that others wait for.
  DefineCustomIntVariable("bulla.kek_timeout",
                          "Limits the time that a provider of key-encryption keys is waited for.",
                          "Counts for each operation anew, its retries included.", &kek_timeout,
                          5'000, 10, 600'000, PGC_USERSET, GUC_UNIT_MS, nullptr, nullptr, nullptr);

  // Nobody but the administrator says for how long a backend may go on without asking.
  DefineCustomIntVariable(
      "bulla.key_cache_ttl", "Time after which a backend unwraps a key again that it uses.",
      "0 keeps keys as long as the backend lives. Until then keys work though their provider is "
      "away.",
      &key_cache_ttl, 3'600, 0, INT_MAX / 1'000, PGC_SIGHUP, GUC_UNIT_S, nullptr, nullptr, nullptr);

  if (process_shared_preload_libraries_in_progress) {
    DefineCustomIntVariable(
        "bulla.head_cache_size", "Number of chains whose head is kept in shared memory.",
        "About 100 bytes each; a chain that is not there is looked for in every partition.",
        &head_cache_size, 16'384, 64, 1 << 20, PGC_POSTMASTER, 0, nullptr, nullptr, nullptr);
    DefineCustomIntVariable(
        "bulla.audit_ring_size",
        "Number of uses of keys and of refusals that can wait in shared memory to be recorded.",
        "About 500 bytes each; equal ones of a second count as one. What finds no room is counted.",
        &audit_ring_size, 1'024, 1, 1 << 16, PGC_POSTMASTER, 0, nullptr, nullptr, nullptr);
  }
  MarkGUCPrefixReserved("bulla");
}

}  // namespace bulla
