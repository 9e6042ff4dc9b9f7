"""Provisioning URLs: their forms, macros and completion (PROV-030 to PROV-041), and redirects (PROV-119).

From a text to a request: `expand` the macros, complete it with `candidates`, then `parse_url` each.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from ipaddress import AddressValueError, IPv6Address
from types import MappingProxyType
from urllib.parse import quote, unquote

import attrs

LIMIT = 500
"""Characters of a URL (O-25)."""

DEFAULT_PORTS: Mapping[str, int] = MappingProxyType({"tftp": 69, "http": 80, "https": 443, "ftp": 21})
"""The protocols, in the order in which they are tried if a URL names none (PROV-033)."""

_BAD = re.compile("[\\s\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_FORM = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?]*)([^?]*)(?:\?(.*))?")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}")
_PORT = re.compile(r"[0-9]{0,5}")
_MACRO = re.compile(r"\{([A-Za-z0-9_]+)\}")
# Leaves ASCII as it is and makes the rest percent-encoded UTF-8.
_ASCII = "".join(map(chr, range(0x21, 0x7F)))
_USER_SAFE = "-._~!$&'()*+,;="


class UrlError(ValueError):
    """The text is no usable URL.

    `reason` is "empty", "too-long", "bad-character", "bad-form" (no scheme, or not followed by two slashes),
    "bad-scheme", "bad-user", "bad-host" or "bad-port". The text itself, which may hold a password, is not in the error.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@attrs.frozen
class Url:
    """The parts of a URL. `scheme` and `host` are in lower case, an IPv6 host is without brackets.

    `user` and `password` are percent-decoded, "" if absent; `path` begins with a slash; `query` is what follows the
    question mark. There is no fragment.
    """

    scheme: str
    user: str
    password: str
    host: str
    port: int
    path: str
    query: str = ""

    @property
    def target(self) -> str:
        """Path and query, as in a request line."""
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def authority(self) -> str:
        """Host and port as in a Host header: IPv6 bracketed (PROV-035), a default port left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def text(self) -> str:
        """The whole URL with user and password; `parse_url` gives the same parts again."""
        return self._joined(quote(self.password, safe=_USER_SAFE))

    @property
    def shown(self) -> str:
        """The whole URL for logs and displays: `***` in place of a password (PROV-296)."""
        return self._joined("***" if self.password else "")

    def _joined(self, password: str) -> str:
        user = quote(self.user, safe=_USER_SAFE) + (f":{password}" if password else "")
        return f"{self.scheme}://{user}{'@' if user else ''}{self.authority}{self.target}"


@lru_cache(maxsize=512)
def parse_url(text: str) -> Url:
    """The parts of an absolute URL of one of the four protocols (PROV-030, PROV-041).

    A fragment is dropped, as it is never sent (RFC 3986 s.3.5); characters beyond ASCII in path and query become
    percent-encoded UTF-8. Raises UrlError.
    """
    _refuse(text)
    found = _FORM.fullmatch(text.partition("#")[0])
    if found is None:
        raise UrlError("bad-form")
    scheme = found[1].lower()
    if scheme not in DEFAULT_PORTS:
        raise UrlError("bad-scheme")
    information, _, address = found[2].rpartition("@")
    user, _, password = information.partition(":")
    user, password = unquote(user), unquote(password)
    # Decoded, these would end a line of the FTP dialogue or of a header.
    if _CONTROL.search(user) or _CONTROL.search(password):
        raise UrlError("bad-user")
    host, port = _address(address)
    path, query = quote(found[3], safe=_ASCII), quote(found[4] or "", safe=_ASCII)
    return Url(scheme, user, password, host, port or DEFAULT_PORTS[scheme], path or "/", query)


def expand(text: str, macros: Mapping[str, str]) -> str:
    """`text` with `{NAME}` replaced for each name in `macros` (`MODEL`, `MAC`, `mac`, `fwver`; PROV-036 to PROV-038).

    Names are case-sensitive, an unknown `{...}` stays, and what a macro stands for is not expanded again.
    """
    return _MACRO.sub(lambda found: macros.get(found[1], found[0]), text) if "{" in text else text


def candidates(text: str, model_file: str) -> tuple[str, ...]:
    """The URLs to try for a provisioning URL, in order (PROV-031 to PROV-033).

    `model_file` (`KX-UTG200B.cfg`) is appended, before a query, unless the last path segment has a dot and so names a
    file. Without a protocol there is one URL for each of the four. Expand macros first: `{fwver}` brings a dot. The
    results still have to pass `parse_url`. Raises UrlError, also for a protocol with less than two slashes.
    """
    _refuse(text)
    text = text.partition("#")[0]
    scheme, slashes, rest = text.partition("://")
    if slashes and _SCHEME.fullmatch(f"{scheme}:"):
        return (f"{scheme}://{_completed(rest, model_file)}",)
    start = _SCHEME.match(text)
    if start and start[1].lower() in DEFAULT_PORTS:
        raise UrlError("bad-form")
    bare = text.removeprefix("//")
    if not bare or bare.startswith(("/", "?")):
        raise UrlError("bad-form")
    completed = _completed(bare, model_file)
    return tuple(f"{each}://{completed}" for each in DEFAULT_PORTS)


def resolve(base: Url, location: str) -> Url:
    """The URL that a redirect from `base` leads to (RFC 3986 s.5.2).

    `location` may be absolute, begin with `//`, `/` or `?`, or be a relative path; a relative one keeps user and
    password, any other has only those it brings. Whether the step is allowed (PROV-119) is not judged. Raises UrlError.
    """
    _refuse(location)
    location = location.partition("#")[0]
    if _SCHEME.match(location):
        return parse_url(location)
    if location.startswith("//"):
        return parse_url(f"{base.scheme}:{location}")
    path, mark, query = location.partition("?")
    if not path:
        reached = attrs.evolve(base, query=query if mark else base.query)
    else:
        if not path.startswith("/"):
            path = base.path[: base.path.rindex("/") + 1] + path
        reached = attrs.evolve(base, path=_without_dots(path), query=query)
    return parse_url(reached.text)


def _refuse(text: str) -> None:
    if not text:
        raise UrlError("empty")
    if len(text) > LIMIT:
        raise UrlError("too-long")
    if _BAD.search(text):
        raise UrlError("bad-character")


def _address(text: str) -> tuple[str, int]:
    """Host and port, 0 for none."""
    if text.startswith("["):
        host, closing, rest = text[1:].partition("]")
        if not closing or (rest and not rest.startswith(":")):
            raise UrlError("bad-host")
        port = rest[1:]
        try:
            # The compressed form, so that two spellings of an address compare equal.
            host = IPv6Address(host).compressed
        except AddressValueError:
            raise UrlError("bad-host") from None
        if "%" in host:
            raise UrlError("bad-host")
    else:
        host, _, port = text.partition(":")
        if not _HOST.fullmatch(host):
            raise UrlError("bad-host")
    if not _PORT.fullmatch(port) or (port and not 1 <= int(port) <= 65535):
        raise UrlError("bad-port")
    return host.lower(), int(port or "0")


def _completed(rest: str, model_file: str) -> str:
    """Authority, path and query, with the file name put in if the path names none."""
    before, mark, query = rest.partition("?")
    _, slash, path = before.partition("/")
    last = path.rpartition("/")[2]
    if "." not in last:
        before += f"{'' if slash and not last else '/'}{model_file}"
    return before + mark + query


def _without_dots(path: str) -> str:
    """An absolute path without `.` and `..` segments (RFC 3986 s.5.2.4)."""
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)
