"""Campaigns: the same whoever runs them and however often they are stopped; what they find is small and real."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from emulator.events import SECOND
from emulator.log.store import LogError, Store
from emulator.phone.kx_utg200 import kx_utg200
from emulator.world.scenario import ActionSpec, Duration
from emulator.world.toml import read_scenario
from tests.tools.diff.pairs import demo
from tests.tools.fuzz.small import CALM, UNTIL, breaking, checks, faulty, plan, vary
from tools.fuzz import findings, keeping, simpler
from tools.fuzz.campaign import ROUND, Campaign, Finding, minimised, trying
from tools.fuzz.dice import Dice
from tools.fuzz.executing import execute
from tools.fuzz.firmwares import loaded
from tools.fuzz.keeping import About
from tools.fuzz.model import Case, Violation
from tools.fuzz.shrinking import shrunk, steps, tree_of
from tools.workers import Workers

ABOUT = About("small", "first-boot-option-160", 1)


def ran(campaign: Campaign, cases: int, jobs: int = 1) -> Campaign:
    """The campaign after so many cases more."""
    end = campaign.done + cases
    with Workers(trying(campaign.plan), jobs) as workers:
        while campaign.done < end:
            campaign.round(workers, end - campaign.done)
    return campaign


def what(campaign: Campaign) -> tuple[object, ...]:
    """What may not depend on how a campaign was run."""
    found = [(f.signature, f.number, f.times) for f in campaign.findings.values()]
    return campaign.digest, campaign.seen, found, campaign.canary, campaign.sometimes, campaign.events


def test_the_same_with_one_process_and_with_two() -> None:
    """Corpus, features, findings, counts."""
    assert what(ran(Campaign(plan(faulty)), 700)) == what(ran(Campaign(plan(faulty)), 700, jobs=2))


@pytest.mark.parametrize("first", [100, ROUND, 300])
def test_stopped_and_resumed_it_is_the_same(first: int, tmp_path: Path) -> None:
    """In the middle of a round as well as between two."""
    whole = ran(Campaign(plan(faulty)), 700)
    part = ran(Campaign(plan(faulty)), first)
    with Store(tmp_path / "runs.db", create=True) as store:
        keeping.keep(store, ABOUT, part)
        again = keeping.resumed(store, "small", plan(faulty))
    assert what(again) == what(part)
    assert what(ran(again, 700 - first)) == what(whole)


def test_another_seed_is_another_campaign() -> None:
    """And the dice of two cases have nothing in common."""
    assert ran(Campaign(plan(seed=1)), 300).digest != ran(Campaign(plan(seed=2)), 300).digest
    numbers = {Dice(seed, case).number() for seed in range(20) for case in range(50)}
    assert len(numbers) == 1_000


def test_dice_are_the_same_everywhere() -> None:
    """In another process, with other hashes."""
    code = (
        "from tools.fuzz.dice import Dice; d = Dice(7, 9); print(d.number(), d.fork('x').bytes(5).hex(), d.below(10))"
    )
    outputs = set()
    for hashes in ("1", "2"):
        command, environment = [sys.executable, "-c", code], {"PYTHONHASHSEED": hashes}
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        outputs.add(done.stdout)
    dice = Dice(7, 9)
    assert outputs == {f"{dice.number()} {dice.fork('x').bytes(5).hex()} {dice.below(10)}\n"}


def test_what_is_found_is_the_fault() -> None:
    """The faulty phone is found, today's is not, and the planted fault is found in both."""
    found = ran(Campaign(plan(faulty)), 1_000)
    assert {finding.violation.rule for finding in found.findings.values()} == {"PROV-194"}
    clean = ran(Campaign(plan()), 1_000)
    assert not clean.findings
    assert clean.canary >= 0
    assert found.sometimes["link down"] > 0


def test_the_corpus_can_be_made_smaller() -> None:
    """With no feature less."""
    campaign = ran(Campaign(plan()), 400)
    outcomes = [execute(case, kx_utg200, checks).features for case in campaign.corpus]
    few = minimised(outcomes)
    assert len(few) < len(outcomes)
    assert set().union(*(outcomes[index] for index in few)) == set().union(*outcomes)
    assert minimised([]) == minimised([frozenset()]) == []


@given(st.lists(st.frozensets(st.integers(0, 12).map(lambda number: (str(number),)))))
def test_the_fewest_cases_still_have_everything(outcomes: list[frozenset[tuple[str, ...]]]) -> None:
    """And each of them has something that is in none before it."""
    few = minimised(outcomes)
    assert set().union(*(outcomes[index] for index in few)) == set().union(*outcomes)
    assert len(few) <= len(set().union(*outcomes))


def finding() -> Finding:
    """The first finding of the faulty phone."""
    return next(iter(ran(Campaign(plan(faulty)), 600).findings.values()))


def test_a_finding_is_made_small(tmp_path: Path) -> None:
    """Few steps, the same verdict, the calm as it was; and it stands alone as a scenario, a ladder and a test."""
    found = finding()

    def fails(case: Case) -> bool:
        return any(v.signature == found.signature for v in execute(case, faulty, checks).violations)

    assert fails(found.case)
    small, tries = shrunk(found.case, demo(), fails)
    assert tries > 0
    assert fails(small)
    assert steps(small.scenario, demo()) <= min(8, steps(found.case.scenario, demo()))
    assert (small.calm, small.scenario.until) == (CALM, UNTIL)
    assert small.scenario.action[-1].do == "link-up", "what ends a fault stays"
    written = findings.write(small, found.violation, tmp_path, faulty, evolve(ABOUT, firmware="some.module:thing"))
    story = read_scenario(written.folder / "case.toml")
    assert story.expect.invariants
    assert evolve(small.scenario, title="", about="", expect=story.expect) == evolve(story, title="", about="")
    assert (written.folder / "ladder.mmd").read_text().startswith("sequenceDiagram")
    compile((written.folder / "test_case.py").read_text(), "test_case.py", "exec")
    assert written.command.endswith("--firmware some.module:thing")


def test_what_a_finding_says_cannot_become_code(tmp_path: Path) -> None:
    """Its texts come from packets."""
    found = finding()
    hostile = evolve(found.violation, text='"""\nimport os; os.abort()  # \\', key="../../x")
    written = findings.write(found.case, hostile, tmp_path, faulty, ABOUT)
    assert written.folder.parent == tmp_path
    names: dict[str, object] = {"__file__": str(written.folder / "test_case.py")}
    exec(compile((written.folder / "test_case.py").read_text(), "test_case.py", "exec"), names)
    assert names["ABOUT"] == f"{hostile.rule}: {hostile.text}"


def test_two_findings_of_one_verdict_are_written_apart() -> None:
    """Each is about a rule of its own."""
    one = Violation("merge", "PROV-164", "x", key="stayed")
    assert findings.name_of(one) == "merge_prov_164_stayed"
    assert findings.name_of(evolve(one, rule="PROV-160, PROV-162")) == "merge_prov_160_stayed"
    assert findings.name_of(Violation("no-exception", "", "x", key="KeyError")) == "no_exception_keyerror"


def test_an_exception_is_a_finding() -> None:
    """Named by where it was raised, without what it says."""
    campaign = ran(Campaign(plan(breaking)), 300)
    crash = next(f.violation for f in campaign.findings.values() if f.violation.verdict == "no-exception")
    assert "ZeroDivisionError" in crash.text
    assert "secret" not in crash.text


def test_the_ladder_of_an_exception_goes_up_to_it(tmp_path: Path) -> None:
    """What the phone did before is what somebody needs who looks for the reason."""
    campaign = ran(Campaign(plan(breaking)), 300)
    found = next(f for f in campaign.findings.values() if f.violation.verdict == "no-exception")
    written = findings.write(found.case, found.violation, tmp_path, breaking, ABOUT)
    assert "DISCOVER" in (written.folder / "ladder.mmd").read_text()


def test_a_campaign_of_that_name_is_about_something_else(tmp_path: Path) -> None:
    """What it was about is kept, and a damaged one is told in a line."""
    with Store(tmp_path / "runs.db", create=True) as store:
        assert keeping.names(store) == []
        assert keeping.known(store, "small") is None
        keeping.keep(store, ABOUT, ran(Campaign(plan()), 50), seconds=3)
        assert keeping.known(store, "small") == (ABOUT, 3)
        assert keeping.base_of(store, "small") == demo()
        store.db.execute("UPDATE campaigns SET state = 'nonsense'")
        with pytest.raises(LogError, match="is not described as a campaign is"):
            keeping.resumed(store, "small", plan())


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nowhere", "give it as package.module:Name"),
        ("no_such_module:x", "cannot be imported"),
        ("tools.fuzz.dice:x", "has no x"),
        ("tools.fuzz.dice:MILLION", "cannot be made"),
    ],
)
def test_a_firmware_that_is_none(name: str, words: str) -> None:
    """One line that says what to do."""
    with pytest.raises(LogError, match=words):
        loaded(name)
    assert loaded("tests.tools.fuzz.small:faulty")("03.210").name != kx_utg200().name
    assert loaded("tests.zoo.timing:no_retry_after_decryption")("03.210").version == "03.210"


def test_a_story_is_its_tree() -> None:
    """Shrinking works on what is written."""
    case = vary(demo(), None, None, Dice(1, 1))
    assert tree_of(case.scenario)["until"] == "4230s"


def test_steps_are_counted_both_ways() -> None:
    """What is there besides, what is gone, and what is otherwise; in lists and in tables."""
    base = demo()
    named = evolve(base, names={"sip.example.com": "192.0.2.1"})
    bare_ = evolve(base, files=())
    assert (steps(base, base), steps(named, base), steps(base, named)) == (0, 1, 1)
    assert (steps(bare_, base), steps(base, bare_)) == (1, 1)


def test_a_small_finding_is_kept_with_its_calm(tmp_path: Path) -> None:
    """For it may begin sooner than that of the case that was found, and what is promised hangs on it."""
    found = finding()
    sooner = evolve(found.case, calm=CALM // 2)
    with Store(tmp_path / "runs.db", create=True) as store:
        campaign = Campaign(plan(faulty), findings={found.signature: found})
        keeping.keep(store, ABOUT, campaign)
        assert keeping.shrunk(store, "small", found) == found.case
        keeping.keep_shrunk(store, "small", found.signature, sooner)
        kept = keeping.shrunk(store, "small", found)
    assert kept.calm == CALM // 2
    assert evolve(kept.scenario, expect=sooner.scenario.expect) == sooner.scenario


def test_simpler_texts_lose_elements_and_attributes_first() -> None:
    """So that what is left can still be read."""
    made = list(simpler.shorter('<a><b x="1">t</b><c><d/>u</c></a>'))
    assert made[:4] == [
        *("<a><c><d/>u</c></a>", '<a><b x="1">t</b></a>'),
        *('<a><b x="1">t</b><c>u</c></a>', "<a><b>t</b><c><d/>u</c></a>"),
    ]
    assert list(simpler.shorter("</x><y>")) == []


def test_times_become_round_but_not_those_of_the_end() -> None:
    """Rounder is shorter."""
    assert list(simpler.rounder("61.234567891s", CALM + 60 * SECOND))[:2] == ["1min", "61s"]
    assert list(simpler.rounder("29s", CALM)) == []


def test_a_calm_that_begins_sooner() -> None:
    """What was to come after it does not, and what begins with it begins sooner too."""
    story = vary(demo(), None, None, Dice(1, 1)).scenario
    late, at = 3_600 * SECOND, simpler.SOONER[0]
    shift = Duration(late - CALM)
    stretched = evolve(
        story,
        until=Duration(UNTIL + shift),
        dhcp=(
            evolve(story.dhcp[0], behaviour="silent", end=Duration(5 * SECOND)),
            evolve(story.dhcp[0], start=Duration(900 * SECOND), end=Duration(950 * SECOND)),
            evolve(story.dhcp[0], start=Duration(late)),
        ),
        action=(ActionSpec(Duration(800 * SECOND), "restart"), ActionSpec(Duration(late - 1), "link-up")),
    )
    made = next(iter(simpler.sooner(Case(stretched, late))))
    assert (made.calm, made.scenario.until) == (at, UNTIL + shift - (late - at))
    assert [(spec.start, spec.behaviour) for spec in made.scenario.dhcp] == [(0, "silent"), (at, "answer")]
    assert [(action.at, action.do) for action in made.scenario.action] == [(at - 1, "link-up")]
