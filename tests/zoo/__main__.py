"""``make zoo``: a campaign for each variant, and whether it found the fault by the rule that it breaks."""

from __future__ import annotations

import argparse
import subprocess
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from emulator.log.header import code_digest
from tests.zoo import table
from tests.zoo.table import Row
from tests.zoo.zoo import VARIANTS
from tools.fuzz import Limits, Report, fuzz
from tools.fuzz.keeping import About
from tools.fuzz.shrinking import steps
from tools.simulate import loaded

ROOT = Path(__file__).resolve().parents[2]
BASE = ROOT / "scenarios" / "first-boot-option-160.toml"
RESULTS = Path(__file__).with_name("results.md")


def campaigns(names: list[str], seeds: list[int], limits: Limits, jobs: int) -> Iterator[Row]:
    """Run them, one after the other."""
    base, stem = loaded(BASE)
    for seed in seeds:
        for name in names:
            about, enough = About(name, stem, seed, name), partial(found, rule=VARIANTS[name].rule)
            with TemporaryDirectory() as folder:
                done = fuzz(base, about, limits, db=Path(folder) / "zoo.db", jobs=jobs, enough=enough)
            yield row_of(done, VARIANTS[name].rule)


def found(report: Report, rule: str) -> bool:
    """Whether a finding is about the rule."""
    return any(rule in finding.violation.rules for finding in report.new)


def row_of(done: Report, rule: str) -> Row:
    """What came of a campaign; it has seen nothing of the rule."""
    right = [(found, case) for found, case in zip(done.new, done.small, strict=True) if rule in found.violation.rules]
    others = {f"{f.violation.verdict} ({f.violation.rule})" for f in done.new if rule not in f.violation.rules}
    case, verdict, size = -1, "", 0
    if right:
        first, small = min(right, key=lambda pair: pair[0].number)
        case, verdict = first.number, first.violation.verdict
        size = steps(small.scenario, done.campaign.plan.base)
    about = done.about
    return Row(about.name, rule, about.seed, case, verdict, size, tuple(sorted(others)), done.campaign.done)


def commit() -> str:
    """The commit that is checked out, with a mark if files were changed since."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty=, changed", "--exclude=*"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() or "unknown"


def main() -> int:
    """Run the campaigns, print a row as soon as it is there, keep them; 1 if fewer are found than asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.zoo", description=__doc__)
    parser.add_argument("names", nargs="*", help="variants, by a part of their name; default: all")
    parser.add_argument("--seconds", type=float, default=120, help="of a campaign; default: %(default)s")
    parser.add_argument("--runs", type=int, help="cases of a campaign, instead")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--share", type=float, help="begin no campaign after so many seconds")
    parser.add_argument("--keep", action="store_true", help=f"write {RESULTS.name}")
    wanted = parser.parse_args()
    names = [name for name in VARIANTS if not wanted.names or any(part in name for part in wanted.names)]
    limits = Limits(wanted.runs, None if wanted.runs is not None else wanted.seconds)
    started, rows = time.monotonic(), []
    for row in campaigns(names, wanted.seeds, limits, wanted.jobs):
        rows.append(row)
        print(row.line(), flush=True)
        if wanted.share is not None and time.monotonic() - started > wanted.share:
            break
    print(table.summary(rows))
    if wanted.keep:
        limit = f"{wanted.runs:,} cases" if wanted.runs is not None else f"{wanted.seconds:g} s"
        lines = table.markdown(rows, f"{limit} ({wanted.jobs} processes)", commit(), code_digest())
        RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0 if table.found(rows) * 24 >= len(rows) * 22 else 1


if __name__ == "__main__":
    raise SystemExit(main())
