"""Scenarios: a world written down, as immutable values.

Every class here is one table of a scenario file (:mod:`emulator.world.toml`), and what a test writes directly in
Python. Times are ns, probabilities parts per million.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NewType

from attrs import field, frozen
from attrs.validators import and_, deep_iterable, ge, in_, le, matches_re, optional

from emulator.events import SECOND
from flash_image import BEHAVIOURS, KINDS, MAX_SECTOR

Duration = NewType("Duration", int)
"""ns; written ``"1.5s"``, ``"30min"`` in a file."""
Chance = NewType("Chance", int)
"""Parts per million; written ``"30%"`` in a file."""
Instant = NewType("Instant", int)
"""ns since 1970-01-01 UTC; written ``"2026-03-29T00:58:00Z"`` in a file."""

FOREVER = Duration(1 << 62)
NEW_YEAR = Instant(1_767_225_600 * SECOND)
"""2026-01-01 00:00:00 UTC."""
MS = SECOND // 1000


@frozen
class WornSpec:
    """Sectors that wear out. erasures: how long they last, 0: worn from the start; behaviour: what they do then, an
    error that the chip reports or a loss that it does not; sectors: which, none: all that no other entry names."""

    behaviour: str = field(validator=in_(BEHAVIOURS))
    erasures: int = field(default=0, validator=and_(ge(0), le(0xFFFF_FFFF)))
    sectors: tuple[int, ...] = ()


@frozen
class PhoneSpec:
    """The phone, or ``count`` of them with consecutive MAC addresses, switched on ``stagger`` apart.

    user: values typed before the story begins; provisioned: values of earlier runs; saved: saved files, as file
    names beside the scenario. All of it is in the flash the phone starts from. flash: instead of all that, and of MAC
    address, model and serial number, a flash image beside the scenario (raw, Intel HEX, S-record or packed); worn:
    sectors of the chip that wear out. options: see ``Options``.
    """

    model: str = "KX-UTG200B"
    mac: str = field(default="0080F0123456", validator=matches_re("[0-9A-Fa-f]{12}"))
    serial: str = "0000001"
    version: str = field(default="03.210", validator=matches_re(r"\d\d\.\d{3}"))
    count: int = field(default=1, validator=and_(ge(1), le(100_000)))
    stagger: Duration = Duration(0)
    options: Mapping[str, str | bool | int] = field(factory=dict)
    user: Mapping[str, str] = field(factory=dict)
    provisioned: Mapping[str, str] = field(factory=dict)
    saved: Mapping[str, str] = field(factory=dict)
    flash: str | None = None
    worn: tuple[WornSpec, ...] = ()


@frozen
class CutSpec:
    """The power goes in the middle of a flash operation. Several follow each other.

    after: flash operations of the phone before that one, counted from its first power-on or from the cut before; tear:
    what is done of it: ``nothing``, so many ``bytes``, of the word behind them some ``bits``, of an erasure a part
    (``partial``), or the word behind them is left ``unstable``; keep: the bytes; sample: number of the random choice of
    bits; off: until the power is back.
    """

    after: int = field(validator=and_(ge(0), le(10_000_000)))
    tear: str = field(default="nothing", validator=in_(tuple(KINDS)))
    keep: int = field(default=0, validator=and_(ge(0), le(MAX_SECTOR)))
    sample: int = field(default=0, validator=and_(ge(0), le(0xFFFF_FFFF)))
    off: Duration = Duration(2 * SECOND)
    phone: int = 0


@frozen
class Outage:
    """No packet passes from ``start`` to ``end``. direction: ``both``, ``to-phone`` or ``from-phone``."""

    start: Duration
    end: Duration = FOREVER
    direction: str = field(default="both", validator=in_(("both", "to-phone", "from-phone")))


@frozen
class LinkSpec:
    """The way between phones and servers. latency: one way; jitter: up to so much more; reorder: chance that a
    datagram is held back by ``reorder_by``."""

    latency: Duration = Duration(MS)
    jitter: Duration = Duration(0)
    loss: Chance = Chance(0)
    duplicate: Chance = Chance(0)
    reorder: Chance = Chance(0)
    reorder_by: Duration = Duration(20 * MS)
    outage: tuple[Outage, ...] = ()


@frozen
class SwitchSpec:
    """The switch at the other end of every phone's cable. It answers each phone's first message of a protocol, as a
    switch with TIA-1057 fast start does, and the faults of the link are behind it.

    name, port: what it calls itself; lldp, cdp: how it answers; lldp_vlan, cdp_vlan: the voice VLAN it names, 0 for
    none; priority: of voice, by LLDP; delay: from the question to the answer.
    """

    name: str = "switch-1"
    port: str = "12"
    lldp: str = field(default="answer", validator=in_(("answer", "silent", "garbage")))
    cdp: str = field(default="silent", validator=in_(("answer", "silent", "garbage")))
    lldp_vlan: int = field(default=0, validator=and_(ge(0), le(4094)))
    cdp_vlan: int = field(default=0, validator=and_(ge(0), le(4094)))
    priority: int = field(default=5, validator=and_(ge(0), le(7)))
    delay: Duration = Duration(0)


@frozen
class HostSpec:
    """Another station, which uses ``address`` and says so by ARP. vlan: the VLAN it is in; delay: from a packet to its
    answer; start, end: when it is there. One that comes later announces itself."""

    address: str
    mac: str = field(default="020000000001", validator=matches_re("[0-9A-Fa-f]{12}"))
    vlan: int = field(default=0, validator=and_(ge(0), le(4094)))
    delay: Duration = Duration(MS)
    start: Duration = Duration(0)
    end: Duration = FOREVER


@frozen
class DhcpSpec:
    """A DHCP server. pool: addresses in order of handing out; nak: REQUESTs refused before the first ACK;
    ignore: messages ignored first; option66/159/160: None leaves the option out; vlan: the VLAN it is in, 0 for the
    untagged LAN."""

    address: str = "192.0.2.1"
    pool: str = "192.0.2.10-192.0.2.200"
    mask: str = "255.255.255.0"
    lease: Duration = Duration(86_400 * SECOND)
    t1: Duration = Duration(0)
    t2: Duration = Duration(0)
    option66: str | None = None
    option159: str | None = None
    option160: str | None = None
    behaviour: str = field(default="answer", validator=in_(("answer", "silent", "offer-only", "garbage")))
    nak: int = field(default=0, validator=ge(0))
    ignore: int = field(default=0, validator=ge(0))
    vlan: int = field(default=0, validator=and_(ge(0), le(4094)))
    delay: Duration = Duration(0)
    start: Duration = Duration(0)
    end: Duration = FOREVER


DHCPV6_BEHAVIOURS = ("answer", "silent", "advertise-only", "garbage", "no-addresses")


@frozen
class Dhcpv6Spec:
    """A DHCPv6 server. pool: addresses in order of handing out; preferred, valid: lifetimes; t1, t2: 0 leaves them to
    the phone; preference: 255 is taken at once; url: sub-option 1 of option 17 under ``enterprise``, None leaves it
    out; ignore: messages ignored first; vlan: the VLAN it is in, 0 for the untagged LAN."""

    address: str = "2001:db8::1"
    pool: str = "2001:db8::10-2001:db8::200"
    preferred: Duration = Duration(43_200 * SECOND)
    valid: Duration = Duration(86_400 * SECOND)
    t1: Duration = Duration(0)
    t2: Duration = Duration(0)
    preference: int = field(default=0, validator=and_(ge(0), le(255)))
    url: str | None = None
    enterprise: int = field(default=32_473, validator=and_(ge(0), le(0xFFFFFFFF)))
    behaviour: str = field(default="answer", validator=in_(DHCPV6_BEHAVIOURS))
    ignore: int = field(default=0, validator=ge(0))
    vlan: int = field(default=0, validator=and_(ge(0), le(4094)))
    delay: Duration = Duration(0)
    start: Duration = Duration(0)
    end: Duration = FOREVER


PNP_BEHAVIOURS = (
    *("answer", "notify-first", "no-response", "no-notify", "wrong-event", "wrong-type", "bad-body", "wrong-dialog"),
    *("reject", "silent", "garbage"),
)


@frozen
class PnpSpec:
    """A SIP PnP responder. delay: from the SUBSCRIBE to the NOTIFY; lose: NOTIFYs that get lost on the way; headers:
    header fields of the NOTIFY with another value, or besides; "" leaves one out; vlan: the VLAN it is in, 0 for the
    untagged LAN."""

    url: str = ""
    address: str = "192.0.2.5"
    behaviour: str = field(default="answer", validator=in_(PNP_BEHAVIOURS))
    delay: Duration = Duration(10 * MS)
    lose: int = field(default=0, validator=ge(0))
    headers: Mapping[str, str] = field(factory=dict)
    vlan: int = field(default=0, validator=and_(ge(0), le(4094)))
    start: Duration = Duration(0)
    end: Duration = FOREVER


SIP_BEHAVIOURS = (*("answer", "trying", "silent", "busy", "forbidden", "wrong-realm", "too-brief", "garbage"),)


@frozen
class SipSpec:
    """A SIP registrar, on port 5060. users: login to password; domain: its realm; expires: the most it grants, and
    what ``too-brief`` wants at least; delay: until a final response, before which ``trying`` sends 100; headers: header
    fields of its final responses with another value, or besides; "" leaves one out."""

    address: str = "192.0.2.30"
    users: Mapping[str, str] = field(factory=dict)
    auth: str = field(default="digest", validator=in_(("none", "digest", "digest-sha256")))
    domain: str = "sip.example.com"
    expires: Duration = Duration(3600 * SECOND)
    behaviour: str = field(default="answer", validator=in_(SIP_BEHAVIOURS))
    delay: Duration = Duration(0)
    headers: Mapping[str, str] = field(factory=dict)
    start: Duration = Duration(0)
    end: Duration = FOREVER


@frozen
class RedirectionSpec:
    """A redirection server. known: MAC (12 hex digits, any case) to provisioning URL; answer: how it tells."""

    known: Mapping[str, str] = field(factory=dict)
    address: str = "192.0.2.50"
    answer: str = field(default="redirect", validator=in_(("redirect", "text", "error")))
    start: Duration = Duration(0)
    end: Duration = FOREVER


PROXY_BEHAVIOURS = ("forward", "login", "error", "silent")


@frozen
class ProxySpec:
    """An HTTP proxy, which reaches every HTTP server of the scenario, by name too. behaviour: ``login`` wants one, with
    407; ``error`` says 503; delay: until it answers."""

    address: str = "192.0.2.60"
    port: int = field(default=8080, validator=and_(ge(1), le(65_535)))
    behaviour: str = field(default="forward", validator=in_(PROXY_BEHAVIOURS))
    delay: Duration = Duration(0)
    start: Duration = Duration(0)
    end: Duration = FOREVER


@frozen
class Encryption:
    """Serve a file encrypted, as ``openssl enc`` does."""

    key: str
    bits: int = field(default=128, validator=in_((128, 192, 256)))
    digest: str = field(default="md5", validator=in_(("md5", "sha256")))


FILE_BEHAVIOURS = (
    *("well", "slow", "error", "missing", "cut-off", "oversize", "garbage", "redirect", "redirect-loop"),
    *("silent", "refuse"),
)


DAMAGES = ("none", "hash", "header", "magic", "cut")


@frozen
class FirmwareSpec:
    """A firmware image, made on the fly. model: of the phones that it is for; size: bytes of its payload; hangs: it
    does not come up; damage: what is wrong with it: a bit of the payload or of the header flipped, no image at all, or
    the last byte missing."""

    model: str = field(default="KX-UTG200B", validator=matches_re("[ -~]{1,16}"))
    version: str = field(default="03.220", validator=matches_re(r"[0-9]{2}\.[0-9]{3}"))
    size: int = field(default=20_000, validator=and_(ge(0), le(4_000_000)))
    hangs: bool = False
    damage: str = field(default="none", validator=in_(DAMAGES))


@frozen
class PathSpec:
    """What is served under one path. text, file or firmware: the content; pad_to: fill it up to so many bytes;
    behaviour: overrides the server's; status: for ``error``, and for ``redirect``, whose is 302 if this is no redirect;
    location: for ``redirect``."""

    text: str | None = None
    file: str | None = None
    firmware: FirmwareSpec | None = None
    pad_to: int = field(default=0, validator=and_(ge(0), le(4_000_000)))
    encrypt: Encryption | None = None
    behaviour: str | None = field(default=None, validator=optional(in_(FILE_BEHAVIOURS)))
    status: int = field(default=500, validator=and_(ge(100), le(599)))
    location: str = ""


PROTOCOLS = ("http", "https", "tftp", "ftp")
PORTS = {"http": 80, "https": 443, "tftp": 69, "ftp": 21}
TFTP_FAULTS = ("none", "duplicate-blocks", "reorder-blocks", "wrong-tid", "oack-too-large", "refuse-options")
FTP_QUIRKS = ("no-epsv", "foreign-host", "long-greeting")


@frozen
class FilesSpec:
    """A file server. address: IPv4 or IPv6; root: directory beside the scenario; paths: single paths, before root;
    auth: login it wants; certificate: what an https client that checks finds; speed: bytes per second, 0 for no limit.

    By TFTP, a path is the file's name as sent, percent-decoded; delay and the 3 s of ``slow`` come before the first
    packet; ``cut-off`` stops answering half-way. tftp_options: whether blksize and tsize are honoured or ignored;
    tftp_fault: each block comes twice, after the next one, or beside a false one from another port; or the option
    acknowledgement allows a larger block than was asked for, or options are refused with error 8.

    By FTP, delay comes before the answer to RETR. ftp: peculiarities of the server: ``no-epsv`` (knows PASV only),
    ``foreign-host`` (PASV names another host), ``long-greeting`` (several lines).
    """

    address: str = "192.0.2.20"
    protocols: tuple[str, ...] = field(default=("http",), validator=deep_iterable(in_(PROTOCOLS)))
    ports: Mapping[str, int] = field(factory=dict)
    root: str | None = None
    paths: Mapping[str, PathSpec] = field(factory=dict)
    behaviour: str = field(default="well", validator=in_(FILE_BEHAVIOURS))
    status: int = field(default=500, validator=and_(ge(100), le(599)))
    location: str = ""
    delay: Duration = Duration(0)
    speed: int = field(default=0, validator=ge(0))
    auth: str = field(default="none", validator=in_(("none", "basic", "digest", "digest-sha256")))
    user: str = ""
    password: str = ""
    certificate: str = field(default="good", validator=in_(("good", "untrusted", "expired", "other-name")))
    tftp_options: bool = True
    tftp_fault: str = field(default="none", validator=in_(TFTP_FAULTS))
    ftp: tuple[str, ...] = field(default=(), validator=deep_iterable(in_(FTP_QUIRKS)))
    start: Duration = Duration(0)
    end: Duration = FOREVER


SNTP_BEHAVIOURS = ("answer", "silent", "garbage", "wrong-originate", "unsynchronised")


@frozen
class SntpSpec:
    """A time server. ahead, behind: how far its clock is off the true time at the start of the story; drift: parts per
    million that it gains from then on; kiss: code of the kiss-o'-death that it answers with (``RATE``, ``DENY``,
    ``RSTR``), "" for none; delay: what it takes for an answer."""

    address: str = "192.0.2.40"
    ahead: Duration = Duration(0)
    behind: Duration = Duration(0)
    drift: int = field(default=0, validator=and_(ge(-500_000), le(500_000)))
    stratum: int = field(default=2, validator=and_(ge(0), le(255)))
    leap: int = field(default=0, validator=and_(ge(0), le(3)))
    kiss: str = field(default="", validator=matches_re("([A-Z]{4})?"))
    behaviour: str = field(default="answer", validator=in_(SNTP_BEHAVIOURS))
    delay: Duration = Duration(0)
    start: Duration = Duration(0)
    end: Duration = FOREVER


@frozen
class SyslogSpec:
    """A syslog server, which listens and says nothing: what it is sent stands in the log."""

    address: str = "192.0.2.30"
    port: int = field(default=514, validator=and_(ge(1), le(65_535)))
    start: Duration = Duration(0)
    end: Duration = FOREVER


ACTIONS = (
    *("power-off", "power-on", "link-down", "link-up", "web", "phone"),
    *("lift", "hang-up", "restart", "notify", "update"),
    *("page", "export", "import", "factory-reset", "flip"),
)


@frozen
class ActionSpec:
    """Somebody does something at a time. key, value: for ``web`` and ``phone`` (no value takes the user's back);
    lift, hang-up: the handset, which is a call while it is lifted; via: where ``restart``, ``page`` and
    ``factory-reset`` are asked for; source: who sends a ``notify``; event: its Event header.

    page: a group such as ``System/Prov``, of a line ``Lines/Line/Sip/1``; file: beside the scenario, for ``import``;
    level: who acts at a page, ``A``, the administrator, or ``U``, a user; password: what he types to log in, or at a
    protected menu (none: he has logged in before); value of ``update``: ``yes`` or ``no``, what the user answers when
    the display offers a firmware. address, mask: for ``flip``: where bits of the flash read the other way from then on,
    and which, in hex; the same again lifts it.
    """

    at: Duration
    do: str = field(validator=in_(ACTIONS))
    key: str = ""
    value: str | None = None
    via: str = field(default="web", validator=in_(("web", "phone")))
    source: str = "192.0.2.30"
    event: str = "check-sync"
    page: str = ""
    file: str = ""
    level: str = field(default="A", validator=in_(("A", "U")))
    password: str | None = None
    address: int = field(default=0, validator=ge(0))
    mask: str = field(default="", validator=matches_re("([0-9A-Fa-f]{2}){0,4096}"))
    phone: int = 0


CHANGES = ("set", "drop", "insert", "serve")


@frozen
class ChangeSpec:
    """At one place the story goes another way: what a fork of a run is made of.

    input, count, phone: the place, which is the count-th input of this kind that the phone takes (or would have taken:
    what is dropped counts); do: ``set`` fields of it, ``drop`` it, ``insert`` another one right after it, or ``serve``
    a file from then on.

    set: field to value (:mod:`emulator.world.changes` says which, and how they are written); event: for ``insert``, as
    JSON with its kind, ``{"kind": "LinkDown"}``; url, file: for ``serve``, what is asked for and the file, beside the
    scenario, that is answered with.
    """

    input: str
    do: str = field(validator=in_(CHANGES))
    count: int = field(default=1, validator=ge(1))
    phone: int = field(default=0, validator=ge(0))
    set: Mapping[str, str] = field(factory=dict)
    event: str = ""
    url: str = ""
    file: str = ""


@frozen
class EventExpectation:
    """So many events of ``kind`` with these fields. count, at_least, at_most: how many (default: at least one);
    before, after: only those in that time."""

    kind: str
    where: Mapping[str, str | int | bool] = field(factory=dict)
    count: int | None = None
    at_least: int | None = None
    at_most: int | None = None
    after: Duration = Duration(0)
    before: Duration = FOREVER


OUTCOMES = ("provisioned", "partly", "saved", "failed", "disabled")
"""How a provisioning run can end; ``saved`` and ``partly``: on saved files, or with some of the files."""
SOURCES = (
    *("", "manual URL", "SIP PnP", "DHCP option 160", "DHCP option 159", "DHCP option 66", "DHCPv6 option 17"),
    *("redirection server", "last good URL"),
)
"""Where a URL can come from; "" if there was none."""


@frozen
class Expectations:
    """What has to be true at the end, for every phone. None: not asked.

    outcome, source: of the last run; outcomes: of all runs; steps: entered, in order, 6a as ``"6a"``; settings: values
    in force; user: values typed by the user, None for "has none"; requests: GET targets in order; saved: saved files;
    registered: lines that are registered at the end; within: the last run ended by then; not_before: the last run
    ended no earlier; never: events that this story must not have; forbidden: those that it must not have whatever a
    campaign does to it.
    """

    outcome: str | None = field(default=None, validator=optional(in_(OUTCOMES)))
    source: str | None = field(default=None, validator=optional(in_(SOURCES)))
    outcomes: tuple[str, ...] | None = None
    steps: tuple[int | str, ...] | None = None
    settings: Mapping[str, str] = field(factory=dict)
    user: Mapping[str, str] = field(factory=dict)
    no_user: tuple[str, ...] = ()
    requests: tuple[str, ...] | None = None
    saved: tuple[str, ...] | None = None
    registered: tuple[int, ...] | None = None
    display: str | None = None
    within: Duration | None = None
    not_before: Duration | None = None
    invariants: bool = False
    calm: Duration = Duration(0)
    event: tuple[EventExpectation, ...] = ()
    never: tuple[EventExpectation, ...] = ()
    forbidden: tuple[EventExpectation, ...] = ()


@frozen
class Scenario:
    """A whole story. until: how long it runs; seeds: how many seeds ``run`` tries, from ``seed`` on; clock: the true
    time of day when it begins, which only time servers know.

    record: an exported run, beside the scenario, instead of servers: what happened in it happens again, and who is
    asked something answers as it did there.

    names: host name to its addresses, IPv4 and IPv6 with commas between; or to ``!timeout``, ``!no-such-name`` or
    ``!server-failure``.
    """

    title: str
    about: str = ""
    seed: int = field(default=1, validator=ge(0))
    seeds: int = field(default=1, validator=and_(ge(1), le(100_000)))
    until: Duration = Duration(60 * SECOND)
    clock: Instant = NEW_YEAR
    phone: PhoneSpec = field(factory=PhoneSpec)
    link: LinkSpec = field(factory=LinkSpec)
    switch: SwitchSpec = field(factory=SwitchSpec)
    host: tuple[HostSpec, ...] = ()
    dhcp: tuple[DhcpSpec, ...] = ()
    dhcpv6: tuple[Dhcpv6Spec, ...] = ()
    pnp: tuple[PnpSpec, ...] = ()
    redirection: tuple[RedirectionSpec, ...] = ()
    proxy: tuple[ProxySpec, ...] = ()
    sip: tuple[SipSpec, ...] = ()
    files: tuple[FilesSpec, ...] = ()
    sntp: tuple[SntpSpec, ...] = ()
    syslog: tuple[SyslogSpec, ...] = ()
    names: Mapping[str, str] = field(factory=dict)
    action: tuple[ActionSpec, ...] = ()
    cut: tuple[CutSpec, ...] = ()
    change: tuple[ChangeSpec, ...] = ()
    record: str | None = None
    expect: Expectations = field(factory=Expectations)
    content: Mapping[str, bytes] = field(factory=dict, repr=False)
    """Files that servers serve and flashes hold, by the name the scenario uses. Read with the scenario."""
