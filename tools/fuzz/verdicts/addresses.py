"""What sources say, read once more: URLs, completed by section 3 of the specification, of which only plain ones are
judged, and DHCP messages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import urlsplit

from emulator.wire import dhcp
from emulator.world.servers.base import usual

SCHEMES = ("tftp", "http", "https", "ftp")
"""In the order in which they are tried where a URL names none (PROV-033)."""
PORTS = {"tftp": 69, "http": 80, "https": 443, "ftp": 21}
_PLAIN = re.compile(r"(?:(?:tftp|ftp|https?)://)?[A-Za-z0-9._-]+(?::[0-9]{1,5})?(?:/[A-Za-z0-9._{}/-]*)?")
_MACRO = re.compile(r"\{(MODEL|MAC|mac|fwver)\}")
SPACE = " \t\r\n\x0b\x0c"


def expanded(text: str, macros: Mapping[str, str]) -> str:
    """``text`` with its macros; names are case-sensitive, others stay (PROV-036 to PROV-039)."""
    return _MACRO.sub(lambda found: macros[found[1]], text)


def completed(text: str, macros: Mapping[str, str]) -> tuple[str, ...] | None:
    """The URLs to try for a URL as a source gives it (PROV-031 to PROV-033); None for one that is not judged."""
    if len(text) > 300 or not _PLAIN.fullmatch(text) or "//" in text.partition("://")[2]:
        return None
    whole = expanded(text, macros)
    scheme, marks, rest = whole.partition("://")
    if not marks:
        scheme, rest = "", whole
    host, _, path = rest.partition("/")
    last = path.rpartition("/")[2]
    if "." not in last:
        path = f"{path.removesuffix('/')}/{macros['MODEL']}.cfg".removeprefix("/")
    return tuple(f"{each}://{host}/{path}" for each in ([scheme] if scheme else SCHEMES))


@lru_cache(maxsize=1024)
def place(url: str) -> tuple[str, str, int] | None:
    """(scheme, host, port) of a whole URL in lower case; None if it is none."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    scheme = parts.scheme.lower()
    if scheme not in PORTS or not host or port == 0:
        return None
    return scheme, usual(host.lower()), port or PORTS[scheme]


@lru_cache(maxsize=1024)
def login(url: str) -> tuple[str, str]:
    """(user, password) in a URL as written, "" where there is none (PROV-041)."""
    rest = url.partition("://")[2].partition("/")[0].partition("?")[0]
    user, _, password = rest.rpartition("@")[0].partition(":")
    return user, password


def option_text(data: bytes) -> str:
    """The text of a DHCP option, without trailing NULs and white space around it (PROV-077)."""
    text = data.decode("utf-8", "replace")
    before = ""
    while before != text:
        before = text
        text = text.rstrip("\0").strip(SPACE)
    return text


@lru_cache(maxsize=32)
def dhcp_message(payload: bytes) -> dhcp.Message | None:
    """A DHCP message; None if it cannot be read."""
    try:
        return dhcp.parse(payload)
    except dhcp.DhcpError:
        return None
