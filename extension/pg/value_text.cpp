#include "pg/value_text.h"

extern "C" {
#include "miscadmin.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/bytea.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/float.h"
#include "utils/guc.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"
}

#include "core/hex.h"
#include "pg/boundary.h"
#include "pg/value_bytes.h"

namespace bulla {
namespace {

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

}  // namespace

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
