"""``diff``: two runs, compared by what they mean, with every difference under its cause."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from attrs import evolve

from emulator.events import VOCABULARY, Entry, Role, TimerSet
from emulator.log.header import Header
from emulator.log.progress import Progress, counted, no_progress
from tools.diff import sentences
from tools.diff.causes import FIRMWARE, Tracing
from tools.diff.comparing import NEAR, Comparison, Side
from tools.diff.model import Cause, Change, Diff, Difference
from tools.diff.noise import RULES, Noise, Rule, added
from tools.locate import DATABASE, Located, located

__all__ = ["TOLERANCE", "Cause", "Change", "Diff", "Difference", "diff", "first_divergence"]

TOLERANCE = 50_000_000
"""By how much an answer may be slower or quicker without being a difference (ns)."""


def diff(
    a: str,
    b: str,
    *,
    db: str | Path = DATABASE,
    db_b: str | Path | None = None,
    noise: Sequence[str] = (),
    tolerance: int = TOLERANCE,
    progress: Progress = no_progress,
) -> Diff:
    """Compare two runs, up to N for ``RUN@N``.

    db_b: where B is, if not in ``db``; noise: rules added to :data:`~tools.diff.noise.RULES`; tolerance: ns by which an
    answer may come later or earlier. Raises LogError.
    """
    with ExitStack() as stack:
        first = stack.enter_context(located(a, db))
        second = stack.enter_context(located(b, db if db_b is None else db_b))
        return compared(first, second, (*RULES, *added(noise)), tolerance, progress)


def compared(
    a: Located,
    b: Located,
    rules: Sequence[Rule] = RULES,
    tolerance: int = TOLERANCE,
    progress: Progress = no_progress,
) -> Diff:
    """:func:`diff` of runs that were found."""
    shared = first_divergence(a, b) - 1
    rows = side(a, shared, progress), side(b, shared, progress)
    return judged(a, b, shared, Comparison(*rows, Noise(tuple(rules), dice=dice(a) != dice(b)), tolerance))


def first_divergence(a: Located, b: Located) -> int:
    """The number of the first event that is not the same, to the byte, in both runs; one more than the shorter run has
    if there is none. Found by bisecting the chain: link n stands for everything up to n."""
    most = min(last(a), last(b))

    def differs(n: int) -> bool:
        return a.store.link(a.info.id, n) != b.store.link(b.info.id, n)

    return bisect_left(range(1, most + 1), True, key=differs) + 1


def last(found: Located) -> int:
    """The number of the last event that counts."""
    return found.event() if found.info.events else 0


def side(found: Located, shared: int, progress: Progress) -> Side:
    """What a run has from the first event on that is not shared."""
    run, store = found.info.id, found.store
    rows = list(counted(store.rows(run, shared, last(found)), progress))
    return Side(rows, store.decoder(), lambda n: next(store.rows(run, n - 1, n), None))


def dice(found: Located) -> list[str]:
    """The entropy that the phones of a run got first."""
    sql = "SELECT data FROM run_events WHERE run = ? AND kind = 'PowerOn' AND n < 1000 ORDER BY n LIMIT 1"
    return [data for (data,) in found.store.ask(sql, (found.info.id,))]


def judged(
    a: Located, b: Located, shared: int, comparison: Comparison, names: sentences.Names = sentences.RUNS
) -> Diff:
    """Every difference under its cause. names: of the two sides, in sentences."""
    comparison.run()
    made = unlike_firmware(a.info.header, b.info.header)
    roots = Tracing(comparison, made).run()
    order = list(dict.fromkeys(roots))
    count = Counter(roots)
    headers = a.info.header, b.info.header
    causes = [cause(comparison, root, count[root], headers, names) for root in order]
    found = [evolve(each, cause=order.index(root)) for each, root in zip(comparison.found, roots, strict=True)]
    pairs = tuple(sorted(comparison.pairs.items()))
    return Diff(a.info, b.info, shared, pairs, tuple(found), tuple(causes), dict(comparison.noise.masked))


def unlike_firmware(a: Header, b: Header) -> bool:
    """Whether the phones of two runs are not of the same make."""
    return (a.version, a.options) != (b.version, b.options)


def cause(
    comparison: Comparison, root: int, count: int, headers: tuple[Header, Header], names: sentences.Names
) -> Cause:
    """A cause, told."""
    if root == FIRMWARE:
        return Cause(sentences.firmware(*headers), None, None, count, root)
    difference = comparison.found[root]
    order = comparison.b.order(difference.b) or comparison.a.order(difference.a)
    if order is not None and isinstance(order.event, TimerSet):
        order = question(comparison, order, difference.b is not None) or order
    first, second = (None if entry is None else entry.n for entry in (difference.a, difference.b))
    return Cause(sentences.sentence(difference, order, names), first, second, count, root)


def question(comparison: Comparison, timer: Entry, in_b: bool) -> Entry | None:
    """What a phone had sent or asked for when it set a timer; None if it had not."""
    one = comparison.b if in_b else comparison.a
    for n in range(timer.n - 1, max(0, timer.n - NEAR), -1):
        row = one.row(n) or one.earlier(n)
        if row is None or (row.phone == timer.phone and row.n == timer.cause):
            return None
        if row.cause == timer.cause and VOCABULARY[row.kind].role is Role.ORDER and row.kind != "TimerSet":
            return one.entry(row)
    return None
