"""A run with other options of its firmware: it parts from its parent where they make a difference."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

import attrs

from emulator.log.chain import MemorySink, Row
from emulator.log.progress import Progress, no_progress
from emulator.log.store import LogError
from emulator.phone.firmware import Firmware, Options
from emulator.world.run import Run
from tools.checking import fed
from tools.fork.points import group_start
from tools.fork.restoring import Point, Restored, from_record, story_of
from tools.locate import Located, firmware_of


def with_options(found: Located, options: Mapping[str, str], progress: Progress = no_progress) -> Restored:
    """The run with other options, from where they make a difference. Raises LogError."""
    firmware = optioned(firmware_of(found.info), options)
    story = story_of(found)
    if story is None:
        upto = parting(found, firmware, progress)
        return Restored(from_record(found, upto, firmware), Point(upto), notes(found, upto))
    phone = attrs.evolve(story.phone, options={**story.phone.options, **values(options)})
    sink = MemorySink()
    run = Run(attrs.evolve(story, phone=phone), seed=found.info.header.seed, firmware=firmware, sink=sink)
    run.observer = lambda settled: progress(settled.entries[-1].n)
    run.run_until(story.until)
    upto = shared(found, sink.rows)
    return Restored(run, Point(upto), notes(found, upto), ((sink.rows[upto:], sink.blobs),))


def parting(found: Located, firmware: Firmware, progress: Progress = no_progress) -> int:
    """How many events of a run there are before the first that ``firmware`` makes otherwise of its inputs."""
    info = found.info
    for difference in fed(attrs.evolve(found, at=None), firmware, progress).differences[:1]:
        row = difference.recorded or difference.replayed
        assert row is not None
        return group_start(found.store, info.id, min(row.n, info.events)) - 1
    return info.events


def shared(found: Located, rows: list[Row]) -> int:
    """How many events the run shares with ``rows``, to the byte."""
    count = 0
    for mine, row in zip(found.store.rows(found.info.id), rows, strict=False):
        if mine.link != row.link:
            break
        count = row.n
    return count


def notes(found: Located, upto: int) -> tuple[str, ...]:
    """What a person should know about the point."""
    if upto >= found.info.events:
        return ("the options make no difference in this run",)
    if found.at is not None and upto < found.at - 1:
        return (f"the options make a difference from event {upto + 1} on, so the fork parts there",)
    return ()


def optioned(firmware: Firmware, options: Mapping[str, str]) -> Firmware:
    """The firmware with these options. Raises LogError."""
    known = {field.name: field for field in attrs.fields(Options)}
    for name in options:
        if name not in known:
            near = get_close_matches(name, known, 1)
            raise LogError(f"firmware has no option {name!r}" + (f"; did you mean {near[0]}?" if near else ""))
    try:
        return firmware.with_options(**values(options))
    except (TypeError, ValueError) as error:
        allowed = error.args[2] if len(error.args) > 2 else ""
        raise LogError(
            f"--firmware-option: {', '.join(f'{k}={v}' for k, v in options.items())} is not possible"
            + (f"; one of {', '.join(map(str, allowed))}" if isinstance(allowed, tuple) else "")
        ) from None


def values(options: Mapping[str, str]) -> dict[str, Any]:
    """Options as the firmware takes them: numbers, true and false, or text."""
    usual = attrs.asdict(Options())
    found: dict[str, Any] = {}
    for name, text in options.items():
        kind = type(usual.get(name, ""))
        if kind is bool:
            found[name] = {"true": True, "false": False}.get(text.lower(), text)
        elif kind is int and text.lstrip("-").isdigit():
            found[name] = int(text)
        else:
            found[name] = text
    return found
