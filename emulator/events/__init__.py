"""The vocabulary: every event type, in one place.

Each module defines classes; :data:`VOCABULARY` maps each kind (its name in the log) to its class. To add an event,
write its class in the module it belongs to and add it to that module's line below.
"""

from emulator.events.base import Because, Entry, Event, Payload, Role
from emulator.events.firmware import (
    FirmwareAccepted,
    FirmwareBooted,
    FirmwareConfirmed,
    FirmwareDamaged,
    FirmwareInstalled,
    FirmwareRefused,
    FirmwareRolledBack,
    FirmwareWritten,
    UpdateAnswered,
    UpdateBegun,
    UpdateOffered,
)
from emulator.events.link import ConflictFound, FrameReceived, FrameSent, NeighbourHeard, VlanChosen
from emulator.events.network import (
    AddressBound,
    AddressLost,
    CheckSyncJudged,
    CheckSyncReceived,
    DatagramLost,
    DatagramReceived,
    DatagramSent,
    DhcpReceived,
    DhcpStateEntered,
    Dhcpv6Received,
    Dhcpv6StateEntered,
    Ipv6AddressBound,
    Ipv6AddressLost,
    NotifyReceived,
    PacketRefused,
    PnpAnswered,
    PnpEnded,
    PnpSettled,
    PnpSubscribed,
    SipAnswered,
    ToleranceUsed,
)
from emulator.events.power import (
    DisplayShown,
    FlashFitted,
    HandsetLifted,
    HandsetReplaced,
    LinkDown,
    LinkUp,
    PowerOff,
    PowerOn,
    RestartNeeded,
    RestartOrdered,
    RestartRequested,
    SettingEntered,
    TimerCancelled,
    TimerDue,
    TimerSet,
)
from emulator.events.provisioning import (
    STEPS,
    CertificateRead,
    ConfigurationRead,
    FileRefused,
    ParameterSkipped,
    RunDeferred,
    RunEnded,
    RunStarted,
    SettingChanged,
    SettingRefused,
    SourceTried,
    StepEntered,
    step_name,
)
from emulator.events.sip import (
    LineRefused,
    LineRegistered,
    LineRegistering,
    LineUnregistered,
    LineWaiting,
    RegisterAnswered,
    RegisterStarted,
)
from emulator.events.storage import ConfigurationSaved, FlashErased, FlashProgrammed, SaveFailed, SettingsLoaded
from emulator.events.stream import (
    StreamClosed,
    StreamOpened,
    StreamReceived,
    StreamRequested,
    StreamSent,
    StreamShut,
)
from emulator.events.time import ClockRefused, ClockSet
from emulator.events.transfer import (
    COMPLETE,
    AttemptStarted,
    DownloadEnded,
    DownloadOrdered,
    FileAnswered,
    FileRequested,
    FtpReplied,
    FtpStarted,
    Headers,
    HttpAnswered,
    HttpRequested,
    LookupAnswered,
    LookupRequested,
    NameAsked,
    TftpAgreed,
    TftpBlockTaken,
    TftpStarted,
    TransferEnded,
)
from emulator.events.units import SECOND
from emulator.events.user import (
    AccessRefused,
    ExportRequested,
    FactoryResetAccepted,
    FactoryResetDone,
    FactoryResetRequested,
    ImportEnded,
    ImportOffered,
    PageOpened,
    PageShown,
    PageSubmitted,
    SettingsExported,
)

POWER = (
    *(FlashFitted, PowerOn, PowerOff, LinkUp, LinkDown, TimerSet, TimerCancelled, TimerDue),
    *(HandsetLifted, HandsetReplaced, RestartRequested, RestartNeeded, RestartOrdered),
)
LINK = (FrameSent, FrameReceived, NeighbourHeard, VlanChosen, ConflictFound)
NETWORK = (DatagramSent, DatagramReceived, DatagramLost, PacketRefused, ToleranceUsed)
DHCP = (DhcpStateEntered, DhcpReceived, AddressBound, AddressLost)
DHCPV6 = (Dhcpv6StateEntered, Dhcpv6Received, Ipv6AddressBound, Ipv6AddressLost)
SIP = (SipAnswered, NotifyReceived, CheckSyncReceived, CheckSyncJudged)
PNP = (PnpSubscribed, PnpSettled, PnpAnswered, PnpEnded)
STREAM = (StreamRequested, StreamSent, StreamShut, StreamOpened, StreamReceived, StreamClosed)
TRANSFER = (
    *(LookupRequested, NameAsked, LookupAnswered, HttpRequested, HttpAnswered, FileRequested, FileAnswered),
    *(TftpStarted, TftpAgreed, TftpBlockTaken),
    *(DownloadOrdered, AttemptStarted, DownloadEnded),
    *(FtpStarted, FtpReplied, TransferEnded),
)
PROVISIONING = (
    *(RunStarted, RunDeferred, StepEntered, SourceTried, ConfigurationRead, CertificateRead, FileRefused),
    *(ParameterSkipped, SettingEntered, SettingChanged, SettingRefused, RunEnded, DisplayShown),
)
STORAGE = (SettingsLoaded, FlashErased, FlashProgrammed, ConfigurationSaved, SaveFailed)
TIME = (ClockSet, ClockRefused)
PEOPLE = (
    *(PageOpened, PageShown, PageSubmitted, ExportRequested, SettingsExported, ImportOffered, ImportEnded),
    *(FactoryResetRequested, FactoryResetAccepted, FactoryResetDone, AccessRefused),
)
FIRMWARE = (
    *(FirmwareBooted, FirmwareDamaged, FirmwareRolledBack, FirmwareConfirmed, UpdateOffered, UpdateAnswered),
    *(UpdateBegun, FirmwareAccepted, FirmwareRefused, FirmwareWritten, FirmwareInstalled),
)
LINES = (
    *(LineRegistering, RegisterStarted, RegisterAnswered, LineRegistered, LineWaiting, LineRefused),
    LineUnregistered,
)

GROUPS = (
    POWER,
    LINK,
    NETWORK,
    DHCP,
    DHCPV6,
    SIP,
    PNP,
    STREAM,
    TRANSFER,
    PROVISIONING,
    STORAGE,
    TIME,
    PEOPLE,
    FIRMWARE,
    LINES,
)

VOCABULARY: dict[str, type[Event]] = {cls.kind: cls for group in GROUPS for cls in group}
"""Every event type by its kind, in the order in which people meet them."""

ORDERS: tuple[type[Event], ...] = tuple(cls for cls in VOCABULARY.values() if cls.orders)
"""The orders that will be answered."""

ANSWERS: tuple[type[Event], ...] = tuple(cls for cls in VOCABULARY.values() if cls.answers)
"""The inputs that answer an order."""

__all__ = [
    "ANSWERS",
    "COMPLETE",
    "ORDERS",
    "SECOND",
    "STEPS",
    "VOCABULARY",
    "AccessRefused",
    "AddressBound",
    "AddressLost",
    "AttemptStarted",
    "Because",
    "CertificateRead",
    "CheckSyncJudged",
    "CheckSyncReceived",
    "ClockRefused",
    "ClockSet",
    "ConfigurationRead",
    "ConfigurationSaved",
    "ConflictFound",
    "DatagramLost",
    "DatagramReceived",
    "DatagramSent",
    "DhcpReceived",
    "DhcpStateEntered",
    "Dhcpv6Received",
    "Dhcpv6StateEntered",
    "DisplayShown",
    "DownloadEnded",
    "DownloadOrdered",
    "Entry",
    "Event",
    "ExportRequested",
    "FactoryResetAccepted",
    "FactoryResetDone",
    "FactoryResetRequested",
    "FileAnswered",
    "FileRefused",
    "FileRequested",
    "FirmwareAccepted",
    "FirmwareBooted",
    "FirmwareConfirmed",
    "FirmwareDamaged",
    "FirmwareInstalled",
    "FirmwareRefused",
    "FirmwareRolledBack",
    "FirmwareWritten",
    "FlashErased",
    "FlashFitted",
    "FlashProgrammed",
    "FrameReceived",
    "FrameSent",
    "FtpReplied",
    "FtpStarted",
    "HandsetLifted",
    "HandsetReplaced",
    "Headers",
    "HttpAnswered",
    "HttpRequested",
    "ImportEnded",
    "ImportOffered",
    "Ipv6AddressBound",
    "Ipv6AddressLost",
    "LineRefused",
    "LineRegistered",
    "LineRegistering",
    "LineUnregistered",
    "LineWaiting",
    "LinkDown",
    "LinkUp",
    "LookupAnswered",
    "LookupRequested",
    "NameAsked",
    "NeighbourHeard",
    "NotifyReceived",
    "PacketRefused",
    "PageOpened",
    "PageShown",
    "PageSubmitted",
    "ParameterSkipped",
    "Payload",
    "PnpAnswered",
    "PnpEnded",
    "PnpSettled",
    "PnpSubscribed",
    "PowerOff",
    "PowerOn",
    "RegisterAnswered",
    "RegisterStarted",
    "RestartNeeded",
    "RestartOrdered",
    "RestartRequested",
    "Role",
    "RunDeferred",
    "RunEnded",
    "RunStarted",
    "SaveFailed",
    "SettingChanged",
    "SettingEntered",
    "SettingRefused",
    "SettingsExported",
    "SettingsLoaded",
    "SipAnswered",
    "SourceTried",
    "StepEntered",
    "StreamClosed",
    "StreamOpened",
    "StreamReceived",
    "StreamRequested",
    "StreamSent",
    "StreamShut",
    "TftpAgreed",
    "TftpBlockTaken",
    "TftpStarted",
    "TimerCancelled",
    "TimerDue",
    "TimerSet",
    "ToleranceUsed",
    "TransferEnded",
    "UpdateAnswered",
    "UpdateBegun",
    "UpdateOffered",
    "VlanChosen",
    "step_name",
]
