"""What ``build`` reads: the content of a chip written down, in TOML or as the JSON of ``inspect --json --secrets``.

Every class is one table of such a file. A value of the wrong type or an unknown key is one clear line.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from types import UnionType
from typing import TypeVar, get_args

from attrs import field, frozen
from attrs.validators import and_, ge, in_, le, matches_re, optional
from cattrs import ClassValidationError, Converter, IterableValidationError

from emulator.events.masking import printable
from emulator.world.toml import SIZE_LIMIT, explain
from flash_image import MAX_DUMP
from tools.flash.files import FlashError, read_bytes

STATES = ("confirmed", "trial", "rolled-back")
"""Of a boot choice, by their numbers on the chip."""
_BYTE = and_(ge(0), le(255))
_WORD = and_(ge(0), le(0xFFFF_FFFF))
T = TypeVar("T")


@frozen
class GeometrySpec:
    """The sizes of the chip, a sector and a page, in bytes."""

    size: int = 8 * 1024 * 1024
    sector: int = 4096
    page: int = 256


@frozen
class StoredSpec:
    """A provisioned value with the attributes that came with it."""

    value: str
    perm: str = ""
    access: str = ""


@frozen
class BodySpec:
    """A file by its name, or its bytes."""

    file: str | None = None
    base64: str | None = None


@frozen
class SlotSpec:
    """A firmware slot: an image by the name of its file or its bytes, or (``version``) one that is made on the fly.

    model: of the phones that it is for, default this one; size: bytes of its payload; hangs: it does not come up.
    """

    file: str | None = None
    base64: str | None = None
    version: str | None = field(default=None, validator=optional(matches_re(r"[0-9]{2}\.[0-9]{3}")))
    model: str | None = field(default=None, validator=optional(matches_re("[ -~]{1,16}")))
    size: int = field(default=20_000, validator=and_(ge(0), le(4_000_000)))
    hangs: bool = False


@frozen
class SlotsSpec:
    """What is in the two slots."""

    a: SlotSpec | None = None
    b: SlotSpec | None = None


@frozen
class BootSpec:
    """Which firmware is started. slot: ``A``, ``B``, or "" for the one that the phone came with; tries: starts on trial
    so far; order: 64 hex digits that name what ordered it."""

    slot: str = field(default="", validator=in_(("A", "B", "")))
    state: str = field(default="confirmed", validator=in_(STATES))
    tries: int = field(default=0, validator=_BYTE)
    order: str = field(default="0" * 64, validator=matches_re("[0-9a-f]{64}"))


@frozen
class LineSpec:
    """A line of the phone's log. time: ``"2026-03-29T00:58:00Z"``, or ``"1.5s"`` since the power came on; or ns, with
    ``utc`` since 1970."""

    time: int | str
    utc: bool = False
    severity: int = field(default=6, validator=and_(ge(0), le(7)))
    tag: str = ""
    text: str = ""


@frozen
class ImageSpec:
    """All that is on a chip. mac, model, serial: those of a scenario's phone if left out."""

    mac: str | None = None
    model: str | None = None
    serial: str | None = None
    format: int = field(default=2, validator=in_((1, 2)))
    last_url: str | None = None
    geometry: GeometrySpec = GeometrySpec()
    provisioned: Mapping[str, str | StoredSpec] = field(factory=dict)
    user: Mapping[str, str] = field(factory=dict)
    files: Mapping[str, str | BodySpec] = field(factory=dict)
    boot: BootSpec | None = None
    firmware: SlotsSpec = SlotsSpec()
    log: tuple[LineSpec, ...] = ()


@frozen
class LimitSpec:
    """How many erasures a sector lasts, and what it does then."""

    erasures: int
    behaviour: str


@frozen
class FaultsSpec:
    """What is wrong with the cells: byte address to mask, sector (-1: all others) to limit."""

    turn: int = field(default=0, validator=_WORD)
    flips: Mapping[str, int] = field(factory=dict)
    unstable: Mapping[str, int] = field(factory=dict)
    limits: Mapping[str, LimitSpec] = field(factory=dict)


@frozen
class RawSpec:
    """A chip byte by byte. wear: sector to erasures; pages: byte address to bytes in base64; others are blank."""

    geometry: GeometrySpec
    wear: Mapping[str, int] = field(factory=dict)
    faults: FaultsSpec | None = None
    pages: Mapping[str, str] = field(factory=dict)


@frozen
class Given:
    """What was read. raw: the chip that ``content`` is the content of, perhaps edited; None for a fresh one."""

    content: ImageSpec
    raw: RawSpec | None = None


def read_spec(name: str) -> Given:
    """The TOML or JSON file of that name, ``-`` for standard input. Raises FlashError."""
    data = read_bytes(name, MAX_DUMP)
    shown = printable(name)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FlashError(f"{shown}: is not UTF-8 text, so it says nothing of an image") from None
    if text.lstrip().startswith("{"):
        return _from_json(text, shown)
    if len(data) > SIZE_LIMIT:
        raise FlashError(f"{shown}: longer than {SIZE_LIMIT:,} bytes")
    try:
        told = tomllib.loads(text)
    except RecursionError:
        raise FlashError(f"{shown}: is not valid TOML: nested too deeply") from None
    except ValueError as error:
        # Of a number with too many digits, tomllib raises a plain ValueError.
        raise FlashError(f"{shown}: is not valid TOML: {first_line(error)}") from None
    return Given(structured(told, ImageSpec, shown))


def first_line(error: Exception) -> str:
    """What an error says, as far as it goes on one line."""
    return (str(error).splitlines() or [type(error).__name__])[0][:300]


def _from_json(text: str, name: str) -> Given:
    try:
        told = json.loads(text)
    except RecursionError:
        raise FlashError(f"{name}: is not valid JSON: nested too deeply") from None
    except ValueError as error:
        raise FlashError(f"{name}: is not valid JSON: {first_line(error)}") from None
    if told.get("secrets") is False:
        raise FlashError(f"{name}: the secrets are left out of it; make it with `inspect --json --secrets`")
    if "content" not in told:
        return Given(structured(told, ImageSpec, name))
    content = structured(told["content"], ImageSpec, f"{name}: content")
    raw = told.get("raw")
    return Given(content, None if raw is None else structured(raw, RawSpec, f"{name}: raw"))


def structured(value: object, kind: type[T], name: str) -> T:
    """``value`` as a ``kind``. Raises FlashError, which begins with ``name``."""
    if not isinstance(value, dict):
        raise FlashError(f"{name}: a table is wanted here")
    try:
        return _converter().structure(value, kind)
    except (ClassValidationError, IterableValidationError) as error:
        raise FlashError(f"{name}: {printable(explain(error))[:300]}") from None


@lru_cache(maxsize=1)
def _converter() -> Converter:
    converter = Converter(forbid_extra_keys=True)
    for plain in (str, int, bool):
        converter.register_structure_hook(plain, _strict)

    def either(value: object, kind: object) -> object:
        """Plain text, or the table that may stand in its place."""
        other = next(each for each in get_args(kind) if each is not str)
        if isinstance(value, str):
            return value
        if other is not int:
            return converter.structure(value, other)
        if type(value) is not int:
            raise TypeError('want text such as "1.5s" in quotes, or a whole number')
        return value

    converter.register_structure_hook_func(_is_either, either)
    return converter


_NAMES = {str: "text in quotes", int: "a whole number", bool: "true or false"}


def _strict(value: object, wanted: type) -> object:
    # The value itself is not told: it may be a password.
    if type(value) is not wanted:
        raise TypeError(f"want {_NAMES[wanted]}")
    return value


def _is_either(kind: object) -> bool:
    return isinstance(kind, UnionType) and str in get_args(kind) and type(None) not in get_args(kind)
