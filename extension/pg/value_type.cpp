#include "pg/value_type.h"

extern "C" {
#include "access/tupdesc.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"
}

namespace bulla {
namespace {

constexpr size_t kUnbounded = SIZE_MAX;
constexpr size_t kDateTimeBound = 40;

bool IsPinnedScalar(Oid type) {
  switch (type) {
    case FLOAT4OID:
    case FLOAT8OID:
    case INTERVALOID:
    case TIMEOID:
    case TIMETZOID:
    case POINTOID:
    case LSEGOID:
    case PATHOID:
    case BOXOID:
    case POLYGONOID:
    case LINEOID:
    case CIRCLEOID:
    case INT4RANGEOID:
    case INT8RANGEOID:
    case NUMRANGEOID:
    case DATERANGEOID:
    case TSRANGEOID:
    case TSTZRANGEOID:
    case INT4MULTIRANGEOID:
    case INT8MULTIRANGEOID:
    case NUMMULTIRANGEOID:
    case DATEMULTIRANGEOID:
    case TSMULTIRANGEOID:
    case TSTZMULTIRANGEOID:
      return true;
    default:
      return false;
  }
}

// True for a built-in scalar that may stand in a record. An allow-list, as nothing in the catalogue
// tells whether a text is stable (pg_proc.provolatile does not).
bool DescribeScalar(Oid type, Printer* printer, size_t* bound) {
  *bound = kUnbounded;
  switch (type) {
    case TEXTOID:
    case VARCHAROID:
    case BPCHAROID:
    case JSONOID:
      *printer = Printer::kText;
      return true;
    case BOOLOID:
      *printer = Printer::kBool;
      *bound = 1;
      return true;
    case INT2OID:
      *printer = Printer::kInt2;
      *bound = 6;
      return true;
    case INT4OID:
      *printer = Printer::kInt4;
      *bound = 11;
      return true;
    case INT8OID:
      *printer = Printer::kInt8;
      *bound = 20;
      return true;
    case UUIDOID:
      *printer = Printer::kUuid;
      *bound = 36;
      return true;
    case BYTEAOID:
      *printer = Printer::kBytea;
      return true;
    case DATEOID:
      *printer = Printer::kDate;
      *bound = kDateTimeBound;
      return true;
    case TIMESTAMPOID:
      *printer = Printer::kTimestamp;
      *bound = kDateTimeBound;
      return true;
    case TIMESTAMPTZOID:
      *printer = Printer::kTimestamptz;
      *bound = kDateTimeBound;
      return true;
    case OIDOID:
      *bound = 10;
      [[fallthrough]];
    case NAMEOID:
    case NUMERICOID:
    case JSONBOID:
    case JSONPATHOID:
    case XMLOID:
    case INETOID:
    case CIDROID:
    case MACADDROID:
    case MACADDR8OID:
    case BITOID:
    case VARBITOID:
    case TSVECTOROID:
    case TSQUERYOID:
    case PG_LSNOID:
    case XIDOID:
    case XID8OID:
    case TIDOID:
      *printer = Printer::kOutput;
      return true;
    default:
      *printer = Printer::kPinned;
      return IsPinnedScalar(type);
  }
}

bool IsPrintable(Oid type);

// Free-standing composite types; ddl_types.cpp sees to it that their attributes stay.
bool HasPrintableAttributes(Oid type) {
  if (get_rel_relkind(get_typ_typrelid(type)) != RELKIND_COMPOSITE_TYPE) return false;
  const TupleDesc attributes = lookup_rowtype_tupdesc(type, -1);
  bool printable = true;
  for (int i = 0; printable && i < attributes->natts; ++i) {
    const FormData_pg_attribute* const attribute = TupleDescAttr(attributes, i);
    printable = attribute->attisdropped || IsPrintable(attribute->atttypid);
  }
  ReleaseTupleDesc(attributes);
  return printable;
}

// Types that users make of others: the text is put together from that of the parts.
bool IsMadeOfPrintable(Oid base) {
  check_stack_depth();
  const Oid element = get_base_element_type(base);
  if (OidIsValid(element)) return IsPrintable(element);
  switch (get_typtype(base)) {
    case TYPTYPE_ENUM:
      return true;
    case TYPTYPE_COMPOSITE:
      return HasPrintableAttributes(base);
    case TYPTYPE_RANGE:
      return IsPrintable(get_range_subtype(base));
    case TYPTYPE_MULTIRANGE:
      return IsPrintable(get_multirange_range(base));
    default:
      return false;
  }
}

bool IsPrintable(Oid type) {
  const Oid base = getBaseType(type);
  Printer printer;
  size_t bound;
  return DescribeScalar(base, &printer, &bound) || IsMadeOfPrintable(base);
}

}  // namespace

bool DescribeValueType(Oid type, ValueType* described) {
  const Oid base = getBaseType(type);
  size_t bound = kUnbounded;
  if (!DescribeScalar(base, &described->printer, &bound)) {
    if (!IsMadeOfPrintable(base)) return false;
    described->printer = get_typtype(base) == TYPTYPE_ENUM ? Printer::kOutput : Printer::kPinned;
    bound = get_typtype(base) == TYPTYPE_ENUM ? NAMEDATALEN - 1 : kUnbounded;
  }
  Oid output;
  bool varlena;
  getTypeOutputInfo(base, &output, &varlena);
  described->size_bound = bound;
  if (described->printer == Printer::kOutput || described->printer == Printer::kPinned) {
    fmgr_info(output, &described->output);
  }
  return true;
}

const char* WhyTextCanChange(Oid type) {
  const Oid base = getBaseType(type);
  const Oid element = get_base_element_type(base);
  if (OidIsValid(element)) return WhyTextCanChange(element);
  switch (base) {
    case REGCLASSOID:
    case REGCOLLATIONOID:
    case REGCONFIGOID:
    case REGDICTIONARYOID:
    case REGNAMESPACEOID:
    case REGOPEROID:
    case REGOPERATOROID:
    case REGPROCOID:
    case REGPROCEDUREOID:
    case REGROLEOID:
    case REGTYPEOID:
      return "Its text is the name of another object, which can be renamed.";
    case ACLITEMOID:
      return "Its text has names of roles, which can be renamed.";
    case MONEYOID:
      return "Its text follows lc_monetary.";
    case CHAROID:
      return "PostgreSQL 16 prints it otherwise than 15 does.";
    default:
      break;
  }
  if (get_typtype(base) == TYPTYPE_COMPOSITE)
    return "It is the row type of a table, whose columns can change, or has an attribute whose "
           "text can change.";
  return "Nothing promises that its output function will always print the same.";
}

}  // namespace bulla
