"""The container of a firmware image: round trips, damage, and bytes that are none."""

import struct
import zlib
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flash_image.firmware import HEADER, FirmwareError, FirmwareImage, decode_firmware, encode_firmware, length_of

MODELS = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=16)
VERSIONS = st.from_regex(r"[0-9]{2}\.[0-9]{3}", fullmatch=True)
IMAGES = st.builds(FirmwareImage, MODELS, VERSIONS, st.binary(max_size=300), st.booleans())
GOOD = FirmwareImage("KX-UTG200B", "03.220", b"code")


def reason(raw: bytes) -> str:
    with pytest.raises(FirmwareError) as caught:
        decode_firmware(raw)
    return caught.value.reason


def written(flags: int = 0, reserved: int = 0, model: bytes = b"M", version: bytes = b"03.220") -> bytes:
    body = struct.pack("<4sBBHI16s8s32s", b"KXFW", 1, flags, reserved, 2, model, version, sha256(b"ab").digest())
    return body + struct.pack("<I", zlib.crc32(body)) + b"ab"


@pytest.mark.spec("PROV-266")
@settings(deadline=None)
@given(IMAGES)
def test_what_is_encoded_decodes_equal(image: FirmwareImage) -> None:
    raw = encode_firmware(image)
    assert decode_firmware(raw) == image
    assert length_of(raw) == len(raw) == HEADER + len(image.payload)


@pytest.mark.spec("PROV-266")
def test_the_bytes_are_as_documented() -> None:
    assert encode_firmware(FirmwareImage("M", "03.220", b"ab")) == written()
    assert encode_firmware(FirmwareImage("M", "03.220", b"ab", hangs=True)) == written(flags=1)


@pytest.mark.spec("PROV-266")
@settings(deadline=None)
@given(IMAGES, st.integers(0), st.integers(1, 255))
def test_an_image_with_any_byte_changed_is_refused(image: FirmwareImage, at: int, mask: int) -> None:
    raw = bytearray(encode_firmware(image))
    raw[at % len(raw)] ^= mask
    assert reason(bytes(raw)) in {"magic", "container-version", "header-checksum", "payload-hash"}


@settings(deadline=None)
@given(IMAGES, st.integers(0))
def test_an_image_of_another_length_is_refused(image: FirmwareImage, at: int) -> None:
    raw = encode_firmware(image)
    cut = raw[: at % len(raw)]
    assert reason(cut) == ("length" if len(cut) >= HEADER else "too-short")
    assert reason(raw + b"\0") == "length"


@settings(deadline=None)
@given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda tail: encode_firmware(GOOD)[:72] + tail))
def test_other_bytes_raise_only_its_own_error(raw: bytes) -> None:
    try:
        image = decode_firmware(raw)
    except FirmwareError:
        return
    assert encode_firmware(image) == raw


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "too-short"),
        (b"\xff" * 100, "blank"),
        (b"\x7fELF" + bytes(100), "magic"),
        (b"KXFW\x02" + bytes(100), "container-version"),
        (written(flags=2), "header"),
        (written(reserved=1), "header"),
        (written(model=b""), "header"),
        (written(model=b"a\0b"), "header"),
        (written(version=b"3.220"), "header"),
        (written(version=b"03.220\n"), "header"),
        (written()[:-1], "length"),
        (written()[:-1] + b"c", "payload-hash"),
    ],
)
def test_why_bytes_are_refused(raw: bytes, code: str) -> None:
    assert reason(raw) == code


@pytest.mark.parametrize(
    ("model", "version", "code"),
    [
        ("", "03.220", "bad-model"),
        ("M" * 17, "03.220", "bad-model"),
        ("M\n", "03.220", "bad-model"),
        ("M", "3.220", "bad-version"),
        ("M", "03.220\n", "bad-version"),
        ("M", "0\u0663.220", "bad-version"),
    ],
)
def test_an_image_that_cannot_be_written_down(model: str, version: str, code: str) -> None:
    with pytest.raises(FirmwareError) as caught:
        encode_firmware(FirmwareImage(model, version, b""))
    assert caught.value.reason == code
