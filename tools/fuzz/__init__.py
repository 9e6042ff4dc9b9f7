"""``fuzz``: campaigns that look for a story in which something goes wrong that must not.

``campaign`` has the engine, ``mutators`` makes stories, ``executing`` runs them, ``features`` says what is new in one,
``verdicts`` what must hold, ``shrinking`` makes findings small, ``keeping`` keeps it all in the run database, and
``cluster`` does the work elsewhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from attrs import evolve, frozen

from emulator.log.store import LogError, Store
from emulator.world.fence import fence
from emulator.world.packing import pack
from emulator.world.scenario import Scenario
from emulator.world.toml import read_scenario
from tools.fuzz import findings, keeping
from tools.fuzz.campaign import ROUND, Campaign, Finding, Plan, looking, minimised, trying
from tools.fuzz.cluster import Cluster
from tools.fuzz.executing import execute
from tools.fuzz.features import Feature
from tools.fuzz.firmwares import loaded
from tools.fuzz.judging import violations
from tools.fuzz.keeping import About
from tools.fuzz.model import Case, Violation
from tools.fuzz.planning import checks_of, plan_of
from tools.fuzz.shrinking import TRIES, shrunk
from tools.workers import Workers

__all__ = ["Limits", "Report", "campaign_of", "fuzz", "recheck", "shrink", "tried"]

BLIND_AFTER = 60
"""Seconds after which a campaign that has not found its canary is called blind."""
VERIFIED = 20
"""How often a small finding has to fail again."""


@frozen
class Limits:
    """How long a campaign goes on. runs: cases, seconds: of the clock; None for no limit."""

    runs: int | None = None
    seconds: float | None = None


@frozen
class Report:
    """Where a campaign is. seconds: that it has taken in all; new: findings of this time; written: where they are;
    small: their cases, made small."""

    about: About
    campaign: Campaign
    seconds: float
    new: tuple[Finding, ...] = ()
    written: tuple[findings.Written, ...] = ()

    small: tuple[Case, ...] = ()

    @property
    def blind(self) -> bool:
        """Whether it has gone on long enough to find its planted fault, and has not."""
        return self.campaign.canary < 0 and self.seconds >= BLIND_AFTER


Tell = Callable[[Report], None]
Enough = Callable[[Report], bool]


def fuzz(
    base: Scenario,
    about: About,
    limits: Limits,
    *,
    db: str | Path,
    jobs: int = 1,
    cluster: str = "",
    out: str | Path | None = None,
    created: str = "",
    tell: Tell = lambda report: None,
    enough: Enough = lambda report: False,
) -> Report:
    """Try cases until a limit is reached, or until Ctrl-C; a campaign of this name goes on where it was.

    cluster: address of a Dask scheduler, whose workers do the work instead of ``jobs`` processes of this machine; out:
    folder for the findings, None for none; tell: called after each round; enough: asked then. Raises LogError.
    """
    with Store(db, create=True) as store:
        kept = keeping.known(store, about.name)
        if kept is not None and kept[0] != about:
            raise LogError(f"campaign {about.name} is about something else; give another --name")
        plan = plan_of(base, about)
        campaign = Campaign(plan) if kept is None else keeping.resumed(store, about.name, plan)
        spent = 0.0 if kept is None else float(kept[1])
        started = time.monotonic()
        new: list[Finding] = []

        def report() -> Report:
            return Report(about, campaign, spent + time.monotonic() - started, tuple(new))

        with Cluster(cluster, pack(base), about) if cluster else Workers(trying(plan), jobs) as workers:
            while not over(limits, campaign, time.monotonic() - started):
                left = ROUND if limits.runs is None else min(ROUND, limits.runs - campaign.done)
                new += campaign.round(workers, left)
                keeping.keep(store, about, campaign, created=created, seconds=int(report().seconds))
                tell(report())
                if enough(report()):
                    break
        return finished(store, report(), out, tell)


def over(limits: Limits, campaign: Campaign, seconds: float) -> bool:
    """Whether a campaign has reached a limit."""
    done = limits.runs is not None and campaign.done >= limits.runs
    return done or (limits.seconds is not None and seconds >= limits.seconds)


def finished(store: Store, report: Report, out: str | Path | None, tell: Tell) -> Report:
    """The new findings made small, checked again, kept and written."""
    written, cases = [], []
    for finding in report.new:
        small = shrink(store, report.about, report.campaign.plan, finding)
        cases.append(small)
        if out is not None:
            plan, about = report.campaign.plan, report.about
            written.append(findings.write(small, finding.violation, Path(out), plan.make, about))
        tell(report)
    return evolve(report, written=tuple(written), small=tuple(cases))


def shrink(store: Store, about: About, plan: Plan, finding: Finding, tries: int = TRIES) -> Case:
    """A small case that shows the finding each time it is tried; kept with it. Raises LogError."""

    def fails(case: Case) -> bool:
        found = execute(case, plan.make, plan.checks).violations
        return any(each.signature == finding.signature for each in found)

    with fence():
        case, _ = shrunk(keeping.shrunk(store, about.name, finding), plan.base, fails, tries)
        if not all(fails(case) for _ in range(VERIFIED)):
            case = finding.case
    keeping.keep_shrunk(store, about.name, finding.signature, case)
    return case


def campaign_of(store: Store, name: str) -> tuple[About, Campaign]:
    """A campaign that is kept. Raises LogError."""
    kept = keeping.known(store, name)
    if kept is None:
        raise LogError(f"{store.path}: there is no campaign {name}; `offhook fuzz status` lists them")
    return kept[0], keeping.resumed(store, name, plan_of(keeping.base_of(store, name), kept[0]))


def merged(
    store: Store,
    names: Sequence[str],
    into: str,
    *,
    jobs: int = 1,
    created: str = "",
    tell: Callable[[int], None] = lambda count: None,
) -> tuple[Campaign, int]:
    """(a new campaign whose corpus is the fewest cases of these that have all their features, cases that they have).

    tell: called with the number of cases that were looked at. Raises LogError.
    """
    if keeping.known(store, into) is not None:
        raise LogError(f"there is a campaign {into} already; give another --name")
    found = [campaign_of(store, name) for name in names]
    about, first = found[0]
    for other, campaign in found[1:]:
        if evolve(other, name="", seed=0) != evolve(about, name="", seed=0) or campaign.plan.base != first.plan.base:
            raise LogError(f"campaigns {about.name} and {other.name} are about different stories, firmwares or checks")
    cases = list({pack(case.scenario): case for _, campaign in found for case in campaign.corpus}.values())
    features: dict[int, frozenset[Feature]] = {}
    with Workers(looking(first.plan), jobs) as workers:
        for number, each in workers.each(cases):
            features[number] = each
            tell(len(features))
    kept = minimised([features[number] for number in range(len(cases))])
    seen = set[Feature]().union(*features.values())
    campaign = Campaign(first.plan, corpus=[cases[index] for index in kept], seen=seen)
    keeping.keep(store, evolve(about, name=into), campaign, created=created)
    return campaign, len(cases)


def recheck(store: Store, name: str, fixed: str | Path | None = None) -> list[tuple[Finding, bool]]:
    """Every finding of a campaign, and whether it still fails on today's code. fixed: folder for the stories of those
    that do not, as scenarios which expect that it stays so. Raises LogError."""
    about, campaign = campaign_of(store, name)
    plan = campaign.plan
    found = []
    with fence():
        for finding in campaign.findings.values():
            case = keeping.shrunk(store, about.name, finding)
            still = execute(case, plan.make, plan.checks).violations
            fails = any(each.signature == finding.signature for each in still)
            found.append((finding, fails))
            if fixed is not None and not fails:
                findings.keep_fixed(case, finding.violation, Path(fixed))
    return found


def tried(path: str | Path, *, firmware: str = "", checks: Sequence[str] = ()) -> tuple[Violation, ...]:
    """The verdicts that do not hold in the story of a scenario file. Raises ScenarioError or LogError."""
    story = read_scenario(path)
    make = loaded(firmware)
    with fence():
        made = make(story.phone.version).with_options(**story.phone.options)
        return violations(story, made, checks_of(checks))
