"""What is known of a phone from its events alone: power, settings, the run that is on. Verdicts share it.

The layers of the settings are folded here once more, from the flash and from ``SettingChanged``, so that a verdict does
not ask the phone what the phone believes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import NamedTuple

from emulator.events import (
    AddressBound,
    AddressLost,
    ClockSet,
    FirmwareBooted,
    Ipv6AddressBound,
    Ipv6AddressLost,
    LinkDown,
    LinkUp,
    LookupAnswered,
    PowerLost,
    PowerOff,
    PowerOn,
    RestartOrdered,
    RunDeferred,
    RunEnded,
    RunStarted,
    SettingChanged,
    SettingsLoaded,
    StepEntered,
)
from emulator.events.base import Entry
from emulator.phone.catalogue import catalogue
from emulator.phone.machine import Settled
from emulator.phone.state import Phone
from emulator.world.run import Run
from flash_image import mount
from tools.fuzz.model import Case
from tools.fuzz.verdicts.bodies import Bodies
from tools.fuzz.verdicts.copying import Memory, memory
from tools.fuzz.verdicts.documents import Document, read
from tools.fuzz.verdicts.marks import on


class Held(NamedTuple):
    """A provisioned value with its attributes (PROV-166)."""

    value: str
    perm: str
    access: str


class Facts:
    """One phone. due: when the input of this moment fell due; phone: the state just after it, not to be changed.

    provisioned, user: the layers in force; loaded: what was in the journal at power-on; run: trigger of the run that is
    on, "" for none; step: of it; outcome: of the last; address, address6: of its own; boot_mode: IP_ADDR_MODE as it was
    at power-on; resolved: name to the addresses that the name service gave; complete: the story ran to its end;
    started: when the power came, ns.
    """

    def __init__(self, case: Case, index: int) -> None:
        self.case, self.index = case, index
        self.bodies = Bodies()
        self.due = self.now = self.started = 0
        self.on = self.link = self.clock = False
        self.boot_mode = ""
        self.mac, self.model, self.version = "", "", case.scenario.phone.version
        self.provisioned: dict[str, Held] = {}
        self.user: dict[str, str] = {}
        self.loaded: dict[str, bytes] = {}
        self.run = self.outcome = self.deferred = ""
        self.step = 0
        self.address = self.address6 = ""
        self.resolved: dict[str, tuple[str, ...]] = {}
        self.counts: Counter[str] = Counter()
        self._macros: dict[str, str] = {}
        self.afterwards: list[Callable[[], None]] = []
        self.complete = False
        self.phone: Phone
        self.settled: Settled

    def memory(self) -> Memory:
        """What is known at this settled point."""
        return memory(self.__dict__, "case", "phone")

    def remembering(self, kept: Memory, case: Case) -> Facts:
        """Others that know the same, of this phone until its own is seen."""
        twin = Facts.__new__(Facts)
        twin.__dict__ = kept.copy()
        twin.case, twin.phone = case, self.phone
        return twin

    # --- What verdicts ask ------------------------------------------------------------------------------------------

    def value(self, key: str) -> str:
        """The value in force (PROV-181)."""
        return in_force(key, self.provisioned, self.user)

    def enabled(self, key: str) -> bool:
        """Whether a flag is on (PROV-140)."""
        return self.value(key) in ("Y", "Yes")

    def number(self, key: str) -> int:
        """A number; its default where what is stored is no allowed number."""
        tag, value = key.partition("/")[0], self.value(key)
        parameter = catalogue().by_tag[tag]
        return int(parameter.default if parameter.check(value) else value)

    def option(self, name: str, default: str) -> str:
        """A reading of the guide that the scenario chooses."""
        return str(self.case.scenario.phone.options.get(name, default))

    def macros(self) -> dict[str, str]:
        """What stands for a macro in a URL (PROV-038)."""
        if not self._macros:
            self._macros = {
                "MODEL": self.model,
                "MAC": self.mac.upper(),
                "mac": self.mac.lower(),
                "fwver": self.version,
            }
        return self._macros

    def reachable(self, source: str) -> bool:
        """Whether the phone has an address of the family of ``source``; without one it hears nothing (PROV-281)."""
        return bool(self.address6 if ":" in source else self.address)

    def initial_document(self) -> Document | None:
        """The initial file that has just arrived; None if it is not judged."""
        return None if self.bodies.doubtful else read(self.bodies.body)

    def afterward(self, look: Callable[[], None]) -> None:
        """Look when the phone has settled: ``phone`` is its state then, and only then."""
        self.afterwards.append(look)

    # --- What the board tells ---------------------------------------------------------------------------------------

    def opened(self, settled: Settled, phone: Phone) -> None:
        """An input and what it led to comes next."""
        first = settled.entries[0]
        self.settled, self.phone = settled, phone
        self.now = settled.entries[-1].time
        self.due = first.time if first.due is None else first.due

    def look(self) -> None:
        """The phone has settled."""
        looks, self.afterwards = self.afterwards, []
        for each in looks:
            each()

    def over(self, run: Run, phone: Phone) -> None:
        """The story is over."""
        self.phone = phone
        due = run.next_due()
        self.complete = due is None or due > self.case.scenario.until

    # --- What events say --------------------------------------------------------------------------------------------

    @on(PowerOn)
    def power_came(self, entry: Entry, event: PowerOn) -> None:
        """A power cycle begins."""
        self.on, self.started = True, entry.time
        self.version = self.case.scenario.phone.version

    @on(PowerOff, PowerLost, RestartOrdered)
    def power_went(self, entry: Entry, event: PowerOff | PowerLost | RestartOrdered) -> None:
        """Nothing is remembered."""
        self.on = self.link = self.clock = False
        self.run = self.outcome = self.deferred = ""
        self.step = 0
        self.address = self.address6 = ""
        self.resolved = {}

    @on(FirmwareBooted)
    def firmware_booted(self, entry: Entry, event: FirmwareBooted) -> None:
        """Which version runs."""
        self.version, self._macros = event.version, {}

    @on(SettingsLoaded)
    def settings_loaded(self, entry: Entry, event: SettingsLoaded) -> None:
        """What is stored, read from the chip without the phone's help."""
        self.mac, self.model, self._macros = event.identity[0], event.identity[1], {}
        self.loaded = dict(mount(self.phone.flash.chip).values)
        self.provisioned, self.user = layers(self.loaded)
        self.boot_mode = self.value("IP_ADDR_MODE")

    @on(SettingChanged)
    def setting_changed(self, entry: Entry, event: SettingChanged) -> None:
        """A layer changed."""
        if event.layer == "provisioned":
            self.provisioned[event.key] = Held(event.value or "", event.perm, event.access)
        elif event.value is None:
            self.user.pop(event.key, None)
        else:
            self.user[event.key] = event.value

    @on(RunStarted)
    def run_started(self, entry: Entry, event: RunStarted) -> None:
        """A run is on."""
        self.run, self.deferred, self.step = event.trigger, "", 0

    @on(RunDeferred)
    def run_deferred(self, entry: Entry, event: RunDeferred) -> None:
        """Another run follows."""
        self.deferred = event.trigger

    @on(StepEntered)
    def step_entered(self, entry: Entry, event: StepEntered) -> None:
        """Where the run is."""
        self.step = event.step

    @on(RunEnded)
    def run_ended(self, entry: Entry, event: RunEnded) -> None:
        """No run is on."""
        self.run, self.step, self.outcome = "", 0, event.outcome

    @on(AddressBound)
    def address_bound(self, entry: Entry, event: AddressBound) -> None:
        """An IPv4 address."""
        self.address = event.address

    @on(AddressLost)
    def address_lost(self, entry: Entry, event: AddressLost) -> None:
        """None any more."""
        self.address = ""

    @on(Ipv6AddressBound)
    def address6_bound(self, entry: Entry, event: Ipv6AddressBound) -> None:
        """An IPv6 address."""
        self.address6 = event.address

    @on(Ipv6AddressLost)
    def address6_lost(self, entry: Entry, event: Ipv6AddressLost) -> None:
        """None any more."""
        self.address6 = ""

    @on(LookupAnswered)
    def name_found(self, entry: Entry, event: LookupAnswered) -> None:
        """Where a host is."""
        if event.addresses:
            self.resolved[event.name.lower()] = event.addresses

    @on(LinkUp, LinkDown)
    def cable(self, entry: Entry, event: LinkUp | LinkDown) -> None:
        """The link."""
        self.link = isinstance(event, LinkUp)

    @on(ClockSet)
    def clock_set(self, entry: Entry, event: ClockSet) -> None:
        """The time of day is known."""
        self.clock = True


def in_force(key: str, provisioned: Mapping[str, Held], user: Mapping[str, str]) -> str:
    """The value that two layers give (PROV-181)."""
    found = user.get(key)
    if found is not None:
        return found
    held = provisioned.get(key)
    return default(key) if held is None else held.value


@lru_cache(maxsize=4096)
def default(key: str) -> str:
    """The factory default of ``TAG`` or ``TAG/line``; "" for an unknown one."""
    parameter = catalogue().by_tag.get(key.partition("/")[0])
    return "" if parameter is None else parameter.default


def layers(values: dict[str, bytes]) -> tuple[dict[str, Held], dict[str, str]]:
    """(provisioned, user) of the values in the journal, whose form flash_image/README.md gives (PROV-273)."""
    provisioned: dict[str, Held] = {}
    user: dict[str, str] = {}
    for name, data in values.items():
        text = data.decode("utf-8", "replace")
        if name.startswith("p/"):
            perm, _, rest = text.partition("\0")
            access, _, value = rest.partition("\0")
            provisioned[name[2:]] = Held(value, perm, access)
        elif name.startswith("u/"):
            user[name[2:]] = text
    return provisioned, user
