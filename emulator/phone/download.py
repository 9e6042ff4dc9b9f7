"""Fetching one file: names, protocols, credentials, redirects (PROV-030 to PROV-041, PROV-110 to PROV-120).

A download is ordered with the complete URLs to try; each try is an attempt; redirects and credentials are further
attempts. It always ends with :class:`~emulator.events.DownloadEnded`.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import TYPE_CHECKING

from emulator.events import (
    COMPLETE,
    SECOND,
    AddressLost,
    AttemptStarted,
    Because,
    DownloadEnded,
    DownloadOrdered,
    Entry,
    Event,
    FileAnswered,
    FileRequested,
    FtpStarted,
    HttpAnswered,
    HttpRequested,
    Ipv6AddressLost,
    LookupAnswered,
    Payload,
    TftpStarted,
    ToleranceUsed,
    TransferEnded,
)
from emulator.phone import certificates, configfile, crypt, ftp, tftp
from emulator.phone.bootloader import spare
from emulator.phone.coding import Plain, plain
from emulator.phone.firmware import Reaction, applies, reacts
from emulator.phone.httpauth import authorization
from emulator.phone.identity import user_agent
from emulator.phone.names import is_address, look_up
from emulator.phone.network import IPV4, IPV6, family_of, online, reachable
from emulator.phone.parts import PartState, part
from emulator.phone.proxy import Proxy, absolute, proxy_for
from emulator.phone.storage import FILES, FoldMismatch
from emulator.phone.urls import Url, UrlError, parse_url, resolve
from flash_image import slot_size

if TYPE_CHECKING:
    from emulator.phone.state import Phone

CONNECT_LIMIT, IDLE_LIMIT = 10 * SECOND, 30 * SECOND
"""PROV-119."""
REDIRECTS = 5
"""PROV-119: a sixth redirect is a failed download."""
REDIRECTING = (301, 302, 303, 307, 308)
TELLING = (301, 302, 307)
"""How the redirection server may answer (PROV-103)."""
REDIRECTION = "redirection"
"""The download of step 7: its redirect is the answer, not a detour."""
FIRMWARE = "firmware"
"""The download between two runs: a run that begins takes its place."""


@part
class Download(PartState):
    """The download that is going on, or the last one. file: "" when none was; open: not ended yet.

    proxy: what the attempt goes through, as the settings wanted when it began; asked: address that the attempt asks, ""
    until it is known; challenges: of a 401; body: of the last complete answer; answered: its entry; started: entry of
    the order.
    """

    file: str = ""
    open: bool = False
    urls: tuple[str, ...] = ()
    index: int = 0
    url: str = ""
    proxy: Proxy | None = None
    asked: str = ""
    redirects: int = 0
    authorized: bool = False
    challenges: tuple[str, ...] = ()
    attempts: int = 0
    body: Payload = Payload(b"")
    answered: int = 0
    started: int = 0


@applies("download", DownloadOrdered)
def ordered(phone: Phone, event: DownloadOrdered, entry: Entry) -> None:
    """A new download takes the place of the last one."""
    phone.download = Download(
        event.file, True, event.urls, attempts=phone.download.attempts, started=entry.n, answered=entry.n
    )


@applies("download", AttemptStarted)
def attempt_started(phone: Phone, event: AttemptStarted, entry: Entry) -> None:
    """This URL is being tried."""
    download = phone.download
    download.url, download.index, download.asked = event.url, event.index, ""
    download.redirects, download.authorized = event.redirects, event.authorized
    download.proxy = proxy_for(phone, event.url)
    download.attempts += 1


@applies("download", HttpRequested, FileRequested, TftpStarted, FtpStarted)
def address_asked(phone: Phone, event: HttpRequested | FileRequested | TftpStarted | FtpStarted, entry: Entry) -> None:
    """The attempt depends on this address."""
    phone.download.asked = event.address


@applies("download", HttpAnswered)
def http_answered(phone: Phone, event: HttpAnswered, entry: Entry) -> None:
    """What the server said, for what is decided next; an answer that nobody waits for any more changes nothing."""
    download = phone.download
    if not download.open or event.name != download.file:
        return
    download.body, download.answered = Payload(uncoded(phone, event).body), entry.n
    download.challenges = tuple(value for name, value in event.headers if name.lower() == "www-authenticate")


@applies("download", FileAnswered)
def file_answered(phone: Phone, event: FileAnswered, entry: Entry) -> None:
    """What the server said."""
    if phone.download.open and event.name == phone.download.file:
        phone.download.body, phone.download.answered = event.body, entry.n


@applies("download", TransferEnded)
def transfer_ended(phone: Phone, event: TransferEnded, entry: Entry) -> None:
    """The body is what the transfer received; the event does not repeat it. Raises FoldMismatch for another body.

    This part comes before ``ftp`` and ``tftp``, which forget the body after the same event.
    """
    body = ftp.body(phone) if phone.ftp.open else tftp.received(phone)
    if sha256(body).hexdigest() != event.digest:
        raise FoldMismatch(entry.n, f"the {event.name} file is not the one that was received")
    if phone.download.open and event.name == phone.download.file:
        phone.download.body, phone.download.answered = Payload(body), entry.n


@applies("download", DownloadEnded)
def ended(phone: Phone, event: DownloadEnded, entry: Entry) -> None:
    """Nothing is being fetched any more."""
    phone.download.open = False


@reacts(DownloadOrdered)
def first_attempt(phone: Phone, event: DownloadOrdered, entry: Entry) -> Reaction:
    """Try the first URL; without an address nothing can be fetched."""
    if online(phone):
        yield AttemptStarted(event.file, event.urls[0], 0, 0, False)
    else:
        yield DownloadEnded(event.file, event.urls[0], "no-address", 0, "")


@reacts(AttemptStarted)
def try_url(phone: Phone, event: AttemptStarted, entry: Entry) -> Reaction:
    """Look the host up, or ask it at once when it is an address; that of the proxy, if there is one (PROV-114).

    It is looked up in every family in use (PROV-120).
    """
    try:
        url = parse_url(event.url)
        if url.scheme == "tftp":
            tftp.file_name(url.path)
    except UrlError as error:
        return failed(phone, error.reason, 0)
    host, _, grounds = server(phone, url)
    made = ask(phone, url, (host,)) if is_address(host) else look_up(phone, host)
    return (Because(each, grounds) for each in made)


def server(phone: Phone, url: Url) -> Proxy:
    """What the attempt at ``url`` connects to: the proxy, or the server of the URL as if it were one."""
    return phone.download.proxy or Proxy(url.host, url.port, ())


def ask(phone: Phone, url: Url, addresses: tuple[str, ...]) -> Iterable[Event]:
    """Ask the first address that the phone can reach, IPv4 before IPv6 (PROV-020).

    It fails for want of an address of its own, or because the host has none of a family in use.
    """
    address = reachable(phone, addresses)
    if not address:
        awaited = any(family_of(each) in phone.network.families for each in addresses)
        return failed(phone, "no-address" if awaited else "unreachable", 0)
    return (request(phone, url, address),)


@reacts(LookupAnswered)
def name_answered(phone: Phone, event: LookupAnswered, entry: Entry) -> Reaction:
    """Ask an address, or fail; nothing if the host is being asked already, and somebody else wanted its name."""
    download = phone.download
    if not download.open or fetching(phone):
        return ()
    url = parse_url(download.url)
    host, _, grounds = server(phone, url)
    if host != event.name:
        return ()
    if not event.addresses:
        return failed(phone, "name-not-found", 0)
    return (Because(made, (entry.n, *grounds)) for made in ask(phone, url, event.addresses))


def fetching(phone: Phone) -> bool:
    """Whether a request of the download is under way."""
    return phone.ftp.open or phone.tftp.open or f"http:{phone.download.file}" in phone.orders.open


@reacts(HttpAnswered)
def judge_http(phone: Phone, event: HttpAnswered, entry: Entry) -> Reaction:
    """Take the file, follow a redirect, show credentials, or fail."""
    download = phone.download
    if not download.open or event.name != download.file:
        return ()
    if event.end != COMPLETE:
        return failed(phone, event.end, event.status)
    if event.status == 200:
        return arrived(phone, uncoded(phone, event))
    if event.status == 401:
        return authenticate(phone)
    location = event.header("Location")
    followed = TELLING if download.file == REDIRECTION else REDIRECTING
    if event.status in followed and location is not None:
        return redirect(phone, location, event.status)
    return failed(phone, "http-status", event.status)


def arrived(phone: Phone, found: Plain) -> Iterable[Event]:
    """The file is here, if its content coding can be taken off."""
    if found.fault:
        return failed(phone, found.fault, 200)
    ended = DownloadEnded(phone.download.file, phone.download.url, "", 200, "")
    return (ToleranceUsed("HTTP", found.tolerance), ended) if found.tolerance else (ended,)


def uncoded(phone: Phone, event: HttpAnswered) -> Plain:
    """The body of a whole answer without its content coding, of which no more than the size limit is unpacked."""
    coding = event.header("Content-Encoding") or ""
    if event.end != COMPLETE or event.status != 200 or not coding:
        return Plain(event.body)
    return plain(bytes(event.body), coding, size_limit(phone, phone.download.file))


@reacts(FileAnswered, TransferEnded)
def judge_file(phone: Phone, event: FileAnswered | TransferEnded, entry: Entry) -> Reaction:
    """Take the file, or fail."""
    download = phone.download
    if not download.open or event.name != download.file:
        return ()
    if event.end != COMPLETE:
        return failed(phone, event.end, event.code)
    return (DownloadEnded(download.file, download.url, "", event.code, ""),)


@reacts(AddressLost, Ipv6AddressLost)
def address_lost(phone: Phone, event: AddressLost | Ipv6AddressLost, entry: Entry) -> Reaction:
    """Without an address nothing can be fetched; what goes on over the other family does not notice."""
    asked, lost = phone.download.asked, IPV4 if isinstance(event, AddressLost) else IPV6
    left = family_of(asked) != lost if asked else online(phone)
    if phone.download.open and not left:
        yield DownloadEnded(phone.download.file, phone.download.url, "no-address", 0, "")


def failed(phone: Phone, reason: str, status: int) -> Iterable[Event]:
    """The attempt failed: the next URL of the order, or the end."""
    download = phone.download
    following = download.index + 1
    if following < len(download.urls):
        return (AttemptStarted(download.file, download.urls[following], following, 0, False),)
    return (DownloadEnded(download.file, download.url, reason, status, ""),)


def redirect(phone: Phone, location: str, status: int) -> Iterable[Event]:
    """Follow within the limits of PROV-119; for the redirection server the location is what was asked for."""
    download = phone.download
    try:
        base = parse_url(download.url)
        if download.file == REDIRECTION:
            url = location.strip() if "://" in location else resolve(base, location).text
            return (DownloadEnded(download.file, download.url, "", status, url),)
        target = resolve(base, location)
    except UrlError as error:
        return failed(phone, f"redirect-{error.reason}", status)
    if download.redirects >= REDIRECTS:
        return failed(phone, "too-many-redirects", status)
    if (base.scheme, target.scheme) not in (("http", "http"), ("https", "https"), ("http", "https")):
        return failed(phone, "redirect-refused", status)
    return (AttemptStarted(download.file, target.text, download.index, download.redirects + 1, False),)


def authenticate(phone: Phone) -> Iterable[Event | Because]:
    """Answer a 401 once, with the credentials for this host (PROV-113)."""
    download = phone.download
    url = parse_url(download.url)
    if download.authorized:
        return failed(phone, "credentials-refused", 401)
    user, _, grounds = credentials(phone, url)
    if not user:
        return failed(phone, "no-credentials", 401)
    if not authorization_header(phone, url):
        return failed(phone, "challenge-not-understood", 401)
    attempt = AttemptStarted(download.file, download.url, download.index, download.redirects, True)
    return (Because(attempt, grounds),)


def credentials(phone: Phone, url: Url) -> tuple[str, str, tuple[int, ...]]:
    """(user, password, grounds): of the URL, else of the manual URL, else of the HTTP settings (PROV-112, PROV-113).

    None of them for a host other than the one of the ordered URL (PROV-119).
    """
    download, settings = phone.download, phone.settings
    first = parse_url(download.urls[download.index])
    if first.host != url.host:
        return "", "", (download.answered,)
    if url.user:
        return url.user, url.password, (download.started,)
    if first.user:
        return first.user, first.password, (download.started,)
    pairs = [("HTTP_AUTH_ID", "HTTP_AUTH_PASSWORD")]
    if download.file == "initial" and phone.provisioning.source == "manual URL":
        pairs.insert(0, ("USR_PROV_SVR_AUTH_ID", "USR_PROV_SVR_AUTH_PASSWORD"))
    for name, password in pairs:
        if settings.value(name):
            return settings.value(name), settings.value(password), (settings.grounds(name),)
    return "", "", tuple(settings.grounds(name) for name, _ in pairs)


def request(phone: Phone, url: Url, address: str) -> Event:
    """The order that fetches ``url`` from ``address``."""
    download = phone.download
    limit = size_limit(phone, download.file)
    if url.scheme == "tftp":
        return tftp.start(phone, download.file, url, address, limit)
    if url.scheme == "ftp":
        place = (url.host, address, url.port, ftp.remote_path(url.path))
        login = (url.user or ftp.ANONYMOUS, url.password)
        return FtpStarted(download.file, *place, *login, limit, CONNECT_LIMIT, IDLE_LIMIT)
    headers = [("Host", url.authority), ("User-Agent", user_agent(phone))]
    if download.authorized:
        headers += authorization_header(phone, url)
    headers.append(("Connection", "close"))
    tls = url.scheme == "https"
    roots = tuple(sorted(phone.settings.roots.values())) if tls else ()
    host, port, _ = server(phone, url)
    target = absolute(url) if download.proxy else url.target
    where_to = (host, address, port, tls, roots, target, tuple(headers))
    return HttpRequested(download.file, "GET", *where_to, limit, CONNECT_LIMIT, IDLE_LIMIT)


def authorization_header(phone: Phone, url: Url) -> list[tuple[str, str]]:
    """The Authorization header for the challenges of the last 401; none if no challenge can be answered."""
    download = phone.download
    user, password, _ = credentials(phone, url)
    cnonce = f"{phone.draw('http-cnonce', download.attempts):016x}"
    made = authorization(
        download.challenges, method="GET", target=url.target, user=user, password=password, cnonce=cnonce
    )
    return [] if made is None else [("Authorization", made[1])]


def size_limit(phone: Phone, file: str) -> int:
    """Bytes after which a body is cut off (PROV-148): more for an encrypted file, which only a stored key opens."""
    if file.startswith("root"):
        return certificates.LIMIT
    if file == FIRMWARE:
        return slot_size(phone.flash.chip, spare(phone.bootloader.slot))
    return crypt.BODY_LIMIT if file in FILES and phone.settings.value("CFG_FILE_KEY") else configfile.LIMIT
