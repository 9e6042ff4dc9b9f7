"""Images: packed and raw, there and back, and everything that is none."""

import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flash_image.chip import Chip, Geometry
from flash_image.image import ImageError, from_raw, pack, raw, unpack
from flash_image.layout import factory

SMALL = Geometry(size=2048, sector=512, page=64)


@st.composite
def chips(draw: st.DrawFn) -> Chip:
    chip = Chip(SMALL)
    for page, data in draw(st.dictionaries(st.integers(0, 31), st.binary(min_size=1, max_size=64), max_size=8)).items():
        chip.program(page * 64, data)
    for sector in draw(st.lists(st.integers(0, 3), max_size=4)):
        chip.erase(sector)
    return chip


def sealed(body: bytes) -> bytes:
    return body + struct.pack("<I", zlib.crc32(body))


def head(wear: int = 0, pages: int = 0, version: int = 1, geometry: tuple[int, int, int] = (2048, 512, 64)) -> bytes:
    return struct.pack("<8sIIIIII", b"KXFLASH\0", version, *geometry, wear, pages)


def page(number: int, byte: bytes = b"a") -> bytes:
    return struct.pack("<I", number) + byte * 64


def wear(sector: int, count: int) -> bytes:
    return struct.pack("<II", sector, count)


@settings(deadline=None)
@given(chips())
def test_pack_and_unpack(chip: Chip) -> None:
    image = pack(chip)
    assert unpack(image) == chip
    assert pack(unpack(image)) == image


@settings(deadline=None)
@given(chips())
def test_raw_and_back(chip: Chip) -> None:
    dump = raw(chip)
    assert len(dump) == SMALL.size
    chip.wear.clear()
    assert from_raw(dump, SMALL) == chip


def test_the_factory_chip_is_small_when_packed_and_whole_when_raw() -> None:
    chip = factory("0080F0ABCDEF", "KX-UTG200")
    assert len(pack(chip)) == 32 + 4 * 260 + 4
    assert len(raw(chip)) == 8 << 20
    assert from_raw(raw(chip)) == chip


def test_the_order_in_which_a_chip_was_written_does_not_matter() -> None:
    one, other = Chip(SMALL), Chip(SMALL)
    for chip, order in ((one, (0, 700, 1900)), (other, (1900, 0, 700))):
        for address in order:
            chip.program(address, b"x")
        for sector in (3, 2) if chip is one else (2, 3):
            chip.erase(sector)
    assert pack(one) == pack(other)


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_random_bytes_are_no_image(data: bytes) -> None:
    with pytest.raises(ImageError):
        unpack(data)


@settings(deadline=None)
@given(chips(), st.data())
def test_a_changed_or_cut_image_is_no_image(chip: Chip, data: st.DataObject) -> None:
    image = pack(chip)
    at = data.draw(st.integers(0, len(image) - 1))
    changed = bytearray(image)
    changed[at] ^= data.draw(st.integers(1, 255))
    for bad in (bytes(changed), image[:at], image + b"\0"):
        with pytest.raises(ImageError):
            unpack(bad)


@settings(deadline=None, max_examples=300)
@given(chips(), st.data())
def test_a_changed_image_with_a_good_checksum_is_refused_or_packs_to_itself(chip: Chip, data: st.DataObject) -> None:
    body = bytearray(pack(chip)[:-4])
    for _ in range(data.draw(st.integers(1, 3))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    image = sealed(bytes(body))
    try:
        found = unpack(image)
    except ImageError:
        return
    assert pack(found) == image


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (b"", "too-short"),
        (head(), "too-short"),
        (sealed(b"x" + head()[1:]), "magic"),
        (sealed(head(version=3)), "version"),
        (sealed(head(geometry=(2048, 500, 64))), "geometry"),
        (sealed(head(geometry=(1 << 31, 4096, 256))), "geometry"),
        (sealed(head(pages=1)), "length"),
        (sealed(head(wear=1 << 31, pages=1 << 31)), "length"),
        (head() + b"\0\0\0\0", "checksum"),
        (sealed(head(wear=1) + wear(4, 1)), "wear"),
        (sealed(head(wear=1) + wear(0, 0)), "wear"),
        (sealed(head(wear=2) + wear(1, 1) + wear(1, 1)), "wear"),
        (sealed(head(pages=1) + page(32)), "page-number"),
        (sealed(head(pages=2) + page(3) + page(2)), "page-number"),
        (sealed(head(pages=1) + page(3, b"\xff")), "page-blank"),
    ],
)
def test_reasons(image: bytes, reason: str) -> None:
    with pytest.raises(ImageError) as caught:
        unpack(image)
    assert caught.value.reason == reason


def test_an_image_as_documented() -> None:
    chip = unpack(sealed(head(wear=1, pages=2) + wear(2, 7) + page(0, b"a") + page(31, b"z")))
    assert chip.wear == {2: 7}
    assert chip.read(0, 2048) == b"a" * 64 + b"\xff" * (2048 - 128) + b"z" * 64


def test_an_image_over_the_limit_is_not_even_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flash_image.image.MAX_IMAGE", 100)
    with pytest.raises(ImageError) as caught:
        unpack(sealed(head(pages=1) + page(0)))
    assert caught.value.reason == "too-long"


@pytest.mark.parametrize("size", [0, 2047, 2049])
def test_a_raw_dump_of_another_size(size: int) -> None:
    with pytest.raises(ImageError) as caught:
        from_raw(bytes(size), SMALL)
    assert caught.value.reason == "length"
