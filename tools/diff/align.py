"""Aligning two sequences of tokens: which of one belongs to which of the other, in order.

A greedy search for the shortest edit script (Myers, 1986) as long as the sequences are alike; when they are not, the
first, second ... occurrence of a token is taken for that of the other sequence, as far as that keeps the order.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Hashable, Sequence

MOST_EDITS = 1_500
"""Tokens left over in both sequences together up to which the shortest script is looked for."""

Pairs = list[tuple[int, int]]


def aligned(a: Sequence[Hashable], b: Sequence[Hashable]) -> Pairs:
    """Index pairs of ``a`` and ``b`` that belong together, ascending in both."""
    head = 0
    end = min(len(a), len(b))
    while head < end and a[head] == b[head]:
        head += 1
    tail = 0
    while tail < end - head and a[-1 - tail] == b[-1 - tail]:
        tail += 1
    first, second = a[head : len(a) - tail], b[head : len(b) - tail]
    middle = shortest(first, second)
    if middle is None:
        middle = by_occurrence(first, second)
    pairs = [(i, i) for i in range(head)]
    pairs += [(i + head, j + head) for i, j in middle]
    pairs += [(len(a) - n, len(b) - n) for n in range(tail, 0, -1)]
    return pairs


def shortest(a: Sequence[Hashable], b: Sequence[Hashable], most: int = MOST_EDITS) -> Pairs | None:
    """The pairs of a shortest edit script; None if it has more than ``most`` edits."""
    if abs(len(a) - len(b)) > most:
        return None
    if not a or not b:
        return []
    rounds: list[array[int]] = []
    for edits in range(min(most, len(a) + len(b)) + 1):
        before = rounds[-1] if rounds else array("l")
        reached = array("l", bytes(before.itemsize * (edits + 1)))
        for i in range(edits + 1):
            x = _start(before, i, edits)
            y = x - (2 * i - edits)
            while x < len(a) and y < len(b) and a[x] == b[y]:
                x += 1
                y += 1
            if x >= len(a) and y >= len(b):
                return _walked_back(rounds, len(a), len(b))
            reached[i] = x
        rounds.append(reached)
    return None


def _start(before: array[int], i: int, edits: int) -> int:
    """Where the ``i``-th diagonal of a round starts in ``a``, from the ends of the round before."""
    if not edits:
        return 0
    return before[i] if _is_down(before, i, edits) else before[i - 1] + 1


def _is_down(before: array[int], i: int, edits: int) -> bool:
    """Whether a diagonal is reached from the one above (an element of ``b`` is left over)."""
    return i == 0 or (i != edits and before[i - 1] < before[i])


def _walked_back(rounds: list[array[int]], x: int, y: int) -> Pairs:
    """The matches on the way to (x, y). rounds: the furthest ends of every round before."""
    pairs: Pairs = []
    for edits in range(len(rounds), 0, -1):
        before = rounds[edits - 1]
        i = (x - y + edits) // 2
        start = _start(before, i, edits)
        while x > start:
            x, y = x - 1, y - 1
            pairs.append((x, y))
        x, y = (x, y - 1) if _is_down(before, i, edits) else (x - 1, y)
    while x > 0:
        x, y = x - 1, y - 1
        pairs.append((x, y))
    return pairs[::-1]


def by_occurrence(a: Sequence[Hashable], b: Sequence[Hashable]) -> Pairs:
    """Pairs of equal occurrences of equal tokens, the most of them that are ascending in both."""
    places: dict[tuple[Hashable, int], int] = dict(zip(_occurrences(b), range(len(b)), strict=True))
    found = [(i, places[each]) for i, each in enumerate(_occurrences(a)) if each in places]
    return _ascending(found)


def _occurrences(tokens: Sequence[Hashable]) -> list[tuple[Hashable, int]]:
    counts: dict[Hashable, int] = {}
    found = []
    for each in tokens:
        counts[each] = counts.get(each, 0) + 1
        found.append((each, counts[each]))
    return found


def _ascending(pairs: Pairs) -> Pairs:
    """The longest part of ``pairs``, ascending in the first, that is ascending in the second too."""
    tails: list[int] = []
    at: list[int] = []
    before: list[int] = []
    for index, (_, j) in enumerate(pairs):
        place = bisect_left(tails, j)
        before.append(at[place - 1] if place else -1)
        tails[place : place + 1] = [j]
        at[place : place + 1] = [index]
    chosen: Pairs = []
    index = at[-1] if at else -1
    while index >= 0:
        chosen.append(pairs[index])
        index = before[index]
    return chosen[::-1]
