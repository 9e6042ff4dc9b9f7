"""What a run says about itself besides its events."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from pathlib import Path

import msgspec
from attrs import field, frozen

SCHEMA = 1
"""Version of the event vocabulary and of the chain."""
MOST_PHONES = 100_000
"""Phones that one run can have."""


@frozen
class Header:
    """Who ran what. code: digest of the source code; world: ``simulated`` ...; until: ns."""

    name: str
    title: str
    world: str
    seed: int
    phones: int
    until: int
    firmware: str
    version: str
    options: dict[str, str | bool | int] = field(factory=dict)
    code: str = ""
    schema: int = SCHEMA


_ENCODE = msgspec.json.Encoder(order="deterministic").encode
_DECODE = msgspec.json.Decoder(Header).decode


def encode(header: Header) -> str:
    """The header as JSON."""
    return _ENCODE(header).decode()


def decode(text: str) -> Header:
    """The header in ``text``. Raises ValueError."""
    try:
        header = _DECODE(text)
    except (msgspec.MsgspecError, TypeError, UnicodeError, RecursionError) as error:
        raise ValueError(f"bad run header ({type(error).__name__})") from None
    if not 0 <= header.phones <= MOST_PHONES:
        raise ValueError("bad run header (number of phones)")
    return header


@lru_cache(maxsize=1)
def code_digest() -> str:
    """SHA-256, in hex, over the source files that decide what a run does, and their names."""
    root = Path(__file__).resolve().parents[2]
    total = sha256()
    for folder in ("emulator", "flash_image"):
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in (".py", ".csv"):
                total.update(f"{path.relative_to(root).as_posix()}\n".encode())
                total.update(path.read_bytes())
    return total.hexdigest()


def seal(header: Header, parent_link: bytes, events: int, digest: str, outcome: str = "", created: str = "") -> str:
    """What a finished run is sealed with: SHA-256 over all that it says, where it starts, its length and its digest."""
    said = _ENCODE((header, outcome, created)).decode()
    return sha256(f"{said}\n{parent_link.hex()}\n{events}\n{digest}".encode()).hexdigest()
