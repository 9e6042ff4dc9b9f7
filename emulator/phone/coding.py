"""Content codings of HTTP bodies (RFC 9110 s.8.4): a phone that asks for none still gets them from careless servers."""

from __future__ import annotations

import zlib
from functools import lru_cache
from typing import NamedTuple

CODED, FALSE = "content-coding", "false-content-coding"
"""Tolerances: a body that was compressed unasked, and one that is said to be and is not."""
_WINDOWS = {"gzip": 31, "x-gzip": 31, "deflate": 15}
_STARTS = {"gzip": b"\x1f\x8b", "x-gzip": b"\x1f\x8b", "deflate": b"\x78"}


class Plain(NamedTuple):
    """A body without its coding. tolerance: what had to be borne; fault: fixed code if it cannot be read, "" if it is.

    Faults: ``content-coding`` (unknown, several, or damaged), ``too-large`` (longer than the limit when unpacked).
    """

    body: bytes
    tolerance: str = ""
    fault: str = ""


# Both the fact and what is decided on it need the body: pure, of small bodies, and few of them.
@lru_cache(maxsize=8)
def plain(body: bytes, coding: str, limit: int) -> Plain:
    """``body`` unpacked, if ``coding``, the header of the answer, says so. limit: bytes; no more is ever unpacked."""
    name = coding.strip().lower()
    if name in ("", "identity"):
        return Plain(body)
    if name not in _WINDOWS:
        return Plain(body, "", CODED)
    if not body.startswith(_STARTS[name]):
        return Plain(body, FALSE)
    unpacking = zlib.decompressobj(_WINDOWS[name])
    try:
        found = unpacking.decompress(body, limit + 1)
    except zlib.error:
        return Plain(body, "", CODED)
    if len(found) > limit:
        return Plain(body, "", "too-large")
    return Plain(found, CODED) if unpacking.eof else Plain(body, "", CODED)
