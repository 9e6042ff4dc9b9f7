"""``get``, ``set``, ``rm`` against a dict."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flash_image import Limit, mount, pack, plan, read_dump, tear, write_dump
from flash_image.tears import Tear, leave
from tests.tools.flash.images import SECRETS, apply, chip_in, flash, fresh, full, saved, told
from tools.flash.settings import get_setting, remove_setting, set_setting

LAYERS = ("user", "provisioned")
KEYS = ("TIME_ZONE", "IP_ADDR_MODE", "DISPLAY_NAME/1")
DO = st.tuples(
    st.sampled_from(["set", "rm", "get"]), st.sampled_from(KEYS), st.sampled_from(LAYERS), st.sampled_from("012")
)
Model = dict[tuple[str, str], str]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for images."""
    return tmp_path_factory.mktemp("images")


@settings(deadline=None, max_examples=25)
@given(st.lists(DO, max_size=12), st.sampled_from(["a.kxf", "a.bin", "a.hex", "a.srec"]))
def test_settings_are_a_dict_by_layer(home: Path, story: list[tuple[str, str, str, str]], name: str) -> None:
    """Whatever the form of the file; what is in force is the user's."""
    path, model = home / name, Model()
    path.write_bytes(write_dump(fresh(), read_form(name)))
    for what, key, layer, value in story:
        if what == "set":
            set_setting(str(path), key, value, layer=layer)
            model[layer, key] = value
        elif what == "rm":
            assert bool(remove_setting(str(path), key, layer).before) == ((layer, key) in model)
            model.pop((layer, key), None)
        found = get_setting(str(path), key).in_force
        wanted = next(((layer, model[layer, key]) for layer in LAYERS if (layer, key) in model), None)
        assert (None if found is None else (found.layer, found.value)) == wanted
    assert read_dump(path.read_bytes()).form == read_form(name)
    held = mount(read_dump(path.read_bytes()).chip).values
    assert len(held) == len(model)


def read_form(name: str) -> str:
    """The form of the image of that name."""
    return {"kxf": "packed", "bin": "raw", "hex": "ihex", "srec": "srec"}[name.rpartition(".")[2]]


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_what_a_cut_left_in_doubt_is_settled_first(home: Path, data: st.DataObject) -> None:
    """The other settings are as they read before, and stay so whichever way the torn cells read later."""
    chip = full()
    ops = plan(chip, mount(chip), {"u/TIME_ZONE": b"5"}, {}, True)
    at = data.draw(st.integers(0, len(ops) - 1))
    size = len(ops[at].data)  # type: ignore[union-attr]
    keep, sample = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, 5))
    apply(chip, ops[:at])
    leave(chip, tear(chip, ops[at], Tear("unstable", keep, sample)))
    read = dict(mount(chip).values)
    set_setting(str(saved(home / "cut.kxf", chip)), "IP_ADDR_MODE", "2")
    made = chip_in(home / "cut.kxf")
    for _ in range(3):
        assert mount(made).values == {**read, "u/IP_ADDR_MODE": b"2"}
        if made.faults is not None:
            made.faults.turn += 1


def test_get_says_what_is_in_force(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.kxf", full())
    assert flash("get", path, "TIME_ZONE").stdout == 'TIME_ZONE = "60" (provisioned, perm RW, access A)\n'
    assert flash("set", path, "TIME_ZONE", "-5").stdout == '+ TIME_ZONE = "-5" (user)\n'
    assert flash("get", path, "TIME_ZONE").stdout == 'TIME_ZONE = "-5" (user)\n'
    assert flash("get", path, "TIME_ZONE", "--layer", "provisioned").stdout.startswith('TIME_ZONE = "60"')
    assert told("get", path, "TIME_ZONE") == {
        "key": "TIME_ZONE",
        "stored": [
            {"layer": "user", "value": "-5", "perm": "", "access": ""},
            {"layer": "provisioned", "value": "60", "perm": "RW", "access": "A"},
        ],
        "default": "",
        "notes": [],
    }
    assert flash("get", path, "url").stdout == 'url = "http://joe:***@192.0.2.20/"\n'
    assert (
        flash("get", path, "SIP_PASS/1", "--secrets").stdout == f'SIP_PASS/1 = "{SECRETS[0]}" (provisioned, perm !R)\n'
    )


def test_nothing_stored_is_answered_with_no(tmp_path: Path) -> None:
    """With the factory default, and nothing is written."""
    path = saved(tmp_path / "a.kxf", full())
    before = path.stat().st_mtime_ns
    found = flash("get", path, "SIPPNP_ENABLE")
    assert (found.exit_code, found.stdout) == (1, "")
    assert found.stderr == "SIPPNP_ENABLE is not stored; the phone takes its default, Y\n"
    assert flash("get", path, "TIME_ZONE", "--layer", "user").exit_code == 1
    assert flash("rm", path, "SIPPNP_ENABLE").exit_code == 1
    assert flash("rm", path, "TIME_ZONE", "--layer", "user").exit_code == 1
    assert flash("set", path, "TIME_ZONE", "60", "--layer", "provisioned").stdout.endswith("as it was\n")
    assert path.stat().st_mtime_ns == before


def test_rm_removes_every_layer(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.kxf", full())
    flash("set", path, "TIME_ZONE", "1")
    assert len(flash("rm", path, "TIME_ZONE").stdout.splitlines()) == 2
    assert flash("rm", path, "url").exit_code == 0
    assert {"p/TIME_ZONE", "u/TIME_ZONE", "m/url"}.isdisjoint(mount(chip_in(path)).values)


def test_a_provisioned_value_keeps_its_attributes(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.kxf", full())
    flash("set", path, "SIP_PASS/1", "changed", "--layer", "provisioned")
    assert mount(chip_in(path)).values["p/SIP_PASS/1"] == b"!R\0\0changed"
    flash("set", path, "SIP_PASS/1", "changed", "--layer", "provisioned", "--perm", "", "--access", "AU")
    assert mount(chip_in(path)).values["p/SIP_PASS/1"] == b"\0AU\0changed"


def test_a_value_is_stored_as_the_phone_stores_it(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.kxf", full())
    flash("set", path, "SIPPNP_ENABLE", "Yes")
    assert mount(chip_in(path)).values["u/SIPPNP_ENABLE"] == b"Y"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("get", "a.kxf", "TIMEZONE"), "TIMEZONE: there is no such parameter; did you mean TIME_ZONE?"),
        (("get", "a.kxf", "sip_pass/2"), "sip_pass/2: there is no such parameter; did you mean SIP_PASS/2?"),
        (("rm", "a.kxf", "SIP_PAS"), "SIP_PAS: there is no such parameter; did you mean SIP_PASS/1?"),
        (("get", "a.kxf", "SIP_PASS"), "SIP_PASS: each line has its own; want SIP_PASS/1"),
        (("set", "a.kxf", "TIME_ZONE/1", "6"), "TIME_ZONE/1: it belongs to no line; want TIME_ZONE"),
        (("set", "a.kxf", "SIP_PASS/7", "x"), "SIP_PASS/7: lines have the numbers 1 to 6"),
        (
            ("set", "a.kxf", "TIME_ZONE", "lots"),
            "TIME_ZONE: the value is no whole number (number -720-840); --force takes it",
        ),
        (("set", "a.kxf", "url", "a b"), "url: the value is no URL; --force takes it"),
        (
            ("set", "a.kxf", "TIME_ZONE", "6", "--perm", "RW"),
            "perm and access are those of provisioned values; give --layer provisioned",
        ),
        (("rm", "a.kxf", "url", "--layer", "user"), "the last good URL belongs to no layer; leave out --layer"),
        (("set", "a.kxf", "a\udcffb", "x", "--force"), "a.kxf: a key is text"),
        (("set", "a.kxf", "TIME_ZONE", "\udcff", "--force"), "TIME_ZONE: the value is no text in UTF-8"),
        (("set", "a.kxf", "K" * 300, "x", "--force"), "a.kxf: a key has at most 255 bytes"),
        (("set", "a.kxf", "X", "x" * 9000, "--force"), "a.kxf: the settings take up all of a bank"),
    ],
)
def test_what_cannot_be_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = saved(tmp_path / "a.kxf", full())
    result = flash(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"offhook: {said}")
    assert len(result.stderr.splitlines()) == 1
    assert path.read_bytes() == pack(full())


def test_force_takes_what_no_phone_knows(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.kxf", full())
    assert flash("set", path, "NEW_KEY", "x y", "--force").exit_code == 0
    assert flash("get", path, "NEW_KEY").stdout == 'NEW_KEY = "x y" (user)\n'
    assert flash("set", path, "TIME_ZONE", "1", "--layer", "provisioned", "--perm", "X", "--force").exit_code == 0
    assert flash("rm", path, "NEW_KEY").exit_code == 0


def test_a_worn_chip_says_that_it_keeps_nothing(tmp_path: Path) -> None:
    for behaviour, said in (("program-error", "cannot be programmed"), ("program-loss", "does not keep the change")):
        chip = full()
        chip.wear_out(Limit(0, behaviour))  # type: ignore[arg-type]
        path = saved(tmp_path / "a.kxf", chip)
        result = flash("set", path, "TIME_ZONE", "1")
        assert result.exit_code == 2
        assert said in result.stderr
        assert chip_in(path) == chip


def test_json_says_what_was_changed(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.kxf", full())
    made = told("set", path, "ADMIN_PASS", "another1")
    assert [made["before"][0]["value"], made["after"][0]["value"]] == ["***", "***"]
    assert made["written"] == {"path": str(path), "form": "packed", "size": path.stat().st_size, "notes": []}
    assert told("rm", path, "SIPPNP_ENABLE")["written"] is None
