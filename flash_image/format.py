"""How what a phone keeps is written on its chip, as one value: a firmware can have one of its functions replaced."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias

from flash_image import journal, logring, settling, slots
from flash_image.chip import Chip, Op
from flash_image.journal import Mounted
from flash_image.logring import LogEnd, LogLine
from flash_image.slots import Choice, Environment

Bodies: TypeAlias = Mapping[str, bytes | None]


class Format:
    """The functions through which a phone reads and writes its chip; those of this package have the same names."""

    mount: Callable[[Chip], Mounted]
    plan: Callable[[Chip, Mounted, Bodies, Bodies, bool], tuple[Op, ...]]
    wipe: Callable[[Chip, Mounted], tuple[Op, ...]]
    settle: Callable[[Chip, Mounted], tuple[Op, ...]]
    read_environment: Callable[[Chip], Environment]
    plan_choice: Callable[[Chip, Choice], tuple[Op, ...]]
    plan_block: Callable[[Chip, str, bytes, int], tuple[tuple[Op, ...], int]]
    settle_environment: Callable[[Chip, Environment], tuple[Op, ...]]
    plan_log: Callable[[Chip, Iterable[LogLine], LogEnd | None], tuple[tuple[Op, ...], LogEnd | None]]

    __slots__ = tuple(__annotations__)

    def __init__(self, **functions: Callable[..., Any]) -> None:
        for name in self.__slots__:
            setattr(self, name, functions.pop(name))
        if functions:
            raise TypeError(f"a format has no function {sorted(functions)[0]}")

    def replacing(self, **functions: Callable[..., Any]) -> "Format":
        """A format in which these functions stand for those of the same names. Raises TypeError for an unknown name."""
        return Format(**{**{name: getattr(self, name) for name in self.__slots__}, **functions})


FORMAT: Final = Format(
    mount=journal.mount,
    plan=journal.plan,
    wipe=journal.wipe,
    settle=settling.settle,
    read_environment=slots.read_environment,
    plan_choice=slots.plan_choice,
    plan_block=slots.plan_block,
    settle_environment=settling.settle_environment,
    plan_log=logring.plan_log,
)
"""The format of this package."""
