"""``make spec``: every requirement of the specification, and which tests hold it.

``tests/spec/requirements.csv`` is the project's own list of the requirements, so nothing outside the repository is
needed. Tests say what they hold by ``@pytest.mark.spec("PROV-061")``. A requirement is *proven* if ``make mutants``
broke it in the code and the named test failed each time (``tests/spec/mutants.json``).

This module is also a pytest plugin: ``pytest --collect-only -p tools.spec`` writes the marks of all tests, those of
parametrised rows too, to the file that OFFHOOK_SPEC_MARKS names.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from attrs import asdict, frozen

if TYPE_CHECKING:
    import pytest

FOLDER = Path("tests/spec")
REQUIREMENTS, MUTANTS, RESULTS = FOLDER / "requirements.csv", FOLDER / "mutants.toml", FOLDER / "mutants.json"
MARKS_FILE = "OFFHOOK_SPEC_MARKS"

COUNT, DIGEST = 197, "13e54adbd688905a"
"""How many numbers the specification has, and :func:`digest` of them. The list is the only place that names them all;
these two keep a row from getting lost, or renamed, together with its tests."""

PROVEN, TESTED, UNTESTED, LEFT_OUT, FACT = "proven", "tested", "implemented, untested", "left out", "fact"
STATES = (PROVEN, TESTED, UNTESTED, LEFT_OUT, FACT)

Marks = Mapping[str, Sequence[str]]
"""Test to the numbers it is marked with."""


class Requirement(NamedTuple):
    """One row of the list. kind: ``rule``, or ``fact`` where there is nothing that a phone could do or break.

    boundary: the area of ``emulator/boundaries.py`` that says why the rule is left out or simplified; "" for none.
    """

    number: str
    section: str
    kind: str
    boundary: str
    sentence: str


@frozen
class Row:
    """A requirement with its state. partly: it is tested as far as it is modelled, and ``boundary`` names the rest."""

    number: str
    section: str
    state: str
    partly: bool
    boundary: str
    sentence: str
    tests: tuple[str, ...]


class Mutant(NamedTuple):
    """One break of a rule: ``old`` becomes ``new`` in ``file``, and ``test`` has to fail.

    hangs: the break makes the code run for ever, so a time-out counts as a failure of the test.
    """

    number: str
    file: str
    old: str
    new: str
    test: str
    hangs: bool = False

    @property
    def digest(self) -> str:
        """Short name of exactly this mutant: a result of another one with the same number says nothing about it."""
        return digest((*self[:-1], str(self.hangs)))[:8]


def digest(texts: Iterable[str]) -> str:
    """SHA-256 of the texts, the first 16 hex digits."""
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]


def requirements(root: Path) -> list[Requirement]:
    """The list, in its order."""
    with (root / REQUIREMENTS).open(encoding="utf-8", newline="") as file:
        return [Requirement(**row) for row in csv.DictReader(file)]


def mutants(root: Path) -> list[Mutant]:
    """The table of mutants, in its order."""
    with (root / MUTANTS).open("rb") as file:
        return [Mutant(**row) for row in tomllib.load(file)["mutant"]]


def results(root: Path) -> dict[str, bool]:
    """What the last ``make mutants`` found: digest of a mutant to whether it was killed."""
    path = root / RESULTS
    found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    return {result["mutant"]: result["killed"] for result in found}


# --- Which test holds what ------------------------------------------------------------------------------------------


def numbers_of(item: pytest.Item) -> list[str]:
    """The numbers that a test is marked with, itself or as a row, in sorted order."""
    return sorted({str(number) for mark in item.iter_markers("spec") for number in mark.args})


def pytest_collection_finish(session: pytest.Session) -> None:
    """Write the marks of all collected tests. Called by pytest."""
    found = {item.nodeid: numbers for item in session.items if (numbers := numbers_of(item))}
    path = os.environ.get(MARKS_FILE)
    if path:
        Path(path).write_text(json.dumps(found), encoding="utf-8")


def marks(root: Path) -> dict[str, list[str]]:
    """The marks of all tests below ``root``, as pytest collects them. Raises RuntimeError if it cannot."""
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / "marks.json"
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "--collect-only", "-qq", "-p", "no:cacheprovider", "-p", "tools.spec"],
            cwd=root,
            env={**os.environ, MARKS_FILE: str(written)},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode or not written.exists():
            raise RuntimeError(f"pytest cannot collect the tests:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        found: dict[str, list[str]] = json.loads(written.read_text(encoding="utf-8"))
    return found


# --- What follows ---------------------------------------------------------------------------------------------------


def table(
    listed: Iterable[Requirement], marked: Marks, known: Iterable[Mutant], killed: Mapping[str, bool]
) -> list[Row]:
    """A row for every requirement."""
    tests: dict[str, list[str]] = {}
    for test, numbers in marked.items():
        for number in numbers:
            tests.setdefault(number, []).append(test)
    breaks: dict[str, list[bool | None]] = {}
    for mutant in known:
        breaks.setdefault(mutant.number, []).append(killed.get(mutant.digest))
    return [row(each, tests.get(each.number, []), breaks.get(each.number, [])) for each in listed]


def row(requirement: Requirement, tests: Sequence[str], breaks: Sequence[bool | None]) -> Row:
    """The state of one requirement. breaks: of each of its mutants, whether it was killed; None if it was never run."""
    if False in breaks:
        state = UNTESTED
    elif tests and breaks and all(breaks):
        state = PROVEN
    elif tests:
        state = TESTED
    elif requirement.kind == "fact":
        state = FACT
    else:
        state = LEFT_OUT if requirement.boundary else UNTESTED
    partly = bool(requirement.boundary) and state in (PROVEN, TESTED)
    return Row(
        requirement.number,
        requirement.section,
        state,
        partly,
        requirement.boundary,
        requirement.sentence,
        tuple(tests),
    )


def faults(listed: Sequence[Requirement], marked: Marks) -> Iterator[str]:
    """What is wrong with the list or the marks, a line each."""
    numbers = [requirement.number for requirement in listed]
    for number, times in Counter(numbers).items():
        if times > 1:
            yield f"{number} is listed {times} times"
    if (len(numbers), digest(numbers)) != (COUNT, DIGEST):
        yield (
            f"the list has {len(numbers)} numbers ({digest(numbers)}), the specification {COUNT} ({DIGEST}): "
            "a number is missing, is new, or stands in another place"
        )
    unknown: dict[str, str] = {}
    for test, given in marked.items():
        for number in given:
            if number not in numbers:
                unknown.setdefault(number, test)
    for number, test in sorted(unknown.items()):
        yield f"{number} is no requirement; {test} is marked with it"


def percent(part: int, whole: int) -> str:
    """A share in per cent, to one decimal, rounded down so that 100 means all."""
    tenths = part * 1000 // whole if whole else 0
    return f"{tenths // 10}.{tenths % 10} %"


def summary(rows: Sequence[Row]) -> dict[str, Any]:
    """The counts: of each state, and the shares of the rules that are tested and proven."""
    counts = {state: sum(each.state == state for each in rows) for state in STATES}
    rules = len(rows) - counts[FACT]
    held = counts[PROVEN] + counts[TESTED]
    modelled = rules - counts[LEFT_OUT]
    return {
        "requirements": len(rows),
        "rules": rules,
        "modelled": modelled,
        **counts,
        "tested in part": sum(each.partly for each in rows),
        "tested or proven, of all rules": percent(held, rules),
        "tested or proven, of modelled rules": percent(held, modelled),
        "proven, of modelled rules": percent(counts[PROVEN], modelled),
    }


def cut(text: str, width: int | None) -> str:
    """``text`` in at most ``width`` columns; uncut for None."""
    return text if width is None or len(text) <= width else text[: max(width - 1, 0)] + "…"


def line(row: Row, width: int | None) -> str:
    """A row of the table, cut to ``width`` columns. An asterisk: tested as far as it is modelled."""
    state = {UNTESTED: "untested"}.get(row.state, row.state) + "*" * row.partly
    first = row.tests[0].removeprefix("tests/") if row.tests else ""
    more = f" +{len(row.tests) - 1}" if len(row.tests) > 1 else ""
    where = cut(first, None if width is None else width // 3) + more
    because = f"[{row.boundary}] " if row.state == LEFT_OUT else ""
    return cut(f"{row.number:9} {state:9} {because}{row.sentence} {'· ' + where if where else ''}".rstrip(), width)


def show(rows: Sequence[Row]) -> None:
    """Print the table by section, then what it comes to."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    section = ""
    for each in rows:
        if each.section != section:
            section = each.section
            print(f"\n{section}")
        print(line(each, width))
    print("\n* as far as it is modelled; --json names the area that is left out\n")
    for name, value in summary(rows).items():
        print(f"{value!s:>8}  {name}")


def main(arguments: Sequence[str]) -> int:
    """Print the table, or with --json one object. Exit code 1 if list and marks disagree."""
    root = Path.cwd()
    listed, marked = requirements(root), marks(root)
    rows = table(listed, marked, mutants(root), results(root))
    wrong = list(faults(listed, marked))
    if "--json" in arguments:
        found = {"summary": summary(rows), "faults": wrong, "requirements": [asdict(each) for each in rows]}
        print(json.dumps(found, ensure_ascii=False))
    else:
        show(rows)
    for fault in wrong:
        print(fault, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
