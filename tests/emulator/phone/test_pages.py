"""Pages and logins: who sees what, what can be changed there, what is on no page (PROV-161, PROV-170 to PROV-175)."""

from __future__ import annotations

import pytest

from emulator.events import (
    AccessRefused,
    Event,
    PageOpened,
    PageShown,
    PageSubmitted,
    SettingChanged,
    SettingRefused,
)
from emulator.phone.access import ON_NO_PAGE, allowed, level_of, on_a_page, pages
from emulator.phone.catalogue import catalogue, key
from emulator.phone.configfile import ROOT
from emulator.phone.settings import Settings, Stored
from emulator.world.scenario import ActionSpec
from tests.emulator.phone.bench import Bench, initial, seconds, served, story
from tools.simulate import RunResult, run

LOGINS = (
    "<PANASIPPhoneConfig><Device><System><LoginAcc>"
    '<ADMIN_ID access="A">chief</ADMIN_ID><ADMIN_PASS access="A">chief-77</ADMIN_PASS>'
    '<USER_ID access="AU">joe</USER_ID><USER_PASS perm="R" access="AU">joe-7777</USER_PASS>'
    "</LoginAcc></System></Device></PANASIPPhoneConfig>"
)


def provisioned(text: str, *actions: ActionSpec) -> RunResult:
    """A phone that got ``text`` as its standard file, and then saw people."""
    world = served({"/i.cfg": initial(standard="s.cfg"), "/s.cfg": text})
    return run(story(world, action=actions, until=seconds(20)))


def the(bench: Bench, event: Event) -> Event:
    """What the phone answers to ``event``: one fact."""
    _, answer = bench.feed(event)
    return answer.event


# --- Levels ---------------------------------------------------------------------------------------------------------


@pytest.mark.spec("PROV-170", "PROV-174")
def test_the_level_of_a_parameter_is_the_stored_one_then_the_built_in_one_then_the_administrators() -> None:
    settings = Settings(provisioned={"SYSLOG_ADDR": Stored("a", "", "U"), "USER_ID": Stored("b", "", "")})
    assert level_of(settings, "SYSLOG_ADDR") == "U"
    assert (allowed(settings, "SYSLOG_ADDR", "A"), allowed(settings, "SYSLOG_ADDR", "U")) == (False, True)
    assert level_of(settings, "USER_ID") == "AU"
    assert level_of(settings, "SYSLOG_PORT") == "A"
    assert level_of(settings, "NO_SUCH_TAG") == "A"
    assert {level_of(Settings(), parameter.tag) for parameter in catalogue()} == {"A", "AU"}
    for level in ("", "AU", "X"):
        assert not allowed(settings, "USER_ID", level)


@pytest.mark.spec("PROV-171", "PROV-175")
def test_a_page_shows_by_access_and_read_only_by_perm() -> None:
    result = provisioned(
        LOGINS,
        ActionSpec(seconds(10), "page", page="System/LoginAcc"),
        ActionSpec(seconds(11), "page", page="System/LoginAcc", level="U"),
    )
    chief, joe = (entry.event.entries for entry in result.of(PageShown))
    assert joe == (("USER_ID", "joe", True), ("USER_PASS", "***", False))
    assert chief == (("ADMIN_ID", "chief", True), ("ADMIN_PASS", "***", True), *joe)


@pytest.mark.spec("PROV-161")
@pytest.mark.parametrize("via", ["web", "phone"])
def test_a_read_only_parameter_is_shown_so_on_the_web_and_at_the_phone(via: str) -> None:
    hot_line = '<HOT_LINE_NUMBER perm="!R">100</HOT_LINE_NUMBER>'
    text = f"<{ROOT}><Device><Phone><HotLine>{hot_line}</HotLine></Phone></Device></{ROOT}>"
    result = provisioned(text, ActionSpec(seconds(10), "page", via=via, page="Phone/HotLine"))
    (shown,) = result.of(PageShown)
    wanted = (("HOT_LINE_ENABLE", "N", True), ("HOT_LINE_NUMBER", "100", False), ("HOT_LINE_DELAY_TIME", "5", True))
    assert shown.event == PageShown(via, "A", "Phone/HotLine", wanted)


def test_no_page_ever_holds_a_password() -> None:
    bench = Bench(user=tuple((p.tag, "hunter22") for p in catalogue() if p.secret and not p.per_line))
    for page in pages("web"):
        shown = the(bench, PageOpened("web", "A", None, page))
        assert isinstance(shown, PageShown)
        assert "hunter22" not in str(shown)
        masked = [k for k, value, _ in shown.entries if value == "***"]
        assert masked == [k for k, _, _ in shown.entries if k in bench.phone.settings.user]


# --- What is on a page ----------------------------------------------------------------------------------------------


@pytest.mark.spec("PROV-172")
def test_what_is_meant_for_no_page_is_on_none_whatever_its_access() -> None:
    hidden = {p.tag for p in catalogue() if p.path in ON_NO_PAGE}
    assert {"CFG_STANDARD_FILE_PATH", "LOG_LEVEL_MMI", "SSH_ACCESS_DISABLE"} <= hidden
    assert {p.path for p in catalogue() if p.path.startswith("Initial")} <= ON_NO_PAGE
    for via in ("web", "phone"):
        keys = [k for page in pages(via).values() for k in page]
        assert len(set(keys)) == len(keys)
        assert not {k.partition("/")[0] for k in keys} & hidden
    on_web = {k.partition("/")[0] for page in pages("web").values() for k in page}
    assert on_web == {p.tag for p in catalogue()} - hidden
    bench = Bench(provisioned=(("LOG_LEVEL_MMI", "1"),))
    refused = the(bench, PageOpened("web", "A", None, "Diagnostic/LogLevel"))
    assert refused == AccessRefused("page", "web", "A", "unknown-page")
    bench.feed(PageSubmitted("web", "A", None, "LOG_LEVEL_MMI", "2"))
    assert bench.entries[-1].event == SettingRefused("LOG_LEVEL_MMI", "on-no-page")


def test_the_menu_has_fewer_pages_than_the_web_and_lines_have_pages_of_their_own() -> None:
    assert set(pages("phone")) < set(pages("web"))
    assert "System/Prov" in pages("phone")
    assert pages("web")["Lines/Line/Sip/3"][0].endswith("/3")
    assert on_a_page("web", key("SIP_PASS", 2))
    assert not on_a_page("phone", key("SIP_PASS", 2))


@pytest.mark.parametrize("page", ["", "Nothing", "Device/System/Prov", "Lines/Line/Sip", "Lines/Line/Sip/7"])
def test_a_page_that_does_not_exist_is_refused(page: str) -> None:
    assert the(Bench(), PageOpened("web", "A", None, page)) == AccessRefused("page", "web", "A", "unknown-page")


def test_a_page_of_which_a_level_may_see_nothing_is_refused() -> None:
    refused = the(Bench(), PageOpened("web", "U", None, "System/Prov"))
    assert refused == AccessRefused("page", "web", "U", "not-for-this-level")


# --- Changing something ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("level", "key_", "value", "reason"),
    [
        ("U", "USER_ID", "ann", ""),
        ("U", "ADMIN_ID", "ann", "not-for-this-level"),
        ("A", "ADMIN_ID", "ann", ""),
        ("A", "CFG_MASTER_FILE_PATH", "http://x/", "on-no-page"),
        ("A", "SYSLOG_SEVERITY", "99", "not-allowed"),
        ("A", "SYSLOG_PORT", "1", "read-only"),
        ("U", "NOPE", "1", "unknown"),
        ("U", "SIP_PASS", "1", "unknown"),
        ("U", "SIP_PASS/9", "1", "unknown"),
        ("X", "USER_ID", "ann", "unknown-level"),
    ],
)
def test_what_is_typed_is_judged_by_level_page_perm_and_value(level: str, key_: str, value: str, reason: str) -> None:
    bench = Bench()
    bench.phone.settings.provisioned["SYSLOG_PORT"] = Stored("514", "!R", "")
    settled = [entry.event for entry in bench.feed(PageSubmitted("web", level, None, key_, value))]
    changed = [event for event in settled if isinstance(event, SettingChanged)]
    assert changed == ([] if reason else [SettingChanged(key_, "user", value, "", "", "web")])
    assert [e.reason for e in settled if isinstance(e, SettingRefused | AccessRefused)] == ([reason] if reason else [])


# --- Logins ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("level", "password", "reason"),
    [
        ("A", None, ""),
        ("A", "chief-77", ""),
        ("A", "joe-7777", "wrong-password"),
        ("A", "", "wrong-password"),
        ("U", "joe-7777", ""),
        ("U", "chief-77", "wrong-password"),
        ("X", None, "unknown-level"),
        ("", None, "unknown-level"),
    ],
)
def test_a_level_has_its_password_on_the_web(level: str, password: str | None, reason: str) -> None:
    bench = Bench(user=(("ADMIN_PASS", "chief-77"), ("USER_PASS", "joe-7777")))
    answer = the(bench, PageOpened("web", level, password, "System/LoginAcc"))
    assert getattr(answer, "reason", "") == reason
    assert isinstance(answer, AccessRefused) is bool(reason)


@pytest.mark.spec("PROV-271")
@pytest.mark.parametrize(
    ("protected", "password", "reason"),
    [
        ("N", None, ""),
        ("N", "whatever", ""),
        ("Y", None, "no-password"),
        ("Y", "wrong", "wrong-password"),
        ("Y", "adminpass", ""),
    ],
)
def test_the_menu_can_be_put_behind_the_administrators_password(
    protected: str, password: str | None, reason: str
) -> None:
    bench = Bench(user=(("PROTECT_SETTING_BY_PSW_ENABLE", protected), ("USER_PASS", "joe-7777")))
    answer = the(bench, PageOpened("phone", "U", password, "Phone/Telephone"))
    assert getattr(answer, "reason", "") == reason
    typed = bench.feed(PageSubmitted("phone", "U", password, "HIDE_RESET_OPTION_IN_SETTINGS", "Y"))
    assert isinstance(typed[1].event, AccessRefused) is bool(reason)
    assert bench.phone.settings.enabled("HIDE_RESET_OPTION_IN_SETTINGS") is not bool(reason)
