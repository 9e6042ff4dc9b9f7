"""Power that goes in the middle of flash work: what the log says of it, and what the phone makes of it afterwards."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.events import (
    ConfigurationSaved,
    Entry,
    FlashErased,
    FlashFailed,
    FlashProgrammed,
    FlashSettled,
    FlashTorn,
    PowerCutPlanned,
    PowerLost,
    PowerOff,
    PowerOn,
    RunEnded,
    SaveFailed,
    SettingsLoaded,
)
from emulator.phone.kx_utg200 import kx_utg200
from emulator.phone.state import fold
from emulator.phone.storage import read_store
from emulator.world.scenario import ActionSpec, CutSpec, Scenario, WornSpec
from flash_image import BEHAVIOURS, KINDS, Chip, Erase, Program, Tear, leave, mount, pack, tear
from tests.emulator.phone.bench import QUIET, Bench, initial, on_flash, seconds, served, story, syslog, typed
from tools.simulate import RunResult, run

FLASH = (FlashErased, FlashProgrammed)
WORLD = story(served({"/i.cfg": initial(standard="s.cfg"), "/s.cfg": syslog(SYSLOG_PORT="1", SYSLOG_ADDR="x" * 250)}))
OPS = [entry for entry in run(WORLD).entries if isinstance(entry.event, FLASH)]


def cut(*cuts: CutSpec, world: Scenario = WORLD) -> RunResult:
    return run(attrs.evolve(world, cut=cuts))


def stored(chip: Chip) -> tuple[object, ...]:
    found = read_store(chip)
    return found.provisioned, found.user, found.files, found.last_url


def test_the_world_has_enough_to_cut() -> None:
    assert [type(entry.event) for entry in OPS] == [FlashErased, *[FlashProgrammed] * 6]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("after", range(len(OPS)))
def test_what_was_done_of_the_operation_is_in_the_log_and_nothing_after_it(after: int, kind: str) -> None:
    result = cut(CutSpec(after, kind, 3))
    (torn,), (lost,) = result.of(FlashTorn), result.of(PowerLost)
    before = [entry for entry in result.entries if entry.n < torn.n]
    ops = [entry for entry in before if isinstance(entry.event, FLASH)]
    assert [entry.event for entry in ops] == [entry.event for entry in OPS[:after]]
    assert (lost.n, lost.cause, torn.cause) == (torn.n + 1, torn.n, (OPS[after].cause or 0) + 1)
    assert torn.time == OPS[after].time
    assert lost.time == torn.time + torn.event.took
    assert 0 <= torn.event.took <= (45_000_000 if isinstance(OPS[after].event, FlashErased) else 700_000)
    assert not [entry for entry in before if isinstance(entry.event, ConfigurationSaved | RunEnded)]
    following = result.entries[lost.n]
    assert isinstance(following.event, PowerOn)
    assert following.time == lost.time + seconds(2)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("after", range(len(OPS)))
def test_afterwards_the_phone_has_the_old_configuration_or_the_new_and_is_provisioned(after: int, kind: str) -> None:
    whole = run(WORLD).phones[0].flash.chip
    result = cut(CutSpec(after, kind, 2))
    loaded = [entry.event for entry in result.of(SettingsLoaded)]
    old, new = loaded[0], SettingsLoaded(4, "", ("standard",), (), old_identity(loaded[0]))
    assert loaded[1].values in (old.values, new.values)
    assert bool(loaded[1].files) == (loaded[1].values == new.values)
    assert stored(result.phones[0].flash.chip) == stored(whole)
    assert result.outcome == "provisioned"
    assert mount(result.phones[0].flash.chip).damage == ()


def old_identity(loaded: SettingsLoaded) -> tuple[str, str, str]:
    return loaded.identity


CUTS = st.builds(
    CutSpec,
    st.integers(0, 12),
    st.sampled_from(tuple(KINDS)),
    st.integers(0, 300),
    st.integers(0, 9),
    st.just(seconds(1)),
)


@settings(deadline=None, max_examples=60)
@given(st.lists(CUTS, min_size=1, max_size=6))
def test_however_often_the_power_goes_the_log_folds_and_the_phone_comes_up(cuts: list[CutSpec]) -> None:
    result = cut(*cuts, world=attrs.evolve(WORLD, until=seconds(120)))
    assert fold(kx_utg200(), result.entries) == result.phones[0]
    assert stored(result.phones[0].flash.chip) == stored(run(WORLD).phones[0].flash.chip)
    assert result.outcome == "provisioned"


def test_a_cut_that_is_never_reached_changes_nothing() -> None:
    assert not cut(CutSpec(1000)).of(PowerLost)


def test_the_cuts_of_one_phone_are_not_those_of_another() -> None:
    two = attrs.evolve(WORLD, phone=attrs.evolve(WORLD.phone, count=2), cut=(CutSpec(2, phone=1),))
    assert {entry.phone for entry in run(two).of(PowerLost)} == {1}


def test_what_the_cut_left_is_settled_before_anything_is_loaded() -> None:
    record = next(at for at, op in enumerate(OPS) if b"KXJR" in getattr(op.event, "data", b""))
    result = cut(CutSpec(record, "bytes", 100))
    on, settled = result.of(PowerOn)[1], result.of(FlashSettled)[0]
    assert settled.event.what == ("torn-record",)
    between = [entry.event for entry in result.entries if on.n < entry.n < settled.n]
    assert between
    assert all(isinstance(event, FLASH) for event in between)
    assert result.of(SettingsLoaded)[1].n > settled.n
    grounds = {n for entry in result.entries if on.n < entry.n < settled.n for n in entry.because}
    assert result.of(FlashTorn)[0].n in grounds, "the torn operation is why"


# --- Power that is switched off -------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", range(len(OPS)))
@pytest.mark.parametrize("part", [0, 1, 350_000, 699_999])
def test_power_switched_off_in_an_operation_tears_it_in_proportion(at: int, part: int) -> None:
    op = OPS[at]
    world = attrs.evolve(
        WORLD,
        action=(ActionSpec(op.time + part, "power-off"), ActionSpec(seconds(9), "power-on")),  # type: ignore[arg-type]
    )
    result = run(world)
    planned, torn, lost = result.of(PowerCutPlanned)[0], result.of(FlashTorn)[0], result.of(PowerLost)[0]
    first = next(entry for entry in OPS if entry.cause == op.cause)
    assert planned.event.after == at - OPS.index(first)
    busy, size = (45_000_000, 4096) if isinstance(op.event, FlashErased) else (700_000, len(op.event.data))
    assert planned.event.keep == size * part // busy
    assert torn.time == op.time
    assert 0 <= op.time + part - lost.time <= busy // size + 1, "to the byte"
    assert not result.of(PowerOff), "it is off already"
    assert result.of(PowerOn)[1].time == seconds(9)
    assert stored(result.phones[0].flash.chip) == stored(run(WORLD).phones[0].flash.chip)


def test_power_switched_off_between_two_inputs_is_what_it_always_was() -> None:
    quiet = OPS[-1].time + seconds(3)
    world = attrs.evolve(WORLD, action=(ActionSpec(quiet, "power-off"),), until=seconds(30))  # type: ignore[arg-type]
    result = run(world)
    assert [entry.time for entry in result.of(PowerOff)] == [quiet]
    assert not result.of(PowerCutPlanned)


def test_the_last_byte_of_an_operation_is_torn_too() -> None:
    op = OPS[-1]
    world = attrs.evolve(WORLD, action=(ActionSpec(op.time + 700_000, "power-off"),), until=seconds(30))  # type: ignore[arg-type]
    assert run(world).of(PowerOff), "the work is done"


# --- The fold -------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=40)
@given(st.integers(0, len(OPS) - 1), st.sampled_from(tuple(KINDS)), st.integers(0, 255), st.integers(0, 20))
def test_the_torn_event_leaves_what_the_tear_of_the_chip_leaves(after: int, kind: str, keep: int, sample: int) -> None:
    result = cut(CutSpec(after, kind, keep, sample, seconds(100)))
    torn = result.of(FlashTorn)[0]
    before = fold(kx_utg200(), result.entries[: torn.n - 1]).flash.chip
    event = OPS[after].event
    op = Erase(event.sector) if isinstance(event, FlashErased) else Program(event.address, event.data)
    made = before.copy()
    leave(made, tear(before, op, Tear(torn.event.tear, min(keep, last_of(op, torn.event.tear)), sample)))
    after_it: list[Entry] = result.entries[: torn.n]
    assert pack(fold(kx_utg200(), after_it).flash.chip) == pack(made)


def last_of(op: Erase | Program, kind: str) -> int:
    size = len(op.data) if isinstance(op, Program) else 4096
    return size - 1 if kind in ("bits", "unstable") else size


# --- Worn sectors and flips -----------------------------------------------------------------------------------------


def worn(behaviour: str, *sectors: int) -> RunResult:
    limits = (WornSpec(behaviour, 0, sectors),)
    return run(attrs.evolve(WORLD, phone=attrs.evolve(WORLD.phone, worn=limits), until=seconds(10)))


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
@pytest.mark.parametrize("erasures", [0, 1])
@pytest.mark.parametrize("kind", KINDS)
def test_the_power_may_go_in_a_worn_sector(kind: str, erasures: int, behaviour: str) -> None:
    """The operation leaves what it can, and the phone starts again."""
    phone = attrs.evolve(WORLD.phone, worn=(WornSpec(behaviour, erasures, tuple(range(16, 60))),))
    for after in range(3):
        result = run(attrs.evolve(WORLD, phone=phone, cut=(CutSpec(after, kind, 3),), until=seconds(10)))
        assert len(result.of(PowerOn)) == 1 + len(result.of(PowerLost))
        assert len(result.of(FlashTorn)) == len(result.of(PowerLost))


@pytest.mark.parametrize("behaviour", [b for b in BEHAVIOURS if b != "read-error"])
@pytest.mark.parametrize("sectors", [(48,), (16,), tuple(range(16, 60))])
def test_a_worn_sector_fails_the_save_and_the_old_configuration_stays(behaviour: str, sectors: tuple[int, ...]) -> None:
    result = worn(behaviour, *sectors)
    if behaviour.startswith("erase") and sectors == (16,):
        assert result.of(ConfigurationSaved), "nothing is erased there"
        return
    (failed,) = result.of(FlashFailed)
    assert failed.event.reason == behaviour
    assert [entry.event.reason for entry in result.of(SaveFailed)] == [behaviour]
    assert not result.of(ConfigurationSaved)
    chip = result.phones[0].flash.chip
    assert stored(chip)[0].keys() == QUIET.keys()  # type: ignore[attr-defined]
    assert result.outcome == "provisioned", "the values are in force as long as there is power"
    later = [entry for entry in result.entries if entry.n > failed.n and isinstance(entry.event, FLASH)]
    assert later == [], "what the same decision had still ordered is not done"
    assert fold(kx_utg200(), result.entries) == result.phones[0]


def test_a_failed_operation_takes_its_time() -> None:
    result = worn("erase-error", 48)
    failed = result.of(FlashFailed)[0]
    assert result.of(SaveFailed)[0].time == failed.time + 45_000_000


def test_a_sector_that_cannot_be_read_is_told_when_the_settings_are_loaded() -> None:
    result = worn("read-error", 16)
    (loaded,) = result.of(SettingsLoaded)
    assert "unreadable-sector" in loaded.event.damage
    assert loaded.event.values == 0
    assert result.of(RunEnded)


def test_a_flip_that_is_lifted_again_gives_the_settings_back() -> None:
    first = run(WORLD).phones[0].flash.chip
    tail = mount(first).tail
    assert tail is not None
    flip = {"do": "flip", "address": tail - 300, "mask": "10"}
    hands = (
        ActionSpec(seconds(1), **flip),
        ActionSpec(seconds(2), "power-off"),
        ActionSpec(seconds(3), "power-on"),
        ActionSpec(seconds(3.001), "power-off"),
        ActionSpec(seconds(4), **flip),
        ActionSpec(seconds(5), "power-on"),
    )
    lonely = attrs.evolve(WORLD, files=(), action=hands, until=seconds(6))
    result, _ = on_flash(lonely, pack(first))
    digests = [entry.event.digest for entry in result.entries if isinstance(entry.event, SettingsLoaded)]
    assert digests[0] == digests[2] != digests[1]


def test_a_bench_can_plan_a_cut_while_the_phone_is_on() -> None:
    bench = Bench()
    bench.feed(PowerCutPlanned(1, "bytes", 5, 0))
    bench.feed(typed("SYSLOG_PORT", "99"))
    assert [type(entry.event) for entry in bench.entries[-3:]] == [FlashProgrammed, FlashTorn, PowerLost]
    assert not bench.phone.power.on
    assert bench.phone.flash.cut is None
    bench.feed(PowerOn("11" * 32))
    assert bench.phone.settings.user == {}
