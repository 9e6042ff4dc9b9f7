"""``offhook cuts`` on a terminal: progress, the certificate, and what was found as scenarios."""

from __future__ import annotations

from pathlib import Path

import attrs

from tools import printing
from tools.cuts.certificate import Certificate, text
from tools.cuts.judge import Depth
from tools.cuts.stories import store_case
from tools.cuts.sweeping import CHECKED, Means, cuts
from tools.exits import AS_EXPECTED, INTERRUPTED, NO
from tools.simulate import loaded


@attrs.frozen
class Wish:
    """What the options of the command say. db: None keeps nothing; failures: folder for what is found."""

    depth: int
    jobs: int
    samples: int
    follow: Depth
    phone: int
    failures: str
    db: str | None
    seed: int | None = None
    budget: float | None = None
    fresh: bool = False
    as_json: bool = False


def cuts_command(path: str, wish: Wish) -> int:
    """Sweep a scenario and print its certificate; the exit code. Raises ScenarioError or LogError."""
    scenario, name = loaded(path)
    progress = printing.Progress()

    def report(what: str, done: int, of: int) -> None:
        progress.show(f"{name}: {what}: {done:,} of {of:,}")

    certificate = cuts(
        scenario,
        name,
        depth=wish.depth,
        samples=wish.samples,
        follow=wish.follow,
        seed=wish.seed,
        phone=wish.phone,
        means=Means(wish.jobs, wish.budget, wish.db, wish.fresh, report),
    )
    progress.clear()
    for found in certificate.findings[:CHECKED]:
        case = store_case(scenario, name, certificate.seed, wish.phone, found, Path(wish.failures))
        certificate.reproduce[found.case] = f"offhook run {case}"
    show(certificate, wish)
    if certificate.stopped == "it was interrupted":
        return INTERRUPTED
    return AS_EXPECTED if certificate.ok else NO


def show(certificate: Certificate, wish: Wish) -> None:
    """Print a certificate."""
    if wish.as_json:
        printing.as_json({**certificate.object(), "digest": certificate.digest, "reproduce": certificate.reproduce})
        return
    limit = printing.width()
    for line, style in text(certificate):
        cut = line[: limit - 1] + "…" if limit and len(line) > limit else line
        printing.say(printing.styled(cut, style))
    if certificate.stopped and wish.db is not None:
        printing.note("what was judged is kept; the same command goes on from there")
