"""``replay --diff``: what today's code does otherwise than was recorded, by what it means, grouped by cause.

A change that was meant is accepted once, and is then no difference any more, in whatever run it shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from attrs import Factory, define, frozen

from emulator.events.codec import EventDecoder
from emulator.log.chain import MemorySink
from emulator.log.header import code_digest
from emulator.log.progress import Progress, no_progress
from emulator.log.store import RunInfo, Store
from tools.checking import fed, is_whole
from tools.diff import judged, sentences
from tools.diff.causes import entry_of
from tools.diff.comparing import Comparison, Side
from tools.diff.model import Cause, Diff, Difference
from tools.diff.noise import Noise
from tools.locate import DATABASE, Located, firmware_of

ONLY_TIMES = "the same at other times"
"""The cause of a replay that differs in nothing but when things happen."""


@frozen
class Upgraded:
    """A run and what today's code makes of it. diff: None if that is the same, to the byte; signatures: of its causes,
    equal for equal changes of behaviour; accepted: whether all of them were meant."""

    info: RunInfo
    diff: Diff | None
    signatures: tuple[str, ...] = ()
    accepted: bool = True


@define
class Group:
    """A change of behaviour. example: the first run that shows it, and the cause there; runs: all of them."""

    signature: str
    example: Upgraded
    cause: Cause | None
    accepted: bool
    runs: list[int] = Factory(list)

    @property
    def text(self) -> str:
        """The change in a sentence."""
        return ONLY_TIMES if self.cause is None else self.cause.text


@frozen
class Upgrade:
    """Every run of a database against today's code."""

    runs: tuple[Upgraded, ...]
    groups: tuple[Group, ...]

    @property
    def as_meant(self) -> bool:
        """Whether nothing changed but what was meant to."""
        return all(run.accepted for run in self.runs)


def upgrade(*, db: str | Path = DATABASE, done: Callable[[Upgraded], None] = lambda run: None) -> Upgrade:
    """Replay every run of a database and group what differs by its cause; ``done`` is called after each run.

    Raises LogError.
    """
    with Store(db) as store:
        meant = accepted(store)
        runs = []
        for info in store.runs():
            runs.append(upgraded(Located(store, info, None), meant))
            done(runs[-1])
    return Upgrade(tuple(runs), tuple(grouped(runs, meant)))


def upgraded(found: Located, meant: set[str] | None = None, progress: Progress = no_progress) -> Upgraded:
    """What today's code makes of a run, up to N for ``RUN@N``. Raises LogError."""
    info, store = found.info, found.store
    meant = accepted(store) if meant is None else meant
    sink = MemorySink()
    if fed(found, firmware_of(info), progress, sink).identical:
        return Upgraded(info, None)
    rows = list(store.rows(info.id, 0, found.event() if info.events else 0))
    made = sink.rows if is_whole(found) else sink.rows[: len(rows)]
    sides = Side(rows, store.decoder()), Side(made, EventDecoder(sink.blobs.__getitem__))
    comparison = Comparison(*sides, Noise((), dice=False), 0, links=True)
    told = judged(found, found, 0, comparison, sentences.CODE)
    signatures = tuple(signature(told.differences[cause.first]) for cause in told.causes) or (ONLY_TIMES,)
    return Upgraded(info, told, signatures, meant.issuperset(signatures))


def signature(difference: Difference) -> str:
    """What a change is, apart from the run that shows it: what happens otherwise, with its values."""
    entry = entry_of(difference)
    changes = [f"{change.name}: {change.a!r} → {change.b!r}" for change in difference.changes if change.name != "cause"]
    about = entry.event.text() if difference.what in ("missing", "extra") else "; ".join(changes)
    return f"{difference.what} {entry.event.kind} {about}".strip()


def grouped(runs: Iterable[Upgraded], meant: set[str]) -> Iterable[Group]:
    """The changes of behaviour, each with the runs that show it; those of the most runs first."""
    groups: dict[str, Group] = {}
    for run in runs:
        causes: Iterable[Cause | None] = (run.diff.causes or (None,)) if run.diff is not None else ()
        for each, cause in zip(run.signatures, causes, strict=True):
            group = groups.setdefault(each, Group(each, run, cause, each in meant))
            group.runs.append(run.info.id)
    return sorted(groups.values(), key=lambda group: -len(group.runs))


def accepted(store: Store) -> set[str]:
    """The signatures of the changes that were meant."""
    return {text for (text,) in store.ask("SELECT signature FROM accepted")} if store.has("accepted") else set()


def accept(found: Upgrade, *, db: str | Path = DATABASE, note: str = "", created: str = "") -> int:
    """Record that the changes that were found are meant; how many of them were not accepted yet. Raises LogError."""
    new = [group for group in found.groups if not group.accepted]
    with Store(db) as store:
        for group in new:
            values = (group.signature, group.text, code_digest(), note, created)
            store.change("INSERT OR REPLACE INTO accepted VALUES (?, ?, ?, ?, ?)", values)
    return len(new)
