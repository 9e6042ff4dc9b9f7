"""Virtual file servers for HTTP, HTTPS and FTP, and the many ways in which they, and TFTP servers, can answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

import attrs

from emulator.events import SECOND, Headers
from emulator.phone import crypt, httpauth
from emulator.phone.urls import UrlError, parse_url
from emulator.world.changes import ChangeError
from emulator.world.scenario import PORTS, Encryption, FilesSpec, PathSpec
from emulator.world.servers.base import Answer, FileService, Request, usual
from emulator.world.servers.firmware import firmware

REALM = "provisioning"
TFTP_NOT_FOUND, FTP_NOT_FOUND = 1, 550
FTP_DONE = 226
SLOW = 20 * SECOND
"""Delay of the behaviour ``slow``: within the phone's idle limit."""
OVERSIZE = 1_000_000
CERTIFICATE_ENDS = {
    "untrusted": "certificate-untrusted",
    "expired": "certificate-expired",
    "other-name": "certificate-name",
}


class Place(NamedTuple):
    """Where a file is: what of its URL counts."""

    scheme: str
    address: str
    port: int
    path: str


def place_of(url: str, names: Mapping[str, str]) -> Place:
    """The place that ``url`` names, hosts looked up in ``names``. Raises ChangeError if no server can be there."""
    try:
        parts = parse_url(url)
    except UrlError as error:
        raise ChangeError(f"what is served needs a URL as in http://192.0.2.20/x.cfg ({error.reason})") from None
    host = names.get(parts.host.lower(), parts.host).split(",")[0].strip()
    return Place(parts.scheme, usual(host), parts.port, parts.target)


def serving(services: Iterable[FileService], place: Place, body: bytes) -> Iterator[FileService]:
    """The services with a file more at ``place``; with a server more, if none of them is there."""
    there = False
    for service in services:
        there = there or service.serves(place.address, place.port, place.scheme)
        yield service.serving(place, body) if isinstance(service, FileServer) else service
    if not there:
        spec = FilesSpec(place.address, (place.scheme,), {place.scheme: place.port})
        yield FileServer(spec, {}).serving(place, body)


class FileServer:
    """A file server. It keeps no state: its Digest nonce is good for any client at any time."""

    def __init__(self, spec: FilesSpec, content: Mapping[str, bytes]) -> None:
        self.spec = spec
        self.content = content
        self._address = usual(spec.address)
        self._nonce = sha256(f"{REALM} {spec.address}".encode()).hexdigest()[:32]
        self._ports = {(spec.ports.get(p, PORTS[p]), p) for p in spec.protocols}

    @property
    def address(self) -> str:
        """The address of its host."""
        return self._address

    def serves(self, address: str, port: int, scheme: str) -> bool:
        """Whether it speaks ``scheme`` there."""
        return usual(address) == self._address and (port, scheme) in self._ports

    def up(self, now: int) -> bool:
        """Whether it runs now."""
        return self.spec.start <= now < self.spec.end

    def serving(self, place: Place, body: bytes) -> FileServer:
        """The server with another file at ``place``, if that is one of its; otherwise itself."""
        if not self.serves(place.address, place.port, place.scheme):
            return self
        name = f"{place.path} from now on"
        path = PathSpec(file=name, behaviour="well")
        spec = attrs.evolve(self.spec, paths={**self.spec.paths, place.path: path})
        return FileServer(spec, {**self.content, name: body})

    def answer(self, request: Request, now: int) -> Answer:
        """The answer the scenario wants, within what HTTP can say."""
        if request.scheme == "https" and request.checks and self.spec.certificate in CERTIFICATE_ENDS:
            return Answer(0, end=CERTIFICATE_ENDS[self.spec.certificate])
        refusal = self.login(request)
        if refusal is not None:
            return refusal
        return self.within_limits(self.outcome(request), request)

    def outcome(self, request: Request) -> Answer:
        """What the scenario wants to come of ``request``, before any limit; a cut-off answer still has its whole body.

        The TFTP and FTP servers ask this, and make packets and replies of it.
        """
        path = self.spec.paths.get(request.target, PathSpec())
        return BEHAVIOURS[path.behaviour or self.spec.behaviour](self, request, path)

    def admits(self, user: str, password: str) -> bool:
        """Whether this FTP login is right; for anonymous any password is (RFC 1635)."""
        spec = self.spec
        known = user == spec.user and (password == spec.password or user == "anonymous")
        return known or spec.auth == "none"

    def login(self, request: Request) -> Answer | None:
        """A refusal if the server wants an HTTP login and this request has none that is right."""
        spec = self.spec
        if spec.auth == "none":
            return None
        shown = request.header("Authorization") or ""
        if spec.auth == "basic":
            if httpauth.check_basic(shown, spec.user, spec.password):
                return None
            return unauthorized(f'Basic realm="{REALM}"')
        login = {"user": spec.user, "password": spec.password, "realm": REALM}
        if shown and httpauth.check_digest(shown, method="GET", nonce=self._nonce, **login):
            return None
        algorithm = "SHA-256" if spec.auth == "digest-sha256" else "MD5"
        return unauthorized(httpauth.challenge_digest(REALM, self._nonce, algorithm))

    def within_limits(self, answer: Answer, request: Request) -> Answer:
        """Delay and speed of the server, the half that a cut-off leaves, and the size limit of the request."""
        if answer.end == "cut-off":
            answer = answer._replace(body=answer.body[: len(answer.body) // 2])
        delay = answer.delay + self.spec.delay
        if self.spec.speed:
            delay += len(answer.body) * SECOND // self.spec.speed
        if len(answer.body) > request.limit:
            return answer._replace(delay=delay, body=answer.body[: request.limit], end="too-large")
        return answer._replace(delay=delay)

    def body(self, request: Request, path: PathSpec) -> bytes | None:
        """What is stored under the path, or None."""
        if path.text is not None:
            body = path.text.encode()
        elif path.firmware is not None:
            body = firmware(path.firmware)
        else:
            name = path.file
            if name is None and self.spec.root is not None:
                name = self.spec.root.rstrip("/") + request.target.partition("?")[0]
            found = None if name is None else self.content.get(name)
            if found is None:
                return None
            body = found
        if path.pad_to:
            body = padded(body, path.pad_to)
        return body if path.encrypt is None else encrypted(body, path.encrypt)

    def well(self, request: Request, path: PathSpec) -> Answer:
        """The file, or what the protocol says when there is none."""
        body = self.body(request, path)
        return self.missing(request, path) if body is None else success(request, body)

    def slow(self, request: Request, path: PathSpec) -> Answer:
        """The file, late."""
        return self.well(request, path)._replace(delay=SLOW)

    def missing(self, request: Request, path: PathSpec) -> Answer:
        """There is no such file."""
        return failure(request, 404, TFTP_NOT_FOUND, FTP_NOT_FOUND)

    def error(self, request: Request, path: PathSpec) -> Answer:
        """The server fails."""
        return failure(request, self.status(path), 0, 451)

    def status(self, path: PathSpec) -> int:
        """What the path says, or the server."""
        return path.status if path.behaviour else self.spec.status

    def cut_off(self, request: Request, path: PathSpec) -> Answer:
        """Half of the file, then the connection is gone."""
        return self.well(request, path)._replace(end="cut-off")

    def oversize(self, request: Request, path: PathSpec) -> Answer:
        """A megabyte."""
        return success(request, padded(b"<PANASIPPhoneConfig/>", OVERSIZE))

    def garbage(self, request: Request, path: PathSpec) -> Answer:
        """Bytes that are no configuration file."""
        return success(request, bytes(range(256)) * 4)

    def redirect(self, request: Request, path: PathSpec) -> Answer:
        """Somewhere else; TFTP and FTP cannot say so."""
        if request.scheme in ("tftp", "ftp"):
            return self.missing(request, path)
        location = path.location if path.behaviour else self.spec.location
        status = self.status(path)
        return Answer(status if 300 <= status < 400 else 302, (("Location", location), ("Content-Length", "0")))

    def redirect_loop(self, request: Request, path: PathSpec) -> Answer:
        """Here again; TFTP and FTP cannot say so."""
        if request.scheme in ("tftp", "ftp"):
            return self.missing(request, path)
        return Answer(302, (("Location", request.target), ("Content-Length", "0")))

    def silent(self, request: Request, path: PathSpec) -> Answer:
        """The connection stands and nothing comes."""
        return Answer(0, delay=request.idle_limit, end="idle-timeout")

    def refuse(self, request: Request, path: PathSpec) -> Answer:
        """Nothing listens on the port."""
        return Answer(0, end="refused")


BEHAVIOURS: dict[str, Callable[[FileServer, Request, PathSpec], Answer]] = {
    "well": FileServer.well,
    "slow": FileServer.slow,
    "error": FileServer.error,
    "missing": FileServer.missing,
    "cut-off": FileServer.cut_off,
    "oversize": FileServer.oversize,
    "garbage": FileServer.garbage,
    "redirect": FileServer.redirect,
    "redirect-loop": FileServer.redirect_loop,
    "silent": FileServer.silent,
    "refuse": FileServer.refuse,
}
"""Behaviour name to how the server answers."""


def success(request: Request, body: bytes) -> Answer:
    """The file, as the protocol of the request delivers it."""
    if request.scheme in ("http", "https"):
        return Answer(200, http_headers(len(body)), body)
    return Answer(FTP_DONE if request.scheme == "ftp" else 0, body=body)


@lru_cache(maxsize=256)
def http_headers(length: int) -> Headers:
    """The headers of a file of ``length`` bytes."""
    return (("Content-Type", "text/xml"), ("Content-Length", str(length)), ("Connection", "close"))


def failure(request: Request, http: int, tftp: int, ftp: int) -> Answer:
    """A refusal in the words of the request's protocol."""
    if request.scheme in ("http", "https"):
        return Answer(http, (("Content-Length", "0"), ("Connection", "close")))
    return Answer(ftp if request.scheme == "ftp" else tftp, end="server-error")


def unauthorized(challenge: str) -> Answer:
    """401 with a challenge."""
    return Answer(401, (("WWW-Authenticate", challenge), ("Content-Length", "0"), ("Connection", "close")))


def padded(body: bytes, size: int) -> bytes:
    """``body`` with white space before its last end tag, ``size`` bytes long; unchanged if it is longer already."""
    end = body.rfind(b"</")
    at = end if end >= 0 else len(body)
    return body[:at] + b" " * (size - len(body)) + body[at:]


@lru_cache(maxsize=64)
def encrypted(body: bytes, how: Encryption) -> bytes:
    """``body`` as ``openssl enc -a -salt`` writes it; the salt derives from the content, so that runs repeat."""
    salt = sha256(body).digest()[:8]
    return crypt.encrypt(body, how.key, how.bits, salt, "sha256" if how.digest == "sha256" else "md5")
