#include "pg/arguments.h"

extern "C" {
#include "access/table.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
}

#include "pg/ledger_relation.h"
#include "pg/verify_ledger.h"
#include "pg/value_bytes.h"

namespace bulla {

const char* CStringArgument(FunctionCallInfo fcinfo, int argument, const char* name) {
  RefuseNull(fcinfo, argument, name);
  return text_to_cstring(PG_GETARG_TEXT_PP(argument));
}

std::string_view BytesArgument(FunctionCallInfo fcinfo, int argument, const char* name) {
  RefuseNull(fcinfo, argument, name);
  return ValueBytes(PG_GETARG_DATUM(argument));
}

const char* ReasonArgument(FunctionCallInfo fcinfo, int argument) {
  const char* const reason = CStringArgument(fcinfo, argument, "reason");
  if (strspn(reason, " \t\r\n") == strlen(reason)) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("reason must not be empty")));
  }
  return reason;
}

Oid ReadableLedger(FunctionCallInfo fcinfo) {
  RefuseNull(fcinfo, 0, "ledger");
  const Oid ledger = PG_GETARG_OID(0);
  CheckMayRead(ledger);
  const Relation relation = table_open(ledger, AccessShareLock);
  LookAtWholeLedger(relation);
  table_close(relation, NoLock);
  return ledger;
}

int64 SeqArgument(FunctionCallInfo fcinfo, int argument, const char* name, int64 otherwise) {
  if (PG_ARGISNULL(argument)) return otherwise;
  const int64 seq = PG_GETARG_INT64(argument);
  if (seq < 0) {
    ereport(ERROR,
            (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
             errmsg("%s must not be negative, but is %lld", name, static_cast<long long>(seq))));
  }
  return seq;
}

namespace {

void RefuseNullElement(bool null, const char* argument) {
  if (!null) return;
  ereport(ERROR,
          (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not contain nulls", argument)));
}

}  // namespace

List* NameList(ArrayType* names, const char* argument) {
  Datum* values;
  bool* nulls;
  int count;
  deconstruct_array(names, NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR, &values, &nulls, &count);
  List* list = NIL;
  for (int i = 0; i < count; ++i) {
    RefuseNullElement(nulls[i], argument);
    list = lappend(list, pstrdup(NameStr(*DatumGetName(values[i]))));
  }
  return list;
}

List* TextList(ArrayType* texts, const char* argument) {
  Datum* values;
  bool* nulls;
  int count;
  deconstruct_array(texts, TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, &count);
  List* list = NIL;
  for (int i = 0; i < count; ++i) {
    RefuseNullElement(nulls[i], argument);
    list = lappend(list, TextDatumGetCString(values[i]));
  }
  return list;
}

}  // namespace bulla
