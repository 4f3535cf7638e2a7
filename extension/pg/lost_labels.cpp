#include "pg/lost_labels.h"

extern "C" {
#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/multirangetypes.h"
#include "utils/rangetypes.h"
#include "utils/syscache.h"
#include "utils/typcache.h"
}

namespace bulla {
namespace {

bool AnyAttribute(Oid type, bool (*wanted)(Oid)) {
  const TupleDesc attributes = lookup_rowtype_tupdesc(type, -1);
  bool any = false;
  for (int i = 0; !any && i < attributes->natts; ++i) {
    const FormData_pg_attribute* const attribute = TupleDescAttr(attributes, i);
    any = !attribute->attisdropped && wanted(attribute->atttypid);
  }
  ReleaseTupleDesc(attributes);
  return any;
}

bool HasLostLabel(Oid type, Datum value);

bool InArray(Oid element, Datum value) {
  int16 size;
  bool by_value;
  char alignment;
  get_typlenbyvalalign(element, &size, &by_value, &alignment);
  Datum* elements;
  bool* nulls;
  int count;
  deconstruct_array(DatumGetArrayTypeP(value), element, size, by_value, alignment, &elements,
                    &nulls, &count);
  for (int i = 0; i < count; ++i)
    if (!nulls[i] && HasLostLabel(element, elements[i])) return true;
  return false;
}

bool InRow(Datum value) {
  const HeapTupleHeader row = DatumGetHeapTupleHeader(value);
  const TupleDesc attributes =
      lookup_rowtype_tupdesc_copy(HeapTupleHeaderGetTypeId(row), HeapTupleHeaderGetTypMod(row));
  HeapTupleData tuple = {};
  tuple.t_len = HeapTupleHeaderGetDatumLength(row);
  tuple.t_data = row;
  auto* const values = static_cast<Datum*>(palloc(sizeof(Datum) * attributes->natts));
  auto* const nulls = static_cast<bool*>(palloc(sizeof(bool) * attributes->natts));
  heap_deform_tuple(&tuple, attributes, values, nulls);
  for (int i = 0; i < attributes->natts; ++i) {
    const FormData_pg_attribute* const attribute = TupleDescAttr(attributes, i);
    if (!attribute->attisdropped && !nulls[i] && HasLostLabel(attribute->atttypid, values[i]))
      return true;
  }
  return false;
}

bool InRange(TypeCacheEntry* type, const RangeType* range) {
  const Oid subtype = type->rngelemtype->type_id;
  RangeBound lower;
  RangeBound upper;
  bool empty;
  range_deserialize(type, range, &lower, &upper, &empty);
  return !empty && ((!lower.infinite && HasLostLabel(subtype, lower.val)) ||
                    (!upper.infinite && HasLostLabel(subtype, upper.val)));
}

bool InMultirange(Oid type, Datum value) {
  TypeCacheEntry* const range = lookup_type_cache(type, TYPECACHE_MULTIRANGE_INFO)->rngtype;
  RangeType** ranges;
  int32 count;
  multirange_deserialize(range, DatumGetMultirangeTypeP(value), &count, &ranges);
  for (int32 i = 0; i < count; ++i)
    if (InRange(range, ranges[i])) return true;
  return false;
}

bool HasLostLabel(Oid type, Datum value) {
  check_stack_depth();
  const Oid base = getBaseType(type);
  if (!HasEnums(base)) return false;
  const Oid element = get_base_element_type(base);
  if (OidIsValid(element)) return InArray(element, value);
  switch (get_typtype(base)) {
    case TYPTYPE_ENUM:
      return !SearchSysCacheExists1(ENUMOID, value);
    case TYPTYPE_COMPOSITE:
      return InRow(value);
    case TYPTYPE_RANGE:
      return InRange(lookup_type_cache(base, TYPECACHE_RANGE_INFO), DatumGetRangeTypeP(value));
    default:
      return InMultirange(base, value);
  }
}

}  // namespace

bool HasEnums(Oid type) {
  check_stack_depth();
  const Oid base = getBaseType(type);
  const Oid element = get_base_element_type(base);
  if (OidIsValid(element)) return HasEnums(element);
  switch (get_typtype(base)) {
    case TYPTYPE_ENUM:
      return true;
    case TYPTYPE_COMPOSITE:
      return AnyAttribute(base, HasEnums);
    case TYPTYPE_RANGE:
      return HasEnums(get_range_subtype(base));
    case TYPTYPE_MULTIRANGE:
      return HasEnums(get_multirange_range(base));
    default:
      return false;
  }
}

const LedgerColumn* FindLostLabel(const LedgerRelation* ledger, const Datum* values,
                                  const bool* nulls) {
  for (int i = 0; i < ledger->column_count; ++i) {
    const LedgerColumn& column = ledger->columns[i];
    if (column.has_enums && !nulls[column.attribute] &&
        HasLostLabel(column.type_oid, values[column.attribute]))
      return &column;
  }
  return nullptr;
}

}  // namespace bulla
