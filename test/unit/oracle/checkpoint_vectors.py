#!/usr/bin/env python3
"""Computes the vectors of signed notes, checkpoints and cosignatures in test/unit/testdata/checkpoint.json
from C2SP signed-note, tlog-checkpoint, tlog-cosignature and tlog-proof, RFC 8032 and docs/spec/checkpoint.md,
without Bulla's code.

    python3 checkpoint_vectors.py            compares the file with what it computes
    python3 checkpoint_vectors.py --write    writes it

Needs Python's library only. docs/spec/checkpoint.md quotes the results.
"""
import base64
import hashlib
import hmac
import json
import pathlib
import sys

from tree_vectors import ENTRIES, Tree, leaf_hash

FILE = pathlib.Path(__file__).parent.parent / "testdata" / "checkpoint.json"

# Ed25519: the curve of RFC 8032, section 5.1, in affine coordinates. Slow, and plain.
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
BASE = (15112221349535400772501151409588531511454012693041857206046113283949847762202,
        46316835694926478169428394003475163141307993866256225615783033603165251855960)


def add(a, b):
    (x1, y1), (x2, y2) = a, b
    k = D * x1 * x2 * y1 * y2 % P
    return ((x1 * y2 + x2 * y1) * pow(1 + k, -1, P) % P, (y1 * y2 + x1 * x2) * pow(1 - k, -1, P) % P)


def multiply(number, point):
    result = (0, 1)
    while number:
        if number & 1:
            result = add(result, point)
        point = add(point, point)
        number >>= 1
    return result


def encode(point):
    x, y = point
    return (y | (x & 1) << 255).to_bytes(32, "little")


def sha512(data):
    return int.from_bytes(hashlib.sha512(data).digest(), "little")


def expand(seed):
    digest = hashlib.sha512(seed).digest()
    scalar = int.from_bytes(digest[:32], "little")
    return scalar & (2**254 - 8) | 2**254, digest[32:]


def public_key(seed):
    return encode(multiply(expand(seed)[0], BASE))


def sign(seed, message):
    scalar, prefix = expand(seed)
    nonce = sha512(prefix + message) % L
    point = encode(multiply(nonce, BASE))
    challenge = sha512(point + public_key(seed) + message) % L
    return point + ((nonce + challenge * scalar) % L).to_bytes(32, "little")


def b64(data):
    return base64.b64encode(data).decode()


def key_id(name, kind, key):
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + key).digest()[:4]


def vkey(name, kind, seed):
    key = public_key(seed)
    return f"{name}+{key_id(name, kind, key).hex()}+{b64(bytes([kind]) + key)}"


def line(name, kind, seed, signature):
    return f"\u2014 {name} {b64(key_id(name, kind, public_key(seed)) + signature)}\n"


def hkdf(key, info):
    """HKDF-SHA-256 without salt: one block is all that is needed."""
    prk = hmac.new(bytes(32), key, hashlib.sha256).digest()
    return hmac.new(prk, info + b"\x01", hashlib.sha256).digest()


def cosigned(text, time):
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def chain_id(ledger, chain_key):
    if not chain_key:
        return "0"
    return hashlib.sha256(b"bulla.chain.v1\0" + ledger + chain_key).digest()[:16].hex()


def check_against_known():
    """RFC 8032, section 7.1, test 1, and the note of golang.org/x/mod's documentation."""
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    assert public_key(seed).hex() == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    assert sign(seed, b"").hex().startswith("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065")
    peter = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
    assert vkey("PeterNeumann", 1, peter) == \
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    text = "If you think cryptography is the answer to your problem,\n" \
        "then you don't know what your problem is.\n"
    return {"seed": peter.hex(), "name": "PeterNeumann", "vkey": vkey("PeterNeumann", 1, peter),
            "text": text, "line": line("PeterNeumann", 1, peter, sign(peter, text.encode()))}


def vectors():
    known = check_against_known()
    assert known["line"] == "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFY" \
        "C2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"

    ledger = bytes.fromhex("0190f3c2a1b47d3e8f00112233445566")
    uuid = "0190f3c2-a1b4-7d3e-8f00-112233445566"
    chain_key = (6).to_bytes(4, "big") + b"tenant"
    origins = [{"log_name": "ledger.example.com/bulla", "ledger": ledger.hex(), "chain_key": key.hex(),
                "chain_id": chain_id(ledger, key), "epoch": epoch,
                "origin": f"ledger.example.com/bulla/{uuid}/{chain_id(ledger, key)}/{epoch}"}
               for key, epoch in ((b"", 0), (chain_key, 0), (chain_key, 2147483647))]
    origin = origins[0]["origin"]

    signing_seed = bytes(range(0x60, 0x80))
    info = b"bulla.origin.v1\0" + origin.encode()
    seed = hkdf(signing_seed, info)
    tree = Tree([leaf_hash(bytes.fromhex(entry)) for entry in ENTRIES])
    size, index = 7, 3
    text = f"{origin}\n{size}\n{b64(tree.root(0, size))}\n"
    log_line = line(origin, 1, seed, sign(seed, text.encode()))

    witness, witness_seed, time = "witness.example.com/w1", bytes(range(0x80, 0xA0)), 1700000000
    message = cosigned(text, time)
    witness_line = line(witness, 4, witness_seed,
                        time.to_bytes(8, "big") + sign(witness_seed, message))
    note = text + "\n" + log_line + witness_line
    proof = "c2sp.org/tlog-proof@v1\n" + f"index {index}\n" + \
        "".join(b64(item) + "\n" for item in tree.path(index, 0, size)) + "\n" + note
    request = "old 3\n" + "".join(b64(item) + "\n" for item in tree.proof(3, size)) + \
        "\n" + text + "\n" + log_line
    return {
        "source": "docs/spec/checkpoint.md",
        "known_note": known,
        "origins": origins,
        "key": {"signing_seed": signing_seed.hex(), "origin": origin, "info": info.hex(),
                "seed": seed.hex(), "public_key": public_key(seed).hex(), "vkey": vkey(origin, 1, seed)},
        "witness": {"name": witness, "seed": witness_seed.hex(), "time": time,
                    "public_key": public_key(witness_seed).hex(),
                    "vkey": vkey(witness, 4, witness_seed), "message": message.decode(),
                    "line": witness_line},
        "checkpoint": {"size": size, "root": tree.root(0, size).hex(), "text": text, "line": log_line,
                       "note": note},
        "proof": {"index": index, "leaf": tree.leaves[index].hex(), "text": proof},
        "add_checkpoint": {"old_size": 3, "old_root": tree.root(0, 3).hex(), "body": request},
    }


def main():
    text = json.dumps(vectors(), indent=1, ensure_ascii=True) + "\n"
    if "--write" in sys.argv[1:]:
        FILE.write_text(text)
    elif not FILE.exists() or FILE.read_text() != text:
        sys.exit(f"differs from what the specification gives: {FILE.name}")


if __name__ == "__main__":
    main()
