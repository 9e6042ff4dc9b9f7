"""``build`` and ``inspect``: what goes in comes out, of fresh chips and of those that have been through a lot."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.phone.prepare import prepared_flash
from flash_image import Choice, mount, pack, raw, read_environment, read_log, read_slot, unpack
from tests.tools.flash.images import (
    GEOMETRY,
    KEYS,
    SECRETS,
    SEEDS,
    TEXT,
    chip_in,
    firmware,
    flash,
    full,
    lived,
    saved,
    told,
)
from tools.flash.building import built
from tools.flash.content import content_json, content_of
from tools.flash.inspect_text import inspection_text
from tools.flash.inspecting import inspect, inspection_json
from tools.flash.reading import look

SETTINGS = settings(deadline=None, max_examples=30)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for images."""
    return tmp_path_factory.mktemp("images")


STORED = st.fixed_dictionaries(
    {"value": TEXT, "perm": st.sampled_from(["", "RW"]), "access": st.sampled_from(["", "A"])}
)
BODY = st.binary(max_size=900).map(lambda body: {"base64": b64encode(body).decode()})
SLOT = st.sampled_from([None, {"version": "03.220", "size": 300}, {"version": "03.225", "hangs": True, "size": 9}])
LINE = st.fixed_dictionaries(
    {"time": st.integers(0, (1 << 64) - 1), "utc": st.booleans(), "severity": st.integers(0, 7)},
    optional={"tag": st.text("abc", max_size=4), "text": st.text(st.characters(max_codepoint=999), max_size=9)},
)
CHOICE = st.none() | st.fixed_dictionaries(
    {"slot": st.sampled_from(["A", "B", ""]), "state": st.sampled_from(["confirmed", "trial", "rolled-back"])},
    optional={"tries": st.integers(0, 255)},
)


@st.composite
def specs(draw: st.DrawFn) -> dict[str, Any]:
    """Anything that can be asked for, with values that only --force takes."""
    version = draw(st.sampled_from([1, 2]))
    firmware = {slot: image for slot in "ab" if (image := draw(SLOT))}
    spec = {
        "mac": draw(st.from_regex("[0-9A-F]{12}", fullmatch=True)),
        "model": "KX-UTG200B",
        "serial": draw(st.text("0123456789", max_size=9)),
        "format": version,
        "geometry": GEOMETRY,
        "provisioned": draw(st.dictionaries(st.sampled_from(KEYS), STORED, max_size=3)),
        "user": draw(st.dictionaries(st.sampled_from(KEYS), TEXT, max_size=3)),
        "files": draw(st.dictionaries(st.sampled_from(["standard", "master", "root2"]), BODY, max_size=2)),
        "firmware": firmware,
        "log": draw(st.lists(LINE, max_size=4)) if version == 2 else [],
        "last_url": draw(st.none() | TEXT),
        "boot": draw(CHOICE),
    }
    return {key: value for key, value in spec.items() if value is not None}


def with_defaults(spec: dict[str, Any]) -> dict[str, Any]:
    """``spec`` as ``inspect`` tells it."""
    made = dict(spec)
    images = {slot: {"base64": b64encode(image_of(given)).decode()} for slot, given in spec["firmware"].items()}
    made["firmware"] = images
    made["log"] = [{"tag": "", "text": "", **line} for line in spec["log"]]
    if "boot" in spec:
        made["boot"] = {"tries": 0, "order": "00" * 32, **spec["boot"]}
    return made


def image_of(given: dict[str, Any]) -> bytes:
    """A firmware as a scenario makes it."""
    from emulator.world.scenario import FirmwareSpec
    from emulator.world.servers.firmware import firmware as make

    return make(FirmwareSpec("KX-UTG200B", given["version"], given["size"], given.get("hangs", False)))


@SETTINGS
@given(specs())
def test_what_is_asked_for_is_what_is_found(home: Path, spec: dict[str, Any]) -> None:
    path = home / "spec.json"
    path.write_text(json.dumps(spec), encoding="utf-8")
    chip = built(str(path), force=True)
    assert content_json(content_of(look(chip))) == with_defaults(spec)
    assert all(count == 1 for count in chip.wear.values())
    assert again(home, saved(home / "a.kxf", chip)) == pack(chip)


def again(home: Path, image: Path) -> bytes:
    """The packed image that ``build`` makes of what ``inspect`` tells."""
    path = home / "again.json"
    path.write_text(json.dumps(inspection_json(inspect(str(image)), True)), encoding="utf-8")
    return pack(built(str(path)))


@settings(deadline=None, max_examples=120)
@given(SEEDS)
def test_a_chip_in_any_state_comes_back_equal(home: Path, seed: int) -> None:
    """Cut off, flipped, worn, with bytes that nobody wrote; and it can always be told."""
    chip = lived(seed)
    path = saved(home / "lived.kxf", chip)
    assert again(home, path) == pack(chip)
    assert list(inspection_text(inspect(str(path)), False))


@SETTINGS
@given(SEEDS, st.dictionaries(st.sampled_from(["TIME_ZONE", "IP_ADDR_MODE"]), st.sampled_from("012"), max_size=2))
def test_an_edited_content_is_one_transaction_more(home: Path, seed: int, user: dict[str, str]) -> None:
    """On top of whatever the chip holds, after what was in doubt is settled."""
    chip = lived(seed)
    if chip.faults is not None:
        chip.faults = None
    held = inspection_json(inspect(str(saved(home / "b.kxf", chip))), True)
    was = dict(held["content"]["user"])
    held["content"]["user"] = user
    path = home / "edited.json"
    path.write_text(json.dumps(held), encoding="utf-8")
    made = built(str(path))
    assert content_json(content_of(look(made))) == held["content"]
    assert mount(made).sequence == mount(chip).sequence + (was != user)


def test_every_part_of_the_content_can_be_edited(tmp_path: Path) -> None:
    chip = full()
    held = told("inspect", saved(tmp_path / "a.kxf", chip), "--secrets")
    content = held["content"]
    content |= {"mac": "0080F0000001", "last_url": "http://192.0.2.99/"}
    content["boot"] = {"slot": "A"}
    content["files"] = {"root1": content["files"]["standard"]}
    content["firmware"] = {"b": {"version": "03.230", "size": 50}}
    content["log"] = [*content["log"], {"time": 7, "text": "one more"}]
    (tmp_path / "e.json").write_text(json.dumps(held))
    assert flash("build", tmp_path / "e.json", "-o", tmp_path / "b.kxf").exit_code == 2
    assert flash("build", tmp_path / "e.json", "-o", tmp_path / "b.kxf", "--force").exit_code == 0
    made = chip_in(tmp_path / "b.kxf")
    found = look(made)
    assert found.identity is not None
    assert (found.identity.mac, found.identity.model) == ("0080F0000001", "KX-UTG200")
    assert (found.url, [file.name for file in found.files]) == ("http://192.0.2.99/", ["root1"])
    assert found.slots[0].fault == "blank"
    assert read_slot(made, "B").version == "03.230"
    assert read_environment(made).choice == Choice("A", number=2)
    assert read_log(made).lines[:-1] == read_log(chip).lines
    assert mount(made).values["x/unknown"] == SECRETS[0].encode()
    assert mount(made).sequence == mount(chip).sequence + 1


def test_boot_and_log_can_be_emptied_and_factory_data_mended(tmp_path: Path) -> None:
    chip = full()
    chip.sectors[1] = bytes(512)
    held = told("inspect", saved(tmp_path / "a.kxf", chip), "--secrets")
    assert held["identity"] is None
    del held["content"]["boot"]
    held["content"] |= {"log": [], "mac": "0080f0000002"}
    (tmp_path / "e.json").write_text(json.dumps(held))
    assert flash("build", tmp_path / "e.json", "-o", tmp_path / "b.kxf").exit_code == 0
    after = told("inspect", tmp_path / "b.kxf")
    assert after["identity"] == {"mac": "0080F0000002", "model": "KX-UTG200B", "serial": "0000001"}
    assert (after["boot"]["slot"], after["log"]["lines"]) == (None, [])


TOML = """
mac = "0080f0abcdef"
model = "KX-UTG200"
last_url = "http://192.0.2.20/"
[provisioned]
TIME_ZONE = "60"
"SIP_PASS/1" = { value = "hunter22", perm = "RW" }
[user]
SIPPNP_ENABLE = "No"
[files]
standard = "below/standard.cfg"
[firmware.a]
file = "a.fw"
[firmware.b]
version = "03.220"
size = 100
[boot]
slot = "B"
[[log]]
time = "1.5s"
text = "a"
[[log]]
time = "2026-03-29T00:58:00Z"
severity = 4
tag = "T"
"""


def test_an_image_from_toml(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "standard.cfg").write_bytes(b"<a/>")
    (tmp_path / "a.fw").write_bytes(firmware())
    (tmp_path / "phone.toml").write_text(TOML)
    made = told("build", tmp_path / "phone.toml", "-o", tmp_path / "phone.kxf")
    assert made == {
        "path": str(tmp_path / "phone.kxf"),
        "form": "packed",
        "size": (tmp_path / "phone.kxf").stat().st_size,
        "notes": [],
    }
    chip = chip_in(tmp_path / "phone.kxf")
    assert mount(chip).values == {
        "p/TIME_ZONE": b"\0\x0060",
        "p/SIP_PASS/1": b"RW\0\0hunter22",
        "u/SIPPNP_ENABLE": b"N",
        "m/url": b"http://192.0.2.20/",
    }
    assert (read_slot(chip, "B").version, read_slot(chip, "B").model) == ("03.220", "KX-UTG200")
    assert [(line.time, line.utc, line.severity) for line in read_log(chip).lines] == [
        (1_500_000_000, False, 6),
        (1_774_745_880_000_000_000, True, 4),
    ]


def test_the_phone_of_a_scenario_has_the_same_image(tmp_path: Path) -> None:
    """So `phone.flash` and the tables of a scenario are two ways to one chip."""
    (tmp_path / "s.cfg").write_bytes(b"<a/>")
    (tmp_path / "phone.toml").write_text('[user]\nTIME_ZONE = "60"\n[files]\nstandard = "s.cfg"\n')
    made = prepared_flash(
        "0080F0123456", "KX-UTG200B", "0000001", user=(("TIME_ZONE", "60"),), saved=(("standard", b"<a/>"),)
    )
    assert pack(built(str(tmp_path / "phone.toml"))) == made


def test_a_raw_image_goes_through_json_too(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(raw(full()))
    result = flash("inspect", tmp_path / "a.bin", "--json", "--secrets")
    assert flash("build", "-", "-o", tmp_path / "b.bin", stdin=result.stdout.encode()).exit_code == 0
    assert (tmp_path / "b.bin").read_bytes() == raw(full())


def test_secrets_cannot_be_built_from_what_hides_them(tmp_path: Path) -> None:
    result = flash("inspect", saved(tmp_path / "a.kxf", full()), "--json")
    made = flash("build", "-", "-o", tmp_path / "b.kxf", stdin=result.stdout.encode())
    assert made.exit_code == 2
    assert made.stderr == "offhook: -: the secrets are left out of it; make it with `inspect --json --secrets`\n"
    assert not (tmp_path / "b.kxf").exists()


def test_a_chip_that_does_not_keep_a_change_says_so(tmp_path: Path) -> None:
    """A worn sector that loses what is programmed, and says nothing."""
    chip = full()
    held = told("inspect", saved(tmp_path / "a.kxf", chip), "--secrets")
    for key, value in (
        ("log", [{"time": 1, "text": "x" * 300}]),
        ("format", 1),
        ("geometry", {**GEOMETRY, "page": 32}),
    ):
        (tmp_path / "e.json").write_text(json.dumps({**held, "content": {**held["content"], key: value}}))
        assert flash("build", tmp_path / "e.json", "-o", tmp_path / "b.kxf").exit_code == 2
    held["raw"]["faults"] = {"limits": {"-1": {"erasures": 0, "behaviour": "program-loss"}}}
    held["content"]["user"]["TIME_ZONE"] = "60"
    (tmp_path / "e.json").write_text(json.dumps(held))
    result = flash("build", tmp_path / "e.json", "-o", tmp_path / "b.kxf")
    assert "the chip does not keep the change" in result.stderr
    assert unpack(pack(chip)) == chip
