"""The report of a campaign as a page: how its features grew, what happened, and a row a finding."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from emulator.events.masking import printable
from tools.fuzz.campaign import Campaign
from tools.fuzz.keeping import About
from tools.fuzz.running import canary_line, last_new
from tools.page.template import assembled

WIDTH, HEIGHT = 900, 220
"""Of the chart, in units of its drawing."""


def campaign_page(about: About, campaign: Campaign, seconds: float) -> bytes:
    """One file that needs nothing else."""
    return assembled(f"campaign {about.name}", "\n".join(body(about, campaign, seconds)))


def body(about: About, campaign: Campaign, seconds: float) -> Iterator[str]:
    """The page, piece by piece."""
    whose = f", firmware {about.firmware}" if about.firmware else ""
    yield '<div class="page runs"><header class="bar"><div class="name">'
    yield f"<h1>{text(about.name)}</h1><p>{text(f'{about.scenario}, seed {about.seed}{whose}')}</p></div></header>"
    rate = campaign.done / seconds if seconds else 0
    yield f"<p>{campaign.done:,} cases in {seconds:,.0f} s ({rate:,.0f} a second), {campaign.events:,} events.</p>"
    yield f"<p>{text(plain(canary_line(campaign, seconds)))}.</p>"
    yield "<h2>Features</h2>"
    yield f"<p>{len(campaign.seen):,} features, {len(campaign.corpus):,} cases in the corpus, "
    yield f"the last new feature {last_new(campaign):,} cases ago.</p>{chart(campaign)}"
    yield "<h2>Findings</h2>"
    yield from findings(campaign)
    yield f"<h2>What happened</h2><table>{heading('Fault', 'Times')}<tbody>"
    for name, count in campaign.happened():
        yield f'<tr><td>{text(name)}</td><td class="number">{count:,}</td></tr>'
    yield "</tbody></table></div>"


def findings(campaign: Campaign) -> Iterator[str]:
    """A row a finding."""
    if not campaign.findings:
        yield "<p>None.</p>"
        return
    yield f"<table>{heading('', 'Verdict', 'Rule', 'What was seen', 'Case', 'Times')}<tbody>"
    for number, finding in enumerate(campaign.findings.values(), 1):
        violation = finding.violation
        yield f'<tr><td class="number">{number}</td><td>{text(violation.verdict)}</td><td>{text(violation.rule)}</td>'
        yield f'<td>{text(violation.text)}</td><td class="number">{finding.number:,}</td>'
        yield f'<td class="number">{finding.times:,}</td></tr>'
    yield "</tbody></table>"


def heading(*names: str) -> str:
    """The head of a table."""
    return "<thead><tr>" + "".join(f'<th scope="col">{name}</th>' for name in names) + "</tr></thead>"


def chart(campaign: Campaign) -> str:
    """Features over cases, as a line; a tick where something was found."""
    growth = campaign.growth
    if not growth:
        return ""
    most_cases, most_seen = growth[-1][0], max(1, *(seen for _, seen, _, _ in growth))

    def place(cases: int, seen: int) -> str:
        return f"{cases * WIDTH / most_cases:.1f},{HEIGHT - seen * HEIGHT / most_seen:.1f}"

    line = " ".join(place(cases, seen) for cases, seen, _, _ in growth)
    ticks = "".join(
        f'<line x1="{place(f.number, 0).split(",")[0]}" x2="{place(f.number, 0).split(",")[0]}" y1="{HEIGHT - 12}" '
        f'y2="{HEIGHT}" stroke="#c0392b" stroke-width="2"/>'
        for f in campaign.findings.values()
    )
    return (
        f'<svg viewBox="0 -14 {WIDTH} {HEIGHT + 30}" width="100%" role="img" aria-label="Features over cases">'
        f'<polyline points="0,{HEIGHT} {line}" fill="none" stroke="currentColor" stroke-width="2"/>{ticks}'
        f'<text x="0" y="-3" font-size="12" fill="currentColor">{most_seen:,} features</text>'
        f'<text x="{WIDTH}" y="{HEIGHT + 14}" font-size="12" text-anchor="end" fill="currentColor">'
        f"{most_cases:,} cases</text></svg>"
    )


def text(value: str) -> str:
    """A text in HTML."""
    return escape(printable(value))


def plain(line: str) -> str:
    """A line without the codes of a terminal."""
    import click

    return click.unstyle(line)
