"""Readers for the values of SIP header fields (RFC 3261 s.20, s.25): pure functions from text to small objects.

They take values as `sip.Header.value` gives them: unfolded, without a line end.
"""

import re
from typing import Final

import attrs

Params = tuple[tuple[str, str | None], ...]
"""Parameters in wire order: (name as written, value without its quotes, or None where there is no `=`)."""

_BLANKS: Final = " \t"
_TOKEN: Final = r"[A-Za-z0-9\-.!%*_+`'~]+"
# Quoted strings and <...> hide separators. What opens and never closes hides everything up to the end.
_HIDDEN: Final = r'"(?:[^"\\]|\\.)*+"?|<[^>]*+>?'
_BY_SEMICOLON: Final = re.compile(rf'(?:[^;"<]++|{_HIDDEN})++', re.DOTALL)
_BY_COMMA: Final = re.compile(rf'(?:[^,"<]++|{_HIDDEN})++', re.DOTALL)
_BRACKETED: Final = re.compile(r'[ \t]*+(?:"(?:[^"\\]|\\.)*+"[ \t]*+|[^"<>]*+)<([^<>]++)>(.*)', re.DOTALL)
_CSEQ: Final = re.compile(rf"([0-9]{{1,10}})[ \t]+({_TOKEN})")
_SECONDS: Final = re.compile(r"[0-9]{1,20}", re.ASCII)
_VIA: Final = re.compile(
    rf"SIP[ \t]*/[ \t]*2\.0[ \t]*/[ \t]*({_TOKEN})[ \t]+"
    r"(\[[^\]\s]*\]|[^\s:;,\[\]]+)(?:[ \t]*:[ \t]*([0-9]{1,5}))?[ \t]*(;.*)?",
    re.IGNORECASE | re.ASCII | re.DOTALL,
)
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)


class SipError(ValueError):
    """Bytes that are no SIP message, or a value that cannot be read or written. `reason` is a short fixed code.

    Codes from `sip.parse`: `too-long`, `no-start-line`, `start-line-too-long`, `bad-start-line`, `bad-header`,
    `header-too-long`, `too-many-headers`. Codes from the readers: `bad-address`, `bad-cseq`, `bad-via`, `no-via`.
    The builders use `bad-start-line` and `bad-header`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason: Final = reason


@attrs.frozen
class NameAddr:
    """The address of a From, To or Contact field, without its display name."""

    uri: str
    params: Params


@attrs.frozen
class Via:
    """One element of a Via field. `transport` is in upper case; `host` keeps the brackets of an IPv6 address."""

    transport: str
    host: str
    port: int | None
    params: Params

    def param(self, name: str) -> str | None:
        """The value of a parameter; `""` if it stands there without one (`;rport`), None if it is not there."""
        return _find(self.params, name)


def first_value(value: str) -> str:
    """The first element of a comma-separated list (Via, Contact), stripped; empty if the list begins with a comma.

    RFC 3261 s.7.3.1; a comma in quotes or angle brackets separates nothing.
    """
    return _first(_BY_COMMA, value).strip(_BLANKS)


def split_list(value: str) -> tuple[str, ...]:
    """The elements of a comma-separated list, stripped, without empty ones (RFC 3261 s.7.3.1)."""
    found = (element.strip(_BLANKS) for element in _BY_COMMA.findall(value))
    return tuple(element for element in found if element)


def seconds(value: str) -> int | None:
    """A number of seconds (RFC 3261 s.25.1 delta-seconds), at most 2**32 - 1; None if it is no number."""
    match = _SECONDS.fullmatch(value.strip(_BLANKS))
    return min(int(match.group()), 2**32 - 1) if match else None


def parse_name_addr(value: str) -> NameAddr:
    """Read `"Name" <uri>;tag=x`, `<uri>;tag=x` or bare `sip:a@b;tag=x`; of a list, the first.

    Parameters after a bare URI belong to the field, not to the URI (RFC 3261 s.20). Raises SipError `bad-address`.
    """
    match = _BRACKETED.match(value)
    if match:
        uri, rest = match.group(1).strip(_BLANKS), match.group(2)
    else:
        uri = token_as_written(_first(_BY_COMMA, value))
        rest = value
    if not uri or '"' in uri or "<" in uri or ">" in uri:
        raise SipError("bad-address")
    return NameAddr(uri, _params(_first(_BY_COMMA, rest)))


def tag(value: str) -> str | None:
    """The tag of a From or To field, or None if it has none or cannot be read (RFC 3261 s.19.3)."""
    try:
        return _find(parse_name_addr(value).params, "tag")
    except SipError:
        return None


def token(value: str) -> str:
    """What stands before the first `;`, stripped, in lower case: an event package or a media type (PROV-253)."""
    return token_as_written(value).lower()


def token_as_written(value: str) -> str:
    """What stands before the first `;`, stripped."""
    return value.partition(";")[0].strip(_BLANKS)


def param(value: str, name: str) -> str | None:
    """A parameter of a field with one value (Event, Content-Type): its value without quotes.

    `""` if it stands there without a value, None if it is not there. `name` is compared without regard to case.
    """
    return _find(_params(value), name)


def cseq(value: str) -> tuple[int, str]:
    """Number and method, in upper case, of a CSeq field (RFC 3261 s.20.16). Raises SipError `bad-cseq`."""
    match = _CSEQ.fullmatch(value.strip(_BLANKS))
    if match is None or int(match.group(1)) >= 2**32:
        raise SipError("bad-cseq")
    return int(match.group(1)), match.group(2).upper()


def parse_via(value: str) -> Via:
    """Read the first element of a Via field (RFC 3261 s.20.42). Raises SipError `bad-via`."""
    match = _VIA.fullmatch(first_value(value))
    if match is None:
        raise SipError("bad-via")
    transport, host, digits, rest = match.groups()
    port = int(digits) if digits else None
    if port is not None and port > 65535:
        raise SipError("bad-via")
    return Via(transport.upper(), host, port, _params(rest or ""))


def _first(pieces: re.Pattern[str], text: str) -> str:
    match = pieces.match(text)
    return match.group() if match else ""


def _params(text: str) -> Params:
    """The parameters in `text`, which begins with something else or with a semicolon."""
    found: list[tuple[str, str | None]] = []
    for piece in _BY_SEMICOLON.findall(text, len(_first(_BY_SEMICOLON, text))):
        name, equals, value = piece.partition("=")
        if name.strip(_BLANKS):
            found.append((name.strip(_BLANKS), _unquoted(value.strip(_BLANKS)) if equals else None))
    return tuple(found)


def _find(params: Params, name: str) -> str | None:
    wanted = name.lower()
    for found, value in params:
        if found.lower() == wanted:
            return value or ""
    return None


def _unquoted(text: str) -> str:
    if len(text) > 1 and text[0] == text[-1] == '"':
        return _ESCAPED.sub(r"\1", text[1:-1])
    return text
