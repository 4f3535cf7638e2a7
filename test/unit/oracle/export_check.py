#!/usr/bin/python3
"""Checks an export, written from docs/spec/export.md and docs/spec/record.md alone.

usage: export_check.py [FILE]

Without a FILE, the example of the specification and test/unit/testdata/export.jsonl, which must be the same.
"""
import base64
import hashlib
import hmac
import json
import pathlib
import struct
import sys
import uuid


def sized(data):
    return struct.pack(">I", len(data)) + data


def column(name, text, opening):
    """One column of a record."""
    name = name.encode()
    if opening is not None:
        return sized(name) + b"\2" + sized(bytes.fromhex(opening["commitment"]))
    text = text.encode()
    if len(text) <= 256:
        return sized(name) + b"\0" + sized(text)
    return sized(name) + b"\1" + sized(hashlib.sha256(b"bulla.value.v1\0" + text).digest())


def check_opening(name, opening, text):
    if "salt" not in opening:
        assert text is None, f"{name} is erased, and has a text"
        return
    assert text is not None, f"{name} has a salt, and no text"
    message = b"bulla.commit.v1\0" + sized(name.encode()) + sized(text.encode())
    assert hmac.new(bytes.fromhex(opening["salt"]), message, "sha256").hexdigest() == \
        opening["commitment"], f"{name} does not match its commitment"


def record(ledger, row):
    texts, openings = row["columns"], row.get("openings", {})
    for name, opening in openings.items():
        assert name in ledger["erasable"], f"{name} is not erasable"
        check_opening(name, opening, texts.get(name))
    for name in texts:
        assert name in openings or name not in ledger["erasable"], f"{name} has no opening"
        assert name in [known["name"] for known in ledger["columns"]], f"{name} is no column"
    names = sorted({*texts, *openings}, key=str.encode)
    key = b"".join(sized(texts[name].encode()) for name in ledger["chainBy"])
    return (b"bulla.record.v1\0" + uuid.UUID(ledger["ledgerId"]).bytes + sized(key) +
            struct.pack(">I", len(names)) +
            b"".join(column(name, texts.get(name), openings.get(name)) for name in names) +
            struct.pack(">Q", row["seq"]) + bytes.fromhex(row["prevHash"]))


def check(lines):
    """Returns (chains, rows); raises AssertionError with the number of the line."""
    number, rows, seen, before = 0, 0, set(), None
    digest = hashlib.sha256()
    ledger = None
    for number, raw in enumerate(lines, 1):
        try:
            line = json.loads(raw)
            canonical = json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n"
            assert raw == canonical.encode(), "not in canonical form"
            kind = line["line"]
            if number == 1:
                assert kind == "ledger" and line["format"] == "bulla.export.v1", "no header"
                ledger = line
            elif kind == "row":
                assert before is None or before["chain"] == line["chain"], "a chain is not ended"
                assert before is not None or line["chain"] not in seen, "a chain comes twice"
                if before is not None:
                    assert line["seq"] == before["seq"] + 1, "a row is missing"
                    assert line["prevHash"] == before["hash"], "not linked"
                assert line["seq"] > 0 or line["prevHash"] == "00" * 32, "the first is linked"
                data = record(ledger, line)
                assert base64.b64encode(data).decode() == line["record"], "another record"
                assert hashlib.sha256(b"\0" + data).hexdigest() == line["hash"], "another hash"
                before = line
                first = line["seq"] if line["chain"] not in seen else first
                seen.add(line["chain"])
                rows += 1
            elif kind == "chain":
                assert (line["chain"], line["lastSeq"], line["lastHash"]) == \
                    (before["chain"], before["seq"], before["hash"]), "another end of the chain"
                assert line["rows"] == before["seq"] - first + 1, "another number of rows"
                before = None
            else:
                assert kind == "end" and before is None, "not an end"
                assert (line["chains"], line["rows"]) == (len(seen), rows), "other counts"
                assert line["sha256"] == digest.hexdigest(), "another digest"
                assert next(lines, None) is None, "something follows the end"
                return len(seen), rows
            digest.update(raw)
        except (AssertionError, KeyError, TypeError, ValueError) as error:
            raise AssertionError(f"line {number}: {error}") from error
    raise AssertionError(f"line {number + 1}: no end")


def example():
    """The first indented block of the specification."""
    text = (root / "docs/spec/export.md").read_text(encoding="utf-8")
    block = text[text.index("    {"):].split("\n\n", 1)[0]
    return "".join(line[4:] + "\n" for line in block.splitlines()).encode()


if __name__ == "__main__":
    root = pathlib.Path(__file__).resolve().parents[3]
    if len(sys.argv) > 1:
        with open(sys.argv[1], "rb") as export:
            try:
                print("%d chains, %d rows" % check(export))
            except AssertionError as wrong:
                sys.exit(str(wrong))
    else:
        vector = (root / "test/unit/testdata/export.jsonl").read_bytes()
        assert example() == vector, "docs/spec/export.md and testdata/export.jsonl differ"
        assert check(iter(vector.splitlines(keepends=True))) == (1, 2)
