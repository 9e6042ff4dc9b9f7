"""``runs``, ``show``, ``state``, ``events``: what is in a run database."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

import attrs
from attrs import frozen

from emulator.events import VOCABULARY, Entry, Event
from emulator.events.codec import EventError
from emulator.events.masking import HIDDEN, duration, hide_passwords, is_secret
from emulator.log.store import LogError, RunInfo, Store
from emulator.phone import snapshot
from emulator.phone.catalogue import Parameter, catalogue
from emulator.phone.firmware import Firmware
from emulator.phone.state import Phone, fold_entry, initial
from emulator.phone.storage import FoldMismatch
from flash_image import ChipFault, ImageError, LayoutError
from tools.locate import DATABASE, Located, firmware_of, located
from tools.simulate import snapshot_key

_ROLE = re.compile(r":[a-z]+:`~?(?:[\w.]*\.)?(\w+)`")
"""How a docstring refers to another name."""
UNREADABLE = (EventError, FoldMismatch, ChipFault, ImageError, LayoutError)
"""What a log from elsewhere can make a fold raise."""


def runs(db: str | Path = DATABASE) -> list[RunInfo]:
    """Every run in a database, oldest first. Raises LogError."""
    with Store(db) as store:
        return store.runs()


def remove_runs(names: list[str], db: str | Path = DATABASE) -> list[tuple[int, bool]]:
    """Remove whole runs: (id, whether its events are gone; a fork may still use them). Raises LogError."""
    with Store(db) as store:
        return [(run, store.remove(run)) for run in [store.find(name).id for name in names]]


def prune_runs(keep: int | None = None, db: str | Path = DATABASE) -> list[int]:
    """Remove runs that were cut off and all but the newest of equal runs; with ``keep``, all but the newest so many.

    Runs that are being written stay. The ids of those that went. Raises LogError.
    """
    with Store(db) as store:
        found = [info for info in store.runs() if info.state != "running"]
        newest = {info.digest: info.id for info in found}
        left = [info.id for info in found if info.state == "finished" and newest[info.digest] == info.id]
        if keep is not None:
            left = left[max(0, len(left) - keep) :]
        gone = [info.id for info in found if info.id not in left]
        for run in gone:
            store.remove(run)
        return gone


@frozen
class Shown:
    """A run as ``show`` gives it: what it is, its entries, and the steps' titles."""

    info: RunInfo
    entries: list[Entry]
    titles: dict[int, str]


def show(run: str, *, db: str | Path = DATABASE, phone: int | None = None, kinds: tuple[str, ...] = ()) -> Shown:
    """The entries of a run up to the event named (``RUN@N``), of one phone or of some kinds only. Raises LogError."""
    for kind in kinds:
        if kind not in VOCABULARY:
            raise LogError(f"unknown event kind {kind!r}; `offhook events` lists them")
    with located(run, db) as found:
        if phone is not None and phone >= found.info.header.phones:
            raise LogError(f"run {found.info.id} has phones 0 to {found.info.header.phones - 1}")
        titles = {number: step.title for number, step in firmware_of(found.info).steps.items()}
        upto = found.event() if found.info.events else 0
        return Shown(found.info, list(entries(found, upto, phone, kinds)), titles)


def entries(found: Located, upto: int, phone: int | None, kinds: tuple[str, ...]) -> Iterator[Entry]:
    """Decoded entries of a run. Raises LogError for one that cannot be read."""
    decoder = found.store.decoder()
    for row in found.store.rows(found.info.id, 0, upto, phone):
        if kinds and row.kind not in kinds:
            continue
        try:
            yield row.entry(decoder)
        except (EventError, ValueError) as error:
            raise LogError(f"run {found.info.id}, event {row.n}: {error}") from None


class SipLine(NamedTuple):
    """A SIP line that is in use. state: of its registration; until: ns, when that ends, None without one."""

    line: int
    state: str
    user: str
    domain: str
    server: str
    until: int | None

    def text(self, now: int) -> str:
        """The line for a person, at ``now`` (ns)."""
        left = "" if self.until is None else f" for another {duration(max(0, self.until - now))}"
        return f"{self.line} {self.state}{left} ({self.user}@{self.domain} at {self.server})"


def sip_lines(phone: Phone) -> tuple[SipLine, ...]:
    """The SIP lines that are in use, in order."""
    return tuple(
        SipLine(number, line.state, own.user, own.domain, own.server, line.until or None)
        for number, line in sorted(phone.registration.lines.items())
        if (own := line.account) is not None
    )


@frozen
class State:
    """A phone just after an event, with secrets left out unless they were asked for."""

    info: RunInfo
    n: int
    index: int
    time: int
    phone: Phone
    step_title: str
    settings: dict[str, str]
    roots: dict[str, str]
    lines: tuple[SipLine, ...]


def state(run: str, *, db: str | Path = DATABASE, phone: int = 0, secrets: bool = False) -> State:
    """The state of a phone just after event N of ``RUN@N`` (default: the last). Raises LogError."""
    with located(run, db) as found:
        firmware = firmware_of(found.info)
        n = found.event() if found.info.events else 0
        if not 0 <= phone < found.info.header.phones:
            raise LogError(f"run {found.info.id} has phones 0 to {found.info.header.phones - 1}")
        folded = state_at(found.store, found.info, firmware, n, phone)
        times = [row.time for row in found.store.rows(found.info.id, n - 1, n)]
    step = firmware.steps.get(folded.provisioning.step)
    values = folded.settings.differing()
    if not secrets:
        values = {key: HIDDEN if value and is_secret(key) else hide_passwords(value) for key, value in values.items()}
    return State(
        found.info,
        n,
        phone,
        times[0] if times else 0,
        folded,
        step.title if step else "",
        values,
        dict(folded.settings.roots),
        sip_lines(folded),
    )


def state_at(store: Store, info: RunInfo, firmware: Firmware, n: int, phone: int = 0) -> Phone:
    """Fold the log of one phone up to event ``n``, from the nearest snapshot of this code. Raises LogError."""
    found = store.snapshot(info.id, phone, n, snapshot_key())
    start, folded = 0, None
    if found is not None:
        folded = snapshot.decode(found[1], firmware)
        start = found[0] if folded is not None else 0
    folded = folded or initial(firmware)
    decoder = store.decoder()
    for row in store.rows(info.id, start, n, phone):
        try:
            fold_entry(firmware, folded, row.entry(decoder))
        except UNREADABLE as error:
            raise LogError(f"run {info.id}: event {row.n} cannot be applied: {error}") from None
    return folded


@frozen
class EventKind:
    """One kind of the vocabulary. fields: name to type; summary, doc: from its docstring."""

    kind: str
    role: str
    summary: str
    doc: str
    fields: dict[str, str]


def events(kind: str | None = None) -> list[EventKind]:
    """The vocabulary, or one kind of it. Raises LogError for an unknown kind."""
    if kind is not None and kind not in VOCABULARY:
        near = get_close_matches(kind, VOCABULARY, 1)
        raise LogError(f"unknown event kind {kind!r}" + (f"; did you mean {near[0]}?" if near else ""))
    chosen = VOCABULARY.values() if kind is None else (VOCABULARY[kind],)
    return [_described(cls) for cls in chosen]


def params(pattern: str = "") -> list[Parameter]:
    """The configuration parameters whose tag, path or description holds ``pattern`` (any case), in file order.

    Raises LogError if there is none.
    """
    wanted = pattern.lower()
    found = [p for p in catalogue() if wanted in f"{p.tag} {p.path} {p.about}".lower()]
    if not found:
        near = get_close_matches(pattern.upper(), catalogue().by_tag, 1, 0.5)
        raise LogError(f"no parameter is like {pattern!r}" + (f"; did you mean {near[0]}?" if near else ""))
    return found


def _described(cls: type[Event]) -> EventKind:
    lines = (line.strip() for line in (cls.__doc__ or "").strip().splitlines())
    doc = _ROLE.sub(r"``\1``", "\n".join(lines))
    fields = {field.name: str(field.type) for field in attrs.fields(cls)}
    return EventKind(cls.kind, cls.role.value, doc.split("\n", 1)[0], doc, fields)
