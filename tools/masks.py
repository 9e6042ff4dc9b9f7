"""Events as values for programs, with secrets hidden unless they are asked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import accumulate, pairwise
from typing import Any

import attrs

from emulator.events import (
    DatagramReceived,
    Entry,
    Event,
    HttpRequested,
    PageSubmitted,
    Payload,
    SettingChanged,
    SettingEntered,
    StreamReceived,
)
from emulator.events.codec import payload_to_text
from emulator.events.masking import HIDDEN, hide_login, hide_passwords, is_secret, star_passwords
from emulator.phone.tftp import FIRST_PORT
from emulator.wire import dhcp, dhcpv6, tftp

Options = tuple[tuple[int, bytes], ...]
VENDOR = dhcpv6.VENDOR_OPTIONS
_ELEMENT = re.compile(r"<([A-Z][A-Z0-9_]*)([^<>]*)>([^<>]*)</\1>")


def entry_json(entry: Entry, secrets: bool) -> dict[str, Any]:
    """An entry as an object; payloads as text (see :mod:`emulator.events.codec`)."""
    return {
        "n": entry.n,
        "time": entry.time,
        "due": entry.due,
        "phone": entry.phone,
        "kind": entry.event.kind,
        "cause": entry.cause,
        "because": list(entry.because),
        "data": fields(entry, secrets),
    }


def fields(entry: Entry, secrets: bool) -> dict[str, Any]:
    """The fields of an event as plain values."""
    event = entry.event
    raw = attrs.asdict(event, recurse=False)
    if secrets:
        return {name: plain(value) for name, value in raw.items()}
    found = {name: plain(without_logins(value)) for name, value in raw.items()}
    if isinstance(event, SettingChanged | SettingEntered | PageSubmitted) and is_secret(event.key) and event.value:
        found["value"] = HIDDEN
    if isinstance(event, HttpRequested):
        found["headers"] = [[n, HIDDEN if n.lower() == "authorization" else v] for n, v in event.headers]
    if found.get("password"):
        found["password"] = HIDDEN
    for name in ("image", "data"):
        if isinstance(getattr(event, name, None), bytes):
            found[name] = f"({len(getattr(event, name))} bytes; flash content may hold secrets)"
    if isinstance(event, StreamReceived) or is_file_block(event):
        # A secret may begin in one piece and end in the next, so no piece can be masked by itself.
        found["payload"] = f"({len(raw['payload'])} bytes; a piece of a file may hold secrets)"
    return {name: hidden(value) for name, value in found.items()}


def is_file_block(event: Event) -> bool:
    """Whether ``event`` brings a block of a file: a secret in it may be cut in two, so that no pattern finds it."""
    if not isinstance(event, DatagramReceived) or event.port < FIRST_PORT:
        return False
    try:
        return isinstance(tftp.parse(event.payload), tftp.Data)
    except tftp.TftpError:
        return False


def without_logins(value: Any) -> Any:
    """A payload with the password of each URL in it overwritten; in a DHCP message, option by option."""
    if not isinstance(value, Payload):
        return value
    try:
        message = dhcp.parse(value)
    except dhcp.DhcpError:
        return Payload(star_passwords(without_vendor_logins(value)))
    options = joined(message.options, lambda code, text: star_passwords(text) if code in dhcp.TEXT_OPTIONS else text)
    return Payload(attrs.evolve(message, options=options).encode())


def joined(options: Options, star: Callable[[int, bytes], bytes]) -> Options:
    """DHCP options with ``star``, which keeps lengths, done to each as the whole that its parts are (RFC 3396)."""
    parts: dict[int, list[bytes]] = {}
    for code, value in options:
        parts.setdefault(code, []).append(value)
    pieces: dict[int, Iterator[bytes]] = {}
    for code, values in parts.items():
        whole = star(code, b"".join(values))
        ends = accumulate(map(len, values), initial=0)
        pieces[code] = iter([whole[first:end] for first, end in pairwise(ends)])
    return tuple((code, next(pieces[code])) for code, _ in options)


def without_vendor_logins(value: bytes) -> bytes:
    """A DHCPv6 message with the passwords of the vendor's sub-options overwritten; anything else as it is."""
    try:
        message = dhcpv6.parse(value)
        options = tuple((code, vendor_option(text) if code == VENDOR else text) for code, text in message.options)
        return attrs.evolve(message, options=options).encode()
    except dhcpv6.Dhcpv6Error:
        return value


def vendor_option(value: bytes) -> bytes:
    """Option 17 with the password of each URL in it overwritten. Raises Dhcpv6Error if it cannot be read."""
    vendor = dhcpv6.Vendor.read(value)
    return attrs.evolve(vendor, options=tuple((code, star_passwords(text)) for code, text in vendor.options)).encode()


def plain(value: Any) -> Any:
    """A field as JSON can hold it."""
    if isinstance(value, bytes):
        return payload_to_text(value)
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    return value


def hidden(value: Any) -> Any:
    """``value`` with the secrets in its texts replaced: URL passwords, login headers, secret parameters of files."""
    if isinstance(value, list):
        return [hidden(item) for item in value]
    if not isinstance(value, str):
        return value
    return _ELEMENT.sub(_element, hide_login(hide_passwords(value)))


def shows_secret(data: bytes) -> bool:
    """Whether something in ``data``, as text, would be hidden."""
    text = payload_to_text(data)
    return bool(hidden(text) != text)


def _element(found: re.Match[str]) -> str:
    tag, attributes, value = found.groups()
    return f"<{tag}{attributes}>{HIDDEN if value and is_secret(tag) else value}</{tag}>"
