#!/usr/bin/python3
"""A witness for tests, written from docs/spec/checkpoint.md.

usage: cosign.py key NAME SEED             prints its verifier key
       cosign.py cosign NAME SEED TIME     adds its cosignature to the note on standard input

SEED is a byte in hexadecimal, which stands 32 times.
"""
import base64
import hashlib
import struct
import sys

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

TYPE = b"\4"


def main():
    what, name, seed = sys.argv[1:4]
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed) * 32)
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    key_id = hashlib.sha256(name.encode() + b"\n" + TYPE + public).digest()[:4]
    if what == "key":
        print(f"{name}+{key_id.hex()}+{base64.b64encode(TYPE + public).decode()}")
        return
    seconds = int(sys.argv[4])
    note = sys.stdin.buffer.read()
    text = note[:note.rindex(b"\n\n") + 1]
    signature = key.sign(b"cosignature/v1\ntime %d\n" % seconds + text)
    line = base64.b64encode(key_id + struct.pack(">Q", seconds) + signature).decode()
    sys.stdout.buffer.write(note + f"— {name} {line}\n".encode())


if __name__ == "__main__":
    main()
