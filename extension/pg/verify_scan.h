// Reads a ledger's rows in the order in which they are stored: faster than by any index, and judging links
// does not mind. By this process alone, or with parallel workers where PostgreSQL has some to give.
#pragma once

extern "C" {
#include "postgres.h"
#include "access/relscan.h"
#include "nodes/pg_list.h"
#include "utils/rel.h"
}

#include "pg/verify_rows.h"

namespace bulla {

// Every row of these tables that the active snapshot sees.
void CheckTables(RowCheck* check, List* tables);

// The rows of an open table that are left to a scan, which it ends (verify_parallel.cpp).
void CheckScan(RowCheck* check, Relation table, TableScanDesc scan);

// CheckTables with workers, as many as max_parallel_workers_per_gather allows and the tables' size is worth
// (min_parallel_table_scan_size for each). False where there are none: then nothing was done.
bool CheckTablesInParallel(RowCheck* check, List* tables);

}  // namespace bulla
