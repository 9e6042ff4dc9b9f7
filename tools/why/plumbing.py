"""What of a chain matters to a person, and what only carries it on: timers, packets, requests, states of a client."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from emulator.events import (
    AddressBound,
    AttemptStarted,
    ConfigurationRead,
    DatagramReceived,
    DatagramSent,
    DhcpReceived,
    DhcpStateEntered,
    Dhcpv6Received,
    Dhcpv6StateEntered,
    DisplayShown,
    DownloadEnded,
    DownloadOrdered,
    Entry,
    Event,
    FileAnswered,
    FileRefused,
    FileRequested,
    FirmwareWritten,
    FlashErased,
    FlashProgrammed,
    FrameReceived,
    FrameSent,
    FtpReplied,
    FtpStarted,
    HttpAnswered,
    HttpRequested,
    Ipv6AddressBound,
    LineRegistering,
    LineWaiting,
    LookupAnswered,
    LookupRequested,
    NameAsked,
    NeighbourHeard,
    NotifyReceived,
    PnpAnswered,
    PnpEnded,
    PnpSettled,
    PnpSubscribed,
    RegisterAnswered,
    RegisterStarted,
    Role,
    RunEnded,
    RunStarted,
    SettingChanged,
    SettingsLoaded,
    SipAnswered,
    SourceTried,
    StepEntered,
    StreamClosed,
    StreamOpened,
    StreamReceived,
    StreamRequested,
    StreamSent,
    StreamShut,
    TftpAgreed,
    TftpBlockTaken,
    TftpStarted,
    TimerCancelled,
    TimerDue,
    TimerSet,
    TransferEnded,
)

ARRIVALS = (
    *(DatagramReceived, FrameReceived, HttpAnswered, FileAnswered, LookupAnswered),
    *(StreamOpened, StreamReceived, StreamClosed),
)
"""What comes in by the network; the sentence about what the phone made of it tells it too."""
CARRIERS: tuple[type[Event], ...] = (
    *ARRIVALS,
    *(TimerSet, TimerDue, TimerCancelled, DatagramSent, FrameSent, LookupRequested, NameAsked),
    *(HttpRequested, FileRequested, StreamRequested, StreamSent, StreamShut, DownloadOrdered),
    *(TftpStarted, TftpAgreed, TftpBlockTaken, FtpStarted, FtpReplied, TransferEnded),
    *(DhcpStateEntered, DhcpReceived, Dhcpv6StateEntered, Dhcpv6Received, SettingsLoaded),
    *(PnpSubscribed, PnpSettled, PnpAnswered, PnpEnded, NotifyReceived, SipAnswered),
    *(RegisterStarted, RegisterAnswered, FlashErased, FlashProgrammed, FirmwareWritten),
)
"""What is left out of a chain of causes."""
FACTS_AS_GROUNDS = (DhcpReceived, Dhcpv6Received)
"""Carriers that say something when a decision names them as its ground."""
_TOPICS: dict[type[Event], Callable[[Any], tuple[object, ...]]] = {
    AddressBound: lambda e: (e.fresh,),
    ConfigurationRead: lambda e: (e.file, e.origin),
    DisplayShown: lambda e: (e.line,),
    DownloadEnded: lambda e: (e.file, e.reason),
    FileRefused: lambda e: (e.file, e.reason),
    LineRegistering: lambda e: (e.line, e.attempt > 1),
    LineWaiting: lambda e: (e.line, e.reason, e.status),
    RunEnded: lambda e: (e.outcome, e.source, e.failed),
    RunStarted: lambda e: (e.trigger,),
    SettingChanged: lambda e: (e.key, e.layer),
    SourceTried: lambda e: (e.step, e.url, e.reason),
    StepEntered: lambda e: (e.step, e.source),
}


def carries(event: Event) -> bool:
    """Whether an event only carries a chain on."""
    if isinstance(event, StepEntered):
        return event.step != 9 and event.source != "last good URL"
    if isinstance(event, DownloadEnded):
        return not event.reason and not event.location
    if isinstance(event, AttemptStarted):
        return not event.redirects and not event.authorized
    if isinstance(event, NeighbourHeard):
        return not event.vlan
    if isinstance(event, AddressBound | Ipv6AddressBound):
        return not event.fresh
    return isinstance(event, CARRIERS)


def is_ground(event: Event) -> bool:
    """Whether an event that was decided on is worth a line of its own."""
    return isinstance(event, FACTS_AS_GROUNDS) or not carries(event)


def topic(event: Event) -> tuple[object, ...]:
    """What an event is about: two events of one topic tell a person the same thing twice."""
    details = _TOPICS.get(type(event))
    return (event.kind, *(() if details is None else details(event)))


def arrival(entry: Entry, carried: list[Entry]) -> Entry | None:
    """What came in by the network and led to an event at once. carried: the carriers on the way to its cause."""
    for each in carried:
        if isinstance(each.event, ARRIVALS):
            return each
        if each.event.role is Role.ORDER or isinstance(each.event, TimerDue):
            return None
    return None
