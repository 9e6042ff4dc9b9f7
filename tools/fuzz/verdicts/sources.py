"""Where the provisioning URL comes from: the order of the sources, what each gives, and what step 8 makes of it
(PROV-001 to PROV-011, PROV-020 to PROV-039, PROV-070 to PROV-080)."""

from __future__ import annotations

from emulator.events import (
    AddressBound,
    ConfigurationRead,
    DatagramReceived,
    DownloadEnded,
    Entry,
    FileRefused,
    PnpAnswered,
    PnpSubscribed,
    PowerOn,
    RunEnded,
    RunStarted,
    SourceTried,
    StepEntered,
)
from tools.fuzz.verdicts.addresses import SPACE, dhcp_message, option_text
from tools.fuzz.verdicts.marks import on
from tools.fuzz.verdicts.watching import Verdict

OPTIONS = {4: 160, 5: 159, 6: 66}
"""Step to the DHCP option that it is about."""
OPTION_RULES = {160: "PROV-004, PROV-073", 159: "PROV-005, PROV-073", 66: "PROV-006, PROV-073, PROV-078"}
RULES = {2: "PROV-002", 3: "PROV-003", 4: "PROV-004", 5: "PROV-005", 6: "PROV-006", 61: "PROV-011", 7: "PROV-007"}
ORDERS = {
    "4": (2, 3, 4, 5, 6, 7, 9),
    "6": (2, 61, 9),
    "46": (2, 3, 4, 5, 6, 61, 7, 9),
}
"""Sources by address family, and at their end step 9 (PROV-021, PROV-022)."""
AGAIN = ("cyclic", "time-of-day", "check-sync")
"""Triggers of runs that begin with the URL of the last good discovery (PROV-239)."""
LAST_GOOD = "last good URL"


class OptionsRead(Verdict):
    """Steps 4 to 6 give what the ACK of a new lease says, and nothing else (PROV-072, PROV-073, PROV-077, PROV-081)."""

    name = "option-text"

    def begin(self) -> None:
        """No lease yet."""
        self.packet: bytes = b""
        self.fresh: dict[int, bytes] | None = None
        self.renewed: dict[int, bytes] = {}

    @on(PowerOn)
    def powered(self, entry: Entry, event: PowerOn) -> None:
        """What an earlier power cycle was told does not count."""
        self.begin()

    @on(DatagramReceived)
    def came(self, entry: Entry, event: DatagramReceived) -> None:
        """It may be an ACK."""
        if event.port == 68:
            self.packet = event.payload

    @on(AddressBound)
    def bound(self, entry: Entry, event: AddressBound) -> None:
        """The options of the ACK behind it."""
        message = dhcp_message(self.packet)
        if message is None:
            return
        found = {code: data for code in OPTIONS.values() if (data := message.option(code)) is not None}
        if event.fresh:
            self.fresh = found
        else:
            self.renewed = found

    @on(SourceTried)
    def tried(self, entry: Entry, event: SourceTried) -> None:
        """What the step gives."""
        code = OPTIONS.get(event.step)
        if code is None:
            return
        setting = f"OPTION{code}_ENABLE"
        if not self.facts.enabled(setting):
            if event.url is not None:
                text = f"option {code} was used although {setting} is {self.facts.value(setting)}"
                self.fault("PROV-076", text, entry, f"{code} off")
            return
        raw = (self.fresh or {}).get(code)
        wanted = (option_text(raw) or None) if raw is not None else None
        if event.url != wanted and not same(event.url, wanted):
            self.fault(*self.reason(code, raw, wanted, event.url), entry, f"{code}")

    def reason(self, code: int, raw: bytes | None, wanted: str | None, url: str | None) -> tuple[str, str]:
        """(rule, text) for an option that was not used as it should be."""
        if url is not None and raw is not None and option_text(url.encode()) == wanted:
            return "PROV-077", f"option {code} was used with a NUL or white space around it"
        if url is not None and wanted is None and raw is not None:
            return "PROV-077", f"option {code} is empty, and was used"
        if code in self.renewed and url == (option_text(self.renewed[code]) or None):
            return "PROV-081", f"the value of option {code} in a renewal was used before the next start"
        if url is None:
            return OPTION_RULES[code], f"option {code} is enabled and populated, and not used"
        return "PROV-072", f"option {code} gave another URL than the ACK of the lease has"


def same(url: str | None, wanted: str | None) -> bool:
    """Whether two texts differ only in white space beyond ASCII, about which PROV-077 leaves a doubt."""
    if url is None or wanted is None:
        return not (url or wanted or "").strip()
    return url.strip() == wanted.strip() and url.strip(SPACE + "\0") == url


class SourceOrder(Verdict):
    """Each source is asked in its turn, and the first that gives a URL is used (PROV-021)."""

    name = "source-order"

    def begin(self) -> None:
        """No run is on."""
        self.last: SourceTried | None = None
        self.asked: list[int] = []
        self.trigger = ""
        self.source = ""
        self.failed = self.settled = False
        self.subscribed = self.notified = False

    @on(RunStarted)
    def started(self, entry: Entry, event: RunStarted) -> None:
        """A run begins at step 1, or at step 2 (PROV-194)."""
        self.begin()
        self.trigger = event.trigger

    @on(PnpSubscribed)
    def subscribing(self, entry: Entry, event: PnpSubscribed) -> None:
        """Step 3 asks."""
        self.subscribed = True
        if not self.facts.enabled("SIPPNP_ENABLE"):
            self.fault("PROV-003, PROV-055", "SIP PnP was asked although SIPPNP_ENABLE is off", entry, "pnp off")

    @on(PnpAnswered)
    def notifying(self, entry: Entry, event: PnpAnswered) -> None:
        """Step 3 is answered."""
        self.notified = True

    @on(SourceTried)
    def tried(self, entry: Entry, event: SourceTried) -> None:
        """What came of a source."""
        facts = self.facts
        self.last = event
        self.asked.append(event.step)
        if event.step == 2:
            self.by_hand(entry, event)
        elif event.step == 3:
            on = facts.enabled("SIPPNP_ENABLE")
            if on and not self.subscribed and facts.address and event.reason != "no-address":
                self.fault("PROV-003, PROV-051", "SIP PnP is enabled, and no SUBSCRIBE was sent", entry, "pnp")
            elif event.url is not None and not self.notified:
                self.fault("PROV-003", "SIP PnP gave a URL, and no NOTIFY had brought one", entry, "pnp")

    def by_hand(self, entry: Entry, event: SourceTried) -> None:
        """Step 2: only what the user typed counts (O-8)."""
        facts, key = self.facts, "USR_PROV_SVR_URL"
        effective = facts.option("manual_url", "user") == "effective"
        wanted = (facts.value(key) if effective else facts.user.get(key, "")) or None
        if event.url != wanted:
            what = "is set by hand, and was not used" if wanted else "is not set by hand, and was used"
            self.fault("PROV-002, PROV-042", f"the provisioning URL {what}", entry, "manual")

    @on(StepEntered)
    def entered(self, entry: Entry, event: StepEntered) -> None:
        """The step that follows from what came of the last source."""
        last, self.last = self.last, None
        if event.step == 8:
            self.source, self.failed, self.settled = event.source, False, False
        if last is None:
            self.unasked(entry, event)
        elif last.url is not None:
            if event.step != 8 or event.url != last.url:
                text = f"step {last.step} gave a URL, and step {event.step} followed with another"
                self.fault(RULES.get(last.step, "PROV-021"), text, entry, f"{last.step} given")
        elif event.step == 8:
            if last.step != 2 or self.trigger not in AGAIN:
                text = f"step {last.step} gave no URL, and step 8 followed"
                self.fault(RULES.get(last.step, "PROV-021"), text, entry, f"{last.step} none")
        else:
            self.in_turn(entry, last.step, event.step)

    def unasked(self, entry: Entry, event: StepEntered) -> None:
        """A step that no source leads to: 1, 2 at the begin of a run, or what follows step 8."""
        facts = self.facts
        if event.step == 1 and self.trigger == "start":
            return
        if event.step == 2 and not self.asked:
            if not facts.enabled("PROVISION_ENABLE") and self.trigger == "start":
                self.fault("PROV-238", "step 2 was entered although PROVISION_ENABLE is off", entry, "disabled")
        elif event.step == 9 and self.source == LAST_GOOD and self.failed:
            self.fault("PROV-194, PROV-239", "the last good URL failed, and no source was asked again", entry, "again")
        elif event.step not in (8, 9) and self.source and self.source != LAST_GOOD:
            text = f"the download failed, and step {event.step} asked another source"
            self.fault("PROV-008, PROV-010", text, entry, "next source")
        elif event.step != 9 and self.source == LAST_GOOD:
            self.in_turn(entry, 2, event.step)

    def in_turn(self, entry: Entry, before: int, step: int) -> None:
        """The next of the list for the families that the phone has."""
        facts = self.facts
        mode = {"0": "4", "1": "6", "2": "46"}.get(facts.value("IP_ADDR_MODE"), "4")
        # With both families the list is that of IPv6 while IPv4 has no address, which changes during a run.
        orders = (ORDERS["46"], ORDERS["6"]) if mode == "46" else (ORDERS[mode],)
        follows = {next(n for n in order if n == 9 or position(n) > position(before)) for order in orders}
        if step not in follows and facts.boot_mode == facts.value("IP_ADDR_MODE"):
            text = f"step {step} followed step {before}, which gave no URL"
            family = {"6": "PROV-022, PROV-023", "46": "PROV-020, PROV-023"}.get(mode, "")
            missed = (RULES[n] for n in sorted(follows) if n in RULES)
            rule = ", ".join(filter(None, ("PROV-021", family, *missed)))
            self.fault(rule, text, entry, f"{before} {step}")

    @on(DownloadEnded)
    def download_ended(self, entry: Entry, event: DownloadEnded) -> None:
        """The initial file did not come."""
        if event.file == "initial" and event.reason:
            self.failed = True

    @on(FileRefused)
    def refused(self, entry: Entry, event: FileRefused) -> None:
        """The initial file is of no use."""
        if event.file == "initial":
            self.failed = True

    @on(ConfigurationRead)
    def read(self, entry: Entry, event: ConfigurationRead) -> None:
        """It came."""
        self.settled = True

    @on(RunEnded)
    def ended(self, entry: Entry, event: RunEnded) -> None:
        """A run may end only after step 8 or 9, or at step 1 where provisioning is off (PROV-238)."""
        if event.outcome == "disabled" and self.facts.enabled("PROVISION_ENABLE"):
            self.fault("PROV-238", "a run was not made although PROVISION_ENABLE is on", entry, "enabled")
        if event.outcome == "failed" and not self.source:
            left = [number for number in (2, 3, 4, 5, 6, 7) if number not in self.asked]
            if left and self.facts.value("IP_ADDR_MODE") in ("", "0") and self.facts.boot_mode in ("", "0"):
                text = f"the run failed without a URL, and step {left[0]} was never asked"
                self.fault(f"PROV-021, {RULES[left[0]]}", text, entry, f"{left[0]} skipped")


def position(step: int) -> float:
    """Where a step stands among the others: 6a is between 6 and 7 (PROV-011)."""
    return 6.5 if step == 61 else step
