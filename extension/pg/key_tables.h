// What reading and writing the tables of keys have in common. Their rows are read and written as the
// catalogue's are: with a snapshot taken now, without rights of the caller, row-level security or a plan.
#pragma once

extern "C" {
#include "postgres.h"
#include "access/genam.h"
#include "access/htup.h"
#include "nodes/lockoptions.h"
#include "nodes/pg_list.h"
#include "utils/rel.h"
#include "utils/uuid.h"
}

#include "core/bytes.h"
#include "core/key_version.h"

namespace bulla {

enum NamesColumn {
  kNamesKeyId = 1,
  kNamesName,
  kNamesPurpose,
  kNamesAlgorithm,
  kNamesCreatedAt,
  kNamesCreatedBy,
  kNamesAudited,
  kNamesColumns = kNamesAudited
};
enum VersionsColumn {
  kVersionId = 1,
  kVersionsKeyId,
  kVersion,
  kState,
  kCommitment,
  kKekId,
  kWrapped,
  kCreatedAt,
  kStateSince,
  kKeks,
  kMustRotate,
  kVersionsColumns = kMustRotate
};
enum KeksColumn { kKeksId = 1, kFirstUsedAt, kRetiredAt, kRetiredBy, kKeksColumns = kRetiredBy };

// A table or index of schema bulla. Raises undefined_table where the extension is not installed.
Oid KeyTable(const char* name);

// Scans by an index whose first column equals `value`. What is committed counts, also inside a REPEATABLE
// READ transaction, and what this transaction did. Text columns are in collation "C".
SysScanDesc BeginKeyScan(Relation table, const char* index, AttrNumber column, RegProcedure equals,
                         Datum value);

// The row that such a scan finds, palloc'd in its newest version and locked until the end of the transaction,
// once whoever else has locked it is through; nullptr where there is none.
HeapTuple LockKeyRow(Relation table, const char* index, AttrNumber column, RegProcedure equals,
                     Datum value, LockTupleMode mode);

// Columns of a row, palloc'd; of a null, an empty string or no bytes.
bool ColumnIsNull(HeapTuple row, Relation table, int column);
Datum ColumnOf(HeapTuple row, Relation table, int column);  // not null
const char* TextOf(HeapTuple row, Relation table, int column);
Bytes BytesOf(HeapTuple row, Relation table, int column);
List* TextsOf(HeapTuple row, Relation table, int column);  // of a text[], const char*

// Values for columns, palloc'd.
Datum BytesDatum(Bytes bytes);
Datum TextsDatum(List* texts);

// As events name key versions: hexadecimal digits, palloc'd.
const char* HexText(Bytes bytes);

// Adds, changes or removes a row, and tells every backend to forget its keys once this commits. What comes after
// sees the change.
void InsertKeyRow(Relation table, Datum* values, bool* nulls);
void UpdateKeyRow(Relation table, HeapTuple row, Datum* values, bool* nulls, bool* replaced);
void DeleteKeyRow(Relation table, HeapTuple row);

}  // namespace bulla
