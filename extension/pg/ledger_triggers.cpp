#include "pg/ledger_triggers.h"

extern "C" {
#include "access/table.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "lib/stringinfo.h"
#include "nodes/makefuncs.h"
#include "parser/parse_func.h"
#include "utils/builtins.h"
}

#include "core/hex.h"
#include "pg/uuid_ids.h"

namespace bulla {
namespace {

constexpr int kFixedArguments = 5;

// The chain trigger sorts after every trigger of an ordinary name: PostgreSQL fires in order of name,
// and what it hashes should be what is stored.
constexpr RequiredTrigger kTriggers[] = {
    {"zzz_bulla_chain_row", "chain_row", "BEFORE INSERT",
     TRIGGER_TYPE_ROW | TRIGGER_TYPE_BEFORE | TRIGGER_TYPE_INSERT},
    {"bulla_confirm_row", "confirm_row", "AFTER INSERT", TRIGGER_TYPE_ROW | TRIGGER_TYPE_INSERT},
    {"bulla_open_statement", "open_statement", "BEFORE INSERT",
     TRIGGER_TYPE_BEFORE | TRIGGER_TYPE_INSERT},
    {"bulla_close_statement", "close_statement", "AFTER INSERT", TRIGGER_TYPE_INSERT},
    {"bulla_refuse_change", "refuse_change", "BEFORE UPDATE OR DELETE",
     TRIGGER_TYPE_ROW | TRIGGER_TYPE_BEFORE | TRIGGER_TYPE_UPDATE | TRIGGER_TYPE_DELETE},
    {"bulla_refuse_truncate", "refuse_change", "BEFORE TRUNCATE",
     TRIGGER_TYPE_BEFORE | TRIGGER_TYPE_TRUNCATE},
};

bool ParseUuid(std::string_view text, LedgerId* id) {
  for (size_t i = 0; i < id->bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) {
      if (!text.starts_with('-')) return false;
      text.remove_prefix(1);
    }
    if (!DecodeHex(text.substr(0, 2), MutableBytes(&id->bytes[i], 1))) return false;
    text.remove_prefix(2);
  }
  return text.empty();
}

// A decimal number from 0 to `most`, and nothing else.
bool ParseNumber(const char* text, int64 most, int64* number) {
  char* end = nullptr;
  errno = 0;
  *number = strtoll(text, &end, 10);
  return errno == 0 && *text >= '0' && *text <= '9' && *end == '\0' && *number <= most;
}

bool SameNames(int count, const char* const* a, const char* const* b) {
  for (int i = 0; i < count; ++i)
    if (strcmp(a[i], b[i]) != 0) return false;
  return true;
}

}  // namespace

std::span<const RequiredTrigger> RequiredTriggers() { return kTriggers; }

bool ParseLedgerArguments(int count, char* const* arguments, LedgerArguments* parsed) {
  if (count < kFixedArguments || !ParseUuid(arguments[0], &parsed->id)) return false;
  parsed->created_at = arguments[1];
  parsed->created_by = arguments[2];
  int64 chain_by_count;
  if (!ParseNumber(arguments[3], PG_INT64_MAX, &parsed->retroactive_rows) ||
      !ParseNumber(arguments[4], count - kFixedArguments, &chain_by_count))
    return false;
  parsed->chain_by_count = static_cast<int>(chain_by_count);
  parsed->chain_by = arguments + kFixedArguments;
  parsed->erasable_count = count - kFixedArguments - parsed->chain_by_count;
  parsed->erasable = parsed->chain_by + parsed->chain_by_count;
  return true;
}

const char* LedgerArgumentsSql(const LedgerArguments& ledger) {
  StringInfoData sql;
  initStringInfo(&sql);
  appendStringInfo(&sql, "'%s', '%s', %s, '" INT64_FORMAT "', '%d'", IdText(ledger.id),
                   ledger.created_at, quote_literal_cstr(ledger.created_by),
                   ledger.retroactive_rows, ledger.chain_by_count);
  for (int i = 0; i < ledger.chain_by_count; ++i)
    appendStringInfo(&sql, ", %s", quote_literal_cstr(ledger.chain_by[i]));
  for (int i = 0; i < ledger.erasable_count; ++i)
    appendStringInfo(&sql, ", %s", quote_literal_cstr(ledger.erasable[i]));
  return sql.data;
}

bool SameLedger(const LedgerArguments& a, const LedgerArguments& b) {
  return a.id == b.id && a.chain_by_count == b.chain_by_count &&
         a.erasable_count == b.erasable_count &&
         SameNames(a.chain_by_count, a.chain_by, b.chain_by) &&
         SameNames(a.erasable_count, a.erasable, b.erasable);
}

Oid TriggerFunction(const char* name) {
  return LookupFuncName(list_make2(makeString(pstrdup("bulla")), makeString(pstrdup(name))), 0,
                        nullptr, true);
}

const Trigger* FindLaterTrigger(Relation relation) {
  const TriggerDesc* const triggers = relation->trigdesc;
  for (int i = 0; triggers != nullptr && i < triggers->numtriggers; ++i) {
    const Trigger& other = triggers->triggers[i];
    if (TRIGGER_TYPE_MATCHES(other.tgtype, TRIGGER_TYPE_ROW, TRIGGER_TYPE_BEFORE,
                             TRIGGER_TYPE_INSERT) &&
        other.tgenabled != TRIGGER_DISABLED && strcmp(other.tgname, kTriggers[0].name) > 0)
      return &other;
  }
  return nullptr;
}

const Trigger* FindLedgerTrigger(Relation relation) {
  const TriggerDesc* const triggers = relation->trigdesc;
  for (const RequiredTrigger& required : kTriggers) {
    const Oid function = triggers != nullptr ? TriggerFunction(required.function) : InvalidOid;
    for (int i = 0; OidIsValid(function) && i < triggers->numtriggers; ++i) {
      if (triggers->triggers[i].tgfoid == function && triggers->triggers[i].tgtype == required.type)
        return &triggers->triggers[i];
    }
  }
  return nullptr;
}

bool IsDetachedPart(Relation relation) {
  const TriggerDesc* const triggers = relation->trigdesc;
  const Oid function = TriggerFunction(kDetachedTrigger.function);
  for (int i = 0; triggers != nullptr && i < triggers->numtriggers; ++i) {
    if (triggers->triggers[i].tgfoid == function &&
        triggers->triggers[i].tgtype == kDetachedTrigger.type)
      return true;
  }
  return false;
}

void RefuseDetachedPart(Oid ledger) {
  const Relation relation = table_open(ledger, AccessShareLock);
  if (IsDetachedPart(relation)) {
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("\"%s\" is a part of a ledger that was detached",
                           RelationGetRelationName(relation)),
                    errhint("bulla.verify judges it alone; bulla.drop_ledger makes it an ordinary "
                            "table, which can be dropped.")));
  }
  table_close(relation, AccessShareLock);
}

}  // namespace bulla
