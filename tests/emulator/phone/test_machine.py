"""The automaton: reactions decide, applies copy, state is a fold, and the gate refuses what nobody waits for."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.events import (
    SECOND,
    VOCABULARY,
    AddressLost,
    DatagramReceived,
    DatagramSent,
    DisplayShown,
    Entry,
    FlashFitted,
    HttpAnswered,
    LinkDown,
    LinkUp,
    LookupAnswered,
    Payload,
    PowerOff,
    PowerOn,
    Role,
    RunStarted,
    StreamClosed,
    StreamOpened,
    StreamReceived,
    StreamRequested,
    StreamSent,
    StreamShut,
    TimerDue,
    TimerSet,
)
from emulator.phone import attachment, provisioning, snapshot, triggers
from emulator.phone.firmware import Firmware, Mark, Part, applies, marks, reacts
from emulator.phone.kx_utg200 import kx_utg200
from emulator.phone.machine import LONGEST_SETTLE, Machine, Runaway, Settled
from emulator.phone.prepare import prepared_flash
from emulator.phone.state import VOLATILE, Phone, fold, fold_entry, initial
from emulator.wire import dhcp as wire
from emulator.world.run import Run
from emulator.world.scenario import (
    ActionSpec,
    Scenario,
)
from tests.emulator.phone.bench import (
    FILE_SERVER,
    MAC,
    MODEL,
    Bench,
    of,
    seconds,
    story,
    typed,
)
from tests.emulator.phone.worlds import WORLDS
from tools.simulate import run

everywhere = pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS)


# --- Reactions decide, applies copy ---------------------------------------------------------------------------------


def wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function``, watched: a reaction may change nothing, an apply only the part that its mark names."""
    found = marks(function)
    parts = {mark.part for mark in found if mark.use == "applies"}

    @functools.wraps(function)
    def react(phone: Phone, event: Any, entry: Entry) -> list[Any]:
        before = snapshot.encode(phone)
        made = list(function(phone, event, entry))
        assert snapshot.encode(phone) == before, f"{function.__module__}.{function.__name__} changed the state"
        return made

    @functools.wraps(function)
    def become(phone: Phone, event: Any, busy: int) -> Any:
        before = snapshot.encode(phone)
        made = function(phone, event, busy)
        assert snapshot.encode(phone) == before, f"{function.__module__}.{function.__name__} changed the state"
        return made

    @functools.wraps(function)
    def apply(phone: Phone, event: Any, entry: Entry) -> None:
        wanted = phone.copy()
        assert function(phone, event, entry) is None
        for name in parts - {"*"}:
            setattr(wanted, name, getattr(phone, name))
        is_free = "*" in parts
        assert is_free or snapshot.encode(wanted) == snapshot.encode(phone), f"{function.__name__} went beyond {parts}"

    assert not parts or all(mark.use == "applies" for mark in found)
    if any(mark.use == "becomes" for mark in found):
        return become
    return apply if parts else react


def watched(firmware: Firmware) -> Firmware:
    """The same firmware with every function under watch, steps and waits included."""
    parts = (Part(part.name, tuple(wrapped(function) for function in part.functions)) for part in firmware.parts)
    return attrs.evolve(firmware, parts=tuple(parts))


@everywhere
def test_reactions_change_nothing_and_applies_change_their_part_only(world: Scenario) -> None:
    firmware = kx_utg200().with_options(**world.phone.options)
    result = run(world, firmware=watched(firmware))
    assert result.digest == run(world).digest
    assert result.events > 40


def test_the_watch_sees_a_reaction_that_changes_something() -> None:
    def meddling(phone: Phone, event: AddressLost, entry: Entry) -> Iterator[Any]:
        phone.settings.mac = "0"
        yield from ()

    def greedy(phone: Phone, event: AddressLost, entry: Entry) -> None:
        phone.dhcp.state = "confused"

    for function in (reacts(RunStarted)(meddling), applies("pnp", RunStarted)(greedy)):
        with pytest.raises(AssertionError, match=r"changed the state|went beyond"):
            run(WORLDS["nothing"], firmware=watched(kx_utg200().adding(function)))


def test_the_worlds_of_these_tests_meet_most_of_the_vocabulary() -> None:
    seen = {entry.event.kind for world in WORLDS.values() for entry in run(world).entries}
    assert set(VOCABULARY) - seen <= {"SaveFailed", "FirmwareDamaged", "FileRequested", "FileAnswered"}


# --- State is a fold ------------------------------------------------------------------------------------------------


@everywhere
def test_folding_any_prefix_gives_the_state_that_was_there(world: Scenario) -> None:
    live: list[tuple[int, bytes]] = []
    entries: list[Entry] = []

    def remember(settled: Settled) -> None:
        entries.extend(settled.entries)
        live.append((settled.entries[-1].n, snapshot.encode(made.machines[0].phone)))

    made = Run(world, observer=remember)
    made.run_until(world.until)
    phone = initial(made.firmware)
    at = iter(live)
    n, wanted = next(at)
    for entry in entries:
        fold_entry(made.firmware, phone, entry)
        if entry.n == n:
            assert snapshot.encode(phone) == wanted, f"after entry {n}"
            n, wanted = next(at, (0, b""))
    assert n == 0
    middle = live[len(live) // 2]
    assert snapshot.encode(fold(made.firmware, entries[: middle[0]])) == middle[1]


@everywhere
def test_a_snapshot_is_the_state_and_can_be_gone_on_from(world: Scenario) -> None:
    made = Run(world)
    entries: list[Entry] = []
    made.observer = lambda settled: entries.extend(settled.entries)
    made.run_until(world.until // 2)
    known = len(entries)
    kept = snapshot.encode(made.machines[0].phone)
    again = snapshot.decode(kept, made.firmware)
    assert again == made.machines[0].phone
    assert again is not None
    assert snapshot.encode(again) == kept
    made.run_until(world.until)
    assert fold(made.firmware, entries[known:], again) == made.machines[0].phone


@given(st.binary(max_size=200))
@settings(deadline=None, max_examples=100)
def test_bytes_that_are_no_snapshot_give_none(data: bytes) -> None:
    assert snapshot.decode(data, kx_utg200()) is None


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_a_damaged_snapshot_gives_none_or_another_phone(data: st.DataObject) -> None:
    raw = bytearray(SNAPSHOT)
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    found = snapshot.decode(bytes(raw[: data.draw(st.integers(0, len(raw)))]), kx_utg200())
    assert found is None or isinstance(found, Phone)


SNAPSHOT = snapshot.encode(run(WORLDS["whole"]).phones[0])


@everywhere
def test_a_copy_goes_its_own_way(world: Scenario) -> None:
    made = Run(world)
    made.run_until(world.until // 3)
    twin = made.machines[0].phone.copy()
    before = snapshot.encode(twin)
    assert twin == made.machines[0].phone
    fork = made.fork()
    made.run_until(world.until)
    assert snapshot.encode(twin) == before
    assert snapshot.encode(fork.machines[0].phone) == before
    fork.run_until(world.until)
    assert fork.digest == made.digest
    assert fork.machines[0].phone == made.machines[0].phone


def containers(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every mutable container in a state, with the way to it."""
    if attrs.has(type(value)) and not getattr(type(value), "__hash__", None):
        for field in attrs.fields(type(value)):
            yield from containers(getattr(value, field.name), f"{path}.{field.name}")
    if isinstance(value, dict | list | set | bytearray):
        yield path, value


def test_a_copy_shares_no_container() -> None:
    phone = run(WORLDS["whole"]).phones[0]
    mine = dict(containers(phone))
    assert len(mine) >= 10
    for path, other in containers(phone.copy()):
        assert other == mine[path]
        assert other is not mine[path], path


# --- The loop -------------------------------------------------------------------------------------------------------


@everywhere
def test_entries_are_numbered_in_order_and_times_never_go_back(world: Scenario) -> None:
    entries = run(world).entries
    assert [entry.n for entry in entries] == list(range(1, len(entries) + 1))
    assert all(before.time <= after.time for before, after in itertools.pairwise(entries))
    for entry in entries:
        is_input = entry.event.role is Role.INPUT
        assert (entry.due is not None) == is_input
        assert entry.due is None or entry.due <= entry.time


def test_an_input_that_falls_due_during_flash_work_is_taken_afterwards() -> None:
    hands = tuple(ActionSpec(seconds(1), "web", "ADMIN_ID", f"x{number}") for number in range(3))
    result = run(story(url=None, action=hands, until=seconds(2)))
    taken = [(entry.due, entry.time) for entry in result.entries if entry.event.kind == "SettingEntered"]
    assert [due for due, _ in taken] == [SECOND] * 3
    assert taken[0][1] == SECOND
    assert SECOND < taken[1][1] < taken[2][1]


def test_handlers_that_never_come_to_rest_are_stopped() -> None:
    def again(phone: Phone, event: DisplayShown, entry: Entry) -> Iterator[Any]:
        yield DisplayShown(event.line)

    def begin(phone: Phone, event: LinkUp, entry: Entry) -> Iterator[Any]:
        yield DisplayShown("round and round")

    bench = Bench(kx_utg200().adding(reacts(DisplayShown)(again), reacts(LinkUp)(begin)))
    with pytest.raises(Runaway, match=str(LONGEST_SETTLE)):
        bench.link_up()


# --- The gate -------------------------------------------------------------------------------------------------------


def armed(bench: Bench, name: str) -> TimerDue:
    return TimerDue(name, bench.phone.orders.open[f"timer:{name}"].ordinal)


def connected() -> Bench:
    bench = Bench(provisioned=(("SIPPNP_ENABLE", "N"),))
    bench.link_up()
    return bench


def test_a_timer_that_was_set_anew_runs_out_only_once() -> None:
    bench = connected()
    stale = armed(bench, "dhcp")
    bench.reply(wire.OFFER)
    fresh = armed(bench, "dhcp")
    assert fresh.ordinal == stale.ordinal + 1
    assert not bench.machine.accepts(stale)
    assert bench.machine.accepts(fresh)
    bench.feed(fresh)
    assert not bench.machine.accepts(fresh), "it ran out already"


def test_a_cancelled_timer_does_not_run_out() -> None:
    bench = connected()
    bench.reply(wire.OFFER)
    due = armed(bench, "dhcp")
    bench.reply(wire.ACK)
    assert not bench.machine.accepts(due)


@pytest.mark.parametrize("ordinal", [-1, 0, 2, 10**6])
def test_an_answer_needs_the_ordinal_of_its_order(ordinal: int) -> None:
    bench = connected()
    assert bench.machine.accepts(TimerDue("dhcp", 1))
    assert not bench.machine.accepts(TimerDue("dhcp", ordinal))
    assert not bench.machine.accepts(TimerDue("no such timer", 1))


@pytest.mark.parametrize("family", ["http", "lookup"])
def test_an_answer_needs_a_question(family: str) -> None:
    def answer(ordinal: int) -> Any:
        if family == "http":
            return HttpAnswered("initial", ordinal, 404, (), Payload(b""), "complete")
        return LookupAnswered("host.example.com", ordinal, (), "no-such-name")

    bench = connected()
    assert not bench.machine.accepts(answer(1))
    host = FILE_SERVER if family == "http" else "host.example.com"
    bench.bind((wire.PROVISIONING_160, f"http://{host}/i.cfg".encode()))
    assert not bench.machine.accepts(answer(2))
    assert bench.machine.accepts(answer(1))
    bench.feed(answer(1))
    assert not bench.machine.accepts(answer(1)), "it is answered"


def test_answers_of_an_earlier_power_cycle_are_refused() -> None:
    bench = connected()
    first = armed(bench, "dhcp")
    bench.feed(PowerOff())
    assert not bench.machine.accepts(first, 1)
    bench.feed(PowerOn("11" * 32))
    bench.link_up()
    again = armed(bench, "dhcp")
    assert again == first, "ordinals begin anew"
    assert not bench.machine.accepts(first, 1)
    assert bench.machine.accepts(again, 2)


def streaming() -> Bench:
    """A phone that connects somewhere when its cable is plugged in, and shuts the stream when it is told ``bye``."""

    def begin(phone: Phone, event: LinkUp, entry: Entry) -> Iterator[Any]:
        yield StreamRequested("chat", "192.0.2.9", 7, SECOND, SECOND)

    def answer(phone: Phone, event: StreamReceived, entry: Entry) -> Iterator[Any]:
        yield StreamShut("chat") if event.payload == b"bye" else StreamSent("chat", event.payload)

    bench = Bench(kx_utg200().adding(reacts(LinkUp)(begin), reacts(StreamReceived)(answer)))
    bench.link_up()
    return bench


def test_a_stream_stays_open_while_it_brings_something() -> None:
    bench = streaming()
    opened, piece = StreamOpened("chat", 1), StreamReceived("chat", 1, Payload(b"hello"))
    order = bench.phone.orders.open["stream:chat"]
    for event in (opened, piece, piece):
        made = bench.feed(event)
        assert bench.phone.orders.open["stream:chat"] == order
    assert [entry.event for entry in of(made, StreamSent)] == [StreamSent("chat", Payload(b"hello"))]
    assert not bench.machine.accepts(StreamReceived("chat", 2, Payload(b"another ordinal")))
    assert not bench.machine.accepts(StreamReceived("talk", 1, Payload(b"another name")))


@pytest.mark.parametrize("end", [StreamClosed("chat", 1, ""), StreamReceived("chat", 1, Payload(b"bye"))])
def test_a_stream_that_either_side_closed_brings_nothing_more(end: Any) -> None:
    bench = streaming()
    bench.feed(end)
    late = (StreamOpened("chat", 1), StreamReceived("chat", 1, Payload(b"x")), StreamClosed("chat", 1, "reset"))
    assert not any(bench.machine.accepts(event) for event in late)


def test_a_stream_does_not_outlive_the_link() -> None:
    bench = streaming()
    bench.bind()
    piece = StreamReceived("chat", 1, Payload(b"x"))
    assert bench.machine.accepts(piece)
    bench.feed(LinkDown())
    bench.link_up()
    assert not bench.machine.accepts(piece)
    assert bench.machine.accepts(StreamReceived("chat", 2, Payload(b"x"))), "the phone connected anew"


PACKET = DatagramReceived("192.0.2.1", 67, "255.255.255.255", 68, Payload(b""))


def test_packets_need_a_link() -> None:
    bench = Bench()
    assert not bench.machine.accepts(PACKET)
    bench.link_up()
    assert bench.machine.accepts(PACKET)
    bench.feed(LinkDown())
    assert not bench.machine.accepts(PACKET)


def test_a_link_goes_down_only_once_and_may_be_down_from_the_start() -> None:
    bench = Bench()
    assert bench.machine.accepts(LinkDown())
    bench.feed(LinkDown())
    assert bench.phone.power.display == "N1 no link"
    assert not bench.machine.accepts(LinkDown())
    bench.link_up()
    assert bench.phone.power.display == ""
    bench.feed(PowerOff())
    assert not bench.machine.accepts(LinkDown())


def test_without_power_only_power_and_flash_get_in() -> None:
    machine = Machine(kx_utg200())
    flash = FlashFitted(Payload(prepared_flash(MAC, MODEL, "1")))
    others = (PACKET, LinkUp(), LinkDown(), typed("ADMIN_ID", "x"), TimerDue("dhcp", 1), PowerOff())
    assert not any(machine.accepts(event) for event in others)
    assert machine.accepts(flash)
    machine.take(flash, 0, None, 1)
    assert machine.accepts(PowerOn("00" * 32))
    machine.take(PowerOn("00" * 32), 0, None, 2)
    assert not machine.accepts(PowerOn("00" * 32))
    assert not machine.accepts(flash)
    assert machine.accepts(typed("ADMIN_ID", "x"))


def test_what_is_no_input_never_gets_in() -> None:
    machine = connected().machine
    assert not machine.accepts(RunStarted("start"))
    assert not machine.accepts(TimerSet("dhcp", 1))
    assert not machine.accepts(DatagramSent("", 1, "", 2, Payload(b"")))


def test_power_off_forgets_everything_but_the_flash() -> None:
    bench = connected()
    bench.bind((wire.PROVISIONING_160, f"http://{FILE_SERVER}/i.cfg".encode()))
    bench.feed(typed("ADMIN_ID", "x"))
    chip = bench.phone.flash.chip.copy()
    bench.feed(PowerOff())
    blank = initial(bench.machine.firmware)
    for name in VOLATILE:
        assert getattr(bench.phone, name) == getattr(blank, name), name
    assert bench.phone.flash.chip == chip
    assert bench.wait(10**6 * SECOND) == []


def test_draws_of_one_concern_do_not_depend_on_another_and_repeat() -> None:
    first, same, other = Bench(), Bench(), Bench(entropy="01" * 32)
    draws = [[bench.phone.draw("concern", n) for n in range(50)] for bench in (first, same, other)]
    assert draws[0] == draws[1]
    assert not set(draws[0]) & set(draws[2])
    assert len(set(draws[0])) == 50
    assert not set(draws[0]) & {first.phone.draw("another", n) for n in range(50)}


# --- A firmware is a value ------------------------------------------------------------------------------------------


def silent(phone: Phone, event: Any, entry: Entry) -> Iterator[Any]:
    yield from ()


def test_replacing_makes_another_firmware_and_leaves_the_first_alone() -> None:
    first = kx_utg200()
    variant = first.replacing(triggers.network_ready, silent)
    assert first == kx_utg200()
    assert variant != first
    assert variant.name.startswith(first.name + "+")
    assert [len(part.functions) for part in variant.parts] == [len(part.functions) for part in first.parts]
    world = WORLDS["whole"]
    assert not run(world, firmware=variant).of(RunStarted)
    assert run(world, firmware=first).of(RunStarted)
    with pytest.raises(ValueError, match="no function silent"):
        first.replacing(silent, triggers.network_ready)


def test_a_step_can_be_replaced() -> None:
    def elsewhere(phone: Phone, event: Any, entry: Entry) -> Iterator[Any]:
        yield provisioning.tried(4, "test", "", "", f"http://{FILE_SERVER}/m.cfg", "")

    variant = kx_utg200().replacing(provisioning.dhcp_option_160, elsewhere)
    assert variant.steps[4].enter is elsewhere
    assert variant.steps[4].title == kx_utg200().steps[4].title
    result = run(WORLDS["nothing"], firmware=variant)
    assert result.of(RunStarted)
    assert [entry.event.url for entry in result.entries if entry.event.kind == "SourceTried" and entry.event.url] != []


def test_a_part_can_be_replaced_by_one_of_its_name() -> None:
    first = kx_utg200()
    silent = Part("pnp", ())
    variant = first.with_part(silent)
    assert first == kx_utg200()
    assert [part.name for part in variant.parts] == [part.name for part in first.parts]
    assert silent in variant.parts
    with pytest.raises(ValueError, match="no part 'fax'"):
        first.with_part(Part("fax", ()))


def test_adding_adds_a_part_at_the_end() -> None:
    def note(phone: Phone, event: AddressLost, entry: Entry) -> Iterator[Any]:
        yield DisplayShown("lost")

    first = kx_utg200()
    variant = first.adding(reacts(AddressLost)(note), name="note")
    assert first == kx_utg200()
    assert variant.parts[:-1] == first.parts
    assert variant.name == f"{first.name}+note"
    assert marks(note) == (Mark("reacts", (AddressLost,)),)
    bench = Bench(variant)
    bench.link_up()
    bench.bind()
    assert "lost" in [entry.event.line for entry in of(bench.feed(LinkDown()), DisplayShown)]


def test_options_are_checked_and_do_not_leak_into_the_first() -> None:
    first = kx_utg200()
    variant = first.with_options(fallback="2014-05", pnp_via_maddr=True)
    assert (first.options.fallback, variant.options.fallback) == ("2015-01", "2014-05")
    assert variant.parts is first.parts
    with pytest.raises(TypeError):
        first.with_options(no_such_option=1)
    with pytest.raises(ValueError, match="fallback"):
        first.with_options(fallback="1999")
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        first.name = "other"  # type: ignore[misc]


def test_every_marked_function_is_in_the_table_and_every_step_has_a_title() -> None:
    firmware = kx_utg200()
    used = {function for handlers in firmware.table.values() for function in (*handlers.applies, *handlers.reacts)}
    for part in firmware.parts:
        for function in part.functions:
            if any(mark.use in ("applies", "reacts") for mark in marks(function)):
                assert function in used, function
    assert attachment.vlan_chosen in used
    assert set(firmware.table) >= set(VOCABULARY.values())
