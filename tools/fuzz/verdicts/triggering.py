"""When a provisioning run begins, and that another one will (PROV-081, PROV-194, PROV-230 to PROV-240, PROV-256)."""

from __future__ import annotations

from emulator.events import (
    SECOND,
    AddressBound,
    CheckSyncJudged,
    ClockSet,
    Entry,
    Event,
    Ipv6AddressBound,
    PowerOn,
    RunDeferred,
    RunEnded,
    RunStarted,
    SettingsLoaded,
    TimerCancelled,
    TimerDue,
    TimerSet,
)
from emulator.phone.catalogue import catalogue
from tools.fuzz.verdicts.marks import on
from tools.fuzz.verdicts.watching import Verdict

MINUTE = 60 * SECOND
DAY = 24 * 60 * MINUTE
UNFINISHED = ("failed", "saved", "partly")
RUN_TIMERS = {"retry": "PROV-009, PROV-194", "cyclic": "PROV-230, PROV-231", "time-of-day": "PROV-230, PROV-233"}
"""Trigger, which is also the name of its timer, to the rule that it goes by."""
LATE = 2 * SECOND
"""What a timer may be late for flash work of the same moment."""
MOVED_BY = 3600 * SECOND
"""How far daylight saving moves a time of day."""


def tried_again(outcome: str) -> str:
    """The rules by which a run that ended so is tried again; after one without any files by two of them."""
    return "PROV-009, PROV-194" if outcome == "failed" else "PROV-194"


class RunsHaveTriggers(Verdict):
    """No run without one of the four occasions, or the end of a wait for one (PROV-230)."""

    name = "run-trigger"

    def begin(self) -> None:
        """Nothing has happened in this power cycle."""
        self.runs = 0
        self.deferred = 0
        self.running = False

    @on(PowerOn)
    def powered(self, entry: Entry, event: PowerOn) -> None:
        """A power cycle begins."""
        self.begin()

    @on(RunDeferred)
    def put_off(self, entry: Entry, event: RunDeferred) -> None:
        """One run follows (PROV-256)."""
        self.deferred += 1

    @on(RunStarted)
    def started(self, entry: Entry, event: RunStarted) -> None:
        """What happened in this moment has to be a reason."""
        self.runs += 1
        if self.runs > 1 and self.running:
            text = f"a run began ({event.trigger}) while another was on"
            self.fault("PROV-256", text, entry, f"{event.trigger} during a run")
        self.running = True
        if event.trigger != "start" and not self.facts.enabled("PROVISION_ENABLE"):
            self.fault("PROV-238", f"a run began ({event.trigger}) with PROVISION_ENABLE off", entry, event.trigger)
        renewal = any(
            isinstance(each.event, AddressBound | Ipv6AddressBound) and not each.event.fresh
            for each in self.facts.settled.entries
        )
        if renewal and not self.reasons(event):
            self.fault("PROV-081", f"a renewal of the lease began a run ({event.trigger})", entry, "renewal")
        elif not self.reasons(event):
            self.fault("PROV-230", f"a run began ({event.trigger}), and nothing gave a reason", entry, event.trigger)
        if self.deferred:
            self.deferred -= 1

    def reasons(self, event: RunStarted) -> bool:
        """Whether something in this moment is what the trigger says."""
        entries = [each.event for each in self.facts.settled.entries]
        fresh = any(isinstance(each, AddressBound | Ipv6AddressBound) and each.fresh for each in entries)
        due = {each.name for each in entries if isinstance(each, TimerDue)}
        if event.trigger == "start":
            return self.runs == 1 and (fresh or "ipv4-first" in due)
        if event.trigger == "address":
            return fresh and self.runs > 1
        if event.trigger in RUN_TIMERS:
            return bool(due & RUN_TIMERS.keys())
        told = any(isinstance(each, CheckSyncJudged) and each.status == 200 for each in entries)
        return told or self.deferred > 0

    @on(RunEnded)
    def ended(self, entry: Entry, event: RunEnded) -> None:
        """No run is on."""
        self.running = False

    @on(AddressBound, Ipv6AddressBound)
    def bound(self, entry: Entry, event: AddressBound | Ipv6AddressBound) -> None:
        """A new address begins the first run of a power cycle (PROV-051, PROV-281)."""
        if event.fresh and self.runs == 0:
            self.facts.afterward(self.began)

    def began(self) -> None:
        """It has; with two families IPv6 may wait for IPv4."""
        waits = self.facts.boot_mode == "2" and self.facts.phone.orders.armed("ipv4-first")
        if self.runs == 0 and not waits and self.facts.on:
            self.fault("PROV-230, PROV-281", "the phone has an address, and no run began", key="start missing")


class Rearmed(Verdict):
    """After each run the next one is sure: retry, interval or time of day, each when it should be."""

    name = "retry-armed"

    @on(RunEnded, SettingsLoaded, ClockSet)
    def changed(self, entry: Entry, event: RunEnded | SettingsLoaded | ClockSet) -> None:
        """What may change a timer."""
        self.noted(entry, event)

    @on(TimerDue)
    def due(self, entry: Entry, event: TimerDue) -> None:
        """A trigger was spent; intervals go on."""
        if event.name in ("cyclic", "time-of-day"):
            self.noted(entry, event)

    def noted(self, entry: Entry, event: Event) -> None:
        """The timers are looked at when the phone has settled."""
        self.last, self.entry = event, entry
        self.facts.afterward(self.judge)

    def judge(self) -> None:
        """Look at the timers, unless a run is on: its end sets them."""
        facts = self.facts
        if not facts.on or not facts.enabled("PROVISION_ENABLE"):
            return
        daily = self.daily()
        armed = {name: facts.phone.orders.open.get(f"timer:{name}") for name in RUN_TIMERS}
        cyclic, retry, time_of_day = armed["cyclic"], armed["retry"], armed["time-of-day"]
        if facts.run:
            if isinstance(self.last, TimerDue) and self.last.name == "cyclic" and not daily:
                self.interval(None if cyclic is None else cyclic.due)
            return
        if daily:
            if retry is not None or cyclic is not None:
                text = "CFG_RESYNC_TIME is in force, and the phone still counts another interval"
                self.fault("PROV-235", text, self.entry, "others")
            self.daily_at(None if time_of_day is None else time_of_day.due)
            return
        self.retry(None if retry is None else retry.due)
        self.interval(None if cyclic is None else cyclic.due)

    def finish(self) -> None:
        """At the end, something will begin the next run."""
        facts = self.facts
        waits = facts.on and not facts.run and facts.enabled("PROVISION_ENABLE") and facts.outcome in UNFINISHED
        if waits and not any(f"timer:{name}" in facts.phone.orders.open for name in RUN_TIMERS):
            text = f"the last run ended {facts.outcome}, and at the end no timer is set to try again"
            self.fault(tried_again(facts.outcome), text, key=f"end {facts.outcome}")

    def daily(self) -> bool:
        """Whether the time of day is in force (PROV-234, PROV-235)."""
        text = self.facts.value("CFG_RESYNC_TIME")
        return bool(text) and self.facts.clock and catalogue().by_tag["CFG_RESYNC_TIME"].check(text) is None

    def retry(self, due: int | None) -> None:
        """After a failure, ``CFG_RTRY_INTVL`` minutes from the end of the run (PROV-194)."""
        facts, event = self.facts, self.last
        if not isinstance(event, RunEnded) or event.outcome not in UNFINISHED:
            return
        interval = facts.number("CFG_RTRY_INTVL") * MINUTE
        if due is None:
            reasons = ", ".join(sorted(set(facts.phone.provisioning.reasons.values()))) or "no source"
            text = f"a run ended {event.outcome} ({reasons}), and no timer is set to try again"
            rule = tried_again(event.outcome) + (", PROV-235" if facts.value("CFG_RESYNC_TIME") else "")
            self.fault(rule, text, self.entry, f"{event.outcome} {reasons}")
        elif not 0 <= due - self.entry.time - interval <= LATE:
            minutes = (due - self.entry.time) / MINUTE
            text = f"the next try comes after {minutes:g} minutes, CFG_RTRY_INTVL is {interval // MINUTE}"
            self.fault("PROV-194", text, self.entry, "interval")

    def interval(self, due: int | None) -> None:
        """Each ``CFG_CYCLIC_INTVL`` minutes since power-on, if ``CFG_CYCLIC`` is on (PROV-231, PROV-232)."""
        facts = self.facts
        if not facts.enabled("CFG_CYCLIC"):
            if due is not None and isinstance(self.last, RunEnded):
                self.fault("PROV-232", "the interval is counted although CFG_CYCLIC is off", self.entry, "off")
            return
        interval = facts.number("CFG_CYCLIC_INTVL") * MINUTE
        if due is None:
            self.fault(
                "PROV-231, PROV-232", "CFG_CYCLIC is on, and no timer counts the interval", self.entry, "missing"
            )
        elif (due - facts.started) % interval > LATE or not 0 < due - self.entry.time <= interval + LATE:
            text = f"the next interval ends {(due - facts.started) / MINUTE:g} minutes after power-on"
            self.fault(
                "PROV-231, PROV-236", f"{text}, CFG_CYCLIC_INTVL is {interval // MINUTE}", self.entry, "interval"
            )

    def daily_at(self, due: int | None) -> None:
        """When the local clock shows ``CFG_RESYNC_TIME`` (PROV-233)."""
        facts = self.facts
        if due is None:
            self.fault(
                "PROV-233, PROV-235", "CFG_RESYNC_TIME is in force, and no timer waits for it", self.entry, "missing"
            )
            return
        if not 0 < due - self.entry.time <= DAY + 2 * MOVED_BY:
            text = f"the time of day comes in {(due - self.entry.time) / MINUTE:g} minutes"
            self.fault("PROV-233", text, self.entry, "far")
            return
        utc = facts.phone.wallclock.utc(due)
        if utc is None or facts.enabled("DST_ENABLE"):
            return
        zone = facts.value("TIME_ZONE")
        if not zone or catalogue().by_tag["TIME_ZONE"].check(zone):
            zone = "0"
        minute = (utc // SECOND + int(zone) * 60) % 86_400
        hours, minutes = facts.value("CFG_RESYNC_TIME").strip().split(":")
        wanted = int(hours) * 3600 + int(minutes) * 60
        if abs((minute - wanted + 43_200) % 86_400 - 43_200) > LATE // SECOND:
            text = f"the daily run comes {(minute - wanted) / 60:g} minutes off CFG_RESYNC_TIME"
            self.fault("PROV-233", text, self.entry, "off")


class TimersApart(Verdict):
    """A timer that begins a run is not taken away by something else before its time (PROV-194, PROV-231, PROV-233)."""

    name = "trigger-kept"

    def begin(self) -> None:
        """Nothing is armed."""
        self.armed: dict[str, int] = {}

    @on(TimerSet)
    def set(self, entry: Entry, event: TimerSet) -> None:
        """Armed, or moved."""
        if event.name in RUN_TIMERS:
            due = entry.time + event.after
            if event.name == "retry" and due > self.armed.get("retry", due) + LATE:
                self.fault("PROV-194", "the next try was put off while it was waited for", entry, "put off")
            self.armed[event.name] = due

    @on(TimerCancelled)
    def cancelled(self, entry: Entry, event: TimerCancelled) -> None:
        """Only a run that begins, or a setting, makes a try needless."""
        if self.armed.pop(event.name, None) is not None and event.name == "retry":
            self.entry = entry
            self.facts.afterward(self.needless)

    def needless(self) -> None:
        """Nothing is waited for, or something else is."""
        facts = self.facts
        waits = facts.on and not facts.run and facts.enabled("PROVISION_ENABLE") and facts.outcome in UNFINISHED
        if waits and not self.armed:
            text = "the timer of the next try was cancelled, and no run began"
            self.fault(tried_again(facts.outcome), text, self.entry, "cancelled")

    @on(PowerOn)
    def powered(self, entry: Entry, event: PowerOn) -> None:
        """All timers went with the power."""
        self.armed = {}

    @on(TimerDue)
    def due(self, entry: Entry, event: TimerDue) -> None:
        """A trigger leads to a run, unless one is on (PROV-230)."""
        if self.armed.pop(event.name, None) is not None and self.facts.run == "":
            self.entry, self.trigger = entry, event.name
            self.facts.afterward(self.began)

    def began(self) -> None:
        """It has."""
        if not any(isinstance(each.event, RunStarted) for each in self.facts.settled.entries):
            rule = RUN_TIMERS[self.trigger]
            self.fault(rule, f"the {self.trigger} timer ran out, and no run began", self.entry, self.trigger)
