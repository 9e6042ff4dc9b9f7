"""What a run has that another has not: features, read from the log, so that coverage means something to a person.

A feature is a few short texts: a transition of the phone (what it was doing, what happened, what it did about that),
how far it came after which fault, or the shape of its flash.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import Factory, define

from emulator.events import (
    VOCABULARY,
    ConfigurationSaved,
    DatagramLost,
    DhcpReceived,
    DhcpStateEntered,
    DownloadEnded,
    Event,
    FirmwareBooted,
    HttpAnswered,
    LineWaiting,
    LookupAnswered,
    PowerOn,
    RunEnded,
    RunStarted,
    SettingChanged,
    SourceTried,
    StepEntered,
    StreamClosed,
    TimerDue,
    TimerSet,
    TransferEnded,
    step_name,
)
from emulator.phone.machine import Settled
from emulator.phone.state import Phone

Feature = tuple[str, ...]
Detail = Callable[[Any], str]
CODES = ("reason", "code", "end", "error")
"""Fields that hold a fixed code."""
DETAILS: dict[type[Event], Detail] = {
    TimerDue: lambda e: e.name.partition("/")[0],
    TimerSet: lambda e: e.name.partition("/")[0],
    StepEntered: lambda e: step_name(e.step),
    SourceTried: lambda e: f"{e.source} {e.reason}",
    RunStarted: lambda e: e.trigger,
    RunEnded: lambda e: f"{e.outcome} {e.source} {len(e.failed)}",
    DownloadEnded: lambda e: f"{e.file} {e.reason} {e.status // 100}",
    HttpAnswered: lambda e: f"{e.status // 100} {e.end}",
    DhcpStateEntered: lambda e: f"{e.state} {min(e.attempt, 3)}",
    DhcpReceived: lambda e: f"{e.type}",
    DatagramLost: lambda e: e.reason,
    LookupAnswered: lambda e: f"{e.error} {min(len(e.addresses), 3)}",
    SettingChanged: lambda e: f"{e.layer} {e.perm} {e.access} {e.value is None}",
    ConfigurationSaved: lambda e: ",".join(e.files),
    LineWaiting: lambda e: f"{e.reason} {e.status // 100}",
    FirmwareBooted: lambda e: f"{e.slot} {e.attempt}",
    StreamClosed: lambda e: e.reason,
    TransferEnded: lambda e: f"{e.end} {e.code}",
}
"""What of an event belongs to its feature; of others, the codes that they have."""


def _codes(cls: type[Event]) -> Detail:
    names = [name for name in CODES if name in {field.name for field in cls.__attrs_attrs__}]
    if not names:
        return lambda event: ""
    return lambda event: " ".join(str(getattr(event, name)) for name in names)


TOLD: dict[type[Event], Detail] = {cls: DETAILS.get(cls) or _codes(cls) for cls in VOCABULARY.values()}
FAULTS = frozenset(
    (
        *("DatagramLost", "DownloadEnded", "FileRefused", "PacketRefused"),
        *("FlashTorn", "FlashFailed", "PowerOff", "LinkDown"),
    )
)
"""Events that a phone remembers as the last thing that went wrong."""
SILENT = frozenset(("FlashProgrammed", "FlashErased", "TimerCancelled", "AttemptStarted", "DownloadOrdered"))
"""Events that say nothing that others beside them do not."""
MILESTONES = frozenset(("StepEntered", "RunEnded"))
"""Events that say how far a phone has come since."""


@define
class Features:
    """Reads the features of one run. found: all of them; doing, fault: of each phone, what it is doing and what went
    wrong last."""

    found: set[Feature] = Factory(set)
    doing: dict[int, str] = Factory(dict)
    fault: dict[int, str] = Factory(dict)

    def fork(self) -> Features:
        """Others that go on from here."""
        return Features(set(self.found), dict(self.doing), dict(self.fault))

    def see(self, settled: Settled, phone: Phone) -> None:
        """An input was taken, and the phone has settled."""
        first = settled.entries[0]
        where, before = self.doing.get(first.phone, "off"), told(first.event)
        add = self.found.add
        add((where, before))
        for entry in settled.entries:
            kind = entry.event.kind
            if kind in SILENT:
                continue
            what = told(entry.event)
            add((where, before, what))
            if kind in FAULTS:
                self.fault[entry.phone] = what
            elif kind in MILESTONES:
                add((what, "after", self.fault.get(entry.phone, "nothing")))
        if isinstance(first.event, PowerOn):
            add((f"boot {min(phone.power.boots, 4)}", flash_of(phone)))
        self.doing[first.phone] = state_of(phone)


def told(event: Event) -> str:
    """An event as part of a feature."""
    detail = TOLD[type(event)](event)
    return f"{event.kind} {detail}" if detail else event.kind


def state_of(phone: Phone) -> str:
    """What a phone is doing, in a few words."""
    power = phone.power
    if not power.on:
        return "off"
    run = phone.provisioning
    step = step_name(run.step) if run.step else run.outcome or "-"
    return f"{step} {phone.dhcp.state}{'' if power.link else ' no link'}"


def flash_of(phone: Phone) -> str:
    """The shape of what is saved."""
    settings = phone.settings
    count = len(settings.provisioned)
    return f"{count.bit_length()} provisioned, {len(settings.user).bit_length()} user, files {len(settings.files)}"
