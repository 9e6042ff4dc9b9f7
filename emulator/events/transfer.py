"""Names looked up and files fetched."""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen

from emulator.events.base import Event, Payload, Role
from emulator.events.masking import hide_login, hide_passwords

Headers = tuple[tuple[str, str], ...]

COMPLETE = "complete"
"""The ``end`` of an answer that arrived whole. Any other ``end`` is the world's reason code for why it did not:
``cut-off``, ``too-large``, ``connect-timeout``, ``idle-timeout``, ``refused``, ``unreachable``, ``garbage``,
``certificate-untrusted``, ``certificate-expired``, ``certificate-name``. The phone's own, where it speaks the protocol
itself: ``login-refused``, ``server-error``, ``foreign-host``, ``no-address``, ``bad-character``, ``line-too-long``,
``bad-options``."""


@frozen
class LookupRequested(Event):
    """Find the IPv4 addresses of a host name (A records, PROV-120)."""

    role: ClassVar[Role] = Role.ORDER
    orders: ClassVar[str] = "lookup"
    mark: ClassVar[str] = "→"
    name: str

    def _line(self) -> str:
        return f"DNS look up {self.name}"


@frozen
class NameAsked(Event):
    """Find the addresses of a host name in these families: 4 (A records), 6 (AAAA records) or both (PROV-120)."""

    role: ClassVar[Role] = Role.ORDER
    orders: ClassVar[str] = "lookup"
    mark: ClassVar[str] = "→"
    name: str
    families: tuple[int, ...]

    def _line(self) -> str:
        return f"DNS look up {self.name} for {' and '.join(f'IPv{family}' for family in self.families)}"


@frozen
class LookupAnswered(Event):
    """The name service answered a :class:`LookupRequested` or :class:`NameAsked`.

    error: "" or ``no-such-name``, ``no-data`` (the name has no address of that family), ``timeout``,
    ``server-failure``.
    """

    role: ClassVar[Role] = Role.INPUT
    answers: ClassVar[str] = "lookup"
    mark: ClassVar[str] = "←"
    name: str
    ordinal: int
    addresses: tuple[str, ...]
    error: str

    def _line(self) -> str:
        return f"DNS {self.name} is {', '.join(self.addresses) or self.error}"


@frozen
class HttpRequested(Event):
    """One HTTP request, exactly as the phone wants it on the wire (HTTP/1.1, one connection, PROV-117).

    name: what it is for; host, port: where the connection goes; target: path and query, through a proxy the whole URL
    (PROV-114); tls: https; roots: SHA-256 of the root certificates to check the server against, empty means the
    certificate is not checked (PROV-223); limit: bytes of body after which the world cuts it off; connect_limit,
    idle_limit: ns (PROV-119).
    """

    role: ClassVar[Role] = Role.ORDER
    orders: ClassVar[str] = "http"
    mark: ClassVar[str] = "→"
    name: str
    method: str
    host: str
    address: str
    port: int
    tls: bool
    roots: tuple[str, ...]
    target: str
    headers: Headers
    limit: int
    connect_limit: int
    idle_limit: int

    def _line(self) -> str:
        login = " with credentials" if any(name == "Authorization" for name, _ in self.headers) else ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        if not self.target.startswith("/"):
            return f"{self.method} {self.target} through {host}:{self.port}{login}"
        scheme = "https" if self.tls else "http"
        default = self.port == (443 if self.tls else 80)
        port = "" if default else f":{self.port}"
        return f"{self.method} {scheme}://{host}{port}{self.target}{login}"


@frozen
class HttpAnswered(Event):
    """What came of an HTTP request. status: 0 if no status line arrived; end: see :data:`COMPLETE`."""

    role: ClassVar[Role] = Role.INPUT
    answers: ClassVar[str] = "http"
    mark: ClassVar[str] = "←"
    name: str
    ordinal: int
    status: int
    headers: Headers
    body: Payload
    end: str

    def _line(self) -> str:
        status = f"HTTP {self.status}" if self.status else "no HTTP answer"
        size = f", {len(self.body):,} bytes" if self.body else ""
        return f"{status}{size}" + ("" if self.end == COMPLETE else f", {self.end}")

    def header(self, name: str) -> str | None:
        """First header called ``name`` (any case), or None."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)


@frozen
class FileRequested(Event):
    """Read one file by TFTP (octet) or FTP (binary, passive), PROV-118. Limits as in :class:`HttpRequested`."""

    role: ClassVar[Role] = Role.ORDER
    orders: ClassVar[str] = "file"
    mark: ClassVar[str] = "→"
    name: str
    scheme: str
    host: str
    address: str
    port: int
    path: str
    user: str
    password: str
    limit: int
    connect_limit: int
    idle_limit: int

    def _line(self) -> str:
        return f"{self.scheme.upper()} read {self.host} {self.path}"


@frozen
class FileAnswered(Event):
    """What came of a TFTP or FTP read. code: TFTP error code or FTP reply code, 0 if there was none."""

    role: ClassVar[Role] = Role.INPUT
    answers: ClassVar[str] = "file"
    mark: ClassVar[str] = "←"
    name: str
    ordinal: int
    code: int
    body: Payload
    end: str

    def _line(self) -> str:
        if self.end == COMPLETE:
            return f"file received, {len(self.body):,} bytes"
        return f"no file: {self.end}" + (f" (code {self.code})" if self.code else "")


@frozen
class TftpStarted(Event):
    """A read by TFTP begins (octet mode, PROV-118), from a port of its own.

    name: what it is for; port: where requests go; path: as in the URL, percent-encoded; limit: bytes after which it is
    cut off; options: whether blksize and tsize are asked for (RFC 2347).
    """

    name: str
    host: str
    address: str
    port: int
    local_port: int
    path: str
    limit: int
    options: bool

    def _line(self) -> str:
        plain = "" if self.options else ", without options"
        return f"TFTP read {self.host} {self.path} from port {self.local_port}{plain}"


@frozen
class TftpAgreed(Event):
    """The server answered: its packets come from ``port``, in blocks of so many bytes.

    acknowledged: by an option acknowledgement (RFC 2347), which has to be answered with ACK 0; size: of the file, -1 if
    the server did not say.
    """

    port: int
    block_size: int
    size: int
    acknowledged: bool

    def _line(self) -> str:
        size = "" if self.size < 0 else f", {self.size:,} bytes in all"
        return f"TFTP server answers from port {self.port}: blocks of {self.block_size:,} bytes{size}"


@frozen
class TftpBlockTaken(Event):
    """The next block of the file is here. block: its number on the wire; size: its bytes, which the packet holds."""

    block: int
    size: int

    def _line(self) -> str:
        return f"TFTP block {self.block} taken, {self.size:,} bytes"


@frozen
class FtpStarted(Event):
    """An FTP read begins (PROV-118).

    path: percent-decoded, relative to where the login leads; password: "" for anonymous; limit: bytes of body after
    which the phone hangs up; connect_limit, idle_limit: ns (PROV-119).
    """

    name: str
    host: str
    address: str
    port: int
    path: Payload
    user: str
    password: str
    limit: int
    connect_limit: int
    idle_limit: int

    def _line(self) -> str:
        return f"FTP read {self.host} {self.path.decode('utf-8', 'replace')} as {self.user}"


@frozen
class FtpReplied(Event):
    """A whole reply of an FTP server, read (RFC 959 s.4.2). message: its lines without the code; size: in bytes."""

    code: int
    message: str
    size: int

    def _line(self) -> str:
        first, *more = self.message.split("\n")
        return f"FTP {self.code} {hide_login(first)}" + (f" (and {len(more)} lines)" if more else "")


@frozen
class TransferEnded(Event):
    """What came of a TFTP or FTP read.

    end: see COMPLETE; code: TFTP error code or FTP reply code, 0 if there was none; size, digest: bytes and SHA-256 of
    what arrived.
    """

    name: str
    end: str
    code: int
    size: int
    digest: str

    def _line(self) -> str:
        if self.end == COMPLETE:
            return f"file received, {self.size:,} bytes"
        return f"no file: {self.end}" + (f" (code {self.code})" if self.code else "")


@frozen
class DownloadOrdered(Event):
    """A file is wanted. urls: complete URLs to try in this order (PROV-033); file: what it is for."""

    file: str
    urls: tuple[str, ...]

    def _line(self) -> str:
        more = f" (or {len(self.urls) - 1} more)" if len(self.urls) > 1 else ""
        return f"download {self.file} file: {hide_passwords(''.join(self.urls[:1]))}{more}"


@frozen
class AttemptStarted(Event):
    """A URL is tried. index: which of the ordered URLs; redirects: how many led here."""

    file: str
    url: str
    index: int
    redirects: int
    authorized: bool

    def _line(self) -> str:
        why = f"redirect {self.redirects}" if self.redirects else f"attempt {self.index + 1}"
        login = ", with credentials" if self.authorized else ""
        return f"{self.file} file, {why}{login}: {hide_passwords(self.url)}"


@frozen
class DownloadEnded(Event):
    """A download is over. reason: "" when the file is here, else a fixed code; status: last HTTP status or code.

    location: for the redirection server, the URL it sent the phone to.
    """

    file: str
    url: str
    reason: str
    status: int
    location: str

    def _line(self) -> str:
        if self.location:
            return f"{self.file} server redirects to {hide_passwords(self.location)}"
        if not self.reason:
            return f"{self.file} file is here"
        return f"{self.file} file failed: {self.reason}" + (f" ({self.status})" if self.status else "")
