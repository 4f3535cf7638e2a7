// SQL functions about witnesses: which ones the database knows, and what they cosigned.

#include "pg/boundary.h"

extern "C" {
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
}

#include <algorithm>
#include <ctime>

#include "core/checkpoint.h"
#include "core/cosigned_note.h"
#include "pg/arguments.h"
#include "pg/checkpoint_signer.h"
#include "pg/cosigned_rows.h"
#include "pg/durable.h"
#include "pg/event_log.h"
#include "pg/log_chain.h"
#include "pg/own_query.h"
#include "pg/stored_proof.h"

namespace bulla {
namespace {

// Clocks differ. A cosignature from a later time would keep out all that come before it.
constexpr int64 kMostAhead = 600;  // seconds

QueryArgument Text(const char* text) {
  return {TEXTOID, text == nullptr ? Datum{0} : CStringGetTextDatum(text)};
}

const char* NameOfWitness(const char* vkey) {
  return Enter([&]() -> Result<const char*> {
    const auto key = VerifierKey::Parse(vkey);
    if (!key.ok()) return key.error();
    if (key.value().type() != SignatureType::kCosignature)
      return Error{Code::kInvalidArgument, "this is the key of a log, not of a witness",
                   "The verifier key of a witness has type 04."};
    return CallPg([&] { return pstrdup(key.value().name().c_str()); });
  });
}

// What a checkpoint says that came in.
struct Claim {
  const char* origin;
  TreeSize size;
  NodeHash root;
};

Claim ReadClaim(std::string_view text) {
  return Enter([&]() -> Result<Claim> {
    const auto note = ParseNote(text);
    if (!note.ok()) return note.error();
    const auto checkpoint = ParseCheckpoint(note.value().text);
    if (!checkpoint.ok()) return checkpoint.error();
    const Checkpoint& said = checkpoint.value();
    return Claim{CallPg([&] { return pstrdup(said.origin.c_str()); }), said.size, said.root};
  });
}

// The note with nothing but the signature of this key, palloc'd. Raises where there is none.
const char* SignedBy(std::string_view text, const char* vkey) {
  return Enter([&]() -> Result<const char*> {
    auto note = ParseNote(text);
    if (!note.ok()) return note.error();
    const auto key = VerifierKey::Parse(vkey);
    if (!key.ok()) return key.error();
    const auto is_signed = IsSignedBy(note.value(), key.value());
    if (!is_signed.ok()) return is_signed.error();
    if (!is_signed.value())
      return Error{Code::kAuthenticationFailed,
                   "the checkpoint is not signed with the key that this log signs with"};
    auto& lines = note.value().signatures;
    std::erase_if(lines, [&](const NoteSignature& line) {
      return line.name != key.value().name() || line.id != key.value().id();
    });
    lines.resize(1);
    const std::string bare = FormatNote(note.value());
    return CallPg([&] { return pstrdup(bare.c_str()); });
  });
}

// What this database keeps of the checkpoint when nobody has cosigned it: raises where it is none of its own.
const char* OwnCheckpoint(const char* note, const Claim& claim, const TreeRow& tree) {
  if (SameCheckpoint(note, tree.note)) return tree.note;
  const char* const bare = SignedBy(note, VerifierKeyOf(claim.origin));
  if (claim.size > tree.size || claim.root != StoredRoot(tree, claim.size)) {
    ereport(
        ERROR,
        (errcode(ERRCODE_DATA_CORRUPTED),
         errmsg("the log signed a tree of " INT64_FORMAT " leaves that is not the one it has now",
                static_cast<int64>(claim.size.value)),
         errdetail("Origin %s; the tree here has " INT64_FORMAT " leaves.", claim.origin,
                   static_cast<int64>(tree.size.value)),
         errhint("This database was set back, or another server signs in its name. Keep the "
                 "checkpoint: it is the evidence.")));
  }
  return bare;
}

struct Kept {
  const char* note;
  int cosigners;
  const char** names;
  uint64* times;  // seconds since 1970
};

Kept Keep(const char* kept, std::string_view came, const char* witness_keys) {
  return Enter([&]() -> Result<Kept> {
    std::vector<VerifierKey> witnesses;
    for (std::string_view rest = witness_keys; !rest.empty();) {
      const size_t end = std::min(rest.find('\n'), rest.size());
      const auto key = VerifierKey::Parse(rest.substr(0, end));
      if (!key.ok()) return key.error();
      witnesses.push_back(key.value());
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    const auto before = ParseNote(kept);
    const auto note = ParseNote(came);
    if (!before.ok()) return before.error();
    if (!note.ok()) return note.error();
    const auto result = AddCosignatures(before.value(), note.value(), witnesses);
    if (!result.ok()) return result.error();
    const std::string text = FormatNote(result.value().note);
    const auto& cosigners = result.value().cosigners;
    Kept out{};
    CallPg([&] {
      out.note = pstrdup(text.c_str());
      out.names = static_cast<const char**>(palloc(sizeof(char*) * (cosigners.size() + 1)));
      out.times = static_cast<uint64*>(palloc(sizeof(uint64) * (cosigners.size() + 1)));
      for (const auto& cosigner : cosigners) {
        out.names[out.cosigners] = pstrdup(cosigner.name.c_str());
        out.times[out.cosigners++] = cosigner.time.seconds;
      }
    });
    return out;
  });
}

TimestampTz TimeOf(const char* witness, uint64 seconds) {
  const auto now = static_cast<uint64>(time(nullptr));
  if (seconds > now + kMostAhead) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("witness \"%s\" has cosigned at a time that is yet to come", witness),
                    errdetail("By " INT64_FORMAT " seconds, by the clock of this server.",
                              static_cast<int64>(seconds - now)),
                    errhint("One of the two clocks is wrong.")));
  }
  return time_t_to_timestamptz(static_cast<pg_time_t>(seconds));
}

void Store(const TreeRow& tree, TreeSize size, const Kept& kept) {
  const auto bytes = sizeof(Datum) * static_cast<Size>(kept.cosigners);
  auto* const names = static_cast<Datum*>(palloc(bytes));
  auto* const times = static_cast<Datum*>(palloc(bytes));
  for (int i = 0; i < kept.cosigners; ++i) {
    names[i] = CStringGetTextDatum(kept.names[i]);
    times[i] = TimestampTzGetDatum(TimeOf(kept.names[i], kept.times[i]));
  }
  StoreCosigned(
      tree, {size, kept.note},
      PointerGetDatum(construct_array(names, kept.cosigners, TEXTOID, -1, false, TYPALIGN_INT)),
      PointerGetDatum(construct_array(times, kept.cosigners, TIMESTAMPTZOID, 8, FLOAT8PASSBYVAL,
                                      TYPALIGN_DOUBLE)));
}

}  // namespace

BULLA_FUNCTION(bulla_add_witness);
Datum bulla_add_witness(PG_FUNCTION_ARGS) {
  PreventCommandIfReadOnly("bulla.add_witness()");
  const char* const vkey = CStringArgument(fcinfo, 0, "vkey");
  const char* const url = PG_ARGISNULL(1) ? nullptr : text_to_cstring(PG_GETARG_TEXT_PP(1));
  const char* const name = NameOfWitness(vkey);
  const char* const user = GetUserNameFromId(GetUserId(), false);
  const char** const added =
      url == nullptr
          ? OwnRow(
                "INSERT INTO bulla.witnesses (name, vkey, added_by) VALUES ($1, $2, $3) "
                "ON CONFLICT DO NOTHING RETURNING name",
                {Text(name), Text(vkey), Text(user)})
          : OwnRow(
                "INSERT INTO bulla.witnesses (name, vkey, added_by, url) VALUES ($1, $2, $3, "
                "$4) ON CONFLICT DO NOTHING RETURNING name",
                {Text(name), Text(vkey), Text(user), Text(url)});
  if (added == nullptr) {
    ereport(ERROR,
            (errcode(ERRCODE_DUPLICATE_OBJECT), errmsg("witness \"%s\" is known already", name),
             errhint("bulla.drop_witness forgets it.")));
  }
  EventDetail detail = EventDetail().Text("witness", name).Text("verifier_key", vkey);
  if (url != nullptr) detail.Text("url", url);
  RecordEvent("witness.added", detail);
  PG_RETURN_TEXT_P(cstring_to_text(name));
}

BULLA_FUNCTION(bulla_drop_witness);
Datum bulla_drop_witness(PG_FUNCTION_ARGS) {
  PreventCommandIfReadOnly("bulla.drop_witness()");
  const char* const name = CStringArgument(fcinfo, 0, "name");
  const char** const dropped = OwnRow(
      "DELETE FROM bulla.witnesses AS w WHERE w.name OPERATOR(pg_catalog.=) $1 RETURNING w.vkey",
      {Text(name)});
  if (dropped == nullptr) {
    ereport(ERROR,
            (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("no witness is called \"%s\"", name)));
  }
  RecordEvent("witness.dropped",
              EventDetail().Text("witness", name).Text("verifier_key", dropped[0]));
  PG_RETURN_VOID();
}

BULLA_FUNCTION(bulla_add_cosignatures);
Datum bulla_add_cosignatures(PG_FUNCTION_ARGS) {
  PreventCommandIfReadOnly("bulla.add_cosignatures()");
  const char* const note = CStringArgument(fcinfo, 0, "note");
  const Claim claim = ReadClaim(note);
  TreeRow tree{};
  if (!FindTreeOfOrigin(claim.origin, &tree)) {
    ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND),
                    errmsg("no log of this database is called \"%s\"", claim.origin)));
  }
  const char* const own = OwnCheckpoint(note, claim, tree);
  LockCosigned();
  CosignedRow before{};
  const bool known = FindCosigned(tree, claim.size, &before) && SameCheckpoint(own, before.note);
  const Kept kept = Keep(known ? before.note : own, note, WitnessKeys());
  if (kept.cosigners > 0 && !(known && strcmp(before.note, kept.note) == 0))
    Store(tree, claim.size, kept);
  PG_RETURN_INT32(kept.cosigners);
}

BULLA_FUNCTION(bulla_witnessed_checkpoint);
Datum bulla_witnessed_checkpoint(PG_FUNCTION_ARGS) {
  const Oid ledger = ReadableLedger(fcinfo);
  const LogChain chain = NameLogChain(ledger, CStringArgument(fcinfo, 1, "chain"));
  RefuseNull(fcinfo, 2, "witnesses");
  const int32 witnesses = PG_GETARG_INT32(2);
  if (witnesses < 1) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("witnesses is %d, and must be 1 at least", witnesses),
                    errhint("bulla.checkpoint is the newest, whoever has cosigned it.")));
  }
  TreeRow tree;
  CosignedRow newest;
  if (!FindTree(chain.ledger_id, chain.chain_id, &tree) ||
      !FindNewestCosigned(tree, {0}, witnesses, &newest))
    PG_RETURN_NULL();
  ConfirmWhatWasRead();
  PG_RETURN_TEXT_P(cstring_to_text(newest.note));
}

}  // namespace bulla
