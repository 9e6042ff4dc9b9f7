"""The partition table, the factory data and the fresh chip."""

import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flash_image.chip import Chip, Geometry
from flash_image.journal import mount
from flash_image.layout import Identity, LayoutError, Partition, built_in, factory, identity, partitions

MAC = "0080F0ABCDEF"
LABEL = st.text(st.characters(min_codepoint=32, max_codepoint=126))


def fresh() -> Chip:
    return factory(MAC, "KX-UTG200", "1AB0001")


def rewrite(chip: Chip, address: int, data: bytes) -> None:
    """Put bytes anywhere, as no flash operation could."""
    size = chip.geometry.sector
    number, offset = divmod(address, size)
    held = chip.sectors.get(number, b"\xff" * size)
    chip.sectors[number] = held[:offset] + data + held[offset + len(data) :]


def table(entries: list[tuple[bytes, int, int]], size: int = 8 << 20, version: int = 2) -> bytes:
    body = struct.pack("<4sBBHII", b"KXPT", version, len(entries), 256, 4096, size)
    body += b"".join(struct.pack("<12sII", *entry) for entry in entries)
    return body + struct.pack("<I", zlib.crc32(body))


GOOD = [(b"table", 0, 1), (b"factory", 1, 1), (b"journal", 16, 32), (b"files", 48, 976)]


def test_the_fresh_chip() -> None:
    chip = fresh()
    assert chip.geometry == Geometry()
    assert chip.wear == {}
    assert sorted(chip.sectors) == [0, 1, 16]
    assert partitions(chip) == built_in(Geometry())
    mounted = mount(chip)
    assert (mounted.values, mounted.files, mounted.sequence, mounted.damage) == ({}, {}, 0, ())


def test_the_built_in_layout_of_eight_megabytes() -> None:
    assert built_in(Geometry()).partitions == (
        Partition("table", 0, 1),
        Partition("factory", 1, 1),
        Partition("boot", 2, 2),
        Partition("log", 4, 12),
        Partition("journal", 16, 32),
        Partition("files", 48, 976),
        Partition("firmware-a", 1024, 512),
        Partition("firmware-b", 1536, 512),
    )


def test_a_chip_of_format_1_has_no_log_and_confirms_nothing() -> None:
    chip = factory(MAC, "KX-UTG200", "1AB0001", version=1)
    layout = partitions(chip)
    assert (layout.version, layout.confirms, layout.find("log"), layout.damage) == (1, False, None, "")
    assert chip.read(0, 160) == table(
        [*GOOD[:2], (b"boot", 2, 2), *GOOD[2:], (b"firmware-a", 1024, 512), (b"firmware-b", 1536, 512)], version=1
    )
    assert mount(chip).bank == 0


def test_the_table_is_written_as_documented() -> None:
    slots = [(b"firmware-a", 1024, 512), (b"firmware-b", 1536, 512)]
    assert fresh().read(0, 180) == table([*GOOD[:2], (b"boot", 2, 2), (b"log", 4, 12), *GOOD[2:], *slots])


def test_the_factory_data_is_written_as_documented() -> None:
    body = b"KXFD\x01\0\0\0" + MAC.encode() + b"KX-UTG200".ljust(16, b"\0") + b"1AB0001".ljust(24, b"\0")
    assert fresh().read(4096, 68) == (body + struct.pack("<I", zlib.crc32(body))).ljust(68, b"\xff")


@settings(deadline=None)
@given(st.text("0123456789abcdefABCDEF", min_size=12, max_size=12), LABEL, LABEL)
def test_identity_round_trip(mac: str, model: str, serial: str) -> None:
    model, serial = model[:16] or "M", serial[:24]
    assert identity(factory(mac, model, serial)) == Identity(mac.upper(), model, serial)


@pytest.mark.parametrize(
    ("mac", "model", "serial", "reason"),
    [
        ("0080F0ABCDE", "M", "", "bad-mac"),
        ("0080F0ABCDEFF", "M", "", "bad-mac"),
        ("00:80:F0:AB:", "M", "", "bad-mac"),
        ("0080F0ABCDE\u0661", "M", "", "bad-mac"),
        (MAC, "", "", "bad-model"),
        (MAC, "M" * 17, "", "bad-model"),
        (MAC, "M\0", "", "bad-model"),
        (MAC, "M", "\u00fc", "bad-serial"),
        (MAC, "M", "s" * 25, "bad-serial"),
    ],
)
def test_factory_refuses(mac: str, model: str, serial: str, reason: str) -> None:
    with pytest.raises(LayoutError) as caught:
        factory(mac, model, serial)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "geometry", [Geometry(48 * 4096, 4096, 256), Geometry(1 << 20, 4096, 16), Geometry(1 << 16, 128, 64)]
)
def test_a_chip_without_room_for_the_layout(geometry: Geometry) -> None:
    for act in (lambda: factory(MAC, "M", geometry=geometry), lambda: mount(Chip(geometry))):
        with pytest.raises(LayoutError) as caught:
            act()
        assert caught.value.reason == "chip-too-small"


@settings(deadline=None)
@given(st.sampled_from([512, 1024, 4096]), st.integers(7, 11), st.sampled_from([32, 256]))
def test_other_geometries_have_a_layout_that_fits(sector: int, log_count: int, page: int) -> None:
    geometry = Geometry(sector << log_count, sector, page)
    chip = factory(MAC, "M", geometry=geometry)
    layout = partitions(chip)
    assert layout == built_in(geometry)
    ends = [partition.first + partition.count for partition in layout.partitions]
    assert ends[-1] == geometry.sector_count
    assert all(after.first >= end for end, after in zip(ends, layout.partitions[1:], strict=False))
    assert identity(chip).mac == MAC


@settings(deadline=None)
@given(st.integers(0, 179), st.integers(1, 255))
def test_a_table_with_any_byte_changed_falls_back(at: int, mask: int) -> None:
    chip = fresh()
    rewrite(chip, at, bytes([chip.read(at, 1)[0] ^ mask]))
    found = partitions(chip)
    assert found.damage in {"header", "checksum"}
    assert found.partitions == built_in(Geometry()).partitions
    assert [damage.code for damage in mount(chip).damage] == ["partition-table"]


@pytest.mark.parametrize(
    ("raw", "damage"),
    [
        (b"\xff" * 256, "header"),
        (table(GOOD, version=3), "header"),
        (table([*GOOD, *[(b"%d" % n, 1024 + n, 1) for n in range(8)]]), "header"),
        (table(GOOD, size=4 << 20), "geometry"),
        (table(GOOD[:3]), "entries"),
        (table([*GOOD, (b"files", 1024, 1)]), "entries"),
        (table([*GOOD, (b"more", 1023, 1)]), "entries"),
        (table([*GOOD, (b"more", 2040, 9)]), "entries"),
        (table([*GOOD, (b"more", 1024, 0)]), "entries"),
        (table([*GOOD[:2], (b"journal", 16, 31), GOOD[3]]), "entries"),
        (table([(b"table", 2, 1), (b"factory", 3, 1), *GOOD[2:]]), "entries"),
        (table([]), "entries"),
        (table(GOOD), ""),
        (table(GOOD, version=1), ""),
    ],
)
def test_tables_that_do_not_hold(raw: bytes, damage: str) -> None:
    chip = fresh()
    rewrite(chip, 0, raw)
    found = partitions(chip)
    assert found.damage == damage
    assert (found.partitions == built_in(Geometry()).partitions) == bool(damage)


def test_a_phone_without_its_table_keeps_settings_and_identity() -> None:
    chip = fresh()
    chip.erase(0)
    assert partitions(chip).damage == "blank"
    assert identity(chip) == Identity(MAC, "KX-UTG200", "1AB0001")
    assert mount(chip).bank == 0


def test_the_chips_own_table_rules() -> None:
    chip = fresh()
    moved = [GOOD[0], (b"factory", 5, 1), GOOD[2], (b"files", 60, 100), (b"log", 200, 8)]
    rewrite(chip, 0, table(moved))
    rewrite(chip, 5 * 4096, chip.read(4096, 4096))
    chip.erase(1)
    assert partitions(chip).partition("log") == Partition("log", 200, 8)
    assert identity(chip).mac == MAC
    with pytest.raises(KeyError):
        partitions(chip).partition("firmware-a")


@settings(deadline=None)
@given(st.integers(0, 63), st.integers(1, 255))
def test_damaged_factory_data(at: int, mask: int) -> None:
    chip = fresh()
    rewrite(chip, 4096 + at, bytes([chip.read(4096 + at, 1)[0] ^ mask]))
    with pytest.raises(LayoutError) as caught:
        identity(chip)
    assert caught.value.reason == "factory-data-damaged"


def test_blank_factory_data() -> None:
    with pytest.raises(LayoutError) as caught:
        identity(Chip())
    assert caught.value.reason == "factory-data-blank"


def test_factory_data_with_a_checksum_and_no_sense() -> None:
    chip = fresh()
    body = b"KXFD\x01\0\0\0" + b"NOT A MAC.. " + bytes(40)
    rewrite(chip, 4096, body + struct.pack("<I", zlib.crc32(body)))
    with pytest.raises(LayoutError) as caught:
        identity(chip)
    assert caught.value.reason == "factory-data-damaged"


@settings(deadline=None)
@given(st.binary(min_size=256, max_size=256), st.binary(min_size=64, max_size=64))
def test_junk_raises_only_layout_errors(first: bytes, second: bytes) -> None:
    chip = Chip()
    rewrite(chip, 0, first)
    rewrite(chip, 4096, second)
    assert partitions(chip).damage
    with pytest.raises(LayoutError):
        identity(chip)
