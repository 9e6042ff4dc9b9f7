"""Changing what happens to a phone: one field of an input, one input more or less, another file.

Fields are named as in ``offhook events``, and values are written as text. What an input carries has names too:

- of a DHCP message ``option160`` and its like, ``yiaddr``, ``siaddr``, ``giaddr``;
- of a SIP message ``start``, ``header.NAME`` and ``body``; of an HTTP answer ``header.NAME``.

An empty value takes an option or a header away.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any, get_type_hints

import attrs
import msgspec
from attrs import Factory, define

from emulator.events import INPUT_KINDS, VOCABULARY, Event, HttpAnswered, Payload, Role
from emulator.events.codec import EventDecoder, EventError, text_to_payload
from emulator.wire import dhcp, sip
from emulator.world.scenario import ChangeSpec

_OPTION = re.compile(r"option[0-9]{1,3}")
Place = tuple[int, str]
"""A phone, and a kind of input."""


class ChangeError(ValueError):
    """A change that cannot be made; the text is one line for a person."""


@define
class Changes:
    """The changes of a story, and how far it is. seen: how many inputs of each kind each phone has taken."""

    specs: tuple[ChangeSpec, ...] = ()
    seen: dict[Place, int] = Factory(dict)

    def fork(self) -> Changes:
        """Those that go on from here."""
        return Changes(self.specs, self.seen.copy())

    def of(self, phone: int, event: Event) -> tuple[ChangeSpec, ...]:
        """The changes at this input, which the phone is about to take; it counts."""
        place = (phone, event.kind)
        count = self.seen[place] = self.seen.get(place, 0) + 1
        if not self.specs:
            return ()
        return tuple(spec for spec in self.specs if (spec.phone, spec.input) == place and spec.count == count)


def altered(event: Event, values: Mapping[str, str]) -> Event:
    """``event`` with other values. Raises ChangeError."""
    for name, text in values.items():
        event = _altered(event, name, text)
    return event


@cache
def hints(kind: str) -> Mapping[str, Any]:
    """The types of the fields of a kind of event."""
    return get_type_hints(VOCABULARY[kind])


def _altered(event: Event, name: str, text: str) -> Event:
    inner = _inside(event, name, text)
    if inner is not None:
        return inner
    kinds = hints(event.kind)
    fields = [field.name for field in attrs.fields(type(event))]
    if name not in fields:
        near = get_close_matches(name, [*fields, *_names(event)], 1)
        hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join([*fields, *_names(event)])}"
        raise ChangeError(f"{event.kind} has no {name!r}; {hint}")
    try:
        return attrs.evolve(event, **{name: value_of(text, kinds[name])})
    except (ValueError, TypeError, EventError, msgspec.MsgspecError) as error:
        reason = getattr(error, "reason", None) or str(error)
        raise ChangeError(f"{event.kind}.{name}: {text!r} is not a value of it ({reason})") from None


def value_of(text: str, kind: Any) -> Any:
    """``text`` as a value of a field: texts as they are, bytes in hex, anything else as JSON. Raises ValueError."""
    if kind is Payload:
        return text_to_payload(text)
    if kind is bytes:
        return bytes.fromhex(text)
    if kind is str or (kind == str | None and text != "null"):
        return text
    return msgspec.convert(json.loads(text), kind)


def _names(event: Event) -> list[str]:
    """What may be changed in an event besides its fields."""
    if isinstance(event, HttpAnswered):
        return ["header.NAME"]
    payload = getattr(event, "payload", b"")
    if _read(dhcp.parse, payload) is not None:
        return ["option160", "yiaddr", "siaddr", "giaddr"]
    return ["start", "header.NAME", "body"] if _read(sip.parse, payload) is not None else []


def _inside(event: Event, name: str, text: str) -> Event | None:
    """The event with something in what it carries changed; None if the name is of no such thing."""
    if isinstance(event, HttpAnswered) and name.startswith("header."):
        wanted = name.removeprefix("header.")
        return attrs.evolve(event, headers=with_header(event.headers, wanted, text))
    payload = getattr(event, "payload", None)
    if not isinstance(payload, bytes):
        return None
    message = _read(dhcp.parse, payload)
    if message is not None and (_OPTION.fullmatch(name) or name in ("yiaddr", "siaddr", "giaddr")):
        return attrs.evolve(event, payload=Payload(with_dhcp(message, name, text)))  # type: ignore[call-arg]
    said = _read(sip.parse, payload) if message is None else None
    if said is not None and (name in ("start", "body") or name.startswith("header.")):
        return attrs.evolve(event, payload=Payload(with_sip(payload, name, text)))  # type: ignore[call-arg]
    return None


def _read(parse: Callable[[bytes], Any], data: bytes) -> Any:
    try:
        return parse(data)
    except (dhcp.DhcpError, sip.SipError):
        return None


def with_dhcp(message: dhcp.Message, name: str, text: str) -> bytes:
    """A DHCP message with one option or address changed. Raises ChangeError."""
    try:
        if not name.startswith("option"):
            fields: dict[str, Any] = {name: text}
            return attrs.evolve(message, **fields).encode()
        code = int(name.removeprefix("option"))
        value = text.encode() if code in dhcp.TEXT_OPTIONS else _option(code, text)
        return as_long(message, attrs.evolve(message, options=with_option(message.options, code, value)))
    except (ValueError, dhcp.DhcpError) as error:
        raise ChangeError(f"{name}: {text!r} cannot stand there ({error})") from None


def as_long(before: dhcp.Message, message: dhcp.Message) -> bytes:
    """A message that got shorter, filled up behind its end as senders do (RFC 1542 s.2.1), so that only the option is
    missed."""
    made = message.encode()
    missing = min(len(before.encode()), dhcp.MINIMUM) - len(made)
    if missing <= 0 or not any(code == dhcp.END for code, _ in message.options):
        return made
    return attrs.evolve(message, tail=message.tail + bytes(missing)).encode()


def _option(code: int, text: str) -> bytes:
    if "." in text:
        return b"".join(dhcp.ip_to_bytes(each.strip()) for each in text.split(","))
    if code in (dhcp.LEASE_TIME, dhcp.T1, dhcp.T2) and text.isdigit():
        return dhcp.u32(int(text))
    return bytes.fromhex(text)


def with_option(options: tuple[tuple[int, bytes], ...], code: int, value: bytes) -> tuple[tuple[int, bytes], ...]:
    """Options with one replaced, added before the end, or, if ``value`` is empty, taken away."""
    kept = [(each, old) for each, old in options if each != code]
    if not value:
        return tuple(kept)
    places = [place for place, (each, _) in enumerate(options) if each == code]
    end = next((place for place, (each, _) in enumerate(kept) if each == dhcp.END), len(kept))
    kept.insert(places[0] if places else end, (code, value))
    return tuple(kept)


def with_sip(payload: bytes, name: str, text: str) -> bytes:
    """A SIP message with its start line, one header or its body changed; Content-Length follows the body."""
    head, blank, body = payload.partition(b"\r\n\r\n")
    start, *lines = head.decode("utf-8", "surrogateescape").split("\r\n")
    headers = tuple((line.partition(":")[0].strip(), line.partition(":")[2].strip()) for line in lines)
    if name == "start":
        start = text
    elif name == "body":
        body = text_to_payload(text)
        headers = with_header(headers, "Content-Length", str(len(body)))
    else:
        headers = with_header(headers, name.removeprefix("header."), text)
    lines = [start, *(f"{key}: {value}" for key, value in headers)]
    return "\r\n".join(lines).encode("utf-8", "surrogateescape") + (blank or b"\r\n\r\n") + body


def with_header(headers: tuple[tuple[str, str], ...], name: str, text: str) -> tuple[tuple[str, str], ...]:
    """Headers with the first of a name replaced, or added, or, if ``text`` is empty, all of it taken away."""
    kept = [(key, value) for key, value in headers if key.lower() != name.lower()]
    if not text:
        return tuple(kept)
    places = [place for place, (key, _) in enumerate(headers) if key.lower() == name.lower()]
    kept.insert(places[0] if places else len(kept), (headers[places[0]][0] if places else name, text))
    return tuple(kept)


def event_of(text: str) -> Event:
    """The input in ``text``: a kind without fields, or JSON such as ``{"kind": "LinkDown"}``. Raises ChangeError."""
    try:
        fields = {"kind": text.strip()} if text.strip().isidentifier() else json.loads(text)
        kind = fields.pop("kind")
        cls = VOCABULARY[kind]
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise ChangeError('an event is JSON with its kind, as in {"kind": "LinkDown"}') from None
    except KeyError as error:
        near = get_close_matches(str(error.args[0]), VOCABULARY, 1)
        raise ChangeError(f"unknown event kind {error}" + (f"; did you mean {near[0]}?" if near else "")) from None
    if cls.role is not Role.INPUT:
        raise ChangeError(f"{kind} is what a phone does; only what happens to it can be inserted (`offhook events`)")
    try:
        return EventDecoder(no_blob).decode(kind, json.dumps(fields))
    except EventError as error:
        raise ChangeError(f"{kind}: {error.reason}") from None


def no_blob(digest: str) -> bytes:
    """What is inserted brings its bytes along."""
    raise KeyError(digest)


def faults(spec: ChangeSpec) -> str:
    """What is wrong with a change before it meets any event; "" if nothing is."""
    if spec.input not in INPUT_KINDS:
        near = get_close_matches(spec.input, sorted(INPUT_KINDS), 1)
        return f"{spec.input!r} is no kind of input" + (f"; did you mean {near[0]}?" if near else "")
    if spec.do == "set" and not spec.set:
        return "set: what is to be set?"
    if spec.do == "serve" and not (spec.url and spec.file):
        return "serve: give url and file"
    if spec.do == "insert":
        try:
            event_of(spec.event)
        except ChangeError as error:
            return f"insert: {error}"
    return ""
