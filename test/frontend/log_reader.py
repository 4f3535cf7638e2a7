"""What somebody computes who reads a log from outside, from C2SP's texts and RFC 6962 and without Bulla's code."""
import base64
import hashlib
import sys

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from support import ROOT

sys.path.insert(0, str(ROOT / "test" / "unit" / "oracle"))
# pylint: disable-next=wrong-import-position,import-error
from tree_vectors import Tree, leaf_hash, sha256  # noqa: E402

HASH_SIZE = 32
WIDTH = 256


def root_of(leaves):
    return Tree(leaves).root(0, len(leaves))


def path_of(index, leaves):
    return Tree(leaves).path(index, 0, len(leaves))


def split_hashes(tile):
    assert len(tile) % HASH_SIZE == 0 and 0 < len(tile) <= WIDTH * HASH_SIZE, len(tile)
    return [tile[i:i + HASH_SIZE] for i in range(0, len(tile), HASH_SIZE)]


def split_entries(bundle):
    entries = []
    while bundle:
        size = int.from_bytes(bundle[:2], "big")
        assert len(bundle) >= 2 + size
        entries.append(bundle[2:2 + size])
        bundle = bundle[2 + size:]
    return entries


def index_path(index):
    """1234067 → x001/x234/067"""
    path = f"{index % 1000:03}"
    while index := index // 1000:
        path = f"x{index % 1000:03}/{path}"
    return path


def tile_path(level, index, width=WIDTH):
    """level may be "entries"."""
    return f"tile/{level}/{index_path(index)}" + (f".p/{width}" if width < WIDTH else "")


class Checkpoint:
    """A signed note whose signature by this verifier key is good."""

    def __init__(self, note, verifier_key):
        text, _, signatures = note.rpartition("\n\n")
        text += "\n"
        name, key_id, key = verifier_key.split("+", 2)
        key = base64.b64decode(key, validate=True)
        assert key[0] == 1 and len(key) == 1 + HASH_SIZE
        assert hashlib.sha256(name.encode() + b"\n" + key).digest()[:4].hex() == key_id
        mine = [base64.b64decode(line.split(" ")[2], validate=True) for line in signatures.splitlines()
                if line.startswith(f"— {name} ")]
        mine = [signature for signature in mine if signature[:4].hex() == key_id]
        assert len(mine) == 1, note
        Ed25519PublicKey.from_public_bytes(key[1:]).verify(mine[0][4:], text.encode())
        origin, size, root = text.splitlines()
        assert origin == name
        self.origin, self.size, self.root = origin, int(size), base64.b64decode(root, validate=True)


def check_inclusion(leaf, index, size, proof, root):
    """RFC 9162, 2.1.3.2"""
    assert 0 <= index < size
    first, last, node = index, size - 1, leaf
    for neighbour in proof:
        assert last > 0
        if first % 2 == 1 or first == last:
            node = sha256(b"\x01" + neighbour + node)
            while first % 2 == 0 and first > 0:
                first, last = first // 2, last // 2
        else:
            node = sha256(b"\x01" + node + neighbour)
        first, last = first // 2, last // 2
    assert last == 0 and node == root


def check_consistency(old_size, new_size, proof, old_root, new_root):
    """RFC 9162, 2.1.4.2"""
    assert 0 < old_size <= new_size
    if old_size == new_size:
        assert not proof and old_root == new_root
        return
    path = [old_root] + proof if old_size & (old_size - 1) == 0 else list(proof)
    first, last = old_size - 1, new_size - 1
    while first % 2 == 1:
        first, last = first // 2, last // 2
    old = new = path[0]
    for neighbour in path[1:]:
        assert last > 0
        if first % 2 == 1 or first == last:
            old, new = sha256(b"\x01" + neighbour + old), sha256(b"\x01" + neighbour + new)
            while first % 2 == 0 and first > 0:
                first, last = first // 2, last // 2
        else:
            new = sha256(b"\x01" + new + neighbour)
        first, last = first // 2, last // 2
    assert last == 0 and old == old_root and new == new_root


__all__ = ["Checkpoint", "Tree", "check_consistency", "check_inclusion", "index_path", "leaf_hash", "path_of",
           "root_of", "split_entries", "split_hashes", "tile_path"]
