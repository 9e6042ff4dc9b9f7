"""The way between a phone and its servers: latency, loss, duplication, reordering, outages."""

from __future__ import annotations

from collections.abc import Iterable

from emulator.events import SECOND
from emulator.world.scenario import LinkSpec
from emulator.world.streams import Streams

RETRANSMIT = SECOND
"""First retransmission time of a TCP sender, doubling (RFC 6298 s.2)."""


class Link:
    """One link for all phones; each phone and direction has random streams of its own."""

    def __init__(self, spec: LinkSpec, streams: Streams) -> None:
        self.spec = spec
        self.streams = streams
        self._plain = not (spec.jitter or spec.loss or spec.duplicate or spec.reorder or spec.outage)

    def fork(self, streams: Streams) -> Link:
        """The same link, drawing from ``streams``."""
        return Link(self.spec, streams)

    def transit(self, phone: int, inward: bool, now: int) -> tuple[tuple[int, ...], str]:
        """(delays of the copies that arrive, in ns; why none does, or "") for a datagram sent at ``now``."""
        spec = self.spec
        if self._plain:
            return (spec.latency,), ""
        if self.cut(inward, now):
            return (), "partition"
        stream = f"link/{phone}/{'in' if inward else 'out'}"
        happens = self.streams.happens
        if happens(f"{stream}/loss", spec.loss):
            return (), "loss"
        copies = 2 if happens(f"{stream}/duplicate", spec.duplicate) else 1
        return tuple(self._delay(stream) for _ in range(copies)), ""

    def _delay(self, stream: str) -> int:
        spec = self.spec
        delay: int = spec.latency
        if spec.jitter:
            delay += self.streams.below(f"{stream}/jitter", spec.jitter + 1)
        if self.streams.happens(f"{stream}/reorder", spec.reorder):
            delay += spec.reorder_by
        return delay

    def cut(self, inward: bool, now: int) -> bool:
        """Whether an outage stops everything in that direction at ``now``."""
        direction = "to-phone" if inward else "from-phone"
        return any(o.direction in ("both", direction) and o.start <= now < o.end for o in self.spec.outage)

    def exchange(self, phone: int, now: int, limit: int) -> int | None:
        """ns until a segment and its answer have passed, repeated as TCP does; None if not within ``limit``."""
        if self._plain:
            round_trip = 2 * self.spec.latency
            return round_trip if round_trip <= limit else None
        for waited in retransmissions(limit):
            out, _ = self.transit(phone, False, now + waited)
            if not out:
                continue
            back, _ = self.transit(phone, True, now + waited + out[0])
            if back and waited + out[0] + back[0] <= limit:
                return waited + out[0] + back[0]
        return None

    def passage(self, phone: int, inward: bool, now: int, limit: int) -> int | None:
        """ns until a segment sent at ``now`` has passed one way, repeated as TCP does; None if not within ``limit``."""
        for waited in retransmissions(limit):
            copies, _ = self.transit(phone, inward, now + waited)
            if copies:
                return waited + copies[0]
        return None


def retransmissions(limit: int) -> Iterable[int]:
    """When a TCP sender sends within ``limit``: at 0, 1, 3, 7 s ..."""
    at, wait = 0, RETRANSMIT
    while at < limit:
        yield at
        at += wait
        wait *= 2
