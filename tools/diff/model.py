"""What a comparison of two runs found: values, and nothing that prints or reads."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from attrs import field, frozen

from emulator.events import Entry
from emulator.log.store import RunInfo


@frozen
class Change:
    """In what two aligned events differ. name: of the field, or of a part of it (``dhcp.160``); a, b: as text, None for
    absent."""

    name: str
    a: str | None
    b: str | None


def nothing() -> tuple[Change, ...]:
    """No changes."""
    return ()


@frozen
class Difference:
    """One difference between two runs.

    what: ``missing`` (only A has it), ``extra`` (only B has it), ``changed`` (another value), ``earlier`` or ``later``
    (in B, by more than the tolerance) or ``reordered``; a, b: the event in each run, where it is there; cause: index of
    its cause in :attr:`Diff.causes`; shift: how much later B is (ns), 0 if it is not timed; tell: finds the changes,
    which takes longer than finding that there are some.
    """

    what: str
    a: Entry | None
    b: Entry | None
    cause: int = 0
    shift: int = 0
    tell: Callable[[], tuple[Change, ...]] = field(default=nothing, eq=False, repr=False)

    @cached_property
    def changes(self) -> tuple[Change, ...]:
        """Of ``changed``: in what the two events differ."""
        return self.tell()


@frozen
class Cause:
    """What made a group of differences. text: in a sentence; a, b: number of the event in each run, where it is there;
    count: differences that it made, itself among them; first: index of the difference that it is."""

    text: str
    a: int | None
    b: int | None
    count: int
    first: int


@frozen
class Diff:
    """Two runs, compared.

    shared: events that both have from the start, to the byte; pairs: numbers of aligned events, in the order of A;
    differences: in the order of the runs; causes: the first first; masked: name of a noise rule to how often it
    masked something.
    """

    a: RunInfo
    b: RunInfo
    shared: int
    pairs: tuple[tuple[int, int], ...]
    differences: tuple[Difference, ...]
    causes: tuple[Cause, ...]
    masked: dict[str, int]

    @property
    def equal(self) -> bool:
        """Whether the runs differ in nothing but noise."""
        return not self.differences
