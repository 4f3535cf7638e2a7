// Bulla's configuration parameters (GUCs). Each is declared, with its comment for the administrator, in
// settings.cpp and nowhere else. No secret is ever one of them: only the place where it can be found.
#pragma once

namespace bulla {

// bulla.early_lock_release: let the next transaction append to a chain while this one's commit is
// still being flushed.
extern bool early_lock_release;

// bulla.chain_lock_timeout: milliseconds an append waits for its chain; 0 waits for ever.
extern int chain_lock_timeout;

// bulla.head_cache_size: chains whose head is kept in shared memory, when preloaded.
extern int head_cache_size;

// bulla.audit_ring_size: uses of keys and refusals that can wait in shared memory, when preloaded.
extern int audit_ring_size;

// bulla.audit_decrypts: of which keys every use that opens a value is recorded.
enum AuditDecrypts { kAuditNone, kAuditAll, kAuditByKey };
extern int audit_decrypts;

// bulla.restore: accept rows that bring their own seq, prev_hash and hash, in any order, and refuse no DDL.
extern bool restore_mode;

// bulla.actor: who the application says acts, written into every event of a change; empty for nobody.
extern char* actor;

// bulla.kek: where the key-encryption keys are, a list of which the first wraps; empty for none.
extern char* kek_setting;

// bulla.kek_timeout: milliseconds that one operation of a provider of KEKs may take.
extern int kek_timeout;

// bulla.key_cache_ttl: seconds that a backend uses a key before it unwraps it again; 0 is for ever.
extern int key_cache_ttl;

void DefineSettings();

}  // namespace bulla
