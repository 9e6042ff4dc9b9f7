"""``diff``: exactly what is not the same, told by its name, and byte by byte."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flash_image import Geometry, Limit, factory, pack, raw
from tests.flash_image.journal_model import SMALL, flip
from tests.tools.flash.images import SECRETS, SEEDS, flash, full, lived, saved, told
from tools.flash.comparing import diff


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for images."""
    return tmp_path_factory.mktemp("images")


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(["a.kxf", "a.bin"]), st.integers(0, SMALL.size - 1), st.integers(1, 255))
def test_one_changed_byte_is_found(home: Path, name: str, address: int, mask: int) -> None:
    """Where it is, and nothing else; whatever it means."""
    old, new = full(), full()
    flip(new, address, mask)
    write = {"a.kxf": pack, "a.bin": raw}[name]
    (home / name).write_bytes(write(old))
    (home / f"b{name[1:]}").write_bytes(write(new))
    found = diff(str(home / name), str(home / f"b{name[1:]}"), secrets=True)
    ranges = [each for part in found.ranges.values() for each in part]
    assert [(each.address, each.length) for each in ranges] == [(address, 1)]
    assert (ranges[0].old, ranges[0].new) == (old.read(address, 1), new.read(address, 1))
    assert not found.equal


@settings(deadline=None, max_examples=60)
@given(SEEDS, SEEDS)
def test_two_packed_images_are_equal_if_the_chips_are(home: Path, first: int, second: int) -> None:
    chips = lived(first), lived(second)
    paths = [str(saved(home / f"{at}.kxf", chip)) for at, chip in enumerate(chips)]
    assert diff(*paths).equal == (chips[0] == chips[1])
    assert diff(paths[0], paths[0]).equal


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 4000), st.integers(1, 60)), max_size=5))
def test_ranges_hold_every_byte_that_differs(home: Path, runs: list[tuple[int, int]]) -> None:
    """They begin and end with one, and between two of them nine bytes or more are equal."""
    old, new = full(), full()
    unlike = {at for start, length in runs for at in range(40_000 + start, 40_000 + start + length, 3)}
    for at in sorted(unlike):
        flip(new, at, 1)
    found = diff(str(saved(home / "r.kxf", old)), str(saved(home / "s.kxf", new)))
    ranges = [each for part in found.ranges.values() for each in part]
    covered = [at for each in ranges for at in range(each.address, each.address + each.length)]
    assert unlike <= set(covered)
    assert all(each.address in unlike and each.address + each.length - 1 in unlike for each in ranges)
    assert all(b.address - a.address - a.length >= 9 for a, b in pairwise(ranges))


def test_equal_images_say_so(tmp_path: Path) -> None:
    """In whatever form they are: a raw image tells no wear, so there is none to compare."""
    saved(tmp_path / "a.kxf", full())
    (tmp_path / "b.bin").write_bytes(raw(full()))
    for other in ("a.kxf", "b.bin"):
        result = flash("diff", tmp_path / "a.kxf", tmp_path / other)
        assert (result.exit_code, result.stdout) == (0, f"{tmp_path}/a.kxf and {tmp_path}/{other} are equal\n")
    assert told("diff", tmp_path / "a.kxf", tmp_path / "b.bin")["equal"] is True


def test_everything_that_has_a_name_is_told(tmp_path: Path) -> None:
    saved(tmp_path / "a.kxf", full())
    held = told("inspect", tmp_path / "a.kxf", "--secrets")
    held["content"] |= {"serial": "9", "last_url": "http://192.0.2.9/", "boot": {"slot": "A"}}
    held["content"]["provisioned"]["SIP_PASS/1"]["value"] = "another22"
    held["content"]["user"] = {"TIME_ZONE": "5"}
    held["content"]["files"]["product"] = {"base64": "AAAA"}
    held["content"]["firmware"]["a"] = {"version": "03.230", "size": 900}
    held["content"]["log"].append({"time": 9, "text": "one more"})
    (tmp_path / "e.json").write_text(json.dumps(held))
    assert flash("build", tmp_path / "e.json", "-o", tmp_path / "b.kxf").exit_code == 0
    result = flash("diff", tmp_path / "a.kxf", tmp_path / "b.kxf", "-v")
    assert result.exit_code == 1
    for line in (
        "- phone serial: ",
        "+ phone serial: 9",
        "- last URL: http://joe:***@192.0.2.20/",
        "+ last URL: http://192.0.2.9/",
        "- file product: 1,200 bytes, sound",
        "+ file product: 3 bytes, sound",
        "+ slot A: 03.230 for KX-UTG200, 900 of 16,384 bytes, sound",
        '- provisioned SIP_PASS/1: *** perm="!R"',
        '+ provisioned SIP_PASS/1: *** perm="!R"',
        "- user ADMIN_PASS: ***",
        '+ user TIME_ZONE: "5"',
        "+ log: +0.000000 6  one more",
    ):
        assert line in result.stdout.splitlines()
    shown = told("diff", tmp_path / "a.kxf", tmp_path / "b.kxf")
    assert {(each["key"], each["what"]) for each in shown["settings"]} == {
        ("SIP_PASS/1", "changed"),
        ("ADMIN_PASS", "removed"),
        ("TIME_ZONE", "added"),
    }
    assert {each["partition"] for each in shown["bytes"]} >= {
        "factory",
        "boot",
        "log",
        "journal",
        "files",
        "firmware-a",
    }
    assert shown["wear"]


def test_the_same_names_with_other_content(tmp_path: Path) -> None:
    old, new = full(), full()
    for chip, letter in ((old, b"a"), (new, b"b")):
        (tmp_path / "body").write_bytes(letter * 50)
        flash("insert", saved(tmp_path / f"{letter.decode()}.kxf", chip), "master", tmp_path / "body")
    result = flash("diff", tmp_path / "a.kxf", tmp_path / "b.kxf")
    assert "+ file master: 50 bytes, sound, other content" in result.stdout.splitlines()


def test_wear_and_faults_are_told_if_both_images_hold_them(tmp_path: Path) -> None:
    old, new = full(), full()
    new.wear[9] = 7
    new.flip(40_000, b"\3")
    new.weaken(41_000, b"\1", 1)
    new.wear_out(Limit(5, "read-error"), [12])
    new.wear_out(Limit(9, "erase-loss"))
    saved(tmp_path / "a.kxf", old)
    result = flash("diff", tmp_path / "a.kxf", saved(tmp_path / "b.kxf", new))
    for line in (
        "+ faults turn: 1",
        "+ faults flipped at 0x9c40: bits 03",
        "+ faults unstable at 0xa028: bits 01",
        "+ faults sector 12: read-error from 5 erasures on",
        "+ faults every other sector: erase-loss from 9 erasures on",
        "  sector 9: 0 erasures, then 7",
    ):
        assert line in result.stdout.splitlines()
    (tmp_path / "b.bin").write_bytes(raw(new))
    assert "+ faults" not in flash("diff", tmp_path / "a.kxf", tmp_path / "b.bin").stdout


def test_bytes_that_may_be_secrets_are_told_by_address_only(tmp_path: Path) -> None:
    old, new = full(), full()
    for address in (9, 600, 16 * 512 + 200, 48 * 512 + 9, 64 * 512 + 9):
        flip(new, address, 1)
    paths = saved(tmp_path / "a.kxf", old), saved(tmp_path / "b.kxf", new)
    shown = told("diff", *paths, "--secrets")
    assert all(each["old"] for part in shown["bytes"] for each in part["ranges"])
    hidden = told("diff", *paths)
    # The table of one of them is damaged: nobody knows where the passwords are.
    assert all(each["old"] is None for part in hidden["bytes"] for each in part["ranges"])
    flip(new, 9, 1)
    saved(tmp_path / "b.kxf", new)
    told_of = {part["partition"]: part["ranges"][0]["old"] for part in told("diff", *paths)["bytes"]}
    assert {name for name, bytes_ in told_of.items() if bytes_ is None} == {"journal", "files"}
    assert told_of.keys() == {"factory", "journal", "files", "firmware-a"}
    assert not [secret for secret in SECRETS if secret in str(hidden)]


def test_only_the_first_of_many_are_shown(tmp_path: Path) -> None:
    old, new = full(), full()
    for at in range(40_000, 41_000, 20):
        flip(new, at, 1)
    paths = saved(tmp_path / "a.kxf", old), saved(tmp_path / "b.kxf", new)
    short, long = flash("diff", *paths).stdout, flash("diff", *paths, "-v").stdout
    assert "and 40 more ranges; -v shows them all" in short
    assert len(long.splitlines()) == len(short.splitlines()) + 39


def test_chips_of_other_sizes(tmp_path: Path) -> None:
    other = factory("0080F0ABCDEF", "KX-UTG200", geometry=Geometry(256 * 1024, 1024, 128))
    result = flash("diff", saved(tmp_path / "a.kxf", full()), saved(tmp_path / "b.kxf", other))
    assert result.exit_code == 1
    assert "- chip sector: 512 bytes" in result.stdout
    assert "+ chip partition firmware-b: sectors 192 to 255" in result.stdout
