"""The factory reset: who gets it, what it clears, when, and what the phone is like then (PROV-270 to PROV-272)."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.events import (
    SECOND,
    AccessRefused,
    DisplayShown,
    FactoryResetAccepted,
    FactoryResetDone,
    FactoryResetRequested,
    FlashErased,
    FlashProgrammed,
    HandsetLifted,
    HandsetReplaced,
    PowerOff,
    PowerOn,
    RestartNeeded,
    RestartOrdered,
    RestartRequested,
    RunEnded,
    RunStarted,
    SaveFailed,
    SettingsLoaded,
)
from emulator.phone.factory_reset import WAITING
from emulator.phone.prepare import prepared_flash
from emulator.phone.storage import read_store
from emulator.world.run import RESTART_TIME
from emulator.world.scenario import ActionSpec
from flash_image import identity, mount, plan, raw, unpack
from tests.emulator.phone.bench import MAC, MODEL, Bench, initial, of, seconds, served, story, syslog, typed
from tests.emulator.phone.test_certificates import SHORT, pem
from tools.simulate import run

SECRETS = (("ADMIN_PASS", "hunter22"), ("CFG_FILE_KEY", "hunter22" * 4))
RESET = FactoryResetRequested("phone", "A", None)


def fresh() -> Bench:
    return Bench(image=prepared_flash(MAC, MODEL, "1"))


def boot(bench: Bench) -> SettingsLoaded:
    """The next power cycle; what it found."""
    bench.now += RESTART_TIME
    (loaded,) = of(bench._take(PowerOn("22" * 32), None), SettingsLoaded)
    assert isinstance(loaded.event, SettingsLoaded)
    return loaded.event


# --- What it clears -------------------------------------------------------------------------------------------------


@pytest.mark.spec("PROV-272")
def test_it_clears_both_layers_files_certificates_key_and_url_and_restarts() -> None:
    files = {"/s.cfg": syslog(SYSLOG_ADDR="192.0.2.9"), "/r.pem": pem(SHORT).decode()}
    world = served({"/i.cfg": initial(root1="r.pem", standard="s.cfg"), **files})
    scenario = story(world, user=dict(SECRETS), action=(ActionSpec(seconds(10), "factory-reset", via="phone"),))
    before = run(attrs.evolve(scenario, action=())).phones[0].settings
    assert (before.files, before.last_url) == (("standard", "root1"), "http://192.0.2.20/i.cfg")
    assert before.roots
    assert before.user
    assert before.provisioned
    result = run(attrs.evolve(scenario, files=(attrs.evolve(world, end=seconds(10)),)))
    after = result.phones[0].settings
    assert (after.user, after.provisioned, after.files, after.roots, after.last_url) == ({}, {}, (), {}, "")
    assert (after.mac, after.model) == (before.mac, before.model)
    assert result.phones[0].version == "03.210"
    (done,) = result.of(FactoryResetDone)
    assert done.event.files == ("root1", "standard")
    assert [entry.event.reason for entry in result.of(RestartOrdered)] == ["factory-reset"]
    assert [entry.event.outcome for entry in result.of(RunEnded)] == ["provisioned", "failed"]
    assert b"hunter22" not in raw(result.phones[0].flash.chip)
    assert b"192.0.2.9" not in raw(result.phones[0].flash.chip)


@pytest.mark.spec("PROV-272")
def test_afterwards_the_phone_is_as_a_new_one() -> None:
    bench = Bench(user=SECRETS, provisioned=(("SYSLOG_ADDR", "x"),), saved=(("standard", b"<a/>" * 500),))
    bench.feed(typed("USER_PASS", "hunter22"))
    bench.feed(RESET)
    loaded, new = boot(bench), fresh()
    (first,) = new.of(SettingsLoaded)
    assert loaded == first.event
    entries = {"loaded": 0, "url_since": 0}
    assert attrs.evolve(bench.phone.settings, **entries) == attrs.evolve(new.phone.settings, **entries)
    assert identity(bench.phone.flash.chip) == identity(new.phone.flash.chip)
    assert (bench.phone.power.boots, bench.phone.factory_reset.accepted) == (2, 0)
    assert read_store(bench.phone.flash.chip).damage == ()


def test_what_it_says_it_cleared_is_what_was_there() -> None:
    bench = Bench(user=SECRETS, saved=(("master", b"m"), ("standard", b"s")))
    settled = bench.feed(RESET)
    kinds = [type(entry.event) for entry in settled if not isinstance(entry.event, FlashErased | FlashProgrammed)]
    wanted = [FactoryResetRequested, FactoryResetAccepted, FactoryResetDone, RestartNeeded, RestartOrdered]
    assert kinds == wanted
    (done,) = of(settled, FactoryResetDone)
    assert done.event == FactoryResetDone(2, 2, ("master", "standard"))
    assert of(settled, FactoryResetAccepted)[0].n in done.because
    assert not bench.phone.power.on


VALUES = st.dictionaries(st.sampled_from(["SYSLOG_ADDR", "ADMIN_ID", "DISPLAY_NAME/1"]), st.text("abc", max_size=9))


@settings(deadline=None, max_examples=25)
@given(VALUES, VALUES, st.sampled_from([b"", b"<a/>", b"x" * 9000]))
def test_power_lost_anywhere_in_it_leaves_all_or_nothing(
    user: dict[str, str], provisioned: dict[str, str], body: bytes
) -> None:
    image = prepared_flash(
        MAC, MODEL, "1", user=tuple(user.items()), provisioned=tuple(provisioned.items()), saved=(("standard", body),)
    )
    bench = Bench(image=image)
    work = [e.event for e in bench.feed(RESET) if isinstance(e.event, FlashErased | FlashProgrammed)]
    chip = unpack(image)
    old, new = (read_store(unpack(made)).digest for made in (image, prepared_flash(MAC, MODEL, "1")))
    seen = []
    for event in work:
        seen.append(read_store(chip).digest)
        if isinstance(event, FlashErased):
            chip.erase(event.sector)
        else:
            chip.program(event.address, event.data)
    seen.append(read_store(chip).digest)
    committed = seen.index(new)
    assert seen == [old] * committed + [new] * (len(seen) - committed)


def test_a_timer_that_was_armed_before_never_runs_out() -> None:
    scenario = story(
        user={"CFG_RTRY_INTVL": "1"},
        url=None,
        action=(ActionSpec(seconds(40), "factory-reset"),),
        until=seconds(300),
    )
    started = [(entry.event.trigger, entry.time) for entry in run(scenario).of(RunStarted)]
    assert [trigger for trigger, _ in started] == ["start", "start"]
    assert started[1][1] > 40 * SECOND


def test_a_flash_whose_numbers_are_used_up_says_so_and_the_phone_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(user=SECRETS)
    monkeypatch.setattr("flash_image.journal.MAX_NUMBER", 1)
    settled = bench.feed(RESET)
    assert settled[-1].event == SaveFailed("numbers-used-up")
    assert bench.phone.power.on
    assert bench.phone.settings.user == dict(SECRETS)


# --- Who gets it ----------------------------------------------------------------------------------------------------


@pytest.mark.spec("PROV-270")
@pytest.mark.parametrize(("hidden", "reason"), [("N", ""), ("Y", "hidden")])
def test_the_entry_of_the_menu_can_be_hidden(hidden: str, reason: str) -> None:
    bench = Bench(provisioned=(("HIDE_RESET_OPTION_IN_SETTINGS", hidden),))
    settled = bench.feed(FactoryResetRequested("phone", "U", None))
    refused = [entry.event for entry in of(settled, AccessRefused)]
    assert refused == ([AccessRefused("factory-reset", "phone", "U", "hidden")] if reason else [])
    assert bench.phone.power.on is bool(reason)


def test_the_web_page_has_it_all_the_same() -> None:
    bench = Bench(provisioned=(("HIDE_RESET_OPTION_IN_SETTINGS", "Y"),))
    bench.feed(FactoryResetRequested("web", "A", "adminpass"))
    assert bench.phone.power.restarting


@pytest.mark.spec("PROV-271")
@pytest.mark.parametrize(
    ("password", "reason"), [(None, "no-password"), ("user-pw1", "wrong-password"), ("hunter22", "")]
)
def test_a_protected_menu_wants_the_administrators_password(password: str | None, reason: str) -> None:
    bench = Bench(user=(*SECRETS, ("USER_PASS", "user-pw1"), ("PROTECT_SETTING_BY_PSW_ENABLE", "Y")))
    settled = bench.feed(FactoryResetRequested("phone", "U", password))
    assert [entry.event.reason for entry in of(settled, AccessRefused)] == ([reason] if reason else [])
    assert bench.phone.power.restarting is not bool(reason)


@pytest.mark.parametrize(
    ("level", "password", "reason"),
    [("U", None, "not-for-this-level"), ("A", "guess", "wrong-password"), ("X", None, "unknown-level")],
)
def test_on_the_web_it_is_the_administrators(level: str, password: str | None, reason: str) -> None:
    bench = Bench(user=SECRETS)
    settled = bench.feed(FactoryResetRequested("web", level, password))
    assert [entry.event for entry in settled][1:] == [AccessRefused("factory-reset", "web", level, reason)]
    assert bench.phone.settings.user == dict(SECRETS)


# --- During a call --------------------------------------------------------------------------------------------------


def test_a_call_puts_off_the_clearing_too() -> None:
    bench = Bench(user=SECRETS)
    before = bench.phone.flash.chip.copy()
    bench.feed(HandsetLifted())
    settled = bench.feed(RESET)
    assert [entry.event for entry in settled][1:] == [FactoryResetAccepted("phone"), DisplayShown(WAITING)]
    assert bench.phone.flash.chip == before
    bench.feed(typed("SYSLOG_ADDR", "late"))
    settled = bench.feed(HandsetReplaced())
    assert of(settled, FactoryResetDone)
    assert settled[-1].event == RestartOrdered("factory-reset")
    assert boot(bench).values == 0


def test_it_comes_before_another_restart_that_waits() -> None:
    bench = Bench(user=SECRETS)
    bench.feed(HandsetLifted())
    bench.feed(RestartRequested("web"))
    bench.feed(RESET)
    settled = bench.feed(HandsetReplaced())
    assert of(settled, FactoryResetDone)
    assert settled[-1].event == RestartOrdered("web")
    assert boot(bench).values == 0


def test_power_lost_during_the_call_means_no_reset() -> None:
    bench = Bench(user=SECRETS)
    bench.feed(HandsetLifted())
    bench.feed(RESET)
    bench.feed(PowerOff())
    assert boot(bench).values == len(SECRETS)
    assert not of(bench.feed(HandsetLifted()) + bench.feed(HandsetReplaced()), FactoryResetDone)


def test_a_transaction_after_it_is_kept() -> None:
    bench = Bench(user=SECRETS)
    bench.feed(RESET)
    boot(bench)
    bench.feed(typed("SYSLOG_ADDR", "new"))
    assert mount(bench.phone.flash.chip).values == {"u/SYSLOG_ADDR": b"new"}
    assert plan(bench.phone.flash.chip, mount(bench.phone.flash.chip), {"u/SYSLOG_ADDR": b"new"}, {}) == ()
