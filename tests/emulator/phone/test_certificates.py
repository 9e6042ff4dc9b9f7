"""Root certificates as files: PEM and DER are the same certificate, anything else is none (PROV-222)."""

from __future__ import annotations

from base64 import encodebytes
from hashlib import sha256

import pytest

from emulator.phone.certificates import LIMIT, certificate_digest

SHORT = b"\x30\x03\x02\x01\x05"
LONG = b"\x30\x82\x01\x00" + b"\x04" * 256
MEDIUM = b"\x30\x81\x80" + b"\x04" * 128


def pem(der: bytes) -> bytes:
    return b"-----BEGIN CERTIFICATE-----\n" + encodebytes(der) + b"-----END CERTIFICATE-----\n"


@pytest.mark.spec("PROV-222")
@pytest.mark.parametrize("der", [SHORT, MEDIUM, LONG], ids=len)
@pytest.mark.parametrize(
    "form", [bytes, pem, lambda der: b"# a root\r\n" + pem(der).replace(b"\n", b"\r\n") + pem(SHORT)]
)
def test_a_certificate_is_read_in_either_form(der: bytes, form: type[bytes]) -> None:
    assert certificate_digest(form(der)) == sha256(der).hexdigest()


@pytest.mark.spec("PROV-222")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html/>",
        SHORT[:-1],
        SHORT + b"\0",
        b"\x31" + SHORT[1:],
        b"\x30\x80" + bytes(9),
        b"\x30\x84\0\0\0\x01\0",
        pem(b"no sequence"),
        pem(SHORT).replace(b"-----END", b"-----AND"),
        b"\x30\x83\x01\0\0" + bytes(LIMIT),
    ],
)
def test_anything_else_is_no_certificate(body: bytes) -> None:
    assert certificate_digest(body) == ""
