"""The FTP client: one file, binary, passive (PROV-118, RFC 959, RFC 1123 s.4.1, RFC 2428).

Two streams: ``ftp``, the control connection, and ``ftp-data``. Each command waits for its final reply: greeting, USER,
PASS, TYPE I, EPSV (PASV if that is refused), the data connection, RETR, QUIT. It begins with
:class:`~emulator.events.FtpStarted` and always ends with :class:`~emulator.events.TransferEnded`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from attrs import Factory

from emulator.events import (
    COMPLETE,
    Because,
    DownloadEnded,
    Entry,
    Event,
    FtpReplied,
    FtpStarted,
    PacketRefused,
    Payload,
    StreamClosed,
    StreamOpened,
    StreamReceived,
    StreamRequested,
    StreamSent,
    StreamShut,
    TransferEnded,
)
from emulator.phone.firmware import Reaction, applies, reacts
from emulator.phone.network import IPV4, family_of
from emulator.phone.parts import PartState, part
from emulator.wire import ftp as wire

if TYPE_CHECKING:
    from emulator.phone.state import Phone

CONTROL, DATA = "ftp", "ftp-data"
ANONYMOUS, ANONYMOUS_PASSWORD = "anonymous", "KX-UTG200B@"
"""A login that needs no account; by custom the password names who asks (RFC 1635)."""
REPLIES_LIMIT = 64
"""Replies of one session: a server that only ever says "wait" (1yz) must not hold the phone for ever."""
READ_AHEAD = wire.LINE_LIMIT
"""Bytes that a server may send before the command that they answer."""
NOT_AVAILABLE = 421
"""The server is closing the control connection; it may say so at any time (RFC 959 s.5.4)."""
_TYPE = re.compile(rb";type=[aid]\Z", re.IGNORECASE)


@part
class Ftp(PartState):
    """The read that is going on, if one is (``open``). name: what the file is for.

    started: entry of FtpStarted. stage: the last command, "" before the first; waiting: its final reply (before the
    first, the greeting) is still to come. unread: bytes of the control connection that are not read as a reply yet;
    code, replied: of the last reply, and its entry; replies: how many. begun: the server said that the data comes
    (1yz); done: that all of it was sent (2yz). chunks: what arrived, in pieces, size: bytes of it. over: entry that
    closed the data connection, 0 while it is not closed.
    """

    name: str = ""
    open: bool = False
    started: int = 0
    address: str = ""
    path: bytes = b""
    user: str = ""
    password: str = ""
    limit: int = 0
    connect_limit: int = 0
    idle_limit: int = 0
    stage: str = ""
    waiting: bool = True
    unread: bytes = b""
    code: int = 0
    replied: int = 0
    replies: int = 0
    begun: bool = False
    done: bool = False
    chunks: list[bytes] = Factory(list)
    size: int = 0
    over: int = 0


def remote_path(path: str) -> Payload:
    """What RETR asks for: the path of a URL, decoded, without the slash before it and without ``;type=`` (always I).

    RFC 1738 s.3.2.2 would have a CWD for each directory. One RETR with the whole path gets the same file wherever
    pathnames have slashes, in fewer round trips; as there, ``%2F`` in front makes the path absolute.
    """
    return Payload(_TYPE.sub(b"", unquote_to_bytes(path.removeprefix("/"))))


def body(phone: Phone) -> Payload:
    """All that arrived."""
    return Payload(b"".join(phone.ftp.chunks))


# --- What is remembered ---------------------------------------------------------------------------------------------


@applies("ftp", FtpStarted)
def started(phone: Phone, event: FtpStarted, entry: Entry) -> None:
    """A new read begins with nothing said and nothing heard."""
    login = (event.user, event.password)
    limits = (event.limit, event.connect_limit, event.idle_limit)
    phone.ftp = Ftp(event.name, True, entry.n, event.address, bytes(event.path), *login, *limits)


@applies("ftp", StreamSent)
def command_sent(phone: Phone, event: StreamSent, entry: Entry) -> None:
    """This command waits for its reply."""
    if event.name == CONTROL:
        phone.ftp.stage, phone.ftp.waiting = event.payload[:4].decode("latin-1"), True


@applies("ftp", StreamReceived)
def bytes_came(phone: Phone, event: StreamReceived, entry: Entry) -> None:
    """Pieces of replies, or of the file."""
    ftp = phone.ftp
    if not ftp.open:
        return
    if event.name == CONTROL:
        ftp.unread += event.payload
    elif event.name == DATA:
        ftp.chunks.append(bytes(event.payload))
        ftp.size += len(event.payload)


@applies("ftp", FtpReplied)
def reply_read(phone: Phone, event: FtpReplied, entry: Entry) -> None:
    """What the server said last, off the buffer."""
    ftp = phone.ftp
    ftp.unread = ftp.unread[event.size :]
    ftp.code, ftp.replied = event.code, entry.n
    ftp.replies += 1
    ftp.waiting = event.code < 200
    if ftp.stage == "RETR":
        ftp.begun = ftp.begun or event.code < 200
        ftp.done = 200 <= event.code < 300


@applies("ftp", StreamClosed)
def data_over(phone: Phone, event: StreamClosed, entry: Entry) -> None:
    """Nothing more comes on the data connection."""
    if event.name == DATA:
        phone.ftp.over = entry.n


@applies("ftp", TransferEnded)
def ended(phone: Phone, event: TransferEnded, entry: Entry) -> None:
    """Nothing is being read any more; the body and the password are let go."""
    phone.ftp = Ftp()


# --- What is done about it ------------------------------------------------------------------------------------------


@reacts(FtpStarted)
def connect(phone: Phone, event: FtpStarted, entry: Entry) -> Reaction:
    """Open the control connection, unless something of the order could not be sent as one command."""
    try:
        for verb, argument in (("USER", event.user), ("PASS", event.password)):
            wire.Command(verb, argument.encode()).encode()
        wire.Command("RETR", bytes(event.path)).encode()
    except wire.FtpError as error:
        return end(phone, error.reason)
    return (StreamRequested(CONTROL, event.address, event.port, event.connect_limit, event.idle_limit),)


@reacts(StreamOpened)
def opened(phone: Phone, event: StreamOpened, entry: Entry) -> Reaction:
    """With the data connection standing, the file is asked for; on the control connection the server speaks first."""
    if event.name == DATA and phone.ftp.open and phone.ftp.stage in ("EPSV", "PASV"):
        yield from say(phone, "RETR", phone.ftp.path)


@reacts(StreamReceived)
def received(phone: Phone, event: StreamReceived, entry: Entry) -> Reaction:
    """Read replies one at a time; stop a file that is too long at once (PROV-148)."""
    ftp = phone.ftp
    if not ftp.open:
        return ()
    if event.name == CONTROL:
        return listen(phone)
    if event.name == DATA and ftp.size > ftp.limit:
        return end(phone, "too-large")
    return ()


@reacts(FtpReplied)
def replied(phone: Phone, event: FtpReplied, entry: Entry) -> Reaction:
    """Act on a reply by its first digit (RFC 1123 s.4.1.2.11); after 1yz another one comes."""
    ftp = phone.ftp
    if event.code == NOT_AVAILABLE:
        return end(phone, "server-error")
    if ftp.replies > REPLIES_LIMIT:
        return end(phone, "garbage")
    return listen(phone) if event.code < 200 else AFTER[ftp.stage](phone, event)


@reacts(StreamSent)
def asked(phone: Phone, event: StreamSent, entry: Entry) -> Reaction:
    """The reply to a command may be here already, behind the one before it."""
    return listen(phone) if event.name == CONTROL and phone.ftp.stage != "QUIT" else ()


@reacts(StreamClosed)
def closed(phone: Phone, event: StreamClosed, entry: Entry) -> Reaction:
    """An orderly end of the data connection is the end of the file, any other the end of the read."""
    ftp = phone.ftp
    if not ftp.open or event.name not in (CONTROL, DATA):
        return ()
    if event.reason:
        return end(phone, event.reason)
    if ftp.done:
        return end(phone, COMPLETE) if ftp.over else ()
    return end(phone, "cut-off") if event.name == CONTROL or ftp.stage != "RETR" else ()


@reacts(DownloadEnded)
def given_up(phone: Phone, event: DownloadEnded, entry: Entry) -> Reaction:
    """The download ended before the read did: the address is gone, or a run takes the place of an update."""
    return end(phone, event.reason) if phone.ftp.open else ()


def listen(phone: Phone) -> Iterable[Event | Because]:
    """The next whole reply, if one is wanted and there; bytes that can become none end the read."""
    ftp = phone.ftp
    if not ftp.waiting:
        return end(phone, "garbage") if len(ftp.unread) > READ_AHEAD else ()
    try:
        found = wire.next_reply(ftp.unread)
    except wire.FtpError as error:
        return (PacketRefused("FTP", error.reason), *end(phone, "garbage"))
    if found is None:
        return ()
    reply, size = found
    return (FtpReplied(reply.code, reply.text, size),)


def say(phone: Phone, verb: str, argument: bytes = b"") -> Iterator[Because]:
    """Send a command; what it says comes from the order."""
    command = wire.Command(verb, argument).encode()
    yield Because(StreamSent(CONTROL, Payload(command)), (phone.ftp.started,))


def end(phone: Phone, how: str) -> Iterator[Event | Because]:
    """Close what is open, politely where the server still listens, and say what came of the read."""
    ftp, orders = phone.ftp, phone.orders
    if orders.streaming(DATA):
        yield StreamShut(DATA)
    if orders.streaming(CONTROL):
        if ftp.replies:
            yield from say(phone, "QUIT")
        yield StreamShut(CONTROL)
    arrived = body(phone)
    result = TransferEnded(ftp.name, how, ftp.code, len(arrived), sha256(arrived).hexdigest())
    yield Because(result, tuple(n for n in (ftp.started, ftp.replied, ftp.over) if n))


# --- What follows a final reply, by the command that it answers -----------------------------------------------------


def after_greeting(phone: Phone, event: FtpReplied) -> Reaction:
    """220: say who we are."""
    if event.code >= 300:
        return end(phone, "server-error")
    return say(phone, "USER", phone.ftp.user.encode())


def after_user(phone: Phone, event: FtpReplied) -> Reaction:
    """230: logged in already; 331: the password; anything else, also 332 (an account, which no URL has): refused."""
    if event.code < 300:
        return logged_in(phone)
    if event.code == 332 or event.code >= 400:
        return end(phone, "login-refused")
    anonymous = phone.ftp.user == ANONYMOUS and not phone.ftp.password
    return say(phone, "PASS", (ANONYMOUS_PASSWORD if anonymous else phone.ftp.password).encode())


def after_password(phone: Phone, event: FtpReplied) -> Reaction:
    """230, or 202: logged in."""
    return logged_in(phone) if event.code < 300 else end(phone, "login-refused")


def logged_in(phone: Phone) -> Reaction:
    """The file is wanted as it is, whatever the server takes for its default (PROV-118)."""
    return say(phone, "TYPE", b"I")


def after_type(phone: Phone, event: FtpReplied) -> Reaction:
    """200: bytes will come as they are."""
    return say(phone, "EPSV") if event.code < 300 else end(phone, "server-error")


def after_extended_passive(phone: Phone, event: FtpReplied) -> Reaction:
    """229: connect to that port of the same host; a server that does not know EPSV is asked by PASV, where it is an
    IPv4 one: PASV knows no other addresses (RFC 2428 s.1)."""
    if event.code >= 300:
        return say(phone, "PASV") if family_of(phone.ftp.address) == IPV4 else end(phone, "server-error")
    try:
        return data_connection(phone, wire.extended_passive(event.message))
    except wire.FtpError as error:
        return (PacketRefused("FTP", error.reason), *end(phone, "garbage"))


def after_passive(phone: Phone, event: FtpReplied) -> Reaction:
    """227: connect there, if it is the same host: a reply must not aim the phone at another one (RFC 2577 s.3)."""
    if event.code >= 300:
        return end(phone, "server-error")
    try:
        address, port = wire.passive(event.message)
    except wire.FtpError as error:
        return (PacketRefused("FTP", error.reason), *end(phone, "garbage"))
    return data_connection(phone, port) if address == phone.ftp.address else end(phone, "foreign-host")


def data_connection(phone: Phone, port: int) -> Reaction:
    """Connect to ``port`` of the server."""
    ftp = phone.ftp
    order = StreamRequested(DATA, ftp.address, port, ftp.connect_limit, ftp.idle_limit)
    return (Because(order, (ftp.started,)),)


def after_retrieve(phone: Phone, event: FtpReplied) -> Reaction:
    """226 or 250, before or after the data connection closes; a refusal when data had begun means that it broke off."""
    ftp = phone.ftp
    if event.code >= 300:
        return end(phone, "cut-off" if ftp.begun else "server-error")
    return end(phone, COMPLETE) if ftp.over else ()


AFTER = {
    "": after_greeting,
    "USER": after_user,
    "PASS": after_password,
    "TYPE": after_type,
    "EPSV": after_extended_passive,
    "PASV": after_passive,
    "RETR": after_retrieve,
}
"""Command to what follows its final reply."""
