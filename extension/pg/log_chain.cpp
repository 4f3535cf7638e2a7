#include "pg/log_chain.h"

extern "C" {
#include "access/table.h"
}

#include "core/origin.h"
#include "pg/boundary.h"
#include "pg/log_rows.h"
#include "pg/restore_rows.h"
#include "pg/row_record.h"

namespace bulla {
namespace {

const char* Copy(std::string_view text) {
  return CallPg([&] { return pnstrdup(text.data(), text.size()); });
}

}  // namespace

LogChain NameLogChain(Oid ledger, const char* name) {
  const Relation relation = table_open(ledger, AccessShareLock);
  const LedgerRelation* const described = DescribeWholeLedger(relation);
  const ChainValues values = ChainOfName(described, name);
  RowChain chain;
  if (!ChainOfValues(described, values, &chain)) RaiseUnfitRow(relation);
  LogChain found{ledger, described->arguments.id, NameOfChain(described, values), values, nullptr};
  found.chain_id = Enter([&]() -> Result<const char*> {
    const auto id = IdentifyChain(found.ledger_id, chain.key);
    if (!id.ok()) return id.error();
    return Copy(id.value().text);
  });
  table_close(relation, NoLock);
  return found;
}

const char* OriginOf(const LogChain& chain, const char* log_name, int32 epoch) {
  return Enter([&]() -> Result<const char*> {
    return Copy(FormatOrigin(
        {log_name, chain.ledger_id, {chain.chain_id}, {static_cast<uint32_t>(epoch)}}));
  });
}

int32 EpochOf(const LogChain& chain) {
  TreeRow tree{};
  const bool known = FindTree(chain.ledger_id, chain.chain_id, &tree);
  return Max(EpochOfLedger(chain.ledger_id), known ? tree.epoch : 0);
}

}  // namespace bulla
