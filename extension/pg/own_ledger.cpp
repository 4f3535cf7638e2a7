#include "pg/own_ledger.h"

extern "C" {
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
}

#include "pg/chain_lock.h"
#include "pg/event_row.h"
#include "pg/ledger_triggers.h"
#include "pg/make_ledger.h"
#include "pg/run_command.h"
#include "pg/user_scope.h"

namespace bulla {
namespace {

void Make(const OwnLedger& ledger) {
  // One maker at a time; the second finds the table once it has the lock.
  AcquireSetupLock();
  if (OidIsValid(OwnRelation(ledger.name))) return;
  SPI_connect();
  RunCommand(ledger.create_table);
  RunCommand(psprintf("COMMENT ON TABLE bulla.%s IS %s", quote_identifier(ledger.name),
                      quote_literal_cstr(ledger.comment)));
  MakeLedger(OwnRelation(ledger.name), {});
  if (ledger.create_index != nullptr) RunCommand(ledger.create_index);
  SPI_finish();
}

Relation OpenOwned(const OwnLedger& ledger) {
  if (!OidIsValid(OwnRelation(ledger.name))) Make(ledger);
  const Relation table = table_open(OwnRelation(ledger.name), RowExclusiveLock);
  if (table->rd_rel->relowner != ExtensionOwner()) {
    ereport(
        ERROR,
        (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
         errmsg("table bulla.%s is not owned by the owner of the extension", ledger.name),
         errhint("Give it back: ALTER TABLE bulla.%s OWNER TO …, or keep it under another name.",
                 ledger.name)));
  }
  // DROP EXTENSION leaves the table behind as an ordinary one.
  if (FindLedgerTrigger(table) == nullptr) {
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("table bulla.%s is not a ledger any more", ledger.name),
                    errhint("Keep it under another name, ALTER TABLE bulla.%s RENAME TO …; the "
                            "next row for it makes a new one.",
                            ledger.name)));
  }
  return table;
}

}  // namespace

void RequireOwnLedger(const OwnLedger& ledger) {
  const UserScope caller = BeginAs(ExtensionOwner(), SECURITY_LOCAL_USERID_CHANGE);
  table_close(OpenOwned(ledger), NoLock);
  EndAs(caller);
}

void QueueIntoOwnLedger(const OwnLedger& ledger, const char* row) {
  const UserScope caller = BeginAs(ExtensionOwner(), SECURITY_LOCAL_USERID_CHANGE);
  const Relation table = OpenOwned(ledger);
  QueueEvent(table, DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(row))));
  table_close(table, NoLock);
  EndAs(caller);
}

Oid OwnRelation(const char* name) {
  return get_relname_relid(name, get_namespace_oid("bulla", false));
}

Oid ExtensionOwner() {
  const Oid table = OwnRelation("key_versions");
  const HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
  if (!HeapTupleIsValid(tuple)) {
    ereport(ERROR,
            (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("table bulla.key_versions does not exist"),
             errhint("Run CREATE EXTENSION bulla.")));
  }
  const Oid owner = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple))->relowner;
  ReleaseSysCache(tuple);
  return owner;
}

}  // namespace bulla
