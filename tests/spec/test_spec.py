"""The list of requirements, the marks of the tests and the table of mutants agree with each other and with the code."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import attrs
import pytest

from emulator.boundaries import BOUNDARIES
from tools import mutants as runner
from tools import spec
from tools.spec import FACT, LEFT_OUT, PROVEN, TESTED, UNTESTED, Mutant, Requirement, Row

ROOT = Path(__file__).resolve().parents[2]
LISTED = spec.requirements(ROOT)
KNOWN = spec.mutants(ROOT)


@pytest.fixture(scope="module")
def marked() -> dict[str, list[str]]:
    """The marks of all tests."""
    return spec.marks(ROOT)


# --- The list -------------------------------------------------------------------------------------------------------


def test_the_list_is_whole_sorted_and_each_number_is_there_once() -> None:
    numbers = [requirement.number for requirement in LISTED]
    assert numbers == sorted(set(numbers))
    assert (len(numbers), spec.digest(numbers)) == (spec.COUNT, spec.DIGEST)
    sections = [int(requirement.section.partition(" ")[0]) for requirement in LISTED]
    assert sections == sorted(sections)
    assert set(sections) == set(range(1, 19))


def test_every_requirement_is_one_short_sentence() -> None:
    for requirement in LISTED:
        sentence = requirement.sentence
        assert sentence.endswith("."), requirement
        assert sentence == sentence.strip(), requirement
        assert len(sentence) < 160, requirement
        assert requirement.kind in ("rule", "fact"), requirement
    assert len({requirement.sentence for requirement in LISTED}) == len(LISTED)


def test_every_boundary_that_is_named_exists_and_facts_need_none() -> None:
    areas = {boundary.area for boundary in BOUNDARIES}
    assert {requirement.boundary for requirement in LISTED} - {""} <= areas
    assert not [requirement for requirement in LISTED if requirement.kind == "fact" and requirement.boundary]


# --- The marks ------------------------------------------------------------------------------------------------------


def test_every_mark_names_a_requirement(marked: dict[str, list[str]]) -> None:
    assert list(spec.faults(LISTED, marked)) == []


def test_no_test_holds_more_than_two_requirements(marked: dict[str, list[str]]) -> None:
    assert {test: numbers for test, numbers in marked.items() if len(numbers) > 2} == {}


def test_no_fact_is_marked(marked: dict[str, list[str]]) -> None:
    facts = {requirement.number for requirement in LISTED if requirement.kind == "fact"}
    assert not {test for test, numbers in marked.items() if facts.intersection(numbers)}


def test_no_rule_that_is_modelled_lacks_a_test(marked: dict[str, list[str]]) -> None:
    rows = spec.table(LISTED, marked, (), {})
    assert [row.number for row in rows if row.state == UNTESTED] == []


# --- The mutants ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mutant", KNOWN, ids=lambda mutant: f"{mutant.number}-{mutant.digest}")
def test_a_mutant_fits_the_code(mutant: Mutant) -> None:
    source = (ROOT / mutant.file).read_text(encoding="utf-8")
    assert source.count(mutant.old) == 1
    assert mutant.new != mutant.old
    assert mutant.file.startswith(runner.CODE)


def test_a_mutant_is_killed_by_a_test_that_is_marked_with_its_rule(marked: dict[str, list[str]]) -> None:
    for mutant in KNOWN:
        if mutant.test.startswith("tests/"):
            own = [
                numbers for test, numbers in marked.items() if test == mutant.test or test.startswith(mutant.test + "[")
            ]
            assert any(mutant.number in numbers for numbers in own), mutant


def test_there_are_enough_mutants_in_every_section_that_is_modelled(marked: dict[str, list[str]]) -> None:
    rows = spec.table(LISTED, marked, KNOWN, {mutant.digest: True for mutant in KNOWN})
    modelled = {row.section for row in rows if row.state in (TESTED, PROVEN)}
    section = {row.number: row.section for row in rows}
    counts = Counter(section[mutant.number] for mutant in KNOWN)
    assert len(KNOWN) >= 100
    assert len({mutant.digest for mutant in KNOWN}) == len(KNOWN)
    assert [each for each in sorted(modelled) if counts[each] < 3] == []


def test_the_results_are_those_of_this_table() -> None:
    """After a change of the table, run ``make mutants`` and commit what it writes."""
    kept = json.loads((ROOT / spec.RESULTS).read_text(encoding="utf-8"))
    assert spec.results(ROOT) == {mutant.digest: True for mutant in KNOWN}
    assert kept == sorted(kept, key=lambda each: (each["number"], each["test"], each["mutant"]))


# --- What the table says --------------------------------------------------------------------------------------------

RULE = Requirement("PROV-001", "1 Start", "rule", "", "It starts.")
FAR = Requirement("PROV-002", "1 Start", "rule", "IPv6", "It goes far.")
FACTUAL = Requirement("PROV-003", "1 Start", "fact", "", "It is so.")


@pytest.mark.parametrize(
    ("requirement", "tests", "breaks", "state", "partly"),
    [
        (RULE, [], [], UNTESTED, False),
        (RULE, ["t"], [], TESTED, False),
        (RULE, ["t"], [True, True], PROVEN, False),
        (RULE, ["t"], [True, None], TESTED, False),
        (RULE, ["t"], [True, False], UNTESTED, False),
        (RULE, [], [True], UNTESTED, False),
        (FAR, [], [], LEFT_OUT, False),
        (FAR, ["t"], [], TESTED, True),
        (FAR, ["t"], [True], PROVEN, True),
        (FAR, ["t"], [False], UNTESTED, False),
        (FACTUAL, [], [], FACT, False),
    ],
)
def test_the_state_of_a_requirement(
    requirement: Requirement, tests: list[str], breaks: list[bool | None], state: str, partly: bool
) -> None:
    row = spec.row(requirement, tests, breaks)
    assert (row.state, row.partly) == (state, partly)


def test_a_result_counts_only_for_the_very_mutant_it_was_found_with() -> None:
    mutant = KNOWN[0]
    rule = next(each for each in LISTED if each.number == mutant.number)
    marked = {mutant.test: [mutant.number]}
    assert spec.table([rule], marked, [mutant], {mutant.digest: True})[0].state == PROVEN
    other = mutant._replace(new=mutant.new + " ")
    assert spec.table([rule], marked, [other], {mutant.digest: True})[0].state == TESTED


def test_list_and_marks_that_disagree_are_faults() -> None:
    (unknown,) = spec.faults(LISTED, {"tests/a.py::b": ["PROV-999"]})
    assert unknown == "PROV-999 is no requirement; tests/a.py::b is marked with it"
    (missing,) = spec.faults(LISTED[:-1], {})
    assert f"has {spec.COUNT - 1} numbers" in missing
    assert next(spec.faults([*LISTED, LISTED[0]], {})) == "PROV-001 is listed 2 times"
    (moved,) = spec.faults([*LISTED[1:], LISTED[0]], {})
    assert "another place" in moved


@pytest.mark.parametrize("width", [None, 40, 80, 200])
def test_a_line_fits_the_terminal(width: int | None) -> None:
    row = Row("PROV-001", "1 Start", TESTED, True, "IPv6", "It starts. " * 9, ("tests/" + "x" * 90, "tests/b"))
    line = spec.line(row, width)
    assert line.startswith("PROV-001  tested*")
    assert len(line) == width if width in (40, 80) else line.endswith(" +1")
    left_out = attrs.evolve(row, state=LEFT_OUT, partly=False, tests=())
    assert "[IPv6]" in spec.line(left_out, width)


def test_shares_are_never_rounded_up() -> None:
    assert [spec.percent(*each) for each in ((1, 3), (1999, 2000), (1, 1), (0, 0))] == [
        *("33.3 %", "99.9 %", "100.0 %", "0.0 %"),
    ]


# --- The runner -----------------------------------------------------------------------------------------------------

URLS, TEST = "emulator/phone/urls.py", "tests/emulator/phone/test_urls.py::test_parts"


def test_the_runner_tells_killed_survived_and_unusable() -> None:
    good = Mutant("PROV-030", URLS, '"http": 80', '"http": 81', TEST)
    endless = good._replace(old="    scheme = found[1].lower()\n", new="    while True:\n        pass\n")
    tried = [
        good,
        good._replace(old="LIMIT = 500\n", new="LIMIT = 501\n"),
        good._replace(old="no such text"),
        good._replace(old="def "),
        good._replace(new=good.old),
        good._replace(new='"http": = 80'),
        good._replace(file="emulator/none.py"),
        endless,
        endless._replace(hangs=True),
    ]
    before = (ROOT / URLS).read_bytes()
    found = runner.outcomes(ROOT, tried, lambda _: None, limit=10.0)
    killed, survived, unusable = runner.KILLED, runner.SURVIVED, runner.UNUSABLE
    assert [each.verdict for each in found] == [killed, survived, *[unusable] * 6, killed]
    assert [line.split()[1].strip(":") for line in runner.complaints(found)] == [survived, *[unusable] * 6]
    assert (ROOT / URLS).read_bytes() == before


def test_nothing_is_broken_while_a_named_test_fails_by_itself() -> None:
    absent = Mutant("PROV-030", URLS, '"http": 80', '"http": 81', f"{TEST}_of_another_kind")
    with pytest.raises(runner.Broken, match="before anything is broken"):
        runner.outcomes(ROOT, [absent], lambda _: None)
