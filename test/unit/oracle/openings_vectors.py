#!/usr/bin/env python3
"""Computes ../testdata/openings.json from docs/spec/record.md alone, without Bulla's code.

    python3 openings_vectors.py            compares the file with what it computes
    python3 openings_vectors.py --write    writes it

Python's standard library is all it needs.
"""
import hashlib
import hmac
import struct

from record_vectors import AUDIT, LEDGER, ZERO_HASH, chain_key, column, leaf_hash, sized, u32
from vector_files import compare_or_write


def salt(number):
    return hashlib.sha256(b"salt %d" % number).digest()


def committed(name, value):
    """What the commitment is made of."""
    return b"bulla.commit.v1\x00" + sized(name) + sized(value)


def commitment(key, name, value):
    return hmac.new(key, committed(name, value), "sha256").digest()


def opening(name, made, key):
    """key is None once the value is erased."""
    state, rest = (b"\x00", b"") if key is None else (b"\x01", key)
    return struct.pack(">H", len(name)) + name + state + made + rest


def openings(entries):
    return b"\x01" + struct.pack(">H", len(entries)) + b"".join(opening(*e) for e in sorted(entries))


def record(ledger, key, columns, entries, seq, prev_hash):
    parts = {name.encode(): column(name.encode(), value.encode())
             for name, value in columns if value is not None}
    parts |= {name: sized(name) + b"\x02" + sized(made) for name, made, _ in entries}
    return (b"bulla.record.v1\x00" + ledger + sized(key) + u32(len(parts))
            + b"".join(parts[name] for name in sorted(parts)) + struct.pack(">Q", seq) + prev_hash)


def row(desc, columns, erasable, chain=()):
    """erasable: name to value, None for NULL; each gets a salt of its own."""
    present = sorted((name.encode(), value.encode()) for name, value in erasable.items()
                     if value is not None)
    entries = [(name, commitment(salt(i), name, value), salt(i))
               for i, (name, value) in enumerate(present)]
    key = chain_key(chain)
    data = record(LEDGER, key, columns, entries, 0, ZERO_HASH)
    return {
        "desc": desc,
        "ledger_id": LEDGER.hex(),
        "chain": list(chain),
        "columns": [list(pair) for pair in columns],
        "erasable": [{"name": name, "value": value} for name, value in erasable.items()],
        "commitments": [{"name": name.decode(), "salt": salt(i).hex(), "message": committed(name, value).hex(),
                         "commitment": entries[i][1].hex()} for i, (name, value) in enumerate(present)],
        "openings": openings(entries).hex() if entries else None,
        "one_erased": [{"column": erased[0].decode(),
                        "openings": openings([(n, c, None if n == erased[0] else k)
                                              for n, c, k in entries]).hex()}
                       for erased in entries],
        "all_erased": openings([(n, c, None) for n, c, _ in entries]).hex() if entries else None,
        "record": data.hex(),
        "hash": leaf_hash(data).hex(),
    }


def rows():
    yield row("the row of docs/spec/record.md", [("tenant", "acme")] + AUDIT,
              {"client_ip": "192.0.2.7"}, ["acme"])
    yield row("two erasable values among others", [("a", "1"), ("z", "2")],
              {"metadata": '{"k": "v"}', "client_ip": "192.0.2.7"})
    yield row("NULL is left out and has no opening", [("a", "1")], {"client_ip": None, "note": "x"})
    yield row("no erasable value: no openings", [("a", "1")], {"client_ip": None})
    yield row("an empty text has an opening", [("a", "1")], {"note": ""})
    yield row("a long value takes no more room", [("a", "1")], {"note": "x" * 1000})
    yield row("the same value in two columns gives two commitments", [], {"a": "x", "b": "x"})
    yield row("a name beyond ASCII", [("z", "1")], {"é": "x"})
    yield row("nothing but erasable values", [], {"é": "x", "e": "y", "A": "z"})


def malformed():
    a = opening(b"a", bytes(32), bytes(32))
    b = opening(b"b", bytes(32), None)
    head = b"\x01\x00"
    yield "nothing at all", b""
    yield "format 0", b"\x00\x00\x01" + a
    yield "format 2", b"\x02\x00\x01" + a
    yield "no opening", head + b"\x00"
    yield "fewer than counted", head + b"\x02" + a
    yield "more than counted", head + b"\x01" + a + b
    yield "a byte too many", head + b"\x01" + a + b"\x00"
    yield "names out of order", head + b"\x02" + b + a
    yield "a name twice", head + b"\x02" + a + a
    yield "an empty name", head + b"\x01" + opening(b"", bytes(32), None)
    yield "a name of 256 bytes", head + b"\x01" + opening(b"x" * 256, bytes(32), None)
    yield "a name longer than what is left", head + b"\x01\xff\xff" + a[2:]
    yield "state 2", head + b"\x01" + a[:3] + b"\x02" + a[4:]
    yield "open without a salt", head + b"\x01" + b[:3] + b"\x01" + b[4:]
    yield "erased with a salt", head + b"\x01" + a[:3] + b"\x00" + a[4:]


def document():
    return {
        "source": "docs/spec/record.md",
        "format": "Rows of seq 0. columns are the ordinary ones, [name, value].",
        "rows": list(rows()),
        "malformed": [{"desc": desc, "openings": data.hex()} for desc, data in malformed()],
        "hmac": [  # RFC 4231, cases 1, 2, 3
            {"key": "0b" * 20, "message": b"Hi There".hex(),
             "mac": "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
            {"key": b"Jefe".hex(), "message": b"what do ya want for nothing?".hex(),
             "mac": "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
            {"key": "aa" * 20, "message": "dd" * 50,
             "mac": "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
        ],
    }


if __name__ == "__main__":
    compare_or_write(__doc__, {"openings.json": document})
