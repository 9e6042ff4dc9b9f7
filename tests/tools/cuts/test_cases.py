"""Ids of cuts, what tears there are, equal images, and where fields begin."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.events import FlashTorn
from emulator.world.run import Run
from emulator.world.scenario import Duration
from emulator.world.toml import ScenarioError, read_scenario
from flash_image import Erase, Program, Tear, leave, tear
from flash_image.edges import field_edges
from tests.emulator.phone.bench import seconds
from tests.tools.cuts.test_faulty import SAVES, UPDATES
from tools.cuts.cases import LETTERS, Cut, chip_key, every_tear, first_tears, parse, second_tears, torn_key
from tools.cuts.ids import checked, operations, refuse, resolve
from tools.cuts.life import Life, live
from tools.simulate import run

DEMO = Path(__file__).resolve().parents[3] / "scenarios" / "first-boot-option-160.toml"
CUTS = st.builds(
    Cut,
    st.integers(1, 10**6),
    st.builds(Tear, st.sampled_from(tuple(LETTERS.values())), st.integers(0, 4096), st.integers(0, 99)),
)


WORLDS = {"saves": SAVES, "updates": UPDATES}


@cache
def life_of(name: str) -> Life:
    return live(Run(WORLDS[name]), 0, WORLDS[name].until)


@given(st.lists(CUTS, min_size=1, max_size=3))
def test_an_id_is_read_as_it_was_written(cuts: list[Cut]) -> None:
    plain = [cut for cut in cuts if cut.tear.kind not in ("nothing", "bytes", "partial") or not cut.tear.sample]
    text = "/".join(cut.name for cut in plain)
    if text:
        again = [cut for cut, _ in parse(text)]
        assert [cut.name for cut in again] == [cut.name for cut in plain]
        assert len(text) <= 24 * len(plain)


@pytest.mark.parametrize(
    "text", ["", "17", "x", "17q3", "0n", "17p37-", "17p37-b3e4", "17p37-B3E4A", "1n/", "1n//2n", "-1n"]
)
def test_what_is_no_id(text: str) -> None:
    with pytest.raises(ValueError, match="is no id of a cut"):
        parse(text)


def test_an_id_leads_to_its_cut_and_no_other_code_takes_it() -> None:
    scenario = read_scenario(DEMO)
    name = checked(scenario, "13p37/4p1", None, None, 0)
    (one, first), (other, second) = parse(name)
    assert (one, other) == (Cut(13, Tear("bytes", 37)), Cut(4, Tear("bytes", 1)))
    assert len(first) == len(second) == 5
    story = resolve(scenario, name, None)
    assert [cut.after for cut in story.cut] == [12, 3]
    assert len(run(story).of(FlashTorn)) == 2
    assert resolve(scenario, "13p37", None).cut == story.cut[:1], "without a check it is taken at its word"
    changed = attrs.evolve(scenario, phone=attrs.evolve(scenario.phone, mac="0080F0123457"))
    with pytest.raises(
        ScenarioError, match=r"this is another run, or other code; nearest .*is [0-9]+p37-[0-9a-f]{5} \("
    ):
        resolve(changed, name, None)


def test_the_nearest_operation_is_one_that_does_the_same() -> None:
    """Code that does two operations less in front of it: the id names the one that is meant."""
    there = operations(SAVES, 0, None, None)
    with pytest.raises(ScenarioError, match=rf"the nearest like it is 5p9-{there[4].check} \("):
        refuse("3p9", Cut(3, Tear("bytes", 9)), there[4].check, there)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("99n", "there are 24 operations; nearest is 24n-"),
        ("13x", "'13x' is no id of a cut"),
        ("1n/99999n", "there are"),
        ("18e1", "to program 176 bytes at 0x4000 can be torn by n, p, b, u only"),
        ("5b3", "to erase sector 49 can be torn by n, p, e, u only"),
        ("18p177", "can be torn so after 0 to 176 bytes"),
        ("18u176", "can be torn so after 0 to 175 bytes"),
    ],
)
def test_ids_that_lead_nowhere(text: str, told: str) -> None:
    with pytest.raises(ScenarioError, match=told):
        resolve(read_scenario(DEMO), text, None)


def test_a_scenario_that_has_cuts_takes_no_id() -> None:
    story = resolve(SAVES, "1n", None)
    with pytest.raises(ScenarioError, match="cuts of its own"):
        resolve(story, "1n", None)


@pytest.mark.parametrize("name", WORLDS)
def test_every_byte_of_every_operation_is_among_the_tears(name: str) -> None:
    for operation in life_of(name).operations:
        op, chip = operation.op, operation.before
        tears = list(every_tear(op, chip, 1))
        size = len(op.data) if isinstance(op, Program) else 4096
        assert sum(count for how, count in tears if how.kind == "bytes") == size - 1
        assert [count for how, count in tears if how.kind == "nothing"] == [1]
        left = {}
        for keep in range(1, size):
            after = chip.copy()
            leave(after, tear(chip, op, Tear("bytes", keep)))
            left[chip_key(after)] = keep
        mine = {torn_key(chip, chip_key(chip), op, how)[0] for how, _ in tears if how.kind == "bytes"}
        assert mine == set(left), "a prefix that is left out leaves what another one does"


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_the_key_of_a_torn_chip_is_that_of_the_chip_it_leaves(data: st.DataObject) -> None:
    operation = data.draw(st.sampled_from(life_of("saves").operations))
    tears = [how for how, _ in every_tear(operation.op, operation.before, 2)]
    how = data.draw(st.sampled_from([*tears, *second_tears(operation.op, operation.before)]))
    key, weak, turn = torn_key(operation.before, chip_key(operation.before), operation.op, how)
    chip = operation.before.copy()
    leave(chip, tear(chip, operation.op, how))
    assert key == chip_key(chip)
    assert dict(weak) == ({} if chip.faults is None else chip.faults.unstable)
    assert turn == (chip.faults.turn if weak and chip.faults is not None else 0)


def test_first_cuts_are_at_the_edges_of_fields_and_beside_them() -> None:
    operations = life_of("saves").operations
    edges = field_edges([operation.op for operation in operations])
    record = next(o for o in operations if isinstance(o.op, Program) and o.op.data[:4] == b"KXJR")
    assert isinstance(record.op, Program)
    at = edges[record.number - 1]
    entries = 28
    assert {4, 5, 6, 8, 12, 16, 20, 24, 28, entries + 1, entries + 2, entries + 4} <= at
    size = len(record.op.data)
    assert {size - 5, size - 1} <= at or size == 256, "the checksum and the end mark"
    cuts = {how.keep for how in first_tears(record.op, record.before, at) if how.kind == "bytes"}
    assert cuts >= {1, size // 2, size - 1} | {
        keep for edge in at for keep in (edge - 1, edge, edge + 1) if 0 < keep < size
    }


def test_edges_follow_a_record_through_its_pages() -> None:
    body = b"KXJR\x02\x01\x02\x00" + bytes(12) + (600).to_bytes(4, "little") + bytes(4)
    body += b"\x01\x03\xf4\x01abc" + bytes(500) + b"\x01\x01\x00\x00z" + bytes(88) + b"crc!\x00"
    ops = [Program(at, body[at : at + 256]) for at in range(0, len(body), 256)]
    edges = field_edges([Erase(3), *ops, Program(9000, b"other")])
    assert edges[0] == edges[-1] == frozenset()
    assert {28, 29, 30, 32, 35} <= edges[1]
    assert 35 + 500 - 512 in edges[3]
    assert 628 - 512 in edges[3], "where the checksum begins"


def test_a_life_knows_what_the_chip_holds_between_its_operations() -> None:
    life = life_of("saves")
    assert life.broken == []
    assert list(life.astray()) == []
    held = [life.contents(number) for number in range(len(life.operations) + 1)]
    assert len(set(held)) == 2
    assert all(len(contents) == 1 for contents in held)
    switch = held.index(held[-1])
    assert set(held[:switch]) == {held[0]}
    assert isinstance(life.operations[switch - 1].op, Program)
    assert life.operations[0].fork.now <= Duration(seconds(1))
