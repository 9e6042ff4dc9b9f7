"""The time of day: how far the clock is off virtual time, and the SNTP client that finds out (RFC 4330).

One timer, ``sntp``, leads to a query: soon after there is an address or a setting changed, every ``TIME_SYNC_INTVL``
seconds until the clock is set, then every ``TIME_QUERY_INTVL``. The address of a server that is set by name is kept
until a query goes unanswered.

Readings, where nothing is documented: ``NTP_MODE`` 0 is off and any other value a unicast client; an interval of 0 is
the factory default.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.events import (
    SECOND,
    AddressBound,
    AddressLost,
    Because,
    ClockRefused,
    ClockSet,
    DatagramReceived,
    DatagramSent,
    Entry,
    Event,
    Ipv6AddressBound,
    Ipv6AddressLost,
    LookupAnswered,
    PacketRefused,
    Payload,
    SettingChanged,
    TimerCancelled,
    TimerDue,
    TimerSet,
)
from emulator.events.civil import DAY
from emulator.phone.firmware import Reaction, applies, reacts
from emulator.phone.names import is_address, look_up
from emulator.phone.network import online, reachable, source_for
from emulator.phone.parts import PartState, part
from emulator.phone.settings import default
from emulator.wire import sntp

if TYPE_CHECKING:
    from emulator.phone.state import Phone

TIMER = "sntp"
SETTINGS = frozenset({"NTP_MODE", "NTP_ADDR", "TIME_SYNC_INTVL", "TIME_QUERY_INTVL"})
"""A change of one of these makes the phone ask at once."""
EPHEMERAL = 49_152
"""First of the ports that a query is sent from; another one each time."""
LONGEST_BACK_OFF = DAY
"""To ask less often (``RATE``) doubles the wait, up to a day."""
STOPPING = ("DENY", "RSTR")
KISSES = ("RATE", *STOPPING)
"""The codes of RFC 4330 s.8 that ask for something; a packet with any other is only refused."""


@part
class Wallclock(PartState):
    """offset: ns from virtual time to UTC since 1970, None while the clock is not set, as at each power-on: there is no
    battery; read: entry that set it (0: none).

    port: that the answer to a query is awaited at, 0 while none is; transmit: what it has to send back; sent, asked:
    when and by which entry it was sent; queries: so far; address: of the server, "" while not known; slowed: how often
    it wanted to be asked less; denied: ``NTP_ADDR`` of a server that wants no more queries.
    """

    offset: int | None = None
    read: int = 0
    port: int = 0
    transmit: int = 0
    sent: int = 0
    asked: int = 0
    queries: int = 0
    address: str = ""
    slowed: int = 0
    denied: str = ""

    def utc(self, now: int) -> int | None:
        """The time of day at the virtual time ``now``, in ns since 1970 UTC; None while the clock is not set."""
        return None if self.offset is None else now + self.offset


# --- What is known --------------------------------------------------------------------------------------------------


@applies("wallclock", DatagramSent)
def sent(phone: Phone, event: DatagramSent, entry: Entry) -> None:
    """A query is under way."""
    if event.port == sntp.PORT and event.source_port >= EPHEMERAL:
        clock = phone.wallclock
        clock.port, clock.address, clock.sent, clock.asked = event.source_port, event.destination, entry.time, entry.n
        clock.transmit = sntp.transmitted(event.payload)
        clock.queries += 1


@applies("wallclock", ClockSet)
def clock_set(phone: Phone, event: ClockSet, entry: Entry) -> None:
    """The clock goes from here."""
    clock = phone.wallclock
    clock.offset, clock.read = event.utc - entry.time, entry.n
    clock.port = clock.slowed = 0


@applies("wallclock", ClockRefused)
def refused(phone: Phone, event: ClockRefused, entry: Entry) -> None:
    """The query is answered, in a way."""
    clock = phone.wallclock
    clock.port = 0
    if event.code in STOPPING:
        clock.denied = event.server
    else:
        clock.slowed += 1


@applies("wallclock", TimerDue)
def unanswered(phone: Phone, event: TimerDue, entry: Entry) -> None:
    """An answer that is not here by now will not come; where the server is has to be found out anew."""
    if event.name == TIMER and phone.wallclock.port:
        phone.wallclock.port, phone.wallclock.address = 0, ""


@applies("wallclock", AddressLost, Ipv6AddressLost)
def offline(phone: Phone, event: AddressLost | Ipv6AddressLost, entry: Entry) -> None:
    """The server cannot answer to the address that is gone."""
    if not source_for(phone, phone.wallclock.address):
        phone.wallclock.port, phone.wallclock.address = 0, ""


@applies("wallclock", SettingChanged)
def setting_changed(phone: Phone, event: SettingChanged, entry: Entry) -> None:
    """Another server is at another address."""
    if event.key == "NTP_ADDR":
        phone.wallclock.port, phone.wallclock.address = 0, ""


# --- When the phone asks --------------------------------------------------------------------------------------------


@reacts(AddressBound, Ipv6AddressBound)
def address_came(phone: Phone, event: AddressBound | Ipv6AddressBound, entry: Entry) -> Reaction:
    """With a new address the phone asks for the time."""
    if event.fresh and server(phone):
        yield ask_now(phone)


@reacts(SettingChanged)
def settings_changed(phone: Phone, event: SettingChanged, entry: Entry) -> Reaction:
    """What provisioning or a hand changed is in force at once; several changes lead to one query."""
    if event.key not in SETTINGS:
        return ()
    if online(phone) and server(phone):
        return (ask_now(phone),)
    return cancel(phone)


@reacts(AddressLost, Ipv6AddressLost)
def stop(phone: Phone, event: AddressLost | Ipv6AddressLost, entry: Entry) -> Reaction:
    """Without an address there is nobody to ask."""
    return () if online(phone) else cancel(phone)


@reacts(TimerDue)
def ask(phone: Phone, event: TimerDue, entry: Entry) -> Reaction:
    """Send a query, or find out first where to; and come back if nothing comes of it."""
    name = server(phone) if event.name == TIMER else ""
    if not name:
        return
    at = name if is_address(name) else phone.wallclock.address
    if source_for(phone, at):
        yield query(phone, at)
    elif not is_address(name):
        yield from look_up(phone, name)
    yield again(phone, "TIME_SYNC_INTVL")


@reacts(LookupAnswered)
def name_answered(phone: Phone, event: LookupAnswered, entry: Entry) -> Reaction:
    """The server is found: send the query. Without an address that the phone can reach the timer tries again."""
    clock, address = phone.wallclock, reachable(phone, event.addresses)
    if event.name == server(phone) and address and not clock.address and phone.orders.armed(TIMER):
        made = query(phone, address)
        yield Because(made.event, (*made.grounds, entry.n))


@reacts(ClockSet)
def answered(phone: Phone, event: ClockSet, entry: Entry) -> Reaction:
    """The clock is right for a while."""
    yield again(phone, "TIME_QUERY_INTVL")


@reacts(ClockRefused)
def sent_away(phone: Phone, event: ClockRefused, entry: Entry) -> Reaction:
    """Ask less often, or no more."""
    if event.code in STOPPING:
        return cancel(phone)
    return (again(phone, "TIME_SYNC_INTVL"),)


def server(phone: Phone) -> str:
    """The name or address of the server to ask; "" if there is none, or it wants no queries."""
    settings = phone.settings
    name = settings.value("NTP_ADDR")
    return name if name != phone.wallclock.denied and settings.value("NTP_MODE") != "0" else ""


def ask_now(phone: Phone) -> Because:
    """The timer that leads to a query as soon as all that happens now has happened."""
    return Because(TimerSet(TIMER, 0), server_grounds(phone))


def again(phone: Phone, key: str) -> Because:
    """The timer for the next query, by the interval in ``key``; longer if the server wanted it so."""
    wait = (phone.settings.number(key) or int(default(key))) * SECOND
    slowed = min(wait << min(phone.wallclock.slowed, 32), max(wait, LONGEST_BACK_OFF))
    return Because(TimerSet(TIMER, slowed), (phone.settings.grounds(key),))


def cancel(phone: Phone) -> tuple[Event, ...]:
    """No query."""
    return (TimerCancelled(TIMER),) if phone.orders.armed(TIMER) else ()


def server_grounds(phone: Phone) -> tuple[int, ...]:
    """The entries behind :func:`server`."""
    return tuple(phone.settings.grounds(key) for key in ("NTP_ADDR", "NTP_MODE"))


def query(phone: Phone, address: str) -> Because:
    """The request, from a port and with a timestamp that nobody can guess: the answer has to send it back."""
    number = phone.wallclock.queries + 1
    port = EPHEMERAL + phone.draw("sntp-port", number) % (65_536 - EPHEMERAL)
    payload = sntp.request(phone.draw("sntp-transmit", number))
    own = source_for(phone, address)
    return Because(DatagramSent(own, port, address, sntp.PORT, Payload(payload)), server_grounds(phone))


# --- What comes back ------------------------------------------------------------------------------------------------


def read(phone: Phone, event: DatagramReceived) -> Reaction:
    """A datagram to the port of the query sets the clock, or is refused; a refused one is not the answer."""
    clock, now = phone.wallclock, phone.clock
    try:
        packet = sntp.parse(event.payload)
    except sntp.SntpError as error:
        yield PacketRefused("SNTP", error.reason)
        return
    careless = phone.settings.enabled("IGNORE_LEAP_INDICATOR")
    reason = unusable(phone, event, packet, careless)
    if reason:
        yield PacketRefused("SNTP", reason)
    elif packet.stratum == sntp.KISS:
        yield Because(ClockRefused(server(phone), kiss(packet)), (clock.asked,))
    else:
        delay = round_trip(packet, now - clock.sent)
        utc = sntp.to_ns(packet.transmit) + delay // 2
        before = clock.utc(now)
        correction = None if before is None else utc - before
        grounds = (clock.asked, phone.settings.grounds("IGNORE_LEAP_INDICATOR"))
        yield Because(ClockSet(utc, "SNTP", event.source, delay, correction), grounds)


def unusable(phone: Phone, event: DatagramReceived, packet: sntp.Packet, careless: bool) -> str:
    """Why ``packet`` does not answer the query (RFC 4330 s.5), as a fixed code; "" if it does.

    careless: whether a server that does not know the time itself is believed (``IGNORE_LEAP_INDICATOR``).
    """
    clock = phone.wallclock
    if (event.source, event.source_port) != (clock.address, sntp.PORT):
        return "another-server"
    if packet.originate != clock.transmit:
        return "another-query"
    if packet.mode != sntp.SERVER:
        return "not-a-server"
    if packet.stratum == sntp.KISS:
        return "" if kiss(packet) in KISSES else "unknown-kiss"
    if packet.stratum > sntp.WORST_STRATUM:
        return "bad-stratum"
    if packet.leap == sntp.UNSYNCHRONISED and not careless:
        return "unsynchronised"
    return "" if packet.transmit else "no-time"


def kiss(packet: sntp.Packet) -> str:
    """The code of a kiss-o'-death packet."""
    return packet.reference_id.decode("ascii", "replace")


def round_trip(packet: sntp.Packet, waited: int) -> int:
    """ns on the way, there and back: what the phone waited without what the server says it took for itself.

    A server that tells nonsense about that took no time.
    """
    took = sntp.to_ns(packet.transmit) - sntp.to_ns(packet.receive) if packet.receive else 0
    return waited - took if 0 <= took <= waited else waited
