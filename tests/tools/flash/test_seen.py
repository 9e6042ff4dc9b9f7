"""What a person sees of an image: on any terminal, without passwords, and in one line if it is none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click import unstyle
from hypothesis import given, settings
from hypothesis import strategies as st

from flash_image import pack, partitions, raw, write_dump
from tests.tools.flash.images import SECRETS, SEEDS, TEXT, flash, full, lived, saved, told
from tools import printing
from tools.flash.inspect_text import inspection_text
from tools.flash.inspecting import inspect
from tools.flash.sectors import LEGEND


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for images."""
    return tmp_path_factory.mktemp("images")


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_no_line_is_wider_than_the_terminal(home: Path, monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setattr("tools.flash.inspect_text.width", lambda: columns)
    monkeypatch.setattr(printing, "width", lambda: columns)
    lines = [unstyle(line) for line in inspection_text(inspect(str(saved(home / "w.kxf", full()))), False)]
    assert [line for line in lines if len(line) > columns] == []


def test_the_map_has_a_letter_for_every_sector(tmp_path: Path) -> None:
    chip = full()
    shown = told("inspect", saved(tmp_path / "a.kxf", chip))
    letters = "".join(row["letters"] for row in shown["map"])
    assert len(letters) == chip.geometry.sector_count
    assert set(letters) <= set(LEGEND)
    assert [letters[sector] == "." for sector in range(len(letters))] == [
        chip.is_blank(sector) for sector in range(len(letters))
    ]
    assert letters[partitions(chip).partition("journal").first] == "J"


@settings(deadline=None, max_examples=60)
@given(SEEDS)
def test_the_map_of_any_chip_shows_what_is_blank(home: Path, seed: int) -> None:
    chip = lived(seed)
    shown = told("inspect", saved(home / "m.kxf", chip))
    letters = "".join(row["letters"] for row in shown["map"] for _ in [0])
    assert len(letters) == chip.geometry.sector_count
    assert shown["legend"].keys() == LEGEND.keys()


@settings(deadline=None, max_examples=80)
@given(SEEDS, st.sampled_from(["inspect", "diff", "get", "extract"]), st.booleans())
def test_no_verb_tells_a_password(home: Path, seed: int, verb: str, as_json: bool) -> None:
    """Of no chip, whatever has been done to it; bytes that may be passwords are left out too."""
    path = saved(home / "p.kxf", lived(seed))
    saved(home / "q.kxf", full())
    arguments = {
        "inspect": [path],
        "diff": [path, home / "q.kxf", "-v"],
        "get": [path, "SIP_PASS/1"],
        "extract": [path, "log", "-o", home / "log"],
    }[verb]
    result = flash(verb, *arguments, *(["--json"] if as_json else []), *(["--force"] if verb == "extract" else []))
    text = result.output + (home / "log").read_text() if verb == "extract" else result.output
    assert not [secret for secret in SECRETS if secret in text or secret.encode().hex() in text.replace(" ", "")]


def test_a_message_about_a_value_does_not_tell_it(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.kxf", full())
    for arguments in (
        ("set", path, "TIME_ZONE", "hunter22"),
        ("set", path, "SIP_PASS/1", "hunter22" * 30),
        ("set", path, "SIP_PASS/1", "hunter22"),
        ("set", path, "url", "not a hunter22"),
    ):
        assert "hunter22" not in flash(*arguments).output
    spec = tmp_path / "p.toml"
    for text in ('[user]\n"ADMIN_PASS" = ["hunter22"]', '[provisioned]\nTIME_ZONE = "hunter22"'):
        spec.write_text(text)
        result = flash("build", spec, "-o", tmp_path / "b.kxf")
        assert result.exit_code == 2
        assert "hunter22" not in result.output


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_any_file_is_read_or_refused_in_one_line(home: Path, data: st.DataObject) -> None:
    """Random bytes, images with bytes of them changed, cut off or doubled: in no verb a traceback."""
    whole = data.draw(st.sampled_from(FORMS))
    junk = data.draw(st.one_of(st.binary(max_size=300), st.just(whole)))
    at, length = data.draw(st.integers(0, max(0, len(junk) - 1))), data.draw(st.integers(0, 3000))
    junk = junk[:at] + data.draw(st.binary(max_size=9)) + junk[at + length :]
    (home / "x.bin").write_bytes(junk)
    verb = data.draw(st.sampled_from(["inspect", "diff", "get", "convert", "set", "rm", "extract", "insert", "build"]))
    path, out = home / "x.bin", home / "out.kxf"
    arguments = {
        "inspect": [path],
        "diff": [path, path],
        "get": [path, "TIME_ZONE"],
        "set": [path, "TIME_ZONE", "5", "-o", out, "--force"],
        "rm": [path, "TIME_ZONE", "-o", out, "--force"],
        "convert": [path, "-o", out, "--force"],
        "extract": [path, "standard", "-o", out, "--force"],
        "insert": [path, "master", path, "-o", out, "--force"],
        "build": [path, "-o", out, "--force"],
    }[verb]
    result = flash(verb, *arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code in (0, 1, 2)
    if result.exit_code == 2:
        assert result.stdout == ""
        assert [line for line in result.stderr.splitlines() if line.startswith("offhook: ")]


FORMS = [pack(full()), raw(full()), write_dump(full(), "ihex"), write_dump(full(), "srec")]


@settings(deadline=None, max_examples=80)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | TEXT, lambda each: st.lists(each, max_size=3), max_leaves=5
    )
)
def test_any_specification_is_taken_or_refused_in_one_line(home: Path, value: object) -> None:
    for key in (
        "mac",
        "model",
        "geometry",
        "provisioned",
        "user",
        "files",
        "boot",
        "firmware",
        "log",
        "raw",
        "content",
    ):
        for given_ in ({key: value}, {"content": {}, key: value}, {key: {"TIME_ZONE": value}}):
            (home / "s.json").write_text(json.dumps(given_))
            result = flash("build", home / "s.json", "-o", home / "s.kxf", "--force")
            assert result.exception is None or isinstance(result.exception, SystemExit), given_
            assert result.exit_code == 0 or len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[users]\n", "users"),
        ('mac = "zz"', "a MAC address is 12 hex digits"),
        ("geometry = { size = 1000 }", "geometry"),
        ("geometry = { size = 16384 }", "too small"),
        ('files = { standard = "../../etc/passwd" }', "is not below the folder of this file"),
        ('files = { standart = "x" }', "did you mean 'standard'?"),
        ('firmware = { a = { version = "3" } }', "firmware.a"),
        ('[[log]]\ntime = "soon"', "log[0].time"),
        ("x = " + "[" * 5000, "nested too deeply"),
        ("x = " + "1" * 9999, "is not valid TOML"),
        ("{", "is not valid JSON"),
        ('{"a": ' + "[" * 200_000, "is not valid JSON"),
    ],
)
def test_a_bad_specification_says_what_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "p.toml").write_text(text)
    result = flash("build", tmp_path / "p.toml", "-o", tmp_path / "b.kxf")
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "b.kxf").exists()


@pytest.mark.parametrize("verb", ["inspect", "diff", "get", "set", "rm", "extract", "insert", "convert", "build"])
def test_what_is_no_file_is_one_line(tmp_path: Path, verb: str) -> None:
    """A folder, nothing, a name with a NUL, an empty file."""
    (tmp_path / "empty").write_bytes(b"")
    more = {
        "diff": ["x"],
        "get": ["TIME_ZONE"],
        "set": ["TIME_ZONE", "5"],
        "rm": ["TIME_ZONE"],
        "extract": ["standard", "-o", tmp_path / "o.kxf"],
        "insert": ["standard", tmp_path / "empty"],
        "convert": ["-o", tmp_path / "o.kxf"],
        "build": ["-o", tmp_path / "o.kxf"],
    }
    for name in (tmp_path, tmp_path / "none", "a\0b", *([] if verb == "build" else [tmp_path / "empty"])):
        result = flash(verb, name, *more.get(verb, []))
        assert (result.exit_code, result.stdout) == (2, "")
        assert len(result.stderr.splitlines()) == 1
        assert result.stderr.startswith("offhook: ")
