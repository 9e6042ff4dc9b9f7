"""``offhook fuzz`` on a terminal: the status line, what was found, Ctrl-C."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from attrs import frozen

from emulator.log.store import LogError, Store
from tools import fuzz, printing
from tools.exits import AS_EXPECTED, INTERRUPTED, NO
from tools.fuzz import findings, keeping
from tools.fuzz.campaign import Campaign, Finding
from tools.fuzz.keeping import About
from tools.fuzz.shrinking import steps
from tools.simulate import loaded

SEEN = 12
"""Kinds of faults whose counts are told."""


@frozen
class Asked:
    """What the options of ``offhook fuzz run`` say."""

    db: str
    out: str
    seed: int
    jobs: int
    cluster: str
    firmware: str
    checks: tuple[str, ...]
    kinds: tuple[str, ...]
    after: int
    lines: bool
    name: str | None
    runs: int | None
    seconds: float | None
    as_json: bool


def run_campaign(path: str, asked: Asked) -> int:
    """Run a campaign and print what came of it; the exit code. Raises ScenarioError or LogError."""
    base, stem = loaded(path)
    name = asked.name or "-".join(
        (stem, str(asked.seed), *([asked.firmware.rpartition(":")[2]] * bool(asked.firmware)))
    )
    about = About(name, stem, asked.seed, asked.firmware, asked.checks, asked.kinds, asked.after, asked.lines)
    progress = printing.Progress()
    created = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
    limits = fuzz.Limits(asked.runs, asked.seconds)
    try:
        done = fuzz.fuzz(
            base,
            about,
            limits,
            db=asked.db,
            jobs=asked.jobs,
            cluster=asked.cluster,
            out=asked.out,
            created=created,
            tell=lambda report: progress.show(status_line(report)),
        )
    except KeyboardInterrupt:
        progress.clear()
        printing.note("interrupted; the same command goes on where it was")
        return INTERRUPTED
    progress.clear()
    if asked.as_json:
        printing.as_json(report_json(done.about, done.campaign, done.seconds))
    else:
        for line in report_lines(done.about, done.campaign, done.seconds):
            printing.say(line)
        for written in done.written:
            printing.say(f"  {written.command}")
    return NO if done.campaign.findings else AS_EXPECTED


def status_line(report: fuzz.Report) -> str:
    """Where a campaign is, in a line."""
    campaign, seconds = report.campaign, max(report.seconds, 0.001)
    rate = campaign.done / seconds
    found = f"{len(campaign.findings)} findings" if campaign.findings else "no findings"
    return (
        f"{report.about.name}: {campaign.done:,} cases, {rate:,.0f}/s, corpus {len(campaign.corpus):,}, "
        f"{len(campaign.seen):,} features (last new {last_new(campaign):,} cases ago), {found}"
    )


def last_new(campaign: Campaign) -> int:
    """Cases since a feature was new, by rounds."""
    features = len(campaign.seen)
    since = next((done for done, seen, _, _ in campaign.growth if seen == features), campaign.done)
    return campaign.done - since


def report_lines(about: About, campaign: Campaign, seconds: float) -> Iterator[str]:
    """What a campaign has covered and found, for a person."""
    whose = f", firmware {about.firmware}" if about.firmware else ""
    yield f"{about.name}: {about.scenario}, seed {about.seed}{whose}"
    yield f"{campaign.done:,} cases in {seconds:,.0f} s, {campaign.events:,} events, digest {campaign.digest[:16]}"
    yield f"{len(campaign.seen):,} features, corpus {len(campaign.corpus):,}, last new {last_new(campaign):,} cases ago"
    yield canary_line(campaign, seconds)
    happened = ", ".join(f"{name} {count:,}" for name, count in campaign.happened()[:SEEN])
    yield f"happened: {happened or 'nothing was counted'}"
    if not campaign.findings:
        yield printing.styled("no findings", "right")
    for number, finding in enumerate(campaign.findings.values(), 1):
        violation = finding.violation
        yield printing.styled(f"{number}. {violation.verdict} ({violation.rule or 'no rule'})", "wrong") + (
            f": {violation.text}; case {finding.number:,}, {finding.times:,} times"
        )


def canary_line(campaign: Campaign, seconds: float) -> str:
    """Whether the planted fault was found."""
    if campaign.canary >= 0:
        return f"the planted fault was found, by case {campaign.canary:,}"
    if seconds >= fuzz.BLIND_AFTER:
        return printing.styled("BLIND: the planted fault was not found, so that nothing else was says little", "wrong")
    return "the planted fault was not found yet"


def report_json(about: About, campaign: Campaign, seconds: float) -> dict[str, Any]:
    """The object of ``fuzz report --json``."""
    return {
        "name": about.name,
        "scenario": about.scenario,
        "seed": about.seed,
        "firmware": about.firmware,
        "cases": campaign.done,
        "events": campaign.events,
        "seconds": seconds,
        "features": len(campaign.seen),
        "corpus": len(campaign.corpus),
        "digest": campaign.digest,
        "canary": campaign.canary,
        "blind": campaign.canary < 0 and seconds >= fuzz.BLIND_AFTER,
        "sometimes": dict(sorted(campaign.sometimes.items())),
        "growth": campaign.growth,
        "findings": [finding_json(number, each) for number, each in enumerate(campaign.findings.values(), 1)],
    }


def finding_json(number: int, finding: Finding) -> dict[str, Any]:
    """One finding for a program."""
    violation = finding.violation
    return {
        "finding": number,
        "verdict": violation.verdict,
        "rule": violation.rule,
        "rules": violation.rules,
        "text": violation.text,
        "signature": finding.signature,
        "case": finding.number,
        "times": finding.times,
    }


def chosen(store: Store, name: str | None) -> str:
    """The campaign that is meant, the newest if none is named. Raises LogError."""
    names = keeping.names(store)
    if name is not None and name in names:
        return name
    if name is not None or not names:
        raise LogError(
            f"{store.path}: there is no campaign{f' {name}' if name else ''}; `offhook fuzz SCENARIO` runs one"
        )
    return str(store.ask("SELECT name FROM campaigns ORDER BY created DESC, rowid DESC LIMIT 1")[0][0])


def status(db: str, as_json: bool) -> None:
    """List the campaigns. Raises LogError."""
    with Store(db) as store:
        found = [(keeping.known(store, name), fuzz.campaign_of(store, name)[1]) for name in keeping.names(store)]
    if as_json:
        printing.as_json([report_json(known[0], campaign, known[1]) for known, campaign in found if known is not None])
        return
    if not found:
        printing.note(f"{db} holds no campaigns yet")
        return
    rows: list[tuple[str, ...]] = [("campaign", "cases", "features", "corpus", "findings", "seconds", "canary")]
    for known, campaign in found:
        if known is not None:
            numbers = campaign.done, len(campaign.seen), len(campaign.corpus), len(campaign.findings), known[1]
            rows.append(
                (known[0].name, *(f"{each:,}" for each in numbers), "found" if campaign.canary >= 0 else "not yet")
            )
    for line in printing.table(rows, right=(1, 2, 3, 4, 5)):
        printing.say(line)


def report(db: str, name: str | None, output: str | None, force: bool, as_json: bool) -> int:
    """Tell what a campaign has covered and found; the exit code. Raises LogError."""
    with Store(db) as store:
        about, campaign = fuzz.campaign_of(store, chosen(store, name))
        known = keeping.known(store, about.name)
        seconds = 0 if known is None else known[1]
    if output is not None:
        from tools.fuzz.page import campaign_page

        place = Path(output)
        if place.exists() and not force:
            raise LogError(f"{place} is there already; --force writes over it")
        place.write_bytes(campaign_page(about, campaign, seconds))
        printing.say(f"{place}: written")
    elif as_json:
        printing.as_json(report_json(about, campaign, seconds))
    else:
        for line in report_lines(about, campaign, seconds):
            printing.say(line)
    return NO if campaign.findings else AS_EXPECTED


def merge(db: str, names: tuple[str, ...], into: str, jobs: int) -> int:
    """Make a campaign of the corpora of others; the exit code. Raises LogError."""
    progress = printing.Progress()
    created = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
    with Store(db) as store:
        campaign, cases = fuzz.merged(
            store, names, into, jobs=jobs, created=created, tell=lambda count: progress.show(f"{count:,} cases")
        )
    progress.clear()
    printing.say(f"{into}: corpus {len(campaign.corpus):,} of {cases:,} cases, {len(campaign.seen):,} features")
    return AS_EXPECTED


def recheck(db: str, name: str | None, fixed: str | None, as_json: bool) -> int:
    """Say which findings still fail; the exit code. Raises LogError."""
    with Store(db) as store:
        found = fuzz.recheck(store, chosen(store, name), fixed)
    if as_json:
        printing.as_json([{**finding_json(n, each), "fails": fails} for n, (each, fails) in enumerate(found, 1)])
    for number, (finding, fails) in () if as_json else enumerate(found, 1):
        state = printing.styled("still fails", "wrong") if fails else printing.styled("holds now", "right")
        printing.say(f"{number}. {finding.violation.verdict} ({finding.violation.rule}): {state}")
    if not found and not as_json:
        printing.note("the campaign has no findings")
    return NO if any(fails for _, fails in found) else AS_EXPECTED


def shrink_more(db: str, name: str | None, number: int, tries: int, out: str) -> int:
    """Make a finding smaller; the exit code. Raises LogError."""
    with Store(db) as store:
        about, campaign = fuzz.campaign_of(store, chosen(store, name))
        every = list(campaign.findings.values())
        if not 1 <= number <= len(every):
            raise LogError(f"campaign {about.name} has findings 1 to {len(every)}" if every else "it has no findings")
        finding = every[number - 1]
        case = fuzz.shrink(store, about, campaign.plan, finding, tries)
    written = findings.write(case, finding.violation, Path(out), campaign.plan.make, about)
    printing.say(f"{steps(case.scenario, campaign.plan.base)} steps; {written.command}")
    return AS_EXPECTED
