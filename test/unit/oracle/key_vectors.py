#!/usr/bin/env python3
"""Computes the vectors of keys and envelopes in test/unit/testdata from the specifications alone,
without Bulla's code.

    python3 key_vectors.py            compares every *.json it knows with what it computes
    python3 key_vectors.py --write    writes them

Needs python3-cryptography (AES only; the rest is in Python's library). docs/spec/envelope.md and
keys.md quote the results.
"""
import base64
import hashlib
import hmac
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from aead_vectors import cbc_hmac_parts
from vector_files import compare_or_write


def aes(key, block):
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    return encryptor.update(block) + encryptor.finalize()


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def xaes_parts(key, nonce):
    """Every intermediate value of https://c2sp.org/XAES-256-GCM, under its names there."""
    l = aes(key, bytes(16))
    doubled = int.from_bytes(l, "big") << 1
    k1 = ((doubled ^ 0x87) if l[0] & 0x80 else doubled) & (2**128 - 1)
    k1 = k1.to_bytes(16, "big")
    m1 = b"\x00\x01X\x00" + nonce[:12]
    m2 = b"\x00\x02X\x00" + nonce[:12]
    kx = aes(key, xor(m1, k1)) + aes(key, xor(m2, k1))
    return {"l": l, "k1": k1, "m1": m1, "m2": m2, "kx": kx, "nx": nonce[12:]}


def derived(key, nonce):
    return {name: xaes_parts(key, nonce)[name].hex() for name in ("kx", "nx")}


def xaes_seal(key, nonce, plaintext, aad):
    parts = xaes_parts(key, nonce)
    return AESGCM(parts["kx"]).encrypt(parts["nx"], plaintext, aad)


def hkdf(key, salt, info, size):
    prk = hmac.new(salt or bytes(32), key, hashlib.sha256).digest()
    out, block = b"", b""
    for i in range(-(-size // 32)):
        block = hmac.new(prk, block + info + bytes([i + 1]), hashlib.sha256).digest()
        out += block
    return prk, out[:size]


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def xaes_vectors():
    """The two vectors of the specification, and the results of its accumulated tests."""
    vectors = []
    for desc, key, aad, ciphertext in [
        ("specification, first: the top bit of L is 0", bytes([1] * 32), b"",
         "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"),
        ("specification, second: the top bit of L is 1", bytes([3] * 32), b"c2sp.org/XAES-256-GCM",
         "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"),
    ]:
        nonce, plaintext = b"ABCDEFGHIJKLMNOPQRSTUVWX", b"XAES-256-GCM"
        sealed = xaes_seal(key, nonce, plaintext, aad)
        assert sealed.hex() == ciphertext
        vectors.append({"desc": desc, "key": key.hex(), "nonce": nonce.hex(),
                        **{k: v.hex() for k, v in xaes_parts(key, nonce).items()},
                        "plaintext": plaintext.hex(), "aad": aad.hex(), "sealed": ciphertext})
    return {
        "source": "https://c2sp.org/XAES-256-GCM",
        "vectors": vectors,
        "accumulated": [
            {"iterations": 10000,
             "hash": "e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939"},
            {"iterations": 1000000,
             "hash": "2163ae1445985a30b60585ee67daa55674df06901b890593e824b8a7c885ab15"},
        ],
    }


def hkdf_vectors():
    """RFC 5869, A.1 to A.3: basic, long, and without salt and info."""
    cases = [
        ("RFC 5869 A.1", bytes([0x0B] * 22), bytes(range(0x0D)), bytes(range(0xF0, 0xFA)), 42,
         "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
         "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"),
        ("RFC 5869 A.2", bytes(range(0x50)), bytes(range(0x60, 0xB0)), bytes(range(0xB0, 0x100)),
         82, "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
         "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
         "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
         "cc30c58179ec3e87c14c01d5c1f3434f1d87"),
        ("RFC 5869 A.3: neither salt nor info", bytes([0x0B] * 22), b"", b"", 42,
         "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
         "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"),
    ]
    vectors = []
    for desc, key, salt, info, size, want_prk, want in cases:
        prk, out = hkdf(key, salt, info, size)
        assert (prk.hex(), out.hex()) == (want_prk, want), desc
        vectors.append({"desc": desc, "key": key.hex(), "salt": salt.hex(), "info": info.hex(),
                        "prk": want_prk, "out": want})
    return {"source": "RFC 5869, appendix A", "vectors": vectors}


def base64_vectors():
    good = [{"bytes": data.hex(), "text": base64url(data)}
            for data in [b"", b"f", b"fo", b"foo", b"foob", b"fooba", b"foobar", b"\xfb\xff\xfe",
                         bytes(range(256))]]
    bad = [
        ("one character stands for no byte", "A"),
        ("one character too many", "Zm9vY"),
        ("unused bits set, one byte", "Zh"),
        ("unused bits set, two bytes", "Zm9"),
        ("padding", "Zg=="),
        ("white space inside", "Zm 9v"),
        ("line end behind", "Zm9v\n"),
        ("standard alphabet: plus", "+/+/"),
        ("standard alphabet: slash", "_-_/"),
        ("a byte that is not ASCII", "Zm9\u00fc"),
        ("a dot", "Zm9."),
        ("a NUL", "Zm9\u0000"),
    ]
    return {"source": "RFC 4648, section 10, and one error per rule", "vectors":
            good + [{"desc": desc, "text": text, "want_error": True} for desc, text in bad]}


def commit(data_key, algorithm, purpose):
    return hkdf(data_key, b"", b"bulla.dek.v1" + bytes([algorithm, purpose]), 32)


KEK = bytes(range(0xA0, 0xC0))
KEK_ID = hkdf(KEK, b"", b"bulla.kek.id.v1", 16)[1]
DATA_KEY = bytes(range(0x20, 0x40))
KEY_ID = bytes.fromhex("0190f3c2a1b47d3e8f00112233445566")
XAES, AES_GCM, CBC_HMAC, ENCRYPT = 1, 2, 3, 1


def key_vectors():
    commitments = []
    for desc, algorithm, purpose in [("XAES-256-GCM, encrypt", 1, 1),
                                     ("the algorithm goes in: AES-256-GCM, encrypt", 2, 1),
                                     ("the purpose goes in: XAES-256-GCM, index", 1, 2)]:
        prk, commitment = commit(DATA_KEY, algorithm, purpose)
        commitments.append({"desc": desc, "data_key": DATA_KEY.hex(), "algorithm": algorithm,
                            "purpose": purpose, "prk": prk.hex(), "commitment": commitment.hex(),
                            "version_id": commitment[:16].hex()})
    wrapped = []
    for version, nonce in [(1, bytes(range(24))), (0xFFFFFFFF, bytes([0xC3] * 24))]:
        header = b"\xb2\x01" + KEK_ID
        description = (b"bulla.key.v1\0" + KEY_ID + struct.pack(">I", version) +
                       bytes([XAES, ENCRYPT]))
        aad = b"bulla.wrap.v1\0" + header + description
        sealed = xaes_seal(KEK, nonce, description + DATA_KEY, aad)
        wrapped.append({"desc": f"version {version}", "kek": KEK.hex(), "kek_id": KEK_ID.hex(),
                        "key_id": KEY_ID.hex(), "version": version, "algorithm": XAES,
                        "purpose": ENCRYPT, "data_key": DATA_KEY.hex(), "nonce": nonce.hex(),
                        **derived(KEK, nonce), "header": header.hex(), "description": description.hex(),
                        "aad": aad.hex(), "structure": (description + DATA_KEY).hex(),
                        "wrapped": (header + nonce + sealed).hex()})
    kek_names = [{"kind": kind, "name": name, "kek_id": scheme + ":" + hashlib.sha256(
                     b"bulla.kek.name.v1\0" + bytes([kind]) + name.encode()).digest()[:16].hex()}
                 for kind, scheme, name in [(2, "command", "prod-2026"), (3, "vault", "transit/bulla"),
                                            (4, "pkcs11", "bulla/kek 1"), (4, "pkcs11", "prod-2026")]]
    return {"source": "docs/spec/keys.md", "commitments": commitments, "wrapped": wrapped,
            "kek_names": kek_names}


def seal(algorithm, data_key, nonce, plaintext, aad):
    """What each algorithm makes of it, and the values on the way that are worth quoting."""
    if algorithm == XAES:
        return derived(data_key, nonce), xaes_seal(data_key, nonce, plaintext, aad)
    if algorithm == AES_GCM:
        return {}, AESGCM(data_key).encrypt(nonce, plaintext, aad)
    parts = cbc_hmac_parts(data_key, nonce, plaintext, aad)
    return ({name: parts[name].hex() for name in ("e", "al", "m")}, parts["e"] + parts["t"])


def envelope_vectors():
    long_key = hashlib.sha512(b"bulla: a data key of 64 bytes").digest()
    vectors = []
    for i, (desc, algorithm, kind, context, plaintext) in enumerate([
        ("text without context", XAES, 1, b"", "4929 1234 5678 9012".encode()),
        ("text with a context", XAES, 1, b"patients.ssn:42", "\u00e9tat civil".encode()),
        ("the empty text", XAES, 1, b"", b""),
        ("bytea", XAES, 2, b"", bytes(range(32))),
        ("the same bytes as text: another kind, another tag", XAES, 1, b"", bytes(range(32))),
        ("a context longer than most", XAES, 2, b"c" * 300, b"\x00"),
        ("AES-256-GCM", AES_GCM, 1, b"patients.ssn:42", "\u00e9tat civil".encode()),
        ("AES-256-GCM, the empty bytea", AES_GCM, 2, b"", b""),
        ("AES-256-CBC-HMAC-SHA-512", CBC_HMAC, 1, b"patients.ssn:42",
         "\u00e9tat civil".encode()),
        ("AES-256-CBC-HMAC-SHA-512, a whole block", CBC_HMAC, 2, b"c" * 300, bytes(range(16))),
        ("AES-256-CBC-HMAC-SHA-512, the empty text", CBC_HMAC, 1, b"", b""),
    ]):
        nonce = bytes([0x11 * (i % 2 + 1)] * 12 + list(range(i, i + 12)))
        if i in (3, 4):
            nonce = bytes([0x33] * 24)
        nonce = nonce[:{XAES: 24, AES_GCM: 12, CBC_HMAC: 16}[algorithm]]
        data_key = long_key if algorithm == CBC_HMAC else DATA_KEY
        version_id = commit(data_key, algorithm, ENCRYPT)[1][:16]
        header = b"\xb1" + bytes([algorithm]) + version_id
        aad = (b"bulla.aad.v1\0" + header + bytes([kind]) + struct.pack(">I", len(context)) +
               context)
        between, sealed = seal(algorithm, data_key, nonce, plaintext, aad)
        envelope = header + nonce + sealed
        vectors.append({"desc": desc, "algorithm": algorithm, "data_key": data_key.hex(),
                        "version_id": version_id.hex(),
                        "kind": kind, "context": context.hex(), "plaintext": plaintext.hex(),
                        "nonce": nonce.hex(), **between,
                        "aad": aad.hex(), "envelope": envelope.hex(),
                        "text": "bulla1:" + base64url(envelope)})
    whole = bytes.fromhex(vectors[2]["envelope"])
    text = vectors[2]["text"]
    bad = [
        {"desc": "no bytes", "envelope": "", "want_error": "kCorrupt"},
        {"desc": "unknown format byte", "envelope": (b"\xb0" + whole[1:]).hex(),
         "want_error": "kCorrupt"},
        {"desc": "algorithm byte 0", "envelope": (b"\xb1\x00" + whole[2:]).hex(),
         "want_error": "kCorrupt"},
        {"desc": "undefined algorithm byte", "envelope": (b"\xb1\x04" + whole[2:]).hex(),
         "want_error": "kCorrupt"},
        {"desc": "a header alone", "envelope": whole[:18].hex(), "want_error": "kCorrupt"},
        {"desc": "half a header", "envelope": whole[:9].hex(), "want_error": "kCorrupt"},
        {"desc": "AES-256-GCM without a tag",
         "envelope": vectors[7]["envelope"][:-2], "want_error": "kCorrupt"},
        {"desc": "AES-256-CBC-HMAC-SHA-512 without a block",
         "envelope": vectors[10]["envelope"][:-32], "want_error": "kCorrupt"},
        {"desc": "AES-256-CBC-HMAC-SHA-512 with a part of a block",
         "envelope": vectors[9]["envelope"][:-2], "want_error": "kCorrupt"},
        {"desc": "one byte short of a tag", "envelope": whole[:-1].hex(),
         "want_error": "kCorrupt"},
    ]
    bad_text = [
        {"desc": "no prefix", "text": text[7:], "want_error": "kCorrupt"},
        {"desc": "prefix in capitals", "text": "BULLA1:" + text[7:], "want_error": "kCorrupt"},
        {"desc": "another format's prefix", "text": "bulla2:" + text[7:], "want_error": "kCorrupt"},
        {"desc": "padded", "text": text + "==", "want_error": "kCorrupt"},
        {"desc": "line end behind", "text": text + "\n", "want_error": "kCorrupt"},
        {"desc": "unused bits set", "text": text[:-1] + chr(ord(text[-1]) + 1),
         "want_error": "kCorrupt"},
    ]
    assert len(whole) % 3 == 1 and text[-1] in "AQgw"
    return {"source": "docs/spec/envelope.md", "vectors": vectors, "bad": bad,
            "bad_text": bad_text}


FILES = {
    "xaes_256_gcm.json": xaes_vectors,
    "hkdf_sha256.json": hkdf_vectors,
    "base64.json": base64_vectors,
    "keys.json": key_vectors,
    "envelope.json": envelope_vectors,
}


if __name__ == "__main__":
    compare_or_write(__doc__, FILES)
