"""A run as a trace: held against the rules of the Trace Event Format, and against the log."""

from __future__ import annotations

import json
import re
from collections import Counter
from decimal import Decimal
from functools import cache
from typing import Any

import pytest

from emulator.events import (
    Entry,
    Event,
    FlashErased,
    FlashProgrammed,
    HttpRequested,
    PowerOff,
    PowerOn,
    Role,
    RunEnded,
    RunStarted,
    StepEntered,
    TimerDue,
    TimerSet,
    step_name,
)
from emulator.phone.kx_utg200 import kx_utg200
from tests.tools.exports.stories import HOSTILE, NAMES, story
from tools.exports.perfetto import LONGEST_FIELD, document
from tools.exports.tracks import Span, Tracks, lanes

TITLES = {number: step.title for number, step in kx_utg200().steps.items()}
Json = dict[str, Any]


def traced(entries: list[Entry], secrets: bool = False) -> Json:
    """The trace of a log; numbers with a decimal point are exact."""
    tracks = Tracks(titles=TITLES)
    tracks.take_all(entries)
    text = "".join(document(tracks, {"title": "a title"}, secrets))
    found: Json = json.loads(text, parse_float=Decimal)
    return found


@cache
def trace(name: str) -> list[Json]:
    """The trace events of a scenario."""
    events: list[Json] = traced(story(name).entries)["traceEvents"]
    return events


def told(*events: tuple[int, Event]) -> list[Entry]:
    """A log of phone 0: each event with its time in ns."""
    return [Entry(n, ns, None, 0, None, (), event) for n, (ns, event) in enumerate(events, 1)]


def of(events: list[Json], **wanted: object) -> list[Json]:
    """The trace events with these fields."""
    return [each for each in events if all(each.get(key) == value for key, value in wanted.items())]


def ns(micros: Decimal) -> int:
    """Microseconds in ns; there is no part of one."""
    found = micros * 1000
    assert found == int(found)
    return int(found)


def ends(each: Json) -> tuple[int, int]:
    """From when to when a slice is, in ns."""
    start = ns(each["ts"])
    return start, start + ns(each["dur"])


def it_keeps_to_the_format(events: list[Json], entries: list[Entry]) -> None:
    """Known phases with the fields that each needs, in the order of their times, on threads that have names."""
    needed = {
        "M": {"pid", "tid", "name", "args"},
        "X": {"pid", "tid", "ts", "dur", "name", "cat", "args"},
        "i": {"pid", "tid", "ts", "s", "name"},
        "C": {"pid", "ts", "name", "args"},
        "s": {"pid", "tid", "ts", "id", "name", "cat"},
        "f": {"pid", "tid", "ts", "id", "name", "cat", "bp"},
    }
    assert [each for each in events if not needed[each["ph"]] <= each.keys()] == []
    times = [each["ts"] for each in events if each["ph"] != "M"]
    assert times == sorted(times)
    named = {(each["pid"], each["tid"]) for each in of(events, ph="M", name="thread_name")}
    assert {(each["pid"], each["tid"]) for each in events if each["ph"] in "Xisf"} == named
    assert len({tid for _, tid in named}) == len(named)
    assert {each["pid"] for each in events} == {each["pid"] for each in of(events, ph="M", name="process_name")}


def slices_of_a_thread_hold_each_other_whole(events: list[Json], entries: list[Entry]) -> None:
    """One that begins within another ends within it; in the file, the outer one comes first."""
    stacks: dict[int, list[int]] = {}
    for each in of(events, ph="X"):
        start, end = ends(each)
        assert end > start
        stack = stacks.setdefault(each["tid"], [])
        while stack and stack[-1] <= start:
            stack.pop()
        assert not stack or stack[-1] >= end, each
        stack.append(end)


def every_event_is_in_it_once_at_its_time(events: list[Json], entries: list[Entry]) -> None:
    """In order; a little later at most than it was, for those at one moment stand side by side."""
    found = of(events, cat="event")
    assert [each["args"]["n"] for each in sorted(found, key=lambda each: each["args"]["n"])] == [e.n for e in entries]
    assert [each["name"] for each in sorted(found, key=lambda each: each["args"]["n"])] == [
        entry.event.kind for entry in entries
    ]
    for each in found:
        assert 0 <= ns(each["ts"]) - each["args"]["time_ns"] <= len(entries)


def every_cause_is_an_arrow_between_two_slices(events: list[Json], entries: list[Entry]) -> None:
    """It leaves within the slice of the cause and ends within that of the effect, on their threads."""
    slices = {each["args"]["n"]: each for each in of(events, cat="event")}
    causes = {entry.n: entry.cause for entry in entries if entry.cause is not None}
    for phase, end in (("s", causes), ("f", {n: n for n in causes})):
        found = of(events, ph=phase)
        assert {each["id"] for each in found} == set(causes)
        assert len(found) == len(causes)
        for each in found:
            held = slices[end[each["id"]]]
            start, over = ends(held)
            assert (each["pid"], each["tid"]) == (held["pid"], held["tid"])
            assert start <= ns(each["ts"]) < over


def runs_steps_requests_and_inputs_are_slices(events: list[Json], entries: list[Entry]) -> None:
    """As many as the log has, named so that a person knows them."""
    spans = Counter(re.split(r"[:(]", each["name"])[0].strip() for each in of(events, cat="span"))
    kinds = Counter(type(entry.event) for entry in entries)
    assert spans["provisioning run begins"] == kinds[RunStarted]
    steps = Counter(f"step {step_name(e.event.step)}" for e in entries if isinstance(e.event, StepEntered))
    assert {name: count for name, count in spans.items() if name.startswith("step ")} == steps
    starts = Counter(each["args"]["from"] for each in of(events, cat="span"))
    for entry in entries:
        if isinstance(entry.event, HttpRequested | PowerOn):
            assert starts[entry.n] >= 1
        if entry.event.role is Role.INPUT:
            assert starts[entry.n] >= 1
    marks = [each["args"]["n"] for each in of(events, ph="i")]
    assert sorted(marks) == [e.n for e in entries if e.event.role is Role.INPUT and e.cause is None]


def counters_end_with_what_there_was(events: list[Json], entries: list[Entry]) -> None:
    """Bytes programmed and sectors erased of all phones together."""
    last = {(each["pid"], each["name"]): each["args"]["total"] for each in of(events, ph="C")}
    erased = sum(isinstance(entry.event, FlashErased) for entry in entries)
    programmed = sum(len(entry.event.data) for entry in entries if isinstance(entry.event, FlashProgrammed))
    assert sum(total for (_, name), total in last.items() if name == "flash sectors erased") == erased
    assert sum(total for (_, name), total in last.items() if name == "flash bytes programmed") == programmed


RULES = (
    it_keeps_to_the_format,
    slices_of_a_thread_hold_each_other_whole,
    every_event_is_in_it_once_at_its_time,
    every_cause_is_an_arrow_between_two_slices,
    runs_steps_requests_and_inputs_are_slices,
    counters_end_with_what_there_was,
)


@pytest.mark.parametrize("name", NAMES)
def test_every_scenario_is_a_trace(name: str) -> None:
    """By all of these rules."""
    entries = story(name).entries
    events = traced(entries)["traceEvents"]
    for rule in RULES:
        rule(events, entries)


# --- one by one -------------------------------------------------------------------------------------------------------


def test_flash_work_takes_its_time() -> None:
    """45 ms for a sector, 0.7 ms for a page."""
    events = of(trace("first-boot-option-160"), cat="event")
    erased = [ns(each["dur"]) for each in of(events, name="FlashErased")]
    assert len(erased) == 4
    assert {*erased} == {45_000_000}
    assert {ns(each["dur"]) for each in of(events, name="FlashProgrammed")} == {700_000}
    assert {ns(each["dur"]) for each in of(events, name="SettingChanged")} == {1}


def test_flash_work_ends_when_its_phone_goes_on() -> None:
    """As in a log of a chip that is faster."""
    found = of(traced(told((0, FlashErased(1)), (10, FlashErased(2))))["traceEvents"], cat="event")
    assert [ends(each) for each in found] == [(0, 10), (10, 45_000_010)]


def test_events_at_one_moment_stand_side_by_side() -> None:
    found = of(
        traced(told((5, PowerOn("00")), (5, TimerSet("a", 1)), (5, TimerSet("b", 1))))["traceEvents"], cat="event"
    )
    assert [ends(each) for each in found] == [(5, 6), (6, 7), (7, 8)]


def test_a_timer_goes_until_it_is_due_or_set_again_or_the_power_is_gone() -> None:
    log = told(
        *((0, PowerOn("00")), (10, TimerSet("a", 100)), (20, TimerSet("a", 100)), (120, TimerDue("a", 2))),
        *((200, TimerSet("b", 100)), (250, PowerOff())),
    )
    spans = {each["name"]: ends(each) for each in of(traced(log)["traceEvents"], cat="span")}
    assert spans["timer b in 100ns: power off"] == (200, 251)
    assert spans["boot 1: power off"] == (0, 251)
    timers = [ends(each) for each in of(traced(log)["traceEvents"], cat="span", name="timer a in 100ns")]
    assert timers == [(10, 20), (20, 121)]


def test_what_has_not_ended_goes_to_the_end() -> None:
    log = told((0, PowerOn("00")), (10, TimerSet("a", 1_000)), (90, TimerSet("b", 1)))
    (span,) = of(traced(log)["traceEvents"], cat="span", name="timer a in 1us")
    assert ends(span) == (10, 91)
    assert span["args"] == {"from": 2, "to": None}


def test_spans_that_overlap_are_on_lanes() -> None:
    """One within another is on the same."""
    spans = [Span(0, "x", name, start, 1, end) for name, start, end in (("a", 0, 10), ("b", 2, 8), ("c", 5, 15))]
    assert {span.name: lane for span, lane in lanes(spans)} == {"a": 0, "b": 0, "c": 1}
    apart = [Span(0, "x", "a", 0, 1, 10), Span(0, "x", "b", 10, 1, 12)]
    assert [lane for _, lane in lanes(apart)] == [0, 0]


def test_threads_are_the_parts_of_the_phone_and_its_peers() -> None:
    named = [each["args"]["name"] for each in of(trace("first-boot-option-160"), name="thread_name")]
    assert named[:3] == ["power", "provisioning", "settings"]
    assert {"flash", "inputs", "file server 192.0.2.20", "DHCP server 192.0.2.1", "timer pnp-window"} <= {*named}
    assert of(trace("first-boot-option-160"), name="process_name")[0]["args"] == {
        "name": "KX-UTG200B 0080F0123456 (phone 0)"
    }


def test_a_phone_is_a_process() -> None:
    assert {each["pid"] for each in trace("twenty-phones-and-one-server")} == {*range(1, 21)}


def test_secrets_are_hidden() -> None:
    """In every field, unless they are asked for."""
    entries = story("first-boot-option-160").entries
    assert "only-a-sample" not in json.dumps(traced(entries), default=str)
    assert "only-a-sample" in json.dumps(traced(entries, secrets=True), default=str)


def test_long_fields_are_cut_off() -> None:
    """A file of a megabyte would be in it else."""
    texts = [json.dumps(each, default=str) for each in trace("ftp-file-of-a-megabyte")]
    assert max(map(len, texts)) < 3 * LONGEST_FIELD


def test_texts_of_peers_are_texts() -> None:
    """Whatever stands in them."""
    log = told(*((n, RunEnded(text, text, 0, (text,))) for n, text in enumerate(HOSTILE)))
    found = of(traced(log)["traceEvents"], cat="event")
    assert [each["args"]["data"]["outcome"] for each in found if len(each["args"]["data"]["outcome"]) < 100] == [
        text for text in HOSTILE if len(text) < 100
    ]
