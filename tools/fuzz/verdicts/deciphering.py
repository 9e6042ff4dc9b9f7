"""Encrypted files, opened once more by what section 14 of the specification says (PROV-200 to PROV-211)."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterator
from functools import lru_cache

START = b"U2FsdGVkX1"
"""How Base64 of ``Salted__`` begins (PROV-211)."""
BITS = {"128": 16, "192": 24, "256": 32}


def looks_encrypted(url: str, body: bytes) -> bool:
    """Whether a file counts as encrypted, by its name or by how it begins (PROV-211)."""
    return url.partition("#")[0].partition("?")[0].lower().endswith(".enc") or body.startswith(START)


@lru_cache(maxsize=64)
def opened(body: bytes, passphrase: str, bits: str) -> tuple[bytes, ...]:
    """Every text that the key gives with a valid padding: MD5 first, then SHA-256 (PROV-206, PROV-207)."""
    try:
        raw = base64.b64decode(b"".join(body.split()), validate=True)
    except binascii.Error:
        return ()
    if not passphrase or bits not in BITS or not raw.startswith(b"Salted__") or len(raw) < 32 or len(raw) % 16:
        return ()
    return tuple(_texts(raw, passphrase.encode(), BITS[bits]))


def _texts(raw: bytes, secret: bytes, size: int) -> Iterator[bytes]:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    for digest in ("md5", "sha256"):
        made = last = b""
        while len(made) < size + 16:
            last = hashlib.new(digest, last + secret + raw[8:16], usedforsecurity=False).digest()
            made += last
        decryptor = Cipher(algorithms.AES(made[:size]), modes.CBC(made[size : size + 16])).decryptor()
        padded = decryptor.update(raw[16:]) + decryptor.finalize()
        count = padded[-1]
        if 1 <= count <= 16 and padded.endswith(bytes([count]) * count):
            yield padded[:-count]
