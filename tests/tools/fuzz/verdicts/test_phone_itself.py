"""The verdicts about what the phone says and does by itself find what they are about; and nothing secret is told."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from emulator.events import (
    SECOND,
    DatagramSent,
    DisplayShown,
    Entry,
    Event,
    FirmwareAccepted,
    FirmwareBooted,
    FirmwareInstalled,
    HandsetReplaced,
    HttpRequested,
    LookupRequested,
    PageShown,
    Payload,
    RestartNeeded,
    RestartOrdered,
    RunEnded,
    RunStarted,
    SettingsExported,
    StepEntered,
    StreamRequested,
    TimerSet,
    UpdateAnswered,
    UpdateBegun,
)
from emulator.phone import dhcp, locallog, triggers
from emulator.phone.kx_utg200 import kx_utg200
from emulator.phone.loglines import Line
from emulator.phone.state import Phone
from emulator.world.scenario import Duration, EventExpectation, Expectations, PathSpec, Scenario
from tests.tools.fuzz.verdicts import test_files_and_settings, test_network, test_sip
from tests.tools.fuzz.verdicts.retelling import (
    SCENARIOS,
    Told,
    added,
    dropped,
    found,
    judged,
    story,
    swapped,
    violations,
)
from tools.fuzz.verdicts import VERDICTS

BOOT = "first-boot-option-160"
HOUR = 3600 * SECOND
PASSWORD, KEY = "only-a-sample", "12341234abcdabcd12341234abcdabcd"
NOBODY = "203.0.113.77"
EXPORT = f"<PANASIPPhoneConfig><Device><System><Prov><CFG_FILE_KEY>{KEY}</CFG_FILE_KEY></Prov></System></Device>"
EXPORTED = SettingsExported("A", 1, Payload(f"{EXPORT}</PANASIPPhoneConfig>".encode()))
TO_SYSLOG = DatagramSent("192.0.2.10", 514, "192.0.2.30", 514, Payload(f"<134>x {PASSWORD}".encode()))


def page(level: str, key: str, value: str) -> PageShown:
    """A page that shows one parameter, to be changed."""
    return PageShown("web", level, "System/LoginAcc", ((key, value, True),))


def at_the_end(event: Event) -> Told:
    """After a run something more is told."""
    return added(RunEnded, event)


def let_in(event: Event) -> Event:
    """What was refused at the menu is shown."""
    return PageShown("phone", "A", "System/Prov", ()) if event.kind == "AccessRefused" else event


Row = tuple[str, Told, str, str]
ROWS: dict[str, Row] = {
    "a password to syslog": (BOOT, at_the_end(TO_SYSLOG), "no-secret", "PROV-296"),
    "a password on the display": (BOOT, at_the_end(DisplayShown(PASSWORD)), "no-secret", "PROV-296"),
    "the key on the display": (
        "key-handed-over-then-encrypted",
        at_the_end(DisplayShown(f"key {KEY}")),
        *("no-secret", "PROV-213"),
    ),
    "a password on a page": (BOOT, at_the_end(page("A", "ADMIN_PASS", PASSWORD)), "no-secret", "PROV-171"),
    "the key in an export": (BOOT, at_the_end(EXPORTED), "no-secret", "PROV-275"),
    "a packet to nobody": (
        BOOT,
        swapped(DatagramSent, lambda e: e.port == 123, destination=NOBODY),
        *("named-host", "PROV-104"),
    ),
    "a file of another host": (BOOT, swapped(HttpRequested, host=NOBODY), "named-host", "PROV-111"),
    "a file at another port": (BOOT, swapped(HttpRequested, port=8080), "named-host", "PROV-030"),
    "a file at another address": (BOOT, swapped(HttpRequested, address=NOBODY), "named-host", "PROV-120"),
    "a connection to nobody": (BOOT, at_the_end(StreamRequested("x", NOBODY, 21, 1, 1)), "named-host", "PROV-104"),
    "a name nobody said": (BOOT, at_the_end(LookupRequested("prov.example.net")), "named-host", "PROV-104"),
    "a page for a level that may not see it": (BOOT, at_the_end(page("U", "ADMIN_ID", "x")), "access", "PROV-171"),
    "a read-only value shown as editable": (BOOT, at_the_end(page("A", "ADMIN_ID", "x")), "access", "PROV-161"),
    "the menu without its password": ("menu-behind-a-password", lambda e: let_in(e.event), "access", "PROV-271"),
    "an update that nobody wants": (BOOT, at_the_end(UpdateBegun("03.220", "00")), "update-wanted", "PROV-262"),
    "an update without a yes": (
        "firmware-asked-on-the-display",
        dropped(UpdateAnswered),
        *("update-wanted", "PROV-262"),
    ),
    "an order that is passed over": ("firmware-update", dropped(UpdateBegun), "update-wanted", "PROV-262"),
    "a restart during a call": ("restarted-after-the-call", dropped(HandsetReplaced), "restarts", "PROV-240"),
    "a restart that does not come": (
        "check-sync-with-reboot-during-a-call",
        dropped(RestartOrdered),
        *("restarts", "PROV-255"),
    ),
    "no restart for a setting that needs one": (
        "settings-that-need-a-restart",
        lambda e: None if isinstance(e.event, RestartNeeded | RestartOrdered) else e.event,
        *("restarts", "PROV-277"),
    ),
    "firmware of another version": (
        "firmware-update",
        swapped(FirmwareAccepted, version="03.230"),
        *("update-wanted", "PROV-265"),
    ),
    "firmware tried for ever": (
        BOOT,
        at_the_end(FirmwareBooted("B", "03.220", 4, False)),
        *("update-wanted", "PROV-265"),
    ),
    "firmware that is not in its slot": (
        BOOT,
        at_the_end(FirmwareInstalled("B", "03.220")),
        *("boot-choice", "PROV-265"),
    ),
    "a run without end": (
        BOOT,
        lambda e: [e.event] * 30 if isinstance(e.event, StepEntered) else e.event,
        *("bounded", "PROV-195"),
    ),
    "a storm of events": (
        BOOT,
        lambda e: [e.event, *[DisplayShown("")] * 12_000] if isinstance(e.event, RunEnded) else e.event,
        *("bounded", "PROV-195"),
    ),
}
ALL = {**ROWS, **test_network.ROWS, **test_sip.ROWS, **test_files_and_settings.RETOLD}


@pytest.mark.parametrize("what", ROWS)
def test_told_otherwise(what: str) -> None:
    name, told, verdict, rule = ROWS[what]
    assert (verdict, rule) not in found(name)
    assert (verdict, rule) in found(name, told)


def test_a_password_in_the_local_log() -> None:
    def talkative(phone: Phone, event: Event, entry: Entry) -> None:
        locallog.logged(phone, event, entry)
        phone.locallog.lines.append(Line(entry.time, 3, "PROV", phone.settings.value("ADMIN_PASS")))

    firmware = kx_utg200().replacing(locallog.logged, talkative)
    assert ("no-secret", "PROV-296") in found(BOOT, firmware=firmware)


# --- Timers and liveness ----------------------------------------------------------------------------------------------


def nothing(phone: Phone, event: Event, entry: Entry) -> Any:
    """A handler that forgets."""
    return ()


def hasty(phone: Phone, event: RunEnded, entry: Entry) -> Any:
    """Half the time after a run that failed."""
    for made in triggers.run_ended(phone, event, entry):
        inner = getattr(made, "event", made)
        yield evolve(inner, after=inner.after // 2) if isinstance(inner, TimerSet) else inner


@pytest.mark.parametrize("change", [nothing, hasty])
def test_the_retry_is_not_set_as_it_should_be(change: Any) -> None:
    firmware = kx_utg200().replacing(triggers.run_ended, change)
    assert ("retry-armed", "PROV-194") in found("http-error-500", firmware=firmware)


@pytest.mark.parametrize(
    ("name", "rule"), [("provisioned-each-hour", "PROV-231"), ("provisioned-each-night", "PROV-233")]
)
def test_the_interval_is_not_counted(name: str, rule: str) -> None:
    firmware = kx_utg200()
    for handler in (triggers.run_ended, triggers.clock_set, triggers.settings_saved, triggers.loaded):
        firmware = firmware.replacing(handler, lambda phone, event, entry: ())
    assert ("retry-armed", rule) in found(name, firmware=firmware)


def test_another_interval_is_counted_beside_the_time_of_day() -> None:
    def both(phone: Phone, event: RunEnded, entry: Entry) -> Any:
        yield from triggers.run_ended(phone, event, entry)
        yield TimerSet("retry", HOUR)

    firmware = kx_utg200().replacing(triggers.run_ended, both)
    assert ("retry-armed", "PROV-235") in found("provisioned-each-night", firmware=firmware)


def test_a_timer_that_leads_to_nothing() -> None:
    scenario = evolve(story("http-error-500"), until=Duration(HOUR), expect=Expectations())
    firmware = kx_utg200().replacing(triggers.timer_due, nothing)
    assert ("trigger-kept", "PROV-194") in found(scenario, firmware=firmware)
    assert ("comes-up", "PROV-194") in found(scenario, firmware=firmware, calm=SECOND * 60)
    assert found(scenario, calm=SECOND * 60) == set()


def test_a_phone_that_asks_for_no_address() -> None:
    scenario = evolve(story("dhcp-server-late"), until=Duration(HOUR), expect=Expectations())
    firmware = kx_utg200().replacing(dhcp.timer_due, nothing)
    assert ("comes-up", "RFC 2131 s.4.1") in found(scenario, firmware=firmware, calm=SECOND * 60)


def test_a_run_that_is_not_over() -> None:
    scenario = evolve(story(BOOT), until=Duration(4 * HOUR), expect=Expectations())
    assert ("comes-up", "PROV-195") in found(scenario, dropped(RunEnded))


def test_no_promise_no_claim() -> None:
    """A phone whose servers are bad for ever is only asked to go on trying."""
    scenario = evolve(story("http-silent-server"), until=Duration(3 * HOUR), expect=Expectations())
    assert found(scenario) == set()
    assert found(scenario, calm=scenario.until) == set()


# --- What the scenario says -------------------------------------------------------------------------------------------


def expecting(**expect: Any) -> Scenario:
    """A boot with these expectations."""
    return evolve(story(BOOT), expect=Expectations(**expect))


def test_what_the_scenario_expects() -> None:
    assert found(expecting(outcome="provisioned")) == set()
    assert found(expecting(outcome="saved")) == {("expected", "")}


def test_what_a_scenario_forbids_is_forbidden_with_faults_too() -> None:
    unwanted = (EventExpectation("RunStarted"),)
    assert found(expecting(forbidden=unwanted), calm=10 * SECOND) == {("expected", "")}
    assert found(expecting(never=unwanted)) == {("expected", "")}
    assert found(expecting(never=unwanted), calm=10 * SECOND) == set()
    assert found(expecting(outcome="saved"), calm=10 * SECOND) == set()


# --- Texts and signatures ---------------------------------------------------------------------------------------------


def test_every_verdict_bites_somewhere() -> None:
    apart = {"sometimes", "comes-up", "retry-armed", "expected"}
    assert {each.name for each in VERDICTS} == {row[2] for row in ALL.values()} | apart


@pytest.mark.parametrize("what", ALL)
def test_texts_hold_no_secrets(what: str) -> None:
    name, told, _, _ = ALL[what]
    for each in violations(name, told):
        assert PASSWORD not in each.text + each.key
        assert KEY not in each.text + each.key
        assert "\n" not in each.text


STABLE = ("a packet to nobody", "a password on the display", "a read-only value shown as editable")


@pytest.mark.parametrize("what", STABLE)
def test_a_signature_is_the_same_on_another_phone(what: str) -> None:
    """Other MAC address, dice and addresses, and other numbers of events."""
    name, told, verdict, _ = ROWS[what]
    scenario = evolve(story(name), expect=Expectations())
    standard = (SCENARIOS / "files" / "three" / "Config0080F0123456.cfg").read_text(encoding="utf-8")
    moved = {**scenario.files[0].paths, "/Config0080F0ABCDEF.cfg": PathSpec(text=standard)}
    other = evolve(
        scenario,
        phone=evolve(scenario.phone, mac="0080F0ABCDEF"),
        dhcp=tuple(evolve(each, pool="192.0.2.99-192.0.2.120", delay=Duration(SECOND)) for each in scenario.dhcp),
        files=(evolve(scenario.files[0], paths=moved),),
    )

    def signatures(scenario: Scenario, seed: int) -> set[str]:
        return {each.signature for each in violations(scenario, told, seed=seed) if each.verdict == verdict}

    assert signatures(other, 7) == signatures(scenario, 1) != set()


def test_only_a_few_of_a_kind_are_kept() -> None:
    many: Told = lambda e: [e.event, *[DisplayShown(PASSWORD)] * 9] if isinstance(e.event, RunEnded) else e.event  # noqa: E731
    assert len([each for each in violations(BOOT, many) if each.verdict == "no-secret"]) == 3


def test_phones_of_one_story_are_judged_apart() -> None:
    scenario = evolve(story(BOOT), phone=evolve(story(BOOT).phone, count=3), expect=Expectations())
    watch = judged(scenario, lambda e: None if isinstance(e.event, RunStarted) and e.phone == 1 else e.event)
    assert {each.phone for each in watch.violations} == {1}
    assert sorted(watch.boards) == [0, 1, 2]
