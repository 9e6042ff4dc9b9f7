"""Export and import of settings: what goes out at which level, what comes in, all or nothing (PROV-274 to PROV-276)."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.events import (
    SECOND,
    AccessRefused,
    ConfigurationSaved,
    Event,
    ExportRequested,
    FactoryResetRequested,
    ImportEnded,
    ImportOffered,
    ParameterSkipped,
    Payload,
    PowerOn,
    SaveFailed,
    SettingChanged,
    SettingRefused,
    SettingsExported,
    SourceTried,
)
from emulator.phone import configfile
from emulator.phone.catalogue import catalogue
from emulator.phone.configfile import LIMIT, ROOT, Entry, parse, write
from emulator.phone.reading import NOTES_LOGGED
from emulator.phone.storage import encode_stored
from emulator.world.scenario import ActionSpec
from flash_image import factory, mount, pack, plan
from tests.emulator.phone.bench import MAC, MODEL, Bench, initial, of, prov, seconds, served, story, syslog
from tests.emulator.phone.test_full_size import entries as every_parameter
from tests.emulator.phone.test_full_size import value as another_value
from tools.simulate import run

LOGINS = {"ADMIN_ID": "A", "ADMIN_PASS": "A", "USER_ID": "AU", "USER_PASS": "AU"}
"""The printed example of access levels (2015-01 p.56)."""


def holding(provisioned: Mapping[str, tuple[str, str, str]], **user: str) -> Bench:
    """A phone whose flash has these provisioned values, as (value, perm, access), and these of the user."""
    chip = factory(MAC, MODEL, "1")
    values = {f"p/{key}": encode_stored(*stored) for key, stored in provisioned.items()}
    values |= {f"u/{key}": value.encode() for key, value in user.items()}
    for op in plan(chip, mount(chip), values, {}):
        chip.apply(op)
    return Bench(image=pack(chip))


def exported(bench: Bench, level: str = "A") -> SettingsExported:
    """What an account of ``level`` gets."""
    event = bench.feed(ExportRequested(level, None))[-1].event
    assert isinstance(event, SettingsExported)
    return event


def taken(bench: Bench, level: str = "A") -> dict[str, str]:
    """:func:`exported` as values by key."""
    return {entry.key: entry.value for entry in parse(exported(bench, level).body).entries}


def offer(bench: Bench, body: bytes | str, level: str = "A") -> list[Event]:
    """What follows from an import."""
    raw = body.encode() if isinstance(body, str) else body
    return [entry.event for entry in bench.feed(ImportOffered(level, None, Payload(raw)))]


def restarted(bench: Bench) -> Bench:
    """The phone comes up again after it went down by itself."""
    assert bench.phone.power.restarting
    bench.now += 2 * SECOND
    bench._take(PowerOn("11" * 32), None)
    return bench


# --- Export ---------------------------------------------------------------------------------------------------------


@pytest.mark.spec("PROV-173", "PROV-274")
def test_the_printed_example_an_administrator_takes_all_four_a_user_only_his_own() -> None:
    bench = holding({tag: (f"{tag}.x"[-9:], "RW", access) for tag, access in LOGINS.items()})
    assert list(taken(bench, "A")) == ["ADMIN_ID", "ADMIN_PASS", "USER_ID", "USER_PASS"]
    assert list(taken(bench, "U")) == ["USER_ID", "USER_PASS"]


@pytest.mark.spec("PROV-274", "PROV-170")
def test_an_export_holds_every_value_of_the_level_that_is_not_the_default() -> None:
    stored = {
        "SYSLOG_ADDR": ("192.0.2.9", "", ""),
        "SYSLOG_PORT": ("514", "", ""),
        "HOT_LINE_NUMBER": ("100", "!R", ""),
        "HOT_LINE_ENABLE": ("Y", "", "A"),
        "SYSLOG_SEVERITY": ("6", "", "U"),
    }
    bench = holding(stored, **{"DISPLAY_NAME/2": "Ann"})
    assert taken(bench, "A") == {
        "SYSLOG_ADDR": "192.0.2.9",
        "HOT_LINE_ENABLE": "Y",
        "HOT_LINE_NUMBER": "100",
        "DISPLAY_NAME/2": "Ann",
    }
    assert taken(bench, "U") == {"SYSLOG_SEVERITY": "6", "HOT_LINE_NUMBER": "100", "DISPLAY_NAME/2": "Ann"}
    assert exported(bench).values == 4


@pytest.mark.spec("PROV-275")
@pytest.mark.parametrize("level", ["A", "U"])
def test_passwords_go_to_the_administrator_only_and_the_key_to_nobody(level: str) -> None:
    held = {p.tag: "p" * 32 if p.tag == "CFG_FILE_KEY" else "hunter22" for p in catalogue() if p.secret}
    held = {tag + "/1" * catalogue().by_tag[tag].per_line: value for tag, value in held.items()}
    for access in ("", "AU"):
        bench = holding({"CFG_FILE_KEY": ("k" * 32, "", access)}, **held)
        found = exported(bench, level)
        assert parse(found.body).root == ROOT
        assert "CFG_FILE_KEY" not in found.body.decode()
        assert ("p" * 32 in found.body.decode(), "k" * 32 in found.body.decode()) == (False, False)
        assert set(taken(bench, level)) == (set(held) - {"CFG_FILE_KEY"} if level == "A" else set())


@pytest.mark.spec("PROV-275")
def test_an_export_is_a_configuration_file_as_the_phone_writes_it() -> None:
    body = exported(holding({"SYSLOG_ADDR": ("192.0.2.9", "R", "AU")})).body
    assert body == write([Entry("SYSLOG_ADDR", "192.0.2.9")])
    assert parse(body).notes == ()
    assert parse(exported(Bench()).body).entries == ()


def test_what_no_file_may_hold_is_left_out() -> None:
    bench = holding(
        {"SYSLOG_ADDR": ("a b", "", ""), "NO_SUCH_TAG": ("x", "", ""), "SIP_PASS": ("x", "", "")},
        **{"CFG_MASTER_FILE_PATH": "http://x/", "ADMIN_ID/1": "x", "SIP_PASS/99": "x", "HOT_LINE_ENABLE": "Yes"},
    )
    assert taken(bench) == {"HOT_LINE_ENABLE": "Y"}


def test_a_wrong_password_gets_nothing() -> None:
    bench = Bench()
    refused = bench.feed(ExportRequested("A", "guessed"))
    assert [entry.event for entry in refused][1:] == [AccessRefused("export", "web", "A", "wrong-password")]
    refused = bench.feed(ImportOffered("A", "guessed", Payload(syslog(SYSLOG_ADDR="x").encode())))
    assert [entry.event for entry in refused][1:] == [AccessRefused("import", "web", "A", "wrong-password")]


# --- Import ---------------------------------------------------------------------------------------------------------


@pytest.mark.spec("PROV-276")
def test_imported_values_are_the_users_in_one_transaction_and_survive_a_restart() -> None:
    bench = holding({"SYSLOG_ADDR": ("file", "", "")})
    made = offer(bench, syslog("!R", SYSLOG_ADDR="192.0.2.9", SYSLOG_PORT="99"))
    assert [event for event in made if isinstance(event, SettingChanged)] == [
        SettingChanged("SYSLOG_ADDR", "user", "192.0.2.9", "", "", "web"),
        SettingChanged("SYSLOG_PORT", "user", "99", "", "", "web"),
    ]
    assert [event for event in made if isinstance(event, ConfigurationSaved)] == [ConfigurationSaved(2, 2, (), "")]
    assert made[-1] == ImportEnded("A", 2, 0, "")
    image = pack(bench.phone.flash.chip)
    again = Bench(image=image).phone.settings
    assert again.user == {"SYSLOG_ADDR": "192.0.2.9", "SYSLOG_PORT": "99"}
    assert again.editable("SYSLOG_ADDR"), "perm is the server's to give"
    assert offer(bench, syslog(SYSLOG_PORT="99"))[1:] == [ImportEnded("A", 1, 0, "")]


@pytest.mark.spec("PROV-276")
def test_an_imported_url_counts_as_set_by_hand() -> None:
    world = served({"/i.cfg": initial(), "/mine.cfg": initial()})
    scenario = story(
        world,
        action=(ActionSpec(seconds(10), "import", file="x.cfg"), ActionSpec(seconds(20), "restart")),
        content={"x.cfg": prov(USR_PROV_SVR_URL="http://192.0.2.20/mine.cfg").encode()},
    )
    tried = [entry.event for entry in run(scenario).of(SourceTried) if entry.event.url]
    assert [(event.source, event.url) for event in tried] == [
        ("DHCP option 160", "http://192.0.2.20/i.cfg"),
        ("manual URL", "http://192.0.2.20/mine.cfg"),
    ]


@pytest.mark.spec("PROV-170", "PROV-274")
def test_a_user_imports_only_what_is_his_and_nobody_what_is_read_only() -> None:
    body = write([Entry("SYSLOG_ADDR", "a"), Entry("HOT_LINE_NUMBER", "100"), Entry("HOT_LINE_ENABLE", "Y")])
    bench = holding({"HOT_LINE_ENABLE": ("N", "R", "")})
    made = offer(bench, body, "U")
    assert [event for event in made if isinstance(event, SettingRefused)] == [
        SettingRefused("SYSLOG_ADDR", "not-for-this-level"),
        SettingRefused("HOT_LINE_ENABLE", "read-only"),
    ]
    assert made[-1] == ImportEnded("U", 1, 2, "")
    assert bench.phone.settings.user == {"HOT_LINE_NUMBER": "100"}
    assert offer(bench, body)[-1] == ImportEnded("A", 2, 1, "")


BROKEN = {
    "empty": b" \n",
    "too-large": b"<a>" + b" " * LIMIT,
    "not-utf8": b"<a>\xff</a>",
    "not-well-formed": b"<PANASIPPhoneConfig>",
    "doctype": b'<!DOCTYPE x [<!ENTITY a "b">]><PANASIPPhoneConfig/>',
    "processing-instruction": b"<PANASIPPhoneConfig><?x?></PANASIPPhoneConfig>",
    "wrong-root": b"<Config/>",
    "attribute-format": b"<PANASipPhoneConfig><Dev/></PANASipPhoneConfig>",
}


@pytest.mark.parametrize("reason", BROKEN)
def test_a_broken_file_is_refused_as_a_whole(reason: str) -> None:
    bench = Bench(user=(("SYSLOG_ADDR", "old"),))
    before = bench.phone.flash.chip.copy()
    assert offer(bench, BROKEN[reason])[1:] == [ImportEnded("A", 0, 0, reason)]
    assert (bench.phone.settings.user, bench.phone.flash.chip) == ({"SYSLOG_ADDR": "old"}, before)


def test_what_does_not_fit_into_the_flash_changes_nothing() -> None:
    names = [p.tag for p in catalogue() if p.per_line and p.kind == "text" and p.check("x" * 450) is None]
    filled = [Entry(f"{tag}/{line}", "x" * 450) for tag in names for line in range(1, 7)]
    body = write(filled)
    assert len(body) < LIMIT
    bench = Bench(user=(("SYSLOG_ADDR", "old"),))
    before = bench.phone.flash.chip.copy()
    made = offer(bench, body)
    assert made[1:] == [SaveFailed("bank-full"), ImportEnded("A", 0, len(filled), "bank-full")]
    assert (bench.phone.settings.user, bench.phone.flash.chip) == ({"SYSLOG_ADDR": "old"}, before)


def test_what_is_skipped_is_told_as_far_as_there_is_room() -> None:
    inside = "".join(f"<T{n}/>" for n in range(80)) + "<SYSLOG_PORT>0</SYSLOG_PORT><SYSLOG_ADDR>x</SYSLOG_ADDR>"
    bench = Bench()
    made = offer(bench, f"<{ROOT}><Device><System><Syslog>{inside}</Syslog></System></Device></{ROOT}>")
    assert len([event for event in made if isinstance(event, ParameterSkipped)]) == NOTES_LOGGED
    assert made[-1] == ImportEnded("A", 1, 81, "")
    assert bench.phone.settings.user == {"SYSLOG_ADDR": "x"}
    made = offer(bench, write(every_parameter()), "U")
    assert len([event for event in made if isinstance(event, SettingRefused)]) == NOTES_LOGGED


@settings(deadline=None, max_examples=150)
@given(st.one_of(st.binary(max_size=200), st.text(max_size=80).map(str.encode)), st.sampled_from("AU"))
def test_whatever_is_offered_the_phone_says_what_became_of_it(junk: bytes, level: str) -> None:
    bench = Bench()
    body = f"<{ROOT}><Device><System><Syslog><SYSLOG_ADDR>".encode() + junk
    for offered in (junk, body, body + b"</SYSLOG_ADDR></Syslog></System></Device></PANASIPPhoneConfig>"):
        assert isinstance(offer(bench, offered, level)[-1], ImportEnded)
    assert set(bench.phone.settings.user) <= {"SYSLOG_ADDR"}


# --- There and back -------------------------------------------------------------------------------------------------


def in_force(bench: Bench) -> dict[str, str]:
    """Every value that an administrator's export can carry."""
    return {key: value for key, value in bench.phone.settings.differing().items() if key != "CFG_FILE_KEY"}


KEYS = ["SYSLOG_ADDR", "USER_PASS", "SIP_PASS/1", "SIP_PASS/6", "DISPLAY_NAME/1", "ADMIN_ID", "CFG_FILE_KEY"]
VALUES = st.sampled_from(["secret", "a&b<c>", '"quoted"', " spaced ", "é一📞", "", "k" * 32, "N"])


def fitting(values: dict[str, str]) -> dict[str, str]:
    """Those that are allowed, as the phone stores them."""
    known = {key: catalogue().by_tag[key.partition("/")[0]] for key in values}
    return {key: known[key].canonical(value) for key, value in values.items() if known[key].check(value) is None}


MANY = st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=7).map(fitting)


@settings(deadline=None, max_examples=100)
@given(MANY, MANY, st.sampled_from(["", "R", "!R", "!RW"]))
def test_exported_reset_and_imported_the_same_values_are_in_force(
    provisioned: dict[str, str], user: dict[str, str], perm: str
) -> None:
    bench = holding({key: (value, perm, "A") for key, value in provisioned.items()}, **user)
    before, body = in_force(bench), exported(bench).body
    bench.feed(FactoryResetRequested("web", "A", None))
    restarted(bench)
    assert in_force(bench) == {}
    made = offer(bench, body)
    assert made[-1] == ImportEnded("A", len(before), 0, "")
    assert in_force(bench) == before
    assert exported(bench).body == body


@pytest.mark.spec("PROV-274", "PROV-276")
def test_a_file_with_every_parameter_goes_in_and_comes_out() -> None:
    body = write(every_parameter())
    bench = Bench()
    made = offer(bench, body)
    assert ImportEnded("A", len(every_parameter()), 0, "") in made
    assert len(of(bench.entries, ConfigurationSaved)) == 1
    assert bench.phone.settings.user == {entry.key: entry.value for entry in parse(body).entries}
    changed = {k: v for k, v in bench.phone.settings.user.items() if v != default(k)}
    assert taken(bench) == changed
    assert len(changed) > 300
    assert another_value(catalogue().by_tag["ADMIN_PASS"]) in exported(bench).body.decode()


def default(key: str) -> str:
    return catalogue().by_tag[key.partition("/")[0]].default


def test_an_export_is_read_as_any_file() -> None:
    """Its own limits hold for what the phone wrote itself."""
    body = exported(holding({}, **{f"DISPLAY_NAME/{n}": "<&>" * 100 for n in range(1, 7)})).body
    assert len(body) < LIMIT
    assert len(configfile.parse(body).entries) == 6
