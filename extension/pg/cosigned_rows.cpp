#include "pg/cosigned_rows.h"

extern "C" {
#include "catalog/pg_type.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
}

#include <cstdlib>

#include "pg/key_tables.h"
#include "pg/own_query.h"

namespace bulla {
namespace {

QueryArgument IdOf(const TreeRow& tree) { return {UUIDOID, UUIDPGetDatum(&tree.id)}; }
QueryArgument NumberOf(TreeSize size) {
  return {INT8OID, Int64GetDatum(static_cast<int64>(size.value))};
}
QueryArgument TextOf(const char* text) { return {TEXTOID, CStringGetTextDatum(text)}; }

TreeSize SizeIn(const char* text) { return {std::strtoull(text, nullptr, 10)}; }

bool Take(const char** found, CosignedRow* row) {
  if (found == nullptr) return false;
  *row = {SizeIn(found[0]), found[1]};
  return true;
}

}  // namespace

bool FindCosigned(const TreeRow& tree, TreeSize size, CosignedRow* row) {
  return Take(OwnRow("SELECT c.size, c.note FROM bulla.cosigned AS c WHERE c.tree_id "
                     "OPERATOR(pg_catalog.=) $1 AND c.size OPERATOR(pg_catalog.=) $2",
                     {IdOf(tree), NumberOf(size)}),
              row);
}

bool SameCheckpoint(const char* note, const char* other) {
  // No line of a checkpoint is empty.
  const char* const end = strstr(note, "\n\n");
  return end != nullptr && strncmp(note, other, static_cast<size_t>(end - note) + 2) == 0;
}

const char* NewestNote(const TreeRow& tree) {
  CosignedRow cosigned;
  const bool found =
      FindCosigned(tree, tree.size, &cosigned) && SameCheckpoint(cosigned.note, tree.note);
  return found ? cosigned.note : tree.note;
}

const char* NoteToServe(const TreeRow& tree) {
  const char** const found = OwnRow(
      "SELECT c.note FROM bulla.cosigned AS c WHERE c.tree_id OPERATOR(pg_catalog.=) $1 AND "
      "(pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) '10 minutes'::pg_catalog.interval) "
      "OPERATOR(pg_catalog.<) ANY (c.cosigned_at) ORDER BY c.size DESC LIMIT 1",
      {IdOf(tree)});
  return found == nullptr ? tree.note : found[0];
}

bool FindNewestCosigned(const TreeRow& tree, TreeSize at_least, int witnesses, CosignedRow* row) {
  return Take(OwnRow("SELECT c.size, c.note FROM bulla.cosigned AS c WHERE c.tree_id "
                     "OPERATOR(pg_catalog.=) $1 AND c.size OPERATOR(pg_catalog.>=) $2 AND "
                     "pg_catalog.cardinality(c.witnesses) OPERATOR(pg_catalog.>=) $3 "
                     "ORDER BY c.size DESC LIMIT 1",
                     {IdOf(tree), NumberOf(at_least), {INT4OID, Int32GetDatum(witnesses)}}),
              row);
}

TreeSize CosignedSize(const TreeRow& tree, const char* witness) {
  const char** const found = OwnRow(
      "SELECT coalesce(pg_catalog.max(c.size), 0) FROM bulla.cosigned AS c WHERE "
      "c.tree_id OPERATOR(pg_catalog.=) $1 AND $2 OPERATOR(pg_catalog.=) ANY (c.witnesses)",
      {IdOf(tree), TextOf(witness)});
  return SizeIn(found[0]);
}

void LockCosigned() { LockRelationOid(KeyTable("cosigned"), ShareRowExclusiveLock); }

void StoreCosigned(const TreeRow& tree, const CosignedRow& row, Datum names, Datum times) {
  OwnRow(
      "INSERT INTO bulla.cosigned AS c (tree_id, size, note, witnesses, cosigned_at) "
      "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (tree_id, size) DO UPDATE "
      "SET note = excluded.note, witnesses = excluded.witnesses, cosigned_at = "
      "excluded.cosigned_at",
      {IdOf(tree),
       NumberOf(row.size),
       TextOf(row.note),
       {TEXTARRAYOID, names},
       {TIMESTAMPTZARRAYOID, times}});
  OwnRow(
      "DELETE FROM bulla.cosigned AS o USING bulla.cosigned AS n WHERE o.tree_id "
      "OPERATOR(pg_catalog.=) $1 AND n.tree_id OPERATOR(pg_catalog.=) $1 AND n.size "
      "OPERATOR(pg_catalog.>) o.size AND n.witnesses OPERATOR(pg_catalog.@>) o.witnesses",
      {IdOf(tree)});
}

const char* WitnessKeys() {
  const char** const found = OwnRow(
      "SELECT pg_catalog.string_agg(w.vkey, E'\\n' ORDER BY w.name) FROM bulla.witnesses AS w",
      nullptr, 0);
  return found[0] == nullptr ? "" : found[0];
}

}  // namespace bulla
