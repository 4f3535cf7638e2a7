#include "pg/cell_triggers.h"

extern "C" {
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
}

#include <string_view>

#include "core/hex.h"
#include "pg/ledger_triggers.h"
#include "pg/uuid_ids.h"

namespace bulla {
namespace {

constexpr int kFixedArguments = 2;
constexpr char kSealPrefix[] = "zzz_bulla_cell_";
constexpr char kNamePrefix[] = "bulla_cell_";
static_assert(std::string_view(kSealPrefix) < "zzz_bulla_chain_row");

const char* WithId(const char* prefix, const CellId& id) {
  char digits[2 * sizeof id.bytes + 1] = {};
  EncodeHex(id.bytes, digits);
  return psprintf("%s%s", prefix, digits);
}

const char* UuidText(const pg_uuid_t* uuid) {
  return DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(uuid)));
}

const pg_uuid_t* ParseUuid(const char* text) {
  return DatumGetUUIDP(DirectFunctionCall1(uuid_in, CStringGetDatum(text)));
}

// The first trigger of this function that `wanted` accepts; arguments that are nobody's count as none.
template <class Wanted>
const Trigger* Find(Relation relation, const char* function_name, Wanted wanted) {
  const TriggerDesc* const triggers = relation->trigdesc;
  const Oid function = triggers != nullptr ? TriggerFunction(function_name) : InvalidOid;
  for (int i = 0; OidIsValid(function) && i < triggers->numtriggers; ++i) {
    const Trigger& trigger = triggers->triggers[i];
    if (trigger.tgfoid == function && trigger.tgnargs >= kFixedArguments && wanted(trigger))
      return &trigger;
  }
  return nullptr;
}

bool IsOf(const Trigger& trigger, const CellId& id) {
  return ParseCellArguments(trigger.tgnargs, trigger.tgargs).id == id;
}

}  // namespace

CellArguments ParseCellArguments(int count, char* const* arguments) {
  if (count < kFixedArguments || count > kFixedArguments + static_cast<int>(kMaxBoundColumns)) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
                    errmsg("a trigger has arguments that bulla.protect_column does not write"),
                    errhint("Drop the trigger; bulla.protect_column makes the right ones.")));
  }
  CellArguments parsed;
  parsed.id = IdOfUuid<CellId>(*ParseUuid(arguments[0]));
  parsed.key = *ParseUuid(arguments[1]);
  parsed.bound_count = count - kFixedArguments;
  parsed.bound = arguments + kFixedArguments;
  return parsed;
}

const char* CellArgumentsSql(const CellArguments& arguments) {
  StringInfoData sql;
  initStringInfo(&sql);
  appendStringInfo(&sql, "'%s', '%s'", IdText(arguments.id), UuidText(&arguments.key));
  for (int i = 0; i < arguments.bound_count; ++i)
    appendStringInfo(&sql, ", %s", quote_literal_cstr(arguments.bound[i]));
  return sql.data;
}

bool SameCell(const CellArguments& a, const CellArguments& b) {
  bool same = a.id == b.id && memcmp(a.key.data, b.key.data, UUID_LEN) == 0 &&
              a.bound_count == b.bound_count;
  for (int i = 0; same && i < a.bound_count; ++i) same = strcmp(a.bound[i], b.bound[i]) == 0;
  return same;
}

const char* SealTriggerName(const CellId& id) { return WithId(kSealPrefix, id); }
const char* NameTriggerName(const CellId& id) { return WithId(kNamePrefix, id); }

const Trigger* FindNameTrigger(Relation relation, const CellId& id) {
  return Find(relation, kNameFunction, [&](const Trigger& trigger) { return IsOf(trigger, id); });
}

const Trigger* FindNameTrigger(Relation relation, AttrNumber column) {
  return Find(relation, kNameFunction, [&](const Trigger& trigger) {
    return trigger.tgnattr > 0 && trigger.tgattr[0] == column;
  });
}

const Trigger* FindSealTrigger(Relation relation, const CellId& id) {
  return Find(relation, kSealFunction, [&](const Trigger& trigger) { return IsOf(trigger, id); });
}

const Trigger* FindTriggerAfterSealing(Relation relation) {
  const TriggerDesc* const triggers = relation->trigdesc;
  const Oid seal = TriggerFunction(kSealFunction);
  const Oid chain = TriggerFunction(RequiredTriggers()[0].function);
  for (int i = 0; triggers != nullptr && i < triggers->numtriggers; ++i) {
    const Trigger& other = triggers->triggers[i];
    const bool writes = TRIGGER_FOR_ROW(other.tgtype) && TRIGGER_FOR_BEFORE(other.tgtype) &&
                        (TRIGGER_FOR_INSERT(other.tgtype) || TRIGGER_FOR_UPDATE(other.tgtype));
    if (writes && other.tgfoid != seal && other.tgfoid != chain &&
        other.tgenabled != TRIGGER_DISABLED && strcmp(other.tgname, kSealPrefix) > 0)
      return &other;
  }
  return nullptr;
}

bool HasProtectedColumns(Relation relation) {
  const auto any = [](const Trigger&) { return true; };
  return Find(relation, kSealFunction, any) != nullptr ||
         Find(relation, kNameFunction, any) != nullptr;
}

bool IsProtectedByItself(Relation relation) {
  const auto own = [](const Trigger& trigger) { return !trigger.tgisclone; };
  return Find(relation, kSealFunction, own) != nullptr ||
         Find(relation, kNameFunction, own) != nullptr;
}

}  // namespace bulla
