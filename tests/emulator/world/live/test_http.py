"""One HTTP request as the phone ordered it, and whatever a server makes of it: an answer or a fixed code."""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
from typing import Any

import attrs
import pytest
import trio
import trustme

from emulator.events import SECOND, HttpAnswered, HttpRequested
from emulator.world.live.http import carried
from emulator.world.live.trust import context_of
from tests.emulator.world.live.peers import Peer, Talk, request_in, saying, serving

HEADERS = (("Host", "files.example"), ("User-Agent", "Panasonic_X/1 (0080f0123456)"), ("Connection", "close"))
SHORT = SECOND // 2


def ordered(port: int, **changes: Any) -> HttpRequested:
    """A request to a port of this machine."""
    fields: dict[str, Any] = {
        "host": "files.example",
        "tls": False,
        "roots": (),
        "target": "/a%20b?c=d",
        "headers": HEADERS,
        "limit": 50_000,
        "connect_limit": 5 * SECOND,
        "idle_limit": 5 * SECOND,
    }
    return HttpRequested(name="initial", method="GET", address="127.0.0.1", port=port, **fields | changes)


def answer(event: HttpRequested, context: ssl.SSLContext | None = None) -> HttpAnswered:
    """What comes of a request."""

    async def main() -> HttpAnswered:
        with trio.fail_after(20):
            return await carried(event, 3, "127.0.0.1", context)

    return trio.run(main)


def answered(talk: Talk, **changes: Any) -> tuple[HttpAnswered, Peer]:
    """What comes of a request to a server that does ``talk``."""
    with serving(talk) as peer:
        return answer(ordered(peer.port, **changes)), peer


GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nSet-Cookie: a=b\r\nX-Two: 1\r\nX-Two: 2\r\n\r\nbody"


def test_the_request_is_what_was_ordered_to_the_byte() -> None:
    """No header of a library, no cookie, no login, no other order; the target is not rewritten (PROV-117)."""
    found, peer = answered(saying(GOOD))
    head = b"GET /a%20b?c=d HTTP/1.1", b"Host: files.example", b"User-Agent: Panasonic_X/1 (0080f0123456)"
    assert peer.seen == [b"\r\n".join((*head, b"Connection: close", b"", b""))]
    assert (found.name, found.ordinal, found.status, found.body, found.end) == ("initial", 3, 200, b"body", "complete")
    assert [value for name, value in found.headers if name == "X-Two"] == ["1", "2"]


def test_through_a_proxy_the_target_is_the_whole_url() -> None:
    """PROV-114."""
    _, peer = answered(saying(GOOD), target="http://files.example/x.cfg")
    assert peer.seen[0].startswith(b"GET http://files.example/x.cfg HTTP/1.1\r\n")


def test_the_environment_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "all_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1/")
    assert answered(saying(GOOD))[0].end == "complete"


def test_a_redirect_and_a_challenge_are_the_phones_business() -> None:
    for head in (b"302 Found\r\nLocation: http://127.0.0.1:1/", b'401 No\r\nWWW-Authenticate: Basic realm="x"'):
        found, peer = answered(saying(b"HTTP/1.1 " + head + b"\r\nContent-Length: 0\r\n\r\n"))
        assert (found.status, found.end, len(peer.seen)) == (int(head[:3]), "complete", 1)


def test_nothing_is_unpacked() -> None:
    """A compressed bomb is as small as it came, and what a phone does with it is the phone's business."""
    bomb = gzip.compress(bytes(10_000_000))
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n".encode()
    found, _ = answered(saying(head, bomb))
    assert (found.body, found.end) == (bomb, "complete")


def test_chunks_are_put_together() -> None:
    text = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    assert answered(saying(text))[0].body == b"abcde"


def endless(connection: socket.socket, peer: Peer) -> None:
    """A body without an end."""
    request_in(connection, peer)
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while not peer.released.is_set():
        connection.sendall(bytes(10_000))


def dribbling(connection: socket.socket, peer: Peer) -> None:
    """A byte now and then."""
    request_in(connection, peer)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\n")
    while not peer.released.wait(0.02):
        connection.sendall(b"x")


def dribbling_headers(connection: socket.socket, peer: Peer) -> None:
    """A byte of the headers now and then."""
    request_in(connection, peer)
    while not peer.released.wait(0.02):
        connection.sendall(b"H")


def resetting(connection: socket.socket, peer: Peer) -> None:
    """A connection that is reset in the middle of the body."""
    request_in(connection, peer)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\nabc")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


@pytest.mark.parametrize(
    ("talk", "end", "status", "body"),
    [
        (saying(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"), "cut-off", 200, b"abc"),
        (resetting, "cut-off", 200, b"abc"),
        (saying(), "cut-off", 0, b""),
        (saying(b"SSH-2.0-x\r\n\r\n"), "garbage", 0, b""),
        (saying(bytes(range(256)) * 9), "garbage", 0, b""),
        (saying(b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 200_000 + b"\r\n\r\n"), "garbage", 0, b""),
        (saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), "cut-off", 200, b""),
        (saying(stay=True), "idle-timeout", 0, b""),
        (saying(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", stay=True), "idle-timeout", 200, b"abc"),
        (dribbling_headers, "idle-timeout", 0, b""),
    ],
)
def test_what_goes_wrong_has_a_code(talk: Talk, end: str, status: int, body: bytes) -> None:
    found, _ = answered(talk, idle_limit=SHORT, connect_limit=SHORT)
    assert (found.end, found.status, found.body) == (end, status, body)


def test_a_body_is_cut_at_the_limit() -> None:
    """However long it is, no more than that is kept (PROV-148)."""
    found, _ = answered(endless)
    assert (found.end, len(found.body)) == ("too-large", 50_000)
    exact = answered(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde"), limit=5)[0]
    assert (exact.end, exact.body) == ("complete", b"abcde")


def test_a_server_that_dribbles_is_as_good_as_silent() -> None:
    found, _ = answered(dribbling, idle_limit=SHORT)
    assert found.end == "idle-timeout"
    assert 0 < len(found.body) < 1_000


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert answer(ordered(port)).end == "refused"
    assert answer(attrs.evolve(ordered(80), address="255.255.255.255")).end == "unreachable"


def test_what_cannot_be_on_the_wire_is_an_answer_too() -> None:
    assert answer(ordered(9, target="/ä")).end == "garbage"
    assert answer(ordered(9, headers=(("A", "b\r\nc: d"),))).end in ("garbage", "refused")


# --- HTTPS --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Who signs the certificates of the tests."""
    return trustme.CA()


def over_tls(authority: trustme.CA, name: str, roots: bytes | None, host: str = "files.example") -> HttpAnswered:
    """A request by TLS to a server whose certificate is for ``name``."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(server)
    names: list[str] = []
    server.sni_callback = lambda _socket, said, _context: names.append(said)
    done = threading.Event()

    def talk(connection: socket.socket, peer: Peer) -> None:
        with server.wrap_socket(connection, server_side=True) as secure:
            request_in(secure, peer)
            secure.sendall(GOOD)
        done.set()

    with serving(talk) as peer:
        context = context_of([] if roots is None else [roots])
        found = answer(ordered(peer.port, tls=True, host=host), context)
    assert names == [host]
    return found


def test_without_a_root_nothing_is_checked(authority: trustme.CA) -> None:
    """PROV-223."""
    assert over_tls(authority, "elsewhere.example", None).end == "complete"


def test_with_a_root_chain_and_name_are_checked(authority: trustme.CA) -> None:
    root = authority.cert_pem.bytes()
    assert over_tls(authority, "files.example", root).end == "complete"
    assert over_tls(authority, "elsewhere.example", root).end == "certificate-name"
    assert over_tls(authority, "files.example", trustme.CA().cert_pem.bytes()).end == "certificate-untrusted"


def test_an_expired_certificate_has_its_own_code(authority: trustme.CA) -> None:
    from datetime import UTC, datetime

    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    old = authority.issue_cert(
        "files.example", not_before=datetime(2001, 1, 1, tzinfo=UTC), not_after=datetime(2002, 1, 1, tzinfo=UTC)
    )
    old.configure_cert(server)

    def talk(connection: socket.socket, peer: Peer) -> None:
        with server.wrap_socket(connection, server_side=True) as secure:
            request_in(secure, peer)

    with serving(talk) as peer:
        found = answer(ordered(peer.port, tls=True), context_of([authority.cert_pem.bytes()]))
    assert found.end == "certificate-expired"


def test_a_server_that_speaks_no_tls() -> None:
    found, _ = answered(lambda connection, peer: connection.sendall(GOOD), tls=True)
    assert (found.status, found.end) == (0, "garbage")
