"""Copies of what verdicts remember, so that several stories can go on from one point."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

CONTAINERS = frozenset((dict, list, set, Counter))
PLAIN = frozenset((str, int, bool, bytes, tuple, frozenset, type(None)))


def copied(value: Any) -> Any:
    """What is remembered: containers are copied, what can fork is forked, and all else never changes."""
    kind = type(value)
    if kind in PLAIN:
        return value
    if kind is dict:
        return {key: copied(each) for key, each in value.items()}
    if kind is list:
        return [copied(each) for each in value]
    if kind is set or kind is Counter:
        return value.copy()
    fork = getattr(value, "fork", None)
    return value if fork is None else fork()


class Memory(NamedTuple):
    """The attributes of an object at some moment. same: what never changes; flat, deep: (name, value) of containers of
    what never changes, and of all others."""

    same: dict[str, Any]
    flat: tuple[tuple[str, Any], ...]
    deep: tuple[tuple[str, Any], ...]

    def copy(self) -> dict[str, Any]:
        """The attributes of another that remembers the same."""
        made = self.same.copy()
        for name, value in self.flat:
            made[name] = value.copy()
        for name, value in self.deep:
            made[name] = copied(value)
        return made


def memory(values: Mapping[str, Any], *but: str) -> Memory:
    """The attributes of an object, but for some."""
    left = {name: value for name, value in values.items() if name not in but}
    own = {name: value for name, value in left.items() if changing(value)}
    flat = {name: value for name, value in own.items() if is_flat(value)}
    return Memory(
        {name: value for name, value in left.items() if name not in own},
        tuple(flat.items()),
        tuple((name, value) for name, value in own.items() if name not in flat),
    )


def changing(value: Any) -> bool:
    """Whether a value can become another one while it is remembered."""
    kind = type(value)
    return kind in CONTAINERS or (kind not in PLAIN and hasattr(value, "fork"))


def is_flat(value: Any) -> bool:
    """Whether a copy of a container needs no copies of what is in it."""
    kind = type(value)
    return kind in CONTAINERS and not any(map(changing, value.values() if kind in (dict, Counter) else value))
