"""HTTP requests and answers as they were on the wire, and the connection around them (RFC 9112)."""

from __future__ import annotations

from http import HTTPStatus

from emulator.events import COMPLETE, SECOND, Headers, HttpAnswered, HttpRequested
from tools.capture.connection import Connection

LONGEST_HANDSHAKE = SECOND // 100
"""ns. Which part of the time until the answer the handshake took, the log does not say."""
NO_ANSWER = ("connect-timeout", "unreachable")
CERTIFICATE = "certificate-"
PLAIN_PORT = 80


def port_of(request: HttpRequested) -> int:
    """Where the server stands in the capture: what was under TLS is at the port of what is in plain."""
    return PLAIN_PORT if request.tls else request.port


def note_on(request: HttpRequested) -> str:
    """What is to be said of each packet of a request besides its event."""
    return f", TLS taken off, port {request.port}" if request.tls else ""


def answer(connection: Connection, request: HttpRequested, event: HttpAnswered, time: int, n: int) -> None:
    """The connection of a request, behind its SYN, on to what came of it. time: of the answer (ns); n: its number."""
    if event.end in NO_ANSWER:
        connection.ask_in_vain(time)
        return
    if event.end == "refused":
        connection.refuse(time, n)
        return
    stands = connection.started + min((time - connection.started) // 2, LONGEST_HANDSHAKE)
    connection.stand(stands, connection.n)
    if event.end.startswith(CERTIFICATE):
        # A phone that does not trust its peer asks it for nothing (PROV-223).
        connection.phone_closes(time, n)
        return
    connection.say(stands, connection.n, request_bytes(request))
    if event.status:
        connection.hear(time, n, answer_bytes(event))
    close(connection, event.end, time, n)


def close(connection: Connection, end: str, time: int, n: int) -> None:
    """How a connection ends that stood: the phone hangs up on what it does not want, a silent host says nothing."""
    if end in (COMPLETE, "cut-off"):
        connection.host_closes(time, n)
    elif end == "idle-timeout":
        connection.settle(time)
    else:
        connection.phone_resets(time, n)


def request_bytes(request: HttpRequested) -> bytes:
    """A request without a body."""
    return head(f"{request.method} {request.target} HTTP/1.1", request.headers)


def answer_bytes(event: HttpAnswered) -> bytes:
    """An answer as far as it came. The log holds its body without the framing of chunks, which is put back."""
    start = head(f"HTTP/1.1 {event.status} {phrase(event.status)}", event.headers)
    if "chunked" not in (event.header("Transfer-Encoding") or "").lower():
        return start + event.body
    chunk = b"%x\r\n%b\r\n" % (len(event.body), event.body) if event.body else b""
    return start + chunk + (b"0\r\n\r\n" if event.end == COMPLETE else b"")


def head(first: str, headers: Headers) -> bytes:
    """A start line and headers. Their octets are those of ISO 8859-1, if anything (RFC 9110 s.5.5)."""
    lines = (first, *(f"{name}: {value}" for name, value in headers), "", "")
    return "\r\n".join(lines).encode("latin-1", "replace")


def phrase(status: int) -> str:
    """The reason phrase of a status; "" for one that has none. The log does not keep what the server said."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
