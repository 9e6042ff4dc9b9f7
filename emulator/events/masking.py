"""What people see of values: secrets hidden, times and sizes readable."""

from __future__ import annotations

import re

from emulator.events.units import SECOND

HIDDEN = "***"
_SECRET_TAG = re.compile(r"PASS|FILE_KEY\d*$")
_URL_PASSWORD = re.compile(r"((?:(?<=://)|^(?!sips?:))[^\s/?#@:]*):[^\s/?#]*(?=@)", re.MULTILINE | re.ASCII)
"""In a URL, also one without a protocol (PROV-033); as there, the password reaches to the last ``@``."""
_LOGIN = re.compile(r"((?i:authorization:\s*)|\bPASS )[^\r\n]*")
"""The credentials of an HTTP request, and the password that an FTP client sends."""
_UNITS = ((3600 * SECOND, "h"), (60 * SECOND, "min"), (SECOND, "s"), (1_000_000, "ms"), (1_000, "us"))


def is_secret(key: str) -> bool:
    """Whether the value of the parameter ``TAG`` or ``TAG/line`` must not be shown (passwords and the file key)."""
    return _SECRET_TAG.search(key.partition("/")[0]) is not None


def masked(key: str, value: str) -> str:
    """``value`` as it may be shown for parameter ``key``."""
    return HIDDEN if value and is_secret(key) else repr_text(hide_passwords(value))


def hide_passwords(text: str) -> str:
    """``text`` with the password of each URL in it replaced."""
    return _URL_PASSWORD.sub(rf"\1:{HIDDEN}", text) if "@" in text else text


def hide_login(text: str) -> str:
    """``text`` with what follows ``Authorization:`` or ``PASS`` in each line replaced."""
    return _LOGIN.sub(rf"\1{HIDDEN}", text)


def star_passwords(data: bytes) -> bytes:
    """:func:`hide_passwords` for bytes whose length must stay, because something beside them counts it."""

    def stars(found: re.Match[str]) -> str:
        hidden = found[0][len(found[1]) + 1 :]
        return f"{found[1]}:{'*' * len(hidden.encode('utf-8', 'surrogateescape'))}"

    return _URL_PASSWORD.sub(stars, data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def repr_text(text: str) -> str:
    """``text`` in double quotes on one line, control characters escaped."""
    return '"' + printable(text).replace('"', '\\"') + '"'


def printable(text: str) -> str:
    """``text`` with everything that could move a terminal's cursor escaped as ``\\xNN`` or ``\\uNNNN``."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def duration(ns: int) -> str:
    """``ns`` in the largest unit that gives a short number: ``30min``, ``1.5s``, ``700us``."""
    for size, name in _UNITS:
        if ns >= size:
            whole, rest = divmod(ns, size)
            decimals = f"{rest * 1000 // size:03d}".rstrip("0")
            return f"{whole}.{decimals}{name}" if decimals else f"{whole}{name}"
    return f"{ns}ns"
