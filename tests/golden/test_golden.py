"""Logs of every event schema so far: each imports, verifies over its original bytes, folds, and replays.

A change that is meant to behave otherwise replays with differences; then the file stays as it is, and the difference
is named in ``MEANT``.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.browse import state
from tools.checking import replay, verify

HERE = Path(__file__).resolve().parent
FILES = sorted(HERE.glob("schema-*/*.jsonl"))
TIMER, DATAGRAM = ("extra", "TimerSet"), ("extra", "DatagramSent")
LINE, LOOKUP = ("extra", "LineRegistering"), ("extra", "LookupRequested")
"""Files enable syslog at severity 6, name a time server and enable line 1, all of which the phone has obeyed since: it
sends log lines, is about to ask for the time, and sets about registering the line."""
ONE_RUN = [TIMER, DATAGRAM, DATAGRAM, LINE, LOOKUP]
QUERY = ("changed", "FrameSent")
"""The CDP message at each link-up asks for a voice VLAN in three bytes, as those who read it expect, and not in one."""
MEANT: dict[str, list[tuple[str, str]]] = {
    "schema-1/first-boot-sip-pnp.jsonl": ONE_RUN,
    "schema-1/one-file-of-three-bad-saved-copy-used.jsonl": ONE_RUN,
    "schema-1/rough-link.jsonl": ONE_RUN,
    "schema-1/second-boot-from-flash.jsonl": [*ONE_RUN, TIMER, *[DATAGRAM] * 11, LINE, LOOKUP],
    "schema-2/check-sync-with-reboot-during-a-call.jsonl": [QUERY, QUERY],
    "schema-2/dual-stack-option-17-before-redirection.jsonl": [QUERY],
    "schema-2/factory-reset-after-the-call.jsonl": [QUERY, QUERY],
    "schema-2/firmware-update.jsonl": [QUERY, QUERY],
    "schema-2/ftp-source-with-a-login.jsonl": [QUERY],
    "schema-2/line-registers-with-digest.jsonl": [QUERY],
    "schema-2/provisioned-each-night.jsonl": [QUERY],
    "schema-2/settings-exported-at-both-levels.jsonl": [QUERY],
    "schema-2/tftp-over-a-lossy-link.jsonl": [QUERY],
    "schema-2/voice-vlan-by-lldp.jsonl": [QUERY],
}
"""``schema-N/name.jsonl`` to the differences that are meant, as (what, kind of event), in order."""


@pytest.mark.parametrize(("schema", "count"), [(1, 4), (2, 10), (3, 7)])
def test_there_are_logs_of_every_schema(schema: int, count: int) -> None:
    """The parametrisation below is not empty."""
    assert len([path for path in FILES if path.parent.name == f"schema-{schema}"]) == count


@pytest.mark.parametrize("path", FILES, ids=[f"{path.parent.name}-{path.stem}" for path in FILES])
def test_an_old_log_is_still_good(path: Path) -> None:
    """Its chain and seal hold, its last state can be folded, and today's code does what was recorded."""
    assert not verify(str(path)).faults
    found = state(str(path))
    assert found.phone.provisioning.outcome == found.info.outcome
    report = replay(str(path)).report
    differences = [(d.what, (d.recorded or d.replayed).kind) for d in report.differences]  # type: ignore[union-attr]
    assert differences == MEANT.get(f"{path.parent.name}/{path.name}", [])
