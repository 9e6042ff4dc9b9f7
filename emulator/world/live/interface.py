"""The interface itself: its address, its MAC address and its frames, where the phone has it to itself.

That is so with DHCP on the wire only. Whatever is changed is put back at the end.
"""

from __future__ import annotations

import shutil
import subprocess

import trio

from emulator.events import DatagramSent
from emulator.world.live.frames import Frames
from emulator.world.live.inbox import Inbox
from emulator.world.live.place import Place, PlaceError, mac_of, prefix_length

METRIC = "4000"
"""Of the default route: any other that this machine has goes first."""


class Interface:
    """The interface of ``place`` as long as a phone is on it: a context manager. Raises PlaceError."""

    def __init__(self, place: Place, inbox: Inbox) -> None:
        self.place, self.inbox = place, inbox
        self.frames: Frames | None = None
        self._address = self._route = self._mac = ""

    def __enter__(self) -> Interface:
        if self.place.dhcp == "full":
            if shutil.which("ip") is None:
                raise PlaceError("--dhcp full needs the program ip (Debian's package iproute2)")
            try:
                self.frames = Frames(self.place.interface, self.place.mac, self.inbox)
            except OSError as error:
                raise PlaceError(_refused(self.place.interface, error)) from None
            self._take_mac()
        return self

    def __exit__(self, *_: object) -> None:
        self.drop_address()
        self._close_frames()
        self._give_back_mac()

    async def read(self) -> None:
        """Take what comes in as frames, as long as the interface is held."""
        if self.frames is not None:
            await self.frames.read()
        else:
            await trio.sleep_forever()

    def set_address(self, address: str, mask: str, router: str) -> None:
        """Give the interface the address of the phone, and if there is a router the way through it."""
        self.drop_address()
        prefix = f"{address}/{prefix_length(mask)}"
        if _ip("address", "replace", prefix, "dev", self.place.interface):
            self._address = prefix
        if self.frames is not None:
            self.frames.address = address
        if router and router != "0.0.0.0":
            route = ("default", "via", router, "dev", self.place.interface, "metric", METRIC)
            self._route = " ".join(route) if _ip("route", "replace", *route) else ""

    def drop_address(self) -> None:
        """Take them off again."""
        if self._route:
            _ip("route", "del", *self._route.split())
        if self._address:
            _ip("address", "del", self._address, "dev", self.place.interface)
        self._address = self._route = ""

    def send_frame(self, payload: bytes) -> None:
        """A frame goes out as it is."""
        if self.frames is not None:
            self.frames.send(payload)

    def send_dhcp(self, event: DatagramSent) -> str:
        """A DHCP message goes out in a frame of our own; the reason if it cannot, else ""."""
        return "unreachable" if self.frames is None else self.frames.send_udp(event)

    def _take_mac(self) -> None:
        """The phone's MAC address becomes that of the interface, or the two would dispute the IP address."""
        before = mac_of(self.place.interface)
        if self.place.mac and before and self.place.mac.upper() != before:
            if not _ip("link", "set", "dev", self.place.interface, "address", _colons(self.place.mac)):
                self._close_frames()
                raise PlaceError(f"interface {self.place.interface} does not take the MAC address {self.place.mac}")
            self._mac = before

    def _close_frames(self) -> None:
        if self.frames is not None:
            self.frames.close()
        self.frames = None

    def _give_back_mac(self) -> None:
        if self._mac:
            _ip("link", "set", "dev", self.place.interface, "address", _colons(self._mac))
        self._mac = ""


def _ip(*arguments: str) -> bool:
    """Call ``ip``; whether it did it."""
    try:
        done = subprocess.run(["ip", *arguments], check=False, capture_output=True, timeout=5)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _colons(mac: str) -> str:
    return ":".join(mac[at : at + 2] for at in range(0, 12, 2)).lower()


def _refused(interface: str, error: OSError) -> str:
    if isinstance(error, PermissionError):
        return "--dhcp full needs root (it sends frames of its own); --dhcp off uses an address that is there"
    return f"interface {interface} cannot be used: {(error.strerror or 'error').lower()}"
