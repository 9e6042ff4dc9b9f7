"""``convert``, and how images are written: in which form, where, over what, and with what said."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings

from flash_image import Chip, mount, pack, raw, read_dump, write_dump
from tests.tools.flash.images import SEEDS, chip_in, flash, full, lived, saved, told
from tools.flash.moving import convert
from tools.flash.reading import look, still

ENDINGS = {".bin": "raw", ".hex": "ihex", ".s19": "srec", ".kxf": "packed"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for images."""
    return tmp_path_factory.mktemp("images")


@settings(deadline=None, max_examples=25)
@given(SEEDS)
def test_there_and_back(home: Path, seed: int) -> None:
    """Through every form and back: the chip reads the same; from packed to packed nothing at all is lost."""
    chip = lived(seed)
    path = saved(home / "a.kxf", chip)
    if mount(chip).damage and any(found.code == "partition-table" for found in mount(chip).damage):
        return  # its geometry cannot be told from elsewhere
    for ending, form in ENDINGS.items():
        made = convert(str(path), str(home / f"b{ending}"), force=True).written
        assert made.form == form
        back = convert(str(home / f"b{ending}"), str(home / "c.kxf"), force=True)
        assert raw(chip_in(home / "c.kxf")) == raw(chip)
        assert bool(made.notes) == (form != "packed" and bool(chip.wear or chip.faults is not None))
        assert back.image.dump.form == form
    assert chip_in(home / "c.kxf") == chip


@settings(deadline=None, max_examples=60)
@given(SEEDS)
def test_a_chip_that_holds_still_reads_the_same(seed: int) -> None:
    chip = lived(seed)
    assert raw(still(chip)) == raw(chip)
    assert mount(still(chip)) == mount(chip)
    for form in ("raw", "ihex", "srec"):
        assert write_dump(still(chip), form) == write_dump(chip, form)
    assert look(chip) == look(still(chip))


def test_what_a_file_cannot_hold_is_said(tmp_path: Path) -> None:
    chip = full()
    chip.flip(5000, b"\1")
    result = flash("convert", saved(tmp_path / "a.kxf", chip), "-o", tmp_path / "b.bin")
    assert "the file does not hold the wear and the faults of the chip; a packed image does" in result.stderr
    assert result.stdout == f"{tmp_path}/b.bin: raw, 65,536 bytes\n"
    result = flash("set", tmp_path / "a.kxf", "TIME_ZONE", "1", "-o", tmp_path / "c.bin")
    assert "the file does not hold the wear and the faults" in result.stderr
    assert "does not hold" not in flash("set", tmp_path / "b.bin", "TIME_ZONE", "2").stderr
    notes = told("convert", tmp_path / "b.bin", "-o", tmp_path / "d.kxf")["notes"]
    assert [note["code"] for note in notes] == ["geometry"]


def test_a_new_file_is_its_owners_only_and_an_old_one_keeps_its_mode(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.kxf", full())
    path.chmod(0o640)
    flash("set", path, "TIME_ZONE", "1")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    flash("set", path, "TIME_ZONE", "2", "-o", tmp_path / "b.kxf")
    flash("extract", path, "standard", "-o", tmp_path / "s")
    for made in ("b.kxf", "s"):
        assert stat.S_IMODE((tmp_path / made).stat().st_mode) == 0o600
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.kxf", "b.kxf", "s"]


def test_nothing_is_written_over_by_accident(tmp_path: Path) -> None:
    path, other = saved(tmp_path / "a.kxf", full()), tmp_path / "other.bin"
    other.write_bytes(b"mine")
    (tmp_path / "p.toml").write_text("")
    for arguments in (
        ("convert", path, "-o", other),
        ("build", tmp_path / "p.toml", "-o", other),
        ("extract", path, "standard", "-o", other),
        ("set", path, "TIME_ZONE", "1", "-o", other),
        ("rm", path, "TIME_ZONE", "-o", other),
        ("insert", path, "master", tmp_path / "p.toml", "-o", other),
    ):
        result = flash(*arguments)
        assert result.exit_code == 2
        assert result.stderr.endswith("is there already; --force writes over it\n")
        assert other.read_bytes() == b"mine"
        assert flash(*arguments, "--force").exit_code == 0
        other.write_bytes(b"mine")
    assert path.read_bytes() == pack(full())


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    saved(tmp_path / "a.kxf", full())
    (tmp_path / "link.kxf").symlink_to("a.kxf")
    assert flash("set", tmp_path / "link.kxf", "TIME_ZONE", "1").exit_code == 0
    assert (tmp_path / "link.kxf").is_symlink()
    assert mount(chip_in(tmp_path / "a.kxf")).values["u/TIME_ZONE"] == b"1"


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path / "a.kxf", full())

    def no_room(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", no_room)
    result = flash("set", path, "TIME_ZONE", "1")
    assert (result.exit_code, result.stderr) == (2, f"offhook: {path}: cannot be written (no space left on device)\n")
    assert [each.name for each in tmp_path.iterdir()] == ["a.kxf"]
    assert path.read_bytes() == pack(full())


def test_a_file_that_is_read_only_stays_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The superuser may write anywhere, so the answer of the system is replaced."""
    path = saved(tmp_path / "a.kxf", full())
    monkeypatch.setattr(os, "access", lambda where, mode: False)
    assert "it is read-only" in flash("set", path, "TIME_ZONE", "1").stderr
    assert flash("get", path, "TIME_ZONE").exit_code == 0
    assert path.read_bytes() == pack(full())


def spoiled(how: str, chip: Chip) -> bytes:
    """A dump from elsewhere that is not whole."""
    if how == "truncated":
        return raw(chip)[:40_000]
    if how == "longer":
        return raw(chip) + b"more"
    lines = write_dump(chip, "srec").splitlines(keepends=True)
    return b"".join([*lines[:9], b"S3junk\n", *lines[10:]])


@pytest.mark.parametrize("how", ["truncated", "longer", "bad-records"])
def test_what_would_be_lost_is_not_written_back(tmp_path: Path, how: str) -> None:
    path = tmp_path / "a.dump"
    path.write_bytes(spoiled(how, full()))
    before = path.read_bytes()
    result = flash("set", path, "TIME_ZONE", "1")
    assert result.exit_code == 2
    assert "is not written back, as something of it would be lost" in result.stderr
    assert path.read_bytes() == before
    aside = flash("set", path, "TIME_ZONE", "1", "-o", tmp_path / "b.kxf")
    assert aside.exit_code == 0
    assert f"{path}: " in aside.stderr
    assert how in [note["code"] for note in told("set", path, "TIME_ZONE", "2", "--force")["notes"]]
    assert mount(read_dump(path.read_bytes()).chip).values["u/TIME_ZONE"] == b"2"


def test_the_form_is_that_of_the_ending_or_of_the_option(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.kxf", full())
    assert flash("convert", path, "-o", tmp_path / "b.rom", "--form", "srec").exit_code == 0
    assert read_dump((tmp_path / "b.rom").read_bytes()).form == "srec"
    result = flash("convert", path, "-o", tmp_path / "c.rom")
    assert "its ending does not say in which form" in result.stderr
    assert flash("set", tmp_path / "b.rom", "TIME_ZONE", "1", "-o", tmp_path / "c.rom").exit_code == 0
    assert read_dump((tmp_path / "c.rom").read_bytes()).form == "srec"


def test_images_go_through_pipes(tmp_path: Path) -> None:
    """`-` is standard input and output; a stream is written as it is."""
    result = flash("set", "-", "TIME_ZONE", "1", "-o", "-", stdin=pack(full()))
    assert result.exit_code == 0
    assert result.stdout_bytes.startswith(b"KXFLASH\0")
    assert result.stderr == '+ TIME_ZONE = "1" (user)\n'
    assert flash("inspect", "-", stdin=result.stdout_bytes).exit_code == 0
    assert flash("set", "-", "TIME_ZONE", "1", stdin=pack(full())).exit_code == 2
    assert flash("set", "-", "TIME_ZONE", "1", "-o", "-", "--json", stdin=pack(full())).exit_code == 2
    os.mkfifo(tmp_path / "fifo")
    reader = os.open(tmp_path / "fifo", os.O_RDONLY | os.O_NONBLOCK)
    assert (
        flash("convert", saved(tmp_path / "a.kxf", full()), "-o", tmp_path / "fifo", "--form", "packed").exit_code == 0
    )
    assert os.read(reader, 100_000) == pack(full())
    os.close(reader)
