#!/usr/bin/env python3
"""Computes ../testdata/cell.json from docs/spec/cell.md alone, without Bulla's code.

    python3 cell_vectors.py            compares the file with what it computes
    python3 cell_vectors.py --write    writes it

Python's standard library is all it needs.
"""
import hashlib
import json
import pathlib
import struct
import sys
import uuid

TESTDATA = pathlib.Path(__file__).parent.parent / "testdata" / "cell.json"
PROTECTION = uuid.UUID("6f0d5c0e-2c53-4f6a-9b7e-0d3f1a2b4c5d")


def sized(data):
    return struct.pack(">I", len(data)) + data


def bound(name, value):
    """A column as it stands in a record."""
    if len(value) <= 256:
        return sized(name) + b"\x00" + sized(value)
    return sized(name) + b"\x01" + sized(hashlib.sha256(b"bulla.value.v1\x00" + value).digest())


def context(columns):
    return (b"bulla.cell.v1\x00" + PROTECTION.bytes
            + b"".join(bound(name.encode(), value.encode()) for name, value in columns))


def vectors():
    cases = {
        "the row of docs/spec/cell.md": [("tenant", "acme"), ("id", "42")],
        "bound to nothing": [],
        "in the order in which they were bound, not that of their names": [("b", "1"), ("a", "2")],
        "an empty value": [("note", "")],
        "a value of 256 bytes is literal": [("long", "x" * 256)],
        "a longer one is digested": [("long", "x" * 257)],
        "a name and a value beyond ASCII": [("é", "état civil")],
        "lengths keep names and values apart": [("ab", "c")],
        "so that these two differ": [("a", "bc")],
        "as many columns as there can be": [(f"column {i:02}", str(i)) for i in range(16)],
        "a name as long as there can be": [("n" * 63, "1")],
    }
    for desc, columns in cases.items():
        yield {"desc": desc, "protection": PROTECTION.bytes.hex(), "bound": [list(c) for c in columns],
               "context": context(columns).hex()}


def rendered():
    document = {"source": "docs/spec/cell.md", "contexts": list(vectors())}
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def main():
    if sys.argv[1:] == ["--write"]:
        TESTDATA.write_text(rendered(), encoding="utf-8")
    elif sys.argv[1:]:
        sys.exit(__doc__)
    elif not TESTDATA.exists() or TESTDATA.read_text(encoding="utf-8") != rendered():
        sys.exit(f"{TESTDATA} is not what the specification gives")


if __name__ == "__main__":
    main()
