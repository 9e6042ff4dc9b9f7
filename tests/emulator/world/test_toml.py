"""Scenario files: what is written is what is meant, and anything else is one line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.world.scenario import DhcpSpec, Outage, Scenario
from emulator.world.toml import (
    CONTENT_LIMIT,
    SIZE_LIMIT,
    ScenarioError,
    chance,
    duration,
    parse_scenario,
    read_scenario,
)

DEMO = Path(__file__).resolve().parents[3] / "scenarios" / "first-boot-option-160.toml"


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        *(("1.5s", 1_500_000_000), ("30min", 1_800_000_000_000), ("2h", 7_200_000_000_000)),
        *(("1d", 86_400_000_000_000), ("700us", 700_000), ("3 ms", 3_000_000), ("0s", 0), ("5ns", 5)),
        ("0.000000001s", 1),
    ],
)
def test_times(text: str, ns: int) -> None:
    """Each unit, exactly, without floats."""
    assert duration(text) == ns


@pytest.mark.parametrize("text", ["", "5", "s", "-1s", "1,5s", "1.5.5s", "1e9s", "5 parsecs", "٣s", "1.s"])
def test_no_times(text: str) -> None:
    """Refused with an example."""
    with pytest.raises(ValueError, match=r"1\.5s"):
        duration(text)


@pytest.mark.parametrize(("text", "ppm"), [("30%", 300_000), ("0.5%", 5_000), ("100%", 1_000_000), ("0.0001%", 1)])
def test_chances(text: str, ppm: int) -> None:
    """In parts per million."""
    assert chance(text) == ppm


@pytest.mark.parametrize("text", ["101%", "0.3", "-1%", "%", "1.00001%"])
def test_no_chances(text: str) -> None:
    """Refused with an example."""
    with pytest.raises(ValueError, match="30%"):
        chance(text)


def parse(text: str) -> Scenario:
    """A scenario from text, beside the shipped ones."""
    return parse_scenario(text, "case.toml", DEMO.parent)


def test_what_is_written_is_what_is_meant() -> None:
    """Tables, lists of tables, nested tables, unions and defaults."""
    found = parse("""
title = "x"
until = "2h"
[phone]
user = { SIPPNP_ENABLE = "N" }
options = { fallback = "2014-05", pnp_via_maddr = true }
[link]
loss = "1%"
outage = [{ start = "1s", end = "2s", direction = "to-phone" }]
[[dhcp]]
option160 = "http://a/"
[[dhcp]]
behaviour = "silent"
[[expect.event]]
kind = "DatagramSent"
where = { port = 5060 }
""")
    assert found.until == 7_200_000_000_000
    assert found.phone.options == {"fallback": "2014-05", "pnp_via_maddr": True}
    assert found.link.outage == (Outage(start=1_000_000_000, end=2_000_000_000, direction="to-phone"),)  # type: ignore[arg-type]
    assert found.dhcp == (DhcpSpec(option160="http://a/"), DhcpSpec(behaviour="silent"))
    assert found.expect.event[0].where == {"port": 5060}


@given(st.text(max_size=200))
@settings(deadline=None)
def test_random_text(text: str) -> None:
    """Nothing but ScenarioError."""
    refuse_or_read(text)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1, max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)
TABLES = ("phone", "link", "dhcp", "pnp", "files", "redirection", "names", "action", "expect", "seed", "until", "seeds")


def written(value: object) -> str:
    """A value in TOML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {written(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(written, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return '"nothing"'
    if isinstance(value, int):
        return str(value % 2**62)
    return '"' + "".join(c if c.isalnum() else "-" for c in str(value)) + '"'


@given(st.sampled_from(TABLES), VALUES)
@settings(deadline=None, max_examples=300)
def test_any_value_under_any_key(table: str, value: object) -> None:
    """Nothing but ScenarioError, and in one line."""
    refuse_or_read(f'title = "x"\n{table} = {written(value)}\n')


@given(st.data())
@settings(deadline=None, max_examples=200)
def test_a_good_file_with_one_change(data: st.DataObject) -> None:
    """A character taken out, put in or changed in the demo's scenario."""
    text = DEMO.read_text(encoding="utf-8")
    at = data.draw(st.integers(0, len(text) - 1))
    new = data.draw(st.sampled_from(["", '"', "[", "]", "=", "\n", "9", "é", "\0", text[at] * 2]))
    refuse_or_read(text[:at] + new + text[at + 1 :])


def refuse_or_read(text: str) -> None:
    """Read ``text``, or be refused in one line that names the file."""
    said = "case.toml: "
    try:
        parse(text)
    except ScenarioError as error:
        said = str(error)
    assert "\n" not in said
    assert said.startswith("case.toml: ")


def test_size_limits(tmp_path: Path) -> None:
    """A scenario and its served files are bounded."""
    long = tmp_path / "long.toml"
    long.write_bytes(b'title = "x"\n' + b"#" * SIZE_LIMIT)
    with pytest.raises(ScenarioError, match="longer than"):
        read_scenario(long)
    (tmp_path / "big.cfg").write_bytes(b"x" * (CONTENT_LIMIT + 1))
    case = tmp_path / "case.toml"
    case.write_text('title = "x"\n[[files]]\npaths = { "/a" = { file = "big.cfg" } }\n')
    with pytest.raises(ScenarioError, match="longer than"):
        read_scenario(case)


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    """A symbolic link in a scenario from elsewhere does not read this machine's files."""
    (tmp_path / "secret").write_text("secret")
    folder = tmp_path / "case"
    folder.mkdir()
    (folder / "link.cfg").symlink_to(tmp_path / "secret")
    (folder / "case.toml").write_text('title = "x"\n[[files]]\npaths = { "/a" = { file = "link.cfg" } }\n')
    with pytest.raises(ScenarioError, match="not beside the scenario"):
        read_scenario(folder / "case.toml")
    (folder / "files").mkdir()
    (folder / "files" / "inner.cfg").symlink_to(tmp_path / "secret")
    (folder / "case.toml").write_text('title = "x"\n[[files]]\nroot = "files"\n')
    with pytest.raises(ScenarioError, match="not beside the scenario"):
        read_scenario(folder / "case.toml")
