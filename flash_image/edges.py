"""Where fields begin in what is being written: the places in which a power cut is most likely to find a weak spot."""

from collections.abc import Iterator, Sequence
from typing import Final

from flash_image.chip import Op, Program

_FIELDS: Final[dict[bytes, tuple[int, ...]]] = {
    b"KXPT": (4, 5, 6, 8, 12, 16),
    b"KXFD": (4, 5, 8, 20, 36, 60, 64),
    b"KXJB": (4, 5, 8, 12, 16, 20, 21),
    b"KXJR": (4, 5, 6, 8, 12, 16, 20, 24),
    b"KXLP": (4, 5, 6, 8, 12),
    b"KXFW": (4, 5, 6, 8, 12, 28, 36, 68, 72),
    b"KXBE": (4, 5, 6, 7, 8, 12, 44, 48),
}
"""Magic to the offsets of the fields that follow it, as in the README."""
_RECORD, _LOG_PAGE = b"KXJR", b"KXLP"


def field_edges(ops: Sequence[Op]) -> list[frozenset[int]]:
    """For each of `ops`, which follow each other, the offsets in its data where a field of the format begins.

    A record that is programmed page by page is followed through its pages. Operations that write something else, and
    erasures, have none.
    """
    found: list[set[int]] = [set() for _ in ops]
    for index, op in enumerate(ops):
        if isinstance(op, Program) and op.data[:4] in _FIELDS:
            body = b"".join(part.data for part in _following(ops, index))
            _place(ops, index, sorted(set(_edges(body))), found)
    return [frozenset(edges) for edges in found]


def _following(ops: Sequence[Op], index: int) -> Iterator[Program]:
    """The operation at `index` and those that go on right behind it."""
    end = None
    for op in ops[index:]:
        if not isinstance(op, Program) or (end is not None and op.address != end):
            return
        yield op
        end = op.address + len(op.data)


def _place(ops: Sequence[Op], index: int, edges: Sequence[int], found: list[set[int]]) -> None:
    start = 0
    for at, op in enumerate(_following(ops, index), index):
        found[at].update(edge - start for edge in edges if 0 < edge - start < len(op.data))
        start += len(op.data)


def _edges(body: bytes) -> Iterator[int]:
    yield from _FIELDS[body[:4]]
    if body[:4] == _RECORD:
        yield from _record_edges(body)
    elif body[:4] == _LOG_PAGE:
        yield from _line_edges(body)


def _record_edges(body: bytes) -> Iterator[int]:
    start = 24 if body[4:5] == b"\x01" else 28
    end = start + int.from_bytes(body[20:24], "little")
    at = start
    for _ in range(int.from_bytes(body[6:8], "little")):
        if at + 4 > min(end, len(body)):
            break
        key, value = body[at + 1], int.from_bytes(body[at + 2 : at + 4], "little")
        yield from (at, at + 1, at + 2, at + 4, at + 4 + key)
        at += 4 + key + value
    yield from (start, end, end + 4, end + 5)


def _line_edges(body: bytes) -> Iterator[int]:
    end = 12 + int.from_bytes(body[6:8], "little")
    at = 12
    while at + 12 <= min(end, len(body)):
        yield from (at, at + 8, at + 9, at + 10, at + 11, at + 12)
        at += 12 + body[at + 10] + body[at + 11]
    yield from (end, end + 4)
