"""The log's ring: what is written is read, in order, until it is the oldest; a cut costs a page."""

import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flash_image.chip import Chip, Erase, Geometry, Program
from flash_image.layout import factory, partitions
from flash_image.logring import LogEnd, LogLine, has_log, plan_log, read_log
from tests.flash_image.journal_model import SMALL, bytes_of, fresh, sampled, torn

ROOM = SMALL.page - 16 - 12
LINES = st.builds(
    LogLine,
    st.integers(0, 2**64 - 1),
    st.booleans(),
    st.integers(0, 7),
    st.text(max_size=8),
    st.text(max_size=20),
)


def line(number: int, text: str = "something happened") -> LogLine:
    return LogLine(number, False, number % 8, "T", f"{number} {text}"[:30])


def write(chip: Chip, lines: list[LogLine], end: LogEnd | None) -> LogEnd:
    ops, following = plan_log(chip, lines, end)
    for op in ops:
        chip.apply(op)
    assert following is not None
    return following


def fits(one: LogLine) -> bool:
    tag, text = one.tag.encode("utf-8", "replace"), one.text.encode("utf-8", "replace")
    return len(tag) <= ROOM // 2 and len(tag) + len(text) <= ROOM and (tag + text).decode() == one.tag + one.text


@settings(deadline=None)
@given(st.lists(st.lists(LINES.filter(fits), min_size=1, max_size=5), max_size=12), st.lists(st.booleans()))
def test_what_is_written_is_read_in_order(batches: list[list[LogLine]], restarts: list[bool]) -> None:
    chip, end, written = fresh(), None, []
    for index, batch in enumerate(batches):
        again = index < len(restarts) and restarts[index]
        end = write(chip, batch, None if again else end)
        written += batch
    found = read_log(chip)
    assert found.torn == ()
    assert list(found.lines) == written[len(written) - len(found.lines) :]
    assert len(found.lines) == len(written) or len(found.lines) > 40


def test_the_oldest_sector_goes_when_the_ring_comes_round() -> None:
    chip, end = fresh(), None
    for number in range(300):
        end = write(chip, [line(number)], end)
    held = [each.time for each in read_log(chip).lines]
    assert held == list(range(300 - len(held), 300))
    pages = 12 * SMALL.sector // SMALL.page
    assert pages - SMALL.sector // SMALL.page <= len(held) <= pages
    counts = [chip.wear[sector] for sector in range(4, 16)]
    assert max(counts) - min(counts) <= 1
    assert set(chip.wear) == set(range(4, 16))


def test_pages_and_lines_as_documented() -> None:
    chip = factory("0080F0ABCDEF", "KX-UTG200")
    ops, end = plan_log(chip, [LogLine(5, True, 3, "PROV", "a"), LogLine(6, False, 7, "T", "b")], None)
    lines = struct.pack("<QBBBB", 5, 1, 3, 4, 1) + b"PROVa" + struct.pack("<QBBBB", 6, 0, 7, 1, 1) + b"Tb"
    body = struct.pack("<4sBBHI", b"KXLP", 1, 2, len(lines), 1) + lines
    assert ops == (Erase(4), Program(4 * 4096, body + struct.pack("<I", zlib.crc32(body))))
    assert end == LogEnd(4 * 4096 + 256, 2)


def test_what_fits_into_no_page_is_cut_between_characters() -> None:
    chip = fresh()
    write(chip, [LogLine(1, False, 0, "t" * 99, "\u00e4" * 99), LogLine(-5, False, 9, "", "\ud800")], None)
    first, second = read_log(chip).lines
    assert (first.tag, first.text) == ("t" * (ROOM // 2), "\u00e4" * ((ROOM - ROOM // 2) // 2))
    assert (second.time, second.severity, second.text) == (0, 1, "?")


def test_after_power_on_a_page_is_retired() -> None:
    chip = fresh()
    end = write(chip, [line(1)], None)
    _, goes_on = plan_log(chip, [line(2)], end)
    ops, resumed = plan_log(chip, [line(2)], None)
    assert ops[0] == Program(end.address, bytes(SMALL.page))
    assert goes_on is not None
    assert resumed is not None
    assert resumed.address == goes_on.address + SMALL.page
    assert resumed.sequence == goes_on.sequence
    chip.apply(ops[0])
    assert read_log(chip).torn == ()
    ops, resumed = plan_log(chip, [line(2)], None)
    assert ops[0] == Erase(5), "somebody began here before"
    assert plan_log(chip, [], None) == ((), None)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 70), st.lists(LINES.filter(fits), min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_a_cut_costs_the_page_that_was_written_and_the_sector_that_was_erased(
    before: int, lines: list[LogLine], rng: object
) -> None:
    chip, end = fresh(), None
    for number in range(before):
        end = write(chip, [line(number)], end)
    ops, _ = plan_log(chip, lines, None)
    known = list(read_log(chip).lines)
    for op in ops:
        done = chip.copy()
        done.apply(op)
        left_by_erasure = [each for each in read_log(done).lines if each in known]
        for how in sampled(op, rng):  # type: ignore[arg-type]
            left = torn(chip, op, how)
            if left.faults is not None:
                left.faults.turn += 1
            found = [each for each in read_log(left).lines if each in known]
            assert found[len(found) - len(left_by_erasure) :] == left_by_erasure
            after = write(left, [line(1000)], None)
            write(left, [line(1001)], after)
            for _ in range(3):
                if left.faults is not None:
                    left.faults.turn += 1
                assert [each.time for each in read_log(left).lines[-2:]] == [1000, 1001]
        chip = done


def test_a_chip_of_format_1_has_no_ring() -> None:
    chip = factory("0080F0ABCDEF", "KX-UTG200", version=1)
    assert not has_log(chip)
    assert plan_log(chip, [line(1)], None) == ((), None)
    assert read_log(chip).lines == ()
    assert has_log(fresh())


@settings(deadline=None)
@given(st.dictionaries(st.integers(4, 15), st.binary(min_size=512, max_size=512), max_size=4), st.binary(max_size=40))
def test_junk_is_no_line(sectors: dict[int, bytes], body: bytes) -> None:
    chip = fresh()
    chip.sectors.update({sector: cells for sector, cells in sectors.items() if cells != b"\xff" * 512})
    assert read_log(chip).lines == ()
    raw = struct.pack("<4sBBHI", b"KXLP", 1, 3, len(body), 9) + body
    chip.erase(4)
    chip.program(4 * 512, raw + struct.pack("<I", zlib.crc32(raw)))
    assert len(read_log(chip).lines) in (0, 3)
    assert bytes_of(Program(0, b"ab")) == 2


@pytest.mark.parametrize("geometry", [SMALL, Geometry()])
def test_the_ring_is_where_the_table_says(geometry: Geometry) -> None:
    chip = fresh(geometry)
    place = partitions(chip).partition("log")
    assert (place.first, place.count) == (4, 12)
