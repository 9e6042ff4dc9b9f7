"""``make zoo``: a campaign for each variant, and whether it found the fault by the rule that it breaks."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from attrs import asdict, frozen

from emulator.log.header import code_digest
from tests.zoo.zoo import VARIANTS
from tools.fuzz import Limits, fuzz
from tools.fuzz.keeping import About
from tools.simulate import loaded

BASE = Path(__file__).resolve().parents[2] / "scenarios" / "first-boot-option-160.toml"
RESULTS = Path(__file__).with_name("results.json")


@frozen
class Row:
    """A campaign. case: number of the case that showed the fault, -1 if none did; others: findings of other rules."""

    variant: str
    rule: str
    seed: int
    case: int
    verdict: str
    others: tuple[str, ...]
    cases: int


def campaigns(names: list[str], seeds: list[int], limits: Limits, jobs: int) -> Iterator[Row]:
    """Run them, one after the other."""
    base, stem = loaded(BASE)
    for seed in seeds:
        for name in names:
            variant = VARIANTS[name]
            with TemporaryDirectory() as folder:
                done = fuzz(
                    base, About(name, stem, seed, name, wide=True), limits, db=Path(folder) / "zoo.db", jobs=jobs
                )
            findings = sorted(done.campaign.findings.values(), key=lambda found: found.number)
            right = [found for found in findings if found.violation.rule == variant.rule]
            others = tuple(sorted({f"{f.violation.verdict} ({f.violation.rule})" for f in findings if f not in right}))
            case, verdict = (right[0].number, right[0].violation.verdict) if right else (-1, "")
            yield Row(name, variant.rule, seed, case, verdict, others, done.campaign.done)


def main() -> int:
    """Run the campaigns, print a row as soon as it is there, keep them; 1 if fewer are found than asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="variants, by a part of their name; default: all")
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--runs", type=int, help="cases of a campaign, instead")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--share", type=float, help="stop after so many seconds")
    parser.add_argument("--keep", action="store_true", help=f"write {RESULTS.name}")
    wanted = parser.parse_args()
    names = [name for name in VARIANTS if not wanted.names or any(part in name for part in wanted.names)]
    limits = Limits(wanted.runs, None if wanted.runs is not None else wanted.seconds)
    started, rows = time.monotonic(), []
    for row in campaigns(names, wanted.seeds, limits, wanted.jobs):
        rows.append(row)
        state = f"found by case {row.case:,} ({row.verdict})" if row.case >= 0 else "NOT FOUND"
        more = f"; also {', '.join(row.others)}" if row.others else ""
        print(
            f"{row.variant.partition('zoo.')[2]:44} {row.rule:16} seed {row.seed}: {state}, {row.cases:,} cases{more}",
            flush=True,
        )
        if wanted.share is not None and time.monotonic() - started > wanted.share:
            break
    found = sum(row.case >= 0 for row in rows)
    print(f"{found} of {len(rows)} found")
    if wanted.keep:
        told = {"code": code_digest(), "seconds": wanted.seconds, "rows": [asdict(row) for row in rows]}
        RESULTS.write_text(json.dumps(told, indent=1) + "\n")
    return 0 if found * 24 >= len(rows) * 22 else 1


if __name__ == "__main__":
    raise SystemExit(main())
