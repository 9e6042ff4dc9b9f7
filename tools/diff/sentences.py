"""What made two runs differ, in a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulator.events import (
    DatagramLost,
    DatagramReceived,
    Entry,
    FileAnswered,
    FlashFitted,
    FrameReceived,
    HttpAnswered,
    HttpRequested,
    LookupAnswered,
    StreamClosed,
    StreamReceived,
    TimerDue,
    TimerSet,
)
from emulator.events.masking import duration, hide_passwords, printable
from emulator.log.header import Header
from tools.diff.causes import VERDICT, entry_of
from tools.diff.model import Change, Difference
from tools.diff.parts import FORM

MOST = 3
"""Values that a sentence tells."""
RUNS = ("A", "B")
"""What the two sides are called when they are two runs."""
CODE = ("the record", "today's code")
"""What they are called when they are one run, recorded and replayed."""
Names = tuple[str, str]


def sentence(difference: Difference, order: Entry | None, names: Names = RUNS) -> str:
    """What a cause is. order: what its event answers, None if that is not known; names: of the two sides."""
    a, b = names
    entry = entry_of(difference)
    name = named(entry, order)
    if isinstance(entry.event, DatagramLost):
        return lost(difference, entry.event, order, names)
    if isinstance(entry.event, TimerDue) and difference.what in ("missing", "extra"):
        return ran_out(entry.event, order, b if difference.what == "extra" else a)
    if difference.what == "missing":
        return f"{name} is missing in {b}"
    if difference.what == "extra":
        return f"{name} is only in {b}"
    if difference.what in ("later", "earlier"):
        return f"{name} came {duration(abs(difference.shift))} {difference.what} in {b}"
    if difference.what == "reordered":
        return f"{name} came in another order"
    return changed(difference, name, names)


def ran_out(event: TimerDue, order: Entry | None, where: str) -> str:
    """A timer ran out in one of the runs, which in the other was stopped before."""
    about = "" if order is None else printable(order.event.text().partition("  ")[0])
    if order is None or isinstance(order.event, TimerSet):
        return f"the timer {event.name} ran out only in {where}"
    return f"nothing answered {about} in {where} until the timer {event.name} ran out"


def lost(difference: Difference, event: DatagramLost, order: Entry | None, names: Names) -> str:
    """A datagram did not arrive, in one of the runs."""
    where = names[0] if difference.what == "missing" else names[1]
    about = printable(order.event.text().partition("  ")[0]) if order is not None else ""
    if event.reason == "nobody-listens":
        return f"nobody listens at {event.peer}, port {event.port}, in {where}" + (f" ({about})" if about else "")
    what = f"the answer to {about}" if event.inward else about
    way = f"from {event.peer}" if event.inward else f"to {event.peer}"
    return f"{what or 'a datagram'} {way} was lost in {where} ({event.reason})"


def named(entry: Entry, order: Entry | None) -> str:
    """What happened, as the subject of a sentence."""
    event = entry.event
    if isinstance(event, DatagramReceived):
        return f"the {event.text().partition('  ')[0]} from {event.source}"
    if isinstance(event, FrameReceived):
        return f"the {event.text().partition('  ')[0]}"
    if isinstance(event, HttpAnswered | FileAnswered | LookupAnswered | StreamReceived | StreamClosed):
        return f"the answer to {asked(order) or event.name}"
    if isinstance(event, FlashFitted):
        return "the flash chip that was fitted"
    text = event.text()
    return f"{event.kind}" + (f" ({text})" if text else "")


def asked(order: Entry | None) -> str:
    """An order as the object of a sentence, ``GET http://192.0.2.20/x.cfg``."""
    if order is None:
        return ""
    event = order.event
    if isinstance(event, HttpRequested):
        return event.text()
    return printable(hide_passwords(event.text()))


def changed(difference: Difference, name: str, names: Names) -> str:
    """A changed event: its values by name, the telling ones first."""
    told = telling(difference)
    words = [value(change, name, names) for change in told[:MOST]]
    more = f", and {len(told) - MOST} values more" if len(told) > MOST else ""
    return "; ".join(words) + more


def telling(difference: Difference) -> list[Change]:
    """The changes that say what is the matter: how a request ended, before what came with it."""
    verdict = [change for change in difference.changes if change.name in (*VERDICT, FORM)]
    meant = [change for change in difference.changes if not change.name.startswith(("sector ", "journal ", "wording"))]
    return verdict or meant or list(difference.changes)


def value(change: Change, name: str, names: Names) -> str:
    """One change: absent, present, or another value."""
    what, (a, b) = change.name, names
    if what == FORM:
        return f"{name} is {change.b} in {b}, and {change.a} in {a}"
    if change.a is None:
        return f"{what} is in {name} only in {b}: {change.b or '(empty)'}"
    if change.b is None:
        return f"{what} is absent from {name} in {b} ({a}: {change.a or '(empty)'})"
    if change.a == change.b:
        return f"{what} of {name} is another one in {b}"
    return f"{what} of {name} is {change.b or '(empty)'} in {b}, and {change.a or '(empty)'} in {a}"


def firmware(a: Header, b: Header) -> str:
    """In what the firmware of two runs differs."""
    words = [f"firmware {name} is {y} in B, and {x} in A" for name, x, y in _unlike(a, b)]
    return "; ".join(words)


def _unlike(a: Header, b: Header) -> list[tuple[str, Any, Any]]:
    found: list[tuple[str, Any, Any]] = [("version", a.version, b.version)] if a.version != b.version else []
    options: Mapping[str, Any] = {**a.options, **b.options}
    found += [
        (f"option {name}", a.options.get(name), b.options.get(name))
        for name in options
        if a.options.get(name) != b.options.get(name)
    ]
    return found
