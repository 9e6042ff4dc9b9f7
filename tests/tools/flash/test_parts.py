"""``extract`` and ``insert``: what is taken out is what was put in, and what is not sound is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flash_image import Limit, factory, pack, partitions, raw, read_slot
from tests.flash_image.test_layout import GOOD as OLD_TABLE
from tests.flash_image.test_layout import table
from tests.tools.flash.images import SECRETS, SEEDS, chip_in, firmware, flash, full, lived, saved, told
from tools.flash.content import SAVED
from tools.flash.parts import extract, insert


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for images."""
    return tmp_path_factory.mktemp("images")


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.sampled_from(SAVED), st.binary(max_size=700)), max_size=6))
def test_files_are_a_dict(home: Path, story: list[tuple[str, bytes]]) -> None:
    """Under each name the last that was put in, and under no other anything."""
    path, model = saved(home / "a.kxf", factory("0080F0ABCDEF", "KX-UTG200")), {}
    for name, body in story:
        (home / "body").write_bytes(body)
        insert(str(path), name, str(home / "body"), force=True)
        model[name] = body
        for each, wanted in model.items():
            extract(str(path), each, str(home / "out"), force=True)
            assert (home / "out").read_bytes() == wanted
    assert {each["name"] for each in told("inspect", path)["files"]} == set(model)


@settings(deadline=None, max_examples=60)
@given(SEEDS, st.data())
def test_a_partition_can_be_carried_to_another_chip(home: Path, seed: int, data: st.DataObject) -> None:
    """Byte by byte, whatever is in it; every other partition stays as it was."""
    chip, other = lived(seed), full()
    chip.faults = None
    area = data.draw(st.sampled_from(partitions(other).partitions))
    if partitions(chip).find(area.name) != area:
        return  # a chip of the old format, or one whose table is damaged
    extract(str(saved(home / "a.kxf", chip)), area.name, str(home / "part"), raw=True, force=True)
    insert(str(saved(home / "b.kxf", other)), area.name, str(home / "part"), raw=True)
    made, size = chip_in(home / "b.kxf"), chip.geometry.sector
    first, end = area.first * size, (area.first + area.count) * size
    assert raw(made)[first:end] == raw(chip)[first:end]
    assert raw(made)[:first] == raw(other)[:first]
    assert raw(made)[end:] == raw(other)[end:]


def test_firmware_goes_in_and_out(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.kxf", full())
    (tmp_path / "new.fw").write_bytes(firmware("03.250"))
    assert flash("insert", path, "firmware-a", tmp_path / "new.fw").exit_code == 0
    assert read_slot(chip_in(path), "A").version == "03.250"
    assert flash("extract", path, "firmware-a", "-o", tmp_path / "out.fw").exit_code == 0
    assert (tmp_path / "out.fw").read_bytes() == firmware("03.250")
    before = path.read_bytes()
    assert flash("insert", path, "firmware-a", tmp_path / "new.fw").stdout.endswith("as it was\n")
    assert path.read_bytes() == before


def test_what_a_phone_would_refuse_needs_force(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.kxf", full())
    (tmp_path / "junk").write_bytes(b"junk")
    for name in ("firmware-b", "root1"):
        result = flash("insert", path, name, tmp_path / "junk")
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.endswith("--force takes it\n")
        assert path.read_bytes() == pack(full())
    assert flash("insert", path, "firmware-b", tmp_path / "junk", "--force").exit_code == 0
    result = flash("extract", path, "firmware-b", "-o", tmp_path / "out")
    assert "firmware-b holds no sound firmware" in result.stderr
    assert not (tmp_path / "out").exists()


def test_what_is_damaged_is_told_and_not_given(tmp_path: Path) -> None:
    chip = full()
    area = partitions(chip).partition("files")
    for sector in range(area.first, area.first + area.count):
        if sector in chip.sectors:
            chip.sectors[sector] = bytes(chip.geometry.sector)
    path = saved(tmp_path / "a.kxf", chip)
    result = flash("extract", path, "standard", "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert result.stderr == f"offhook: {path}: standard is not sound: its bytes have changed\n"
    assert not (tmp_path / "out").exists()
    assert flash("extract", path, "files", "--raw", "-o", tmp_path / "out").exit_code == 0
    assert len((tmp_path / "out").read_bytes()) == area.count * chip.geometry.sector


def test_unreadable_sectors_are_told(tmp_path: Path) -> None:
    chip = full()
    first = partitions(chip).partition("journal").first
    chip.wear_out(Limit(0, "read-error"), [first, first + 1])
    path = saved(tmp_path / "a.kxf", chip)
    result = flash("extract", path, "journal", "--raw", "-o", tmp_path / "out")
    assert "2 sectors cannot be read; they are given as 0xFF" in result.stderr
    assert (tmp_path / "out").read_bytes()[: 2 * 512] == b"\xff" * 1024


def test_the_log_is_text_without_its_passwords(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.kxf", full())
    shown = flash("extract", path, "log", "-o", "-")
    assert shown.stdout.splitlines()[0] == "+0.000000 6 PROV line 0 PASS ***"
    assert len(shown.stdout.splitlines()) == 4
    assert SECRETS[1] in flash("extract", path, "log", "-o", "-", "--secrets").stdout
    assert "can only be extracted" in flash("insert", path, "log", path).stderr


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("standart", "there is no 'standart' on this chip; did you mean standard?"),
        ("firmware-c", "there is no 'firmware-c' on this chip; did you mean firmware-b?"),
        ("zzz", "there is no 'zzz' on this chip; there are "),
    ],
)
def test_a_wrong_name_is_answered_with_the_right_one(tmp_path: Path, name: str, said: str) -> None:
    path = saved(tmp_path / "a.kxf", full())
    for result in (flash("extract", path, name, "-o", tmp_path / "out"), flash("insert", path, name, path)):
        assert result.exit_code == 2
        assert said in result.stderr
    result = flash("extract", path, "journl", "--raw", "-o", tmp_path / "out")
    assert "did you mean journal?" in result.stderr


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.kxf", full())
    (tmp_path / "big").write_bytes(bytes(400_000))
    for name, said in (("standard", "at most 300,000 bytes"), ("table", "do not fit into table")):
        result = flash("insert", path, name, tmp_path / "big", *(["--raw"] if name == "table" else []))
        assert (result.exit_code, path.read_bytes()) == (2, pack(full()))
        assert said in result.stderr


def test_a_chip_without_slots_says_so(tmp_path: Path) -> None:
    """One whose boot partition has a single sector, so that no choice can be written safely."""
    chip = factory("0080F0ABCDEF", "KX-UTG200")
    entries = [*OLD_TABLE[:2], (b"boot", 2, 1), *OLD_TABLE[2:], (b"firmware-a", 1024, 9), (b"firmware-b", 1536, 9)]
    chip.sectors[0] = table(entries).ljust(4096, b"\xff")
    path = saved(tmp_path / "a.kxf", chip)
    (tmp_path / "new.fw").write_bytes(firmware())
    assert told("inspect", path)["slots"] == []
    result = flash("insert", path, "firmware-a", tmp_path / "new.fw")
    assert (result.exit_code, result.stderr) == (2, f"offhook: {path}: this chip has no firmware slots\n")
    assert flash("extract", path, "firmware-a", "-o", tmp_path / "out").exit_code == 2
