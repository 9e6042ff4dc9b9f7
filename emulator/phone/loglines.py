"""What the phone says of itself: one line for each provisioning event, for syslog and for its own log (PROV-296).

The lines are made of what the events show to people, so they hold no password, and never the value of a setting.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from emulator.events import (
    AttemptStarted,
    CertificateRead,
    ClockRefused,
    ClockSet,
    ConfigurationRead,
    ConfigurationSaved,
    DownloadEnded,
    Event,
    FileRefused,
    ParameterSkipped,
    RunEnded,
    RunStarted,
    SaveFailed,
    SourceTried,
)
from emulator.events.masking import hide_passwords, printable

ERROR, WARNING, NOTICE, INFO, DEBUG = 3, 4, 5, 6, 7
"""Severities, as in RFC 3164 s.4.1.1."""
PROVISIONING, TIME = "PROV", "TIME"
"""Tags: what part of the phone speaks."""


class Line(NamedTuple):
    """time: virtual, ns; text: one printable line."""

    time: int
    severity: int
    tag: str
    text: str


class Wording(NamedTuple):
    """How an event is told: severity and text are made from the event."""

    severity: Callable[[Any], int]
    text: Callable[[Any], str]
    tag: str = PROVISIONING


def always(severity: int) -> Callable[[Event], int]:
    """The same severity for every event of a kind."""
    return lambda event: severity


def of_source(event: SourceTried) -> int:
    """Most sources give nothing; that is no news."""
    return DEBUG if event.url is None else INFO


def of_download(event: DownloadEnded) -> int:
    """A file that does not arrive is an error."""
    return ERROR if event.reason else INFO


def of_run(event: RunEnded) -> int:
    """How well the run went."""
    return {"failed": ERROR, "partly": WARNING, "saved": WARNING}.get(event.outcome, NOTICE)


def of_refusal(event: ClockRefused) -> int:
    """A server that only wants to be asked less often does no harm."""
    return NOTICE if event.code == "RATE" else WARNING


def download_text(event: DownloadEnded) -> str:
    """File, what came of it, status and URL."""
    told = f"; {event.text()}" if event.location else ""
    url = printable(hide_passwords(event.url))
    return f"{event.file} file {event.reason or 'complete'}, status {event.status}, {url}{told}"


WORDINGS: dict[type[Event], Wording] = {
    RunStarted: Wording(always(INFO), RunStarted.text),
    SourceTried: Wording(of_source, SourceTried.text),
    AttemptStarted: Wording(always(DEBUG), AttemptStarted.text),
    DownloadEnded: Wording(of_download, download_text),
    ConfigurationRead: Wording(always(NOTICE), ConfigurationRead.text),
    CertificateRead: Wording(always(NOTICE), CertificateRead.text),
    FileRefused: Wording(always(ERROR), FileRefused.text),
    ParameterSkipped: Wording(always(WARNING), ParameterSkipped.text),
    ConfigurationSaved: Wording(always(INFO), ConfigurationSaved.text),
    SaveFailed: Wording(always(ERROR), SaveFailed.text),
    RunEnded: Wording(of_run, RunEnded.text),
    ClockSet: Wording(always(DEBUG), ClockSet.text, TIME),
    ClockRefused: Wording(of_refusal, ClockRefused.text, TIME),
}
"""The events that are told, and how."""
TOLD = tuple(WORDINGS)


def severity_of(event: Event) -> int:
    """The severity of an event that is told."""
    return WORDINGS[type(event)].severity(event)


def line_of(event: Event, time: int) -> Line:
    """The line of an event that is told; time: of its entry, ns."""
    severity, text, tag = WORDINGS[type(event)]
    return Line(time, severity(event), tag, text(event))
