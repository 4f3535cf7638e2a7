// SQL functions for readers of protected columns, and for who moves values to another key version.

#include "pg/boundary.h"

extern "C" {
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/typcache.h"
}

#include "core/secret_bytes.h"
#include "pg/arguments.h"
#include "pg/cell_keys.h"
#include "pg/cell_value.h"
#include "pg/key_store.h"
#include "pg/key_tables.h"
#include "pg/sealing.h"
#include "pg/ledger_checks.h"
#include "pg/versions.h"

namespace bulla {

namespace {

struct Arguments {
  int count;
  Datum* values;
  bool* nulls;
  Oid* types;
};

// What stands behind the column's name: values one by one, or VARIADIC and an array of them.
Arguments VariadicArguments(FunctionCallInfo fcinfo, int from) {
  Arguments arguments = {};
  if (PG_NARGS() > from)
    arguments.count = extract_variadic_args(fcinfo, from, true, &arguments.values, &arguments.types,
                                            &arguments.nulls);
  if (arguments.count < 0) {
    ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("values must not be null")));
  }
  return arguments;
}

// A value of another type is read as the column would read its text.
Datum AsBoundType(const BoundColumn& bound, Datum value, Oid type) {
  if (getBaseType(type) == getBaseType(bound.type_oid)) return value;
  Oid output;
  Oid input;
  Oid parameter;
  bool varlena;
  getTypeOutputInfo(type, &output, &varlena);
  getTypeInputInfo(bound.type_oid, &input, &parameter);
  return OidInputFunctionCall(input, OidOutputFunctionCall(output, value), parameter,
                              bound.type_modifier);
}

Datum ContextOfValues(Relation relation, const char* column, const Arguments& arguments) {
  Cell* const cell = DescribeCell(relation, column);
  if (arguments.count != cell->bound_count) {
    ereport(ERROR,
            (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
             errmsg("values of column \"%s\" are bound to %d columns, %d values are given", column,
                    cell->bound_count, arguments.count),
             errhint("Give them in the order of bind_to, as bulla.protected_columns shows it.")));
  }
  const int columns = RelationGetDescr(relation)->natts;
  auto* const values = static_cast<Datum*>(palloc0(sizeof(Datum) * columns));
  auto* const nulls = static_cast<bool*>(palloc0(sizeof(bool) * columns));
  for (int i = 0; i < arguments.count; ++i) {
    const BoundColumn& bound = cell->bound[i];
    nulls[bound.attribute] = arguments.nulls[i];
    if (!arguments.nulls[i])
      values[bound.attribute] = AsBoundType(bound, arguments.values[i], arguments.types[i]);
  }
  return ContextDatum(ContextOfRow(cell, values, nulls));
}

Oid TableOfRow(HeapTupleHeader row) {
  const Oid type = HeapTupleHeaderGetTypeId(row);
  const Oid table = type == RECORDOID ? InvalidOid : get_typ_typrelid(type);
  if (!OidIsValid(table)) {
    ereport(ERROR,
            (errcode(ERRCODE_WRONG_OBJECT_TYPE), errmsg("the row is not that of a table"),
             errhint("Name the table as it stands in FROM: SELECT bulla.open(t, 'c') FROM t. Else "
                     "use bulla.decrypt(c, bulla.context('t', 'c', …)).")));
  }
  return table;
}

void RequireRow(FunctionCallInfo fcinfo) {
  const Oid type = get_fn_expr_argtype(fcinfo->flinfo, 0);
  if (type_is_rowtype(type)) return;
  ereport(ERROR,
          (errcode(ERRCODE_DATATYPE_MISMATCH),
           errmsg("the first argument has type %s, a row is needed", format_type_be(type)),
           errhint("Name the table as it stands in FROM: SELECT bulla.open(t, 'c') FROM t.")));
}

// The first argument, a row, and the protected column of it that the second names. Its table is open.
struct CellOfRow {
  Relation relation;
  Cell* cell;
  Datum* values;
  bool* nulls;

  bool null() const { return nulls[cell->attribute]; }
  Datum value() const { return values[cell->attribute]; }
};

CellOfRow CellArgument(FunctionCallInfo fcinfo) {
  const HeapTupleHeader row = PG_GETARG_HEAPTUPLEHEADER(0);
  CellOfRow taken;
  taken.relation = relation_open(TableOfRow(row), AccessShareLock);
  taken.cell = DescribeCell(taken.relation, NameArgument(fcinfo, 1, "column"));
  HeapTupleData tuple = {};
  tuple.t_len = HeapTupleHeaderGetDatumLength(row);
  tuple.t_data = row;
  const TupleDesc description = RelationGetDescr(taken.relation);
  taken.values = static_cast<Datum*>(palloc(sizeof(Datum) * description->natts));
  taken.nulls = static_cast<bool*>(palloc(sizeof(bool) * description->natts));
  heap_deform_tuple(&tuple, description, taken.values, taken.nulls);
  return taken;
}

Datum OpenOfRow(FunctionCallInfo fcinfo, bool bytes) {
  RefuseNull(fcinfo, 1, "column");
  RequireRow(fcinfo);
  if (PG_ARGISNULL(0)) PG_RETURN_NULL();
  const CellOfRow row = CellArgument(fcinfo);
  Cell* const cell = row.cell;
  if (cell->bytes != bytes) {
    ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
                    errmsg("column \"%s\" holds %s", cell->column, cell->bytes ? "bytea" : "text"),
                    errhint("%s opens it.", cell->bytes ? "bulla.open_bytea" : "bulla.open")));
  }
  const bool null = row.null();
  const Datum opened =
      null ? Datum{0} : OpenValue(cell, row.value(), ContextOfRow(cell, row.values, row.nulls));
  relation_close(row.relation, AccessShareLock);
  if (null) PG_RETURN_NULL();
  return opened;
}

enum class Opening { kDoes, kDoesNot, kUnknown };

Opening OpeningOf(const CellOfRow& row) {
  if (row.null()) return Opening::kUnknown;
  if (!IsSealed(row.cell, row.value())) return Opening::kDoesNot;
  const std::string_view sealed = ValueBytes(row.value());
  pg_uuid_t key;
  const char* const state = StateOfVersion(VersionOfSealed(sealed, row.cell->bytes), &key);
  if (state == nullptr) return Opening::kDoesNot;
  if (strcmp(state, "enabled") != 0) return Opening::kUnknown;
  const Bytes context = ContextOfRow(row.cell, row.values, row.nulls);
  return OpensAs(row.cell->bytes, sealed, AsText(context)) ? Opening::kDoes : Opening::kDoesNot;
}

// The same value under the primary version of its key; itself where that has sealed it.
Datum Reencrypt(FunctionCallInfo fcinfo, bool bytes) {
  if (PG_ARGISNULL(0)) PG_RETURN_NULL();
  RefuseNull(fcinfo, 1, "context");
  const Datum value = PG_GETARG_DATUM(0);
  const std::string_view sealed = ValueBytes(value);
  const std::string_view context = ValueBytes(PG_GETARG_DATUM(1));
  // Raises what it always raises for a value that is not sealed.
  if (!IsSealedAs(bytes, sealed))
    return PointerGetDatum(OpenAs(bytes, sealed, context, Use::kDecrypt));
  const VersionId version = VersionOfSealed(sealed, bytes);
  const char* const key = pstrdup(KeyOfVersion(version, Use::kDecrypt).name.c_str());
  if (PrimaryCipher(key, Use::kEncrypt)->version() == version) return value;
  varlena* const opened = OpenAs(bytes, sealed, context, Use::kDecrypt);
  varlena* const again =
      SealAs(bytes, ValueBytes(PointerGetDatum(opened)), key, context, Use::kEncrypt);
  Wipe({reinterpret_cast<std::byte*>(VARDATA(opened)), VARSIZE(opened) - VARHDRSZ});
  return PointerGetDatum(again);
}

Datum VersionIdOrNull(FunctionCallInfo fcinfo, bool bytes) {
  const std::string_view value = ValueBytes(PG_GETARG_DATUM(0));
  if (!IsSealedAs(bytes, value)) PG_RETURN_NULL();
  return BytesDatum(VersionOfSealed(value, bytes).bytes);
}

}  // namespace

BULLA_FUNCTION(bulla_context);
Datum bulla_context(PG_FUNCTION_ARGS) {
  RefuseNull(fcinfo, 0, "table");
  const char* const column = NameArgument(fcinfo, 1, "column");
  const Arguments arguments = VariadicArguments(fcinfo, 2);
  const Oid table = PG_GETARG_OID(0);
  CheckTableExists(table);
  const Relation relation = relation_open(table, AccessShareLock);
  const Datum context = ContextOfValues(relation, column, arguments);
  relation_close(relation, AccessShareLock);
  return context;
}

BULLA_FUNCTION(bulla_open_text);
Datum bulla_open_text(PG_FUNCTION_ARGS) { return OpenOfRow(fcinfo, false); }

BULLA_FUNCTION(bulla_open_bytea);
Datum bulla_open_bytea(PG_FUNCTION_ARGS) { return OpenOfRow(fcinfo, true); }

BULLA_FUNCTION(bulla_opens);
Datum bulla_opens(PG_FUNCTION_ARGS) {
  RefuseNull(fcinfo, 1, "column");
  RequireRow(fcinfo);
  if (PG_ARGISNULL(0)) PG_RETURN_NULL();
  const CellOfRow row = CellArgument(fcinfo);
  CheckOwnsTable(RelationGetRelid(row.relation));
  const Opening opening = OpeningOf(row);
  relation_close(row.relation, AccessShareLock);
  if (opening == Opening::kUnknown) PG_RETURN_NULL();
  PG_RETURN_BOOL(opening == Opening::kDoes);
}

BULLA_FUNCTION(bulla_reencrypt_text);
Datum bulla_reencrypt_text(PG_FUNCTION_ARGS) { return Reencrypt(fcinfo, false); }

BULLA_FUNCTION(bulla_reencrypt_bytea);
Datum bulla_reencrypt_bytea(PG_FUNCTION_ARGS) { return Reencrypt(fcinfo, true); }

BULLA_FUNCTION(bulla_sealed_version_text);
Datum bulla_sealed_version_text(PG_FUNCTION_ARGS) { return VersionIdOrNull(fcinfo, false); }

BULLA_FUNCTION(bulla_sealed_version_bytea);
Datum bulla_sealed_version_bytea(PG_FUNCTION_ARGS) { return VersionIdOrNull(fcinfo, true); }

}  // namespace bulla
