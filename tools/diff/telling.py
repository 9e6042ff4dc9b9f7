"""A comparison of two runs, for a person and for a program."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from attrs import frozen

from emulator.events import (
    DisplayShown,
    DownloadEnded,
    Entry,
    HttpRequested,
    PnpEnded,
    RunEnded,
    SourceTried,
    StepEntered,
    step_name,
)
from emulator.events.masking import duration
from emulator.log.store import RunInfo
from tools.diff.model import Cause, Diff, Difference
from tools.diff.sentences import Names
from tools.masks import entry_json
from tools.timeline import seconds

MILESTONES = (RunEnded, StepEntered, SourceTried, DisplayShown, PnpEnded, DownloadEnded, HttpRequested)
"""What matters of the consequences of a cause, most telling first."""
FEW = 6
"""Consequences that are told of a cause."""
CAUSES = 8
"""Causes that are told."""
MARKS = {"missing": "-", "extra": "+", "changed": "~", "later": ">", "earlier": "<", "reordered": "%"}
STYLES = {"missing": "wrong", "extra": "right", "changed": "setting", "later": "step", "earlier": "step"}

Style = Callable[[str, str], str]


@frozen
class Telling:
    """How it looks. style: colours a text; width: of the terminal, 0 for no limit; every: tell every difference; names:
    of the two sides, if these are one run twice."""

    style: Style
    width: int = 0
    every: bool = False
    names: Names | None = None

    def lines(self, diff: Diff) -> Iterator[str]:
        """Everything, line by line."""
        yield from self._heads(diff)
        if diff.equal:
            yield self._equal(diff)
            return
        many = f"{len(diff.differences):,} differences" if len(diff.differences) > 1 else "1 difference"
        if len(diff.causes) == 1:
            yield f"{self.style(many, 'wrong')}, 1 cause: {self._cause(diff.causes[0])}"
        else:
            yield f"{self.style(many, 'wrong')}, {len(diff.causes):,} causes:"
        shown = diff.causes if self.every else diff.causes[:CAUSES]
        for index, cause in enumerate(shown):
            if len(diff.causes) > 1:
                yield f"{index + 1}. {self._cause(cause)}: {cause.count:,} of them"
            yield from self.of_cause(diff, index)
        if len(shown) < len(diff.causes):
            yield f"and {len(diff.causes) - len(shown):,} causes more; -v tells all"

    def _heads(self, diff: Diff) -> Iterator[str]:
        if self.names is not None:
            yield self.style(f"{head(diff.a)}; A is {self.names[0]}, B {self.names[1]}", "dim")
        else:
            for name, info in (("A", diff.a), ("B", diff.b)):
                yield self.style(f"{name}  {head(info)}", "dim")
        if not diff.equal and diff.shared:
            yield self.style(f"the same, to the byte, up to event {diff.shared:,}", "dim")

    def _equal(self, diff: Diff) -> str:
        if diff.shared == diff.a.events == diff.b.events:
            return self.style("equal", "right") + f": {diff.shared:,} events, to the byte"
        noise = ", ".join(f"{name} {count:,}" for name, count in sorted(diff.masked.items()))
        return self.style("equal", "right") + " but for noise" + (f" ({noise})" if noise else "")

    def _cause(self, cause: Cause) -> str:
        where = [f"{name}@{n}" for name, n in (("A", cause.a), ("B", cause.b)) if n is not None]
        return self.style(cause.text, "input") + (f", at {' / '.join(where)}" if where else "")

    def of_cause(self, diff: Diff, index: int) -> Iterator[str]:
        """The differences of a cause that are told."""
        mine = [each for each in diff.differences if each.cause == index]
        told = mine if self.every else few(mine, diff.causes[index])
        for each in told:
            yield from self._difference(each)
        if len(told) < len(mine):
            yield self.style(f"      and {len(mine) - len(told):,} more; -v tells all", "dim")

    def _difference(self, difference: Difference) -> Iterator[str]:
        style = STYLES.get(difference.what, "plain")
        numbers = [str(entry.n) if entry is not None else "" for entry in (difference.a, difference.b)]
        entry = difference.b or difference.a
        assert entry is not None
        shift = f"  ({duration(abs(difference.shift))} {difference.what})" if difference.shift else ""
        text = said(difference, entry) + shift
        head = f"  {MARKS[difference.what]} {numbers[0]:>6} {numbers[1]:>6} {seconds(entry.time):>12}  "
        yield self._cut(self.style(head, "dim"), head, self.style, text, style)
        for change in difference.changes[: None if self.every else FEW]:
            if not told_by_text(difference, change.a, change.b):
                a, b = (value if value is not None else "(absent)" for value in (change.a, change.b))
                yield self._cut("", "", self.style, f"{' ' * 32}{change.name}: {a} → {b}", "dim")

    def _cut(self, styled: str, head: str, style: Style, text: str, name: str) -> str:
        if self.width and len(head) + len(text) > self.width:
            text = text[: max(0, self.width - len(head) - 1)] + "…"
        return styled + style(text, name)


def head(info: RunInfo) -> str:
    """A run in a line."""
    outcome = info.outcome or info.state
    return f"run {info.id}: {info.header.name}, seed {info.header.seed}, {info.events:,} events, {outcome}"


def line(entry: Entry) -> str:
    """An event: its text, or its kind if it has none."""
    text = entry.event.text()
    if isinstance(entry.event, StepEntered):
        return f"▶ step {step_name(entry.event.step)}" + (f" · {text}" if text else "")
    return f"{entry.event.mark} {text}".strip() if text else entry.event.kind


def said(difference: Difference, entry: Entry) -> str:
    """What both events say; both texts where they differ."""
    if difference.a is None or difference.b is None or line(difference.a) == line(difference.b):
        return line(entry)
    return f"{line(difference.a)}  →  {line(difference.b)}"


def told_by_text(difference: Difference, a: str | None, b: str | None) -> bool:
    """Whether the texts of both events hold the values already."""
    if difference.a is None or difference.b is None or not a or not b:
        return False
    return a.strip('"') in difference.a.event.text() and b.strip('"') in difference.b.event.text()


def few(differences: list[Difference], cause: Cause) -> list[Difference]:
    """The cause itself, and those of its consequences that say what came of it."""
    root = [each for each in differences if (number(each.a), number(each.b)) == (cause.a, cause.b)]
    others = [each for each in differences if each not in root]
    ranked = sorted(range(len(others)), key=lambda place: (rank(others[place]), place))[:FEW]
    return root + [others[place] for place in sorted(ranked)]


def number(entry: Entry | None) -> int | None:
    """The number of an event that may not be there."""
    return None if entry is None else entry.n


def rank(difference: Difference) -> int:
    """How little a consequence matters to a person."""
    entry = difference.b or difference.a
    kinds = (index for index, kind in enumerate(MILESTONES) if entry is not None and isinstance(entry.event, kind))
    return next(kinds, len(MILESTONES))


def diff_json(diff: Diff, secrets: bool = False) -> dict[str, Any]:
    """The object of ``diff --json``."""

    def side(entry: Entry | None) -> dict[str, Any] | None:
        return None if entry is None else entry_json(entry, secrets)

    return {
        "equal": diff.equal,
        "a": {"run": diff.a.id, "events": diff.a.events, "digest": diff.a.digest, "outcome": diff.a.outcome},
        "b": {"run": diff.b.id, "events": diff.b.events, "digest": diff.b.digest, "outcome": diff.b.outcome},
        "shared": diff.shared,
        "noise": dict(sorted(diff.masked.items())),
        "causes": [{"text": each.text, "a": each.a, "b": each.b, "differences": each.count} for each in diff.causes],
        "differences": [
            {
                "what": each.what,
                "cause": each.cause,
                "shift": each.shift,
                "a": side(each.a),
                "b": side(each.b),
                "changes": [{"name": c.name, "a": c.a, "b": c.b} for c in each.changes],
            }
            for each in diff.differences
        ],
    }


def rules_lines() -> Iterator[str]:
    """The declared noise, a rule a line."""
    from tools.diff.noise import BYTES, RULES

    for each in RULES:
        kinds = ", ".join(each.kinds) or "any"
        yield f"{each.name:<9} {kinds:<20} {each.about}" + (", when the dice differ" if each.when else "")
    yield f"{'bytes':<9} {'datagrams, flash':<20} {BYTES}"
