"""``diff`` for a person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from emulator.events.masking import printable, repr_text
from flash_image import LogLine
from tools.flash.comparing import Comparison, Range, SettingDifference
from tools.flash.inspect_text import fit, quoted
from tools.flash.keys import shown
from tools.flash.reading import Setting
from tools.phone_lines import log_time

LEAST = 10
"""Of each kind of difference, so many are shown."""
T = TypeVar("T")


def comparison_text(found: Comparison, secrets: bool, every: bool) -> Iterator[str]:
    """All of ``diff``, line by line. every: show also what is many."""
    if found.equal:
        yield f"{printable(found.old.name)} and {printable(found.new.name)} are equal"
        return
    yield f"- {printable(found.old.name)}"
    yield f"+ {printable(found.new.name)}"
    faults = [each for each in found.differences if each.section == "faults"]
    for each in (*(each for each in found.differences if each.section != "faults"), *some(faults, every)):
        name = printable(f"{each.section} {each.name}".strip())
        yield from sides(name, _text(each.old, secrets), _text(each.new, secrets))
    yield from more(faults, every, "  ", "faults")
    for setting in found.settings:
        yield from sides(setting_name(setting), value_text(setting.old, secrets), value_text(setting.new, secrets))
    for sign, lines in (("-", found.log_old), ("+", found.log_new)):
        yield from (fit(f"{sign} log: {line_text(line, secrets)}") for line in some(lines, every))
        yield from more(lines, every, f"{sign} log: ", "lines")
    yield from wear_text(found, every)
    for name, ranges in found.ranges.items():
        total = sum(each.length for each in ranges)
        many = "1 range differs" if len(ranges) == 1 else f"{len(ranges):,} ranges differ"
        yield f"  {printable(name) or '(no partition)'}: {many}, {total:,} bytes"
        yield from (fit(range_text(each)) for each in some(ranges, every))
        yield from more(ranges, every, "    ", "ranges")


def _text(text: str | None, secrets: bool) -> str | None:
    return None if text is None else printable(shown("", text, secrets))


def sides(name: str, old: str | None, new: str | None) -> Iterator[str]:
    """What was, and what is."""
    if old is not None:
        yield fit(f"- {name}: {old}")
    if new is not None:
        yield fit(f"+ {name}: {new}")


def setting_name(found: SettingDifference) -> str:
    """Layer and key."""
    return f"{found.layer} {printable(found.key)}"


def value_text(setting: Setting | None, secrets: bool) -> str | None:
    """A stored value with its attributes."""
    if setting is None:
        return None
    marks = [f"{name}={repr_text(v)}" for name, v in (("perm", setting.perm), ("access", setting.access)) if v]
    return " ".join([quoted(setting, secrets), *marks])


def line_text(line: LogLine, secrets: bool) -> str:
    """A line of the log."""
    return printable(f"{log_time(line)} {line.severity} {line.tag} {shown('', line.text, secrets)}")


def wear_text(found: Comparison, every: bool) -> Iterator[str]:
    """Which sectors were erased more, or less."""
    for sector, old, new in some(found.wear, every):
        yield f"  sector {sector}: {old:,} erasures, then {new:,}"
    yield from more(found.wear, every, "  ", "sectors")


def range_text(found: Range) -> str:
    """Address, length and the first bytes of a range."""
    text = f"    {found.address:#010x}  {found.length:,}"
    if found.old is None or found.new is None:
        return text
    dots = "..." if found.length > len(found.old) else ""
    return f"{text}  {found.old.hex(' ')}{dots} → {found.new.hex(' ')}{dots}"


def some(items: Sequence[T], every: bool) -> Sequence[T]:
    """As many as are shown."""
    return items if every else items[:LEAST]


def more(items: Sequence[object], every: bool, before: str, what: str) -> Iterator[str]:
    """How many are not."""
    if len(items) > LEAST and not every:
        yield f"{before}and {len(items) - LEAST:,} more {what}; -v shows them all"
