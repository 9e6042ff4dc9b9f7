"""``replay`` and ``verify``: is a run what today's code does, and is a log what was written?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from attrs import frozen

from emulator.events import Entry
from emulator.events.codec import EventDecoder, EventError
from emulator.log import jsonl
from emulator.log.chain import Row, Sink
from emulator.log.progress import Progress, no_progress
from emulator.log.store import LogError, RunInfo, Store
from emulator.log.verify import Fault, Verified
from emulator.log.verify import verify as verify_store
from emulator.phone.firmware import Firmware
from emulator.world.fence import fence
from emulator.world.recorded import Difference, Replay, Replayed
from tools.locate import DATABASE, Located, firmware_of, is_file, located


@frozen
class Side:
    """One side of a divergence: an event and its cause chain, the event first."""

    chain: tuple[Entry, ...]


@frozen
class ReplayResult:
    """A run against today's code. recorded, replayed: both sides of the first difference, where there is one."""

    info: RunInfo
    firmware: str
    same_code: bool
    report: Replayed
    recorded: Side | None = None
    replayed: Side | None = None

    @property
    def identical(self) -> bool:
        """Whether this code does exactly what was recorded."""
        return self.report.identical


def replay(
    run: str,
    *,
    db: str | Path = DATABASE,
    firmware: Firmware | None = None,
    progress: Progress = no_progress,
) -> ReplayResult:
    """Feed the recorded inputs of a run to today's code, or to ``firmware``, and compare; up to N for ``RUN@N``.

    Raises LogError.
    """
    with located(run, db) as found:
        return replayed(found, firmware, progress)


def replay_all(
    *, db: str | Path = DATABASE, firmware: Firmware | None = None, done: Callable[[ReplayResult], None]
) -> list[ReplayResult]:
    """:func:`replay` for every run of a database; ``done`` is called after each. Raises LogError."""
    results = []
    with Store(db) as store:
        for info in store.runs():
            result = replayed(Located(store, info, None), firmware, no_progress)
            results.append(result)
            done(result)
    return results


def replayed(found: Located, firmware: Firmware | None, progress: Progress) -> ReplayResult:
    """Replay a run that was found."""
    from emulator.log.header import code_digest

    info, store = found.info, found.store
    used = firmware or firmware_of(info)
    decoder = store.decoder()
    report = fed(found, used, progress)
    same = info.header.code == code_digest()
    if is_whole(found) and report.identical and report.digest != info.digest:
        raise LogError(f"run {info.id}: its events replay and its seal is not theirs; `offhook verify` says more")
    if not report.differences:
        return ReplayResult(info, used.name, same, report)
    first = report.differences[0]
    return ReplayResult(
        info, used.name, same, report, recorded_side(found, decoder, first), replayed_side(found, decoder, first)
    )


def fed(found: Located, firmware: Firmware, progress: Progress = no_progress, sink: Sink | None = None) -> Replayed:
    """The recorded inputs of a run, up to N for ``RUN@N``, fed to ``firmware``. sink: takes what it makes of them."""
    info = found.info
    rows = found.store.rows(info.id, 0, found.event() if info.events else 0)
    with fence():
        replay = Replay(firmware, info.header.phones, found.store.decoder(), sink)
        return replay.run(rows, progress, cut=not is_whole(found))


def is_whole(found: Located) -> bool:
    """Whether a run was found with its end, so that nothing is missing of what its last input led to."""
    return found.at is None and found.info.seal is not None


def recorded_side(found: Located, decoder: EventDecoder, difference: Difference) -> Side | None:
    """The recorded event of a difference with its cause chain."""
    row = difference.recorded
    return None if row is None else Side(tuple(chain(found, decoder, row)))


def replayed_side(found: Located, decoder: EventDecoder, difference: Difference) -> Side | None:
    """What this code did instead, with its cause chain; before the first difference both logs are the same."""
    row = difference.replayed
    if row is None:
        return None
    made = {r.n: r for r in difference.settled}
    entries = []
    at: Row | None = row
    while at is not None:
        entries.append(decoded(at, decoder))
        if at.cause not in made:
            earlier = found.store.rows(found.info.id, (at.cause or 0) - 1, at.cause) if at.cause else iter(())
            at = next(earlier, None)
            return Side((*entries, *(chain(found, decoder, at) if at is not None else ())))
        at = made[at.cause]
    return Side(tuple(entries))


def chain(found: Located, decoder: EventDecoder, row: Row) -> list[Entry]:
    """``row`` and the causes that led to it, back to an input that nothing caused."""
    entries = [decoded(row, decoder)]
    while row.cause is not None and row.cause < row.n:
        row = next(found.store.rows(found.info.id, row.cause - 1, row.cause))
        entries.append(decoded(row, decoder))
    return entries


def decoded(row: Row, decoder: EventDecoder) -> Entry:
    """The entry of ``row``. Raises LogError."""
    try:
        return row.entry(decoder)
    except EventError as error:
        raise LogError(f"event {row.n}: {error.reason}") from None


def verify(
    target: str | Path | None = None, *, db: str | Path = DATABASE, progress: Progress = no_progress
) -> Verified:
    """Check ``db``, another database (``target`` is its path), or one run. Raises LogError if it cannot be read."""
    path = Path(db if target is None else target)
    if target is None or ((is_file(path) or path.suffix == ".db") and not is_export(path)):
        with Store(path) as store:
            return verify_store(store, progress=progress)
    if is_export(path):
        return verify_export(path, progress)
    with located(str(target), db) as found:
        if found.at is not None:
            raise LogError("a run is verified whole; leave out @N")
        return verify_store(found.store, found.info.id, progress)


def is_export(path: Path) -> bool:
    """Whether ``path`` looks like an exported run rather than a database."""
    try:
        with path.open("rb") as file:
            return b'"offhook":' in file.readline(65_536)
    except (OSError, ValueError):
        return False


def verify_export(path: Path, progress: Progress) -> Verified:
    """Check an exported run; it is read to its first fault."""
    try:
        with path.open("rb") as file:
            parsed = jsonl.parse(file, str(path), progress)
    except LogError as error:
        return Verified(1, 0, 0, (), (Fault(0, 0, str(error)),))
    unsealed = () if parsed.end.seal else (1,)
    return Verified(1, len(parsed.rows), len(parsed.blobs), unsealed, ())
