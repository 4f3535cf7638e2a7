#!/usr/bin/env python3
"""Computes the vectors of blind indexes in test/unit/testdata/blind_index.json from the specification
alone, without Bulla's code.

    python3 blind_index_vectors.py            compares the file with what it computes
    python3 blind_index_vectors.py --write    writes it

Needs Python's library only. docs/spec/blind-index.md quotes the results.
"""
import hashlib
import hmac

from vector_files import compare_or_write

DATA_KEY = bytes(range(0x20, 0x40))


def mac(key, message):
    return hmac.new(key, message, hashlib.sha256).digest()


def context_key(data_key, context):
    """HKDF-SHA-256 without salt: one block is all that is needed."""
    prk = mac(bytes(32), data_key)
    info = b"bulla.index.v1\0" + context
    return prk, info, mac(prk, info + b"\x01")


def vectors():
    result = []
    for desc, context, value, bits in [
        ("an address", "patients.email", "ada@example.org", 256),
        ("another context", "patients.email:tenant-7", "ada@example.org", 256),
        ("another value, which differs in case alone", "patients.email", "Ada@example.org", 256),
        ("cut to 32 bits: the first 4 bytes of the first one", "patients.email", "ada@example.org", 32),
        ("cut to 8 bits", "patients.email", "ada@example.org", 8),
        ("the empty text without a context", "", "", 256),
        ("not ASCII", "clinic.name", "état civil", 128),
        ("over a block of SHA-256", "clinic.name", "0123456789" * 13, 256),
        ("the longest context", "c" * 512, "x", 256),
    ]:
        prk, info, key = context_key(DATA_KEY, context.encode())
        index = mac(key, value.encode())
        result.append({"desc": desc, "data_key": DATA_KEY.hex(), "context": context.encode().hex(),
                       "value": value.encode().hex(), "bits": bits, "prk": prk.hex(),
                       "info": info.hex(), "context_key": key.hex(), "mac": index.hex(),
                       "index": index[:bits // 8].hex()})
    assert result[0]["index"] != result[1]["index"] != result[2]["index"]
    assert result[0]["index"].startswith(result[3]["index"])
    return {"source": "docs/spec/blind-index.md", "vectors": result,
            "bits_refused": [-8, 0, 1, 7, 9, 12, 255, 257, 264, 512],
            "context_refused_from": 513}


if __name__ == "__main__":
    compare_or_write(__doc__, {"blind_index.json": vectors})
