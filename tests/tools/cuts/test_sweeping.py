"""A sweep as a whole: what it counts, that it can be stopped and goes on, that processes make no difference."""

from __future__ import annotations

import json
import multiprocessing
import random
from functools import cache
from pathlib import Path

import attrs
import pytest
from click.testing import CliRunner

from emulator.log.store import Store
from emulator.world.scenario import CutSpec
from emulator.world.toml import ScenarioError, read_scenario
from emulator.world.writing import write_scenario
from tests.emulator.phone.bench import QUIET, story
from tests.tools.cuts.faulty import STORES
from tests.tools.cuts.test_faulty import SAVES, UPDATES
from tools.cli import main
from tools.cuts import sweep as sweeping
from tools.cuts.cases import parse
from tools.cuts.certificate import Certificate, text
from tools.cuts.content import Content, content_of, unlike
from tools.cuts.ids import with_cuts
from tools.cuts.judge import Bar, Verdict, cut_run, follow, judge
from tools.cuts.stories import store_case
from tools.cuts.sweep import Aim, Sweep, Tally
from tools.cuts.sweeping import Means, cuts
from tools.simulate import run
from tools.workers import WorkerLost, Workers

PASSWORDS = attrs.evolve(SAVES, phone=attrs.evolve(SAVES.phone, provisioned={**QUIET, "ADMIN_PASS": "planted"}))
WORLDS = {"saves": SAVES, "updates": UPDATES, "passwords": PASSWORDS}


@cache
def sweep_of(name: str) -> Sweep:
    return Sweep(Aim(WORLDS[name], name, 1))


@cache
def certified(depth: int) -> Certificate:
    return cuts(SAVES, depth=depth)


def test_a_certificate_says_what_was_covered() -> None:
    certificate = certified(1)
    (covered,) = certificate.depths
    operations = sweep_of("saves").base.operations
    assert covered.operations == len(operations)
    assert covered.cases["nothing"] == len(operations)
    assert covered.cases["bytes"] == sum(getattr(o.op, "data", b"x" * 4096).__len__() - 1 for o in operations)
    assert covered.judged == covered.images <= sum(covered.cases.values())
    assert sum(certificate.held.values()) == covered.judged
    assert certificate.outcomes == {"provisioned": covered.judged}
    assert certificate.held["new"] >= 1
    assert certificate.held["old"] > 10
    lines = [line for line, _ in text(certificate)]
    assert any("exhaustive: each byte of each operation" in line for line in lines)
    assert any(line.startswith("not in it ") for line in lines)
    assert certificate.digest in lines[-1]


def test_equal_images_are_judged_once() -> None:
    level = sweep_of("saves").first_level()
    judged = [cut for part in level.parts for cut in part.cuts]
    assert len(judged) == len(set(judged)) == level.images
    assert level.images < sum(level.cases.values()) / 2, "most prefixes of an erasure leave the same"


@pytest.mark.parametrize("jobs", [2, 3])
def test_processes_side_by_side_find_the_same(jobs: int) -> None:
    assert cuts(SAVES, depth=2, means=Means(jobs=jobs)).digest == certified(2).digest


def test_a_sweep_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped after a few parts, the next call judges the rest, and comes to the same certificate."""
    database = tmp_path / "runs.db"
    done: list[str] = []

    def report(what: str, now: int, of: int) -> None:
        done.append(what)
        if len(done) == 3:
            raise KeyboardInterrupt

    first = cuts(SAVES, means=Means(db=database, report=report))
    assert first.stopped == "it was interrupted"
    assert 0 < first.depths[0].judged < first.depths[0].images
    assert first.digest != certified(1).digest
    assert any("partial" in line for line in first.object()["not_covered"])
    judged = []
    monkeypatch.setattr(sweeping, "judge", lambda life, cut, bar: judged.append(cut) or judge(life, cut, bar))
    assert cuts(SAVES, means=Means(db=database)).digest == certified(1).digest
    assert len(judged) == certified(1).depths[0].images - first.depths[0].judged
    judged.clear()
    assert cuts(SAVES, means=Means(db=database)).digest == certified(1).digest
    assert judged == [], "all of it is kept"
    cuts(SAVES, means=Means(db=database, fresh=True))
    assert len(judged) == certified(1).depths[0].images


def test_two_processes_are_stopped_like_one() -> None:
    def report(what: str, now: int, of: int) -> None:
        raise KeyboardInterrupt

    certificate = cuts(SAVES, depth=2, means=Means(jobs=2, report=report))
    assert certificate.stopped == "it was interrupted"
    assert not multiprocessing.active_children()


def test_what_was_kept_and_cannot_be_read_is_judged_again(tmp_path: Path) -> None:
    database = tmp_path / "runs.db"
    cuts(SAVES, means=Means(db=database))
    with Store(database) as store:
        store.change("UPDATE sweep_parts SET tally = '[1' WHERE part = '1/3'")
        store.change("UPDATE sweep_parts SET tally = x'ff' WHERE part = '1/4'")
    assert cuts(SAVES, means=Means(db=database)).digest == certified(1).digest


def test_what_was_kept_for_another_story_or_way_is_not_taken(tmp_path: Path) -> None:
    database = tmp_path / "runs.db"
    cuts(SAVES, means=Means(db=database))
    other = attrs.evolve(SAVES, phone=attrs.evolve(SAVES.phone, mac="0080F0000001"))
    seen: list[int] = []
    cuts(other, means=Means(db=database, report=lambda what, now, of: seen.append(now)))
    assert seen
    seen.clear()
    cuts(SAVES, follow="mount", means=Means(db=database, report=lambda what, now, of: seen.append(now)))
    assert seen


def test_a_budget_that_is_used_up_gives_a_partial_certificate() -> None:
    certificate = cuts(SAVES, depth=2, means=Means(budget=0.0))
    assert certificate.stopped == "the budget of 0 s was used up"
    assert not certificate.depths[0].complete
    assert next(iter(text(certificate)))[0].startswith("PARTIAL certificate")


def test_a_worker_that_goes_away_is_no_success() -> None:
    def work(number: int) -> int:
        if number == 3:
            import os

            os._exit(1)
        return number

    with Workers(work, 2) as workers, pytest.raises(WorkerLost):
        list(workers.each(range(6)))


def test_the_short_way_and_the_honest_one_agree() -> None:
    """The start after a cut by a phone that is given the torn chip, and by the run with the cut in it."""
    rng = random.Random(7)
    firmwares = [None, STORES["never-settles"][0], STORES["no-checksum"][0]]
    for firmware in firmwares:
        base = Sweep(Aim(SAVES, "x", 1, firmware)).base
        level = Sweep(Aim(SAVES, "x", 1, firmware)).first_level()
        sample = rng.sample([cut for part in level.parts for cut in part.cuts], 150)
        for cut in sample:
            short = judge(base, cut, Bar("mount"))
            honest = follow(cut_run(base, cut), base, cut, Bar("mount"))
            assert (short.held, short.fault and short.fault.kind) == (honest.held, honest.fault and honest.fault.kind)


def test_a_fork_with_a_cut_and_the_whole_story_with_it_agree() -> None:
    """What a case of the sweep leaves on the chip is what a run of the scenario with this cut leaves."""
    rng = random.Random(8)
    base = sweep_of("saves").base
    cases = [cut for part in sweep_of("saves").first_level().parts for cut in part.cuts]
    for cut in rng.sample(cases, 40):
        result = run(with_cuts(attrs.evolve(SAVES, until=SAVES.until * 4), [cut]))  # type: ignore[arg-type]
        verdict = judge(base, cut, Bar())
        assert verdict.fault is None
        found = content_of(result.phones[0].flash.chip, base.form)
        assert found.configuration == next(iter(base.contents(len(base.operations)))).configuration
        assert result.ok
        assert len(result.expectations) >= 1


# --- What is found ----------------------------------------------------------------------------------------------------


def test_a_case_that_fails_is_a_scenario_that_fails(tmp_path: Path) -> None:
    firmware, _ = STORES["never-settles"]
    certificate = cuts(SAVES, firmware=firmware)
    path = store_case(SAVES, "saves", 1, 0, certificate.findings[0], tmp_path / "found")
    story_found = read_scenario(path)
    assert [cut.after + 1 for cut in story_found.cut] == [parse(certificate.findings[0].case)[0][0].number]
    assert not run(story_found, firmware=firmware).ok
    assert run(story_found).ok
    assert certificate.findings[0].fault.kind in story_found.about


def test_a_nested_case_is_judged_by_a_run_too(tmp_path: Path) -> None:
    firmware, _ = STORES["recovery-that-is-not-cut-safe"]
    certificate = cuts(SAVES, depth=2, firmware=firmware)
    path = store_case(SAVES, "saves", 1, 0, certificate.findings[0], tmp_path)
    assert not run(path, firmware=firmware).ok
    assert run(path).ok


def test_secrets_are_not_in_what_is_told() -> None:
    """Of two contents that differ in passwords only, and of URLs with one in them."""
    base = sweep_of("passwords").base
    found = next(iter(base.contents(0)))
    other = attrs.evolve(found, provisioned=frozenset(), url="http://joe:planted@192.0.2.1/")
    told = f"{unlike(found, frozenset((other,)))} {unlike(other, frozenset((found,)))}"
    assert "ADMIN_PASS" in told
    assert "planted" not in told


def test_what_is_neither_is_said_to_be() -> None:
    base = sweep_of("saves").base
    old, new = next(iter(base.contents(0))), next(iter(base.contents(len(base.operations))))
    mixed: Content = attrs.evolve(old, provisioned=new.provisioned)
    assert "neither the old nor the new configuration" in unlike(mixed, frozenset((old, new)))


def test_a_tally_adds_up() -> None:
    tally = Tally()
    tally.note("1n", Verdict("old", None, "provisioned"))
    tally.add(tally)
    assert (tally.judged, tally.held["old"], tally.outcomes["provisioned"]) == (2, 2, 2)


# --- On the command line ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("case") / "saves.toml"
    write_scenario(SAVES, path)
    return path


def offhook(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    return result.exit_code, result.stdout, result.stderr


def test_the_command_prints_a_certificate(case: Path, tmp_path: Path) -> None:
    code, out, err = offhook("cuts", case, "--db", tmp_path / "x.db")
    assert (code, err) == (0, "")
    assert out.startswith("certificate of power cuts: saves, seed 1\n")
    assert "findings   none" in out
    code, out, _ = offhook("cuts", case, "--db", tmp_path / "x.db", "--json", "-j", 2)
    found = json.loads(out)
    assert code == 0
    assert found["depths"][0]["classes"]["bytes"]["coverage"] == "exhaustive"
    assert found["depths"][0]["judged"] == found["depths"][0]["images"]
    assert found["partial"] == ""
    assert found["digest"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--phone", "3"), "there are phones 0 to 0"),
        (("--budget", "5"), "is not a time"),
        (("--depth", "3"), "is not in the range"),
        (("--db", "/nowhere/x.db"), "no such file or directory"),
    ],
)
def test_wishes_that_cannot_be_met(case: Path, arguments: tuple[str, ...], told: str) -> None:
    code, _, err = offhook("cuts", case, *arguments)
    assert code == 2
    assert told in err


def test_stories_that_cannot_be_swept(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="leave out its own cuts"):
        cuts(attrs.evolve(SAVES, cut=(CutSpec(1),)))
    with pytest.raises(ScenarioError, match="nothing to cut"):
        cuts(story(url=None, provisioned=QUIET))
    assert offhook("cuts", tmp_path / "none.toml")[0] == 2


def test_a_cut_is_played_by_run(case: Path, tmp_path: Path) -> None:
    database = tmp_path / "x.db"
    code, out, _ = offhook("run", case, "--cut", "3p40", "--db", database, "--all")
    assert code == 0
    assert "torn after 40 bytes" in out
    assert "1 expectations: all hold" in out
    assert offhook("replay", "1", "--db", database)[0] == 0
    code, _, err = offhook("run", case, "--cut", "3p40-00000", "--db", database)
    assert code == 2
    assert "nearest" in err
    assert offhook("run", case, "--cut", "nonsense", "--db", database)[0] == 2


def test_the_update_of_a_firmware_is_swept_too() -> None:
    level = sweep_of("updates").first_level()
    rng = random.Random(9)
    cases = [cut for part in level.parts for cut in part.cuts]
    kinds = {judge(sweep_of("updates").base, cut, Bar()).fault for cut in rng.sample(cases, 60)}
    assert kinds == {None}
