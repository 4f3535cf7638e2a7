#include "verify/report.h"

#include <ctime>

#include <nlohmann/json.hpp>

namespace bulla::verify {
namespace {

using Json = nlohmann::ordered_json;

// Controls of ASCII, and those of Unicode's second block: c2 80 to c2 9f in UTF-8.
std::string Printable(std::string text) {
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool second = i > 0 && static_cast<unsigned char>(text[i - 1]) == 0xC2 && byte < 0xA0;
    if (byte < 0x20 || byte == 0x7F) text[i] = '?';
    if (second) text[i - 1] = text[i] = '?';
  }
  return text;
}

std::string TextOf(const Finding& finding) {
  std::string text = finding.verdict + ": ";
  if (finding.chain && !finding.chain->empty()) text += "chain \"" + *finding.chain + "\", ";
  if (finding.seq) text += "seq " + std::to_string(*finding.seq) + ", ";
  if (text.ends_with(", ")) text.replace(text.size() - 2, 2, ": ");
  return text + finding.text;
}

std::string Count(uint64_t count, const char* what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

Json JsonOf(const Finding& finding) {
  Json json;
  json["verdict"] = finding.verdict;
  json["outcome"] = NameOf(finding.outcome);
  json["chain"] = finding.chain ? Json(*finding.chain) : Json(nullptr);
  json["seq"] = finding.seq ? Json(*finding.seq) : Json(nullptr);
  json["text"] = finding.text;
  return json;
}

std::string TimeText(PosixTime time) {
  const auto seconds = static_cast<std::time_t>(time.seconds);
  std::tm parts{};
  char text[40];
  if (gmtime_r(&seconds, &parts) == nullptr ||
      std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
    return std::to_string(time.seconds);
  return text;
}

}  // namespace

std::string WriteText(const Findings& findings, const Subject& subject) {
  std::string text;
  for (const Finding& finding : findings.kept()) text += Printable(TextOf(finding)) + "\n";
  if (findings.count() > findings.kept().size())
    text += "and " + Count(findings.count() - findings.kept().size(), "more finding") + "\n";
  for (const std::string& sentence : findings.proven())
    text += Printable("shown: " + sentence) + "\n";
  for (const std::string& note : findings.notes()) text += Printable("note: " + note) + "\n";
  return text + Printable(std::string(NameOf(findings.outcome())) + ": " + subject.text) + "\n";
}

std::string WriteJson(const Findings& findings, const Subject& subject) {
  Json json;
  json["outcome"] = NameOf(findings.outcome());
  json["exitCode"] = static_cast<int>(findings.outcome());
  json["subject"] = subject.text;
  json["rows"] = subject.rows;
  json["chains"] = subject.chains;
  json["findingCount"] = findings.count();
  json["findings"] = Json::array();
  for (const Finding& finding : findings.kept()) json["findings"].push_back(JsonOf(finding));
  json["shown"] = findings.proven();
  json["notes"] = findings.notes();
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string ToldBy(const TrustVerdict& verdict) {
  std::string text;
  for (const PolicyVerdict::Cosigner& cosigner : verdict.cosigners)
    text += ", cosigned by " + cosigner.name + " at " + TimeText(cosigner.time);
  return text;
}

}  // namespace bulla::verify
