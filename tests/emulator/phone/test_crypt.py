"""Encrypted configuration files, against the printed vector and the `openssl` command."""

from __future__ import annotations

import base64
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.phone.configfile import LIMIT, Entry, parse
from emulator.phone.crypt import BODY_LIMIT, CryptError, Digest, decrypt, encrypt, evp_bytes_to_key, is_encrypted

DATA = Path(__file__).parents[2] / "data"
PLAIN = (DATA / "vector-plain.cfg").read_bytes()
ENCRYPTED = (DATA / "vector-aes128-md5.enc").read_bytes()
KEY = "12341234abcdabcd12341234abcdabcd"
SALT = bytes(range(1, 9))

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl command")
bits_and_digests = pytest.mark.parametrize(
    ("bits", "digest"), [(bits, digest) for bits in (128, 192, 256) for digest in ("md5", "sha256")]
)


def refusal(body: bytes, key: str = KEY, bits: int = 128) -> str:
    with pytest.raises(CryptError) as caught:
        decrypt(body, key, bits, parse)
    assert str(caught.value) == caught.value.reason
    return caught.value.reason


@pytest.mark.spec("PROV-206", "PROV-208")
@pytest.mark.parametrize(
    ("bits", "digest", "key", "iv"),
    [
        (128, "md5", "11e50e316fea23fc66367b4e756c5b78", "1e3a26b79adfe666927f14fdc3198e83"),
        (192, "md5", "11e50e316fea23fc66367b4e756c5b781e3a26b79adfe666", "927f14fdc3198e834cb398a39d706977"),
        (
            256,
            "md5",
            "11e50e316fea23fc66367b4e756c5b781e3a26b79adfe666927f14fdc3198e83",
            "4cb398a39d7069779c882bffcaecfcd6",
        ),
        (128, "sha256", "ce905575ddfb270341d7ea3a6fa6c7b1", "58c30a4fdce414daa636528b6cb06f99"),
    ],
)
def test_key_and_iv_of_the_vector(bits: int, digest: Digest, key: str, iv: str) -> None:
    assert evp_bytes_to_key(KEY, SALT, bits // 8, digest) == (bytes.fromhex(key), bytes.fromhex(iv))


@pytest.mark.spec("PROV-202", "PROV-206")
def test_file_of_the_vector() -> None:
    assert decrypt(ENCRYPTED, KEY, 128, bytes) == (PLAIN, "md5")
    assert encrypt(PLAIN, KEY, 128, SALT, "md5") == ENCRYPTED
    file, digest = decrypt(ENCRYPTED, KEY, 128, parse)
    assert (file.entries, digest) == ((Entry("CFG_CYCLIC", "N"),), "md5")


@pytest.mark.spec("PROV-207")
def test_sha256_is_tried_after_md5() -> None:
    seen: list[bytes] = []

    def accept(plain: bytes) -> int:
        seen.append(plain)
        return len(parse(plain).entries)

    assert decrypt(encrypt(PLAIN, KEY, 256, SALT, "sha256"), KEY, 256, accept) == (1, "sha256")
    assert seen[-1] == PLAIN


@pytest.mark.spec("PROV-203", "PROV-207")
@settings(deadline=None)
@given(
    st.binary(max_size=200),
    st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=32),
    st.sampled_from([128, 192, 256]),
    st.binary(min_size=8, max_size=8),
    st.sampled_from(["md5", "sha256"]),
)
def test_round_trip(plain: bytes, key: str, bits: int, salt: bytes, digest: Digest) -> None:
    def accept(text: bytes) -> bytes:
        if text != plain:
            raise ValueError
        return text

    body = encrypt(plain, key, bits, salt, digest)
    assert all(len(line) <= 64 for line in body.splitlines())
    assert decrypt(body.replace(b"\n", b"\r\n"), key, bits, accept) == (plain, digest)


@pytest.mark.spec("PROV-213")
@pytest.mark.parametrize(
    ("body", "key", "bits", "reason"),
    [
        (ENCRYPTED, "", 128, "no-key"),
        (ENCRYPTED, KEY[:-1] + "e", 128, "wrong-key"),
        (ENCRYPTED, KEY, 256, "wrong-key"),
        (ENCRYPTED, KEY, 196, "bad-bits"),
        (PLAIN, KEY, 128, "not-base64"),
        (b"", KEY, 128, "no-salt"),
        (b"QUJD", KEY, 128, "no-salt"),
        (base64.b64encode(b"Salted__" + SALT), KEY, 128, "bad-length"),
        (base64.b64encode(b"Salted__" + SALT + b"x" * 17), KEY, 128, "bad-length"),
    ],
)
def test_refusals(body: bytes, key: str, bits: int, reason: str) -> None:
    assert refusal(body, key, bits) == reason


@pytest.mark.spec("PROV-206")
@pytest.mark.parametrize(
    ("padded", "wanted"),
    [
        (b"x" * 15 + b"\x01", b"x" * 15),
        (b"\x10" * 16, b""),
        (b"x" * 14 + b"\x01\x02", None),
        (b"x" * 15 + b"\x00", None),
        (b"x" * 15 + b"\x11" * 17, None),
    ],
)
def test_padding_has_to_be_valid(padded: bytes, wanted: bytes | None) -> None:
    key, iv = evp_bytes_to_key(KEY, SALT, 16, "md5")
    encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    body = base64.b64encode(b"Salted__" + SALT + encryptor.update(padded) + encryptor.finalize())
    if wanted is None:
        with pytest.raises(CryptError, match="wrong-key"):
            decrypt(body, KEY, 128, bytes)
    else:
        assert decrypt(body, KEY, 128, bytes) == (wanted, "md5")


def test_a_broken_file_counts_as_a_wrong_key() -> None:
    assert refusal(encrypt(b"<settings/>", KEY, 128, SALT)) == "wrong-key"


@pytest.mark.spec("PROV-148")
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_the_largest_file_fits_and_one_byte_more_does_not(line_end: bytes) -> None:
    largest = encrypt(PLAIN.ljust(LIMIT), KEY, 128, SALT).replace(b"\n", line_end)
    assert len(largest) <= BODY_LIMIT
    assert decrypt(largest, KEY, 128, parse)[1] == "md5"
    assert refusal(encrypt(PLAIN.ljust(LIMIT + 1), KEY, 128, SALT).replace(b"\n", line_end)) == "too-large"
    assert refusal(encrypt(PLAIN.ljust(LIMIT + 16), KEY, 128, SALT).replace(b"\n", line_end)) == "too-large"


@pytest.mark.spec("PROV-148")
def test_body_limit_is_exact() -> None:
    largest = encrypt(PLAIN.ljust(LIMIT), KEY, 128, SALT).replace(b"\n", b"\r\n")
    assert len(largest) == BODY_LIMIT
    assert refusal(largest + b" ") == "too-large"


@pytest.mark.spec("PROV-201", "PROV-211")
@pytest.mark.parametrize(
    ("name", "body", "wanted"),
    [
        ("http://h/Config.enc", b"", True),
        ("http://h/Config.ENC?x=1.cfg", b"", True),
        ("http://h/Config.cfg?x=.enc", b"", False),
        ("Config.cfg", ENCRYPTED, True),
        ("Config.cfg", PLAIN, False),
        ("Configenc", b"U2FsdGVkX", False),
    ],
)
def test_encrypted_by_name_or_beginning(name: str, body: bytes, wanted: bool) -> None:
    assert is_encrypted(name, body) is wanted


@pytest.mark.parametrize(
    ("key", "bits", "salt", "reason"),
    [("", 128, SALT, "no-key"), (KEY, 129, SALT, "bad-bits"), (KEY, 128, b"short", "no-salt")],
)
def test_encrypt_refuses(key: str, bits: int, salt: bytes, reason: str) -> None:
    with pytest.raises(CryptError, match=reason):
        encrypt(b"", key, bits, salt)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    for body in (data, base64.b64encode(data), base64.b64encode(b"Salted__" + SALT + data)):
        assert refusal(body) in {"not-base64", "no-salt", "bad-length", "wrong-key"}


def openssl(*arguments: str, data: bytes) -> bytes:
    command = ["openssl", "enc", *arguments, "-a", "-pass", f"pass:{KEY}"]
    return subprocess.run(command, input=data, capture_output=True, check=True).stdout


@needs_openssl
@bits_and_digests
@pytest.mark.spec("PROV-202", "PROV-203")
def test_files_made_by_openssl(bits: int, digest: Digest) -> None:
    body = openssl(f"-aes-{bits}-cbc", "-salt", "-md", digest, data=PLAIN)
    file, found = decrypt(body, KEY, bits, parse)
    assert (file, found) == (parse(PLAIN), digest)


@needs_openssl
@bits_and_digests
@pytest.mark.spec("PROV-202", "PROV-203")
def test_files_read_by_openssl(bits: int, digest: Digest) -> None:
    body = encrypt(PLAIN, KEY, bits, SALT, digest)
    assert openssl("-d", f"-aes-{bits}-cbc", "-md", digest, data=body) == PLAIN
