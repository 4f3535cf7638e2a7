#include "pg/heads_ledger.h"

#include "pg/event_log.h"
#include "pg/key_tables.h"
#include "pg/ledger_triggers.h"
#include "pg/own_ledger.h"
#include "pg/uuid_ids.h"

namespace bulla {
namespace {

// No chain by its name, which may be somebody's: these rows are published.
constexpr OwnLedger kHeads = {
    "heads",
    "CREATE TABLE bulla.heads ("
    " sealed_at timestamp with time zone NOT NULL DEFAULT pg_catalog.clock_timestamp(),"
    " ledger_id uuid NOT NULL,"
    " chain_id text NOT NULL,"
    " epoch integer NOT NULL,"
    " size bigint NOT NULL,"
    " root bytea NOT NULL)",
    "Every tree of this database, each time it grew: one more ledger, whose checkpoint covers all "
    "others.",
    "CREATE INDEX heads_of_tree ON bulla.heads (ledger_id, (chain_id COLLATE pg_catalog.\"C\"), "
    "epoch, size)"};

}  // namespace

void RecordHead(const TreeRow& tree) {
  QueueIntoOwnLedger(kHeads, EventDetail()
                                 .Text("ledger_id", IdText(tree.ledger))
                                 .Text("chain_id", tree.chain_id)
                                 .Number("epoch", tree.epoch)
                                 .Number("size", static_cast<int64>(tree.size.value))
                                 .Text("root", psprintf("\\x%s", HexText(tree.root.bytes)))
                                 .Json());
}

Oid HeadsLedger() { return OwnRelation(kHeads.name); }

LogChain HeadsChain() {
  RequireOwnLedger(kHeads);
  return NameLogChain(OwnRelation(kHeads.name), "");
}

}  // namespace bulla
