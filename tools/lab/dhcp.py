"""DHCP servers with a provisioning URL in option 66, 159 or 160: dnsmasq, Kea and ISC dhcpd.

dnsmasq serves names and TFTP files as well.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from attrs import field, frozen
from attrs.validators import deep_mapping, in_, instance_of

from tools.lab.addresses import FILES, GATEWAY, MAC, NAME, PHONE, POOL
from tools.lab.authority import Authority
from tools.lab.launch import Contents, Launch, Listens, below
from tools.lab.namespaces import SERVER_SIDE

LEASE = 3600
"""Seconds."""
Options = Mapping[int, str]
"""Number of a DHCP option to its text."""
DHCP_PORT = Listens("udp", 67)


def colons(mac: str) -> str:
    """``0080F0123456`` as ``00:80:F0:12:34:56``."""
    return ":".join(mac[at : at + 2] for at in range(0, len(mac), 2))


@frozen
class Dnsmasq:
    """dnsmasq, which gives the phone always the same address.

    options: of DHCP, None for no DHCP at all; dns: whether NAME is known; tftp: files, or no TFTP.
    """

    options: Options | None = field(factory=dict)
    dns: bool = False
    tftp: Contents | None = None

    program = "dnsmasq"

    def launch(self, folder: Path, authority: Authority) -> Launch:
        """In the foreground, its log on stderr."""
        files = {"dnsmasq.conf": self.configuration(folder), **below("tftp", self.tftp or {})}
        listens = []
        if self.options is not None:
            listens.append(DHCP_PORT)
        if self.dns:
            listens.append(Listens("udp", 53, GATEWAY))
        if self.tftp is not None:
            listens.append(Listens("udp", 69, FILES))
        arguments = ("--keep-in-foreground", f"--conf-file={folder / 'dnsmasq.conf'}", "--log-facility=-")
        return Launch(arguments, files, listens=tuple(listens))

    def configuration(self, folder: Path) -> str:
        """Nothing of the machine's own settings is read, and nobody beyond the lab is asked."""
        lines = [f"interface={SERVER_SIDE}", "except-interface=lo", "bind-interfaces", "user=root", "pid-file="]
        lines += ["no-resolv", "no-hosts", f"port={53 if self.dns else 0}"]
        if self.dns:
            lines.append(f"host-record={NAME},{FILES}")
        if self.options is not None:
            first, last = POOL
            lines += [f"dhcp-range={first},{last},255.255.255.0,{LEASE}", f"dhcp-leasefile={folder / 'leases'}"]
            lines += ["dhcp-authoritative", "no-ping", "log-dhcp", f"dhcp-option=option:router,{GATEWAY}"]
            lines += [f"dhcp-option=option:dns-server,{GATEWAY}", f"dhcp-host={colons(MAC)},{PHONE}"]
            lines += [f'dhcp-option={number},"{text}"' for number, text in self.options.items()]
        if self.tftp is not None:
            lines += ["enable-tftp", f"tftp-root={folder / 'tftp'}"]
        return "\n".join(lines) + "\n"


@frozen
class Kea:
    """Kea DHCPv4. Option 160 is defined in its configuration.

    Option 159 is out of its reach: it knows it as RFC 7618 has it, refuses another definition, and cuts a text off.
    """

    options: Options = field(validator=deep_mapping(in_((66, 160)), instance_of(str)))

    program = "kea-dhcp4"

    def launch(self, folder: Path, authority: Authority) -> Launch:
        """In the foreground, as it always is.

        Debian confines the program by its path (AppArmor) to folders that are not the lab's; a copy is not confined.
        """
        config = json.dumps(self.configuration(), indent=2)
        environment = {"KEA_PIDFILE_DIR": str(folder), "KEA_LOCKFILE_DIR": str(folder)}
        arguments = ("-c", str(folder / "kea.json"))
        return Launch(arguments, {"kea.json": config}, (), (DHCP_PORT,), (), environment, copied=True)

    def configuration(self) -> dict[str, object]:
        """Leases are kept in memory, the log goes to stdout."""
        defined = [number for number in self.options if number != 66]
        given = [{"code": number, "data": text, "csv-format": True} for number, text in self.options.items()]
        subnet = {
            "id": 1,
            "subnet": "192.0.2.0/24",
            "pools": [{"pool": " - ".join(POOL)}],
            "option-data": [{"name": "routers", "data": GATEWAY}, *given],
        }
        logger = {"name": "kea-dhcp4", "severity": "INFO", "output_options": [{"output": "stdout"}]}
        dhcp4 = {
            # One address of the interface: on a raw socket, each of them would answer.
            "interfaces-config": {"interfaces": [f"{SERVER_SIDE}/{GATEWAY}"], "dhcp-socket-type": "raw"},
            "lease-database": {"type": "memfile", "persist": False},
            "valid-lifetime": LEASE,
            "option-def": [{"name": f"provisioning-{n}", "code": n, "type": "string"} for n in defined],
            "subnet4": [subnet],
            "loggers": [logger],
        }
        return {"Dhcp4": dhcp4}


@frozen
class Dhcpd:
    """ISC dhcpd."""

    options: Options

    program = "dhcpd"

    def launch(self, folder: Path, authority: Authority) -> Launch:
        """In the foreground, its log on stderr; a copy for the reason that Kea has one."""
        names = {flag: str(folder / name) for flag, name in (("-cf", "conf"), ("-lf", "leases"), ("-pf", "pid"))}
        arguments = ("-4", "-f", "-d", *(word for pair in names.items() for word in pair), SERVER_SIDE)
        files = {"conf": self.configuration(), "leases": ""}
        return Launch(arguments, files, listens=(DHCP_PORT,), copied=True)

    def configuration(self) -> str:
        """Option 66 has a name of its own, the others are declared."""
        lines = ["authoritative;", "ping-check false;", f"default-lease-time {LEASE};"]
        lines += [f"option provisioning-{n} code {n} = text;" for n in self.options if n != 66]
        given = [
            f'  option {"tftp-server-name" if number == 66 else f"provisioning-{number}"} "{text}";'
            for number, text in self.options.items()
        ]
        subnet = ["subnet 192.0.2.0 netmask 255.255.255.0 {", f"  range {' '.join(POOL)};"]
        lines += [*subnet, f"  option routers {GATEWAY};", *given, "}"]
        return "\n".join(lines) + "\n"
