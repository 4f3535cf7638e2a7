#include "pg/verify_scan.h"

extern "C" {
#include "access/table.h"
#include "access/tableam.h"
#include "utils/snapmgr.h"
}

namespace bulla {

void CheckScan(RowCheck* check, Relation table, TableScanDesc scan) {
  LedgerRelation* const ledger = DescribeLedger(table);
  TupleTableSlot* const row = table_slot_create(table, nullptr);
  while (table_scan_getnextslot(scan, ForwardScanDirection, row)) CheckRow(ledger, row, check);
  table_endscan(scan);
  ExecDropSingleTupleTableSlot(row);
}

void CheckTables(RowCheck* check, List* tables) {
  if (CheckTablesInParallel(check, tables)) return;
  ListCell* cell;
  foreach (cell, tables) {
    const Relation table = table_open(lfirst_oid(cell), AccessShareLock);
    CheckScan(check, table, table_beginscan(table, GetActiveSnapshot(), 0, nullptr));
    table_close(table, AccessShareLock);
  }
  EndRows(check);
}

}  // namespace bulla
