"""Image files: each form there and back, and dumps that are not whole."""

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flash_image.chip import Chip, Geometry
from flash_image.dumps import SUFFIXES, DumpError, form_of, read_dump, write_dump
from flash_image.image import pack, raw
from flash_image.layout import factory
from tests.flash_image.journal_model import SMALL, commit, fresh

FORMS = ("raw", "packed", "ihex", "srec")


def used() -> Chip:
    chip = factory("0080F0ABCDEF", "KX-UTG200")
    commit(chip, {"a": b"1" * 300}, {"f": b"body" * 2000})
    return chip


def codes(data: bytes) -> list[str]:
    return [note.code for note in read_dump(data).notes]


@pytest.mark.parametrize("form", FORMS)
def test_each_form_there_and_back(form: str) -> None:
    chip = used()
    found = read_dump(write_dump(chip, form))  # type: ignore[arg-type]
    assert (found.form, found.chip.sectors, found.chip.geometry) == (form, chip.sectors, chip.geometry)
    assert found.chip.wear == (chip.wear if form == "packed" else {})
    assert [note.code for note in found.notes] == (["holes"] if form in ("ihex", "srec") else [])


@settings(deadline=None, max_examples=30)
@given(st.dictionaries(st.integers(0, 63), st.binary(min_size=512, max_size=512), max_size=8), st.sampled_from(FORMS))
def test_any_content_there_and_back(sectors: dict[int, bytes], form: str) -> None:
    chip = fresh()
    chip.sectors.update({at: cells for at, cells in sectors.items() if at and cells != b"\xff" * 512})
    found = read_dump(write_dump(chip, form))  # type: ignore[arg-type]
    assert found.chip.geometry == SMALL
    assert found.chip.sectors == chip.sectors
    assert "geometry" in [note.code for note in found.notes] or form == "packed"


def test_what_the_chip_reads_is_what_is_written_not_what_its_cells_hold() -> None:
    chip = used()
    chip.flip(0x10000, b"\x01")
    chip.flip(8 * 4096, b"\x01")
    for form in ("raw", "ihex", "srec"):
        found = read_dump(write_dump(chip, form)).chip  # type: ignore[arg-type]
        assert found.read(0x10000, 1) == bytes([used().read(0x10000, 1)[0] ^ 1])
        assert found.read(8 * 4096, 1) == b"\xfe"
    assert read_dump(write_dump(chip, "packed")).chip == chip


def test_a_dump_that_ends_early_is_read_as_far_as_it_goes() -> None:
    whole = raw(used())
    found = read_dump(whole[:200_000])
    assert [note.code for note in found.notes] == ["truncated"]
    assert found.notes[0].text == "the file ends at 200,000 of 8,388,608 bytes; the rest counts as blank"
    assert found.chip.read(0, 200_000) == whole[:200_000]
    assert found.chip.read(200_000, 1000) == b"\xff" * 1000
    assert found.holes == ((200_000, 8 << 20),)


def test_a_dump_that_is_too_long_loses_its_end() -> None:
    found = read_dump(raw(used()) + b"junk")
    assert [note.code for note in found.notes] == ["longer"]
    assert found.chip.sectors == used().sectors


def test_a_dump_without_a_table_is_taken_for_the_phones_chip_or_the_next_larger() -> None:
    assert codes(bytes(8 << 20)) == ["no-table"]
    assert codes(b"\xff" * 4096) == ["no-table", "truncated"]
    larger = read_dump(bytes((8 << 20) + 1))
    assert larger.chip.geometry.size == 16 << 20


def test_another_geometry_is_told_by_the_table() -> None:
    chip = factory("0080F0ABCDEF", "KX-UTG200", geometry=Geometry(4 << 20))
    assert codes(raw(chip)) == ["geometry"]
    assert read_dump(raw(chip)).chip == chip
    assert codes(raw(chip)[: 1 << 20]) == ["geometry", "truncated"]


def test_holes_are_told() -> None:
    lines = write_dump(used(), "ihex").splitlines(keepends=True)
    found = read_dump(b"".join(line for at, line in enumerate(lines) if not 20 <= at < 24))
    assert [note.code for note in found.notes] == ["holes"]
    assert "in 4 ranges" in found.notes[0].text
    assert (20 * 32, 24 * 32) in found.holes


def test_damaged_records_are_left_out_and_told() -> None:
    lines = write_dump(used(), "srec").splitlines(keepends=True)
    lines[25] = lines[25].replace(lines[25][20:22], b"zz")
    lines[29] = b"S3\n"
    found = read_dump(b"".join(lines))
    assert [note.code for note in found.notes] == ["bad-records", "holes"]
    assert found.notes[0].text.startswith("2 lines are damaged")


def test_data_behind_a_lost_address_record_goes_nowhere() -> None:
    """In Intel HEX, half an address is a record of its own."""
    lines = write_dump(used(), "ihex").splitlines(keepends=True)
    at = next(index for index, line in enumerate(lines) if line.startswith(b":02000004"))
    lost = [*lines[:at], b":02000004XXXX00\n", *lines[at + 1 :]]
    found, whole = read_dump(b"".join(lost)).chip, used()
    differs = [sector for sector in whole.sectors if found.sectors.get(sector) != whole.sectors[sector]]
    assert differs
    assert all(found.is_blank(sector) for sector in differs)


def test_a_chip_at_an_address_of_the_processor() -> None:
    import bincopy

    file = bincopy.BinFile()
    file.add_binary(raw(used())[: 1 << 20], address=0x9F000000)
    found = read_dump(file.as_srec().encode())
    assert [note.code for note in found.notes] == ["moved", "holes"]
    assert found.chip.read(0, 1 << 20) == raw(used())[: 1 << 20]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b":nonsense\n", "no-records"),
        (b"S1 nonsense\n", "no-records"),
        (pack(used())[:-1], "length"),
        (b"KXFLASH\0" + bytes(9), "too-short"),
    ],
)
def test_files_that_are_none(data: bytes, reason: str) -> None:
    with pytest.raises(DumpError) as caught:
        read_dump(data)
    assert caught.value.reason == reason


def test_a_file_over_the_limit_is_not_even_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flash_image.dumps.MAX_DUMP", 100)
    with pytest.raises(DumpError, match="too-long"):
        read_dump(bytes(101))


@settings(deadline=None, max_examples=150)
@given(st.sampled_from([b"", b":", b"S1", b"S3", b"KXFLASH\0", b":10", b":02000004"]), st.binary(max_size=300))
def test_any_bytes_are_a_chip_or_one_clear_error(start: bytes, rest: bytes) -> None:
    try:
        found = read_dump(start + rest)
    except DumpError:
        return
    assert found.chip.geometry.size >= 1024


def test_endings_say_the_form() -> None:
    assert {form_of(f"PHONE{suffix.upper()}") for suffix in SUFFIXES} == set(FORMS)
    with pytest.raises(DumpError, match="suffix"):
        form_of("phone.txt")


def test_the_library_for_records_is_imported_by_whoever_needs_it() -> None:
    code = "import flash_image, sys; sys.exit('bincopy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
