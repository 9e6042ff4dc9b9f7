"""``replay --diff``: what other code does in stored runs, each change once, and accepted once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from emulator.log.store import RunInfo, Store
from emulator.phone.firmware import Firmware
from tests.tools.diff.pairs import demo
from tools import simulate, upgrading
from tools.cli import main
from tools.locate import Located, firmware_of
from tools.upgrading import accept, upgrade, upgraded

SCENARIOS = Path(__file__).resolve().parents[2] / "scenarios"


@pytest.fixture
def db(tmp_path: Path) -> Path:
    """Three runs: two that ask for a URL by SIP PnP, and one that has a URL set by hand."""
    path = tmp_path / "runs.db"
    for name in ("first-boot-option-160", "first-boot-option-66-bare-address", "first-boot-manual-url"):
        simulate.run(SCENARIOS / f"{name}.toml", db=path, keep_entries=False)
    return path


def of_other_code(monkeypatch: pytest.MonkeyPatch, **options: str | bool) -> None:
    """From here on, today's code is a firmware that reads the guide otherwise."""

    def other(info: RunInfo) -> Firmware:
        return firmware_of(info).with_options(**options)

    monkeypatch.setattr(upgrading, "firmware_of", other)


def call(*arguments: object) -> Result:
    """What the command does."""
    return CliRunner().invoke(main, [str(each) for each in arguments])


def test_the_same_code_changes_nothing(db: Path) -> None:
    """Every run is identical, and there is nothing to accept."""
    found = upgrade(db=db)
    assert [run.diff for run in found.runs] == [None] * 3
    assert found.as_meant
    assert accept(found, db=db) == 0


def test_a_change_is_told_once_with_its_runs(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line of the code is one change, whatever it leads to, and only where it shows."""
    of_other_code(monkeypatch, pnp_vendor_parameter="vender")
    found = upgrade(db=db)
    (group,) = found.groups
    assert group.runs == [1, 2]
    assert "SIP SUBSCRIBE" in group.text
    assert "today's code" in group.text
    assert "the record" in group.text
    assert not found.as_meant


def test_what_was_meant_is_accepted_once(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also in a run that is added later; another change is told again."""
    of_other_code(monkeypatch, pnp_vendor_parameter="vender")
    assert accept(upgrade(db=db), db=db, note="as the manual says") == 1
    with Store(db) as store:
        assert store.ask("SELECT note FROM accepted") == [("as the manual says",)]
    simulate.run(demo(), db=db, seed=1, keep_entries=False)
    again = upgrade(db=db)
    assert again.as_meant
    assert again.groups[0].runs == [1, 2, 4]
    assert accept(again, db=db) == 0
    of_other_code(monkeypatch, pnp_via_maddr=True)
    assert not upgrade(db=db).as_meant


def test_a_run_that_was_cut_off(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is compared as far as it goes: what this code does beyond is no change."""
    with Store(db) as store:
        writer = store.begin(store.info(1).header)
        writer.append(list(store.rows(1, 0, 30)), {})
        writer.leave()
        assert upgraded(Located(store, store.info(4), None)).diff is None
        of_other_code(monkeypatch, pnp_vendor_parameter="vender")
        assert upgraded(Located(store, store.info(4), None)).diff is None
        assert upgraded(Located(store, store.info(1), 30)).diff is None
        assert upgraded(Located(store, store.info(1), 60)).diff is not None


def test_a_database_of_before(db: Path) -> None:
    """Without the table of accepted changes it is read all the same, and gets it when something is accepted."""
    with Store(db) as store:
        store.db.execute("DROP TABLE accepted")
        store.db.execute("DROP TABLE scenarios")
    assert upgrade(db=db).as_meant
    with Store(db) as store:
        assert store.has("accepted")


def test_the_command(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 1 until it is accepted; one JSON value; and what does not go together."""
    assert call("replay", "--all", "--diff", "--db", db).exit_code == 0
    of_other_code(monkeypatch, pnp_vendor_parameter="vender")
    told = call("replay", "--all", "--diff", "--db", db)
    assert told.exit_code == 1
    assert "3 runs replayed: 1 identical, 2 changed" in told.output
    assert "2 runs (1, 2) (not accepted)" in told.output
    one = call("replay", "1", "--diff", "--db", db)
    assert one.exit_code == 1
    assert "A is the record, B today's code" in one.output
    found = json.loads(call("replay", "--all", "--diff", "--json", "--db", db).stdout)
    assert (found["runs"], found["identical"], found["as_meant"]) == (3, 1, False)
    assert call("replay", "--all", "--diff", "--accept", "--note", "meant", "--db", db).exit_code == 0
    assert call("replay", "--all", "--diff", "--db", db).exit_code == 0
    assert call("replay", "1", "--diff", "--db", db).exit_code == 0
    for wrong in (("--accept", "--all"), ("1", "--accept", "--diff"), ("--note", "x", "--all", "--diff"), ()):
        assert call("replay", *wrong, "--db", db).exit_code == 2
