"""The provisioning runs of a phone, each as the steps that it went through and what came of them."""

from __future__ import annotations

from typing import Any

from attrs import Factory, define

from emulator.events import (
    Entry,
    PowerLost,
    PowerOff,
    PowerOn,
    RestartOrdered,
    RunEnded,
    RunStarted,
    SourceTried,
    StepEntered,
    step_name,
)
from emulator.events.masking import hide_passwords, printable

GOOD = frozenset({"provisioned", "saved", "disabled"})
"""Outcomes that are as they should be."""


@define
class Rounds:
    """Takes the entries of one phone in their order."""

    drawn: list[dict[str, Any]] = Factory(list)
    _is_on: bool = False

    def take(self, entry: Entry) -> None:
        """Note what an entry says of a provisioning run."""
        event = entry.event
        if isinstance(event, RunStarted):
            self.drawn.append({"n": entry.n, "t": entry.time, "trigger": event.trigger, "steps": []})
            self._is_on = True
        elif not self._is_on:
            return
        elif isinstance(event, StepEntered):
            self._leave(entry)
            step = {"step": step_name(event.step), "n": entry.n, "t": entry.time, "mark": "", "text": ""}
            self.drawn[-1]["steps"].append(step)
        elif isinstance(event, SourceTried):
            found = event.reason if event.url is None else hide_passwords(event.url)
            self._say("no" if event.url is None else "url", found)
        elif isinstance(event, RunEnded):
            self._say("good" if event.outcome in GOOD else "bad", event.outcome)
            self._end(entry, event.outcome)
        elif isinstance(event, PowerOn | PowerOff | PowerLost | RestartOrdered):
            self._end(entry, "cut off")

    def _say(self, mark: str, text: str) -> None:
        """What came of the step."""
        if self.drawn[-1]["steps"]:
            self.drawn[-1]["steps"][-1].update(mark=mark, text=printable(text))

    def _leave(self, entry: Entry) -> None:
        """The step is over."""
        if self.drawn[-1]["steps"]:
            self.drawn[-1]["steps"][-1]["end"] = entry.time

    def _end(self, entry: Entry, outcome: str) -> None:
        self._leave(entry)
        self.drawn[-1].update(end=entry.n, until=entry.time, outcome=outcome)
        self._is_on = False
