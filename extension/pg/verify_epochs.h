// Tells of recorded restores of a ledger, and judges what they left: whether each epoch's tree begins as it says with the
// one before, and whether that is still what was signed.
#pragma once

#include "pg/log_rows.h"
#include "pg/verify_findings.h"

namespace bulla {

// Reports as restored each epoch of the ledger, with what was lost in all, and each chain that lost something; as rewritten
// what contradicts itself, bulla.heads or bulla.events. Of one chain, or of all where it is null; with `tiles` reads all
// tiles of trees that ended. Costs next to nothing where no restore was recorded.
void VerifyEpochs(const LedgerId& ledger, const char* chain, bool tiles, ReportFinding report,
                  void* state);

// What is told of each epoch, a list of const char* in their order.
List* RestoresOf(const LedgerId& ledger);

}  // namespace bulla
