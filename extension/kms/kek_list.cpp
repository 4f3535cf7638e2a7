#include "kms/kek_list.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace bulla {
namespace {

Error BadList(const char* what) {
  return Error{
      Code::kInvalidArgument, std::string("setting bulla.kek ") + what,
      "Allowed: KEKs separated by commas; one that holds a comma stands in double quotes."};
}

void SkipSpaces(std::string_view* rest) {
  const size_t first = rest->find_first_not_of(" \t\n\r");
  rest->remove_prefix(first == std::string_view::npos ? rest->size() : first);
}

// Takes a quoted item off the front; nothing where the quote is not closed.
std::optional<std::string> TakeQuoted(std::string_view* rest) {
  std::string item;
  for (rest->remove_prefix(1); !rest->empty();) {
    const char next = rest->front();
    rest->remove_prefix(1);
    if (next != '"') {
      item.push_back(next);
    } else if (rest->starts_with('"')) {
      item.push_back('"');
      rest->remove_prefix(1);
    } else {
      return item;
    }
  }
  return std::nullopt;
}

std::string TakePlain(std::string_view* rest) {
  const size_t comma = std::min(rest->find(','), rest->size());
  std::string_view item = rest->substr(0, comma);
  rest->remove_prefix(comma);
  while (!item.empty() && std::string_view(" \t\n\r").find(item.back()) != std::string_view::npos)
    item.remove_suffix(1);
  return std::string(item);
}

}  // namespace

Result<std::vector<std::string>> SplitKekSetting(std::string_view setting) {
  std::vector<std::string> items;
  while (true) {
    SkipSpaces(&setting);
    if (setting.starts_with('"')) {
      std::optional<std::string> quoted = TakeQuoted(&setting);
      if (!quoted) return BadList("has a quote that is not closed");
      items.push_back(*std::move(quoted));
      SkipSpaces(&setting);
    } else {
      items.push_back(TakePlain(&setting));
    }
    if (items.back().empty()) return BadList("has an empty item");
    if (setting.empty()) return items;
    if (setting.front() != ',') return BadList("has something behind a closed quote");
    setting.remove_prefix(1);
  }
}

Result<KekList> KekList::Open(std::string_view setting, const ProviderEnvironment& environment) {
  if (setting.find_first_not_of(" \t\n\r") == std::string_view::npos)
    return Error{Code::kFailedPrecondition, "setting bulla.kek is not set",
                 "Set it to the place of the key-encryption key, for example 'file:PATH'."};
  const Result<std::vector<std::string>> items = SplitKekSetting(setting);
  if (!items.ok()) return items.error();
  std::vector<std::unique_ptr<KekProvider>> providers;
  for (const std::string& item : items.value()) {
    Result<std::unique_ptr<KekProvider>> provider = OpenProvider(item, environment);
    if (!provider.ok()) return provider.error();
    providers.push_back(std::move(provider).value());
  }
  return KekList(std::move(providers));
}

Result<KekProvider*> KekList::Find(const KekId& id) {
  KekProvider* found = nullptr;
  std::optional<Error> unreadable;
  std::string present;
  for (const auto& provider : providers_) {
    if (provider->kind() != id.kind) continue;
    const Result<KekId> its = provider->Id();
    if (!its.ok()) {
      unreadable = its.error();
      continue;
    }
    present.append(present.empty() ? "" : ", ").append(its.value().Text());
    if (its.value() != id) continue;
    if (found != nullptr)
      return Error{Code::kFailedPrecondition,
                   "setting bulla.kek names two KEKs with the id " + id.Text(),
                   "Give one of them another name; a KEK in a file stands there once."};
    found = provider.get();
  }
  if (found != nullptr) return found;
  if (unreadable) return *unreadable;
  return Error{Code::kFailedPrecondition,
               "key was wrapped under KEK " + id.Text() + ", which setting bulla.kek does not name",
               present.empty()
                   ? "It names no KEK of that kind; add the one that wrapped the key."
                   : "Of that kind it names " + present + "; add the one that wrapped the key."};
}

}  // namespace bulla
