"""What two runs may differ in without anybody caring: names drawn by dice, ports, the time of day.

The rules are a table (:data:`RULES`). A rule says which text of an event it takes out, as the log holds the event, in
JSON; before two events are compared, every rule of their kind is applied to both.
"""

from __future__ import annotations

import binascii
import re
from collections import Counter
from collections.abc import Iterable
from difflib import get_close_matches

from attrs import Factory, define, field, frozen

from emulator.events import VOCABULARY
from emulator.log.chain import Row
from emulator.log.store import LogError
from flash_image import Geometry
from flash_image.layout import LOG, built_in

MASK = "~"
"""What stands in the place of noise."""
_GEOMETRY = Geometry()
_LOG_PART = built_in(_GEOMETRY).partition(LOG)
_BINARY = '"payload":"base64:'
_UDP = ("DatagramSent", "DatagramReceived")
_DHCP_COOKIE = slice(236, 240)


@frozen
class Rule:
    """A rule. kinds: of events, empty for all; pattern: what is taken out of the event's JSON (a group ``keep`` stays);
    when: ``entropy`` for what only differs with the dice; hint: a text without which nothing matches; about: for
    people."""

    name: str
    about: str
    pattern: re.Pattern[str]
    kinds: tuple[str, ...] = ()
    when: str = ""
    hint: str = ""

    def applies(self, kind: str) -> bool:
        """Whether the rule is about events of this kind."""
        return not self.kinds or kind in self.kinds


def rule(name: str, about: str, hint: str, pattern: str, *kinds: str, when: str = "") -> Rule:
    """A line of the table."""
    return Rule(name, about, re.compile(pattern), kinds, when, hint)


_FIELD = r"(?P<keep>{}\":){}"
_HANDED_OUT = r"(?:3276[89]|327[7-9]\d|32[89]\d\d|3[3-9]\d{3}|[4-6]\d{4})\b"
"""A port from 32,768 on."""
_DRAWN = "waits that are drawn"
_TIME = "the time of day"
_SYSLOG = r"(?P<keep>\"payload\":\"<\d+>)[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d"

RULES: tuple[Rule, ...] = (
    rule("branch", "SIP: branch of a Via", "branch", r"(?P<keep>branch(?:=|\":\"))[^;,\s\\\"]+"),
    rule("tag", "SIP: tags of From and To", ";tag=", r"(?P<keep>;tag=)[^;,\s\\\"]+"),
    rule("tag", "SIP: tags of From and To", "_tag", r"(?P<keep>_tag\":\")[^\\\"]+"),
    rule("call-id", "SIP: Call-ID", "call_id", r"(?P<keep>call_id\":\")[^\\\"]+"),
    rule("call-id", "SIP: Call-ID", "Call-ID", r"(?P<keep>Call-ID(?:: |\",\"))[^\\\"]+"),
    rule("nonce", "HTTP, SIP: what a digest is made of", "nonce=", r"(?P<keep>nonce=\\\")[^\\\"]+"),
    rule("nonce", "HTTP, SIP: what a digest is made of", "response=", r"(?P<keep>response=\\\")[^\\\"]+"),
    rule("xid", "DHCP, DHCPv6: transaction", "xid", _FIELD.format("xid", r"\d+")),
    rule("ports", "ports that systems hand out", "port", _FIELD.format("port", _HANDED_OUT)),
    rule("ordinal", "how often an order of this name was given", "ordinal", _FIELD.format("ordinal", r"\d+")),
    rule("entropy", "the dice of a phone", "entropy", _FIELD.format("entropy", r"\"[0-9a-f]+\""), "PowerOn"),
    rule("jitter", _DRAWN, "dhcp", r"(?P<keep>after\":)\d+(?=,\"name\":\"dhcp(?:v6)?\")", "TimerSet", when="entropy"),
    rule("jitter", _DRAWN, "wait", _FIELD.format("wait", r"\d+"), "Dhcpv6StateEntered", when="entropy"),
    rule("clock", _TIME, "utc", _FIELD.format("(?:utc|delay|correction)", r"(?:-?\d+|null)"), "ClockSet"),
    rule("clock", _TIME, ">", _SYSLOG, "DatagramSent"),
    rule("clock", _TIME, "", r"(?P<keep>\[\"(?:Date|Last-Modified|Expires)\",\")[^\"]+", "HttpAnswered"),
)
"""The declared noise in texts."""
BYTES = "xid and secs of DHCP, transaction of DHCPv6, times of SNTP; writes to the phone's local log"
"""The declared noise in bytes, the rule ``bytes`` (:func:`without_bytes`)."""


@define
class Noise:
    """The rules of one comparison. dice: whether the runs have other entropy; masked: rule to how often it was
    needed."""

    rules: tuple[Rule, ...] = RULES
    dice: bool = True
    masked: Counter[str] = Factory(Counter)
    _of_kind: dict[str, tuple[Rule, ...]] = field(factory=dict)

    def same(self, a: Row, b: Row) -> bool:
        """Whether two events of a kind say the same, but for noise."""
        if a.data == b.data:
            return True
        used: list[str] = []
        if self.text(a) != self.text(b, used):
            return False
        self.masked.update(used)
        return True

    def text(self, row: Row, used: list[str] | None = None) -> str:
        """The event in JSON without its noise. used: takes the names of the rules that took something out."""
        text = without_bytes(row)
        if used is not None and text is not row.data:
            used.append("bytes")
        for each in self.of_kind(row.kind):
            if each.hint in text:
                text, times = each.pattern.subn(_kept, text)
                if times and used is not None:
                    used.append(each.name)
        return text

    def of_kind(self, kind: str) -> tuple[Rule, ...]:
        """The rules for events of a kind."""
        found = self._of_kind.get(kind)
        if found is None:
            found = tuple(r for r in self.rules if r.applies(kind) and (self.dice or r.when != "entropy"))
            self._of_kind[kind] = found
        return found


def _kept(found: re.Match[str]) -> str:
    """What stays is JSON: a mask for a whole value is a text."""
    keep = found["keep"] if "keep" in found.re.groupindex else ""
    return f'{keep}"{MASK}"' if keep.endswith(":") else keep + MASK


def without_bytes(row: Row) -> str:
    """The JSON of an event whose binary payload has its noise zeroed; of a write to the phone's local log, nothing."""
    data = row.data
    if row.kind in _UDP and _BINARY in data:
        start = data.index(_BINARY) + len(_BINARY)
        end = data.index('"', start)
        try:
            payload = without_noise(bytearray(binascii.a2b_base64(data[start:end])))
        except binascii.Error:
            return data
        return data[:start] + payload.hex() + data[end:]
    if row.kind == "FlashProgrammed" and _is_log(data):
        return MASK
    return data


def _is_log(data: str) -> bool:
    """Whether a flash write goes to the partition of the phone's local log, whose lines hold times."""
    found = re.match(r'\{"address":(\d+),', data)
    sector = int(found[1]) // _GEOMETRY.sector if found else -1
    return _LOG_PART.first <= sector < _LOG_PART.first + _LOG_PART.count


def without_noise(payload: bytearray) -> bytearray:
    """A datagram without transaction number, seconds and time stamps."""
    if payload[_DHCP_COOKIE] == b"\x63\x82\x53\x63":
        payload[4:10] = bytes(6)
    elif len(payload) == 48 and payload[0] & 7 in (3, 4):
        payload[2:48] = bytes(46)
    elif len(payload) > 8 and 1 <= payload[0] <= 13 and bytes(payload[4:6]) in (b"\0\1", b"\0\2", b"\0\3"):
        payload[1:4] = bytes(3)
    return payload


def added(texts: Iterable[str]) -> tuple[Rule, ...]:
    """Rules that a user adds: ``FIELD`` or ``KIND.FIELD`` takes the value of a field out, ``KIND/REGEX`` whatever the
    expression matches in the event's JSON (``*`` for any kind). Raises LogError."""
    return tuple(_added(text) for text in texts)


def _added(text: str) -> Rule:
    kind, slash, pattern = text.partition("/")
    if not slash:
        kind, name = text.split(".", 1) if "." in text else ("*", text)
        if not re.fullmatch(r"[a-z_0-9]+", name):
            raise LogError(f"--noise {text}: give FIELD, KIND.FIELD or KIND/REGEX, as in HttpAnswered.headers")
        pattern = rf'(?P<keep>"{name}":)(?:"(?:[^"\\]|\\.)*"|\[(?:[^\[\]"]|"(?:[^"\\]|\\.)*"|\[[^\]]*\])*\]|[^,}}\]]+)'
    if kind != "*" and kind not in VOCABULARY:
        near = get_close_matches(kind, VOCABULARY, 1)
        raise LogError(f"--noise {text}: unknown event kind {kind!r}" + (f"; did you mean {near[0]}?" if near else ""))
    try:
        return Rule(text, "yours", re.compile(pattern), () if kind == "*" else (kind,))
    except re.error as error:
        raise LogError(f"--noise {text}: not a regular expression ({error})") from None
