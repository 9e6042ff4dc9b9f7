"""DHCP servers, their options and their leases, for IPv4 and IPv6."""

from __future__ import annotations

from typing import Any

from attrs import evolve

from emulator.events import SECOND
from emulator.world.scenario import DHCPV6_BEHAVIOURS, DhcpSpec, Dhcpv6Spec, Duration, FilesSpec
from tools.fuzz.mutators.draft import LONG, MS, SOME, STAYS, Draft
from tools.fuzz.mutators.people import again
from tools.fuzz.mutators.sources import OPTIONS, odd_url, usual_url

DELAYS = (1, 500, 900, 1_000, 2_000, 3_900, 4_000, 4_100, 9_000)
LEASES = (60, 120, 240, 600, 1_800, 3_600)
POOLS = ("192.0.2.50-192.0.2.60", "192.0.2.11-192.0.2.200", "198.51.100.10-198.51.100.20", "192.0.2.10")


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
    if dice.chance(400_000):
        only = dice.choice(OPTIONS)
        changes = {name: None for name in OPTIONS if name != only}
        changes[only] = usual if dice.chance(200_000) else odd_url(draft, usual)
    else:
        for name in dice.choice(((dice.choice(OPTIONS),), OPTIONS[:2], OPTIONS)):
            changes[name] = None if dice.chance(200_000) else odd_url(draft, usual)
    window = (0, draft.calm) if dice.chance(500_000) else draft.window()
    draft.spoil("dhcp", place, evolve(spec, **changes), window)
    if window[0] and dice.chance(500_000):
        again(draft, window[0] + dice.below(5 * SECOND))
    return True


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
    lasting = dice.choice((lease // 3, lease // 2, lease, 3 * lease, 3 * lease)) * SECOND
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
