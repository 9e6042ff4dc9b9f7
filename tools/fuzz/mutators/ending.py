"""The end of a story: what is put together of a draft, calm from its calm on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import evolve

from emulator.events import SECOND
from emulator.world.scenario import ActionSpec, ChangeSpec, CutSpec, Duration, Outage, PhoneSpec, Scenario
from tools.fuzz.mutators.draft import MINUTE, MS, STAYS, TABLES, Draft, vlans_of

AFTER = 70 * MINUTE
"""How long the calm lasts at least: longer than the phone waits twice before it tries again."""
RESET = 1_500 * MS
"""How long before the calm the factory settings come back: less than a restart takes."""
ADDRESSING = ("dhcp", "dhcpv6", "host")
"""Tables by which a phone gets its address and what comes with it. When one of them was changed, the cable is out for a
second before the calm: a phone keeps what it was told as long as its lease lasts."""


def finish(draft: Draft) -> Scenario:
    """The whole story, calm in the end."""
    tables = {name: tuple(settled(draft, name)) for name in TABLES if name in draft.touched or vlans_of(draft)}
    deeds = (*actions(draft),)
    link = draft.link
    if link.outage:
        calm = Duration(draft.calm)
        outages = [each for each in link.outage if each.start < calm]
        link = evolve(link, outage=tuple(Outage(o.start, min(o.end, calm), o.direction) for o in outages))
    changed: dict[str, Any] = {
        **tables,
        "seed": draft.seed,
        "seeds": 1,
        "until": Duration(draft.calm + after(draft)),
        "clock": draft.clock,
        "phone": phone(draft),
        "link": link,
        "switch": draft.switch,
        "names": draft.names,
        "action": deeds,
        "cut": tuple(cuts(draft)),
        "change": tuple(changes(draft)),
        "content": content(draft, tables.get("files", draft.base.files), deeds),
    }
    return evolve(draft.base, **changed)


def after(draft: Draft) -> int:
    """How long the calm lasts: at least twice what a phone of this base waits before it tries again."""
    return max(AFTER, 2 * min(draft.survey.retry, 240) * MINUTE + 10 * MINUTE)


def settled(draft: Draft, table: str) -> Iterable[Any]:
    """The entries of a table: what is there before the calm, and the base's from then on."""
    specs = list(getattr(draft.base, table))
    if table in draft.touched:
        calm = Duration(draft.calm)
        own = [each for each in draft.tables[table] if each.start < calm]
        again = [each for each in specs if each.end > calm]
        specs = [each if each.end <= calm or each.end == STAYS else evolve(each, end=calm) for each in own]
        specs += [each if each.start >= calm else evolve(each, start=calm) for each in again]
    return specs if table not in ("dhcp", "dhcpv6", "pnp") else tagged(draft, specs)


def tagged(draft: Draft, specs: list[Any]) -> list[Any]:
    """The servers once more in each voice VLAN that the switch names: who is sent there is served there."""
    plain = [each for each in specs if not each.vlan]
    return specs + [evolve(each, vlan=vlan) for vlan in sorted(vlans_of(draft)) for each in plain]


def actions(draft: Draft) -> Iterable[ActionSpec]:
    """What people do, and how everything is mended before the calm."""
    done = [each for each in draft.actions if each.at < draft.limit]
    yield from done
    phones = range(draft.base.phone.count)
    off = {each.phone for each in done if each.do == "power-off"}
    lifted = {each.phone for each in done if each.do == "lift"}
    for phone in phones:
        if phone in off:
            yield ActionSpec(Duration(draft.limit), "power-on", phone=phone)
        if phone in lifted:
            yield ActionSpec(Duration(draft.limit + SECOND), "hang-up", phone=phone)
    yield from (evolve(each, at=Duration(draft.limit + 2 * SECOND)) for each in flipped(done))
    for at in resets(draft):
        yield from (ActionSpec(at, "factory-reset", phone=phone) for phone in phones)
    last = Duration(draft.calm)
    misled = not draft.touched.isdisjoint(ADDRESSING) or vlans_of(draft) or draft.changes
    for phone in phones:
        if misled:
            yield ActionSpec(Duration(draft.calm - SECOND), "link-down", phone=phone)
        yield ActionSpec(last, "power-on", phone=phone)
        yield ActionSpec(last, "link-up", phone=phone)


def phone(draft: Draft) -> PhoneSpec:
    """The phone: one that has to be reset has only the worn sectors of the base, for in others something would stay."""
    if not draft.poisoned or draft.phone.worn == draft.base.phone.worn:
        return draft.phone
    return evolve(draft.phone, worn=draft.base.phone.worn)


def cuts(draft: Draft) -> Iterable[CutSpec]:
    """The cuts: where the phone has to be reset, so few and short ones that a reset comes through."""
    if not draft.poisoned:
        return draft.cuts
    return [evolve(each, off=Duration(min(each.off, SECOND))) for each in draft.cuts[:2]]


def resets(draft: Draft) -> Iterable[Duration]:
    """When a phone is reset whose settings keep it from its servers: just before the calm, in which it comes up again.
    Where the power may go in the flash's work, that may take more than one attempt."""
    tries = (12 * SECOND, 8 * SECOND, 4 * SECOND) if draft.cuts else ()
    return [Duration(draft.calm - before) for before in (*tries, RESET)] if draft.poisoned else []


def flipped(done: Iterable[ActionSpec]) -> Iterable[ActionSpec]:
    """The flips of bits that are still in force: the second of two equal ones lifts the first."""
    open_: dict[tuple[int, int, str], ActionSpec] = {}
    for each in done:
        place = (each.phone, each.address, each.mask)
        if each.do == "flip" and open_.pop(place, None) is None:
            open_[place] = each
    return open_.values()


def changes(draft: Draft) -> Iterable[ChangeSpec]:
    """The changes; an input more only if it will be taken: the power stays on meanwhile, and nothing is dropped."""
    steady = not draft.cuts and all(each.do != "power-off" for each in draft.actions)
    steady = steady and all(each.do != "drop" for each in draft.changes)
    return [each for each in draft.changes if steady or each.do != "insert" or each in draft.base.change]


def content(draft: Draft, servers: Iterable[Any], deeds: Iterable[ActionSpec]) -> Mapping[str, bytes]:
    """The base's files, and those that were made and are used."""
    if not draft.made:
        return draft.base.content
    used = {draft.phone.flash, *draft.phone.saved.values(), *(each.file for each in deeds)}
    used |= {path.file for spec in servers for path in spec.paths.values()}
    return {**draft.base.content, **{name: body for name, body in draft.made.items() if name in used}}
