// Which types of columns a record can hold, and how their values are printed (docs/spec/record.md).
#pragma once

extern "C" {
#include "postgres.h"
#include "fmgr.h"
}

namespace bulla {

enum class Printer : uint8_t {
  kText,  // the stored bytes are the text
  kBool,
  kInt2,
  kInt4,
  kInt8,
  kUuid,
  kBytea,
  kDate,
  kTimestamp,
  kTimestamptz,
  kOutput,  // the output function, which depends on no setting
  kPinned,  // the output function, with the settings it depends on pinned
};

// How values of one type are printed. FmgrInfo lives in the memory context it was made in.
struct ValueType {
  Printer printer;
  size_t size_bound;  // the longest text, SIZE_MAX where there is no bound
  FmgrInfo output;    // kOutput and kPinned only
};

// False for a type whose text can change without the value changing (reg*, money, row types of tables,
// types of other extensions): such a column cannot be part of a record. Domains count as their base
// type; arrays, ranges, multiranges and composite types as what they are made of. Raises only where the
// catalogue is broken.
bool DescribeValueType(Oid type, ValueType* described);

// A sentence on why not, of a type for which that is false.
const char* WhyTextCanChange(Oid type);

}  // namespace bulla
