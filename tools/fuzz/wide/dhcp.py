"""DHCP servers, their options and their leases, for IPv4 and IPv6."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import evolve

from emulator.events import SECOND
from emulator.world.scenario import DHCPV6_BEHAVIOURS, DhcpSpec, Dhcpv6Spec, Duration, FilesSpec
from tools.fuzz.dice import Dice
from tools.fuzz.wide.draft import LONG, MS, SOME, STAYS, Draft
from tools.fuzz.wide.people import again
from tools.fuzz.wide.words import ADDRESSES, HOSTS

OPTIONS = ("option160", "option159", "option66")
DELAYS = (1, 500, 900, 1_000, 2_000, 3_900, 4_000, 4_100, 9_000)
LEASES = (60, 120, 240, 600, 1_800, 3_600)
POOLS = ("192.0.2.50-192.0.2.60", "192.0.2.11-192.0.2.200", "198.51.100.10-198.51.100.20", "192.0.2.10")
MOST_TEXT = 240
"""Bytes of an option, so that it fits into a message beside two others."""


def server(draft: Draft) -> bool:
    """The server is silent, slow, deaf at first, says NAK or rubbish, or is not there."""
    dice, place = draft.dice, draft.pick("dhcp")
    if place is None:
        return False
    spec: DhcpSpec = draft.tables["dhcp"][place]
    changes: dict[str, Any] = dice.choice(
        (
            {"behaviour": dice.choice(("silent", "silent", "offer-only", "garbage"))},
            {"delay": Duration(dice.choice(DELAYS) * MS)},
            {"ignore": dice.between(1, 6)},
            {"nak": dice.between(1, 6)},
            {"pool": dice.choice(POOLS)},
        )
    )
    draft.spoil("dhcp", place, evolve(spec, **changes))
    return True


def second(draft: Draft) -> bool:
    """There is another server beside the first, with other options, at the same or another address."""
    place = draft.pick("dhcp")
    if place is None:
        return False
    dice, spec = draft.dice, draft.tables["dhcp"][place]
    start, end = draft.window()
    changes: dict[str, Any] = {
        dice.choice(OPTIONS): odd_url(draft, usual_url(draft)) for _ in range(dice.between(0, 2))
    }
    behaviour = dice.choice(("answer", "answer", "answer", "offer-only", "garbage"))
    draft.add(
        "dhcp",
        evolve(
            spec,
            address=dice.choice(("192.0.2.2", "192.0.2.3", spec.address)),
            pool=dice.choice(POOLS),
            behaviour=behaviour,
            delay=Duration(dice.choice((0, 1, 5, 50, *DELAYS)) * MS),
            nak=dice.choice((0, 0, 0, 1)),
            start=Duration(start),
            end=Duration(end),
            **changes,
        ),
        first=dice.chance(500_000),
    )
    return True


def options(draft: Draft) -> bool:
    """An option is absent, empty, careless, of another kind, or something else from some time on."""
    dice, place = draft.dice, draft.pick("dhcp")
    if place is None:
        return False
    spec: DhcpSpec = draft.tables["dhcp"][place]
    usual = usual_url(draft)
    changes: dict[str, Any] = {}
    for name in dice.choice(((dice.choice(OPTIONS),), OPTIONS[:2], OPTIONS, (dice.choice(OPTIONS[1:]), "option160"))):
        changes[name] = None if dice.chance(200_000) else odd_url(draft, usual)
    if "option160" not in changes and dice.chance(600_000):
        changes["option160"] = None
    window = (0, draft.calm) if dice.chance(500_000) else draft.window()
    draft.spoil("dhcp", place, evolve(spec, **changes), window)
    if window[0] and dice.chance(500_000):
        again(draft, window[0] + dice.below(5 * SECOND))
    return True


def usual_url(draft: Draft) -> str:
    """A URL at which the base has its files."""
    given = [getattr(spec, name) for spec in draft.base.dhcp for name in OPTIONS]
    given += [*(spec.url for spec in draft.base.pnp), *(spec.url for spec in draft.base.dhcpv6)]
    found = [url for url in given if url]
    first = draft.survey.asked[0] if draft.survey.asked else None
    if first is not None:
        found.append(f"{first.scheme}://{first.host}{first.target}")
    return draft.dice.choice(found) if found else "http://192.0.2.20/{MODEL}.cfg"


def odd_url(draft: Draft, usual: str) -> str:
    """A text of a source: with something around it, in another form, or leading elsewhere."""
    dice = draft.dice
    made = dice.choice((surrounded, surrounded, reformed, reformed, elsewhere))(usual, dice)
    for host in HOSTS[:2]:
        if host in made:
            draft.known(host, dice.choice(("192.0.2.20", "192.0.2.21,192.0.2.20", "!timeout", "!no-such-name")))
    return made.encode()[:MOST_TEXT].decode("utf-8", "ignore")


def surrounded(usual: str, dice: Dice) -> str:
    """With something before or behind it, as careless servers send it."""
    before = ("", "", "", " ", "\t", "'", '"', "<", "\0", "\ufeff")
    behind = ("\0", "\0", "\0\0\0", " ", "\r\n", "\n", "\t ", '"', "'", ">", " \0", "\0x", "\x7f", "?", "#a", "/", "")
    head, tail = dice.choice(before), dice.choice(behind)
    return head + usual + (tail if tail or head else "\0")


def reformed(usual: str, dice: Dice) -> str:
    """Nearly the same: scheme, port, macros, login, case, a letter less."""
    scheme, _, rest = usual.partition("://")
    host, _, path = rest.partition("/")
    forms: Sequence[str] = (
        *(f"{scheme.upper()}://{rest}", f"https://{rest}", f"tftp://{rest}", f"ftp://{rest}", rest, host),
        *(f"{scheme}://{host}:8080/{path}", f"{scheme}://{host}:80/{path}", f"{scheme}:/{rest}", f"{scheme}://{host}"),
        *(f"{scheme}://{host}/", f"{scheme}://{host}/{{MAC}}.cfg", f"{scheme}://{host}/{{mac}}/{path}", usual[:-1]),
        *(f"{scheme}://{host}/{{model}}.cfg", f"{scheme}://joe:a-sample-word@{rest}", f"{scheme}://jo%65@{rest}"),
        *(f"{usual}?mac={{MAC}}&v={{fwver}}", f"{scheme}://{host}//{path}", f"{scheme}://{host}/./{path}", ""),
    )
    return dice.choice(forms)


def elsewhere(usual: str, dice: Dice) -> str:
    """A place that there is not, or another one."""
    return dice.choice(
        (
            *(f"http://{dice.choice(ADDRESSES)}/", f"http://{dice.choice(HOSTS[:2])}/{{MODEL}}.cfg"),
            *(
                "http://",
                "http://a b/",
                "http://[2001:db8::20]/",
                "http://300.1.1.1/",
                "gopher://192.0.2.20/",
                "x" * 240,
            ),
            *("http://192.0.2.20/nothing/here.cfg", dice.choice(ADDRESSES), "http://192.0.2.20:0/", "ä://x", "\0"),
        )
    )


def leases(draft: Draft) -> bool:
    """A short lease, and then something else: silence until it ends, NAK, another address, other options."""
    dice, place = draft.dice, draft.pick("dhcp")
    if place is None:
        return False
    spec: DhcpSpec = draft.tables["dhcp"][place]
    lease = dice.choice(LEASES)
    draft.reach(SOME if lease <= 600 else LONG)
    times: dict[str, Any] = {"lease": Duration(lease * SECOND)}
    if dice.chance(300_000):
        times |= {name: Duration(dice.between(lease // 3, lease) * SECOND) for name in ("t1", "t2")}
    short = evolve(spec, **times)
    draft.spoil("dhcp", place, short, (0, 5 * lease * SECOND))
    later = dice.choice((lease // 2, lease * 7 // 8, lease, 5)) * SECOND + dice.choice((-SECOND, 0, 0, 3 * MS, SECOND))
    later = min(later, draft.limit)
    place = next(at for at, each in enumerate(draft.tables["dhcp"]) if each.lease == short.lease)
    changes: dict[str, Any] = dice.choice(
        (
            *({"behaviour": "silent"}, {"behaviour": "silent"}, {"behaviour": "offer-only"}, {"behaviour": "garbage"}),
            *({"nak": dice.between(1, 3)}, {"pool": dice.choice(POOLS)}, {"ignore": dice.between(1, 5)}),
            {dice.choice(OPTIONS): odd_url(draft, usual_url(draft))},
            {"address": "192.0.2.2", "pool": dice.choice((*POOLS, spec.pool))},
        )
    )
    lasting = dice.choice((lease // 3, lease // 2, lease, 3 * lease)) * SECOND
    draft.spoil("dhcp", place, evolve(short, **changes), (later, later + lasting))
    return True


def ipv6(draft: Draft) -> bool:
    """The phone uses IPv6 beside IPv4, or alone, with servers that answer or do not."""
    dice, mode = draft.dice, draft.dice.choice(("1", "2", "2"))
    if not draft.base.files or not draft.provision({"IP_ADDR_MODE": mode, "SIPPNP_ENABLE": dice.choice("YN")}):
        return False
    root = draft.base.files[0].root
    url = dice.choice(
        ("http://[2001:db8::20]/{MODEL}.cfg", "http://192.0.2.20/{MODEL}.cfg", "http://prov.example.com/")
    )
    draft.known("prov.example.com", dice.choice(("2001:db8::20", "2001:db8::20,192.0.2.20", "192.0.2.20")))
    draft.add("files", FilesSpec("2001:db8::20", root=root, end=STAYS))
    valid = dice.choice((120, 600, 86_400))
    good = Dhcpv6Spec(url=url, valid=Duration(valid * SECOND), preferred=Duration(valid * SECOND // 2))
    bad = evolve(
        good,
        behaviour=dice.choice(DHCPV6_BEHAVIOURS),
        preference=dice.choice((0, 0, 1, 255)),
        url=dice.choice((url, None, odd_url(draft, url))),
        ignore=dice.choice((0, 0, 1, 3)),
        delay=Duration(dice.choice((0, 0, 10, *DELAYS)) * MS),
    )
    draft.add("dhcpv6", good)
    draft.spoil("dhcpv6", len(draft.tables["dhcpv6"]) - 1, bad)
    if valid < 86_400:
        draft.reach(SOME)
    return True
