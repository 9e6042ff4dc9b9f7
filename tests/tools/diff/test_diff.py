"""``diff``: one change, one cause; equal runs are equal; nothing is lost and no secret is told."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.events import SECOND
from emulator.log.store import LogError, Store
from emulator.world.scenario import Duration, PhoneSpec, Scenario
from tests.tools.diff.pairs import Pair, demo, pairs
from tools import simulate
from tools.diff import diff, first_divergence
from tools.diff.align import aligned, by_occurrence
from tools.diff.model import Diff
from tools.diff.telling import Telling, diff_json
from tools.exports.exporting import export
from tools.locate import located
from tools.timeline import plain

PAIRS = {pair.name: pair for pair in pairs()}


def kept(tmp_path: Path, *stories: Scenario, seeds: tuple[int | None, ...] = (None, None)) -> Path:
    """A database with a run of each story."""
    db = tmp_path / "runs.db"
    for story, seed in zip(stories, seeds, strict=False):
        simulate.run(story, db=db, seed=seed, keep_entries=False)
    return db


def compared(tmp_path: Path, a: Scenario, b: Scenario) -> Diff:
    """The differences of two stories."""
    return diff("1", "2", db=kept(tmp_path, a, b))


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_one_change_is_one_cause(pair: Pair, tmp_path: Path) -> None:
    """What was changed is what is named, and it is the only cause; where it is none of one place, nothing false is."""
    found = compared(tmp_path, pair.a, pair.b)
    assert not found.equal
    if pair.several:
        assert len(found.causes) > 1
        assert all(word in cause.text for word in pair.words for cause in found.causes)
        return
    (cause,) = found.causes
    assert [word for word in pair.words if word not in cause.text] == [], cause.text
    assert cause.count == len(found.differences)


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_the_other_way_round(pair: Pair, tmp_path: Path) -> None:
    """B against A is as many differences, missing for extra, and as many causes."""
    there, back = compared(tmp_path, pair.a, pair.b), diff("2", "1", db=tmp_path / "runs.db")
    turned = {"missing": "extra", "extra": "missing", "later": "earlier", "earlier": "later"}
    assert sum(d.what == "extra" for d in there.differences) - sum(d.what == "missing" for d in there.differences) == (
        sum(turned.get(d.what) == "extra" for d in back.differences)
        - sum(turned.get(d.what) == "missing" for d in back.differences)
    )
    assert len(back.causes) == len(there.causes)


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_every_event_is_accounted_for(pair: Pair, tmp_path: Path) -> None:
    """Each event is shared, paired, missing or extra: exactly one of these."""
    found = compared(tmp_path, pair.a, pair.b)
    missing = [d.a.n for d in found.differences if d.what == "missing" and d.a is not None]
    extra = [d.b.n for d in found.differences if d.what == "extra" and d.b is not None]
    assert sorted([*range(1, found.shared + 1), *(a for a, _ in found.pairs), *missing]) == list(
        range(1, found.a.events + 1)
    )
    assert sorted([*range(1, found.shared + 1), *(b for _, b in found.pairs), *extra]) == list(
        range(1, found.b.events + 1)
    )


def test_equal_runs_are_equal(tmp_path: Path) -> None:
    """The same story twice, to the byte; with other dice, but for noise; and a run is itself."""
    db = kept(tmp_path, demo(), demo(), demo(), seeds=(1, 1, 7))
    same = diff("1", "2", db=db)
    assert same.equal
    assert same.shared == same.a.events
    dice = diff("1", "3", db=db)
    assert dice.equal
    assert dice.shared == 1
    assert {"entropy", "xid", "branch", "tag", "call-id"} <= set(dice.masked)
    assert diff("1@60", "1@60", db=db).equal
    assert not diff("1@60", "1@70", db=db).equal


def test_without_its_rules_noise_is_a_difference(tmp_path: Path) -> None:
    """The masks are what makes runs with other dice equal."""
    from tools.diff import compared as of

    db = kept(tmp_path, demo(), demo(), seeds=(1, 7))
    with located("1", db) as a, located("2", db) as b:
        assert not of(a, b, rules=()).equal


def test_noise_of_ones_own(tmp_path: Path) -> None:
    """A field, a field of a kind, an expression; and a clear line about one that is wrong."""
    pair = PAIRS["another parameter"]
    db = kept(tmp_path, pair.a, pair.b)
    before = len(diff("1", "2", db=db).differences)
    fewer = diff("1", "2", db=db, noise=("SettingChanged.value", "*/192\\.0\\.2\\.4[01]"))
    assert 0 < len(fewer.differences) < before
    for wrong in ("Settingchanged.value", "SettingChanged.", "*/(", "a b"):
        with pytest.raises(LogError, match="--noise"):
            diff("1", "2", db=db, noise=(wrong,))


def test_the_first_divergence_is_found_by_bisection(tmp_path: Path) -> None:
    """It is the first link that differs, for a fork as for any other two."""
    pair = PAIRS["something typed"]
    db = kept(tmp_path, pair.a, pair.b)
    with located("1", db) as a, located("2", db) as b:
        found = first_divergence(a, b)
        assert a.store.link(1, found - 1) == b.store.link(2, found - 1)
        assert a.store.link(1, found) != b.store.link(2, found)
        assert first_divergence(a, a) == a.info.events + 1


def test_phones_are_compared_one_by_one(tmp_path: Path) -> None:
    """In a run of many, what one phone does otherwise is told of that phone."""
    story = evolve(demo(), phone=PhoneSpec(count=3, stagger=Duration(SECOND)))
    pair = PAIRS["something typed"]
    typed = evolve(story, action=(evolve(pair.b.action[-1], phone=2),))
    found = compared(tmp_path, story, typed)
    assert {(d.b or d.a).phone for d in found.differences} == {2}  # type: ignore[union-attr]
    assert len(found.causes) == 1


def test_an_exported_file_and_another_database(tmp_path: Path) -> None:
    """A and B may be files, or lie in different databases."""
    pair = PAIRS["option 160 absent"]
    db = kept(tmp_path, pair.a, pair.b)
    export("2", tmp_path / "b.jsonl", db=db)
    other = tmp_path / "other.db"
    simulate.run(pair.b, db=other, keep_entries=False)
    texts = [
        [cause.text for cause in found.causes]
        for found in (
            diff("1", "2", db=db),
            diff("1", str(tmp_path / "b.jsonl"), db=db),
            diff("1", "1", db=db, db_b=other),
        )
    ]
    assert texts[0] == texts[1] == texts[2]


def test_no_secret_is_told(tmp_path: Path) -> None:
    """Neither in lines nor in JSON, also where it is the very difference."""
    found = compared(tmp_path, PAIRS["another password"].a, PAIRS["another password"].b)
    lines = "\n".join(Telling(plain, every=True).lines(found)) + str(diff_json(found))
    assert "SIP_PASS/1" in lines
    for secret in ("also-a-sample", "some-thing-else", "only-a-sample"):
        assert secret not in lines


def test_lines_fit_the_terminal(tmp_path: Path) -> None:
    """No line of the differences is wider than asked for."""
    found = compared(tmp_path, PAIRS["the server refuses"].a, PAIRS["the server refuses"].b)
    told = list(Telling(plain, width=60, every=True).lines(found))
    assert all(len(line) <= 60 for line in told if line.startswith("  "))
    assert len(told) >= len(found.differences)


def test_a_run_that_was_cut_off(tmp_path: Path) -> None:
    """A log without an end is compared as far as it goes, and its missing rest is no cause of its own."""
    db = kept(tmp_path, demo())
    with Store(db) as store:
        writer = store.begin(store.info(1).header)
        writer.append(list(store.rows(1, 0, 77)), {})
        writer.leave()
    found = diff("1", "2", db=db)
    assert found.shared == 77
    assert {d.what for d in found.differences} == {"missing"}


tokens = st.lists(st.sampled_from("abcd"), max_size=14)


@given(tokens, tokens)
@settings(max_examples=300)
def test_alignment_is_as_long_as_can_be(a: list[str], b: list[str]) -> None:
    """Ascending pairs of equal tokens, as many as the longest common subsequence has."""
    found = aligned(a, b)
    assert all(a[i] == b[j] for i, j in found)
    assert all(x[0] < y[0] and x[1] < y[1] for x, y in pairwise(found))
    assert len(found) == longest(a, b)
    rough = by_occurrence(a, b)
    assert all(a[i] == b[j] for i, j in rough)
    assert all(x[0] < y[0] and x[1] < y[1] for x, y in pairwise(rough))
    assert len(rough) <= len(found)


def longest(a: list[str], b: list[str]) -> int:
    """The length of the longest common subsequence, by the book."""
    table = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            table[i + 1][j + 1] = table[i][j] + 1 if x == y else max(table[i][j + 1], table[i + 1][j])
    return table[-1][-1]
