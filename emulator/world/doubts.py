"""What a scenario says that cannot be meant: each doubt is one line with its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from ipaddress import ip_address
from itertools import combinations

from emulator.events import SECOND, STEPS, step_name
from emulator.phone.access import pages
from emulator.phone.catalogue import LINES, catalogue, split
from emulator.phone.storage import FILES, ROOTS
from emulator.wire import sip
from emulator.wire.dhcp import DhcpError
from emulator.wire.dhcpv6 import Dhcpv6Error
from emulator.wire.sntp import SntpError
from emulator.world import changes
from emulator.world.scenario import (
    OUTCOMES,
    PORTS,
    PROTOCOLS,
    ActionSpec,
    DhcpSpec,
    Dhcpv6Spec,
    EventExpectation,
    FilesSpec,
    PhoneSpec,
    Scenario,
    SipSpec,
    SntpSpec,
)
from emulator.world.servers.base import pool_limits, usual
from emulator.world.servers.dhcp import sample_reply
from emulator.world.servers.dhcpv6 import sample_reply as sample_dhcpv6_reply
from emulator.world.servers.sntp import SYNCHRONISED, SntpServer
from emulator.world.simulated import NAME_FAILURES

SERVED_OVER = {
    **dict.fromkeys(("host", "dhcp", "pnp", "sip"), (4,)),
    "dhcpv6": (6,),
    **dict.fromkeys(("redirection", "proxy", "files", "sntp", "syslog"), (4, 6)),
}
"""Tables of stations and servers, and the families that the addresses of each can be of."""
STEP_NAMES = frozenset(map(step_name, STEPS))
AT_PAGES = ("web", "phone", "page", "export", "import", "factory-reset")
USED_BY = {
    "page": ("page",),
    "file": ("import",),
    "level": AT_PAGES,
    "password": AT_PAGES,
    **dict.fromkeys(("address", "mask"), ("flip",)),
}
"""Key of an action to the actions that look at it."""


def doubts(scenario: Scenario) -> Iterator[str]:
    """Every doubt about ``scenario``, in the order of its tables."""
    yield from about_phone(scenario)
    for index, outage in enumerate(scenario.link.outage):
        yield from ordered(f"link.outage[{index}]", outage.start, outage.end)
    for table, families in SERVED_OVER.items():
        for index, server in enumerate(getattr(scenario, table)):
            yield from addressed(f"{table}[{index}].address", server.address, families)
            yield from ordered(f"{table}[{index}]", server.start, server.end)
    yield from about_lan(scenario)
    for index, dhcp in enumerate(scenario.dhcp):
        yield from about_dhcp(f"dhcp[{index}]", dhcp)
    for index, dhcpv6 in enumerate(scenario.dhcpv6):
        yield from about_dhcpv6(f"dhcpv6[{index}]", dhcpv6)
    for index, pnp in enumerate(scenario.pnp):
        yield from about_headers(f"pnp[{index}]", pnp.headers)
    for index, registrar in enumerate(scenario.sip):
        yield from about_registrar(f"sip[{index}]", registrar)
    for index, sntp in enumerate(scenario.sntp):
        yield from about_sntp(f"sntp[{index}]", sntp, scenario)
    for index, files in enumerate(scenario.files):
        yield from about_files(f"files[{index}]", files)
    yield from about_tftp_ports(scenario)
    for index, known in enumerate(scenario.redirection):
        for mac in known.known:
            if len(mac) != 12 or not set(mac.lower()) <= set("0123456789abcdef"):
                yield f"redirection[{index}].known: {mac!r} is no MAC address of 12 hexadecimal digits"
    yield from about_names(scenario)
    yield from about_changes(scenario)
    yield from about_actions(scenario)
    yield from about_expectations(scenario)


def about_phone(scenario: Scenario) -> Iterator[str]:
    """Stored values and saved files of the phone."""
    phone = scenario.phone
    for table in ("user", "provisioned"):
        yield from keyed(f"phone.{table}", getattr(phone, table))
    for file in phone.saved:
        if file not in (*FILES, *ROOTS):
            yield f"phone.saved: {file!r} is no saved file; there are {', '.join((*FILES, *ROOTS))}"
    if phone.flash is not None:
        yield from about_flash(phone)
    for index, cut in enumerate(scenario.cut):
        if not 0 <= cut.phone < phone.count:
            yield f"cut[{index}].phone: there are phones 0 to {phone.count - 1}"


def about_flash(phone: PhoneSpec) -> Iterator[str]:
    """A flash image holds what these keys would say, of one phone."""
    usual = PhoneSpec()
    for key in ("mac", "model", "serial", "count", "user", "provisioned", "saved"):
        if getattr(phone, key) != getattr(usual, key):
            yield f"phone.{key}: the image of phone.flash says this; leave one of the two out"


def about_lan(scenario: Scenario) -> Iterator[str]:
    """Names that fit into a message of the switch, and stations that can be."""
    for key, most in (("name", 255), ("port", 254)):
        if not 0 < len(getattr(scenario.switch, key).encode()) <= most:
            yield f"switch.{key}: 1 to {most} bytes of text are wanted"
    for index, host in enumerate(scenario.host):
        if bytes.fromhex(host.mac)[0] & 1:
            yield f"host[{index}].mac: {host.mac!r} is the address of a group, not of a station"


def about_dhcp(place: str, spec: DhcpSpec) -> Iterator[str]:
    """Its pool, and whether its replies fit into a datagram."""
    pool = tuple(pooled(place, spec.pool, 4, DhcpSpec().pool))
    yield from pool
    if pool:
        return
    try:
        sample_reply(spec)
    except DhcpError as error:
        yield f"{place}: its replies cannot be made: {error.reason}"


def about_dhcpv6(place: str, spec: Dhcpv6Spec) -> Iterator[str]:
    """Its pool and lifetimes, and whether its replies fit into a datagram."""
    pool = tuple(pooled(place, spec.pool, 6, Dhcpv6Spec().pool))
    yield from pool
    if pool:
        return
    if spec.preferred > spec.valid:
        yield f"{place}.preferred: is longer than valid, so phones ignore the address"
    try:
        sample_dhcpv6_reply(spec)
    except Dhcpv6Error as error:
        yield f"{place}: its replies cannot be made: {error.reason}"


def about_sntp(place: str, spec: SntpSpec, scenario: Scenario) -> Iterator[str]:
    """Whether its clock stays within what a packet can say."""
    server = SntpServer(spec, scenario.clock)
    try:
        for now in (-SYNCHRONISED, scenario.until + spec.delay):
            server.time(now)
    except SntpError:
        yield f"{place}: its clock leaves the years 1968 to 2104, which are all that a packet can hold"


def about_registrar(place: str, spec: SipSpec) -> Iterator[str]:
    """Its realm, which stands in a header line, and what it grants."""
    if not spec.domain.isprintable() or not spec.domain:
        yield f"{place}.domain: {spec.domain!r} is not one line of text"
    if spec.expires < SECOND:
        yield f"{place}.expires: found {spec.expires} ns, want at least a second"
    if spec.auth != "none" and not spec.users:
        yield f"{place}.users: nobody can log in; name users, or set auth to 'none'"
    yield from about_headers(place, spec.headers)


def about_headers(place: str, headers: Mapping[str, str]) -> Iterator[str]:
    """SIP header fields that can be written."""
    for name, value in headers.items():
        try:
            sip.request("OPTIONS", "sip:phone", ((name, value),))
        except sip.SipError:
            yield f"{place}.headers: {name!r} is no header field, or its value is not one line of text"


def about_files(place: str, spec: FilesSpec) -> Iterator[str]:
    """Protocols, ports, paths and redirects of a file server."""
    if not spec.protocols:
        yield f"{place}.protocols: it speaks none"
    for protocol, port in spec.ports.items():
        if protocol not in PROTOCOLS or not 0 < port < 65_536:
            yield f"{place}.ports: found {protocol} = {port}, want one of {', '.join(PROTOCOLS)} and 1 to 65535"
    if spec.ftp and "ftp" not in spec.protocols:
        yield f"{place}.ftp: it does not speak ftp"
    if spec.behaviour == "redirect" and not spec.location:
        yield f"{place}: behaviour 'redirect' needs a location"
    for path, what in spec.paths.items():
        if not path.startswith("/"):
            yield f"{place}.paths: {path!r} does not begin with a slash"
        if sum(content is not None for content in (what.text, what.file, what.firmware)) > 1:
            yield f"{place}.paths.{path!r}: text, file and firmware exclude each other"
        if what.behaviour == "redirect" and not what.location:
            yield f"{place}.paths.{path!r}: behaviour 'redirect' needs a location"
    yield from about_tftp(place, spec)


def about_tftp(place: str, spec: FilesSpec) -> Iterator[str]:
    """What only a TFTP server can do, and what it cannot."""
    if "tftp" not in spec.protocols:
        if spec.tftp_fault != "none" or not spec.tftp_options:
            yield f"{place}: tftp_fault and tftp_options need 'tftp' among the protocols"
    elif len(spec.protocols) == 1:
        if spec.auth != "none":
            yield f"{place}.auth: TFTP knows no login"
        for behaviour in (spec.behaviour, *(path.behaviour for path in spec.paths.values())):
            if behaviour in ("redirect", "redirect-loop"):
                yield f"{place}: behaviour {behaviour!r} means nothing to TFTP"
    if spec.tftp_fault in ("oack-too-large", "refuse-options") and not spec.tftp_options:
        yield f"{place}: tftp_fault {spec.tftp_fault!r} needs tftp_options"


def about_tftp_ports(scenario: Scenario) -> Iterator[str]:
    """Two TFTP servers behind one port at one time would both answer a request, each with blocks of its own."""
    servers = [(index, spec) for index, spec in enumerate(scenario.files) if "tftp" in spec.protocols]
    for (_, one), (index, other) in combinations(servers, 2):
        together = one.start < other.end and other.start < one.end
        port = other.ports.get("tftp", PORTS["tftp"])
        if together and (usual(one.address), one.ports.get("tftp", PORTS["tftp"])) == (usual(other.address), port):
            yield f"files[{index}]: another TFTP server has {other.address} port {port} at the same time"


def about_names(scenario: Scenario) -> Iterator[str]:
    """Addresses of host names."""
    for name, to in scenario.names.items():
        for address in () if to in NAME_FAILURES else to.split(","):
            if not is_address(address.strip(), (4, 6)):
                yield f"names: {name!r} leads to {address.strip()!r}, which is no address"


def about_actions(scenario: Scenario) -> Iterator[str]:
    """Who acts, and when."""
    for index, action in enumerate(scenario.action):
        if not 0 <= action.phone < scenario.phone.count:
            yield f"action[{index}].phone: there is no phone {action.phone}"
        if action.do in ("web", "phone") and not action.key:
            yield f"action[{index}].key: {action.do} programming needs a key"
        yield from about_people(f"action[{index}]", action)
        if action.do == "update" and action.value not in ("yes", "no"):
            yield f"action[{index}].value: an update is answered 'yes' or 'no'"
        if action.do == "notify":
            yield from addressed(f"action[{index}].source", action.source, (4,))
            if not action.event.isprintable():
                yield f"action[{index}].event: {action.event!r} is not one line of text"
        if action.at > scenario.until:
            yield f"action[{index}].at: is after the end of the story (until)"


def about_people(place: str, action: ActionSpec) -> Iterator[str]:
    """A page that exists, a file to import, and nothing that no hand at a page can use."""
    if action.do == "page" and action.page not in pages(action.via):
        near = get_close_matches(action.page, pages(action.via), 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        yield f"{place}.page: the {action.via} has no page {action.page!r}{hint}"
    if action.do == "import" and not action.file:
        yield f"{place}.file: import needs a file beside the scenario"
    for name, doers in USED_BY.items():
        if getattr(action, name) not in ("", "A", None, 0) and action.do not in doers:
            yield f"{place}.{name}: {action.do} does nothing with it; it is for {', '.join(doers)}"


def about_expectations(scenario: Scenario) -> Iterator[str]:
    """Keys that exist, and numbers that can be."""
    expect = scenario.expect
    for table in ("settings", "user", "no_user"):
        yield from keyed(f"expect.{table}", getattr(expect, table))
    for outcome in expect.outcomes or ():
        if outcome not in OUTCOMES:
            yield f"expect.outcomes: found {outcome!r}, want some of {', '.join(OUTCOMES)}"
    for line in expect.registered or ():
        if not 1 <= line <= LINES:
            yield f"expect.registered: there is no line {line}"
    for step in expect.steps or ():
        if str(step) not in STEP_NAMES:
            yield f"expect.steps: there is no step {step}"
    for index, wanted in enumerate(expect.event):
        if not countable(wanted):
            yield f"expect.event[{index}]: no number is at least, at most and exactly that"


def countable(wanted: EventExpectation) -> bool:
    """Whether any number of events can be right."""
    least, most = wanted.at_least or 0, wanted.at_most
    if wanted.count is not None and (wanted.at_least is not None or most is not None):
        return False
    return min(least, wanted.count or 0, most or 0) >= 0 and (most is None or least <= most)


def keyed(place: str, keys: Iterable[str]) -> Iterator[str]:
    """Keys that are no parameter, with the nearest that is."""
    known = catalogue().by_tag
    for key in keys:
        try:
            tag, line = split(key)
        except ValueError:
            tag, line = key, None
        parameter = known.get(tag)
        if parameter is None:
            near = get_close_matches(tag, known, 1)
            yield f"{place}: unknown parameter {key!r}" + (f"; did you mean {near[0]!r}?" if near else "")
        elif parameter.per_line != (line is not None):
            form = f"{tag}/1" if parameter.per_line else tag
            yield f"{place}: {key!r} is written {form!r}"


def pooled(place: str, pool: str, family: int, example: str) -> Iterator[str]:
    """First and last address of this family, of which at least one can be handed out."""
    try:
        first, last = pool_limits(pool, family)
    except ValueError:
        yield f"{place}.pool: {pool!r} is not of the form {example}"
        return
    if not 0 < first <= last:
        yield f"{place}.pool: {pool!r} holds no address"


def addressed(place: str, text: str, families: tuple[int, ...]) -> Iterator[str]:
    """An address of one of these families."""
    if not is_address(text, families):
        yield f"{place}: {text!r} is no {' or '.join(f'IPv{family}' for family in families)} address"


def is_address(text: str, families: tuple[int, ...]) -> bool:
    """Whether ``text`` is an address of one of these families, without a zone."""
    try:
        return ip_address(text).version in families and "%" not in text
    except ValueError:
        return False


def ordered(place: str, start: int, end: int) -> Iterator[str]:
    """A time that ends after it begins."""
    if end <= start:
        yield f"{place}: it ends before it starts"


def about_changes(scenario: Scenario) -> Iterator[str]:
    """Changes that no input can meet, and a record beside which nothing else is needed."""
    for index, change in enumerate(scenario.change):
        if change.phone >= scenario.phone.count:
            yield f"change[{index}].phone: phones are 0 to {scenario.phone.count - 1}"
        if wrong := changes.faults(change):
            yield f"change[{index}]: {wrong}"
