"""The table of the zoo: what a campaign found of each variant, for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median_low

from attrs import frozen


@frozen
class Row:
    """A campaign. case: number of the case that showed the fault, -1 if none did; steps: of the story that shows it,
    made small; others: findings of other rules; cases: that were tried."""

    variant: str
    rule: str
    seed: int
    case: int
    verdict: str
    steps: int
    others: tuple[str, ...]
    cases: int

    @property
    def name(self) -> str:
        """Module and name of the variant."""
        return self.variant.removeprefix("tests.zoo.")

    def line(self) -> str:
        """The row on a terminal."""
        state = f"found by case {self.case:,} ({self.verdict}), {self.steps} steps" if self.case >= 0 else "NOT FOUND"
        more = f"; also {', '.join(self.others)}" if self.others else ""
        return f"{self.name:44} {self.rule:16} seed {self.seed}: {state}, {self.cases:,} cases{more}"


def found(rows: Sequence[Row]) -> int:
    """How many campaigns found their fault."""
    return sum(row.case >= 0 for row in rows)


def summary(rows: Sequence[Row]) -> str:
    """All of it in a line."""
    sizes = sorted(row.steps for row in rows if row.case >= 0)
    return f"{found(rows)} of {len(rows)} found" + (f", {median_low(sizes)} steps in the median" if sizes else "")


def markdown(rows: Sequence[Row], limit: str, commit: str, code: str) -> Iterator[str]:
    """The file that is kept, line by line. limit: of each campaign; commit, code: what was tried."""
    seeds = sorted({row.seed for row in rows})
    yield "# What campaigns find of the zoo"
    yield ""
    yield f"`make zoo` writes this: a campaign of {limit} over `first-boot-option-160` for each variant and seed, which"
    yield "ends with the first finding about the rule that the variant breaks. A number is that of the case that showed"
    yield "it; in brackets, the steps of its story when it was made small."
    yield ""
    yield f"Commit {commit}, code {code[:16]}: {summary(rows)}."
    for seed in seeds:
        mine = [row for row in rows if row.seed == seed]
        yield ""
        yield f"Seed {seed}: {summary(mine)}."
    yield ""
    yield "| Variant | Rule | Verdict | " + " | ".join(f"Seed {seed}" for seed in seeds) + " |"
    yield "| --- | --- | --- |" + " ---: |" * len(seeds)
    for variant in dict.fromkeys(row.variant for row in rows):
        mine = [row for row in rows if row.variant == variant]
        verdict = next((row.verdict for row in mine if row.verdict), "")
        cells = {row.seed: f"{row.case:,} ({row.steps})" if row.case >= 0 else "not found" for row in mine}
        shown = " | ".join(cells.get(seed, "") for seed in seeds)
        yield f"| {mine[0].name} | {mine[0].rule} | {verdict} | {shown} |"
