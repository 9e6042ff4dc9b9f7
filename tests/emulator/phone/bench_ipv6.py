"""A :class:`~tests.emulator.phone.bench.Bench` whose phone uses IPv6: the test plays the DHCPv6 server."""

from __future__ import annotations

from typing import Any

from emulator.events import DatagramReceived, DatagramSent, Dhcpv6StateEntered, Entry, LinkUp, Payload
from emulator.phone.network import link_local
from emulator.wire import dhcpv6 as wire
from tests.emulator.phone.bench import MAC, Bench, Options, datagrams

OWN = link_local(MAC)
ADDRESS6, SERVER6, FILE_SERVER6 = "2001:db8::10", "2001:db8::1", "2001:db8::20"
CLIENT_DUID, SERVER_DUID = wire.duid_ll(bytes.fromhex(MAC)), wire.duid_ll(b"server")
HOUR = 3600
ENTERPRISE = 32_473


def association(
    address: str = ADDRESS6, preferred: int = HOUR, valid: int = 2 * HOUR, t1: int = 0, t2: int = 0, iaid: int = 1
) -> tuple[int, bytes]:
    """The option IA_NA with one address in it."""
    inside = ((wire.IA_ADDRESS, wire.IaAddress(address, preferred, valid).encode()),)
    return wire.IA_NA, wire.IaNa(iaid, t1, t2, inside).encode()


def refusal(status: int) -> tuple[int, bytes]:
    """The option IA_NA with a status and no address."""
    return wire.IA_NA, wire.IaNa(1, options=((wire.STATUS_CODE, wire.status(status)),)).encode()


def option_17(url: str | bytes, enterprise: int = ENTERPRISE, code: int = 1) -> tuple[int, bytes]:
    """Option 17 with one sub-option."""
    text = url if isinstance(url, bytes) else url.encode()
    return wire.VENDOR_OPTIONS, wire.Vendor(enterprise, ((code, text),)).encode()


class Bench6(Bench):
    """mode: ``IP_ADDR_MODE``."""

    def __init__(self, mode: str = "1", **changes: Any) -> None:
        given = dict(changes.pop("provisioned", {}))
        super().__init__(**{"provisioned": tuple({"IP_ADDR_MODE": mode, **given}.items()), **changes})

    def sent6(self) -> list[wire.Message]:
        """Every DHCPv6 message so far, as a server reads it."""
        return [wire.parse(event.payload) for _, event in self.datagrams6()]

    def datagrams6(self) -> list[tuple[Entry, DatagramSent]]:
        """What went to port 547."""
        return list(datagrams(self.entries, 547))

    def sent_times6(self) -> list[int]:
        """When, in ns."""
        return [entry.time for entry, _ in self.datagrams6()]

    def states6(self) -> list[str]:
        """The states of the client, in the order in which they were entered; a repetition is not told."""
        states = [entry.event.state for entry in self.of(Dhcpv6StateEntered)]
        return [state for at, state in enumerate(states) if not at or states[at - 1] != state]

    def solicit(self) -> None:
        """Plug the cable in and wait for the first SOLICIT."""
        self.feed(LinkUp())
        while not self.datagrams6():
            self.until(Dhcpv6StateEntered)

    def answer6(self, kind: int, *options: tuple[int, bytes], **changes: Any) -> list[Entry]:
        """A message from the server to what was sent last; without options it gives an address for two hours."""
        return self.datagram6(self.answer6_bytes(kind, *options, **changes))

    def answer6_bytes(self, kind: int, *options: tuple[int, bytes], **changes: Any) -> bytes:
        """The bytes of :meth:`answer6`. changes: ``transaction``, ``client``, ``server`` (b"" leaves it out)."""
        identities = ((wire.CLIENT_ID, "client", CLIENT_DUID), (wire.SERVER_ID, "server", SERVER_DUID))
        head = [(code, changes.get(name, usual)) for code, name, usual in identities if changes.get(name, usual)]
        transaction = changes.get("transaction", self.phone.dhcpv6.xid)
        return wire.Message(kind, transaction, (*head, *(options or (association(),)))).encode()

    def datagram6(self, payload: bytes) -> list[Entry]:
        """A datagram reaches port 546."""
        return self.feed(DatagramReceived(SERVER6, 547, OWN, 546, Payload(payload)))

    def bind6(self, *extra: tuple[int, bytes], given: Options = ()) -> list[Entry]:
        """ADVERTISE of the best preference, then REPLY; extra: options beside the address of ``given``."""
        options = (*(given or (association(),)), *extra)
        return [
            *self.answer6(wire.ADVERTISE, *options, (wire.PREFERENCE, b"\xff")),
            *self.answer6(wire.REPLY, *options),
        ]
