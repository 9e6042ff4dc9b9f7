"""``serve``: the runs of a database as web pages, for this machine only.

Nothing is written, nothing of the file system is served, and a request that a page of another site made up (DNS
rebinding) is refused by its Host header.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import BaseServer
from threading import Lock
from typing import Any
from urllib.parse import parse_qs, urlsplit

from attrs import frozen

from emulator.log.store import LogError, Store
from tools.browse import entries
from tools.locate import DATABASE, Located
from tools.page import diff_page, run_page
from tools.page.runs_page import error_page, runs_page

HOST = "127.0.0.1"
PORT = 8466
LONGEST_TARGET = 2048
"""Characters of a path with its query."""
MOST_QUERIES = 8
IDLE = 20
"""Seconds after which a silent connection is closed."""
HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "frame-ancestors 'none'; connect-src 'none'; object-src 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
"""Of every answer. What a page may load is said in the page itself."""


class Refused(Exception):
    """A request that is not answered. status: of HTTP."""

    def __init__(self, status: int, line: str) -> None:
        super().__init__(line)
        self.status = status


@frozen
class Pages:
    """What is served. tables: address of a page with the tables, "" for none."""

    db: Path
    secrets: bool = False
    tables: str = ""

    def page(self, target: str) -> bytes:
        """The page at a path with its query. Raises Refused or LogError."""
        path, query = split_target(target)
        if path == "/":
            return self.runs(query.get("q", [""])[0])
        if path == "/diff":
            return self.diff(query.get("run", []))
        head, _, run = path.rpartition("/")
        if head == "/run":
            return self.run(run)
        raise Refused(404, "there is no such page")

    def runs(self, wanted: str) -> bytes:
        """The list."""
        with Store(self.db) as store:
            return runs_page(store.runs(), wanted, self.db.name, self.tables)

    def run(self, name: str) -> bytes:
        """One run."""
        with Store(self.db) as store:
            return run_page(found(store, name), self.secrets, "/")

    def diff(self, names: list[str]) -> bytes:
        """Two runs, the older one first."""
        from tools.diff import compared

        if len(set(names)) != 2:
            raise Refused(400, "tick two runs to compare them")
        with Store(self.db) as store:
            a, b = sorted((found(store, name) for name in names), key=lambda each: each.info.id)
            rows_a, rows_b = (entries(each, each.info.events, None, ()) for each in (a, b))
            return diff_page(compared(a, b), rows_a, rows_b, self.secrets, "/")


def found(store: Store, name: str) -> Located:
    """A run by its number; never a file, whatever it is called. Raises Refused."""
    if not (name.isascii() and name.isdigit() and len(name) < 10):
        raise Refused(404, "there is no such run")
    try:
        return Located(store, store.find(name), None)
    except LogError:
        raise Refused(404, f"there is no run {name}") from None


def split_target(target: str) -> tuple[str, dict[str, list[str]]]:
    """A path, and the values of its query by name. Raises Refused."""
    if len(target) > LONGEST_TARGET:
        raise Refused(414, "the address is too long")
    try:
        parts = urlsplit(target)
        return parts.path, parse_qs(parts.query, max_num_fields=MOST_QUERIES)
    except ValueError:
        raise Refused(400, "the address cannot be read") from None


class Server(ThreadingHTTPServer):
    """Serves pages on this machine, and makes one at a time."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, pages: Pages, port: int) -> None:
        """Listen. Raises OSError."""
        super().__init__((HOST, port), Handler)
        self.pages = pages
        self.at_work = Lock()

    @property
    def address(self) -> str:
        """Where it is, for a browser."""
        return f"http://{HOST}:{self.server_port}/"

    def hosts(self) -> tuple[str, ...]:
        """What a browser that means this server writes into Host."""
        return f"{HOST}:{self.server_port}", f"localhost:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that goes away is nothing to talk about."""


class Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD."""

    server_version = "offhook"
    sys_version = ""
    timeout = IDLE
    protocol_version = "HTTP/1.1"
    server: BaseServer

    def do_GET(self) -> None:
        """A page."""
        status, body = self.answer()
        self.send(status, body)

    def do_HEAD(self) -> None:
        """The same without the page."""
        self.do_GET()

    def answer(self) -> tuple[int, bytes]:
        """Status and page; whatever goes wrong is told in one line."""
        assert isinstance(self.server, Server)
        try:
            self.check(self.server)
            with self.server.at_work:
                return 200, self.server.pages.page(self.path)
        except Refused as refused:
            return refused.status, error_page(str(refused))
        except LogError as error:
            return 500, error_page(str(error))
        except Exception as error:  # a run from elsewhere must not end the server
            return 500, error_page(f"this page cannot be made ({type(error).__name__})")

    def check(self, server: Server) -> None:
        """Raise Refused for a request that no browser at this address sends."""
        if self.headers.get_all("Host", []) not in [[host] for host in server.hosts()]:
            raise Refused(421, f"this is {server.address} and answers to no other name")
        if self.headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in self.headers:
            self.close_connection = True
            raise Refused(413, "a request has no body here")

    def send(self, status: int, body: bytes) -> None:
        """An answer."""
        self.send_response(status)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the library refuses by itself, another method among it."""
        self.close_connection = True
        self.command = getattr(self, "command", None) or "GET"
        status = 405 if code == 501 else code
        self.send(
            status, error_page("only GET and HEAD are answered" if status == 405 else "the request cannot be read")
        )

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: what somebody looks at is nobody's business."""


def serve(
    db: str | Path = DATABASE,
    *,
    port: int = PORT,
    secrets: bool = False,
    tables: str = "",
    ready: Callable[[str], None] = lambda address: None,
) -> None:
    """Serve the runs in ``db`` on 127.0.0.1 until Ctrl-C. port: 0 for any that is free; tables: address of a page with
    the tables; ready: is told the address. Raises LogError."""
    path = Path(db)
    with Store(path):
        pass
    try:
        server = Server(Pages(path, secrets, tables), port)
    except OSError as error:
        reason = (error.strerror or "error").lower()
        raise LogError(f"port {port} cannot be used ({reason}); --port 0 takes any that is free") from None
    with server:
        ready(server.address)
        with suppress(KeyboardInterrupt):
            server.serve_forever()
