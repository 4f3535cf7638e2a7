// Findings as people and programs read them.
#pragma once

#include <string>
#include <string_view>

#include "verify/findings.h"
#include "verify/trust.h"

namespace bulla::verify {

// What the findings are about.
struct Subject {
  std::string text;  // "3 rows in 1 chain of public.audit (0f8c…)"
  uint64_t rows = 0;
  uint64_t chains = 0;
};

// A line for each finding, for what was proven and what is worth knowing; the outcome comes last. Control characters, which
// could play tricks on a terminal, are replaced.
std::string WriteText(const Findings& findings, const Subject& subject);
// One JSON object and a line feed.
std::string WriteJson(const Findings& findings, const Subject& subject);

// ", cosigned by NAME (TIME), …"; empty where nobody has.
std::string ToldBy(const TrustVerdict& verdict);

}  // namespace bulla::verify
