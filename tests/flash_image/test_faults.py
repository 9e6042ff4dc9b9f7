"""Flipped bits, worn sectors: what the chip does then, and that the readers of the chip live with it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flash_image.chip import Chip, ChipFault, Erase, Program
from flash_image.faults import BEHAVIOURS, Behaviour, Limit
from flash_image.files import FileDamaged, read_file
from flash_image.firmware import FirmwareError, FirmwareImage, encode_firmware
from flash_image.image import pack, raw, unpack
from flash_image.journal import mount, plan
from flash_image.layout import LayoutError, identity, partitions
from flash_image.logring import LogLine, plan_log, read_log
from flash_image.slots import Choice, first_sector, plan_block, plan_choice, read_environment, read_slot
from tests.flash_image.journal_model import BANK_STARTS, SMALL, commit, cut, fresh, power_on, state_of

EVERYWHERE = tuple(range(SMALL.sector_count))


@settings(deadline=None)
@given(st.integers(0, SMALL.size - 40), st.binary(min_size=1, max_size=40))
def test_flipped_twice_a_chip_is_as_it_was(address: int, mask: bytes) -> None:
    chip = fresh()
    commit(chip, {"a": b"1"}, {"f": b"body" * 200})
    before = chip.read(0, SMALL.size)
    chip.flip(address, mask)
    flipped = chip.read(0, SMALL.size)
    differs = {at for at in range(SMALL.size) if flipped[at] != before[at]}
    assert differs == {address + at for at, bits in enumerate(mask) if bits}
    assert chip.read(address, len(mask)) == flipped[address : address + len(mask)]
    chip.flip(address, mask)
    assert chip.read(0, SMALL.size) == before
    assert chip.faults is not None
    assert chip.faults.flips == {}


def test_a_flip_stays_over_what_is_programmed_and_erased() -> None:
    chip = Chip(SMALL)
    chip.flip(3, b"\x01")
    assert chip.read(3, 1) == b"\xfe"
    assert not chip.is_blank(0)
    chip.program(3, b"\x0e")
    assert chip.read(3, 1) == b"\x0f"
    chip.erase(0)
    assert chip.read(3, 1) == b"\xfe"
    chip.flip(3, b"\x01")
    assert chip.is_blank(0)


def test_a_sector_lasts_for_so_many_erasures() -> None:
    chip = Chip(SMALL)
    chip.wear_out(Limit(3, "erase-error"), (1,))
    for _ in range(3):
        chip.erase(1)
    assert chip.fault_of(Erase(1)) == "erase-error"
    with pytest.raises(ChipFault, match="erase-error"):
        chip.erase(1)
    assert chip.wear == {1: 3}
    chip.program(512, b"x")
    assert chip.fault_of(Program(512, b"x")) is None, "of the behaviours a sector shows one"
    chip.erase(0)
    chip.wear_out(Limit(1, "program-loss"))
    assert (chip.fault_of(Program(0, b"x")), chip.fault_of(Program(512, b"x"))) == ("program-loss", None)


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_what_a_worn_sector_does(behaviour: Behaviour) -> None:
    chip = Chip(SMALL)
    chip.program(0, b"\x0f")
    chip.wear_out(Limit(0, behaviour), (0,))
    for op, changed in ((Program(0, b"\xf0"), b"\x00"), (Erase(0), b"\xff")):
        attempt = chip.copy()
        name = "program" if isinstance(op, Program) else "erase"
        fault = attempt.fault_of(op)
        assert fault == (behaviour if behaviour.startswith(name) else None)
        if fault is not None and fault.endswith("error"):
            with pytest.raises(ChipFault, match=fault):
                attempt.apply(op)
        else:
            attempt.apply(op)
        if behaviour == "read-error":
            with pytest.raises(ChipFault, match="read-error"):
                attempt.read(0, 1)
        else:
            assert attempt.read(0, 1) == (b"\x0f" if fault else changed)


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (lambda chip: chip.flip(SMALL.size, b"\x01"), "read-range"),
        (lambda chip: chip.flip(-1, b"\x01"), "read-range"),
        (lambda chip: chip.weaken(SMALL.size - 1, b"\x01\x01", 0), "read-range"),
        (lambda chip: chip.wear_out(Limit(0, "erase-error"), (SMALL.sector_count,)), "sector-range"),
        (lambda chip: chip.wear_out(Limit(0, "shy")), "behaviour"),
        (lambda chip: chip.wear_out(Limit(-1, "erase-error")), "behaviour"),
    ],
)
def test_faults_that_no_chip_has(act, reason: str) -> None:  # type: ignore[no-untyped-def]
    chip = Chip(SMALL)
    with pytest.raises(ChipFault, match=reason):
        act(chip)
    assert chip == Chip(SMALL)


def full() -> Chip:
    chip = fresh()
    commit(chip, {"a": b"1"}, {"f": b"body" * 200})
    image = encode_firmware(FirmwareImage("M", "03.220", bytes(900)))
    for work in (
        lambda: plan_choice(chip, Choice("A")),
        lambda: plan_choice(chip, Choice("B")),
        lambda: plan_block(chip, "B", image, 0)[0],
        lambda: plan_log(chip, [LogLine(1, False, 6, "T", "text")], None)[0],
    ):
        for op in work():
            chip.apply(op)
    return chip


@pytest.mark.parametrize("sector", EVERYWHERE)
def test_a_sector_that_cannot_be_read_is_damage_and_nothing_worse(sector: int) -> None:
    chip = full()
    chip.wear_out(Limit(0, "read-error"), (sector,))
    assert not chip.is_blank(sector)
    layout = partitions(chip)
    assert layout.damage == ("unreadable" if sector == 0 else "")
    if sector == 1:
        with pytest.raises(LayoutError, match="factory-data-damaged"):
            identity(chip)
    mounted = mount(chip)
    journal = 16 <= sector < 48
    assert any(found.code == "unreadable-sector" for found in mounted.damage) == journal
    assert mounted.values == ({} if sector == 16 else {"a": b"1"})
    files = mount(full()).files["f"].sectors
    if sector in files:
        with pytest.raises(FileDamaged, match="unreadable"):
            read_file(chip, mounted.files["f"])
    environment = read_environment(chip)
    assert environment.choice is not None
    assert environment.choice.slot == ("A" if sector == 3 else "B")
    if sector == first_sector(full(), "B"):
        with pytest.raises(FirmwareError, match="unreadable"):
            read_slot(chip, "B")
    assert len(read_log(chip).lines) == (0 if sector == 4 else 1)
    assert len(raw(chip)) == SMALL.size


def test_records_behind_an_unreadable_sector_are_never_read_as_if_nothing_were_missing() -> None:
    chip = fresh()
    for number in range(20):
        commit(chip, {"count": b"%d" % number, "filler": bytes([number]) * 50})
    chip.wear_out(Limit(0, "read-error"), (BANK_STARTS[0] // SMALL.sector + 2,))
    found = mount(chip)
    assert found.damage
    assert found.tail is None
    assert int(found.values["count"]) < 19


def test_a_flip_anywhere_costs_nothing_once_it_is_lifted() -> None:
    """Whatever a phone settles while a bit reads the other way, what was committed comes back with the bit."""
    chip = fresh()
    for number in range(3):
        commit(chip, {"a": b"%d" % number, "b": b"\xff" * 40 + bytes(40)}, {"f": b"%d" % number}, first=True)
    torn = plan(chip, mount(chip), {"a": b"torn"}, {}, True)
    chip.apply(torn[0])
    chip = cut(chip, torn[1], 20)
    power_on(chip)
    commit(chip, {"a": b"last", "z": None}, first=True)
    state = state_of(chip)
    assert state[0]["a"] == b"last"
    for at in range(BANK_STARTS[0], BANK_STARTS[0] + 20 * SMALL.page):
        for bit in range(8):
            aged = chip.copy()
            aged.flip(at, bytes([1 << bit]))
            for _ in range(2):
                power_on(aged)
            aged.flip(at, bytes([1 << bit]))
            assert state_of(aged, power_on(aged)) == state, f"bit {bit} of {at:#x}"


def chips_with_faults() -> st.SearchStrategy[Chip]:
    masks = st.dictionaries(st.integers(0, SMALL.size - 1), st.integers(1, 255), max_size=4)
    limits = st.dictionaries(
        st.integers(-1, SMALL.sector_count - 1),
        st.builds(Limit, st.integers(0, 9), st.sampled_from(BEHAVIOURS)),
        max_size=3,
    )

    def build(flips: dict[int, int], unstable: dict[int, int], turn: int, worn: dict[int, Limit]) -> Chip:
        chip = fresh()
        for at, bits in flips.items():
            chip.flip(at, bytes([bits]))
        for at, bits in unstable.items():
            chip.weaken(at, bytes([bits]), turn)
        for sector, limit in worn.items():
            chip.wear_out(limit, () if sector < 0 else (sector,))
        return chip

    return st.builds(build, masks, masks, st.integers(0, 99), limits)


@settings(deadline=None)
@given(chips_with_faults())
def test_faults_are_in_the_packed_image(chip: Chip) -> None:
    image = pack(chip)
    assert unpack(image) == chip
    assert pack(unpack(image)) == image
    assert (image[8] == 2) == (chip.faults is not None)
    copied = chip.copy()
    copied.flip(0, b"\x80")
    assert copied != chip
