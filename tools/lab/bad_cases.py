"""Servers that send what no server should: the phone stays within its limits and says what happened."""

from __future__ import annotations

from tools.lab.case import HTTP, OPTION_URL, Case, Phase, ends, event, never, phone, two_files
from tools.lab.dhcp import Dnsmasq
from tools.lab.raw import Flood, Raw
from tools.lab.web import Nginx, Site

SIP_PORT, DHCP_CLIENT_PORT = 5060, 68


def bad_server(kind: str, title: str, expected: str, limit: float = 30.0) -> Case:
    """The lab's own server, and a phone that has never been provisioned. limit: seconds."""
    story = phone(url=f"{HTTP}/") + ends("failed", "manual URL", "") + expected
    return Case(f"bad-{kind}", title, (Phase((Raw(kind),), story, "off", limit=limit),))


def gives_up(reason: str, status: int | None = None) -> str:
    """The initial file is given up for ``reason``, with that status if it matters."""
    if status is None:
        return event("DownloadEnded", count=1, file="initial", reason=reason)
    return event("DownloadEnded", count=1, file="initial", reason=reason, status=status)


def flooded(name: str, port: int) -> Case:
    """10,000 datagrams a second, and the phone goes its way through SIP PnP to option 160."""
    servers = (Dnsmasq({160: OPTION_URL}), Nginx((Site(two_files(HTTP)),)), Flood(port))
    story = phone(pnp=True) + ends("provisioned", "DHCP option 160")
    story += event("DatagramReceived", port=port, at_least=1000) + event("DatagramLost")
    return Case(name, f"10,000 datagrams a second to port {port}", (Phase(servers, story, limit=40.0, garbled=True),))


BAD_CASES = (
    bad_server("garbage", "a server whose answer is no HTTP", gives_up("garbage")),
    bad_server("garbage-body", "a file of garbage", event("FileRefused", file="initial", count=1)),
    bad_server("drip", "one byte a second from the first on", gives_up("idle-timeout"), 60.0),
    bad_server("drip-body", "one byte a second of the file", gives_up("idle-timeout"), 60.0),
    bad_server("endless", "a body without end", gives_up("too-large")),
    bad_server("endless-head", "header fields without end", gives_up("garbage")),
    bad_server("bomb", "a compressed bomb", gives_up("too-large", status=200) + never("ConfigurationRead")),
    bad_server("cut-off", "a body that is cut off", gives_up("cut-off")),
    bad_server("redirect-self", "a redirect to itself", gives_up("too-many-redirects", status=302)),
    bad_server(
        "redirect-file",
        "a redirect to file://",
        gives_up("redirect-bad-scheme", status=302) + never("ConfigurationRead"),
    ),
    flooded("flood-sip", SIP_PORT),
    flooded("flood-dhcp", DHCP_CLIENT_PORT),
)
