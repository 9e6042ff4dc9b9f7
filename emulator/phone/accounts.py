"""What the settings of a line say about its registration."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import quote

from emulator.events import SECOND
from emulator.phone.catalogue import LINES, key
from emulator.phone.settings import Settings

ALL_LINES = tuple(range(1, LINES + 1))
PORT = 5060
"""The port that a SIP URI need not name."""
MS = SECOND // 1000
_USER = "-_.!~*'()&=+$,;?/%"
"""What may stand in the user part of a SIP URI as it is (RFC 3261 s.25.1), and escapes that are there already."""


class Account(NamedTuple):
    """How a line registers: itself, where, with which login, how long and how often.

    user: escaped as in a URI, "" if the settings name none; target: the Request-URI; server, port: where the request
    goes; proxied: that is the outbound proxy; expires: seconds; rate: percent; retry, t1, t2, timer_f: ns;
    insists: it is tried again after a 403; rport: the Via asks for the answer to go where the request came from.
    """

    user: str
    domain: str
    target: str
    server: str
    port: int
    proxied: bool
    login: str
    password: str
    expires: int
    rate: int
    retry: int
    insists: bool
    rport: bool
    t1: int
    t2: int
    timer_f: int

    @property
    def binding(self) -> tuple[str, str, str, int]:
        """What a registration is about: with another of these it is another one, and the old one has to end."""
        return self.user, self.target, self.server, self.port


def account(settings: Settings, line: int) -> Account | None:
    """The account of ``line``; None if the line is not enabled or has no registrar."""
    if not settings.enabled(key("LINE_ENABLE", line)):
        return None

    def text(tag: str) -> str:
        return settings.value(key(tag, line))

    def number(tag: str) -> int:
        return settings.number(key(tag, line))

    registrar = text("SIP_RGSTR_ADDR").lower()
    if not registrar:
        return None
    user, _, own_domain = (text("SIP_URI") or text("PHONE_NUMBER")).removeprefix("sip:").partition("@")
    domain = own_domain or text("SIP_SVCDOMAIN")
    port, proxy = number("SIP_RGSTR_PORT"), text("SIP_OUTPROXY_ADDR").lower()
    return Account(
        user=quote(user, safe=_USER, errors="replace"),
        domain=domain or registrar,
        target=f"sip:{domain or registrar}" + (f":{port}" if not domain and port != PORT else ""),
        server=proxy or registrar,
        port=number("SIP_OUTPROXY_PORT") if proxy else port,
        proxied=bool(proxy),
        login=text("SIP_AUTHID") or user,
        password=text("SIP_PASS"),
        expires=number("REG_EXPIRE_TIME"),
        rate=number("REG_INTERVAL_RATE"),
        retry=number("REG_RTX_INTVL") * SECOND,
        insists=settings.enabled(key("SIP_403_REG_SUB_RTX", line)),
        rport=settings.enabled(key("SIP_ADD_RPORT", line)),
        t1=number("SIP_TIMER_T1") * MS,
        t2=number("SIP_TIMER_T2") * SECOND,
        timer_f=number("SIP_TIMER_F") * MS,
    )
