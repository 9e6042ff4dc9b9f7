"""The list of runs that a served page begins with: plain HTML, nothing of it a script."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from emulator.events.masking import printable
from emulator.log.store import RunInfo
from tools.page.template import assembled

MOST_RUNS = 500
"""Runs in one list; searching finds the others."""


def runs_page(runs: Sequence[RunInfo], wanted: str, database: str, tables: str = "") -> bytes:
    """The newest runs that match ``wanted`` first. database: its name; tables: address of a page with the tables."""
    found = [info for info in reversed(runs) if matches(info, wanted)]
    rows = "".join(map(row, found[:MOST_RUNS]))
    return assembled(
        f"runs in {database}", f'<div class="page runs">{"".join(parts(found, rows, wanted, database, tables))}</div>'
    )


def matches(info: RunInfo, wanted: str) -> bool:
    """Whether every word stands in what the list shows of a run."""
    header = info.header
    text = f"{info.id} {header.name} {header.title} {info.outcome} {info.state} {info.digest} {info.created}".lower()
    return all(word in text for word in wanted.lower().split())


def parts(found: Sequence[RunInfo], rows: str, wanted: str, database: str, tables: str) -> Iterable[str]:
    """The page from top to bottom."""
    link = f'<a href="{escape(tables)}" rel="noreferrer">Tables (values unmasked)</a>' if tables else ""
    yield f'<header class="bar"><div class="name"><h1>Runs</h1><p>{escape(printable(database))}</p></div>{link}'
    yield '<form class="search" role="search" action="/"><input type="search" name="q" aria-label="Search runs" '
    yield 'placeholder="Search name, outcome, digest" maxlength="200" '
    yield f'value="{escape(wanted)}"><button>Search</button></form>'
    yield "</header>"
    if not found:
        what = "No run matches." if wanted else "There is no run yet; <code>offhook run SCENARIO</code> makes one."
        yield f'<p class="told">{what}</p>'
        return
    yield '<form action="/diff"><div class="compare"><button>Compare the two that are ticked</button>'
    if len(found) > MOST_RUNS:
        yield f"<span>the newest {MOST_RUNS:,} of {len(found):,} runs; a search finds the others</span>"
    yield "</div><table><thead><tr><th></th>"
    yield "".join(
        f'<th scope="col">{name}</th>' for name in ("Run", "Scenario", "Outcome", "Events", "Seed", "Digest", "Made")
    )
    yield f"</tr></thead><tbody>{rows}</tbody></table></form>"


def row(info: RunInfo) -> str:
    """One run."""
    header = info.header
    name = escape(printable(header.name))
    outcome = escape(printable(info.outcome)) if info.state == "finished" else escape(info.state)
    fork = "" if info.parent is None else f", fork of {info.parent}@{info.upto}"
    wrong = ' class="wrong"' if outcome in ("failed", "cut off") else ""
    return (
        f'<tr><td><input type="checkbox" name="run" value="{info.id}" aria-label="Run {info.id}"></td>'
        f'<td class="number">{info.id}</td>'
        f'<td><a href="/run/{info.id}">{name}</a><small>{escape(printable(header.title))}{fork}</small></td>'
        f'<td{wrong}>{outcome}</td><td class="number">{info.events:,}</td><td class="number">{header.seed}</td>'
        f"<td><code>{escape((info.digest or '')[:12])}</code></td><td>{escape(printable(info.created))}</td></tr>"
    )


def error_page(line: str) -> bytes:
    """What went wrong, in a line."""
    return assembled(
        "offhook", f'<div class="page runs"><p class="told">{escape(printable(line))}</p><a href="/">All runs</a></div>'
    )
