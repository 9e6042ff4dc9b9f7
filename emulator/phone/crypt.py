"""Encrypted configuration files: what `openssl enc -a -salt` writes (PROV-200 to PROV-213).

The container is Base64 of `Salted__`, eight bytes of salt and AES-CBC with PKCS#7 padding. The key is made from a
passphrase (PROV-208), by MD5 in files of the guide's time and by SHA-256 in today's, which the file does not tell.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable
from typing import Literal, TypeVar

from emulator.phone.configfile import LIMIT

Digest = Literal["md5", "sha256"]
T = TypeVar("T")

DIGESTS: tuple[Digest, ...] = ("md5", "sha256")
"""In the order in which they are tried (PROV-206, PROV-207)."""

_MAGIC = b"Salted__"
_MAGIC_BASE64 = b"U2FsdGVkX1"
_SALT = 8
_BLOCK = 16
_LINE = 64
_HEADER = len(_MAGIC) + _SALT
_RAW_LIMIT = _HEADER + (LIMIT // _BLOCK + 1) * _BLOCK
_CHARACTERS = -(-_RAW_LIMIT // 3) * 4

BODY_LIMIT = _CHARACTERS + 2 * -(-_CHARACTERS // _LINE)
"""Bytes of the largest encrypted body: a file of `LIMIT` bytes in 64-character lines that end in CR LF (PROV-148)."""


class CryptError(ValueError):
    """The body could not be decrypted. No part of key or text is in the error.

    `reason` is "no-key", "bad-bits" (not 128, 192 or 256), "too-large", "not-base64", "no-salt", "bad-length" (no whole
    blocks) or "wrong-key" (neither digest gives an acceptable text).
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def is_encrypted(name_or_url: str, body: bytes) -> bool:
    """Whether the file counts as encrypted: by its extension `.enc`, in any case, or by how it begins (PROV-211)."""
    name = name_or_url.partition("#")[0].partition("?")[0]
    return name.lower().endswith(".enc") or body.startswith(_MAGIC_BASE64)


def evp_bytes_to_key(passphrase: str, salt: bytes, key_bytes: int, digest: Digest) -> tuple[bytes, bytes]:
    """Key of `key_bytes` bytes and IV of 16, by OpenSSL's `EVP_BytesToKey` with one round (PROV-206)."""
    secret = passphrase.encode() + salt
    made = last = b""
    while len(made) < key_bytes + _BLOCK:
        last = hashlib.new(digest, last + secret, usedforsecurity=False).digest()
        made += last
    return made[:key_bytes], made[key_bytes : key_bytes + _BLOCK]


def decrypt(body: bytes, passphrase: str, bits: int, accept: Callable[[bytes], T]) -> tuple[T, Digest]:
    """What `accept` makes of the plain text, and the digest that led to it (PROV-207).

    Digests are tried in the order of `DIGESTS`; the first whose padding is valid and whose text `accept` takes counts.
    `accept` refuses a text by raising ValueError (`configfile.parse` does). A file that is broken inside cannot be told
    from a wrong key. Raises CryptError.
    """
    if not passphrase:
        raise CryptError("no-key")
    if bits not in (128, 192, 256):
        raise CryptError("bad-bits")
    raw = _decode(body)
    salt, ciphertext = raw[len(_MAGIC) : _HEADER], raw[_HEADER:]
    reason = "wrong-key"
    for digest in DIGESTS:
        key, iv = evp_bytes_to_key(passphrase, salt, bits // 8, digest)
        plain = _unpadded(_aes_decrypt(ciphertext, key, iv))
        if plain is None:
            continue
        if len(plain) > LIMIT:
            reason = "too-large"
            continue
        try:
            return accept(plain), digest
        except ValueError:
            continue
    raise CryptError(reason)


def encrypt(plain: bytes, passphrase: str, bits: int, salt: bytes, digest: Digest = "md5") -> bytes:
    """The encrypted file, in Base64 lines of 64 characters, for servers and tests. `salt` is eight bytes.

    Raises CryptError for an empty passphrase, an unknown key length or a salt of another size ("no-salt").
    """
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    if not passphrase:
        raise CryptError("no-key")
    if bits not in (128, 192, 256):
        raise CryptError("bad-bits")
    if len(salt) != _SALT:
        raise CryptError("no-salt")
    key, iv = evp_bytes_to_key(passphrase, salt, bits // 8, digest)
    padding = _BLOCK - len(plain) % _BLOCK
    encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    ciphertext = encryptor.update(plain + bytes([padding]) * padding) + encryptor.finalize()
    text = base64.b64encode(_MAGIC + salt + ciphertext)
    return b"".join(text[at : at + _LINE] + b"\n" for at in range(0, len(text), _LINE))


def _decode(body: bytes) -> bytes:
    """Salt header and ciphertext, checked for their form."""
    if len(body) > BODY_LIMIT:
        raise CryptError("too-large")
    try:
        raw = base64.b64decode(b"".join(body.split()), validate=True)
    except binascii.Error:
        raise CryptError("not-base64") from None
    if len(raw) > _RAW_LIMIT:
        raise CryptError("too-large")
    if len(raw) < _HEADER or not raw.startswith(_MAGIC):
        raise CryptError("no-salt")
    if len(raw) == _HEADER or len(raw) % _BLOCK:
        raise CryptError("bad-length")
    return raw


def _aes_decrypt(ciphertext: bytes, key: bytes, iv: bytes) -> bytes:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    decryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor()
    return decryptor.update(ciphertext) + decryptor.finalize()


def _unpadded(padded: bytes) -> bytes | None:
    """The text without its PKCS#7 padding, None if that is not valid."""
    count = padded[-1]
    if not 1 <= count <= _BLOCK or padded[-count:] != bytes([count]) * count:
        return None
    return padded[:-count]
