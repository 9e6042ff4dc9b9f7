"""What a scenario's people do, as the phone feels it."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.events import (
    Event,
    ExportRequested,
    FactoryResetRequested,
    ImportOffered,
    PageOpened,
    PageSubmitted,
    Payload,
    Role,
    SettingEntered,
)
from emulator.phone.configfile import LIMIT
from emulator.world.people import DEEDS
from emulator.world.scenario import ACTIONS, ActionSpec, Duration
from emulator.world.toml import parse_scenario

NOW = Duration(0)
DONE = [
    (ActionSpec(NOW, "web", "USER_ID", "ann"), SettingEntered("USER_ID", "ann", "web")),
    (ActionSpec(NOW, "phone", "USER_ID"), SettingEntered("USER_ID", None, "phone")),
    (ActionSpec(NOW, "web", "USER_ID", "a", level="U"), PageSubmitted("web", "U", None, "USER_ID", "a")),
    (ActionSpec(NOW, "phone", "USER_ID", "a", password=""), PageSubmitted("phone", "A", "", "USER_ID", "a")),
    (ActionSpec(NOW, "page", page="System/Prov"), PageOpened("web", "A", None, "System/Prov")),
    (ActionSpec(NOW, "export", level="U", password="x"), ExportRequested("U", "x")),
    (ActionSpec(NOW, "import", file="x.cfg"), ImportOffered("A", None, Payload(b"<a/>"))),
    (ActionSpec(NOW, "import", file="long.cfg"), ImportOffered("A", None, Payload(b"y" * (LIMIT + 1)))),
    (ActionSpec(NOW, "factory-reset", via="phone"), FactoryResetRequested("phone", "A", None)),
]
CONTENT = {"x.cfg": b"<a/>", "long.cfg": b"y" * (LIMIT + 100)}


@pytest.mark.parametrize(("action", "event"), DONE, ids=[f"{n}-{action.do}" for n, (action, _) in enumerate(DONE)])
def test_an_action_is_felt_as_an_event(action: ActionSpec, event: Event) -> None:
    assert DEEDS[action.do](action, CONTENT) == event


def test_every_action_is_somebodys() -> None:
    """The rest is the world's: power needs entropy, a NOTIFY a server."""
    assert set(ACTIONS) - set(DEEDS) == {"power-on", "notify"}
    assert set(DEEDS) <= set(ACTIONS)
    made = [deed(ActionSpec(NOW, name, file="x.cfg"), CONTENT) for name, deed in DEEDS.items()]
    assert {event.role for event in made} == {Role.INPUT}


def test_the_file_of_an_import_is_read_with_the_scenario(tmp_path: Path) -> None:
    (tmp_path / "mine.cfg").write_bytes(b"<PANASIPPhoneConfig/>")
    text = 'title = "x"\n[[action]]\nat = "1s"\ndo = "import"\nfile = "mine.cfg"'
    assert parse_scenario(text, "x.toml", tmp_path).content == {"mine.cfg": b"<PANASIPPhoneConfig/>"}
