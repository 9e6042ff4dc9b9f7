"""SIP messages over UDP as bytes and as objects (RFC 3261 s.7), received liberally (PROV-057b, PROV-252).

`parse` keeps every byte, so `parse(data).encode() == data`; what is read from it is text without surrogates, CR, LF
and NUL. `request` and `response` write well-formed messages with the lines in the order given (PROV-057a); a `Message`
put together by hand encodes to whatever it holds.
"""

import functools
import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

import attrs

from emulator.wire.sip_values import (
    NameAddr,
    Params,
    SipError,
    Via,
    cseq,
    first_value,
    param,
    parse_name_addr,
    parse_via,
    seconds,
    split_list,
    tag,
    token,
)

__all__ = [
    "HEADER_LIMIT",
    "HEADER_SIZE_LIMIT",
    "SIZE_LIMIT",
    "TOLERANCES",
    "Header",
    "Message",
    "NameAddr",
    "Params",
    "SipError",
    "Via",
    "cseq",
    "first_value",
    "param",
    "parse",
    "parse_name_addr",
    "parse_via",
    "request",
    "response",
    "seconds",
    "split_list",
    "tag",
    "token",
    "top_via",
]

SIZE_LIMIT: Final = 65_535
"""The longest message that is read, in bytes: one datagram."""
HEADER_LIMIT: Final = 200
"""How many header fields a message may have."""
HEADER_SIZE_LIMIT: Final = 8192
"""The longest start line or header field, in bytes, folding and line ends included."""

TOLERANCES: Final = (
    "leading-blank-line",
    "start-line-spacing",
    "lower-case-method",
    "lower-case-version",
    "no-reason-phrase",
    "bare-lf",
    "bare-cr",
    "space-before-colon",
    "folded-header",
    "no-blank-line",
    "no-content-length",
    "bad-content-length",
    "content-length-too-large",
    "content-length-too-small",
    "no-via",
    "no-from",
    "no-to",
    "no-call-id",
    "no-cseq",
    "no-max-forwards",
    "no-event",
    "no-subscription-state",
    "branch-without-cookie",
    "no-from-tag",
    "uri-without-brackets",
)
"""Every code that `Message.tolerances` can give, in the order in which it gives them."""

_COMPACT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "a": "accept-contact",
        "b": "referred-by",
        "c": "content-type",
        "d": "request-disposition",
        "e": "content-encoding",
        "f": "from",
        "i": "call-id",
        "j": "reject-contact",
        "k": "supported",
        "l": "content-length",
        "m": "contact",
        "o": "event",
        "r": "refer-to",
        "s": "subject",
        "t": "to",
        "u": "allow-events",
        "v": "via",
        "x": "session-expires",
        "y": "identity",
    }
)
_IN_RESPONSES: Final = ("via", "from", "to", "call-id", "cseq")
_IN_REQUESTS: Final = (*_IN_RESPONSES, "max-forwards")
_IN_NOTIFY: Final = (*_IN_REQUESTS, "event", "subscription-state")

_COOKIE: Final = "z9hg4bk"
_WHITE: Final = b" \t\r\n"
_BLANK_LINE: Final = re.compile(rb"\n(\r*+(?:\n|\Z))")
_FIELD: Final = re.compile(rb"[^\n]++(?:\n[ \t][^\n]*+)*+\n?")
_NAME: Final = re.compile(rb"([!-9;-~]+)[ \t]*")
_LINE_ENDS: Final = re.compile(rb"[\r\n]+")
_REQUEST: Final = re.compile(
    r"[ \t]*([A-Z0-9\-.!%*_+`'~]+)[ \t]+([^\s\0]+)[ \t]+(SIP/2\.0)[ \t]*", re.IGNORECASE | re.ASCII
)
_RESPONSE: Final = re.compile(r"[ \t]*(SIP/2\.0)[ \t]+([1-6][0-9]{2})(?:[ \t]([^\0]*))?", re.IGNORECASE | re.ASCII)
_LENGTH: Final = re.compile(r"[0-9]{1,10}")


@attrs.frozen
class Header:
    """One header field: `name` as written, `value` unfolded and stripped for reading, `raw` the bytes as they came."""

    name: str
    value: str
    raw: bytes


@attrs.frozen
class _Start:
    """What a start line says; `method` and `uri` are None in a response, `status` and `phrase` in a request."""

    method: str | None
    uri: str | None
    status: int | None
    phrase: str | None
    tolerances: frozenset[str]


@attrs.frozen
class Message:
    """One SIP message.

    `start_line` is for reading; `start` holds its bytes with line end and any blank lines before it. `separator` is
    the blank line as it came, empty if there was none. `body` is all that follows it; `content` gives what counts.
    """

    start_line: str
    start: bytes
    headers: tuple[Header, ...]
    separator: bytes
    body: bytes

    def encode(self) -> bytes:
        """The bytes of the message; exactly those that `parse` was given."""
        return self._head() + self.body

    @property
    def is_request(self) -> bool:
        """True for a request, False for a response.

        This and what else reads the start line raise SipError `bad-start-line` on a message that was put together
        with a start line that is neither.
        """
        return _read_start(self.start_line).method is not None

    @property
    def method(self) -> str | None:
        """The method in upper case, None in a response."""
        return _read_start(self.start_line).method

    @property
    def request_uri(self) -> str | None:
        """The request URI as written, None in a response."""
        return _read_start(self.start_line).uri

    @property
    def status(self) -> int | None:
        """The status code, 100 to 699; None in a request."""
        return _read_start(self.start_line).status

    @property
    def phrase(self) -> str | None:
        """The reason phrase, perhaps empty; None in a request."""
        return _read_start(self.start_line).phrase

    def get(self, name: str) -> str | None:
        """The value of the first field of that name, in any case, long or compact (RFC 3261 s.7.3.3); None without."""
        values = self._values.get(_key(name))
        return values[0] if values else None

    def all(self, name: str) -> tuple[str, ...]:
        """The values of all fields of that name in wire order, one a field: lists are not split at commas."""
        return tuple(self._values.get(_key(name), ()))

    def content(self) -> bytes:
        """The body, cut to Content-Length if that is shorter (RFC 3261 s.18.3); ignores a length that is no number."""
        length = _read_length(self.get("content-length"))
        return self.body if length is None else self.body[:length]

    def tolerances(self) -> tuple[str, ...]:
        """What had to be overlooked to read this message: codes of `TOLERANCES`, each at most once, in that order.

        PROV-057b has each of them logged. Some are legal and yet worth a line, such as a URI without brackets.
        """
        start = _read_start(self.start_line)
        fields = self._field_tolerances(start.method)
        used = start.tolerances.union(self._line_tolerances(), self._length_tolerances(), fields)
        return tuple(code for code in TOLERANCES if code in used) if used else ()

    @functools.cached_property
    def _values(self) -> dict[str, list[str]]:
        values: dict[str, list[str]] = {}
        for header in self.headers:
            values.setdefault(_key(header.name), []).append(header.value)
        return values

    def _head(self) -> bytes:
        return b"".join([self.start, *[header.raw for header in self.headers], self.separator])

    def _line_tolerances(self) -> set[str]:
        used = set()
        head = self._head()
        fields = head[len(self.start) :]
        pairs = head.count(b"\r\n")
        if self.start[:1] in (b"\r", b"\n"):
            used.add("leading-blank-line")
        if head.count(b"\n") != pairs:
            used.add("bare-lf")
        if head.count(b"\r") != pairs:
            used.add("bare-cr")
        # Most messages are spared the look at each field.
        is_spaced = b" :" in fields or b"\t:" in fields
        if is_spaced and any(header.raw[len(header.name) :][:1] != b":" for header in self.headers):
            used.add("space-before-colon")
        if b"\n " in fields or b"\n\t" in fields:
            used.add("folded-header")
        if b"\n" not in self.separator:
            used.add("no-blank-line")
        return used

    def _length_tolerances(self) -> set[str]:
        value = self.get("content-length")
        if value is None:
            return {"no-content-length"}
        length = _read_length(value)
        if length is None:
            return {"bad-content-length"}
        if length == len(self.body):
            return set()
        return {"content-length-too-large" if length > len(self.body) else "content-length-too-small"}

    def _field_tolerances(self, method: str | None) -> set[str]:
        values = self._values
        wanted = _IN_RESPONSES if method is None else _IN_NOTIFY if method == "NOTIFY" else _IN_REQUESTS
        used = {f"no-{key}" for key in wanted if key not in values}
        if "via" in values and not (param(first_value(values["via"][0]), "branch") or "").lower().startswith(_COOKIE):
            used.add("branch-without-cookie")
        if "from" in values and not tag(values["from"][0]):
            used.add("no-from-tag")
        for key in ("from", "to", "contact"):
            for value in values.get(key, ()):
                if "<" not in value and value != "*":
                    used.add("uri-without-brackets")
        return used


def parse(data: bytes) -> Message:
    """Read one message from the payload of a datagram; `parse(data).encode() == data`.

    A line ends with LF, whatever CRs stand before it. Raises SipError: `too-long`, `no-start-line` (nothing but line
    ends: a keep-alive, RFC 5626 s.3.5.1), `start-line-too-long`, `bad-start-line`, `bad-header` (no colon, no name, a
    NUL), `header-too-long`, `too-many-headers`.
    """
    if len(data) > SIZE_LIMIT:
        raise SipError("too-long")
    begin = len(data) - len(data.lstrip(b"\r\n"))
    if begin == len(data):
        raise SipError("no-start-line")
    blank = _BLANK_LINE.search(data, begin)
    end = blank.start() + 1 if blank else len(data)
    start, *fields = _FIELD.findall(data, begin, end)
    if len(start) > HEADER_SIZE_LIMIT:
        raise SipError("start-line-too-long")
    start_line = _line(start)
    _read_start(start_line)
    if len(fields) > HEADER_LIMIT:
        raise SipError("too-many-headers")
    if b"\n" in start[:-1] or data.find(b"\0", begin, end) >= 0:
        raise SipError("bad-header")
    headers = tuple([_header(raw) for raw in fields])
    separator, body = (blank.group(1), data[blank.end() :]) if blank else (b"", b"")
    return Message(start_line, data[:begin] + start, headers, separator, body)


def top_via(message: Message) -> Via:
    """The topmost Via, where a response goes (RFC 3261 s.18.2.2). Raises SipError `no-via` or `bad-via`."""
    value = message.get("via")
    if value is None:
        raise SipError("no-via")
    return parse_via(value)


def request(method: str, uri: str, headers: Iterable[tuple[str, str]], body: bytes = b"") -> bytes:
    """Write a request with the header fields in the order given; Content-Length comes last unless it is among them.

    Raises SipError: `bad-start-line`, `bad-header` (CR, LF or NUL in a value, a name that is not visible ASCII, or
    text that UTF-8 cannot write). It does not check that a Content-Length among `headers` is right.
    """
    return _build(f"{method} {uri} SIP/2.0", tuple(headers), body)


def response(status: int, phrase: str, headers: Iterable[tuple[str, str]], body: bytes = b"") -> bytes:
    """Write a response, status 100 to 699; otherwise as `request`."""
    return _build(f"SIP/2.0 {status} {phrase}", tuple(headers), body)


# A retransmission is the same message again.
@functools.lru_cache(maxsize=64)
def _build(start_line: str, headers: tuple[tuple[str, str], ...], body: bytes) -> bytes:
    if "\r" in start_line or "\n" in start_line or _read_start(start_line).tolerances & {"start-line-spacing"}:
        raise SipError("bad-start-line")
    lines = [start_line]
    has_length = False
    for name, value in headers:
        if not _is_name(name) or "\r" in value or "\n" in value or "\0" in value:
            raise SipError("bad-header")
        has_length = has_length or _key(name) == "content-length"
        lines.append(f"{name}: {value}")
    if not has_length:
        lines.append(f"Content-Length: {len(body)}")
    lines.append("\r\n")
    try:
        return "\r\n".join(lines).encode() + body
    except UnicodeEncodeError:
        raise SipError("bad-header") from None


@functools.lru_cache(maxsize=256)
def _read_start(line: str) -> _Start:
    match = _REQUEST.fullmatch(line)
    if match:
        method, uri, version = match.groups()
        used = {"lower-case-method"} if method != method.upper() else set()
        return _Start(method.upper(), uri, None, None, _spelling(line, f"{method} {uri} {version}", version) | used)
    match = _RESPONSE.fullmatch(line)
    if match is None:
        raise SipError("bad-start-line")
    version, status, phrase = match.groups()
    used = {"no-reason-phrase"} if phrase is None else set()
    plain = f"{version} {status}" if phrase is None else f"{version} {status} {phrase}"
    return _Start(None, None, int(status), (phrase or "").strip(" \t"), _spelling(line, plain, version) | used)


def _spelling(line: str, plain: str, version: str) -> frozenset[str]:
    spacing = {"start-line-spacing"} if line != plain else set()
    return frozenset(spacing | ({"lower-case-version"} if version != "SIP/2.0" else set()))


@functools.lru_cache(maxsize=256)
def _header(raw: bytes) -> Header:
    if len(raw) > HEADER_SIZE_LIMIT:
        raise SipError("header-too-long")
    name, colon, value = raw.partition(b":")
    if not colon:
        raise SipError("bad-header")
    value = value.strip(_WHITE)
    if b"\n" in value or b"\r" in value:
        # Each fold, and each stray CR, reads as one space (RFC 3261 s.7.3.1).
        value = b" ".join(filter(None, (part.strip(_WHITE) for part in _LINE_ENDS.split(value))))
    return Header(_read_name(name), value.decode("utf-8", "replace"), raw)


@functools.lru_cache(maxsize=256)
def _read_name(raw: bytes) -> str:
    match = _NAME.fullmatch(raw)
    if match is None:
        raise SipError("bad-header")
    return match.group(1).decode("ascii")


@functools.lru_cache(maxsize=256)
def _is_name(name: str) -> bool:
    return name.isascii() and ":" not in name and name.isprintable() and " " not in name and name != ""


@functools.lru_cache(maxsize=256)
def _key(name: str) -> str:
    lower = name.lower()
    return _COMPACT.get(lower, lower)


def _line(raw: bytes) -> str:
    return raw.rstrip(b"\r\n").replace(b"\r", b" ").decode("utf-8", "replace")


def _read_length(value: str | None) -> int | None:
    return int(value) if value is not None and _LENGTH.fullmatch(value) else None
