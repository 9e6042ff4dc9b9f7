"""Scenario files: TOML in, :class:`~emulator.world.scenario.Scenario` out, or one clear line.

``"1.5s"`` is a time, ``"30%"`` a chance, ``"2026-03-29T00:58:00Z"`` a time of day. A value of the wrong type, an
unknown key or a bad value raises :class:`ScenarioError`, which names file, table, key, what was found and what is
allowed.
"""

from __future__ import annotations

import re
import tomllib
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from types import UnionType
from typing import Any, get_args

import attrs
from cattrs import ClassValidationError, Converter, IterableValidationError
from cattrs.errors import AttributeValidationNote, ForbiddenExtraKeysError, IterableValidationNote

from emulator.events import SECOND
from emulator.events.civil import DAY, date_of, days_of
from emulator.world.doubts import doubts
from emulator.world.expect import faults
from emulator.world.run import Run
from emulator.world.scenario import Chance, Duration, Instant, Scenario
from flash_image import MAX_DUMP, DumpError, JournalError, LayoutError

SIZE_LIMIT = 1_000_000
"""Longest scenario file, in bytes."""
CONTENT_LIMIT = 4_000_000
"""Longest file that a scenario's server may serve, in bytes."""
RECORD_LIMIT = 64_000_000
"""Longest exported run whose answers a scenario takes, in bytes."""
_UNITS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "min": 60 * 10**9, "h": 3600 * 10**9, "d": 86_400 * 10**9}
_TIME = re.compile(r"(\d{1,9})(?:\.(\d{1,9}))?\s*(ns|us|ms|s|min|h|d)", re.ASCII)
_INSTANT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII
)
_CHANCE = re.compile(r"(\d{1,3})(?:\.(\d{1,4}))?\s*%", re.ASCII)


class ScenarioError(ValueError):
    """A scenario that cannot be read; the text is one line for a person."""


def duration(text: str) -> Duration:
    """``"1.5s"`` in ns. Units: ns, us, ms, s, min, h, d. Raises ValueError."""
    found = _TIME.fullmatch(text.strip())
    if not found:
        raise ValueError(f'{text!r} is not a time such as "1.5s", "30min" or "2h"')
    unit = _UNITS[found[3]]
    decimals = found[2] or ""
    return Duration(int(found[1]) * unit + (int(decimals) * unit // 10 ** len(decimals) if decimals else 0))


def chance(text: str) -> Chance:
    """``"30%"`` in parts per million. Raises ValueError."""
    found = _CHANCE.fullmatch(text.strip())
    ppm = int(found[1]) * 10_000 + int((found[2] or "0").ljust(4, "0")) if found else -1
    if not 0 <= ppm <= 1_000_000:
        raise ValueError(f'{text!r} is not a chance such as "30%" or "0.5%"')
    return Chance(ppm)


def instant(text: str) -> Instant:
    """``"2026-03-29T00:58:00Z"`` (RFC 3339) in ns since 1970, for the years 1970 to 2099. Raises ValueError."""
    found = _INSTANT.fullmatch(text.strip())
    year, month, day, hour, minute, second = map(int, found.groups()[:6]) if found else (0,) * 6
    zone = int(f"{found[8]}1") * (int(found[9]) * 60 + int(found[10])) if found and found[8] else 0
    days = days_of(year, month, day) if 1 <= month <= 12 else 0
    is_time = hour < 24 and minute < 60 and second < 60 and abs(zone) < 24 * 60
    if not found or not is_time or not 1970 <= year < 2100 or date_of(days) != (year, month, day):
        raise ValueError(f'{text!r} is not a time of day such as "2026-03-29T00:58:00Z"')
    seconds = (hour * 60 + minute - zone) * 60 + second
    return Instant(days * DAY + seconds * SECOND + int((found[7] or "0").ljust(9, "0")))


def read_scenario(path: str | Path) -> Scenario:
    """Read a scenario file and the files that its servers serve. Raises ScenarioError."""
    path = Path(path)
    try:
        if path.is_dir():
            raise ScenarioError(f"{path} is a directory; name a scenario file such as {path}/first-boot.toml")
        with path.open("rb") as file:
            data = file.read(SIZE_LIMIT + 1)
    except OSError as error:
        raise ScenarioError(f"{path}: {(error.strerror or 'cannot be read').lower()}") from None
    if len(data) > SIZE_LIMIT:
        raise ScenarioError(f"{path}: longer than {SIZE_LIMIT:,} bytes, so it is no scenario")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ScenarioError(f"{path}: is not UTF-8 text, so it is no scenario") from None
    return parse_scenario(text, str(path), path.parent)


def parse_scenario(text: str, name: str, folder: Path) -> Scenario:
    """The scenario in ``text``; ``name`` stands in error messages, files are looked up in ``folder``."""
    scenario = structured(text, name)
    return checked(attrs.evolve(scenario, content=contents(scenario, name, folder)), name)


def structured(text: str, name: str) -> Scenario:
    """The tables of ``text`` as a scenario that has no files yet, and is not checked. Raises ScenarioError."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(f"{name}: is not valid TOML: {error}") from None
    except RecursionError:
        raise ScenarioError(f"{name}: is not valid TOML: nested too deeply") from None
    try:
        return _converter().structure(tables, Scenario)
    except (ClassValidationError, IterableValidationError) as error:
        raise ScenarioError(f"{name}: {explain(error)}") from None


def contents(scenario: Scenario, name: str, folder: Path) -> dict[str, bytes]:
    """Every file the scenario names, by the name it uses. Raises ScenarioError for one that is not there."""
    found: dict[str, bytes] = {}
    for server in scenario.files:
        if server.root is not None:
            top = inside(folder, server.root, name)
            if not top.is_dir():
                raise ScenarioError(f"{name}: [[files]] root: there is no directory {server.root!r} beside it")
            for path in sorted(p for p in top.rglob("*") if p.is_file()):
                served = f"{server.root.rstrip('/')}/{path.relative_to(top).as_posix()}"
                found[served] = read_content(inside(folder, served, name), name)
        for where in server.paths.values():
            if where.file is not None:
                found[where.file] = read_content(inside(folder, where.file, name), name)
    if scenario.record is not None:
        found[scenario.record] = read_content(inside(folder, scenario.record, name), name, RECORD_LIMIT)
    if scenario.phone.flash is not None:
        found[scenario.phone.flash] = read_content(inside(folder, scenario.phone.flash, name), name, MAX_DUMP)
    imported = (action.file for action in scenario.action if action.do == "import" and action.file)
    answers = (change.file for change in scenario.change if change.file)
    for file in (*scenario.phone.saved.values(), *imported, *answers):
        found[file] = read_content(inside(folder, file, name), name)
    return found


def inside(folder: Path, name: str, scenario: str) -> Path:
    """``name`` below ``folder``. A scenario from elsewhere must not read other files of this machine."""
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise ScenarioError(f"{scenario}: {name!r} is not beside the scenario; only files below its folder are served")
    return path


def read_content(path: Path, scenario: str, limit: int = CONTENT_LIMIT) -> bytes:
    """A file that the scenario names, of at most ``limit`` bytes. Raises ScenarioError."""
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise ScenarioError(f"{scenario}: file {path.name}: {(error.strerror or 'unreadable').lower()}") from None
    if len(data) > limit:
        raise ScenarioError(f"{scenario}: file {path.name} is longer than {limit:,} bytes")
    return data


@lru_cache(maxsize=1)
def _converter() -> Converter:
    converter = Converter(forbid_extra_keys=True)
    for wanted in (str, int, bool):
        converter.register_structure_hook(wanted, _strict(wanted))
    converter.register_structure_hook_func(lambda t: t is Duration, lambda value, _: duration(_text(value)))
    converter.register_structure_hook_func(lambda t: t is Chance, lambda value, _: chance(_text(value)))
    converter.register_structure_hook_func(lambda t: t is Instant, lambda value, _: instant(_text(value)))
    converter.register_structure_hook_func(_is_plain_union, _one_of)
    converter.register_structure_hook(bytes, lambda value, _: b"")
    return converter


_NAMES = {str: "text in quotes", int: "a whole number", bool: "true or false", list: "a list", dict: "a table"}


def _strict(wanted: type) -> Any:
    def structure(value: object, _: object) -> object:
        if type(value) is not wanted:
            raise TypeError(f"found {_shown(value)}, want {_NAMES[wanted]}")
        return value

    return structure


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f'found {_shown(value)}, want text such as "1.5s" or "30%"')
    return value


def _is_plain_union(kind: Any) -> bool:
    return isinstance(kind, UnionType) and set(get_args(kind)) <= {str, int, bool}


def _one_of(value: object, kind: Any) -> object:
    if type(value) not in get_args(kind):
        raise TypeError(f"found {_shown(value)}, want {' or '.join(_NAMES[t] for t in get_args(kind))}")
    return value


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def explain(error: BaseException, where: str = "") -> str:
    """The first thing that is wrong, as ``[table] key: what``."""
    if isinstance(error, ForbiddenExtraKeysError):
        return _unknown_key(error, where)
    if isinstance(error, ClassValidationError | IterableValidationError):
        inner = error.exceptions[0]
        for note in getattr(inner, "__notes__", ()):
            if isinstance(note, AttributeValidationNote):
                where = f"{where}.{note.name}" if where else note.name
            elif isinstance(note, IterableValidationNote):
                where = f"{where}[{note.index}]"
        return explain(inner, where)
    return f"{where}: {_reason(error)}" if where else _reason(error)


def _unknown_key(error: ForbiddenExtraKeysError, where: str) -> str:
    key = sorted(error.extra_fields)[0]
    known = [field.name for field in attrs.fields(error.cl) if field.name != "content"]
    near = get_close_matches(key, known, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(known)}"
    return f"{where + ': ' if where else ''}unknown key {key!r}; {hint}"


def _reason(error: BaseException) -> str:
    if isinstance(error, KeyError):
        return f"key {error.args[0]!r} is missing"
    if len(error.args) > 2 and isinstance(error.args[1], attrs.Attribute):
        return _refused_value(error.args[1].name, error.args[2], error.args[-1])
    text = str(error.args[0]) if error.args else type(error).__name__
    text = text.split("\n", 1)[0]
    if "is not iterable" in text or "has no attribute" in text or "not subscriptable" in text:
        return "a table or a list is wanted here"
    return text if len(text) <= 200 else text[:197] + "..."


def _refused_value(name: str, allowed: Any, found: object) -> str:
    """What an attrs validator refused: ``allowed`` is its list or its pattern."""
    if isinstance(allowed, re.Pattern):
        return f"{name}: found {_shown(found)}, want the form {allowed.pattern}"
    return f"{name}: found {_shown(found)}, want one of {', '.join(map(str, allowed))}"


def checked(scenario: Scenario, name: str) -> Scenario:
    """``scenario`` if what it says can be simulated. Raises ScenarioError for what only a closer look finds."""
    for line in (*faults(scenario), *doubts(scenario)):
        raise ScenarioError(f"{name}: {line}")
    try:
        Run(scenario)
    except TypeError as error:
        unknown = str(error).rpartition(" ")[2]
        raise ScenarioError(f"{name}: phone.options: unknown option {unknown}") from None
    except DumpError as error:
        raise ScenarioError(f"{name}: phone.flash: {scenario.phone.flash} is no flash image: {error.reason}") from None
    except (LayoutError, JournalError) as error:
        raise ScenarioError(f"{name}: phone: its flash cannot be made: {error.reason}") from None
    except ValueError as error:
        raise ScenarioError(f"{name}: {_reason(error)}") from None
    return scenario
