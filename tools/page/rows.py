"""The events of a run as the rows of a page, and what its inspector shows of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import Factory, define, field

from emulator.events import (
    VOCABULARY,
    AddressBound,
    AddressLost,
    DatagramLost,
    DisplayShown,
    Entry,
    FlashProgrammed,
    Ipv6AddressBound,
    Ipv6AddressLost,
    PowerLost,
    PowerOff,
    PowerOn,
    RestartOrdered,
    StepEntered,
)
from emulator.events.masking import duration
from tools.browse import events as described
from tools.masks import hidden
from tools.page.lanes import TITLES, End, Lanes
from tools.page.packets import Packets
from tools.timeline import FLASH, Timeline, hidden_in_brief, style_of

NOBODY = "nobody-listens"
KINDS = {kind: index for index, kind in enumerate(VOCABULARY)}


@define
class Rows:
    """Takes the entries of a run in their order. titles: of the steps."""

    titles: Mapping[int, str]
    packets: Packets
    timeline: Timeline = field(init=False)
    lanes: Lanes = Factory(Lanes)
    rows: list[list[Any]] = Factory(list)
    ends: list[End | None] = Factory(list)
    details: list[dict[str, Any]] = Factory(list)
    facts: list[tuple[int, int, str, str]] = Factory(list)
    bursts: dict[int, list[int]] = Factory(dict)

    def __attrs_post_init__(self) -> None:
        self.timeline = Timeline(self.titles)

    def take(self, entry: Entry) -> None:
        """Add an entry."""
        event = entry.event
        step = self.timeline.note_step(entry).strip()
        end = self.lanes.end(entry)
        self.ends.append(end)
        mark = event.mark.strip()
        if isinstance(event, DatagramLost):
            mark = "x" if event.inward else "X"
        because = list(entry.because)
        own = [KINDS[event.kind], entry.cause or 0, because, self.text(entry), mark, self.style(entry), step]
        self.rows.append([entry.n, entry.time, entry.phone, *own, 0, self.in_brief(entry)])
        self.details.append(self.packets.details(entry))
        self.facts.extend((entry.n, entry.phone, name, value) for name, value in facts_of(entry))

    def text(self, entry: Entry) -> str:
        """One event in a line."""
        event, text = entry.event, entry.event.text()
        if isinstance(event, StepEntered):
            title = self.titles.get(event.step, "")
            text = title + (f" · {text}" if text else "")
        return text

    def style(self, entry: Entry) -> str:
        """How the row is coloured. That nobody listens is no fault: the phone asks around."""
        event = entry.event
        is_idle = isinstance(event, DatagramLost) and event.reason == NOBODY
        return "dim" if is_idle else style_of(entry)

    def in_brief(self, entry: Entry) -> int:
        """Whether a short list has the row; of a burst of flash work it has the first."""
        burst = self.bursts.get(entry.phone)
        if isinstance(entry.event, FLASH):
            if burst is None:
                self.bursts[entry.phone] = [len(self.rows), 1, 0, 0, entry.time]
                self._count(entry)
                return 1
            burst[1] += 1
            self._count(entry)
            return 0
        if burst is not None:
            self.close(self.bursts.pop(entry.phone))
        return 0 if hidden_in_brief(entry.event) else 1

    def _count(self, entry: Entry) -> None:
        burst, event = self.bursts[entry.phone], entry.event
        burst[4] = entry.time
        if isinstance(event, FlashProgrammed):
            burst[3] += len(event.data)
        else:
            burst[2] += 1

    def close(self, burst: list[int]) -> None:
        """A burst of flash work is over: its first row says all of it in a short list."""
        first, operations, erased, written, end = burst
        if operations > 1:
            erases = f", {erased} sectors erased" if erased else ""
            took = duration(end - self.rows[first][1])
            self.rows[first][-1] = f"flash: {written:,} bytes programmed{erases}, in {operations} operations, {took}"

    def finish(self) -> None:
        """No entry comes any more: now the lanes are known."""
        for burst in self.bursts.values():
            self.close(burst)
        drawn = self.lanes.drawn()
        for row, end in zip(self.rows, self.ends, strict=True):
            row[-2] = self.lanes.index(end, drawn) if end is not None else 0

    def drawn(self) -> dict[str, Any]:
        """The rows, and what they refer to, as a page has them."""
        return {
            "events": self.rows,
            "details": self.details,
            "packets": self.packets.drawn,
            "facts": self.facts,
            "lanes": [(TITLES[end.who], end.address) for end in self.lanes.drawn()],
        }


def kinds() -> list[tuple[str, str, str]]:
    """Name, role and meaning of each kind of event, in the order of :data:`KINDS`."""
    return [(kind.kind, kind.role, first_sentence(kind.summary)) for kind in described()]


def first_sentence(summary: str) -> str:
    """What a kind of event means, without what its fields mean."""
    return summary.partition(". ")[0].removesuffix(".").replace("``", "") + "."


def facts_of(entry: Entry) -> list[tuple[str, str]]:
    """What an event changes of what can be seen of a phone from outside."""
    event = entry.event
    if isinstance(event, DisplayShown):
        return [("display", hidden(event.text().partition(": ")[2]) if event.line else "")]
    if isinstance(event, AddressBound | Ipv6AddressBound):
        return [("IPv6" if isinstance(event, Ipv6AddressBound) else "IPv4", event.address)]
    if isinstance(event, AddressLost | Ipv6AddressLost):
        return [("IPv6" if isinstance(event, Ipv6AddressLost) else "IPv4", "")]
    if isinstance(event, PowerOn | PowerOff | PowerLost | RestartOrdered):
        power = "on" if isinstance(event, PowerOn) else "restarting" if isinstance(event, RestartOrdered) else "off"
        return [("power", power), ("display", ""), ("IPv4", ""), ("IPv6", "")]
    return []
