#!/usr/bin/env python3
"""Computes ../testdata/record.json from docs/spec/record.md alone, without Bulla's code.

    python3 record_vectors.py            compares the file with what it computes
    python3 record_vectors.py --write    writes it

Python's standard library is all it needs.
"""
import hashlib
import struct

from vector_files import compare_or_write

ZERO_HASH = bytes(32)
MAX_RECORD = 65_535
MAX_CHAIN_KEY = 1_024
MAX_LITERAL = 256


class Refused(Exception):
    """There is no such record; the message says why."""


def u32(number):
    return struct.pack(">I", number)


def sized(data):
    return u32(len(data)) + data


def chain_key(values):
    key = b"".join(sized(value.encode()) for value in values)
    if len(key) > MAX_CHAIN_KEY:
        raise Refused("chain key too long")
    return key


def quoted(field):
    """A field of PostgreSQL's text of a row."""
    if field != "" and not any(c in '"\\(),' or c in " \t\n\v\f\r" for c in field):
        return field
    return '"' + field.replace("\\", "\\\\").replace('"', '""') + '"'


def chain_name(values):
    if len(values) < 2:
        return "".join(values)
    return "(" + ",".join(quoted(value) for value in values) + ")"


def column(name, value):
    if len(value) > MAX_LITERAL:
        kind, content = 1, hashlib.sha256(b"bulla.value.v1\x00" + value).digest()
    else:
        kind, content = 0, value
    return sized(name) + bytes([kind]) + sized(content)


def prefix(ledger_id, key, columns):
    """All that comes before seq. `columns` in any order; a value of None is NULL."""
    present = sorted((name.encode(), value.encode()) for name, value in columns if value is not None)
    return (b"bulla.record.v1\x00" + ledger_id + sized(key) + u32(len(present))
            + b"".join(column(name, value) for name, value in present))


def record(ledger_id, key, columns, seq, prev_hash):
    result = prefix(ledger_id, key, columns) + struct.pack(">Q", seq) + prev_hash
    if len(result) > MAX_RECORD:
        raise Refused("record too long")
    return result


def leaf_hash(data):
    return hashlib.sha256(b"\x00" + data).digest()


LEDGER = bytes.fromhex("0f8c5b1e3f7a4c2d9e604b1d2a3c4e5f")
OTHER_LEDGER = bytes.fromhex("ffffffffffffffffffffffffffffffff")
SOME_HASH = hashlib.sha256(b"the row before").digest()
AUDIT = [("event_id", "7d0c1a52-58f5-4b7b-9c4e-6d1f0b2a3c4d"),
         ("at", "2026-03-01 12:34:56.789+00"),
         ("action", "login")]
FULL = 243  # columns of 269 bytes, which leave 88 bytes


def stated(columns):
    """Columns as the file gives them: [name, value], [name, null], or [name, text, times]."""
    given = []
    for name, value in columns:
        if value and len(value) >= 64 and value == value[0] * len(value):
            given.append([name, value[0], len(value)])
        else:
            given.append([name, value])
    return given


def vector(desc, columns, chain=(), seq=0, prev_hash=ZERO_HASH, ledger=LEDGER, brief=False):
    result = {"desc": desc, "ledger_id": ledger.hex(), "chain": list(chain),
              "columns": stated(columns), "seq": seq, "prev_hash": prev_hash.hex()}
    try:
        key = chain_key(chain)
        data = record(ledger, key, columns, seq, prev_hash)
    except Refused as refused:
        return result | {"want_error": str(refused)}
    want = {"chain_name": chain_name(chain), "chain_key": key.hex(), "record_size": len(data)}
    if not brief:
        want |= {"prefix": data[:-40].hex(), "record": data.hex()}
    return result | {"want": want | {"hash": leaf_hash(data).hex()}}


def linked(desc, rows, chain=()):
    """Rows of one chain, each with the hash of the one before."""
    prev_hash = ZERO_HASH
    for seq, columns in enumerate(rows):
        made = vector(f"{desc}, row {seq}", columns, chain, seq, prev_hash)
        prev_hash = bytes.fromhex(made["want"]["hash"])
        yield made


def filled(last):
    """Columns that leave room for a last one of 78 bytes."""
    return [(f"c{i:03}", "x" * MAX_LITERAL) for i in range(FULL)] + [("z", "y" * last)]


def vectors():
    yield vector("a row without columns", [])
    yield vector("one text", [("note", "état civil")])
    yield vector("an empty text is not NULL", [("note", "")])
    yield vector("NULL is left out", [("a", None), ("note", ""), ("z", None)])
    yield vector("all columns NULL: the record of a row without columns", [("a", None), ("b", None)])
    yield vector("another ledger", [("note", "état civil")], ledger=OTHER_LEDGER)
    yield vector("256 bytes stand as they are", [("v", "x" * 256)])
    yield vector("257 bytes are digested", [("v", "x" * 257)])
    yield vector("256 bytes in 128 characters stand as they are", [("v", "é" * 128)])
    yield vector("258 bytes in 129 characters are digested", [("v", "é" * 129)])
    yield vector("a million bytes take no more room", [("v", "x" * 1_000_000)])
    yield vector("columns in the order of their names' bytes, given in another",
                 [("z", "1"), ("a", "2"), ("B", "3"), ("ab", "4"), ("a b", "5"), ("_", "6")])
    yield vector("names beyond ASCII: by UTF-8 bytes, neither by UTF-16 nor by any collation",
                 [("\U0001f600", "1"), ("\ufffd", "2"), ("ä", "3"), ("a\u0308", "4"), ("z", "5"),
                  ("Ä", "6"), ("日本", "7")])
    yield vector("a value with quotes, a line feed and a backslash",
                 [("v", "say \"it's\",\n\\x00\\n")])
    yield vector("chain_by one column, which is among the columns too",
                 [("tenant", "acme")] + AUDIT, ["acme"])
    yield vector("chain_by one column, the empty text", [("tenant", "")], [""])
    yield vector("chain_by two columns", [("tenant", "acme"), ("lane", "7")], ["acme", "7"])
    yield vector("lengths keep apart what concatenation would not",
                 [("tenant", "acme7"), ("lane", "")], ["acme7", ""])
    yield vector("chain_by order is not name order", [("b", "1"), ("a", "2")], ["1", "2"])
    yield vector("a chain's name quotes as PostgreSQL's rows do",
                 [("a", "two words"), ("b", 'say "hi"'), ("c", "a\\b"), ("d", "x,y"), ("e", "(")],
                 ["two words", 'say "hi"', "a\\b", "x,y", "("])
    yield vector("a chain key of 1,024 bytes",
                 [("tenant", "t" * 1_020)], ["t" * 1_020])
    yield vector("a chain key of 1,025 bytes", [("tenant", "t" * 1_021)], ["t" * 1_021])
    yield vector("seq 1", [("note", "x")], seq=1, prev_hash=SOME_HASH)
    yield vector("seq 2^32", [("note", "x")], seq=2**32, prev_hash=SOME_HASH)
    yield vector("seq 2^63-1", [("note", "x")], seq=2**63 - 1, prev_hash=SOME_HASH)
    yield vector("a record of 65,535 bytes", filled(78), brief=True)
    yield vector("a record of 65,536 bytes", filled(79), brief=True)
    yield from linked("a chain", [[("id", "1"), ("who", "alice"), ("what", "opened the account")],
                                  [("id", "2"), ("who", "bob"), ("what", None)],
                                  [("id", "3"), ("who", "alice"), ("what", "closed it")]])
    yield from linked("a chain of a tenant",
                      [[("tenant", "acme"), ("n", "10")], [("tenant", "acme"), ("n", "20")]],
                      ["acme"])


def document():
    return {
        "source": "docs/spec/record.md",
        "format": "A column is [name, value], in no particular order; null is NULL, and [name, text, "
                  "times] repeats a text. chain holds the chain_by values in order.",
        "vectors": list(vectors()),
    }


if __name__ == "__main__":
    compare_or_write(__doc__, {"record.json": document})
