"""Scenarios back into TOML: what :mod:`emulator.world.toml` reads as an equal scenario, with what is usual left out.

Findings, forks and cases of customers become scenario files in this way.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import attrs

from emulator.events import SECOND
from emulator.events.civil import DAY, date_of
from emulator.world.scenario import Chance, Duration, Instant, Scenario

_BARE = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_UNITS = ((60 * SECOND, "min"), (SECOND, "s"), (10**6, "ms"), (10**3, "us"), (1, "ns"))


def scenario_text(scenario: Scenario) -> str:
    """``scenario`` as TOML. The files that it names are not in it (:func:`write_scenario`)."""
    return toml_text(_values(scenario))


def toml_text(tables: Mapping[str, Any]) -> str:
    """Tables of plain values as TOML."""
    return "\n".join(_table(tables, ())).strip() + "\n"


def write_scenario(scenario: Scenario, path: Path) -> None:
    """Write ``scenario`` and, beside it, the files that it names. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for name, body in scenario.content.items():
        file = path.parent / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body)
    path.write_text(scenario_text(scenario), encoding="utf-8")


# --- From classes to plain values -----------------------------------------------------------------------------------


def _values(spec: Any) -> dict[str, Any]:
    """What of an attrs object is not usual, in plain values."""
    cls: Any = type(spec)
    kinds = _kinds(cls)
    found = {}
    for field in attrs.fields(cls):
        value = getattr(spec, field.name)
        if field.name != "content" and value is not None and value != _usual(field):
            found[field.name] = _plain(value, kinds[field.name])
    return found


@lru_cache(maxsize=64)
def _kinds(cls: Any) -> dict[str, Any]:
    return get_type_hints(cls)


def _usual(field: attrs.Attribute[Any]) -> Any:
    make = getattr(field.default, "factory", None)
    return field.default if make is None else make()


def _plain(value: Any, kind: Any) -> Any:
    if get_origin(kind) in (Union, UnionType):
        kind = next((one for one in get_args(kind) if one in _TEXTS), None)
    if kind in _TEXTS:
        return _TEXTS[kind](value)
    if attrs.has(type(value)):
        return _values(value)
    if isinstance(value, Mapping):
        inner = get_args(kind)[1] if get_origin(kind) else None
        return {key: _plain(one, inner) for key, one in value.items()}
    if isinstance(value, tuple):
        return [_plain(one, (get_args(kind) or (None,))[0]) for one in value]
    return value


def duration_text(ns: int) -> str:
    """``ns`` as a time of a scenario, to the nanosecond; beyond 30 years, as near as nine decimals of a day are."""
    for size, name in _UNITS:
        if ns % size == 0 and ns // size < 10**9:
            return f"{ns // size}{name}"
    if ns < 10**9 * SECOND:
        return f"{ns // SECOND}.{ns % SECOND:09d}s"
    whole, rest = divmod(ns, DAY)
    return f"{whole}.{rest * 10**9 // DAY:09d}d"


def _chance_text(ppm: int) -> str:
    return f"{ppm // 10_000}.{ppm % 10_000:04d}%"


def _instant_text(ns: int) -> str:
    days, rest = divmod(ns, DAY)
    seconds, fraction = divmod(rest, SECOND)
    year, month, day = date_of(days)
    clock = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{year:04d}-{month:02d}-{day:02d}T{clock}" + (f".{fraction:09d}" if fraction else "") + "Z"


_TEXTS: Mapping[Any, Any] = {Duration: duration_text, Chance: _chance_text, Instant: _instant_text}


# --- From plain values to TOML --------------------------------------------------------------------------------------


def _table(values: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    """The lines of a table: its own keys, then the tables in it."""
    inner = {key: value for key, value in values.items() if _is_table(value)}
    for key, value in values.items():
        if key not in inner:
            yield f"{_key(key)} = {_value(value)}"
    for key, value in inner.items():
        where = (*path, key)
        name = ".".join(map(_key, where))
        for one in value if isinstance(value, list) else [value]:
            yield ""
            yield f"[[{name}]]" if isinstance(value, list) else f"[{name}]"
            yield from _table(one, where)


def _is_table(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and bool(value) and isinstance(value[0], dict))


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _text(key)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return str(value)


def _text(text: str) -> str:
    """A basic string. JSON writes all but one of the characters that TOML wants escaped."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
