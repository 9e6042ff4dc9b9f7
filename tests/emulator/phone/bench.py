"""What the tests of the phone share: a phone on the bench, and small worlds as values.

A :class:`Bench` holds one machine and nothing around it: the test plays the servers, and virtual time passes when the
test says so. :func:`story` makes a whole world for :func:`tools.simulate.run`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from heapq import heappop, heappush
from typing import Any, TypeVar

import attrs

from emulator.events import (
    SECOND,
    DatagramReceived,
    DatagramSent,
    Entry,
    Event,
    FlashFitted,
    LinkUp,
    Payload,
    PowerOn,
    SettingEntered,
    StepEntered,
    TimerDue,
    TimerSet,
)
from emulator.phone import locallog
from emulator.phone.configfile import ROOT
from emulator.phone.firmware import Firmware, Part
from emulator.phone.kx_utg200 import kx_utg200
from emulator.phone.machine import Machine
from emulator.phone.prepare import prepared_flash
from emulator.phone.state import Phone
from emulator.wire import dhcp as wire
from emulator.world.run import Run
from emulator.world.scenario import DhcpSpec, Duration, FilesSpec, PathSpec, Scenario
from tools.simulate import RunResult

MAC, MODEL = "0080F0123456", "KX-UTG200B"
SERVER, ADDRESS = "192.0.2.1", "192.0.2.10"
FILE_SERVER = "192.0.2.20"
MINUTE = 60 * SECOND
DAY = 86_400

E = TypeVar("E", bound=Event)
Options = Sequence[tuple[int, bytes]]


class Bench:
    """One phone with its cable in, and a clock that the test moves. entries: its log so far.

    lan: it speaks LLDP, CDP and ARP; otherwise there is nothing below IP, and DHCP begins at link up. log: its log goes
    into the flash; otherwise it stays in memory, and no flash work comes between what a test looks at.
    """

    def __init__(
        self,
        firmware: Firmware | None = None,
        image: bytes | None = None,
        entropy: str = "00" * 32,
        *,
        lan: bool = False,
        log: bool = False,
        **flash: Any,
    ) -> None:
        made = firmware or kx_utg200()
        made = made if log else made.with_part(Part("locallog", (locallog.logged,)))
        self.machine = Machine(made if lan else made.with_options(lldp_wait=0, arp=False))
        self.entries: list[Entry] = []
        self.now = 0
        self._timers: list[tuple[int, int, TimerDue, int]] = []
        self.feed(FlashFitted(Payload(image or prepared_flash(MAC, MODEL, "1", **flash))))
        self.feed(PowerOn(entropy))

    @property
    def phone(self) -> Phone:
        """The state."""
        return self.machine.phone

    def feed(self, event: Event) -> list[Entry]:
        """Let the phone take ``event`` now; what followed. Fails if the gate refuses it."""
        assert self.machine.accepts(event), event
        return self._take(event, None)

    def _take(self, event: Event, cause: int | None) -> list[Entry]:
        settled = self.machine.take(event, self.now, cause, len(self.entries) + 1)
        self.entries += settled.entries
        self.now = max(self.now, self.phone.clock)
        for entry, ordinal in settled.orders:
            made = entry.event
            if isinstance(made, TimerSet):
                due = TimerDue(made.name, ordinal)
                heappush(self._timers, (entry.time + made.after, entry.n, due, self.phone.power.boots))
        return settled.entries

    def link_up(self) -> list[Entry]:
        """Plug the cable in."""
        return self.feed(LinkUp())

    def run_to(self, time: int) -> list[Entry]:
        """Let every timer up to ``time`` (ns) run out; what followed."""
        before = len(self.entries)
        while self._timers and self._timers[0][0] <= time:
            due, _, event, boot = heappop(self._timers)
            self.now = max(self.now, due)
            if self.machine.accepts(event, boot):
                self._take(event, None)
        self.now = max(self.now, time)
        return self.entries[before:]

    def wait(self, ns: int) -> list[Entry]:
        """:meth:`run_to` ``ns`` from now."""
        return self.run_to(self.now + ns)

    def until(self, kind: type[E], limit: int = 1000) -> E:
        """Let timers run out until one of them leads to a ``kind``."""
        for _ in range(limit):
            found = of(self.run_to(self._timers[0][0]), kind)
            if found:
                event = found[-1].event
                assert isinstance(event, kind)
                return event
        raise AssertionError(f"no {kind.__name__}")

    def receive(self, payload: bytes, port: int, source: str = SERVER, source_port: int = 67) -> list[Entry]:
        """A datagram reaches the phone."""
        return self.feed(DatagramReceived(source, source_port, ADDRESS, port, Payload(payload)))

    def of(self, kind: type[E]) -> list[Entry]:
        """The entries of a kind."""
        return of(self.entries, kind)

    # --- DHCP -------------------------------------------------------------------------------------------------------

    def dhcp_sent(self) -> list[wire.Message]:
        """Every DHCP message so far, as a server reads it."""
        return [wire.parse(event.payload) for _, event in datagrams(self.entries, 67)]

    def reply(self, kind: int, address: str = ADDRESS, options: Options = (), **changes: Any) -> list[Entry]:
        """A DHCP reply to what was sent last. changes: of what :func:`emulator.wire.dhcp.build` takes."""
        return self.receive(self.reply_bytes(kind, address, options, **changes), 68)

    def reply_bytes(self, kind: int, address: str = ADDRESS, options: Options = (), **changes: Any) -> bytes:
        """The bytes of :meth:`reply`."""
        message = {
            "op": wire.BOOTREPLY,
            "xid": self.phone.dhcp.xid,
            "chaddr": bytes.fromhex(MAC),
            "type": kind,
            "options": options or lease(),
            "yiaddr": address,
        }
        return wire.build(**{**message, **changes})

    def bind(self, *options: tuple[int, bytes], seconds: int = DAY, server: str = SERVER) -> list[Entry]:
        """OFFER and ACK."""
        given = (*lease(seconds, server), *options)
        return [*self.reply(wire.OFFER, options=given), *self.reply(wire.ACK, options=given)]


def of(entries: Sequence[Entry], kind: type[E]) -> list[Entry]:
    """The entries whose event is a ``kind``."""
    return [entry for entry in entries if isinstance(entry.event, kind)]


def datagrams(entries: Sequence[Entry], port: int) -> Iterator[tuple[Entry, DatagramSent]]:
    """What the phone sent to ``port``."""
    for entry in entries:
        if isinstance(entry.event, DatagramSent) and entry.event.port == port:
            yield entry, entry.event


def lease(seconds: int = DAY, server: str = SERVER) -> list[tuple[int, bytes]]:
    """The options that every OFFER and ACK has."""
    return [(wire.SERVER_ID, wire.ip_to_bytes(server)), (wire.LEASE_TIME, wire.u32(seconds))]


def steps(entries: Sequence[Entry]) -> list[int]:
    """The steps entered, in order."""
    return [entry.event.step for entry in entries if isinstance(entry.event, StepEntered)]


def seconds(number: float) -> Duration:
    """A time of a scenario."""
    return Duration(round(number * SECOND))


def typed(key: str, value: str | None) -> SettingEntered:
    """Somebody types a value into the web page."""
    return SettingEntered(key, value, "web")


# --- files ----------------------------------------------------------------------------------------------------------


def initial(host: str = f"http://{FILE_SERVER}", **files: str) -> str:
    """An initial file that names these files: ``standard="s.cfg"``, ``root1=...``."""
    tags = {**{name: f"CFG_{name.upper()}_FILE_PATH" for name in ("standard", "product", "master")}}
    tags |= {f"root{n}": f"CFG_ROOT_CERTIFICATE_PATH{n}" for n in (1, 2, 3)}
    lines = {name: f"<{tags[name]}>{path_in(host, path)}</{tags[name]}>" for name, path in files.items()}
    certificates = "".join(line for name, line in lines.items() if name.startswith("root"))
    device = "".join(line for name, line in lines.items() if not name.startswith("root"))
    return f"<{ROOT}><Initial><Certs>{certificates}</Certs><CfgFiles>{device}</CfgFiles></Initial></{ROOT}>"


def path_in(host: str, path: str) -> str:
    """A whole URL stays, a path is put behind ``host``."""
    return path if "://" in path else f"{host}/{path}"


def syslog(perm: str = "", **values: str) -> str:
    """A device file that sets parameters of the group Syslog."""
    mark = f' perm="{perm}"' if perm else ""
    inside = "".join(f"<{tag}{mark}>{value}</{tag}>" for tag, value in values.items())
    return f"<{ROOT}><Device><System><Syslog>{inside}</Syslog></System></Device></{ROOT}>"


def prov(**values: str) -> str:
    """A device file that sets provisioning parameters."""
    inside = "".join(f"<{tag}>{value}</{tag}>" for tag, value in values.items())
    return f"<{ROOT}><Device><System><Prov>{inside}</Prov></System></Device></{ROOT}>"


def fwupdt(**values: str) -> str:
    """A device file that orders a firmware."""
    inside = "".join(f"<{tag}>{value}</{tag}>" for tag, value in values.items())
    return f"<{ROOT}><Device><System><FwUpdt>{inside}</FwUpdt></System></Device></{ROOT}>"


def served(paths: Mapping[str, str | PathSpec], **server: Any) -> FilesSpec:
    """A file server with these paths; a text stands for a file that holds it."""
    made = {path: PathSpec(text=what) if isinstance(what, str) else what for path, what in paths.items()}
    return FilesSpec(**{"paths": made, **server})


QUIET = {"SIPPNP_ENABLE": "N", "LOG_TO_FILE_ENABLE": "N"}
"""Settings of a phone that asks nobody by SIP and keeps no log: its story is five seconds shorter and ends with it."""


def story(*files: FilesSpec, url: str | None = f"http://{FILE_SERVER}/i.cfg", **changes: Any) -> Scenario:
    """A phone that finds ``url`` in DHCP option 160, without SIP PnP."""
    scenario = Scenario(title="test", dhcp=(DhcpSpec(option160=url),), files=files)
    scenario = attrs.evolve(scenario, phone=attrs.evolve(scenario.phone, provisioned=QUIET))
    phone = {name: changes.pop(name) for name in tuple(changes) if hasattr(scenario.phone, name) and name != "saved"}
    if phone:
        scenario = attrs.evolve(scenario, phone=attrs.evolve(scenario.phone, **phone))
    saved: Mapping[str, str] = changes.pop("saved", {})
    if saved:
        held = attrs.evolve(scenario.phone, saved={name: name for name in saved})
        content = {name: text.encode() for name, text in saved.items()}
        scenario = attrs.evolve(scenario, phone=held, content=content)
    return attrs.evolve(scenario, **changes)


def on_flash(scenario: Scenario, flash: bytes | None) -> tuple[RunResult, Run]:
    """Run ``scenario`` on a phone with that flash image."""
    kept: list[Entry] = []
    made = Run(scenario, observer=lambda settled: kept.extend(settled.entries))
    if flash is not None:
        fitted = made.agenda.pop()
        assert isinstance(fitted.what, FlashFitted)
        made.agenda.later(fitted.time, fitted.target, FlashFitted(Payload(flash)))
    made.run_until(scenario.until)
    result = RunResult("", 1, made.digest, "", len(kept), made.now, [], [made.machines[0].phone], entries=kept)
    return result, made
