#include "pg/column_holders.h"

extern "C" {
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
}

#include "pg/event_log.h"
#include "pg/user_scope.h"
#include "pg/whole_row.h"

namespace bulla {
namespace {

// The column in the table and its partitions, as a common table expression: $1 is the table, $2 the name.
#define COLUMNS                                                                            \
  "WITH RECURSIVE columns(relid, attnum) AS (SELECT a.attrelid, a.attnum FROM "            \
  "pg_catalog.pg_attribute AS a WHERE a.attname OPERATOR(pg_catalog.=) $2 AND a.attrelid " \
  "OPERATOR(pg_catalog.=) ANY (SELECT $1 UNION SELECT p.relid::pg_catalog.oid FROM "       \
  "pg_catalog.pg_partition_tree($1) AS p)) "

// Everything is compared with functions of pg_catalog: its callers pin search_path.
constexpr char kHolders[] = COLUMNS
    ", views(relid) AS ("
    " SELECT reader FROM unnest($3) AS reader"
    " UNION"
    " SELECT r.ev_class FROM pg_rewrite AS r JOIN pg_depend AS d ON d.classid = "
    "'pg_rewrite'::regclass AND d.objid = r.oid JOIN columns AS c ON d.refclassid = "
    "'pg_class'::regclass AND d.refobjid = c.relid AND d.refobjsubid IN (0, c.attnum)"
    " UNION"
    " SELECT r.ev_class FROM pg_rewrite AS r JOIN pg_depend AS d ON d.classid = "
    "'pg_rewrite'::regclass AND d.objid = r.oid JOIN views AS v ON d.refclassid = "
    "'pg_class'::regclass AND d.refobjid = v.relid) "
    "SELECT 'index', i.indexrelid::regclass::text FROM pg_index AS i JOIN columns AS c ON c.relid "
    "= "
    "i.indrelid WHERE c.attnum = ANY (i.indkey) OR i.indexrelid = ANY ($3) OR EXISTS (SELECT FROM "
    "pg_depend AS d WHERE "
    "d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid AND d.refclassid = "
    "'pg_class'::regclass AND d.refobjid = c.relid AND d.refobjsubid = c.attnum) "
    "UNION ALL "
    "SELECT 'materialized view', v.relid::regclass::text FROM views AS v JOIN pg_class AS m ON "
    "m.oid = v.relid WHERE m.relkind = 'm' AND m.relispopulated "
    "UNION ALL "
    "SELECT 'generated column', g.attname::text FROM pg_attribute AS g JOIN columns AS c ON "
    "c.relid "
    "= g.attrelid WHERE g.attgenerated <> '' AND EXISTS (SELECT FROM pg_depend AS d LEFT JOIN "
    "pg_attrdef AS e ON d.classid = 'pg_attrdef'::regclass AND e.oid = d.objid WHERE d.refclassid "
    "= 'pg_class'::regclass AND d.refobjid = c.relid AND d.refobjsubid = c.attnum AND ((e.adrelid "
    "= g.attrelid AND e.adnum = g.attnum) OR (d.classid = 'pg_class'::regclass AND d.objid = "
    "g.attrelid AND d.objsubid = g.attnum))) "
    "ORDER BY 1, 2";

constexpr char kDropStatistics[] = COLUMNS
    ", extended AS (DELETE FROM pg_statistic_ext_data AS s USING pg_statistic_ext AS e, columns AS "
    "c "
    "WHERE s.stxoid = e.oid AND e.stxrelid = c.relid AND (c.attnum = ANY (e.stxkeys) OR EXISTS "
    "(SELECT FROM pg_depend AS d WHERE d.classid = 'pg_statistic_ext'::regclass AND d.objid = "
    "e.oid "
    "AND d.refobjid = c.relid AND d.refobjsubid = c.attnum))) "
    "DELETE FROM pg_statistic AS s USING columns AS c WHERE s.starelid = c.relid AND s.staattnum = "
    "c.attnum";

Datum OidArray(List* oids) {
  auto* const elements = static_cast<Datum*>(palloc(sizeof(Datum) * (list_length(oids) + 1)));
  for (int i = 0; i < list_length(oids); ++i) elements[i] = ObjectIdGetDatum(list_nth_oid(oids, i));
  return PointerGetDatum(
      construct_array(elements, list_length(oids), OIDOID, sizeof(Oid), true, TYPALIGN_INT));
}

// `readers` is $3, where the statement has that.
int Execute(const char* statement, Oid table, const char* column, bool read_only,
            List* readers = NIL) {
  Oid types[] = {OIDOID, NAMEOID, OIDARRAYOID};
  NameData name;
  namestrcpy(&name, column);
  Datum values[] = {ObjectIdGetDatum(table), NameGetDatum(&name), OidArray(readers)};
  const int done = SPI_execute_with_args(statement, 3, types, values, nullptr, read_only, 0);
  if (done < 0) elog(ERROR, "SPI failed on: %s", statement);
  return static_cast<int>(SPI_processed);
}

}  // namespace

void RefuseHolders(Oid table, const char* column) {
  List* const readers = WholeRowReaders(find_all_inheritors(table, AccessShareLock, nullptr));
  if (Execute(kHolders, table, column, true, readers) == 0) return;
  const HeapTuple first = SPI_tuptable->vals[0];
  ereport(ERROR,
          (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
           errmsg("%s %s holds values of column \"%s\" of \"%s\" in the clear",
                  SPI_getvalue(first, SPI_tuptable->tupdesc, 1),
                  SPI_getvalue(first, SPI_tuptable->tupdesc, 2), column, get_rel_name(table)),
           errdetail("%d such objects would keep the plaintext, or be useless over sealed values.",
                     static_cast<int>(SPI_processed)),
           errhint("Drop them first. To search for equal values, keep a bulla.blind_index of the "
                   "plaintext in a column of its own, and index that.")));
}

void DropColumnStatistics(Oid table, const char* column) {
  const UserScope caller = BeginAs(ExtensionOwner(), SECURITY_LOCAL_USERID_CHANGE);
  Execute(kDropStatistics, table, column, false);
  EndAs(caller);
}

}  // namespace bulla
