#include "pg/published_notes.h"

extern "C" {
#include "utils/memutils.h"
}

#include "core/checkpoint.h"
#include "core/note.h"
#include "core/origin.h"
#include "pg/boundary.h"
#include "pg/checkpoint_signer.h"

namespace bulla {
namespace {

Result<void> Parse(const char* text, const char* log_name, PublishedNote* parsed) {
  const auto note = ParseNote(text);
  if (!note.ok()) return note.error();
  const auto checkpoint = ParseCheckpoint(note.value().text);
  if (!checkpoint.ok()) return checkpoint.error();
  const auto origin = ParseOrigin(checkpoint.value().origin);
  if (!origin.ok()) return origin.error();
  if (origin.value().log_name != log_name)
    return Error{Code::kInvalidArgument, "its log is \"" + origin.value().log_name + "\""};
  if (origin.value().epoch >= kMaxEpoch)
    return Error{Code::kInvalidArgument, "no epoch can follow the one that it is of"};
  const auto copy = [](const std::string& from) {
    return CallPg([&] { return pnstrdup(from.data(), from.size()); });
  };
  *parsed = {text,
             copy(checkpoint.value().origin),
             origin.value().ledger,
             copy(origin.value().chain.text),
             static_cast<int32>(origin.value().epoch.value),
             checkpoint.value().size,
             checkpoint.value().root};
  return {};
}

// The reason, palloc'd; nullptr where it is one.
const char* WhyNot(const char* text, const char* log_name, PublishedNote* parsed) {
  return Enter([&]() -> Result<const char*> {
    const Result<void> read = Parse(text, log_name, parsed);
    if (read.ok()) return nullptr;
    const std::string& why = read.error().message;
    return CallPg([&] { return pnstrdup(why.data(), why.size()); });
  });
}

}  // namespace

List* ReadPublishedNotes(List* texts, const char* log_name) {
  List* notes = NIL;
  for (int i = 0; i < list_length(texts); ++i) {
    const auto* const text = static_cast<const char*>(list_nth(texts, i));
    auto* const note = static_cast<PublishedNote*>(palloc0(sizeof(PublishedNote)));
    const char* why = WhyNot(text, log_name, note);
    if (why == nullptr && !IsSignedByLog(text, note->origin))
      why = "no version of the signing key that is here has signed it";
    if (why != nullptr) {
      ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                      errmsg("last_checkpoints: element %d is no checkpoint of this log: %s", i + 1,
                             why)));
    }
    notes = lappend(notes, note);
  }
  return notes;
}

List* NotesOfChain(List* notes, const LedgerId& ledger, const char* chain_id) {
  List* found = NIL;
  for (int i = 0; i < list_length(notes); ++i) {
    auto* const note = static_cast<PublishedNote*>(list_nth(notes, i));
    if (note->ledger == ledger && strcmp(note->chain_id, chain_id) == 0)
      found = lappend(found, note);
  }
  return found;
}

}  // namespace bulla
