#include "core/export_lines.h"

#include "core/base64.h"
#include "core/hex.h"

namespace bulla {
namespace {

void PutHex(Bytes bytes, std::string* out) {
  out->push_back('"');
  const size_t begin = out->size();
  out->resize(begin + 2 * bytes.size());
  EncodeHex(bytes, out->data() + begin);
  out->push_back('"');
}

void PutBase64(Bytes bytes, std::string* out) {
  out->push_back('"');
  const size_t begin = out->size();
  out->resize(begin + Base64Size(bytes.size()));
  EncodeBase64(bytes, {out->data() + begin, out->size() - begin});
  out->push_back('"');
}

// The short form of a control character's escape; 0 where it has none.
char ShortEscape(char c) {
  switch (c) {
    case '"':
    case '\\':
      return c;
    case '\b':
      return 'b';
    case '\t':
      return 't';
    case '\n':
      return 'n';
    case '\f':
      return 'f';
    case '\r':
      return 'r';
    default:
      return 0;
  }
}

// One text has one form: nothing is escaped that need not be.
void PutText(std::string_view text, std::string* out) {
  out->push_back('"');
  for (const char c : text) {
    if (const char escape = ShortEscape(c)) {
      out->push_back('\\');
      out->push_back(escape);
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out->append("\\u00");
      out->push_back(kHexDigits[static_cast<unsigned char>(c) >> 4]);
      out->push_back(kHexDigits[c & 15]);
    } else {
      out->push_back(c);
    }
  }
  out->push_back('"');
}

void PutTextList(std::span<const std::string_view> texts, std::string* out) {
  out->push_back('[');
  for (const std::string_view text : texts) {
    if (out->back() != '[') out->push_back(',');
    PutText(text, out);
  }
  out->push_back(']');
}

void PutColumns(std::span<const ExportColumn> columns, std::string* out) {
  out->push_back('[');
  for (const ExportColumn& column : columns) {
    out->append(out->back() == '[' ? R"({"name":)" : R"(,{"name":)");
    PutText(column.name, out);
    out->append(R"(,"type":)");
    PutText(column.type, out);
    out->push_back('}');
  }
  out->push_back(']');
}

void PutValues(std::span<const ExportValue> values, std::string* out) {
  out->push_back('{');
  for (const ExportValue& value : values) {
    if (out->back() != '{') out->push_back(',');
    PutText(value.name, out);
    out->push_back(':');
    PutText(value.text, out);
  }
  out->push_back('}');
}

void PutOpenings(std::span<const Opening> openings, std::string* out) {
  out->push_back('{');
  for (const Opening& opening : openings) {
    if (out->back() != '{') out->push_back(',');
    PutText(AsText(opening.name), out);
    out->append(R"(:{"commitment":)");
    PutHex(opening.commitment, out);
    if (!opening.erased()) {
      out->append(R"(,"salt":)");
      PutHex(opening.salt, out);
    }
    out->push_back('}');
  }
  out->push_back('}');
}

}  // namespace

std::string_view ExportLines::Header(const ExportHeader& header) {
  hasher_.Start();
  line_ = R"({"line":"ledger","format":"bulla.export.v1","ledgerId":)";
  PutText(header.ledger_id, &line_);
  line_.append(R"(,"ledger":)");
  PutText(header.ledger, &line_);
  line_.append(R"(,"createdAt":)");
  PutText(header.created_at, &line_);
  line_.append(R"(,"createdBy":)");
  PutText(header.created_by, &line_);
  line_.append(R"(,"retroactiveRows":)").append(std::to_string(header.retroactive_rows));
  line_.append(R"(,"chainBy":)");
  PutTextList(header.chain_by, &line_);
  line_.append(R"(,"erasable":)");
  PutTextList(header.erasable, &line_);
  line_.append(R"(,"columns":)");
  PutColumns(header.columns, &line_);
  line_.append(R"(,"chain":)");
  if (header.chain) {
    PutText(*header.chain, &line_);
  } else {
    line_.append("null");
  }
  line_.append(R"(,"fromSeq":)").append(std::to_string(header.first));
  line_.append(R"(,"toSeq":)").append(header.last ? std::to_string(*header.last) : "null");
  line_.push_back('}');
  return Finish();
}

void ExportLines::BeginChain(std::string_view name) {
  chain_.clear();
  PutText(name, &chain_);
  chain_rows_ = 0;
  ++chains_;
}

std::string_view ExportLines::Row(const ExportRow& row) {
  last_seq_ = row.seq;
  last_hash_.clear();
  PutHex(row.hash, &last_hash_);
  ++chain_rows_;
  ++rows_;

  line_.assign(R"({"line":"row","chain":)").append(chain_);
  line_.append(R"(,"seq":)").append(std::to_string(row.seq)).append(R"(,"prevHash":)");
  PutHex(row.prev_hash, &line_);
  line_.append(R"(,"hash":)").append(last_hash_).append(R"(,"columns":)");
  PutValues(row.values, &line_);
  if (!row.openings.empty()) {
    line_.append(R"(,"openings":)");
    PutOpenings(row.openings, &line_);
  }
  line_.append(R"(,"record":)");
  if (row.record) {
    PutBase64(*row.record, &line_);
  } else {
    line_.append("null");
  }
  line_.push_back('}');
  return Finish();
}

std::string_view ExportLines::EndChain() {
  line_.assign(R"({"line":"chain","chain":)").append(chain_);
  line_.append(R"(,"rows":)").append(std::to_string(chain_rows_));
  line_.append(R"(,"lastSeq":)").append(std::to_string(last_seq_));
  line_.append(R"(,"lastHash":)").append(last_hash_).push_back('}');
  return Finish();
}

Result<std::string_view> ExportLines::End() {
  Sha256Digest digest;
  if (!hasher_.Finish(&digest)) return Error{Code::kInternal, "SHA-256 failed", {}};
  line_.assign(R"({"line":"end","chains":)").append(std::to_string(chains_));
  line_.append(R"(,"rows":)").append(std::to_string(rows_)).append(R"(,"sha256":)");
  PutHex(digest.bytes, &line_);
  line_.push_back('}');
  return std::string_view(line_);
}

// The digest covers each line with its line end.
std::string_view ExportLines::Finish() {
  line_.push_back('\n');
  hasher_.Update(AsBytes(line_));
  line_.pop_back();
  return line_;
}

}  // namespace bulla
