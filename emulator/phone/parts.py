"""How a part of the state is made: a small attrs class with a fast, generated ``copy()``."""

from __future__ import annotations

from typing import Any, Self, TypeVar, cast, dataclass_transform

import attrs

_CONTAINERS = ("dict", "list")


class PartState:
    """Base of the parts of a phone's state."""

    __slots__ = ()

    def copy(self) -> Self:
        """A copy that shares every immutable value; :func:`part` generates it."""
        raise TypeError(f"{type(self).__name__} lacks the @part decorator")


T = TypeVar("T", bound=PartState)


@dataclass_transform(field_specifiers=(attrs.field,))
def part(cls: type[T]) -> type[T]:
    """Make ``cls`` a part: a slotted attrs class with a generated ``copy()``, because forks call it often.

    Fields annotated ``dict[...]`` or ``list[...]`` are copied one level deep, fields marked
    ``metadata={"copy": True}`` by their own ``copy()``; everything else is immutable and shared.
    """
    made = cast(Any, attrs.define(cls))
    terms = []
    for field in attrs.fields(made):
        kind = str(field.type).partition("[")[0]
        source = f"self.{field.name}"
        if field.metadata.get("copy"):
            source += ".copy()"
        elif kind in _CONTAINERS:
            source = f"{kind}({source})"
        terms.append(f"{field.alias}={source}")
    namespace: dict[str, Any] = {"made": made}
    exec(f"def copy(self):\n return made({', '.join(terms)})", namespace)
    made.copy = namespace["copy"]
    return cast("type[T]", made)
