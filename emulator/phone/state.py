"""The state of a phone: one small part per concern, and nothing else anywhere.

The state is a fold: it changes only by applying entries of the log (:func:`fold_entry`). Handlers that react read it
and leave it alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

import attrs

from emulator.events import Entry, FlashFitted, PowerLost, PowerOff, PowerOn, RestartOrdered
from emulator.phone.arp import Arp
from emulator.phone.bootloader import Bootloader
from emulator.phone.dhcp import Dhcp
from emulator.phone.dhcpv6 import Dhcpv6
from emulator.phone.download import Download
from emulator.phone.factory_reset import FactoryReset
from emulator.phone.firmware import Firmware, Options, applies
from emulator.phone.flash import Flash
from emulator.phone.ftp import Ftp
from emulator.phone.hardware import Power
from emulator.phone.line_state import Registration
from emulator.phone.locallog import LocalLog
from emulator.phone.names import Names
from emulator.phone.neighbours import Neighbours
from emulator.phone.network import Network
from emulator.phone.orders import Orders
from emulator.phone.parts import PartState, part
from emulator.phone.pnp import Pnp
from emulator.phone.restart import Restart
from emulator.phone.resync import Resync
from emulator.phone.run_state import Provisioning
from emulator.phone.settings import Settings
from emulator.phone.syslog import Syslog
from emulator.phone.tftp import Tftp
from emulator.phone.update import Update
from emulator.phone.wallclock import Wallclock
from flash_image import Format


@part
class Phone(PartState):
    """Everything the phone knows.

    came_with, options, format: of the firmware value, not part of the fold; clock: ns, when the phone is done with what
    it did last.
    """

    came_with: str
    options: Options
    format: Format
    clock: int = 0
    power: Power = attrs.field(factory=Power, metadata={"copy": True})
    orders: Orders = attrs.field(factory=Orders, metadata={"copy": True})
    flash: Flash = attrs.field(factory=Flash, metadata={"copy": True})
    settings: Settings = attrs.field(factory=Settings, metadata={"copy": True})
    network: Network = attrs.field(factory=Network, metadata={"copy": True})
    neighbours: Neighbours = attrs.field(factory=Neighbours, metadata={"copy": True})
    dhcp: Dhcp = attrs.field(factory=Dhcp, metadata={"copy": True})
    dhcpv6: Dhcpv6 = attrs.field(factory=Dhcpv6, metadata={"copy": True})
    arp: Arp = attrs.field(factory=Arp, metadata={"copy": True})
    pnp: Pnp = attrs.field(factory=Pnp, metadata={"copy": True})
    download: Download = attrs.field(factory=Download, metadata={"copy": True})
    tftp: Tftp = attrs.field(factory=Tftp, metadata={"copy": True})
    ftp: Ftp = attrs.field(factory=Ftp, metadata={"copy": True})
    provisioning: Provisioning = attrs.field(factory=Provisioning, metadata={"copy": True})
    factory_reset: FactoryReset = attrs.field(factory=FactoryReset, metadata={"copy": True})
    restart: Restart = attrs.field(factory=Restart, metadata={"copy": True})
    names: Names = attrs.field(factory=Names, metadata={"copy": True})
    resync: Resync = attrs.field(factory=Resync, metadata={"copy": True})
    wallclock: Wallclock = attrs.field(factory=Wallclock, metadata={"copy": True})
    syslog: Syslog = attrs.field(factory=Syslog, metadata={"copy": True})
    locallog: LocalLog = attrs.field(factory=LocalLog, metadata={"copy": True})
    bootloader: Bootloader = attrs.field(factory=Bootloader, metadata={"copy": True})
    update: Update = attrs.field(factory=Update, metadata={"copy": True})

    registration: Registration = attrs.field(factory=Registration, metadata={"copy": True})

    @property
    def version(self) -> str:
        """The version that runs: in macros, the User-Agent and SIP PnP."""
        return self.bootloader.version or self.came_with

    def draw(self, concern: str, counter: int) -> int:
        """A number below 2**64 for ``concern``; derived from the entropy of the power-on event, so a fold repeats it.

        ``counter`` distinguishes draws of one concern and has to come from the state.
        """
        seed = f"{self.power.entropy}/{concern}/{counter}".encode()
        return int.from_bytes(sha256(seed).digest()[:8], "big")


VOLATILE = {
    "orders": Orders,
    "settings": Settings,
    "network": Network,
    "neighbours": Neighbours,
    "dhcp": Dhcp,
    "dhcpv6": Dhcpv6,
    "arp": Arp,
    "pnp": Pnp,
    "download": Download,
    "tftp": Tftp,
    "ftp": Ftp,
    "provisioning": Provisioning,
    "factory_reset": FactoryReset,
    "restart": Restart,
    "names": Names,
    "resync": Resync,
    "wallclock": Wallclock,
    "syslog": Syslog,
    "locallog": LocalLog,
    "bootloader": Bootloader,
    "update": Update,
    "registration": Registration,
}
"""The parts that a power cut clears. What survives a restart is in the flash."""


@applies("*", PowerOn, PowerOff, PowerLost, RestartOrdered)
def power_cycled(phone: Phone, event: PowerOn | PowerOff | PowerLost | RestartOrdered, entry: Entry) -> None:
    """Without power nothing is remembered; with it a new cycle begins. Every part that is not in flash starts anew."""
    for name, make in VOLATILE.items():
        setattr(phone, name, make())
    boots = phone.power.boots
    if isinstance(event, PowerOn):
        phone.power = Power(True, boots + 1, entry.n, entry.time, event.entropy)
    else:
        phone.power = Power(False, boots, restarting=isinstance(event, RestartOrdered))


@applies("flash", FlashFitted)
def chip_fitted(phone: Phone, event: FlashFitted, entry: Entry) -> None:
    """The chip's content is what the event says."""
    phone.flash.fit(event.image, entry.n)


def initial(firmware: Firmware) -> Phone:
    """A phone before its first event: no flash chip, no power."""
    return Phone(firmware.version, firmware.options, firmware.format)


def fold_entry(firmware: Firmware, phone: Phone, entry: Entry) -> None:
    """Apply one entry to ``phone``, in place."""
    handlers = firmware.table[type(entry.event)]
    phone.clock = entry.time + handlers.busy
    for apply in handlers.applies:
        apply(phone, entry.event, entry)


def fold(firmware: Firmware, entries: Iterable[Entry], phone: Phone | None = None) -> Phone:
    """The state after ``entries`` (of one phone), from scratch or from ``phone``, which is changed and returned."""
    state = initial(firmware) if phone is None else phone
    for entry in entries:
        fold_entry(firmware, state, entry)
    return state
