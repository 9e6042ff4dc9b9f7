"""Two compared runs as the value that their page is drawn from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from emulator.events import Entry, Event, PageSubmitted, SettingChanged, SettingEntered
from emulator.events.masking import HIDDEN, is_secret, printable
from emulator.log.store import LogError, RunInfo
from tools.diff.model import Change, Diff, Difference
from tools.locate import firmware_of
from tools.masks import fields, hidden
from tools.page.packets import MOST_TEXT, Packets
from tools.page.rows import Rows, kinds
from tools.page.run_model import MOST_EVENTS, about, step_titles

Row = tuple[int | None, int | None, list[int]]
"""Aligned events of A and B by their numbers, one of them None where only the other run has it, and in what they
differ: indexes of differences."""
_LOGIN = ("authorization", "password", "pass")
"""In the name of a field that holds a login."""


def diff_model(diff: Diff, entries_a: Iterable[Entry], entries_b: Iterable[Entry], secrets: bool) -> dict[str, Any]:
    """Everything that the page of a comparison shows, as JSON can hold it. Raises LogError."""
    packets = Packets(secrets)
    sides = [side(info, found, packets) for info, found in ((diff.a, entries_a), (diff.b, entries_b))]
    numbers = [[row[0] for row in each["events"]] for each in sides]
    return {
        "sides": sides,
        "kinds": kinds(),
        "packets": packets.drawn,
        "shared": diff.shared,
        "rows": list(aligned(diff, *numbers)),
        "differences": [difference(each, secrets) for each in diff.differences],
        "causes": [
            {"text": shown(cause.text, secrets), "a": cause.a, "b": cause.b, "count": cause.count, "first": cause.first}
            for cause in diff.causes
        ],
        "masked": sorted(diff.masked.items()),
        "secrets": secrets,
    }


def side(info: RunInfo, found: Iterable[Entry], packets: Packets) -> dict[str, Any]:
    """One of the two runs."""
    rows = Rows(step_titles(firmware_of(info)), packets)
    for count, entry in enumerate(found):
        if count == MOST_EVENTS:
            raise LogError(f"run {info.id} has more than {MOST_EVENTS:,} events, which is too much for one page")
        rows.take(entry)
    rows.finish()
    model = rows.drawn()
    return {name: model[name] for name in ("events", "details", "lanes")} | {"run": about(info)}


def aligned(diff: Diff, numbers_a: list[int], numbers_b: list[int]) -> Iterator[Row]:
    """The rows of both runs in the order of A; what only B has stands before the next event that both have."""
    partner = {n: n for n in range(1, diff.shared + 1)} | dict(diff.pairs)
    found = differing(diff.differences)
    paired = set(partner.values())
    alone = iter([n for n in numbers_b if n not in paired])
    waiting = next(alone, None)
    for n in numbers_a:
        other = partner.get(n)
        while other is not None and waiting is not None and waiting < other:
            yield None, waiting, found.get((None, waiting), [])
            waiting = next(alone, None)
        yield n, other, found.get((n, other), []) or found.get((n, None), [])
    while waiting is not None:
        yield None, waiting, found.get((None, waiting), [])
        waiting = next(alone, None)


def differing(differences: Iterable[Difference]) -> dict[tuple[int | None, int | None], list[int]]:
    """The indexes of the differences by the events that they are about."""
    found: dict[tuple[int | None, int | None], list[int]] = {}
    for index, each in enumerate(differences):
        key = each.a.n if each.a is not None else None, each.b.n if each.b is not None else None
        found.setdefault(key, []).append(index)
    return found


def difference(each: Difference, secrets: bool) -> dict[str, Any]:
    """One difference."""
    changes = [
        (printable(change.name), *(value(change, entry, text, secrets) for entry, text in sides_of(each, change)))
        for change in each.changes
    ]
    ends = [entry.n if entry is not None else None for entry in (each.a, each.b)]
    return {
        "what": each.what,
        "a": ends[0],
        "b": ends[1],
        "changes": changes,
        "cause": each.cause,
        "shift": each.shift,
    }


def sides_of(each: Difference, change: Change) -> tuple[tuple[Entry | None, str | None], ...]:
    """The event and the text of a change in each run."""
    return (each.a, change.a), (each.b, change.b)


def value(change: Change, entry: Entry | None, text: str | None, secrets: bool) -> str | None:
    """What one run has in place of the other's, as it may be shown."""
    if text is None or secrets:
        return text if text is None else text[:MOST_TEXT]
    if entry is not None and text and hides(entry, change.name):
        return HIDDEN
    return shown(text, secrets)[:MOST_TEXT]


def hides(entry: Entry, name: str) -> bool:
    """Whether a field of an event, or a part of it, must not be shown."""
    last = name.replace("[", ".").replace("]", "").rpartition(".")[2]
    if is_secret(last) or any(word in name.lower() for word in _LOGIN):
        return True
    first = name.partition(".")[0]
    event: Event = entry.event
    if isinstance(event, SettingChanged | SettingEntered | PageSubmitted):
        return first == "value" and is_secret(event.key)
    masked = fields(entry, False).get(first)
    return isinstance(masked, str) and masked.startswith("(") and isinstance(getattr(event, first, None), bytes)


def shown(text: str, secrets: bool) -> str:
    """A text from a run."""
    return text if secrets else str(hidden(text))
