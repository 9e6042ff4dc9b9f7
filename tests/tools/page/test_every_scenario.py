"""The page of every scenario: it can be made, holds the whole story, and no secret of it."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator.events import (
    DatagramReceived,
    DatagramSent,
    Entry,
    FtpStarted,
    PageOpened,
    PageSubmitted,
    SettingChanged,
    SettingEntered,
)
from emulator.events.masking import is_secret
from tests.tools.page.pages import SCENARIOS, data_in, page_of
from tools.page.rows import KINDS
from tools.simulate import run

LONG = 8
"""Characters from which on a secret does not stand in a page by chance."""
KIND_AT, TEXT_AT, LANE_AT = 3, 6, 10


def secrets_of(entries: list[Entry]) -> Iterator[str]:
    """The secret values that a run holds."""
    for entry in entries:
        event = entry.event
        if isinstance(event, SettingChanged | SettingEntered | PageSubmitted) and is_secret(event.key):
            yield event.value or ""
        if isinstance(event, PageOpened | PageSubmitted | FtpStarted):
            yield event.password or ""


@pytest.mark.parametrize("path", SCENARIOS, ids=[path.stem for path in SCENARIOS])
def test_its_page_can_be_made(path: Path, tmp_path: Path) -> None:
    made = run(path, db=tmp_path / "runs.db")
    page = page_of(tmp_path / "runs.db")
    data = data_in(page)
    shown = data["events"]
    assert [row[0] for row in shown] == [entry.n for entry in made.entries]
    assert [row[KIND_AT] for row in shown] == [KINDS[entry.event.kind] for entry in made.entries]
    assert not any(phone["broken"] for phone in data["phones"])
    sent = [row for row, entry in zip(shown, made.entries, strict=True) if isinstance(entry.event, DatagramSent)]
    assert all(row[LANE_AT] for row in sent), "everything on the wire has a lane"
    readable, carried = page.decode(), [b64decode(packet["bytes"]) for packet in data["packets"]]
    for secret in {each for each in secrets_of(made.entries) if len(each) >= LONG}:
        assert secret not in readable
        assert not any(secret.encode() in each for each in carried)


def test_garbage_is_told_as_such(tmp_path: Path) -> None:
    """A packet that cannot be read says so, and its bytes are there."""
    path = next(each for each in SCENARIOS if each.stem == "dhcp-garbage-first")
    made = run(path, db=tmp_path / "runs.db")
    data = data_in(page_of(tmp_path / "runs.db"))
    received = [entry.n - 1 for entry in made.entries if isinstance(entry.event, DatagramReceived)]
    packets = [data["packets"][data["details"][index]["p"]] for index in received]
    unreadable = [packet for packet in packets if packet["note"].startswith("cannot be read: ")]
    assert unreadable
    assert all(packet["bytes"] and not packet["tree"] for packet in unreadable if packet["size"])
