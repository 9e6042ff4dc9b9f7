"""``[[change]]`` and ``record``: a story that goes another way at one place, and one whose servers are a record."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.events import SECOND, HttpAnswered, LinkDown, RunEnded
from emulator.world.toml import ScenarioError, parse_scenario, read_scenario
from emulator.world.writing import scenario_text
from tools import run
from tools.exports.exporting import export

SCENARIOS = Path(__file__).resolve().parents[3] / "scenarios"
HEAD = """title = "A case"

[[dhcp]]
option160 = "http://192.0.2.20/{MODEL}.cfg"

[[files]]
behaviour = "refuse"

"""
WRONG = {
    "no such kind": ('input = "HttpAnswred"\ndo = "drop"', "did you mean HttpAnswered?"),
    "no input": ('input = "TimerSet"\ndo = "drop"', "'TimerSet' is no kind of input"),
    "no such deed": ('input = "LinkUp"\ndo = "skip"', "want one of set, drop, insert, serve"),
    "nothing to set": ('input = "LinkUp"\ndo = "set"', "what is to be set?"),
    "nothing to serve": ('input = "LinkUp"\ndo = "serve"', "give url and file"),
    "no such phone": ('input = "LinkUp"\ndo = "drop"\nphone = 1', "phones are 0 to 0"),
    "no event": ('input = "LinkUp"\ndo = "insert"\nevent = "LinkDwn"', "did you mean LinkDown?"),
    "counted from one": ('input = "LinkUp"\ndo = "drop"\ncount = 0', "count"),
}


def changed(text: str) -> str:
    """A scenario with a change."""
    return f"{HEAD}[[change]]\n{text}\n"


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG)
def test_what_cannot_be_meant(case: tuple[str, str]) -> None:
    """One line that names the change and what is wrong with it."""
    text, words = case
    with pytest.raises(ScenarioError, match=r"change\[0\]|change") as caught:
        parse_scenario(changed(text), "case.toml", Path())
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_input_is_set_dropped_or_added() -> None:
    """Each at its place: the second of its kind, not the first."""
    moved = parse_scenario(
        changed('input = "DatagramReceived"\ncount = 2\ndo = "set"\nset = {option160 = ""}'), "c", Path()
    )
    assert [e.event.source for e in run(moved).of(RunEnded)][:1] == [""]  # type: ignore[attr-defined]
    dropped = parse_scenario(changed('input = "HttpAnswered"\ndo = "drop"'), "c", Path())
    assert not run(dropped).of(HttpAnswered)
    added = parse_scenario(changed('input = "TimerDue"\ncount = 2\ndo = "insert"\nevent = "LinkDown"'), "c", Path())
    result = run(added)
    (out,) = result.of(LinkDown)
    assert result.entries[out.n - 2].event.kind != "LinkDown"
    assert parse_scenario(scenario_text(added), "c", Path()) == added


def test_a_file_is_served_from_then_on(tmp_path: Path) -> None:
    """Whatever its server did before."""
    (tmp_path / "new.cfg").write_bytes(b"<PANASIPPhoneConfig/>")
    serve = 'input = "LinkUp"\ndo = "serve"\nurl = "http://192.0.2.20/KX-UTG200B.cfg"\nfile = "new.cfg"'
    story = parse_scenario(changed(serve), "case.toml", tmp_path)
    (answer,) = run(story).of(HttpAnswered)
    assert answer.event.status == 200  # type: ignore[attr-defined]
    with pytest.raises(ScenarioError, match=r"new\.cfg"):
        parse_scenario(changed(serve), "case.toml", tmp_path / "elsewhere")


def test_a_record_is_played_again(tmp_path: Path) -> None:
    """Its phones, its people and its servers; a record of other phones, or none, is refused in one line."""
    made = run(SCENARIOS / "first-boot-sip-pnp.toml", db=tmp_path / "runs.db", keep_entries=False)
    export("1", tmp_path / "case.jsonl", db=tmp_path / "runs.db")
    text = f'title = "again"\nuntil = "{made.virtual_ns // SECOND}s"\nrecord = "case.jsonl"\n'
    (tmp_path / "again.toml").write_text(text)
    assert run(tmp_path / "again.toml", keep_entries=False).digest == made.digest
    (tmp_path / "again.toml").write_text(text + "[phone]\ncount = 2\n")
    with pytest.raises(ScenarioError, match=r"again\.toml: .*case\.jsonl: has 1 phones, the scenario 2"):
        read_scenario(tmp_path / "again.toml")
    (tmp_path / "case.jsonl").write_text("nothing of the kind")
    with pytest.raises(ScenarioError, match="is no exported run"):
        read_scenario(tmp_path / "again.toml")
