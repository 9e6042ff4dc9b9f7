"""The certificate of a sweep: what was covered and how, what was not, what was found; as text and for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import attrs
import msgspec

from flash_image import KINDS, TearKind
from tools.cuts.cases import ERASE_SAMPLES, TURNS
from tools.cuts.sweep import Finding

EXHAUSTIVE, SAMPLED = "exhaustive", "sampled"


@attrs.frozen
class Covered:
    """One depth. operations: that were cut; firsts: first cuts that they follow; cases: by class of tear; images: the
    distinct ones among what they leave; judged: of these; parts: pieces of work, done of how many."""

    depth: int
    operations: int
    firsts: int
    cases: dict[TearKind, int]
    images: int
    judged: int
    parts: tuple[int, int]

    @property
    def complete(self) -> bool:
        """Whether everything was judged."""
        return self.parts[0] == self.parts[1]


@attrs.frozen
class Certificate:
    """What a sweep found.

    run: digest of the log without a cut; outcome: of that; story: digest of the scenario with its files; code: of the
    source; follow: ``mount`` or ``full``; held, outcomes: how many cases; findings: by case, with checks; stopped: why
    it is partial, "" if it is not; reproduce: case to a command, for each finding that was stored.
    """

    scenario: str
    seed: int
    phone: int
    firmware: str
    run: str
    story: str
    code: str
    outcome: str
    follow: str
    samples: int
    depths: tuple[Covered, ...]
    held: dict[str, int]
    outcomes: dict[str, int]
    findings: tuple[Finding, ...]
    stopped: str = ""
    reproduce: dict[str, str] = attrs.Factory(dict)

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    @property
    def digest(self) -> str:
        """SHA-256, in hex, over all that it states; how long it took and with how many processes is not in it."""
        return sha256(msgspec.json.encode(self.object(), order="deterministic")).hexdigest()

    def object(self) -> dict[str, Any]:
        """For programs, without the digest."""
        return {
            "scenario": self.scenario,
            "seed": self.seed,
            "phone": self.phone,
            "firmware": self.firmware,
            "run": self.run,
            "story": self.story,
            "code": self.code,
            "outcome": self.outcome,
            "follow": self.follow,
            "depths": [depth_object(covered, self.samples) for covered in self.depths],
            "verdicts": dict(sorted(self.held.items())),
            "outcomes": dict(sorted(self.outcomes.items())),
            "findings": [
                {"case": found.case, "kind": found.fault.kind, "what": found.fault.what} for found in self.findings
            ],
            "partial": self.stopped,
            "not_covered": list(not_covered(self)),
        }


def depth_object(covered: Covered, samples: int) -> dict[str, Any]:
    """One depth for programs."""
    return {
        "depth": covered.depth,
        "operations": covered.operations,
        "first_cuts": covered.firsts,
        "cases": sum(covered.cases.values()),
        "images": covered.images,
        "judged": covered.judged,
        "complete": covered.complete,
        "classes": {
            kind: {
                "cases": covered.cases.get(kind, 0),
                **dict(zip(("coverage", "how"), how(kind, covered.depth, samples), strict=True)),
            }
            for kind in KINDS
        },
    }


def how(kind: TearKind, depth: int, samples: int) -> tuple[str, str]:
    """(exhaustive or sampled, in what way) of a class of tears."""
    if kind == "nothing":
        return EXHAUSTIVE, "before each operation"
    if depth == 2:
        return SAMPLED, {
            "bytes": "1 byte, half, all but one",
            "bits": "the last word, sample 0",
            "partial": "samples 0 and 1",
            "unstable": "the last word, samples 0 to 2; half-way, sample 4; the first word and an erasure, sample 1",
        }[kind]
    return {
        "bytes": (EXHAUSTIVE, "each byte of each operation"),
        "bits": (SAMPLED, f"each word, {up_to(samples)}, which is the seed of the choice"),
        "partial": (SAMPLED, up_to(ERASE_SAMPLES * samples)),
        "unstable": (SAMPLED, f"each word, {up_to(TURNS * samples)}; of an erasure, {up_to(ERASE_SAMPLES * samples)}"),
    }[kind]


def up_to(samples: int) -> str:
    """The numbers of so many samples."""
    return "sample 0" if samples == 1 else f"samples 0 to {samples - 1}"


def not_covered(certificate: Certificate) -> Iterator[str]:
    """What the certificate says nothing about, a line each."""
    if certificate.stopped:
        yield f"the sweep is partial: {certificate.stopped}"
    for covered in certificate.depths:
        if not covered.complete:
            done, parts = covered.parts
            images = covered.images - covered.judged
            yield f"depth {covered.depth}: {parts - done:,} of {parts:,} parts, {images:,} images"
    deepest = max((covered.depth for covered in certificate.depths), default=1)
    yield f"more than {deepest} cut{'s' if deepest > 1 else ''} in a row"
    if deepest > 1:
        yield "depth 2: first cuts other than at 0, 1, half, all but one byte, the edges of fields and beside them"
    yield "bits in any other choice than the samples, in more than one word, or in cells next to those that are written"
    yield "cuts while nothing is written, which lose what is in memory and nothing else"
    if certificate.follow == "mount":
        yield "what comes after the start that follows a cut"
    yield "other seeds, other phones of the scenario, and other stories"


def text(certificate: Certificate) -> Iterator[tuple[str, str]]:
    """The certificate in lines, as (text, style)."""
    state = "PARTIAL " if certificate.stopped else ""
    yield f"{state}certificate of power cuts: {certificate.scenario}, seed {certificate.seed}", "input"
    yield f"run        digest {certificate.run[:16]}, {certificate.outcome or 'no run ended'} without a cut", "plain"
    yield f"firmware   {certificate.firmware}, code {certificate.code[:16]}", "plain"
    for covered in certificate.depths:
        yield from depth_text(covered, certificate.samples)
    yield f"followed   {follow_text(certificate)}", "plain"
    held = [(certificate.held[what], words) for what, words in HELD.items() if certificate.held.get(what)]
    for at, (count, words) in enumerate(held or [(0, "judged")]):
        yield f"{'verdicts' if not at else '':<10} {count:>9,}  {words}", "plain"
    yield from findings_text(certificate)
    lines = [
        f"not in it  {line}" if not at else f"           {line}" for at, line in enumerate(not_covered(certificate))
    ]
    yield from ((line, "dim") for line in lines)
    yield f"digest     {certificate.digest}", "plain"


HELD = {
    "same": "hold what the phone held, whole: the operation commits nothing",
    "old": "hold the old configuration, whole: the operation commits the new one",
    "new": "hold the new configuration, whole",
}
"""What a case can hold, in words."""


def depth_text(covered: Covered, samples: int) -> Iterator[tuple[str, str]]:
    """One depth in lines."""
    after = f" after {covered.firsts:,} first cuts" if covered.depth > 1 else ""
    cases = sum(covered.cases.values())
    yield f"depth {covered.depth}    {covered.operations:,} flash operations{after}, {cases:,} cases", "plain"
    for kind in KINDS:
        coverage, way = how(kind, covered.depth, samples)
        yield f"           {kind:<8} {covered.cases.get(kind, 0):>9,}  {coverage}: {way}", "plain"
    judged = "each judged once" if covered.complete else f"{covered.judged:,} judged"
    yield f"           {covered.images:,} distinct images, {judged}", "plain"


def follow_text(certificate: Certificate) -> str:
    """How far the cases were followed."""
    if certificate.follow == "mount":
        return "to the end of the start that follows the cut, and read once more"
    ends = ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(certificate.outcomes.items()))
    return f"to the end of the next provisioning run: {ends or 'none'}"


def findings_text(certificate: Certificate) -> Iterator[tuple[str, str]]:
    """What failed, or that nothing did."""
    if certificate.ok:
        yield "findings   none", "right"
        return
    kinds = Counter(found.fault.kind for found in certificate.findings)
    yield f"findings   {', '.join(f'{count:,} {kind}' for kind, count in sorted(kinds.items()))}", "wrong"
    for found in certificate.findings[:10]:
        yield f"           {found.case}: {found.fault.kind}: {found.fault.what}", "wrong"
        if found.case in certificate.reproduce:
            yield f"             {certificate.reproduce[found.case]}", "plain"
    if len(certificate.findings) > 10:
        yield f"           and {len(certificate.findings) - 10:,} more (--json has them all)", "wrong"
