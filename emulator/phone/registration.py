"""Registration of the lines at their registrars (RFC 3261 s.10, PROV-013, PROV-014, PROV-195).

It begins when the first provisioning run of a power cycle has ended, however it ended. States of a line: ``idle``,
``trying``, ``registered``, ``waiting`` (it tries again), ``refused`` (it does not, until its settings change) and
``leaving`` (it ends the registration that its settings no longer want). One timer a line, ``register/N``, drives
retransmission, refresh and retry.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from emulator.events import (
    SECOND,
    AddressBound,
    AddressLost,
    Because,
    ConfigurationSaved,
    Entry,
    Event,
    LineRefused,
    LineRegistered,
    LineRegistering,
    LineUnregistered,
    LineWaiting,
    LookupAnswered,
    PacketRefused,
    RegisterAnswered,
    RegisterStarted,
    RunEnded,
    SaveFailed,
    TimerCancelled,
    TimerDue,
    TimerSet,
)
from emulator.phone import register
from emulator.phone.accounts import ALL_LINES, Account, account
from emulator.phone.catalogue import key
from emulator.phone.firmware import Reaction, reacts
from emulator.phone.line_state import TIMERS, Line, Proof
from emulator.phone.names import is_address, look_up
from emulator.phone.network import IPV4, family_of, own_address
from emulator.wire.sip import SipError

if TYPE_CHECKING:
    from emulator.phone.state import Phone

LONGEST_RETRY = 1800 * SECOND
"""REG_RTX_INTVL doubles with each failure in a row up to this (RFC 5626 s.4.5, there called max-time)."""
SHORTEST_REFRESH = SECOND
"""However little a registrar grants, it is not asked more often."""


# --- When a line registers ------------------------------------------------------------------------------------------


@reacts(RunEnded)
def after_run(phone: Phone, event: RunEnded, entry: Entry) -> Reaction:
    """Every run is followed by the registration of the lines that are new or changed (PROV-013, PROV-195, PROV-277)."""
    return review(phone, ALL_LINES)


@reacts(AddressBound)
def address_bound(phone: Phone, event: AddressBound, entry: Entry) -> Reaction:
    """A new address has to be registered."""
    return review(phone, ALL_LINES) if event.fresh else ()


@reacts(ConfigurationSaved, SaveFailed)
def settings_saved(phone: Phone, event: ConfigurationSaved | SaveFailed, entry: Entry) -> Reaction:
    """What somebody types or imports counts at once, all of it together; what a run changes, or is typed during one, at
    its end (PROV-277)."""
    return () if phone.provisioning.step else review(phone, ALL_LINES)


def review(phone: Phone, numbers: Iterable[int]) -> Iterator[Event | Because]:
    """Register each line whose settings are not those it goes by; end a registration that they do not want first.

    Before the first run of a power cycle has ended no line registers, whatever happens (PROV-014).
    """
    if not phone.registration.begun or not own_address(phone, IPV4):
        return
    for number in numbers:
        line, wanted = phone.registration.line(number), account(phone.settings, number)
        if wanted == line.account or line.state == "leaving":
            continue
        if line.state == "registered" and (line.account and line.account.binding) != (wanted and wanted.binding):
            yield Because(started(phone, number, line, 0), grounds(phone, number, "LINE_ENABLE", "SIP_RGSTR_ADDR"))
        else:
            yield outset(phone, number, wanted, 1)


def outset(phone: Phone, number: int, wanted: Account | None, attempt: int) -> Because:
    """The line sets about registering, or is done with it if it is not wanted any more."""
    event = LineUnregistered(number) if wanted is None else LineRegistering(number, wanted.server, attempt)
    return Because(event, grounds(phone, number, "LINE_ENABLE", "SIP_RGSTR_ADDR"))


@reacts(LineRegistering)
def find_server(phone: Phone, event: LineRegistering, entry: Entry) -> Reaction:
    """Look the server up, unless another line is just doing that; an address is asked at once."""
    yield from silence(phone, event.line)
    registration = phone.registration
    line = registration.line(event.line)
    if line.account is not None and not line.account.user:
        yield Because(LineRefused(event.line, "no-user", 0), grounds(phone, event.line, "SIP_URI", "PHONE_NUMBER"))
    elif is_address(event.server):
        yield ask_first(phone, event.line, (event.server,))
    elif not any(each.looking_up == event.server for n, each in registration.lines.items() if n != event.line):
        yield from look_up(phone, event.server)


@reacts(LookupAnswered)
def server_found(phone: Phone, event: LookupAnswered, entry: Entry) -> Reaction:
    """Ask an address for every line that waits for this name (PROV-120: no SRV)."""
    for number, line in phone.registration.lines.items():
        if line.looking_up == event.name:
            yield ask_first(phone, number, event.addresses)


def ask_first(phone: Phone, number: int, addresses: tuple[str, ...]) -> Event | Because:
    """Ask the first IPv4 address of the server, or fail: the phone speaks SIP over IPv4 only."""
    line = phone.registration.line(number)
    address = next((each for each in addresses if family_of(each) == IPV4), "")
    if address:
        return started(phone, number, line._replace(address=address), line.expires)
    return failed(phone, number, "unreachable" if addresses else "name-not-found", 0)


# --- The transaction ------------------------------------------------------------------------------------------------


def started(phone: Phone, number: int, line: Line, expires: int) -> RegisterStarted:
    """The event that begins the next transaction of ``line``."""
    cseq = line.cseq + 1
    return RegisterStarted(number, line.address, cseq, register.branch_of(phone, number, cseq), expires)


@reacts(RegisterStarted)
def send_first(phone: Phone, event: RegisterStarted, entry: Entry) -> Reaction:
    """Send the request and start the timers."""
    return send(phone, event.line, entry.time)


def send(phone: Phone, number: int, now: int) -> Iterator[Event]:
    """The request of the line's transaction, and the time until Timer E or F."""
    line = phone.registration.line(number)
    if line.transaction is None or line.account is None:
        return
    try:
        yield register.request(phone, number, line, line.account, line.transaction.branch)
    except SipError:
        yield LineRefused(number, "bad-settings", 0)
        return
    yield TimerSet(f"register/{number}", line.transaction.wait(now))


@reacts(TimerDue)
def timer_due(phone: Phone, event: TimerDue, entry: Entry) -> Reaction:
    """Retransmit, give up, refresh or try again."""
    number = TIMERS.get(event.name, 0)
    line = phone.registration.line(number)
    if line.transaction is not None:
        if line.transaction.timed_out(entry.time):
            yield failed(phone, number, "timeout", 0)
        else:
            yield from send(phone, number, entry.time)
    elif line.state == "registered":
        yield started(phone, number, line, line.expires)
    elif line.state == "waiting":
        yield outset(phone, number, line.account, line.attempt + 1)


@reacts(RegisterAnswered)
def response_came(phone: Phone, event: RegisterAnswered, entry: Entry) -> Reaction:
    """A final response decides; a repeated one is absorbed until Timer K, and any other is a stray."""
    registration = phone.registration
    number = registration.waiting_for(event.branch)
    if number == 0:
        if entry.time >= registration.over.get(event.branch, 0):
            yield PacketRefused("SIP", "no-transaction")
    elif event.status >= 200:
        yield verdict(phone, number, event)


def verdict(phone: Phone, number: int, event: RegisterAnswered) -> Event | Because:
    """What a final response means for the line."""
    line, status = phone.registration.line(number), event.status
    if status in (401, 407):
        return challenged(phone, number, line, line.registrar if status == 401 else line.proxy, status)
    if line.state == "leaving" or line.account is None:
        return LineUnregistered(number)
    if status < 300:
        return accepted(phone, number, line, line.account, event)
    if status == 423:
        if line.expires == line.account.expires < event.min_expires:
            return started(phone, number, line, event.min_expires)
        return failed(phone, number, "too-brief", status)
    if status == 403 and not line.account.insists:
        return Because(LineRefused(number, "forbidden", status), grounds(phone, number, "SIP_403_REG_SUB_RTX"))
    return failed(phone, number, "status", status)


def challenged(phone: Phone, number: int, line: Line, proof: Proof, status: int) -> Event | Because:
    """Answer a challenge once, and once more if only the nonce was too old (RFC 3261 s.22.2)."""
    if line.account is None or not line.account.login or not line.account.password:
        reason = "no-credentials"
    elif proof.answers >= 1 + register.stale(proof.challenges):
        reason = "credentials-refused"
    elif not register.credentials(phone, number, line.cseq, line.account, proof):
        reason = "challenge-not-understood"
    else:
        return started(phone, number, line, line.expires)
    if line.state == "leaving":
        return LineUnregistered(number)
    return Because(LineRefused(number, reason, status), grounds(phone, number, "SIP_AUTHID", "SIP_PASS"))


def accepted(phone: Phone, number: int, line: Line, own: Account, event: RegisterAnswered) -> Event | Because:
    """What a 2xx grants: the expires of our own contact, else the header field, else what was asked (s.10.2.4)."""
    contact = register.contact(phone, own)
    listed = [expires for uri, expires in event.contacts if uri == contact or len(event.contacts) == 1]
    granted = next((expires for expires in (*listed, event.expires) if expires >= 0), line.expires)
    if granted == 0:
        return failed(phone, number, "nothing-granted", event.status)
    refresh = max(SHORTEST_REFRESH, granted * SECOND * own.rate // 100)
    return Because(LineRegistered(number, granted, refresh), grounds(phone, number, "REG_INTERVAL_RATE"))


def failed(phone: Phone, number: int, reason: str, status: int) -> Event | Because:
    """Try again after REG_RTX_INTVL, doubled with each failure in a row; a line that was leaving is gone."""
    line = phone.registration.line(number)
    if line.state == "leaving" or line.account is None:
        return LineUnregistered(number)
    retry = line.account.retry
    failures = max(1, line.attempt)
    wait = min(retry << min(failures - 1, 16), max(retry, LONGEST_RETRY))
    return Because(LineWaiting(number, reason, status, wait), grounds(phone, number, "REG_RTX_INTVL"))


def grounds(phone: Phone, number: int, *tags: str) -> tuple[int, ...]:
    """The entries that these settings of the line come from."""
    return tuple(sorted({phone.settings.grounds(key(tag, number)) for tag in tags}))


# --- What follows for the timer -------------------------------------------------------------------------------------


@reacts(LineRegistered, LineWaiting)
def set_timer(phone: Phone, event: LineRegistered | LineWaiting, entry: Entry) -> Reaction:
    """The next time."""
    after = event.refresh if isinstance(event, LineRegistered) else event.wait
    yield TimerSet(f"register/{event.line}", after)


@reacts(LineRefused)
def line_refused(phone: Phone, event: LineRefused, entry: Entry) -> Reaction:
    """There is no next time."""
    return silence(phone, event.line)


@reacts(LineUnregistered)
def line_free(phone: Phone, event: LineUnregistered, entry: Entry) -> Reaction:
    """The line registers with the settings that it has now, if they want it to."""
    yield from silence(phone, event.line)
    yield from review(phone, (event.line,))


@reacts(AddressLost)
def stop(phone: Phone, event: AddressLost, entry: Entry) -> Reaction:
    """Nothing is sent without an address."""
    for number in ALL_LINES:
        yield from silence(phone, number)


def silence(phone: Phone, number: int) -> Iterator[Event]:
    """Cancel the line's timer if it is armed."""
    if phone.orders.armed(f"register/{number}"):
        yield TimerCancelled(f"register/{number}")
