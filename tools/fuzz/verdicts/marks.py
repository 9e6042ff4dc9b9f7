"""Which events a method wants: :func:`on` marks it, :func:`handlers_of` collects the marks of a class."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from emulator.events import Event

_KINDS = "wanted_kinds"
F = TypeVar("F", bound=Callable[..., None])


def on(*kinds: type[Event]) -> Callable[[F], F]:
    """The method takes (entry, event) for each event of these kinds."""

    def mark(function: F) -> F:
        setattr(function, _KINDS, kinds)
        return function

    return mark


def handlers_of(cls: type[Any]) -> Mapping[type[Event], tuple[Callable[..., None], ...]]:
    """The marked methods of a class, by event type, in the order in which they stand there."""
    found: dict[type[Event], tuple[Callable[..., None], ...]] = {}
    for base in reversed(cls.__mro__):
        for function in vars(base).values():
            for kind in getattr(function, _KINDS, ()):
                found[kind] = (*found.get(kind, ()), function)
    return found
