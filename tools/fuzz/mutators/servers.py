"""Other servers: names, syslog, registrars, redirection, proxies; and readings of the guide that a provider presets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import evolve

from emulator.events import SECOND
from emulator.world.scenario import (
    PROXY_BEHAVIOURS,
    SIP_BEHAVIOURS,
    Duration,
    ProxySpec,
    RedirectionSpec,
    SipSpec,
    SyslogSpec,
)
from tools.fuzz.mutators.draft import SOME, STAYS, Draft
from tools.fuzz.mutators.people import believed
from tools.fuzz.mutators.sources import odd_url, usual_url

OPTIONS: tuple[Mapping[str, str | bool | int], ...] = (
    *({"fallback": "2014-05"}, {"notify_from": "anyone"}, {"arp": False}, {"lldp_wait": 0}, {"lldp_wait": 1}),
    *({"pnp_via_maddr": True}, {"pnp_vendor_parameter": "vender"}, {"manual_url": "effective"}),
)


GRANTS: tuple[Mapping[str, str], ...] = (
    *(
        {},
        {},
        {},
        {"Contact": "", "Expires": "60"},
        {"Contact": "", "Expires": "120"},
        {"Contact": ""},
        {"Expires": "60"},
    ),
    *({"Contact": "<sip:2001@192.0.2.99>;expires=60"}, {"Contact": "*"}, {"Contact": "", "Expires": "0"}),
    *({"Contact": "", "Expires": "x"}, {"CSeq": "1 REGISTER"}, {"Call-ID": "another-call"}, {"Min-Expires": "7200"}),
    *({"Via": "SIP/2.0/UDP 192.0.2.99;branch=z9hG4bKother"}, {"WWW-Authenticate": ""}, {"CSeq": "1 INVITE"}),
)
"""How a registrar says what it grants: usually, by the header field alone, not at all, or with another one's."""


def syslog(draft: Draft) -> bool:
    """Somebody listens to what the phone says of itself, and it says much."""
    dice = draft.dice
    draft.add("syslog", SyslogSpec(dice.choice(("192.0.2.30", "192.0.2.31")), dice.choice((514, 514, 1514)), end=STAYS))
    for key, value in (("SYSLOG_SERVER_ENABLE", "Y"), ("SYSLOG_ADDR", "192.0.2.30"), ("SYSLOG_SEVERITY", "7")):
        if dice.chance(700_000):
            stored = draft.phone.flash is None and dice.chance(500_000)
            if stored:
                draft.phone = evolve(draft.phone, user={**draft.phone.user, key: value})
            else:
                draft.act("web", dice.below(SECOND), key=key, value=value)
    return True


def registrar(draft: Draft) -> bool:
    """There is a registrar, which does not always answer as it should."""
    dice = draft.dice
    believed(draft)
    place = draft.pick("sip")
    if place is None:
        users = {"2001": "also-a-sample"}
        auth = dice.choice(("none", "digest", "digest-sha256"))
        expires = Duration(dice.choice((60, 600, 3_600)) * SECOND)
        draft.add("sip", SipSpec(users=users, auth=auth, expires=expires))
        place = len(draft.tables["sip"]) - 1
    spec: SipSpec = draft.tables["sip"][place]
    bad = evolve(
        spec,
        behaviour=dice.choice(SIP_BEHAVIOURS),
        delay=Duration(dice.choice((0, 0, 1, 5, 31, 33)) * SECOND),
        auth=dice.choice(("none", "digest")) if spec.users else "none",
        headers=dice.choice(GRANTS),
    )
    draft.spoil("sip", place, bad)
    if dice.chance(300_000):
        draft.reach(SOME)
    return True


def redirection(draft: Draft) -> bool:
    """No source gives a URL but the redirection server, which tells it, something else, or nothing."""
    if draft.base.phone.options.get("redirection_url"):
        return False
    dice, usual = draft.dice, usual_url(draft)
    draft.phone = evolve(draft.phone, options={**draft.phone.options, "redirection_url": "http://192.0.2.50"})
    url = usual if dice.chance(600_000) else odd_url(draft, usual)
    start, end = draft.window()
    answer = dice.choice(("redirect", "redirect", "text", "error"))
    known = {dice.choice((draft.phone.mac, draft.phone.mac, "0080F0999999")): url}
    draft.add("redirection", RedirectionSpec(known, answer=answer, start=Duration(start), end=Duration(end)))
    for place, spec in enumerate(draft.tables["dhcp"]):
        if dice.chance(800_000):
            draft.spoil("dhcp", place, evolve(spec, option66=None, option159=None, option160=None), (0, draft.calm))
            break
    return True


def proxy(draft: Draft) -> bool:
    """The phone is to use an HTTP proxy, which forwards or does not."""
    dice = draft.dice
    values = {"HTTP_ENABLE_PROXY": "Y", "HTTP_PROXY_SVR_ADDR": "192.0.2.60", "HTTP_PROXY_SVR_PORT": "8080"}
    if not draft.provision(values):
        return False
    behaviour = dice.choice(("forward", "forward", *PROXY_BEHAVIOURS))
    start, end = draft.window()
    delay = Duration(dice.choice((0, 0, 5, 40)) * SECOND)
    spec = ProxySpec(behaviour=behaviour, delay=delay, start=Duration(start), end=Duration(end))
    draft.add("proxy", spec)
    return True


def readings(draft: Draft) -> bool:
    """The phone is of another mind about something that the guide leaves open."""
    options: dict[str, Any] = {**draft.phone.options, **draft.dice.choice(OPTIONS)}
    draft.phone = evolve(draft.phone, options=options)
    if draft.dice.chance(100_000):
        draft.seed = draft.dice.below(1_000)
    return True
