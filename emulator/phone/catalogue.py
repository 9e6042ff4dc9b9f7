"""The configuration parameters of the phone: one row of `data/parameters.csv` each.

The column `rule` says which values are allowed, in a small grammar of its own, by kind:

====== ========================= ==========================================================
kind   rule                      allowed
====== ========================= ==========================================================
flag   `Y|N`                     Y, N, Yes, No, spelt so (PROV-140)
number `0,10-300`, `2-8 even`    a whole number in one of the parts; `even` refuses odd ones
choice `0|1|2`, `0|*`            one of the words; with `*` more codes exist than are known,
                                 and any printable ASCII word of 32 characters or less is taken
list   `0,200-2000 x2`           at most so many comma-separated numbers, each as in `number`
text   `len 6-16 not "&\\s`       so many characters, none of those behind `not` (`\\s`: space)
text   `bytes 32`                exactly so many bytes of UTF-8
text   `form 99.999`             of this form, where 9 is any digit
text   (empty)                   anything up to 500 characters (O-25)
time   `00:00-23:59`             a time of day on the 24-hour clock (PROV-234)
url    (empty)                   up to 500 characters without white space (O-25)
host   (empty)                   the same
====== ========================= ==========================================================
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

import attrs

LINES = 6
"""The highest line number. No source gives it; six is our choice."""

TEXT_LIMIT = 500
"""Characters of a value of any kind (O-25)."""

Check = Callable[[str], "str | None"]

# Whatever XML cannot carry and whatever could end a line in a header or a log.
_BAD_CHARACTER = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
_BAD_ADDRESS = re.compile("[\\s\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
_NUMBER = re.compile(r"-?[0-9]+")
_RANGE = re.compile(r"(-?[0-9]+)(?:-(-?[0-9]+))?")
_WORD = re.compile(r"[!-~]{1,32}")
_TIME = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]")
# No rule reaches further, and a longer number is not worth converting.
_DIGITS = 11

# The white space of XML, no more.
_SPACE = " \t\r\n"
_LINE_NUMBERS = MappingProxyType({str(line): line for line in range(1, LINES + 1)})
_FLAGS = {"Y": "Y", "N": "N", "Yes": "Y", "No": "N"}
_MAY_BE_EMPTY = frozenset({"text", "url", "host", "time"})


@attrs.frozen
class Parameter:
    """One parameter of the catalogue.

    `path` names the groups above the tag without the root (`Device/System/Prov`; a per-line one lies under
    `Device/Lines/Line`). `default` is "" where no source gives it. `perm` and `access` are the attributes
    the parameter is usually served with (sections 10 and 11); `secret` marks passwords and the file key.
    """

    tag: str
    path: str
    kind: str
    rule: str
    default: str
    unit: str
    per_line: bool
    perm: str
    access: str
    secret: bool
    about: str

    def check(self, text: str) -> str | None:
        """None if `text` is an allowed value, else why not.

        Reasons: "not-a-flag", "not-a-number", "out-of-range", "not-allowed", "too-long", "bad-character",
        "bad-time", "bad-url", "bad-host", "too-many-values", "empty". White space around the value counts only
        for texts. An empty value is allowed for texts, URLs, hosts and times (PROV-140, PROV-141, PROV-144).
        """
        if self.kind != "text":
            text = text.strip(_SPACE)
        if not text:
            return None if self.kind in _MAY_BE_EMPTY else "empty"
        if len(text) > TEXT_LIMIT:
            return "too-long"
        return _compiled(self.kind, self.rule)(text)

    def canonical(self, text: str) -> str:
        """An allowed value as it is stored: Yes and No become Y and N; only texts keep white space around them."""
        if self.kind == "text":
            return text
        text = text.strip(_SPACE)
        return _FLAGS.get(text, text) if self.kind == "flag" else text


@attrs.frozen(eq=False)
class Catalogue:
    """All parameters, by tag and in the order of the file; `digest` is the SHA-256 (hex) of that file."""

    by_tag: Mapping[str, Parameter]
    digest: str

    def find(self, path: str, tag: str) -> Parameter | None:
        """The parameter `tag` if it belongs under `path` (`Device/Lines/Line/Sip`), else None."""
        parameter = self.by_tag.get(tag)
        return parameter if parameter is not None and parameter.path == path else None

    def __iter__(self) -> Iterator[Parameter]:
        return iter(self.by_tag.values())

    def __len__(self) -> int:
        return len(self.by_tag)


@lru_cache(maxsize=1)
def catalogue() -> Catalogue:
    """The catalogue, read once from the data file that comes with this package."""
    data = (Path(__file__).parent / "data" / "parameters.csv").read_bytes()
    rows = csv.DictReader(data.decode().splitlines())
    parameters = [_parameter(row) for row in rows]
    return Catalogue(MappingProxyType({each.tag: each for each in parameters}), hashlib.sha256(data).hexdigest())


def key(tag: str, line: int | None = None) -> str:
    """The name of a setting: `TAG`, or `TAG/1` for a per-line parameter.

    Raises ValueError if `line` is not within 1 to `LINES`.
    """
    if line is None:
        return tag
    if not 1 <= line <= LINES:
        raise ValueError("line number out of range")
    return f"{tag}/{line}"


def split(key: str) -> tuple[str, int | None]:
    """Tag and line (None without one) of a name made by `key`.

    Raises ValueError if the part behind the slash is no line number.
    """
    tag, slash, line = key.partition("/")
    if not slash:
        return tag, None
    if line not in _LINE_NUMBERS:
        raise ValueError("line number out of range")
    return tag, _LINE_NUMBERS[line]


def _parameter(row: Mapping[str, str]) -> Parameter:
    return Parameter(
        tag=row["tag"],
        path=row["path"],
        kind=row["kind"],
        rule=row["rule"],
        default=row["default"],
        unit=row["unit"],
        per_line=row["per_line"] == "Y",
        perm=row["perm"],
        access=row["access"],
        secret=row["secret"] == "Y",
        about=row["about"],
    )


@lru_cache(maxsize=128)
def _compiled(kind: str, rule: str) -> Check:
    return _KINDS[kind](rule)


def _flag(_rule: str) -> Check:
    return lambda text: None if text in _FLAGS else "not-a-flag"


def _number(rule: str) -> Check:
    parts, _, parity = rule.partition(" ")
    ranges = tuple(_bounds(part) for part in parts.split(","))
    step = 2 if parity == "even" else 1

    def check(text: str) -> str | None:
        if not _NUMBER.fullmatch(text):
            return "not-a-number"
        if len(text) > _DIGITS:
            return "out-of-range"
        value = int(text)
        if value % step == 0 and any(low <= value <= high for low, high in ranges):
            return None
        return "out-of-range"

    return check


def _bounds(part: str) -> tuple[int, int]:
    found = _RANGE.fullmatch(part)
    if found is None:
        raise ValueError("bad rule in the catalogue")
    low = int(found[1])
    return low, low if found[2] is None else int(found[2])


def _choice(rule: str) -> Check:
    words = frozenset(rule.split("|"))
    if "*" in words:
        return lambda text: None if _WORD.fullmatch(text) else "not-allowed"
    return lambda text: None if text in words else "not-allowed"


def _list(rule: str) -> Check:
    numbers, _, count = rule.partition(" x")
    check_one, most = _number(numbers), int(count)

    def check(text: str) -> str | None:
        values = text.split(",")
        if len(values) > most:
            return "too-many-values"
        return next((reason for reason in map(check_one, values) if reason), None)

    return check


def _text(rule: str) -> Check:
    low, high = 0, TEXT_LIMIT
    size: Callable[[str], int] = len
    form: re.Pattern[str] | None = None
    banned: frozenset[str] = frozenset()
    word, _, rest = rule.partition(" ")
    if word == "form":
        form = re.compile(re.escape(rest).replace("9", "[0-9]"))
    elif word == "bytes":
        low = high = int(rest)
        size = _utf8_size
    elif word == "len":
        span, _, excluded = rest.partition(" not ")
        low, high = _bounds(span)
        banned = frozenset(excluded.replace("\\s", " "))

    def check(text: str) -> str | None:
        if _BAD_CHARACTER.search(text) or not banned.isdisjoint(text):
            return "bad-character"
        length = size(text)
        if length > high:
            return "too-long"
        if length < low:
            return "out-of-range"
        return None if form is None or form.fullmatch(text) else "not-allowed"

    return check


def _utf8_size(text: str) -> int:
    return len(text.encode())


def _time(_rule: str) -> Check:
    return lambda text: None if _TIME.fullmatch(text) else "bad-time"


def _url(_rule: str) -> Check:
    return lambda text: "bad-url" if _BAD_ADDRESS.search(text) else None


def _host(_rule: str) -> Check:
    return lambda text: "bad-host" if _BAD_ADDRESS.search(text) else None


_KINDS: Mapping[str, Callable[[str], Check]] = MappingProxyType(
    {
        "flag": _flag,
        "number": _number,
        "choice": _choice,
        "list": _list,
        "text": _text,
        "time": _time,
        "url": _url,
        "host": _host,
    }
)
