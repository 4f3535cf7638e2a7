#!/usr/bin/env python3
"""Collects and computes the vectors of AES-256-GCM and AES-256-CBC-HMAC-SHA-512 in test/unit/testdata.

    python3 aead_vectors.py            compares every *.json it knows with what it computes
    python3 aead_vectors.py --write    writes them

AES-256-GCM comes from NIST's CAVP files as python3-cryptography-vectors ships them; the other from the
example of RFC 7518 and from a computation of ours after its text. Shares no code with Bulla.
"""
import hashlib
import hmac
import pathlib
import struct

import cryptography_vectors
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vector_files import compare_or_write

NIST = pathlib.Path(cryptography_vectors.__file__).parent / "ciphers" / "AES" / "GCM"
EACH = 3  # vectors of each pair of lengths


def nist_cases(name):
    """The cases of a CAVP file: their fields by name, with the parameters of their section."""
    section, case, cases = {}, {}, []
    for line in (NIST / name).read_text(encoding="ascii").splitlines():
        line = line.strip()
        if line.startswith("[") and "=" in line:
            field, value = line.strip("[]").split("=")
            section[field.strip()] = int(value)
        elif line == "" and case:
            cases.append({**section, **case})
            case = {}
        elif line == "FAIL":
            case["FAIL"] = True
        elif "=" in line and not line.startswith("#"):
            field, value = line.split("=")
            case[field.strip()] = value.strip()
    return cases + ([{**section, **case}] if case else [])


def gcm_vectors():
    vectors, bad, seen = [], [], {}
    for name in ("gcmEncryptExtIV256.rsp", "gcmDecrypt256.rsp"):
        for case in nist_cases(name):
            if case["IVlen"] != 96 or case["Taglen"] != 128:
                continue
            fails = "FAIL" in case
            kind = (name, case["PTlen"], case["AADlen"], fails)
            seen[kind] = seen.get(kind, 0) + 1
            if seen[kind] > EACH:
                continue
            vector = {"desc": f"{name}, plaintext of {case['PTlen']} bits, {case['AADlen']} of "
                              f"associated data, number {case['Count']}",
                      "key": case["Key"], "nonce": case["IV"], "aad": case["AAD"],
                      "sealed": case["CT"] + case["Tag"]}
            if fails:
                bad.append(vector)
                continue
            vector["plaintext"] = case["PT"]
            key, nonce, aad = (bytes.fromhex(case[field]) for field in ("Key", "IV", "AAD"))
            assert AESGCM(key).encrypt(nonce, bytes.fromhex(case["PT"]),
                                       aad).hex() == vector["sealed"]
            vectors.append(vector)
    assert len(vectors) > 100 and len(bad) > 50
    return {"source": "NIST CAVP, CAVS 14.0: gcmEncryptExtIV256 and gcmDecrypt256", "vectors": vectors,
            "bad": bad}


def cbc_hmac_parts(key, nonce, plaintext, aad):
    """RFC 7518, section 5.2.2.1, under its names."""
    mac_key, enc_key = key[:32], key[32:]
    padding = 16 - len(plaintext) % 16
    padded = plaintext + bytes([padding]) * padding
    encryptor = Cipher(algorithms.AES(enc_key), modes.CBC(nonce)).encryptor()
    e = encryptor.update(padded) + encryptor.finalize()
    al = struct.pack(">Q", 8 * len(aad))
    m = hmac.new(mac_key, aad + nonce + e + al, hashlib.sha512).digest()
    return {"al": al, "e": e, "m": m, "t": m[:32]}


RFC_7518_B3 = {
    "key": bytes(range(64)),
    "nonce": bytes.fromhex("1af38c2dc2b96ffdd86694092341bc04"),
    "plaintext": b"A cipher system must not be required to be secret, and it must be able to fall into "
                 b"the hands of the enemy without inconvenience",
    "aad": b"The second principle of Auguste Kerckhoffs",
}
RFC_7518_B3_SEALED = (
    "4affaaadb78c31c5da4b1b590d10ffbd3dd8d5d302423526912da037ecbcc7bd822c301dd67c373bccb584ad3e9279c2"
    "e6d12a1374b77f077553df829410446b36ebd97066296ae6427ea75c2e0846a11a09ccf5370dc80bfecbad28c73f09b3"
    "a3b75e662a2594410ae496b2e2e6609e31e6e02cc837f053d21f37ff4f51950bbe2638d09dd7a4930930806d0703b1f6"
    "4dd3b4c088a7f45c216839645b2012bf2e6269a8c56a816dbc1b267761955bc5")


def cbc_hmac_vectors():
    cases = [("RFC 7518, B.3", RFC_7518_B3)]
    for size in (0, 1, 15, 16, 17, 31, 32):
        cases.append((f"a plaintext of {size} bytes",
                      {"key": hashlib.sha512(b"key").digest(), "nonce": bytes([size] * 16),
                       "plaintext": bytes(range(size)), "aad": b"a" * size}))
    vectors = []
    for desc, case in cases:
        parts = cbc_hmac_parts(**case)
        vectors.append({"desc": desc, **{name: value.hex() for name, value in case.items()},
                        **{name: value.hex() for name, value in parts.items()},
                        "sealed": (parts["e"] + parts["t"]).hex()})
    assert vectors[0]["sealed"] == RFC_7518_B3_SEALED
    # Bytes that nothing of ours seals: the MAC holds, the padding does not.
    key, nonce = RFC_7518_B3["key"], RFC_7518_B3["nonce"]
    bad = []
    for desc, block in [("padding byte 0", bytes(16)), ("padding byte 17", bytes([17] * 16)),
                        ("padding of unlike bytes", bytes(14) + b"\x01\x02")]:
        encryptor = Cipher(algorithms.AES(key[32:]), modes.CBC(nonce)).encryptor()
        e = encryptor.update(block) + encryptor.finalize()
        tag = hmac.new(key[:32], nonce + e + bytes(8), hashlib.sha512).digest()[:32]
        bad.append({"desc": desc, "key": key.hex(), "nonce": nonce.hex(), "aad": "",
                    "sealed": (e + tag).hex()})
    return {"source": "RFC 7518, section 5.2", "vectors": vectors, "bad": bad}


FILES = {"aes_256_gcm.json": gcm_vectors, "cbc_hmac_sha512.json": cbc_hmac_vectors}


if __name__ == "__main__":
    compare_or_write(__doc__, FILES)
