"""The demo's run: from step 8 back to what it rests on."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.events import DhcpReceived, Entry, SourceTried, StepEntered
from tools.simulate import RunResult, run

SCENARIO = Path(__file__).resolve().parents[2] / "scenarios" / "first-boot-option-160.toml"
ACK = 5


@pytest.fixture(scope="module")
def demo() -> RunResult:
    """The run that `make demo` shows."""
    return run(SCENARIO)


def behind(result: RunResult, entry: Entry) -> list[Entry]:
    """Everything that ``entry`` rests on, through ``cause`` and ``because``, in log order, without itself."""
    seen: set[int] = set()
    waiting = [entry]
    while waiting:
        at = waiting.pop()
        for n in (at.cause, *at.because):
            if n is not None and n not in seen:
                seen.add(n)
                waiting.append(result.entries[n - 1])
    return [result.entries[n - 1] for n in sorted(seen)]


def test_step_8_rests_on_the_ack_and_the_setting(demo: RunResult) -> None:
    """Following both kinds of link from step 8 reaches the DHCP ACK and the value of OPTION160_ENABLE."""
    step = next(e for e in demo.of(StepEntered) if isinstance(e.event, StepEntered) and e.event.step == 8)
    events = [entry.event for entry in behind(demo, step)]
    acks = [e for e in events if isinstance(e, DhcpReceived) and e.type == ACK]
    assert [ack.option160 for ack in acks] == ["http://192.0.2.20/{MODEL}.cfg"]
    switches = [(e.setting, e.value) for e in events if isinstance(e, SourceTried)]
    assert ("OPTION160_ENABLE", "Y") in switches


def test_the_grounds_are_direct(demo: RunResult) -> None:
    """The decision for option 160 names the ACK and the load of the settings as its grounds, not only as ancestors."""
    decision = next(e for e in demo.of(SourceTried) if isinstance(e.event, SourceTried) and e.event.step == 4)
    kinds = [demo.entries[n - 1].event.kind for n in decision.because]
    assert kinds == ["DhcpReceived", "SettingsLoaded"]


def test_a_setting_rests_on_its_file(demo: RunResult) -> None:
    """Each changed setting leads back to the answer that carried its file."""
    changed = [entry for entry in demo.entries if entry.event.kind == "SettingChanged"]
    assert len(changed) == 15
    for entry in changed:
        read = demo.entries[entry.because[0] - 1].event
        assert read.kind == "ConfigurationRead"
        assert read.file == entry.event.origin  # type: ignore[attr-defined]
        assert "HttpAnswered" in [e.event.kind for e in behind(demo, entry)]


def test_every_chain_ends_at_inputs_from_outside(demo: RunResult) -> None:
    """Whatever has no cause is an input."""
    for entry in demo.entries:
        assert entry.cause is not None or entry.due is not None
