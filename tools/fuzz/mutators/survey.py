"""What a base scenario has to offer to those who vary it: its moments, files, messages and parameters.

The base is run once on the usual phone. What is seen there is a dictionary for the mutators and nothing else: no case
depends on its phone doing the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from attrs import define, evolve, frozen

from emulator.events import (
    SECOND,
    AttemptStarted,
    DatagramReceived,
    Event,
    FlashErased,
    FlashProgrammed,
    FrameReceived,
    HttpAnswered,
    LookupAnswered,
    StreamReceived,
)
from emulator.phone.machine import Settled
from emulator.phone.storage import FILES
from emulator.phone.urls import UrlError, parse_url
from emulator.world.run import Run
from emulator.world.scenario import FOREVER, FilesSpec, Scenario
from flash_image import pack

LONGEST = 15 * 60 * SECOND
"""How much of a base is looked at."""
MOST = 96
"""Moments and messages that are kept of it."""
CUTTING_OFF = frozenset(
    {
        *("PROVISION_ENABLE", "OPTION160_ENABLE", "OPTION159_ENABLE", "OPTION66_ENABLE", "SIPPNP_ENABLE"),
        *("USR_PROV_SVR_URL", "USR_PROV_SVR_AUTH_ID", "USR_PROV_SVR_AUTH_PASSWORD", "CFG_RESYNC_TIME"),
        *("HTTP_AUTH_ID", "HTTP_AUTH_PASSWORD", "HTTP_ENABLE_PROXY", "HTTP_PROXY_SVR_ADDR", "HTTP_PROXY_SVR_PORT"),
        *("IP_ADDR_MODE", "ALLOW_AUTO_CFG", "CFG_FILE_KEY", "CFG_FILE_KEY_LENGTH"),
    }
)
"""Parameters that can keep a phone from its servers or from trying again, so that what has them set is mended."""
ONLY_WITH_LOGINS = frozenset({"HTTP_AUTH_ID", "HTTP_AUTH_PASSWORD"})
ONLY_WITH_KEYS = frozenset({"CFG_FILE_KEY", "CFG_FILE_KEY_LENGTH"})
_RETRY = re.compile(r"CFG_RTRY_INTVL[^>]*>\s*(\d{1,4})")
_ELEMENT = re.compile(r"<([A-Z][A-Z0-9_]+)(?:\s[^<>]*)?>([^<>]*)</\1>")


class Asked(NamedTuple):
    """A file that the phone asked for. target: its path and query; text: what the base serves there, "" for nothing."""

    file: str
    scheme: str
    host: str
    port: int
    target: str
    text: str


@frozen
class Heard:
    """An input that carries something from outside, the count-th of its kind. time: when it was taken, ns."""

    count: int
    event: DatagramReceived | HttpAnswered | FrameReceived | LookupAnswered | StreamReceived
    time: int


@frozen
class Survey:
    """moments: when something happened to the phone (ns); asked: files, each once, in order; heard: by kind of input;
    operations: of the flash; image: the chip at the end, packed; retry: the longest wait before the phone tries again
    (minutes); parameters: key to value in its files; clean: whether the phone comes from the factory and nobody types
    anything, so that a factory reset makes it what it was; busy: when the last thing of the base's own story is over
    (ns); cutting: those of :data:`CUTTING_OFF` that do harm here; seen: inputs of each kind before all this."""

    moments: tuple[int, ...]
    asked: tuple[Asked, ...]
    heard: Mapping[str, tuple[Heard, ...]]
    operations: int
    image: bytes
    retry: int
    parameters: tuple[tuple[str, str], ...]
    clean: bool
    busy: int
    cutting: frozenset[str]
    seen: Mapping[str, int] = MappingProxyType({})

    def device_files(self) -> list[Asked]:
        """The files with settings in them; all files if none is known as one."""
        return [each for each in self.asked if each.file in FILES] or list(self.asked)


@define
class _Looking:
    """The observer of the run."""

    moments: list[int]
    attempts: dict[tuple[str, str], str]
    counts: dict[str, int]
    heard: dict[str, list[Heard]]
    operations: int = 0

    def see(self, settled: Settled) -> None:
        """An input has been taken."""
        first = settled.entries[0]
        if len(self.moments) < MOST and (not self.moments or self.moments[-1] != first.time):
            self.moments.append(first.time)
        self.hear(first.event, first.time)
        for entry in settled.entries:
            event = entry.event
            if isinstance(event, AttemptStarted) and len(self.attempts) < MOST:
                self.attempts.setdefault((event.file, event.url), event.url)
            elif isinstance(event, FlashProgrammed | FlashErased):
                self.operations += 1

    def hear(self, event: Event, time: int) -> None:
        """Keep what carries bytes."""
        if isinstance(event, DatagramReceived | HttpAnswered | FrameReceived | LookupAnswered | StreamReceived):
            count = self.counts[event.kind] = self.counts.get(event.kind, 0) + 1
            kept = self.heard.setdefault(event.kind, [])
            if len(kept) < MOST:
                kept.append(Heard(count, event, time))


_surveys: dict[tuple[int, int], tuple[Scenario, Survey]] = {}


def survey(base: Scenario, after: int = 0) -> Survey:
    """The survey of a base, made once for each; a campaign has one base. after: only what comes later than this, ns."""
    known = _surveys.get((id(base), after))
    if known is None:
        if len(_surveys) >= 16:
            _surveys.clear()
        made = _later(survey(base), after) if after else _surveyed(base)
        known = _surveys[id(base), after] = base, made
    return known[1]


def _later(whole: Survey, after: int) -> Survey:
    heard = {kind: tuple(each for each in kept if each.time > after) for kind, kept in whole.heard.items()}
    seen = {kind: sum(each.time <= after for each in kept) for kind, kept in whole.heard.items()}
    moments = tuple(moment for moment in whole.moments if moment > after)
    return evolve(whole, moments=moments, heard={kind: kept for kind, kept in heard.items() if kept}, seen=seen)


def _surveyed(base: Scenario) -> Survey:
    looking = _Looking([], {}, {}, {})
    run = Run(base, observer=looking.see)
    run.run_until(min(base.until, LONGEST))
    asked = tuple(_asked(base, looking.attempts))
    phone = base.phone
    typed = any(action.do in ("web", "phone", "import") for action in base.action)
    clean = not (typed or phone.user or phone.provisioned or phone.saved or phone.flash or base.record)
    texts = [*(each.text for each in asked), *phone.provisioned.values()]
    retry = max([30, *(int(found) for text in texts for found in _RETRY.findall(text))])
    parameters = dict(found for each in asked for found in _ELEMENT.findall(each.text))
    return Survey(
        moments=tuple(looking.moments),
        asked=asked,
        heard={kind: tuple(heard) for kind, heard in looking.heard.items()},
        operations=looking.operations,
        image=pack(run.machines[0].phone.flash.chip),
        retry=retry,
        parameters=tuple(parameters.items()),
        clean=clean,
        busy=max(_ends(base), default=0),
        cutting=_cutting(base),
    )


def _cutting(base: Scenario) -> frozenset[str]:
    """Logins do no harm where none is wanted, and keys none where nothing is encrypted."""
    plain = all(path.encrypt is None for spec in base.files for path in spec.paths.values())
    open_ = all(spec.auth == "none" for spec in base.files)
    plain = plain and not any(".enc" in name for name in base.content)
    return CUTTING_OFF - (ONLY_WITH_KEYS if plain else set()) - (ONLY_WITH_LOGINS if open_ else set())


def _ends(base: Scenario) -> Iterator[int]:
    """When things of the base's own story happen; what never happens does not count."""
    yield from (action.at for action in base.action)
    yield from (outage.end for outage in base.link.outage if outage.end < FOREVER)
    for table in ("host", "dhcp", "dhcpv6", "pnp", "redirection", "proxy", "sip", "files", "sntp", "syslog"):
        for spec in getattr(base, table):
            yield spec.start
            yield spec.end if spec.end < FOREVER else 0


def _asked(base: Scenario, attempts: Mapping[tuple[str, str], str]) -> Iterator[Asked]:
    for file, url in attempts:
        try:
            parts = parse_url(url)
        except UrlError:
            continue
        text = _served(base, parts.host, parts.target)
        yield Asked(file, parts.scheme, parts.host, parts.port, parts.target, text)


def _served(base: Scenario, host: str, target: str) -> str:
    """What the base has at a path of a host, as text; "" if nothing."""
    there = {host, *(part.strip() for part in base.names.get(host, "").split(","))}
    near = [spec for spec in base.files if spec.address in there]
    return next((text for spec in near or base.files if (text := served_text(base, spec, target))), "")


def served_text(story: Scenario, spec: FilesSpec, target: str) -> str:
    """The plain text that a server has at a path, "" if it has none or no text."""
    path = spec.paths.get(target)
    name = None
    if path is not None and path.text is not None:
        return path.text
    if path is not None and path.firmware is None:
        name = path.file
    if name is None and spec.root is not None and (path is None or path.firmware is None):
        name = spec.root.rstrip("/") + target.partition("?")[0]
    body = story.content.get(name, b"") if name is not None else b""
    try:
        return body.decode() if b"\0" not in body else ""
    except UnicodeDecodeError:
        return ""
