"""Single messages, byte by byte and field by field: the count-th input of a kind comes otherwise, or not at all.

What is changed is a message of the base's own run, so that its identifiers fit as long as the story does. Nothing here
can be refused when the story runs: a change sets whole fields that every input of the kind has. What the phone has
asked its world for is never dropped, for the world owes it an end.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from attrs import evolve

from emulator.events import DatagramReceived, FrameReceived, HttpAnswered, LookupAnswered, StreamReceived
from emulator.events.codec import payload_to_text
from emulator.wire import dhcp, sip
from tools.fuzz.dice import Dice
from tools.fuzz.mutators.draft import Draft
from tools.fuzz.mutators.files import STATUSES
from tools.fuzz.mutators.sources import odd_url, usual_url
from tools.fuzz.mutators.survey import Heard
from tools.fuzz.mutators.words import ADDRESSES

LATEST = 12
"""Inputs of a kind that are changed; later ones might not come before the calm."""
MOST_ANSWERS = 6
"""Answers to requests that are changed in one story: the phone tries again after each."""
CODES = (1, 3, 6, 12, 42, 43, 50, 51, 52, 53, 54, 55, 57, 58, 59, 66, 67, 120, 125, 150, 159, 160, 255)
HEADERS = (
    *("Call-ID", "CSeq", "From", "To", "Via", "Event", "Content-Type", "Content-Length", "Contact", "Max-Forwards"),
    *("Subscription-State", "Expires", "WWW-Authenticate", "Min-Expires"),
)
WORDS = (
    *("", "1 NOTIFY", "2 NOTIFY", "0 NOTIFY", "4294967296 NOTIFY", "1 SUBSCRIBE", "ua-profile", "message-summary", "0"),
    *("check-sync;reboot=true", "another-call@192.0.2.99", "<sip:a@b>;tag=other", "<sip:a@b>", "application/url", "-1"),
    *("text/plain", "999999", "x" * 400, "SIP/2.0/UDP 192.0.2.99:5060;branch=z9hG4bKother", "terminated", "active"),
)
HTTP_HEADERS: tuple[tuple[str, str], ...] = (
    *(("Content-Length", "0"), ("Content-Length", "999999"), ("Content-Length", "x"), ("Content-Length", "-1")),
    *(("Location", "http://192.0.2.21/KX-UTG200B.cfg"), ("Location", ""), ("Location", "/"), ("Location", "ftp://a/b")),
    *(
        ("Location", "https://192.0.2.20/KX-UTG200B.cfg"),
        ("Content-Encoding", "gzip"),
        ("Transfer-Encoding", "chunked"),
    ),
    *(("WWW-Authenticate", 'Basic realm="a"'), ("WWW-Authenticate", 'Digest realm="a", nonce="b", qop="auth-int"')),
    *(("WWW-Authenticate", "Digest"), ("WWW-Authenticate", 'Digest realm="a", nonce="b", algorithm=X, stale=true')),
    *(("Content-Type", "text/html"), ("Set-Cookie", "a=b"), ("Retry-After", "120"), ("X-Long", "x" * 3_000)),
)
ENDS = ("cut-off", "idle-timeout", "connect-timeout", "refused", "unreachable", "garbage", "complete", "complete")
Edit = Callable[[bytes, Draft], bytes]


# --- Bytes ----------------------------------------------------------------------------------------------------------


def bytewise(data: bytes, draft: Draft) -> bytes:
    """Some bytes other, more, fewer, or doubled."""
    dice, made = draft.dice, bytearray(data[:1_400])
    for _ in range(dice.choice((1, 1, 2, 4))):
        at = dice.below(len(made) + 1)
        way = dice.below(6)
        if way < 2 and at < len(made):
            made[at] ^= 1 << dice.below(8)
        elif way == 2 and at < len(made):
            made[at] = dice.choice((0, 1, 0x7F, 0x80, 0xFF, 0x20, 0x0D))
        elif way == 3:
            del made[at : at + dice.between(1, 8)]
        elif way == 4:
            made[at:at] = dice.bytes(dice.between(1, 8)) if dice.chance(500_000) else made[at : at + 16]
        else:
            del made[at:]
    return bytes(made)


def dhcp_edit(data: bytes, draft: Draft) -> bytes:
    """A DHCP message with options missing, doubled, other, in another order, or without an end."""
    message, dice = dhcp.parse(data), draft.dice
    found = list(message.options)
    for _ in range(dice.choice((1, 1, 2, 3))):
        place = dice.below(len(found)) if found else 0
        way = dice.below(6)
        if way == 0 and found:
            del found[place]
        elif way == 1 and found:
            found.insert(place, found[dice.below(len(found))])
        elif way == 2 and found:
            found[place] = found[place][0], bytewise(found[place][1], draft)[:255]
        elif way == 3 and found:
            found.append(found.pop(place))
        else:
            found.insert(place, option(draft))
    try:
        return evolve(message, options=tuple(found), **fields(dice)).encode()[:1_400]
    except (dhcp.DhcpError, ValueError):
        return bytewise(data, draft)


def option(draft: Draft) -> tuple[int, bytes]:
    """An option with a value of its kind, or of any."""
    dice, code = draft.dice, draft.dice.choice(CODES)
    if code in dhcp.TEXT_OPTIONS:
        return code, odd_url(draft, usual_url(draft)).encode()[:255]
    if code in (dhcp.LEASE_TIME, dhcp.T1, dhcp.T2):
        return code, dhcp.u32(dice.choice((0, 1, 60, 300, 86_400, 0xFFFFFFFF)))
    if code == dhcp.MESSAGE_TYPE:
        return code, bytes([dice.between(0, 9)])
    return code, dice.choice((dhcp.ip_to_bytes(dice.choice(ADDRESSES)), b"", b"\0", dice.bytes(dice.between(1, 12))))


def fields(dice: Dice) -> dict[str, Any]:
    """Fields in front of the options, which are mostly right."""
    if dice.chance(700_000):
        return {}
    name = dice.choice(("yiaddr", "siaddr", "giaddr", "ciaddr", "xid", "op", "flags"))
    if name.endswith("addr"):
        return {name: dice.choice((*ADDRESSES, "0.0.0.0", "255.255.255.255", "127.0.0.1", "224.0.0.1", "192.0.2.11"))}
    return {name: {"xid": dice.below(1 << 32), "op": dice.between(0, 3), "flags": 0x8000}[name]}


def sip_edit(data: bytes, draft: Draft) -> bytes:
    """A SIP message with lines missing, doubled or other, another start or another body."""
    dice = draft.dice
    head, blank, body = data.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    for _ in range(dice.choice((1, 1, 2, 3))):
        place, way = dice.below(len(lines)), dice.below(7)
        if way == 0 and place:
            del lines[place]
        elif way == 1 and place:
            lines.insert(place, lines[place])
        elif way == 2:
            lines.append(lines.pop(place)) if place else lines.__setitem__(0, start(dice))
        elif way == 3:
            body = odd_url(draft, usual_url(draft)).encode()
        else:
            name = dice.choice(HEADERS).encode()
            kept = [line for line in lines[1:] if not line.lower().startswith(name.lower() + b":")]
            word = dice.choice(WORDS).encode()
            lines = [lines[0], *kept, *([name + b": " + word] if word else [])]
    if dice.chance(800_000):
        lines = [line for line in lines if not line.lower().startswith(b"content-length:")]
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(lines) + (blank or b"\r\n\r\n") + body


def start(dice: Dice) -> bytes:
    """A start line."""
    lines = ("SIP/2.0 200 OK", "SIP/2.0 489 Bad Event", "SIP/2.0 100 Trying", "SIP/2.0 999 X", "NOTIFY sip:a@b SIP/2.0")
    return dice.choice(
        (*lines, "SUBSCRIBE sip:a SIP/2.0", "OPTIONS sip:a@b SIP/2.0", "NOTIFY sip:a@b SIP/3.0", "")
    ).encode()


def edited(heard: Heard, draft: Draft) -> bytes:
    """The bytes of a message, changed as befits them."""
    data = bytes(heard.event.body if isinstance(heard.event, HttpAnswered) else getattr(heard.event, "payload", b""))
    if draft.dice.chance(250_000):
        return bytewise(data, draft)
    for parse, edit in _KINDS:
        try:
            parse(data)
        except (dhcp.DhcpError, sip.SipError):
            continue
        return edit(data, draft)
    return bytewise(data, draft)


_KINDS: tuple[tuple[Callable[[bytes], object], Edit], ...] = ((dhcp.parse, dhcp_edit), (sip.parse, sip_edit))


# --- Kinds ----------------------------------------------------------------------------------------------------------


def packets(draft: Draft) -> bool:
    """A datagram is lost, another one comes in its place, or its bytes are other; it may come from elsewhere."""
    heard = draft.survey.heard.get("DatagramReceived", ())[:LATEST]
    if not heard:
        return False
    dice = draft.dice
    for _ in range(dice.choice((1, 1, 2))):
        one = dice.choice(heard)
        count = one.count if dice.chance(700_000) else dice.between(1, LATEST)
        if dice.chance(200_000):
            draft.change("DatagramReceived", count, "drop")
            continue
        values = {"payload": payload_to_text(edited(one, draft))}
        if isinstance(one.event, DatagramReceived) and (count != one.count or dice.chance(200_000)):
            event = one.event
            values |= {"source": event.source, "source_port": str(event.source_port), "port": str(event.port)}
        if dice.chance(100_000):
            values["source"] = dice.choice(ADDRESSES)
        draft.change("DatagramReceived", count, "set", set=values)
    return True


def early(draft: Draft) -> bool:
    """Right after the link has come up, a datagram or a frame is there that nobody has asked for."""
    kinds = [kind for kind in ("DatagramReceived", "FrameReceived") if kind in draft.survey.heard]
    if not kinds:
        return False
    dice = draft.dice
    one = dice.choice(draft.survey.heard[dice.choice(kinds)][:LATEST])
    fields: dict[str, object] = {"kind": one.event.kind, "payload": payload_to_text(edited(one, draft))}
    event = one.event
    if isinstance(event, DatagramReceived):
        fields |= {"source": event.source, "source_port": event.source_port}
        fields |= {"destination": event.destination, "port": event.port}
    draft.change("LinkUp", dice.between(1, 2), "insert", event=json.dumps(fields))
    return True


def answers(draft: Draft) -> bool:
    """An answer has another status, other headers, another body or another end; a name leads elsewhere."""
    dice, heard = draft.dice, draft.survey.heard
    if sum(change.input in ("HttpAnswered", "LookupAnswered") for change in draft.changes) >= MOST_ANSWERS:
        return False
    if "LookupAnswered" in heard and dice.chance(300_000):
        error = dice.choice(("", "", "timeout", "no-such-name", "server-failure"))
        found = [] if error else [dice.choice(ADDRESSES) for _ in range(dice.between(1, 3))]
        values = {"addresses": json.dumps(found), "error": error}
        draft.change("LookupAnswered", dice.between(1, 4), "set", set=values)
        return True
    answered = heard.get("HttpAnswered", ())[:LATEST]
    if not answered:
        return False
    one = dice.choice(answered)
    draft.change("HttpAnswered", one.count, "set", set=http_answer(one, draft))
    return True


def http_answer(one: Heard, draft: Draft) -> dict[str, str]:
    """All of an HTTP answer, with something other in it. One without a status did not come to its end."""
    event, dice = one.event, draft.dice
    assert isinstance(event, HttpAnswered)
    status, headers, body, end = event.status, list(event.headers), bytes(event.body), event.end
    for _ in range(dice.choice((1, 1, 2))):
        way = dice.below(5)
        if way == 0:
            status = dice.choice(STATUSES)
        elif way == 1:
            headers.append(dice.choice(HTTP_HEADERS))
        elif way == 2:
            added = dice.choice(HTTP_HEADERS)
            headers = [each for each in headers if each[0] != added[0]] + [added]
        elif way == 3:
            body = edited(one, draft)
        else:
            end = dice.choice(ENDS)
    if end in ("idle-timeout", "connect-timeout", "refused", "unreachable"):
        status, headers, body = 0, [], b""
    elif end == "complete" and status == 0:
        end = "garbage"
    return {"status": str(status), "headers": json.dumps(headers), "body": payload_to_text(body), "end": end}


def streams(draft: Draft) -> bool:
    """What comes over a connection, of FTP, is other."""
    heard = draft.survey.heard.get("StreamReceived", ())[:LATEST]
    frames = draft.survey.heard.get("FrameReceived", ())[:LATEST]
    if not heard and not frames:
        return False
    one = draft.dice.choice(heard or frames)
    assert isinstance(one.event, StreamReceived | FrameReceived | LookupAnswered | DatagramReceived | HttpAnswered)
    draft.change(one.event.kind, one.count, "set", set={"payload": payload_to_text(edited(one, draft))})
    return True
