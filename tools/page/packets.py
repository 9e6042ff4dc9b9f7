"""The bytes and bodies of an event as a page shows them: masked, cut, dissected."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable
from typing import Any, NamedTuple

from attrs import Factory, define

from emulator.events import (
    DatagramReceived,
    DatagramSent,
    Entry,
    Event,
    FileAnswered,
    FrameReceived,
    FrameSent,
    HttpAnswered,
    HttpRequested,
    ImportOffered,
    Payload,
    SettingsExported,
    StreamReceived,
    StreamSent,
)
from emulator.events.masking import HIDDEN, is_secret, printable
from emulator.wire import dhcp, dhcpv6, sip
from tools.masks import fields, hidden, is_file_block
from tools.page.dhcp_tree import Field, dhcp_fields, dhcpv6_fields
from tools.page.sip_tree import sip_fields, sip_note
from tools.page.starred import starred, starred_dhcp, starred_dhcpv6

MOST_BYTES = 2048
"""Bytes of a packet that stand in the page."""
MOST_TEXT = 8192
"""Characters of a body, or of any one field, that stand in the page."""
MOST_FIELDS = 400
"""Fields of a packet that are listed."""
CARRIERS = (DatagramSent, DatagramReceived, FrameSent, FrameReceived, StreamSent, StreamReceived)
BODIES = (HttpAnswered, FileAnswered, ImportOffered, SettingsExported)
UNREADABLE = (dhcp.DhcpError, dhcpv6.Dhcpv6Error, sip.SipError)
_OPEN_ELEMENT = re.compile(r"<([A-Z][A-Z0-9_]*)([^<>]*)>[^<]*\Z")
"""A value whose end did not arrive."""


class Protocol(NamedTuple):
    """How a protocol is masked and read. note: what was careless in a message."""

    name: str
    mask: Callable[[bytes], bytes]
    read: Callable[[bytes], tuple[Field, ...]]
    note: Callable[[bytes], str]


def no_fields(data: bytes) -> tuple[Field, ...]:
    """Of a protocol that is not dissected."""
    return ()


def no_note(data: bytes) -> str:
    """Nothing to say."""
    return ""


def dhcp_note(data: bytes) -> str:
    """What is careless in a DHCP message. Raises DhcpError."""
    return ", ".join(dhcp.parse(data).tolerances())


DHCP = Protocol("DHCP", starred_dhcp, dhcp_fields, dhcp_note)
DHCPV6 = Protocol("DHCPv6", starred_dhcpv6, dhcpv6_fields, no_note)
SIP = Protocol("SIP", starred, sip_fields, sip_note)
BYTES = Protocol("", starred, no_fields, no_note)
_BY_PORT = {67: DHCP, 68: DHCP, 546: DHCPV6, 547: DHCPV6, 5060: SIP}


@define
class Packets:
    """The packets of a page; equal ones, such as retransmissions, stand in it once."""

    secrets: bool
    drawn: list[dict[str, Any]] = Factory(list)
    known: dict[tuple[str, bytes], int] = Factory(dict)

    def details(self, entry: Entry) -> dict[str, Any]:
        """What the inspector shows of an entry: its fields, and its packet or its message."""
        event = entry.event
        found: dict[str, Any] = {"f": {name: cut(value) for name, value in fields(entry, self.secrets).items()}}
        if entry.due is not None and entry.due != entry.time:
            found["d"] = entry.due
        if isinstance(event, CARRIERS):
            found["f"].pop("payload")
            found["p"] = self.packet(event)
        elif isinstance(event, HttpRequested):
            found["h"] = request_of(found["f"])
        elif isinstance(event, BODIES):
            found["f"].pop("body")
            found["h"] = self.message(event, found["f"])
        return found

    def packet(self, event: Event) -> int:
        """The number of a packet in the page."""
        payload: bytes = event.payload  # type: ignore[attr-defined]
        is_piece = isinstance(event, StreamReceived) or is_file_block(event)
        if is_piece and not self.secrets:
            return self.kept("", b"", {"size": len(payload), "note": "a piece of a file may hold secrets"})
        protocol = protocol_of(event)
        shown = payload if self.secrets else protocol.mask(payload)
        key = protocol.name, shown
        if key not in self.known:
            self.known[key] = self.kept(*key, dissected(protocol, shown))
        return self.known[key]

    def kept(self, name: str, shown: bytes, rest: dict[str, Any]) -> int:
        """Put a packet into the page."""
        data = b64encode(shown[:MOST_BYTES]).decode("ascii")
        self.drawn.append({"name": name, "size": len(shown), "bytes": data, "note": "", "tree": [], **rest})
        return len(self.drawn) - 1

    def message(self, event: Event, found: dict[str, Any]) -> dict[str, Any]:
        """An answer, or a file that somebody brings or takes away."""
        body: Payload = event.body  # type: ignore[attr-defined]
        text = readable(body, self.secrets)
        shown: dict[str, Any] = {"size": len(body)}
        if text is None:
            shown["note"] = "not text"
        else:
            shown["body"], shown["cut"] = text[:MOST_TEXT], len(text) > MOST_TEXT
        if isinstance(event, HttpAnswered):
            shown["start"] = f"HTTP {event.status}" if event.status else "no status line"
            shown["headers"] = found.pop("headers")
        return shown


def protocol_of(event: Event) -> Protocol:
    """What a packet is by its ports; a frame or a piece of a stream is bytes."""
    if not isinstance(event, DatagramSent | DatagramReceived):
        return BYTES
    return _BY_PORT.get(event.port) or _BY_PORT.get(event.source_port) or BYTES


def dissected(protocol: Protocol, data: bytes) -> dict[str, Any]:
    """The tree of a packet, or why there is none."""
    try:
        tree = protocol.read(data)
        careless = protocol.note(data)
    except UNREADABLE as error:
        return {"note": f"cannot be read: {error.reason}"}
    more = f"the first {MOST_FIELDS} of {len(tree)} fields" if len(tree) > MOST_FIELDS else ""
    careless = f"careless: {careless}" if careless else ""
    return {"tree": [node(field) for field in tree[:MOST_FIELDS]], "note": "; ".join(filter(None, (careless, more)))}


def node(field: Field) -> list[Any]:
    """A field as JSON holds it."""
    own = [field.name, printable(field.value[:MOST_TEXT]), field.at, field.size]
    return [*own, [node(part) for part in field.parts]] if field.parts else own


def request_of(found: dict[str, Any]) -> dict[str, Any]:
    """A request as it was on the wire, out of its masked fields."""
    return {"start": f"{found['method']} {found['target']} HTTP/1.1", "headers": found.pop("headers"), "size": 0}


def readable(body: bytes, secrets: bool) -> str | None:
    """``body`` as text with its secrets hidden, None for what is no text: a secret in that would not be found."""
    if b"\0" in body:
        return None
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return text if secrets else _OPEN_ELEMENT.sub(_unfinished, hidden(text))


def _unfinished(found: re.Match[str]) -> str:
    tag, attributes = found.groups()
    return f"<{tag}{attributes}>{HIDDEN}" if is_secret(tag) else found[0]


def cut(value: Any) -> Any:
    """A field, and of a text that is too long the beginning."""
    if isinstance(value, str) and len(value) > MOST_TEXT:
        return f"{value[:MOST_TEXT]}… ({len(value):,} characters)"
    return value
