"""Events taken apart into named values, so that a difference has a name: of an option, a header, a parameter."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

from emulator.events import DatagramReceived, DatagramSent, Entry, Event, FileAnswered, FlashFitted, HttpAnswered
from emulator.events.masking import HIDDEN, duration, hide_login, hide_passwords, is_secret, printable
from emulator.phone import configfile
from emulator.wire import dhcp
from flash_image import ChipFault, ImageError, LayoutError, unpack
from tools.diff.model import Change
from tools.diff.noise import MASK, without_noise
from tools.masks import fields as masked_fields

ADDRESSES = frozenset((dhcp.SUBNET_MASK, dhcp.ROUTER, dhcp.DNS, dhcp.NTP, dhcp.SERVER_ID, dhcp.REQUESTED_ADDRESS))
SECONDS = frozenset((dhcp.LEASE_TIME, dhcp.T1, dhcp.T2))
TIMES = frozenset(("after", "wait", "took", "lease", "t1", "t2", "valid", "refresh", "connect_limit", "idle_limit"))
"""Fields that are times, in ns; those of a DHCP message as it was read are seconds, and stay numbers."""
FORM = "form"
"""The part of a file that says whether it is one; if that differs, nothing else of it matters."""
LONGEST = 120
"""Characters of a value that are told."""

Parts = dict[str, tuple[str, str]]
"""Name to a value: as it is compared, and as it may be shown."""


def changes(a: Entry, b: Entry, clean_a: Mapping[str, Any], clean_b: Mapping[str, Any]) -> tuple[Change, ...]:
    """In what two events of a kind differ. clean: their fields in JSON, without noise."""
    first, second = parts(a, clean_a), parts(b, clean_b)
    names = [*first, *(name for name in second if name not in first)]
    unlike = [name for name in names if (first.get(name) or ("",))[0] != (second.get(name) or ("",))[0]]
    found = tuple(Change(name, _shown(first.get(name)), _shown(second.get(name))) for name in unlike)
    return found or (Change("value", "one", "another"),)


def _shown(part: tuple[str, str] | None) -> str | None:
    if part is None:
        return None
    text = printable(part[1])
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def parts(entry: Entry, clean: Mapping[str, Any]) -> Parts:
    """The parts of an event."""
    shown = masked_fields(entry, secrets=False)
    found: Parts = {}
    for name, value in clean.items():
        inner = dict(_inside(entry.event, name, value))
        if inner:
            found.update(inner)
        else:
            timed = name in TIMES and not entry.event.kind.endswith("Received")
            found[name] = (json.dumps(value), MASK if value == MASK else _text(shown.get(name, value), timed))
    return found


def _text(value: Any, timed: bool) -> str:
    """A value for a person. timed: it is a time (ns)."""
    if timed and isinstance(value, int) and value >= 0:
        return duration(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _inside(event: Event, name: str, value: Any) -> Iterator[tuple[str, tuple[str, str]]]:
    """The parts of a field that has some; none for one that is a value."""
    if name == "payload" and isinstance(event, DatagramSent | DatagramReceived):
        yield from _datagram(event.payload, value)
    elif name == "body" and isinstance(event, HttpAnswered | FileAnswered):
        yield from _file(event.body)
    elif name == "headers" and isinstance(value, list):
        for header, text in value:
            yield f"header {header}", (text, HIDDEN if header.lower() == "authorization" else hide_passwords(text))
    elif name == "image" and isinstance(event, FlashFitted):
        yield from _image(event.image)


def _datagram(payload: bytes, text: Any) -> Iterator[tuple[str, tuple[str, str]]]:
    try:
        yield from _dhcp(dhcp.parse(bytes(without_noise(bytearray(payload)))))
        return
    except dhcp.DhcpError:
        pass
    if isinstance(text, str) and "SIP/2.0" in text[:400]:
        head, _, body = text.partition("\r\n\r\n")
        first, *lines = head.split("\r\n")
        yield "start line", (first, hide_passwords(first))
        for line in lines:
            name, _, value = line.partition(":")
            yield f"header {name.strip()}", (value.strip(), hide_passwords(hide_login(line).partition(":")[2].strip()))
        yield "body", (body, hide_passwords(body))


def _dhcp(message: dhcp.Message) -> Iterator[tuple[str, tuple[str, str]]]:
    for name in ("ciaddr", "yiaddr", "siaddr", "giaddr", "flags"):
        text = str(getattr(message, name))
        yield name, (text, text)
    for name in ("chaddr", "sname", "file"):
        raw = getattr(message, name).rstrip(b"\0")
        yield name, (raw.hex(), raw.hex() if name == "chaddr" else raw.decode("latin-1"))
    for code, value in message.options:
        if code not in (dhcp.PAD, dhcp.END):
            yield f"option {code}", (value.hex(), option_text(code, value))
    if message.tail.strip(b"\0"):
        yield "tail", (message.tail.hex(), message.tail.hex())


def option_text(code: int, value: bytes) -> str:
    """The value of a DHCP option for a person."""
    if code in ADDRESSES and len(value) % 4 == 0:
        return ", ".join(dhcp.bytes_to_ip(value[at : at + 4]) for at in range(0, len(value), 4))
    if code in SECONDS and len(value) == 4:
        return f"{int.from_bytes(value, 'big')} s"
    if code == dhcp.MESSAGE_TYPE and len(value) == 1:
        return dhcp.type_name(value[0])
    if code in dhcp.TEXT_OPTIONS:
        return hide_passwords(value.decode("utf-8", "backslashreplace"))
    return value.hex()


def _file(body: bytes) -> Iterator[tuple[str, tuple[str, str]]]:
    """The parameters of a configuration file; of another body, its size and digest."""
    try:
        read = configfile.parse(body)
    except configfile.FormatError as error:
        text = f"{len(body)} bytes, SHA-256 {sha256(body).hexdigest()[:16]}"
        yield FORM, ("none", f"no configuration file ({error.reason})")
        yield "body", (text, text)
        return
    yield FORM, ("file", "a configuration file")
    for name in ("standard", "product", "master"):
        if url := getattr(read, name):
            yield f"URL of {name}", (url, hide_passwords(url))
    for entry in read.entries:
        value = HIDDEN if entry.value and is_secret(entry.key) else hide_passwords(entry.value)
        marks = "".join(f", {mark}" for mark in (entry.perm, entry.access) if mark)
        yield entry.key, (f"{entry.value}{marks}", f"{value}{marks}")
    digest = sha256(body).hexdigest()
    yield "wording", ("" if read.entries else digest, f"SHA-256 {digest[:16]}")


def _image(image: bytes) -> Iterator[tuple[str, tuple[str, str]]]:
    """What is on a flash chip, by name, and the sectors as they are."""
    from tools.flash.facts import chip_facts, fault_facts
    from tools.flash.reading import look

    try:
        chip = unpack(image)
        found = look(chip)
        facts = {**chip_facts(found), **fault_facts(chip)}
    except (ImageError, LayoutError, ChipFault):
        return
    for (section, name), fact in facts.items():
        yield f"{section} {name}".strip(), (repr(fact), fact.text)
    for setting in found.settings:
        value = setting.value
        secret = is_secret(setting.key) and bool(value)
        yield f"{setting.layer} {setting.key}", (repr(setting), HIDDEN if secret else hide_passwords(value))
    for sector, data in sorted(chip.sectors.items()):
        digest = sha256(bytes(data)).hexdigest()[:16]
        yield f"sector {sector}", (digest, f"SHA-256 {digest}")
