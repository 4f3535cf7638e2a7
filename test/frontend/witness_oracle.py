"""Logs, their checkpoints and proofs, and what a witness says of them, written from docs/spec/checkpoint.md and
docs/spec/witness-state.md alone: nothing here is Bulla's code.

The trees are those of test/unit/oracle/tree_vectors.py, written from RFC 6962.
"""
import base64
import hashlib
import pathlib
import struct
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (Ed25519PrivateKey,
                                                               Ed25519PublicKey)
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "unit" / "oracle"))
# pylint: disable-next=wrong-import-position
from tree_vectors import Tree, leaf_hash  # noqa: E402

LOG, WITNESS = 1, 4  # the types of keys


def b64(data):
    return base64.b64encode(data).decode("ascii")


class Key:
    """An Ed25519 key with a name."""

    def __init__(self, name, kind, seed):
        self.name, self.kind = name, kind
        self.private = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.id = hashlib.sha256(name.encode("utf-8") + b"\n" + bytes([kind]) + self.public).digest()[:4]

    @property
    def vkey(self):
        return f"{self.name}+{self.id.hex()}+{b64(bytes([self.kind]) + self.public)}"

    def sign(self, message):
        return self.private.sign(message)

    def line(self, text):
        """A log's signature under a text."""
        return f"— {self.name} {b64(self.id + self.sign(text.encode('utf-8')))}\n"


class Log:
    """A log with its leaves; forks of it share the key."""

    def __init__(self, origin="log.example.com/a", name=None, seed=1, leaves=0):
        self.origin = origin
        self.key = Key(name or origin, LOG, bytes([seed]) * 32)
        self.leaves = []
        self.grow(leaves)

    def grow(self, count=1, salt=""):
        self.leaves += [leaf_hash(f"{salt}{len(self.leaves) + number}".encode("ascii"))
                        for number in range(count)]
        self.tree = Tree(self.leaves)
        return self

    def fork(self, at, count, salt):
        """The same log with another history from there on."""
        other = Log(self.origin, self.key.name)
        other.key = self.key
        other.leaves = self.leaves[:at]
        return other.grow(count, salt)

    @property
    def size(self):
        return len(self.leaves)

    @property
    def hash(self):
        """What the log is called in paths."""
        return hashlib.sha256(self.origin.encode("utf-8")).hexdigest()

    def text(self, size=None, extensions=()):
        size = self.size if size is None else size
        lines = [self.origin, str(size), b64(self.tree.root(0, size)), *extensions]
        return "".join(line + "\n" for line in lines)

    def note(self, size=None, extensions=(), keys=None):
        text = self.text(size, extensions)
        return text + "\n" + "".join(key.line(text) for key in keys or [self.key])

    def proof(self, old, size=None):
        size = self.size if size is None else size
        return self.tree.proof(old, size) if 0 < old < size else []

    def request(self, old, size=None, note=None, proof=None):
        proof = self.proof(old, size) if proof is None else proof
        return add_checkpoint(old, proof, note or self.note(size))


def add_checkpoint(old, proof, note):
    return (f"old {old}\n" + "".join(b64(item) + "\n" for item in proof) + "\n" + note).encode("utf-8")


def text_of(note):
    """What is signed of a note."""
    return note[:note.rindex("\n\n") + 1]


def parse_text(text):
    """Origin, size and root of a checkpoint."""
    origin, size, root = text.split("\n")[:3]
    return origin, int(size), base64.b64decode(root, validate=True)


def signatures(lines):
    """(name, key id, bytes) of each signature line."""
    found = []
    for line in lines.splitlines():
        dash, name, encoded = line.split(" ")
        data = base64.b64decode(encoded, validate=True)
        if dash != "—" or len(data) < 5:
            raise ValueError(f"no signature line: {line!r}")
        found.append((name, data[:4], data[4:]))
    return found


def parse_vkey(vkey):
    """(name, key id, public key) of a verifier key."""
    name, number, material = vkey.split("+", 2)
    material = base64.b64decode(material, validate=True)
    key_id = hashlib.sha256(name.encode("utf-8") + b"\n" + material).digest()[:4]
    if key_id.hex() != number:
        raise ValueError(f"another key id: {vkey}")
    return name, key_id, material[1:]


def cosigned_at(vkey, text, lines):
    """The time of the one cosignature by this key among the lines; AssertionError where it is none."""
    name, key_id, public = parse_vkey(vkey)
    own = [data for other, number, data in signatures(lines) if (other, number) == (name, key_id)]
    if len(own) != 1 or len(own[0]) != 72:
        raise AssertionError(f"{len(own)} cosignatures of {name} in {lines!r}")
    time = struct.unpack(">Q", own[0][:8])[0]
    message = f"cosignature/v1\ntime {time}\n{text}".encode("utf-8")
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(own[0][8:], message)
    except InvalidSignature:
        raise AssertionError(f"a cosignature of {name} is wrong: {lines!r}") from None
    return time


def read_key(path):
    """The witness's key out of its file."""
    text = pathlib.Path(path).read_text(encoding="utf-8")
    private, key, name, _, material = text.rstrip("\n").split("+", 4)
    if (private, key) != ("PRIVATE", "KEY"):
        raise ValueError("no private key")
    material = base64.b64decode(material, validate=True)
    return Key(name, material[0], material[1:])


def sign_state(body, key):
    """A state of that body as the witness itself would have written it."""
    return body + f"signature {b64(key.sign(body.encode('utf-8')))}\n"


def state_body(text):
    return text[:text.rindex("signature ")]


def write_state(key, time, logs):
    """The state of a witness with these logs: [(origin, [vkey], None or (time, note))]."""
    body = f"bulla.witness-state.v1\nwitness {key.vkey}\ntime {time}\n"
    for origin, vkeys, cosigned in sorted(logs, key=lambda log: log[0].encode("utf-8")):
        body += "".join(f"trust {vkey} {origin}\n" for vkey in vkeys)
        if cosigned:
            body += f"cosigned {cosigned[0]} {len(cosigned[1].encode('utf-8'))}\n{cosigned[1]}"
    return sign_state(body, key)


def consistent(one, other):
    """Whether of two histories, each the leaves of a tree, one is the beginning of the other."""
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]
