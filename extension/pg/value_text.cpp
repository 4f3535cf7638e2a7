#include "pg/value_text.h"

extern "C" {
#include "access/tupdesc.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/bytea.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/float.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"
#include "utils/uuid.h"
}

#include "core/hex.h"
#include "pg/boundary.h"
#include "pg/value_bytes.h"

namespace bulla {
namespace {

constexpr size_t kUnbounded = SIZE_MAX;
constexpr size_t kDateTimeBound = 40;

char scratch[MAXDATELEN + 1];  // for texts of a known, short length

// The C variables behind the settings that output functions read. Changed for the length of one call,
// behind the GUC machinery's back, and put back however that call ends.
class PinnedSettings {
 public:
  PinnedSettings()
      : date_style_(DateStyle),
        date_order_(DateOrder),
        interval_style_(IntervalStyle),
        float_digits_(extra_float_digits),
        bytea_output_(bytea_output),
        time_zone_(session_timezone) {
    static pg_tz* const utc = pg_tzset_offset(0);
    DateStyle = USE_ISO_DATES;
    DateOrder = DATEORDER_MDY;
    IntervalStyle = INTSTYLE_POSTGRES;
    extra_float_digits = 3;
    bytea_output = BYTEA_OUTPUT_HEX;
    session_timezone = utc;
  }
  ~PinnedSettings() {
    DateStyle = date_style_;
    DateOrder = date_order_;
    IntervalStyle = interval_style_;
    extra_float_digits = float_digits_;
    bytea_output = bytea_output_;
    session_timezone = time_zone_;
  }
  PinnedSettings(const PinnedSettings&) = delete;
  PinnedSettings& operator=(const PinnedSettings&) = delete;

 private:
  int date_style_;
  int date_order_;
  int interval_style_;
  int float_digits_;
  int bytea_output_;
  pg_tz* time_zone_;
};

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

std::string_view ByteaText(const bytea* stored) {
  const size_t size = VARSIZE_ANY_EXHDR(stored);
  char* const text = static_cast<char*>(palloc(2 + 2 * size));
  text[0] = '\\';
  text[1] = 'x';
  EncodeHex({reinterpret_cast<const std::byte*>(VARDATA_ANY(stored)), size}, text + 2);
  return {text, 2 + 2 * size};
}

std::string_view UuidText(const pg_uuid_t* uuid) {
  const Bytes bytes(reinterpret_cast<const std::byte*>(uuid->data), UUID_LEN);
  char* to = scratch;
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) *to++ = '-';
    to = EncodeHex(bytes.subspan(i, 1), to);
  }
  return {scratch, 36};
}

std::string_view DateText(DateADT date) {
  if (DATE_NOT_FINITE(date)) {
    EncodeSpecialDate(date, scratch);
  } else {
    pg_tm tm;
    j2date(date + POSTGRES_EPOCH_JDATE, &tm.tm_year, &tm.tm_mon, &tm.tm_mday);
    EncodeDateOnly(&tm, USE_ISO_DATES, scratch);
  }
  return scratch;
}

// A timestamptz in UTC is printed from the same fields as a timestamp, with +00 behind it.
std::string_view TimestampText(Timestamp timestamp, bool with_zone) {
  pg_tm tm;
  fsec_t fsec;
  if (TIMESTAMP_NOT_FINITE(timestamp)) {
    EncodeSpecialTimestamp(timestamp, scratch);
  } else if (timestamp2tm(timestamp, nullptr, &tm, &fsec, nullptr, nullptr) == 0) {
    tm.tm_isdst = 0;  // a negative one would leave the zone out
    EncodeDateTime(&tm, fsec, with_zone, 0, nullptr, USE_ISO_DATES, scratch);
  } else {
    ereport(ERROR,
            (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("timestamp out of range")));
  }
  return scratch;
}

const char* PinnedText(FmgrInfo* output, Datum value) {
  return Enter([&]() -> Result<const char*> {
    const PinnedSettings pinned;
    return CallPg([&] { return static_cast<const char*>(OutputFunctionCall(output, value)); });
  });
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

std::string_view ValueText(ValueType* type, Datum value) {
  switch (type->printer) {
    case Printer::kText:
      return ValueBytes(value);
    case Printer::kBool:
      return DatumGetBool(value) ? "t" : "f";
    case Printer::kInt2:
      return {scratch, static_cast<size_t>(pg_itoa(DatumGetInt16(value), scratch))};
    case Printer::kInt4:
      return {scratch, static_cast<size_t>(pg_ltoa(DatumGetInt32(value), scratch))};
    case Printer::kInt8:
      return {scratch, static_cast<size_t>(pg_lltoa(DatumGetInt64(value), scratch))};
    case Printer::kUuid:
      return UuidText(DatumGetUUIDP(value));
    case Printer::kBytea:
      return ByteaText(DatumGetByteaPP(value));
    case Printer::kDate:
      return DateText(DatumGetDateADT(value));
    case Printer::kTimestamp:
      return TimestampText(DatumGetTimestamp(value), false);
    case Printer::kTimestamptz:
      return TimestampText(DatumGetTimestampTz(value), true);
    case Printer::kOutput:
      return OutputFunctionCall(&type->output, value);
    case Printer::kPinned:
      return PinnedText(&type->output, value);
  }
  pg_unreachable();
}

}  // namespace bulla
