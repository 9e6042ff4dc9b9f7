"""Restarts that the phone makes by itself: asked for by somebody, or needed by a setting, and put off during a call.

PROV-240, PROV-255, PROV-277. What asks for one says so with :class:`~emulator.events.RestartNeeded`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.events import Because, Entry, HandsetReplaced, RestartNeeded, RestartOrdered, RestartRequested
from emulator.phone.firmware import Reaction, applies, reacts
from emulator.phone.parts import PartState, part

if TYPE_CHECKING:
    from emulator.phone.state import Phone


@part
class Restart(PartState):
    """A restart that waits for the end of a call. reason: of the first that was needed, "" for none; n: its entry."""

    reason: str = ""
    n: int = 0


@applies("restart", RestartNeeded)
def needed(phone: Phone, event: RestartNeeded, entry: Entry) -> None:
    """The first reason counts; one restart does for all."""
    if not phone.restart.reason:
        phone.restart = Restart(event.reason, entry.n)


@reacts(RestartRequested)
def requested(phone: Phone, event: RestartRequested, entry: Entry) -> Reaction:
    """A restart by the web page or the menu."""
    yield RestartNeeded(event.via)


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
