#!/usr/bin/env python3
"""Computes the vectors of Merkle trees in test/unit/testdata/tree.json from RFC 6962, section 2.1,
written down as it stands there, without Bulla's code.

    python3 tree_vectors.py            compares the file with what it computes
    python3 tree_vectors.py --write    writes it

Needs Python's library only. docs/spec/tree.md quotes the results.
"""
import functools
import hashlib
import json
import pathlib
import sys

FILE = pathlib.Path(__file__).parent.parent / "testdata" / "tree.json"

# The leaves that implementations of Certificate Transparency are tested with, and the root of all eight.
ENTRIES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657",
           "606162636465666768696a6b6c6d6e6f"]
ROOT_OF_ALL = "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
MANY = 300


def sha256(data):
    return hashlib.sha256(data).digest()


def leaf_hash(entry):
    return sha256(b"\x00" + entry)


def split(count):
    """The largest power of two smaller than count."""
    k = 1
    while 2 * k < count:
        k *= 2
    return k


class Tree:
    """D[n] of RFC 6962, by the hashes of its leaves."""

    def __init__(self, leaves):
        self.leaves = leaves
        self.root = functools.lru_cache(maxsize=None)(self.root)

    def root(self, begin, end):
        """MTH(D[begin:end])"""
        if begin == end:
            return sha256(b"")
        if end - begin == 1:
            return self.leaves[begin]
        middle = begin + split(end - begin)
        return sha256(b"\x01" + self.root(begin, middle) + self.root(middle, end))

    def path(self, index, begin, end):
        """PATH(index, D[begin:end]), with index counted from begin"""
        if end - begin == 1:
            return []
        k = split(end - begin)
        if index < k:
            return self.path(index, begin, begin + k) + [self.root(begin + k, end)]
        return self.path(index - k, begin + k, end) + [self.root(begin, begin + k)]

    def proof(self, old, new):
        """PROOF(old, D[new])"""
        return self.subproof(old, 0, new, True)

    def subproof(self, old, begin, end, whole):
        """SUBPROOF(old, D[begin:end], whole), with old counted from begin"""
        if old == end - begin:
            return [] if whole else [self.root(begin, end)]
        k = split(end - begin)
        if old <= k:
            return self.subproof(old, begin, begin + k, whole) + [self.root(begin + k, end)]
        return self.subproof(old - k, begin + k, end, False) + [self.root(begin, begin + k)]


def hexes(hashes):
    return [item.hex() for item in hashes]


def all_proofs_digest(tree, count):
    """One hash over every root, path and proof of the trees of up to `count` leaves."""
    digest = hashlib.sha256()
    for size in range(1, count + 1):
        digest.update(tree.root(0, size))
        for index in range(size):
            for item in tree.path(index, 0, size):
                digest.update(item)
        for old in range(1, size):
            for item in tree.proof(old, size):
                digest.update(item)
    return digest.hexdigest()


def vectors():
    entries = [bytes.fromhex(entry) for entry in ENTRIES]
    tree = Tree([leaf_hash(entry) for entry in entries])
    count = len(entries)
    assert tree.root(0, count).hex() == ROOT_OF_ALL
    many = Tree([leaf_hash(str(number).encode()) for number in range(MANY)])
    return {
        "source": "docs/spec/tree.md",
        "entries": ENTRIES,
        "leaf_hashes": hexes(tree.leaves),
        "roots": [tree.root(0, size).hex() for size in range(count + 1)],
        "inclusion": [{"index": index, "size": size, "proof": hexes(tree.path(index, 0, size))}
                      for size in range(1, count + 1) for index in range(size)],
        "consistency": [{"old": old, "new": new, "proof": hexes(tree.proof(old, new))}
                        for new in range(2, count + 1) for old in range(1, new)],
        # The leaves of `many` are the hashes of "0", "1", … "299".
        "many": {"count": MANY, "root": many.root(0, MANY).hex(),
                 "all_proofs_digest": all_proofs_digest(many, 130)},
    }


def main():
    text = json.dumps(vectors(), indent=1) + "\n"
    if "--write" in sys.argv[1:]:
        FILE.write_text(text)
    elif not FILE.exists() or FILE.read_text() != text:
        sys.exit(f"differs from what the specification gives: {FILE.name}")


if __name__ == "__main__":
    main()
