"""Timers E, F and K of RFC 3261 s.17.1.2, to the nanosecond: as data, and on a phone whose registrar is silent."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.events import SECOND, LineWaiting, PacketRefused, TimerDue
from emulator.phone.transactions import T1, T2, TIMER_K, begin, following
from tests.emulator.phone.bench import of
from tests.emulator.phone.registering import CONTACT, REGISTRAR, answer, last, line, phone, response, sent

HALVES = [0, 1, 3, 7, 15, 23, 31, 39, 47, 55, 63]
"""When a REGISTER goes out that nobody answers, in halves of a second (RFC 3261 s.17.1.2.1)."""


def fired(provisional_at: int | None = None, **timers: int) -> list[int]:
    """The times at which Timer E fires, and last Timer F, of a transaction that begins at 0."""
    transaction, now, times = begin("z9hG4bK1", 0, **timers), 0, [0]
    while not transaction.timed_out(now):
        following_at = now + transaction.wait(now)
        if provisional_at is not None and now <= provisional_at < following_at:
            transaction = transaction.provisional()
        now = following_at
        times.append(now)
        transaction = transaction.retransmitted()
    return times


def test_timer_e_doubles_up_to_t2_and_timer_f_ends_it() -> None:
    assert fired() == [n * SECOND // 2 for n in (*HALVES, 64)]


@pytest.mark.parametrize(
    ("provisional_at", "halves"),
    [
        (0, [0, 1, 9, 17, 25, 33, 41, 49, 57, 64]),
        (SECOND // 2 - 1, [0, 1, 9, 17, 25, 33, 41, 49, 57, 64]),
        (SECOND // 2, [0, 1, 3, 11, 19, 27, 35, 43, 51, 59, 64]),
        (30 * SECOND, [*HALVES, 64]),
    ],
)
def test_in_proceeding_timer_e_is_t2_from_its_next_firing_on(provisional_at: int, halves: list[int]) -> None:
    assert fired(provisional_at) == [n * SECOND // 2 for n in halves]


@given(st.integers(1, T1), st.integers(T1, 8 * T2), st.integers(1, 200 * T2))
def test_whatever_the_timers_it_ends_with_timer_f(t1: int, t2: int, timer_f: int) -> None:
    times = fired(t1=t1, t2=t2, timer_f=timer_f)
    assert times[-1] == timer_f
    assert all(0 < later - sooner <= t2 for sooner, later in pairwise(times))


def test_the_wait_doubles_and_never_passes_t2() -> None:
    assert following(T1) == 2 * T1
    assert following(T2) == following(T2 - 1) == T2


# --- On a phone -----------------------------------------------------------------------------------------------------


def test_a_silent_registrar_gets_eleven_equal_requests_and_then_a_rest() -> None:
    bench = phone()
    begun = bench.now
    bench.run_to(begun + 32 * SECOND)
    assert [time - begun for time, _ in sent(bench)] == [n * SECOND // 2 for n in HALVES]
    assert len({event.payload for _, event in sent(bench)}) == 1
    (gave_up,) = bench.of(LineWaiting)
    assert gave_up.time - begun == 32 * SECOND
    assert gave_up.event == LineWaiting(1, "timeout", 0, 10 * SECOND)


@pytest.mark.parametrize(
    ("settings", "seconds"),
    [
        ({"SIP_TIMER_T1/1": "2000"}, [0, 2, 6, 10, 14, 18, 22, 26, 30]),
        ({"SIP_TIMER_T2/1": "2"}, [0, 0.5, *(n + 0.5 for n in range(1, 32, 2))]),
        ({"SIP_TIMER_F/1": "1500"}, [0, 0.5]),
        ({"SIP_TIMER_F/1": "1501"}, [0, 0.5, 1.5]),
    ],
)
def test_the_settings_of_a_line_give_its_timers(settings: dict[str, str], seconds: list[float]) -> None:
    bench = phone(settings)
    begun = bench.now
    bench.until(LineWaiting)
    assert [time - begun for time, _ in sent(bench)] == [round(n * SECOND) for n in seconds]


def test_a_provisional_response_makes_the_phone_patient() -> None:
    bench = phone()
    begun = bench.now
    answer(bench, 100)
    bench.run_to(begun + 32 * SECOND)
    assert [time - begun for time, _ in sent(bench)] == [n * SECOND // 2 for n in (0, 1, 9, 17, 25, 33, 41, 49, 57)]
    assert line(bench).state == "waiting"


@pytest.mark.parametrize(("after", "refused"), [(0, 0), (TIMER_K - 1, 0), (TIMER_K, 1)])
def test_a_repeated_final_response_is_absorbed_until_timer_k(after: int, refused: int) -> None:
    bench = phone()
    request = last(bench)
    answer(bench, 200, Contact=f"<{CONTACT}>;expires=3600")
    before = len(bench.entries)
    bench.wait(after)
    bench.receive(response(request, 403), 5060, REGISTRAR, 5060)
    found = of(bench.entries[before:], PacketRefused)
    assert [entry.event for entry in found] == [PacketRefused("SIP", "no-transaction")] * refused
    assert line(bench).state == "registered"


def test_what_comes_after_timer_f_is_a_stray() -> None:
    bench = phone()
    request = last(bench)
    bench.until(LineWaiting)
    bench.receive(response(request, 200), 5060, REGISTRAR, 5060)
    assert [entry.event.reason for entry in bench.of(PacketRefused)] == ["no-transaction"]
    assert line(bench).state == "waiting"


def test_timer_k_is_no_timer_of_its_own() -> None:
    """Absorbing costs no event: an idle phone wakes up only to register again."""
    bench = phone()
    answer(bench, 200)
    before = len(bench.entries)
    bench.wait(1799 * SECOND)
    assert not of(bench.entries[before:], TimerDue)
