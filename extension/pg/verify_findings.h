// Findings of a verification: what they are, and the order in which they are told, which does not depend
// on who found them first.
#pragma once

extern "C" {
#include "postgres.h"
}

namespace bulla {

// One thing that is wrong, or was restored. Pointers are valid during the report only.
struct Finding {
  const char* chain;  // null where the ledger as a whole is meant
  const int64* seq;   // null where no row is meant
  const char* verdict;
  const char* detail;
};
using ReportFinding = void (*)(const Finding& finding, void* state);

// The verdict that tells of a recorded restore: nothing is wrong, and everybody has to know.
inline constexpr char kRestoredVerdict[] = "restored";
inline bool IsFault(const Finding& finding) {
  return strcmp(finding.verdict, kRestoredVerdict) != 0;
}

struct FindingSorter;

// In the current memory context, which must outlive it. A sound ledger costs nothing; very many findings
// go to disk.
FindingSorter* NewFindingSorter();
// A ReportFinding.
void KeepFinding(const Finding& finding, void* sorter);
// Reports what was kept by chain, seq, verdict and detail: those of rows first, then those of chains, then
// those of the ledger. Returns how many there were.
int64 ReportSorted(FindingSorter* sorter, ReportFinding report, void* state);

// A ReportFinding: into the set of rows (chain, seq, verdict, detail) that a function returns, a
// ReturnSetInfo.
void PutFinding(const Finding& finding, void* result_set);

}  // namespace bulla
