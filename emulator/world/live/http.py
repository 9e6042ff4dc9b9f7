"""HTTP and HTTPS by httpx: one request, on one connection, exactly as the phone ordered it (PROV-117).

httpx adds nothing: no header, cookie, login, redirect, proxy or decompression of its own. What it finds is told in the
world's fixed codes, never in a library's words.
"""

from __future__ import annotations

import ssl

import httpx
import trio

from emulator.events import COMPLETE, SECOND, Headers, HttpAnswered, HttpRequested, Payload
from emulator.world.live.pace import Pace
from emulator.world.live.trust import code_of

_ONE = httpx.Limits(max_connections=None, max_keepalive_connections=0)


async def carried(event: HttpRequested, ordinal: int, source: str, context: ssl.SSLContext | None) -> HttpAnswered:
    """Carry one request from the address ``source``; what came of it. Never raises but trio's Cancelled."""
    status, body = 0, bytearray()
    headers: Headers = ()
    # Without TLS a context is not needed, and making one takes long.
    verify: ssl.SSLContext | bool = context if context is not None else _no_tls()
    transport = httpx.AsyncHTTPTransport(verify=verify, trust_env=False, limits=_ONE, local_address=source or None)
    try:
        with trio.fail_after(event.connect_limit / SECOND + event.idle_limit / SECOND):
            response = await transport.handle_async_request(request_of(event))
        status, headers = response.status_code, headers_of(response)
        end = await _read(response, body, event)
    except Exception as error:  # whatever a server makes httpx, h11, anyio or ssl raise has one of the codes
        end = end_of(error, status)
    finally:
        with trio.CancelScope(shield=True), trio.move_on_after(1):
            await transport.aclose()
    return HttpAnswered(event.name, ordinal, status, headers, Payload(bytes(body)), end)


def request_of(event: HttpRequested) -> httpx.Request:
    """The request, byte by byte. Raises UnicodeEncodeError or httpx.InvalidURL for what cannot be on the wire."""
    scheme = "https" if event.tls else "http"
    host = f"[{event.address}]" if ":" in event.address else event.address
    connect, idle = event.connect_limit / SECOND, event.idle_limit / SECOND
    return httpx.Request(
        event.method,
        httpx.URL(f"{scheme}://{host}:{event.port}/"),
        headers=[(name.encode("latin-1"), value.encode("latin-1")) for name, value in event.headers],
        extensions={
            "target": event.target.encode("ascii"),
            "sni_hostname": event.host,
            "timeout": {"connect": connect, "read": idle, "write": idle, "pool": connect},
        },
    )


def headers_of(response: httpx.Response) -> Headers:
    """The headers as they came, in their order."""
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw)


async def _read(response: httpx.Response, body: bytearray, event: HttpRequested) -> str:
    """Read the body as it is on the wire, up to the limit of the phone; how it ended."""
    pace = Pace(event.idle_limit, trio.current_time)
    async for piece in response.aiter_raw():
        body += piece
        if len(body) > event.limit:
            del body[event.limit :]
            return "too-large"
        if pace.too_slow(len(piece)):
            return "idle-timeout"
    return COMPLETE


def end_of(error: Exception, status: int) -> str:
    """What went wrong, as a code of the world (see ``COMPLETE``). status: of the answer, 0 before it came."""
    refused = code_of(error)
    if refused:
        return refused
    if isinstance(error, httpx.ConnectTimeout):
        return "connect-timeout"
    if isinstance(error, httpx.TimeoutException | trio.TooSlowError):
        return "idle-timeout"
    if isinstance(error, httpx.ConnectError):
        return _connect_end(error)
    if isinstance(error, httpx.RemoteProtocolError):
        # A server that hangs up before it has said anything, and one that says what is no HTTP.
        return "cut-off" if status or "disconnected" in str(error) else "garbage"
    return "cut-off" if isinstance(error, httpx.NetworkError) else "garbage"


def _connect_end(error: Exception) -> str:
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ConnectionRefusedError):
            return "refused"
        if isinstance(seen, ssl.SSLError):
            return "garbage"
        if isinstance(seen, OSError) and seen.errno is not None:
            return "unreachable"
        if isinstance(seen, BaseExceptionGroup):
            seen = seen.exceptions[0]
            continue
        seen = seen.__cause__ or seen.__context__
    return "refused" if "refused" in str(error).lower() else "unreachable"


def _no_tls() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
