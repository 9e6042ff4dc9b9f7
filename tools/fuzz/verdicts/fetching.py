"""Downloads over HTTP: whom the phone asks, with which login, how far it follows redirects (PROV-110 to PROV-119)."""

from __future__ import annotations

import base64
import binascii
import re
from urllib.parse import unquote, urljoin

from emulator.events import (
    COMPLETE,
    SECOND,
    AttemptStarted,
    DownloadEnded,
    DownloadOrdered,
    Entry,
    FileRequested,
    FtpStarted,
    HttpAnswered,
    HttpRequested,
    PowerOn,
    StepEntered,
    TftpStarted,
)
from emulator.phone.storage import FILES
from tools.fuzz.verdicts.addresses import completed, expanded, login, place
from tools.fuzz.verdicts.documents import LIMIT
from tools.fuzz.verdicts.marks import on
from tools.fuzz.verdicts.watching import Verdict

CONNECT, IDLE = 10 * SECOND, 30 * SECOND
REDIRECTS = 5
"""PROV-119."""
REDIRECTING = (301, 302, 303, 307, 308)
CONFIGURATION = ("initial", *FILES)
_USER = re.compile(r'username="((?:[^"\\]|\\.)*)"')


def told_login(value: str) -> tuple[str, str | None] | None:
    """(who an Authorization header says is asking, the password if it says that too); None if it cannot be told."""
    scheme, _, rest = value.partition(" ")
    if scheme.lower() == "basic":
        try:
            user, _, password = base64.b64decode(rest.strip(), validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        return user, password
    found = _USER.search(rest)
    return None if found is None else (re.sub(r"\\(.)", r"\1", found[1]), None)


class Redirects(Verdict):
    """At most five, among http and https and never down, and each attempt is one that was ordered or told to."""

    name = "redirects"

    def begin(self) -> None:
        """Nothing is fetched."""
        self.file = ""
        self.ordered: tuple[str, ...] = ()
        self.url = ""
        self.followed = self.index = 0
        self.location = ""
        self.answer: HttpAnswered | None = None

    @on(DownloadOrdered)
    def wanted(self, entry: Entry, event: DownloadOrdered) -> None:
        """A download begins."""
        self.begin()
        self.file, self.ordered = event.file, event.urls

    @on(HttpAnswered)
    def answered(self, entry: Entry, event: HttpAnswered) -> None:
        """It may lead elsewhere."""
        if event.name != self.file:
            return
        redirecting = event.status in REDIRECTING and event.end == COMPLETE
        self.location = (event.header("Location") or "") if redirecting else ""
        self.answer = event

    @on(AttemptStarted)
    def attempt(self, entry: Entry, event: AttemptStarted) -> None:
        """The next URL."""
        another, self.index = event.index != self.index, event.index
        before, location, self.url, self.location = self.url, self.location, event.url, ""
        self.answer = None
        if not before or another:
            self.followed = 0
            return
        if not location or event.authorized:
            return
        self.followed += 1
        if self.followed > REDIRECTS:
            self.fault("PROV-119", f"redirect {self.followed} of a download was followed", entry, "too many")
        old, new = place(before), place(event.url)
        if old is not None and new is not None:
            if (old[0], new[0]) not in (("http", "http"), ("https", "https"), ("http", "https")):
                text = f"a redirect from {old[0]} to {new[0]} was followed"
                self.fault("PROV-119", text, entry, f"{old[0]} to {new[0]}")
            told = place(urljoin(before, location.strip()))
            if told is not None and told[1] != new[1]:
                self.fault("PROV-119", "a redirect was followed to another host than it names", entry, "host")

    @on(DownloadEnded)
    def ended(self, entry: Entry, event: DownloadEnded) -> None:
        """Only an answer 200 is a file; a whole one of it is no failure."""
        answer, self.answer = self.answer, None
        if answer is None or event.file != self.file or event.location:
            return
        if not event.reason and answer.status != 200:
            text = f"the {event.file} file counts as fetched after HTTP status {answer.status}"
            self.fault("PROV-119", text, entry, f"status {answer.status}")


class Limits(Verdict):
    """Each fetch has the limits of time and size that the specification gives (PROV-119, PROV-148)."""

    name = "fetch-limits"

    @on(HttpRequested, FileRequested, FtpStarted)
    def timed(self, entry: Entry, event: HttpRequested | FileRequested | FtpStarted) -> None:
        """Ten and thirty seconds."""
        if (event.connect_limit, event.idle_limit) != (CONNECT, IDLE):
            found = f"{event.connect_limit / SECOND:g} and {event.idle_limit / SECOND:g} s"
            self.fault("PROV-119", f"a fetch waits {found} for a connection and for bytes", entry, "times")
        self.sized(entry, event.name, event.limit)

    @on(TftpStarted)
    def tftp(self, entry: Entry, event: TftpStarted) -> None:
        """Its times are judged by its packets."""
        self.sized(entry, event.name, event.limit)

    def sized(self, entry: Entry, name: str, limit: int) -> None:
        """A file of 240 KB is within; where a key may open it, its encoding needs more."""
        if name not in CONFIGURATION:
            return
        coded = name != "initial" and self.facts.value("CFG_FILE_KEY") != ""
        if limit != LIMIT and not (coded and LIMIT * 4 // 3 < limit < LIMIT * 3 // 2):
            text = f"the {name} file is cut off after {limit:,} bytes, and may have {LIMIT:,}"
            self.fault("PROV-148", text, entry, "limit")


class Credentials(Verdict):
    """A login is shown once, to the host that asked for it and is meant, and is the right one (PROV-113, PROV-119)."""

    name = "credentials"

    def begin(self) -> None:
        """Nobody has asked."""
        self.file = ""
        self.ordered: tuple[str, ...] = ()
        self.asking: dict[tuple[str, int], int] = {}
        self.shown: dict[tuple[str, int, str], int] = {}
        self.requested: HttpRequested | None = None
        self.source = ""

    @on(PowerOn)
    def powered(self, entry: Entry, event: PowerOn) -> None:
        """Nothing is remembered."""
        self.begin()

    @on(StepEntered)
    def entered(self, entry: Entry, event: StepEntered) -> None:
        """Where the URL is from."""
        if event.step == 8:
            self.source = event.source

    @on(DownloadOrdered)
    def wanted(self, entry: Entry, event: DownloadOrdered) -> None:
        """A download begins."""
        self.file, self.ordered, self.asking, self.shown = event.file, event.urls, {}, {}

    @on(AttemptStarted)
    def attempt(self, entry: Entry, event: AttemptStarted) -> None:
        """Another URL, or the same after a redirect, is another request."""
        if not event.authorized:
            self.asking, self.shown = {}, {}

    @on(HttpAnswered)
    def answered(self, entry: Entry, event: HttpAnswered) -> None:
        """A server wants a login."""
        asked = self.requested
        if asked is not None and event.name == asked.name and event.status == 401:
            key = asked.host.lower(), asked.port
            self.asking[key] = self.asking.get(key, 0) + 1

    @on(HttpRequested)
    def asked(self, entry: Entry, event: HttpRequested) -> None:
        """A request, with a login or without."""
        self.requested = event
        value = next((text for name, text in event.headers if name.lower() == "authorization"), None)
        if value is None:
            return
        meant = {found[1] for url in self.ordered if (found := place(url)) is not None}
        host = event.host.lower()
        if not event.target.startswith("/"):
            through = place(event.target)
            host = through[1] if through is not None else host
        if meant and host not in meant:
            self.fault("PROV-119", "a login was sent to another host than the URL names", entry, "another host")
        key = event.host.lower(), event.port
        if not self.asking.get(key):
            self.fault("PROV-113", "a login was sent to a server that had not asked for one", entry, "not asked")
        again = (*key, event.target)
        self.shown[again] = self.shown.get(again, 0) + 1
        if self.shown[again] > 1:
            self.fault("PROV-113", "a login that was refused was sent once more", entry, "again")
        self.whose(entry, value)

    @on(FtpStarted)
    def ftp(self, entry: Entry, event: FtpStarted) -> None:
        """By FTP the login of the URL, or none (PROV-118)."""
        user, password = (unquote(part) for part in login(self.facts.bodies.url))
        if user and (event.user, event.password) != (user, password):
            self.fault("PROV-041, PROV-118", "the login in an FTP URL was not used", entry, "ftp")

    @on(DownloadEnded)
    def ended(self, entry: Entry, event: DownloadEnded) -> None:
        """A download that ends for want of a login had none."""
        asked = self.requested
        if event.reason != "no-credentials" or asked is None or asked.name != event.file:
            return
        here = place(self.facts.bodies.url)
        meant = {found[1] for url in self.ordered if (found := place(url)) is not None}
        known = login(self.facts.bodies.url)[0] or (self.facts.value("HTTP_AUTH_ID") if len(meant) == 1 else "")
        if here is not None and here[1] in meant and known:
            self.fault(
                "PROV-041, PROV-112, PROV-113, PROV-119", "a login is known, and was not shown", entry, "not shown"
            )

    def whose(self, entry: Entry, value: str) -> None:
        """The login of the URL, else that of the manual URL, else that of the HTTP settings."""
        facts, told = self.facts, told_login(value)
        logins = (login(url) for url in (*self.ordered, facts.bodies.url))
        wanted = [(unquote(user), unquote(password)) for user, password in logins if user]
        if not wanted:
            own = "USR_PROV_SVR_AUTH" if self.file == "initial" and self.source == "manual URL" else "HTTP_AUTH"
            name = own if facts.value(f"{own}_ID") else "HTTP_AUTH"
            wanted = [(facts.value(f"{name}_ID"), facts.value(f"{name}_PASSWORD"))]
        if told is not None and not any(told[0] == user and told[1] in (None, password) for user, password in wanted):
            self.fault(
                "PROV-041, PROV-042, PROV-112, PROV-113",
                "a login was shown that is not the one for this URL",
                entry,
                "whose",
            )


class Requests(Verdict):
    """What stands in a request: the User-Agent, Host, and that the connection ends (PROV-115, PROV-117, PROV-224)."""

    name = "http-request"

    @on(HttpRequested)
    def asked(self, entry: Entry, event: HttpRequested) -> None:
        """One."""
        headers = {name.lower(): value for name, value in event.headers}
        wanted = expanded(self.facts.value("HTTP_USER_AGENT"), self.facts.macros())
        if headers.get("user-agent", "") != wanted:
            self.fault(
                "PROV-037, PROV-040, PROV-115, PROV-116",
                "the User-Agent is not what HTTP_USER_AGENT says",
                entry,
                "agent",
            )
        if "host" not in headers or headers.get("connection", "").lower() != "close":
            self.fault("PROV-117", "a request has no Host, or leaves the connection open", entry, "headers")
        if event.tls and not event.roots and any(name.startswith("root") for name in self.facts.phone.settings.files):
            self.fault(
                "PROV-222, PROV-223", "a root certificate is stored, and the server is not checked", entry, "unchecked"
            )


class FirmwareUrl(Verdict):
    """The firmware is fetched where FIRM_FILE_PATH says, with the version to come for {fwver} (PROV-262, PROV-263)."""

    name = "firmware-url"

    @on(DownloadOrdered)
    def wanted(self, entry: Entry, event: DownloadOrdered) -> None:
        """Its URL."""
        if event.file != "firmware":
            return
        facts = self.facts
        written, version = facts.value("FIRM_FILE_PATH"), facts.value("FIRM_VERSION")
        if completed(written, facts.macros()) is None or "://" not in written:
            return
        if event.urls != (expanded(written, {**facts.macros(), "fwver": version}),):
            rule = "PROV-263" if event.urls == (expanded(written, facts.macros()),) else "PROV-262"
            self.fault(rule, "the firmware was asked for at another URL than FIRM_FILE_PATH says", entry, "url")
