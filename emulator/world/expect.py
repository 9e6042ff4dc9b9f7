"""Whether a run was what its scenario expects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import attrs

from emulator.events import VOCABULARY, Entry, Event, HttpRequested, RunEnded, StepEntered, step_name
from emulator.events.masking import HIDDEN, duration, is_secret
from emulator.phone.machine import Settled
from emulator.phone.state import Phone
from emulator.world.scenario import EventExpectation, Expectations, Scenario


class Verdict(NamedTuple):
    """One expectation. text: what was expected; found: what was there; both for people, secrets hidden."""

    text: str
    holds: bool
    found: str


class Witness:
    """Watches a run and remembers what its expectations ask about; an observer of :class:`~emulator.world.run.Run`.

    runs: (time, event) of each RunEnded, by phone.
    """

    def __init__(self, scenario: Scenario) -> None:
        self.expect = scenario.expect
        self.runs: dict[int, list[tuple[int, RunEnded]]] = {}
        self.steps: dict[int, list[str]] = {}
        self.requests: dict[int, list[str]] = {}
        self.unwanted = (*self.expect.never, *self.expect.forbidden)
        self.counts = [dict[int, int]() for _ in (*self.expect.event, *self.unwanted)]
        self._watched: dict[str, list[tuple[int, EventExpectation]]] = {}
        for index, wanted in enumerate((*self.expect.event, *self.unwanted)):
            self._watched.setdefault(wanted.kind, []).append((index, wanted))

    def fork(self) -> Witness:
        """Another that goes on from here."""
        twin = Witness.__new__(Witness)
        twin.expect, twin.unwanted, twin._watched = self.expect, self.unwanted, self._watched
        twin.runs = {phone: list(kept) for phone, kept in self.runs.items()}
        twin.steps = {phone: list(kept) for phone, kept in self.steps.items()}
        twin.requests = {phone: list(kept) for phone, kept in self.requests.items()}
        twin.counts = [dict(each) for each in self.counts]
        return twin

    def __call__(self, settled: Settled) -> None:
        """Look at what one input led to."""
        for entry in settled.entries:
            event = entry.event
            if isinstance(event, StepEntered):
                self.steps.setdefault(entry.phone, []).append(step_name(event.step))
            elif isinstance(event, RunEnded):
                self.runs.setdefault(entry.phone, []).append((entry.time, event))
            elif isinstance(event, HttpRequested):
                self.requests.setdefault(entry.phone, []).append(event.target)
            for index, wanted in self._watched.get(event.kind, ()):
                if matches(entry, wanted):
                    counts = self.counts[index]
                    counts[entry.phone] = counts.get(entry.phone, 0) + 1

    def verdicts(self, phone: int, state: Phone) -> Iterator[Verdict]:
        """Every expectation of the scenario, judged for ``phone`` with its final ``state``."""
        expect, runs = self.expect, self.runs.get(phone, [])
        outcomes = tuple(event.outcome for _, event in runs)
        last = runs[-1] if runs else None
        yield from asked("outcome", expect.outcome, outcomes[-1] if outcomes else None)
        yield from asked("source", expect.source, last[1].source if last else None)
        yield from asked("outcomes", expect.outcomes, outcomes)
        yield from steps(expect, self.steps.get(phone, []))
        yield from asked("requests", expect.requests, tuple(self.requests.get(phone, ())))
        yield from asked("saved files", expect.saved, state.settings.files)
        yield from asked("registered lines", expect.registered, state.registration.registered())
        yield from asked("display", expect.display, state.power.display)
        yield from values(expect, state)
        yield from times(expect, last[0] if last else None)
        for index, wanted in enumerate(expect.event):
            yield counted(wanted, self.counts[index].get(phone, 0))
        for index, unwanted in enumerate(self.unwanted, len(expect.event)):
            found = self.counts[index].get(phone, 0)
            yield Verdict(f"never {described(unwanted)}", found == 0, f"{found} times")


def asked(name: str, wanted: Any, found: Any) -> Iterator[Verdict]:
    """A comparison, if the scenario asks for it."""
    if wanted is not None:
        yield Verdict(f"{name} is {shown(wanted)}", wanted == found, shown(found))


def steps(expect: Expectations, entered: list[str]) -> Iterator[Verdict]:
    """The steps by name; a scenario may write a step as a number or as text."""
    if expect.steps is not None:
        wanted = [str(step) for step in expect.steps]
        yield Verdict(f"steps is [{', '.join(wanted)}]", wanted == entered, f"[{', '.join(entered)}]")


def values(expect: Expectations, state: Phone) -> Iterator[Verdict]:
    """Settings in force, and what the user layer holds."""
    for key, wanted in expect.settings.items():
        yield setting(key, wanted, state.settings.value(key), "")
    for key, wanted in expect.user.items():
        yield setting(key, wanted, state.settings.user.get(key), " by the user")
    for key in expect.no_user:
        yield Verdict(f"{key} has no value of the user", key not in state.settings.user, "there is one")


def setting(key: str, wanted: str, found: str | None, layer: str) -> Verdict:
    """A setting's value; secrets are compared and not shown."""
    hide = is_secret(key)
    text = f"{key} is {HIDDEN if hide else shown(wanted)}{layer}"
    return Verdict(text, wanted == found, "another value" if hide else shown(found))


def times(expect: Expectations, last: int | None) -> Iterator[Verdict]:
    """When the last run ended."""
    found = "no run ended" if last is None else f"at {duration(last)}"
    if expect.within is not None:
        yield Verdict(f"run ends within {duration(expect.within)}", last is not None and last <= expect.within, found)
    if expect.not_before is not None:
        holds = last is not None and last >= expect.not_before
        yield Verdict(f"run ends not before {duration(expect.not_before)}", holds, found)


def counted(wanted: EventExpectation, found: int) -> Verdict:
    """So many events."""
    least = wanted.at_least if wanted.at_least is not None else (1 if wanted.at_most is None else 0)
    if wanted.count is not None:
        return Verdict(f"{wanted.count} × {described(wanted)}", found == wanted.count, f"{found}")
    most = wanted.at_most
    limits = f"at least {least}" if most is None else f"{least} to {most}"
    return Verdict(f"{limits} × {described(wanted)}", least <= found and (most is None or found <= most), f"{found}")


def described(wanted: EventExpectation) -> str:
    """``Kind(field=value)`` and its time."""
    fields = ", ".join(f"{name}={shown(value)}" for name, value in wanted.where.items())
    after = f" after {duration(wanted.after)}" if wanted.after else ""
    before = f" before {duration(wanted.before)}" if wanted.before < 1 << 62 else ""
    return f"{wanted.kind}({fields}){after}{before}"


def matches(entry: Entry, wanted: EventExpectation) -> bool:
    """Whether ``entry`` is such an event."""
    if not wanted.after <= entry.time < wanted.before:
        return False
    return all(field_matches(entry.event, name, value) for name, value in wanted.where.items())


def field_matches(event: Event, name: str, wanted: str | int | bool) -> bool:
    """Whether a field has the value. ``text*`` asks for the start of a text, ``*text*`` for a part of it.

    Payloads are compared as text, tuples as ``a,b``, pairs in them (headers) as ``name: value``.
    """
    found = as_text(getattr(event, name))
    if isinstance(wanted, str) and isinstance(found, str):
        if wanted.startswith("*") and wanted.endswith("*") and len(wanted) > 1:
            return wanted[1:-1] in found
        return found.startswith(wanted[:-1]) if wanted.endswith("*") else found == wanted
    return type(found) is type(wanted) and found == wanted


def as_text(value: object) -> object:
    """A field as an expectation speaks of it."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, tuple):
        return ",".join(": ".join(map(str, item)) if isinstance(item, tuple) else str(item) for item in value)
    return value


def shown(value: object) -> str:
    """A value as a scenario would write it."""
    if isinstance(value, tuple):
        return "[" + ", ".join(shown(item) for item in value) + "]"
    return "nothing" if value is None else f'"{value}"' if isinstance(value, str) else str(value)


def faults(scenario: Scenario) -> Iterator[str]:
    """What cannot be expected: unknown event kinds and fields. One line each, with the place."""
    for table in ("event", "never", "forbidden"):
        for index, wanted in enumerate(getattr(scenario.expect, table)):
            cls = VOCABULARY.get(wanted.kind)
            where = f"expect.{table}[{index}]"
            if cls is None:
                yield f"{where}: unknown event kind {wanted.kind!r}; `offhook events` lists them"
                continue
            known = [field.name for field in attrs.fields(cls)]
            for name in wanted.where:
                if name not in known:
                    yield f"{where}.where: {wanted.kind} has no field {name!r}; it has {', '.join(known)}"
