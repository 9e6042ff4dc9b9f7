"""A run as a ladder: arrows between phones and their peers, and notes on what the phone makes of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from attrs import Factory, define

from emulator.events import (
    SECOND,
    AccessRefused,
    AddressBound,
    AddressLost,
    CheckSyncJudged,
    ClockRefused,
    ClockSet,
    ConfigurationSaved,
    ConflictFound,
    DatagramLost,
    DatagramReceived,
    DatagramSent,
    DownloadEnded,
    Entry,
    Event,
    ExportRequested,
    FactoryResetDone,
    FactoryResetRequested,
    FileRefused,
    FirmwareDamaged,
    FirmwareInstalled,
    FirmwareRefused,
    FirmwareRolledBack,
    FlashFailed,
    FlashTorn,
    ImportEnded,
    ImportOffered,
    Ipv6AddressBound,
    Ipv6AddressLost,
    LineRefused,
    LineRegistered,
    LineUnregistered,
    LineWaiting,
    LinkDown,
    LinkUp,
    PacketRefused,
    PageSubmitted,
    PowerLost,
    PowerOff,
    PowerOn,
    RestartOrdered,
    RunEnded,
    RunStarted,
    SaveFailed,
    SettingEntered,
    SettingsLoaded,
    SourceTried,
    StepEntered,
    StreamReceived,
    StreamSent,
    ToleranceUsed,
    VlanChosen,
    step_name,
)
from emulator.events.masking import duration, printable
from tools.peers import Peer, Peers
from tools.timeline import hidden_in_brief, seconds

NOTED = (
    *(PowerOn, PowerOff, PowerLost, RestartOrdered, LinkUp, LinkDown, SettingsLoaded, VlanChosen, ConflictFound),
    *(AddressBound, AddressLost, Ipv6AddressBound, Ipv6AddressLost, ClockSet, ClockRefused, PacketRefused),
    *(ToleranceUsed, FileRefused, ConfigurationSaved, SaveFailed, FlashTorn, FlashFailed, CheckSyncJudged),
    *(LineRegistered, LineWaiting, LineRefused, LineUnregistered, SettingEntered, PageSubmitted, ExportRequested),
    *(ImportOffered, ImportEnded, FactoryResetRequested, FactoryResetDone, AccessRefused, FirmwareDamaged),
    *(FirmwareInstalled, FirmwareRefused, FirmwareRolledBack, SourceTried),
)
"""Events that are told beside the arrows."""
SILENCE = SECOND
"""ns without anything to draw after which the ladder says that time passes."""
BULK = ("TFTP DATA", "TFTP ACK")


@define
class Arrow:
    """Something that passed. n: number of its event, last: of the last one of ``count`` alike.

    outward: the phone sent it; lost: why it did not arrive; bulk: what is alike in pieces of a file, "" for what is
    drawn by itself; size: bytes of payload.
    """

    n: int
    phone: int
    peer: Peer
    outward: bool
    text: str
    bulk: str = ""
    size: int = 0
    lost: str = ""
    last: int = 0
    count: int = 1

    def label(self) -> str:
        """What stands at the arrow."""
        lost = f", lost ({self.lost})" if self.lost else ""
        if self.count == 1:
            return f"{self.n} {self.text}{lost}"
        return f"{self.n} to {self.last} {self.bulk}: {self.size:,} bytes in {self.count} pieces"


@define
class Note:
    """Something that the phone says of itself. opens, closes: a provisioning run begins with it or ends."""

    n: int
    phone: int
    text: str
    opens: bool = False
    closes: bool = False


Item = Arrow | Note


@define
class Ladder:
    """Makes the items of a ladder. titles: of the steps; secrets: show the passwords in URLs and logins.

    phones: what each phone is, as soon as it has said so; sent: arrows whose datagram may yet be lost; drawn: when a
    phone was last seen (ns); before: the last item.
    """

    titles: Mapping[int, str]
    secrets: bool = False
    peers: Peers = Factory(Peers)
    phones: dict[int, str] = Factory(dict)
    sent: dict[int, Arrow] = Factory(dict)
    drawn: dict[int, int] = Factory(dict)
    before: Item | None = None

    def items(self, entries: Iterable[Entry], since: int = 1) -> Iterator[Item]:
        """What there is to draw from event ``since`` on; an arrow may still change until the next one is there."""
        for entry in entries:
            for item in self.of(entry):
                if item.n >= since:
                    yield item

    def of(self, entry: Entry) -> Iterator[Item]:
        """The items of one event: none, itself, or a silence and itself."""
        event, peer = entry.event, self.peers.of(entry)
        if isinstance(event, DatagramLost) and not event.inward:
            self.lose(entry.cause, event)
            return
        if peer is not None and not hidden_in_brief(event):
            item: Item | None = self.arrow(entry, peer)
        else:
            item = self.note(entry)
        if item is None:
            return
        waited = entry.time - self.drawn.get(entry.phone, entry.time)
        self.drawn[entry.phone] = entry.time
        if waited >= SILENCE:
            yield Note(entry.n, entry.phone, f"{duration(waited)} later")
        self.before = item
        yield item

    def lose(self, cause: int | None, event: DatagramLost) -> None:
        """What was sent did not arrive. That nobody listens to a group is no loss."""
        arrow = self.sent.pop(cause or 0, None)
        if arrow is not None and event.reason != "nobody-listens":
            arrow.lost = event.reason

    def arrow(self, entry: Entry, peer: Peer) -> Arrow | None:
        """An arrow, or None for one more piece of the file whose pieces the last arrow stands for."""
        event = entry.event
        outward = event.mark == "→"
        text = self.said(event)
        bulk = bulk_of(event, text)
        size = len(event.payload) if isinstance(event, StreamReceived | DatagramReceived) else 0
        last = self.before
        if bulk and isinstance(last, Arrow) and (last.bulk, last.peer, last.phone) == (bulk, peer, entry.phone):
            last.last, last.count, last.size = entry.n, last.count + 1, last.size + size
            self.drawn[entry.phone] = entry.time
            return None
        lost = event.reason if isinstance(event, DatagramLost) else ""
        made = Arrow(entry.n, entry.phone, peer, outward, text, bulk, size, lost, entry.n)
        if isinstance(event, DatagramSent):
            self.sent[entry.n] = made
        return made

    def note(self, entry: Entry) -> Note | None:
        """A note, if there is something to say."""
        event, n, phone = entry.event, entry.n, entry.phone
        if isinstance(event, SettingsLoaded):
            self.phones[phone] = f"{event.identity[1]} {event.identity[0]}"
        if isinstance(event, RunStarted):
            return Note(n, phone, f"{event.text()}, at {seconds(entry.time)} s", opens=True)
        if isinstance(event, StepEntered):
            url = f" · {self.said(event)}" if event.source else ""
            title = f"step {step_name(event.step)}: {self.titles.get(event.step, '')}"
            return Note(n, phone, f"{title}{url}, at {seconds(entry.time)} s")
        if isinstance(event, RunEnded):
            return Note(n, phone, f"{event.text()}, at {seconds(entry.time)} s", closes=True)
        if isinstance(event, NOTED) or (isinstance(event, DownloadEnded) and event.reason):
            return Note(n, phone, self.said(event))
        return None

    def said(self, event: Event) -> str:
        """An event in a few words: without the ends of a packet, which the arrow has; with secrets if need be."""
        if isinstance(event, DatagramLost):
            return "datagram"
        if self.secrets and isinstance(event, StreamSent):
            return printable(f"TCP {event.name}: {event.payload.decode('utf-8', 'replace').strip()}")
        if self.secrets and isinstance(event, StepEntered | SourceTried) and event.url is not None:
            return printable(f"{event.source} gives {event.url}")
        if self.secrets and isinstance(event, SettingEntered | PageSubmitted) and event.value is not None:
            return printable(f'{event.via} programming: {event.key} = "{event.value}"')
        return event.text().partition("  ")[0]


def bulk_of(event: Event, text: str) -> str:
    """What the pieces of a file have in common."""
    if isinstance(event, StreamReceived):
        return f"TCP {event.name}"
    return "TFTP" if text.startswith(BULK) else ""
