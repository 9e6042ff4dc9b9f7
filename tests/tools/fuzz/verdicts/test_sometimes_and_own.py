"""Counters of faults that really happened, and verdicts of a user's own."""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from emulator.log.store import LogError
from emulator.world.run import Run
from tests.tools.fuzz.verdicts.retelling import judged, story
from tools.fuzz import own
from tools.fuzz.model import Case
from tools.fuzz.own import own_checks
from tools.fuzz.verdicts import make_checks
from tools.fuzz.verdicts.watching import summed

COUNTED = {
    "datagram lost: loss": "loss-of-thirty-percent",
    "datagram seen twice": "tftp-every-block-comes-twice",
    "link down": "link-down-during-step-8",
    "power off": "power-off-during-step-8",
    "power cut in flash work": "power-cut-in-the-commit",
    "bit flip": "flash-bit-flipped-and-back",
    "server: status 500": "http-error-500",
    "server: refused": "http-connection-refused",
    "server: idle-timeout": "http-silent-server",
    "server: cut-off": "http-body-cut-off",
    "file refused: not-well-formed": "file-not-well-formed",
    "name: no-such-name": "name-does-not-resolve",
    "restart": "settings-that-need-a-restart",
    "user: setting": "web-programming",
    "user: import": "settings-imported-into-a-new-phone",
    "user: factory reset": "factory-reset-after-the-call",
    "address conflict": "address-claimed-later",
}
PREFIXES = {
    "flash torn: ": "power-cut-in-the-commit",
    "flash failure: ": "flash-sector-worn-out",
    "packet refused: DHCP ": "dhcp-garbage-first",
    "tolerated: SIP ": "check-sync-from-the-sip-server",
}


@pytest.mark.parametrize("what", COUNTED)
def test_a_fault_that_happened_is_counted(what: str) -> None:
    counts = judged(COUNTED[what]).counts
    assert isinstance(counts, Counter)
    assert counts[what] > 0, sorted(counts)


@pytest.mark.parametrize("start", PREFIXES)
def test_a_fault_is_counted_by_its_reason(start: str) -> None:
    counts = judged(PREFIXES[start]).counts
    assert [name for name in counts if name.startswith(start) and len(name) > len(start)], sorted(counts)


def test_a_quiet_story_counts_no_fault_of_servers_or_flash() -> None:
    assert not [name for name in judged("first-boot-option-160").counts if name.startswith(("server", "flash", "user"))]


def test_counters_of_runs_are_summed() -> None:
    assert summed([Counter(a=1, b=2), Counter(b=3)]) == Counter(a=1, b=5)


def example() -> str:
    """The module in the documentation."""
    found = re.search(r"\n\n((?:    .*\n|\n)+)", own.__doc__ or "")
    assert found is not None
    return textwrap.dedent(found[1])


@pytest.mark.parametrize(("name", "restarts"), [("settings-that-need-a-restart", 1), ("first-boot-option-160", 0)])
def test_the_documented_example_works(
    name: str, restarts: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine_in_a_test.py").write_text(example(), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    case = Case(story(name), 0)
    checks: list[Any] = list(own_checks("mine_in_a_test:checks")(case))
    run = Run(case.scenario)
    run.observer = lambda settled: [check.see(settled, run.machines[0].phone) for check in checks] and None
    run.run_until(case.scenario.until)
    assert [check.seen for check in checks] == [restarts]
    for check in checks:
        check.seen += 1
        check.finish(run, case)
    assert [each.verdict for check in checks for each in check.violations] == ["never-twice"] * restarts


@pytest.mark.parametrize("name", ["", "mine", ":checks", "mine:", "no.such.module:checks", "tools.fuzz.model:nothing"])
def test_a_bad_name_is_one_line(name: str) -> None:
    with pytest.raises(LogError) as told:
        own_checks(name)
    assert "\n" not in str(told.value)
    assert str(told.value).startswith("--check")


def test_a_module_that_cannot_be_imported_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_in_a_test.py").write_text("raise RuntimeError('two\\nlines')", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LogError, match="cannot be imported") as told:
        own_checks("broken_in_a_test:checks")
    assert "\n" not in str(told.value)


def test_all_verdicts_are_one_check() -> None:
    assert len(make_checks(Case(story("first-boot-option-160"), 0))) == 1
