"""A SIP message as a list of its lines, each with the place of its bytes."""

from __future__ import annotations

from emulator.wire import sip
from tools.page.dhcp_tree import Field


def sip_fields(data: bytes) -> tuple[Field, ...]:
    """The start line, the header fields and the body of a message. Raises SipError."""
    message = sip.parse(data)
    fields = [Field("request" if message.is_request else "response", message.start_line, 0, len(message.start))]
    at = len(message.start)
    for header in message.headers:
        fields.append(Field(header.name, header.value, at, len(header.raw)))
        at += len(header.raw)
    at += len(message.separator)
    if message.body:
        fields.append(Field("body", message.body.decode("utf-8", "replace"), at, len(message.body)))
    return tuple(fields)


def sip_note(data: bytes) -> str:
    """What had to be overlooked to read a message, in a line. Raises SipError."""
    return ", ".join(sip.parse(data).tolerances())
