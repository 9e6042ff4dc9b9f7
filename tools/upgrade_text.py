"""What today's code does otherwise in stored runs, for a person and for a program."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tools.diff.sentences import CODE
from tools.diff.telling import Style, Telling
from tools.upgrading import Group, Upgrade

GROUPS = 20
"""Changes that are told."""
RUNS = 12
"""Runs that are named of a change."""
SHOWN = 8
"""Lines of the example."""


def upgrade_lines(found: Upgrade, style: Style, width: int) -> Iterator[str]:
    """How many runs are as they were, and each change with an example."""
    same = sum(run.diff is None for run in found.runs)
    runs = "1 run" if len(found.runs) == 1 else f"{len(found.runs):,} runs"
    yield f"{runs} replayed: {same:,} {style('identical', 'right')}" + rest(found, style)
    for number, group in enumerate(found.groups[:GROUPS], 1):
        state = style("accepted", "right") if group.accepted else style("not accepted", "wrong")
        yield f"{number}. {style(group.text, 'input')}: {named(group.runs)} ({state})"
        if not group.accepted:
            yield from example(group, style, width)
    if len(found.groups) > GROUPS:
        yield f"and {len(found.groups) - GROUPS:,} changes more; --json tells all"


def rest(found: Upgrade, style: Style) -> str:
    """How many runs are not as they were."""
    changed = [run for run in found.runs if run.diff is not None]
    if not changed:
        return ""
    meant = sum(run.accepted for run in changed)
    parts = [f"{meant:,} {style('changed as meant', 'right')}"] if meant else []
    parts += [f"{len(changed) - meant:,} {style('changed', 'wrong')}"] if meant < len(changed) else []
    return ", " + ", ".join(parts)


def named(runs: list[int]) -> str:
    """The runs that show a change."""
    head = ", ".join(map(str, runs[:RUNS])) + (" ..." if len(runs) > RUNS else "")
    return f"run {head}" if len(runs) == 1 else f"{len(runs):,} runs ({head})"


def example(group: Group, style: Style, width: int) -> Iterator[str]:
    """What the change looks like in the first run that shows it."""
    if group.example.diff is not None and group.cause is not None:
        telling = Telling(style, width, names=CODE)
        lines = telling.of_cause(group.example.diff, group.example.diff.causes.index(group.cause))
        yield from (line for line, _ in zip(lines, range(SHOWN), strict=False))


def upgrade_json(found: Upgrade) -> dict[str, Any]:
    """The object of ``replay --all --diff --json``."""
    return {
        "runs": len(found.runs),
        "identical": sum(run.diff is None for run in found.runs),
        "as_meant": found.as_meant,
        "changes": [
            {"signature": g.signature, "text": g.text, "accepted": g.accepted, "runs": g.runs} for g in found.groups
        ],
    }
