"""Campaigns in the run database: written after each round, so that one that was stopped goes on where it was."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
from attrs import evolve, frozen

from emulator.log.store import LogError, Store
from emulator.world.packing import pack, unpack
from emulator.world.scenario import Duration, Scenario
from emulator.world.toml import ScenarioError
from tools.fuzz.campaign import Campaign, Finding, Plan
from tools.fuzz.model import Case, Violation


@frozen
class About:
    """What a campaign is about, as the database keeps it. firmware, checks: names as the user gave them; after: what
    comes later than this is varied (ns), all of the story for 0; lines: lines of code count as new as well."""

    name: str
    scenario: str
    seed: int
    firmware: str = ""
    checks: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    after: int = 0
    lines: bool = False


@frozen
class _State:
    done: int
    events: int
    seen: tuple[tuple[str, ...], ...]
    sometimes: dict[str, int]
    growth: tuple[tuple[int, int, int, int], ...]
    canary: int
    known: int
    seconds: int = 0


@frozen
class _Case:
    calm: int
    kinds: tuple[str, ...]
    parents: tuple[str, ...]


@frozen
class _Finding:
    case: _Case
    violation: Violation
    number: int
    times: int


_encode = msgspec.json.Encoder(order="deterministic").encode


def keep(store: Store, about: About, campaign: Campaign, *, created: str = "", seconds: int = 0) -> None:
    """Write a campaign as it is, whole or not at all. seconds: that it has taken so far. Raises LogError."""
    state = _State(
        campaign.done,
        campaign.events,
        tuple(sorted(campaign.seen)),
        dict(campaign.sometimes),
        tuple(campaign.growth),
        campaign.canary,
        campaign.known,
        seconds,
    )
    store.change("BEGIN IMMEDIATE")
    try:
        store.change(
            """INSERT INTO campaigns VALUES (?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET state = excluded.state""",
            (about.name, _encode(about).decode(), pack(campaign.plan.base), _encode(state).decode(), created),
        )
        known = store.ask("SELECT coalesce(max(n) + 1, 0) FROM corpus WHERE campaign = ?", (about.name,))[0][0]
        for n, case in enumerate(campaign.corpus[known:], known):
            store.change("INSERT INTO corpus VALUES (?, ?, ?, ?)", (about.name, n, _case(case), pack(case.scenario)))
        for finding in campaign.findings.values():
            store.change(
                """INSERT INTO findings (campaign, signature, about, scenario) VALUES (?, ?, ?, ?)
                   ON CONFLICT (campaign, signature) DO UPDATE SET about = excluded.about""",
                (about.name, finding.signature, _finding(finding), pack(finding.case.scenario)),
            )
        store.change("COMMIT")
    except BaseException:
        if store.db.in_transaction:
            store.change("ROLLBACK")
        raise


def _case(case: Case) -> str:
    return _encode(_Case(case.calm, case.kinds, case.parents)).decode()


def _finding(finding: Finding) -> str:
    about = _Case(finding.case.calm, finding.case.kinds, finding.case.parents)
    return _encode(_Finding(about, finding.violation, finding.number, finding.times)).decode()


def known(store: Store, name: str) -> tuple[About, int] | None:
    """What a campaign is about, and how many seconds it has taken; None if there is none. Raises LogError."""
    if not store.has("campaigns"):
        return None
    for about, state in store.ask("SELECT about, state FROM campaigns WHERE name = ?", (name,)):
        return _read(about, About, name), _read(state, _State, name).seconds
    return None


def base_of(store: Store, name: str) -> Scenario:
    """The story that a campaign varies. Raises LogError."""
    ((base,),) = store.ask("SELECT base FROM campaigns WHERE name = ?", (name,))
    try:
        return unpack(base, f"campaign {name}")
    except ScenarioError as error:
        raise LogError(str(error)) from None


def names(store: Store) -> list[str]:
    """Every campaign of a database, by name. Raises LogError."""
    return [name for (name,) in store.ask("SELECT name FROM campaigns ORDER BY name")] if store.has("campaigns") else []


def resumed(store: Store, name: str, plan: Plan) -> Campaign:
    """A campaign as it was kept. Raises LogError."""
    ((text,),) = store.ask("SELECT state FROM campaigns WHERE name = ?", (name,))
    state: Any = _read(text, _State, name)
    corpus = [
        _unpacked(_read(about, _Case, name), scenario, name)
        for about, scenario in store.ask("SELECT about, scenario FROM corpus WHERE campaign = ? ORDER BY n", (name,))
    ]
    findings = {}
    for about, scenario in store.ask("SELECT about, scenario FROM findings WHERE campaign = ? ORDER BY rowid", (name,)):
        found: Any = _read(about, _Finding, name)
        case = _unpacked(found.case, scenario, name)
        findings[found.violation.signature] = Finding(found.violation, case, found.number, found.times)
    return Campaign(
        plan,
        state.done,
        state.events,
        corpus,
        set(state.seen),
        findings,
        Counter(state.sometimes),
        [tuple(each) for each in state.growth],
        state.canary,
        state.known,
    )


def _unpacked(about: Any, scenario: bytes, name: str) -> Case:
    try:
        return Case(unpack(scenario, f"campaign {name}"), about.calm, about.kinds, about.parents)
    except ScenarioError as error:
        raise LogError(str(error)) from None


def _read(text: str, kind: Any, name: str) -> Any:
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.MsgspecError, RecursionError):
        raise LogError(f"campaign {name}: is not described as a campaign is") from None


def keep_shrunk(store: Store, name: str, signature: str, case: Case) -> None:
    """Keep the small form of a finding, whose calm may begin sooner. Raises LogError."""
    story = case.scenario
    small = evolve(story, expect=evolve(story.expect, calm=Duration(case.calm)))
    values = (pack(small), name, signature)
    store.change("UPDATE findings SET shrunk = ? WHERE campaign = ? AND signature = ?", values)


def shrunk(store: Store, name: str, finding: Finding) -> Case:
    """The small form of a finding; as it was found, if it was not made small yet. Raises LogError."""
    sql = "SELECT shrunk FROM findings WHERE campaign = ? AND signature = ? AND shrunk IS NOT NULL"
    for (scenario,) in store.ask(sql, (name, finding.signature)):
        case = _unpacked(finding.case, scenario, name)
        return evolve(case, calm=case.scenario.expect.calm or finding.case.calm)
    return finding.case
