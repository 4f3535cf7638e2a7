#!/usr/bin/env python3
"""Computes ../testdata/cell.json from docs/spec/cell.md alone, without Bulla's code.

    python3 cell_vectors.py            compares the file with what it computes
    python3 cell_vectors.py --write    writes it

Python's standard library is all it needs.
"""
import uuid

from record_vectors import column
from vector_files import compare_or_write

PROTECTION = uuid.UUID("6f0d5c0e-2c53-4f6a-9b7e-0d3f1a2b4c5d")


def context(columns):
    return (b"bulla.cell.v1\x00" + PROTECTION.bytes
            + b"".join(column(name.encode(), value.encode()) for name, value in columns))


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


def document():
    return {"source": "docs/spec/cell.md", "contexts": list(vectors())}


if __name__ == "__main__":
    compare_or_write(__doc__, {"cell.json": document})
