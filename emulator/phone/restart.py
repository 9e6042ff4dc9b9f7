"""Restarts that the phone makes by itself: asked for by somebody, or needed by a setting, and put off during a call.

PROV-240, PROV-255, PROV-277. What asks for one says so with :class:`~emulator.events.RestartNeeded`. A setting that
somebody types does not ask for one: whoever types it can.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import attrs

from emulator.events import (
    Because,
    Entry,
    HandsetReplaced,
    RestartNeeded,
    RestartOrdered,
    RestartRequested,
    RunEnded,
    SaveFailed,
    SettingChanged,
    SettingsLoaded,
)
from emulator.phone.catalogue import catalogue
from emulator.phone.firmware import Reaction, applies, reacts
from emulator.phone.parts import PartState, part
from emulator.phone.settings import default
from emulator.phone.storage import FILES

if TYPE_CHECKING:
    from emulator.phone.state import Phone


GROUPS = tuple(f"Device/Network/{group}" for group in ("EthernetPort", "CDP", "LLDP", "IPv6"))
TAGS = ("WEB_SERVER_PORT", "SIP_SRC_PORT", "SIP_TRANSPORT", "SIP_ADD_TRANSPORT_UDP", "RTP_PORT_MIN", "RTP_PORT_MAX")


@lru_cache(maxsize=1)
def bound() -> frozenset[str]:
    """The tags that count from the next restart on: addresses, VLAN, own ports and transport (PROV-277)."""
    return frozenset((*TAGS, *(parameter.tag for parameter in catalogue() if parameter.path in GROUPS)))


@part
class Restart(PartState):
    """A restart that waits for the end of a call, and why one may be needed.

    reason: of the first that was needed, "" for none; n: its entry; started: value at power-on of each stored parameter
    that is bound to a restart; changed: key of such a parameter to the entry by which a file changed it.
    """

    reason: str = ""
    n: int = 0
    started: dict[str, str] = attrs.Factory(dict)
    changed: dict[str, int] = attrs.Factory(dict)


@applies("restart", RestartNeeded)
def needed(phone: Phone, event: RestartNeeded, entry: Entry) -> None:
    """The first reason counts; one restart does for all."""
    restart = phone.restart
    if not restart.reason:
        restart.reason, restart.n = event.reason, entry.n


@applies("restart", SettingsLoaded)
def loaded(phone: Phone, event: SettingsLoaded, entry: Entry) -> None:
    """What is in force until the next restart."""
    settings = phone.settings
    stored = {*settings.provisioned, *settings.user}
    phone.restart.started = {key: settings.value(key) for key in sorted(stored) if key.partition("/")[0] in bound()}


@applies("restart", SettingChanged)
def changed(phone: Phone, event: SettingChanged, entry: Entry) -> None:
    """A file changed what counts from the next restart on."""
    if event.key.partition("/")[0] in bound() and event.origin in (*FILES, "initial"):
        phone.restart.changed[event.key] = entry.n


@applies("restart", SaveFailed)
def not_saved(phone: Phone, event: SaveFailed, entry: Entry) -> None:
    """What is not in flash does not come with a restart, however many there are."""
    phone.restart.changed = {}


@reacts(RestartRequested)
def requested(phone: Phone, event: RestartRequested, entry: Entry) -> Reaction:
    """A restart by the web page or the menu."""
    yield RestartNeeded(event.via)


@reacts(RunEnded)
def run_ended(phone: Phone, event: RunEnded, entry: Entry) -> Reaction:
    """A restart, if the run changed a value that needs one (PROV-277)."""
    restart, value = phone.restart, phone.settings.value
    because = [n for key, n in restart.changed.items() if value(key) != restart.started.get(key, default(key))]
    if because and not restart.reason:
        yield Because(RestartNeeded("settings"), tuple(because))


@reacts(RestartNeeded)
def at_once_or_later(phone: Phone, event: RestartNeeded, entry: Entry) -> Reaction:
    """Restart, unless a call is on (PROV-240, PROV-255)."""
    if not phone.power.handset:
        yield RestartOrdered(event.reason)


@reacts(HandsetReplaced)
def call_over(phone: Phone, event: HandsetReplaced, entry: Entry) -> Reaction:
    """The restart that was put off."""
    if phone.restart.reason:
        yield Because(RestartOrdered(phone.restart.reason), (phone.restart.n,))
