"""A run as lines that a person can read: one line an event, or, in brief, one line for each thing that matters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from attrs import Factory, define

from emulator.events import (
    AccessRefused,
    AddressLost,
    DatagramLost,
    DatagramSent,
    DownloadEnded,
    Entry,
    Event,
    FileRefused,
    FlashErased,
    FlashFailed,
    FlashProgrammed,
    FlashTorn,
    Ipv6AddressLost,
    LineRefused,
    LineWaiting,
    PacketRefused,
    ParameterSkipped,
    PowerLost,
    PowerOn,
    Role,
    RunEnded,
    RunStarted,
    SaveFailed,
    SettingChanged,
    SettingRefused,
    StepEntered,
    TimerCancelled,
    TimerDue,
    TimerSet,
    ToleranceUsed,
    step_name,
)
from emulator.events.masking import duration
from emulator.phone import syslog
from emulator.phone.machine import Settled

Style = Callable[[str, str], str]
"""(text, style name) to text as it is printed."""

WRONG = (
    *(PacketRefused, FileRefused, ParameterSkipped, SettingRefused, AccessRefused),
    *(AddressLost, Ipv6AddressLost, DatagramLost, ToleranceUsed),
    *(LineWaiting, LineRefused, FlashFailed, FlashTorn, PowerLost, SaveFailed),
)
FLASH = (FlashErased, FlashProgrammed)
HIDDEN_IN_BRIEF = frozenset(
    {
        *("TimerCancelled", "DhcpStateEntered", "DhcpReceived", "Dhcpv6StateEntered", "Dhcpv6Received"),
        *("AttemptStarted", "DownloadOrdered"),
        *("PnpSubscribed", "PnpSettled", "NotifyReceived", "SipAnswered", "TftpStarted", "TftpBlockTaken"),
        *("StreamOpened", "StreamReceived"),
        *("RegisterStarted", "RegisterAnswered"),
    }
)
"""Kinds that only repeat, for a person, what the lines around them say."""


def hidden_in_brief(event: Event) -> bool:
    """Whether a line may be left out; what explains a failure, and when it is tried again, may not."""
    if isinstance(event, DownloadEnded):
        return not event.reason
    if isinstance(event, RunStarted):
        return event.trigger == "start"
    if isinstance(event, TimerSet | TimerDue):
        return event.name != "retry"
    if isinstance(event, DatagramLost):
        return event.reason == "nobody-listens"
    if isinstance(event, DatagramSent):
        return event.source_port == syslog.PORT
    return event.kind in HIDDEN_IN_BRIEF


def plain(text: str, style: str) -> str:
    """No styling."""
    return text


def seconds(ns: int) -> str:
    """``ns`` as seconds with microseconds, ``5.004000``."""
    whole, rest = divmod(ns, 1_000_000_000)
    return f"{whole}.{rest // 1000:06d}"


@define
class Timeline:
    """Makes lines. titles: of the steps; phones: whether to show which phone; width: longest line, 0 for no limit."""

    titles: Mapping[int, str]
    style: Style = plain
    phones: bool = False
    width: int = 0
    steps: dict[int, int] = Factory(dict)

    def lines(self, entries: Iterable[Entry]) -> Iterator[str]:
        """One line an event."""
        self.steps = {}
        for entry in entries:
            yield self.line(entry)

    def brief(self, entries: Iterable[Entry]) -> Iterator[str]:
        """One line for each thing that matters; a burst of flash work is one line."""
        self.steps = {}
        return self.brief_lines(entries)

    def brief_lines(self, entries: Iterable[Entry]) -> Iterator[str]:
        """:meth:`brief` of entries that go on from those before."""
        burst: list[Entry] = []
        for entry in entries:
            if isinstance(entry.event, FLASH):
                burst.append(entry)
                continue
            if burst:
                yield self.flash_line(burst)
                burst = []
            if hidden_in_brief(entry.event):
                self.note_step(entry)
                continue
            yield self.line(entry)
        if burst:
            yield self.flash_line(burst)

    def note_step(self, entry: Entry) -> str:
        """The step the phone is in after ``entry``, as a column."""
        event = entry.event
        if isinstance(event, StepEntered):
            self.steps[entry.phone] = event.step
        elif isinstance(event, RunEnded | RunStarted | PowerOn):
            self.steps.pop(entry.phone, None)
        step = self.steps.get(entry.phone)
        return " " if step is None else step_name(step)

    def line(self, entry: Entry) -> str:
        """One event as a line."""
        event = entry.event
        step = self.note_step(entry)
        text = event.text()
        if isinstance(event, StepEntered):
            title = self.titles.get(event.step, "")
            text = f"step {step_name(event.step)}: {title}" + (f" · {text}" if text else "")
        return self.laid_out(str(entry.n), entry, step, event.mark, text, style_of(entry))

    def flash_line(self, burst: list[Entry]) -> str:
        """A burst of flash work as a line."""
        if len(burst) == 1:
            return self.line(burst[0])
        erased = sum(isinstance(entry.event, FlashErased) for entry in burst)
        written = sum(len(entry.event.data) for entry in burst if isinstance(entry.event, FlashProgrammed))
        took = duration(burst[-1].time - burst[0].time)
        erases = f", {erased} sectors erased" if erased else ""
        text = f"flash: {written:,} bytes programmed{erases}, in {len(burst)} operations, {took}"
        step = self.note_step(burst[0])
        return self.laid_out(f"{burst[0].n}", burst[0], step, "#", text, "flash")

    def laid_out(self, number: str, entry: Entry, step: str, mark: str, text: str, style: str) -> str:
        """The columns of a line, cut to the width of the terminal."""
        phone = f"{entry.phone:>5} " if self.phones else ""
        head = f"{number:>5} {phone}{seconds(entry.time):>12} {step:<2}{mark} "
        if self.width and len(head) + len(text) > self.width:
            text = text[: max(0, self.width - len(head) - 1)] + "…"
        return self.style(head, "dim") + self.style(text, style)


def style_of(entry: Entry) -> str:
    """How a line is coloured."""
    event = entry.event
    if isinstance(event, StepEntered | RunEnded):
        return "step"
    if isinstance(event, WRONG) or (isinstance(event, DownloadEnded) and event.reason):
        return "wrong"
    if isinstance(event, FLASH):
        return "flash"
    if isinstance(event, SettingChanged):
        return "setting"
    if isinstance(event, TimerSet | TimerCancelled):
        return "dim"
    return {"→": "out", "←": "in"}.get(event.mark, "input" if event.role is Role.INPUT else "plain")


class LiveTimeline:
    """Prints a timeline while its run goes on; an observer of :class:`~emulator.world.run.Run`."""

    def __init__(self, timeline: Timeline, every: bool, say: Callable[[str], None]) -> None:
        self.timeline = timeline
        self.every = every
        self.say = say
        self.nobody_reads = False

    def observe(self, settled: Settled) -> None:
        """Print what one input led to. The run goes on when its reader goes away (`| head`)."""
        if self.nobody_reads:
            return
        timeline = self.timeline
        lines = map(timeline.line, settled.entries) if self.every else timeline.brief_lines(settled.entries)
        try:
            for line in lines:
                self.say(line)
        except BrokenPipeError:
            self.nobody_reads = True

    def end(self) -> None:
        """An empty line before the summary."""
        if not self.nobody_reads:
            self.say("")
