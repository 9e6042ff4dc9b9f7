"""What is in the page of two runs: every event once, the differences where they belong, no secret."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from emulator.events import Entry, PowerOn, SettingChanged
from emulator.log.store import RunInfo
from tests.tools.page.pages import BY_NAME, DEMO, data_in
from tools.browse import entries
from tools.diff.model import Cause, Change, Diff, Difference
from tools.locate import located
from tools.page import diff_page
from tools.page.diff_model import aligned, side
from tools.page.packets import Packets
from tools.simulate import run

SECRET = "hunter2-and-more"


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs: in the second, nobody provisions the phone by option 160."""
    path = tmp_path_factory.mktemp("diff") / "runs.db"
    run(DEMO, db=path)
    run(BY_NAME["first-boot-option-159"], db=path)
    return path


def of(db: Path, run_id: int) -> tuple[RunInfo, list[Entry]]:
    """A run, whole."""
    with located(str(run_id), db) as found:
        return found.info, list(entries(found, found.info.events, None, ()))


def test_the_real_comparison(database: Path) -> None:
    """Each event of each run stands in one row, and each difference in the row of its events."""
    from tools.diff import diff

    found = diff("1", "2", db=database)
    (a, rows_a), (b, rows_b) = of(database, 1), of(database, 2)
    data = data_in(diff_page(found, rows_a, rows_b))
    assert sorted(row[0] for row in data["rows"] if row[0]) == list(range(1, a.events + 1))
    assert sorted(row[1] for row in data["rows"] if row[1]) == list(range(1, b.events + 1))
    placed = sorted(index for row in data["rows"] for index in row[2])
    assert placed == list(range(len(found.differences)))
    for row in data["rows"]:
        for index in row[2]:
            each = data["differences"][index]
            assert each["a"] in (row[0], None)
            assert each["b"] in (row[1], None)
    assert [cause["text"] for cause in data["causes"]] == [cause.text for cause in found.causes]


def entry(n: int, event: Any) -> Entry:
    """An event at its second."""
    return Entry(n, n * 1_000_000_000, None, 0, None, (), event)


def made(
    info: RunInfo, pairs: tuple[tuple[int, int], ...], differences: tuple[Difference, ...], shared: int = 0
) -> Diff:
    """A comparison of a run with itself."""
    return Diff(info, info, shared, pairs, differences, (Cause(f"PASS {SECRET}", 1, 1, 1, 0),), {})


def test_rows_follow_both_runs(database: Path) -> None:
    """What only B has stands before the next event that both have; what is shared needs no pair."""
    info, _ = of(database, 1)
    on = PowerOn("")
    extra, missing = Difference("extra", None, entry(3, on)), Difference("missing", entry(4, on), None)
    late = Difference("extra", None, entry(6, on))
    diff = made(info, ((3, 4), (5, 5)), (extra, missing, late), shared=2)
    assert list(aligned(diff, [1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 6])) == [
        (1, 1, []),
        (2, 2, []),
        (None, 3, [0]),
        (3, 4, []),
        (4, None, [1]),
        (5, 5, []),
        (None, 6, [2]),
    ]


@pytest.mark.parametrize("secrets", [False, True])
def test_changes_are_masked(secrets: bool, database: Path) -> None:
    info, _ = of(database, 1)
    a = entry(1, SettingChanged("SIP_PASS/1", "provisioned", SECRET, "", "", "standard"))
    b = entry(1, SettingChanged("SIP_PASS/1", "provisioned", f"{SECRET}-2", "", "", "standard"))
    changes = (
        Change("value", SECRET, f"{SECRET}-2"),
        Change("headers.Authorization", f"Basic {SECRET}", None),
        Change("body.ADMIN_PASS", SECRET, "x"),
        Change("dhcp.160", f"http://joe:{SECRET}@h/", None),
    )
    difference = Difference("changed", a, b, tell=lambda: changes)
    data = data_in(diff_page(made(info, ((1, 1),), (difference,)), [a], [b], secrets))
    told = json.dumps([data["differences"], data["causes"], data["sides"]])
    assert (SECRET in told) is secrets
    if not secrets:
        assert [each[1:] for each in data["differences"][0]["changes"]] == [
            ["***", "***"],
            ["***", None],
            ["***", "***"],
            ["http://joe:***@h/", None],
        ]


def test_a_run_that_is_too_long_is_refused_in_a_line(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from emulator.log.store import LogError
    from tools.page import diff_model

    monkeypatch.setattr(diff_model, "MOST_EVENTS", 10)
    info, found = of(database, 1)
    with pytest.raises(LogError, match="run 1 has more than 10 events"):
        side(info, found, Packets(False))
