"""The virtual SIP PnP responder: header fields of its NOTIFY that a scenario has otherwise."""

from __future__ import annotations

import pytest

from emulator.events import DatagramReceived, PnpAnswered
from emulator.wire import sip
from emulator.world.scenario import PnpSpec
from tests.emulator.phone.bench import seconds, story
from tools.simulate import run

URL = "http://192.0.2.20/a.cfg"


@pytest.mark.parametrize(
    ("headers", "accepted"),
    [
        ({}, True),
        ({"Event": "UA-Profile;x=y", "Subscription-State": ""}, True),
        ({"Event": "message-summary"}, False),
        ({"Content-Type": ""}, False),
        ({"Call-ID": "another-call"}, True),
        ({"Call-ID": "another-call", "To": "<sip:phone@example.com>"}, False),
    ],
)
def test_header_fields_of_its_notify(headers: dict[str, str], accepted: bool) -> None:
    """They are what was said, and the others stay (PROV-061)."""
    result = run(story(pnp=(PnpSpec(url=URL, headers=headers),), provisioned={}, until=seconds(10)))
    notifies = [
        message
        for entry in result.of(DatagramReceived)
        if entry.event.port == 5060 and (message := sip.parse(entry.event.payload)).method == "NOTIFY"
    ]
    assert notifies
    assert all((notifies[0].get(name) or "") == value for name, value in headers.items())
    assert notifies[0].get("Max-Forwards") == "70"
    assert bool(result.of(PnpAnswered)) is accepted
