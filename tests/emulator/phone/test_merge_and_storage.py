"""Which value wins, who may change it, and what survives in the flash (spec section 22, PROV-160 to PROV-193)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import attrs
import pytest
from hypothesis import given
from hypothesis import settings as configured
from hypothesis import strategies as st

from emulator.events import (
    ConfigurationRead,
    ConfigurationSaved,
    FlashErased,
    FlashProgrammed,
    PowerOff,
    PowerOn,
    RunEnded,
    SettingChanged,
    SettingEntered,
    SettingRefused,
)
from emulator.phone.catalogue import catalogue
from emulator.phone.configfile import Entry as Parameter
from emulator.phone.configfile import parse, write
from emulator.phone.settings import Settings
from emulator.phone.storage import FILES, read_store
from emulator.world.run import Run
from emulator.world.scenario import ActionSpec, PathSpec
from flash_image import pack
from tests.emulator.phone.bench import (
    Bench,
    initial,
    of,
    on_flash,
    seconds,
    served,
    story,
    syslog,
    typed,
)
from tools.simulate import RunResult, run

KEYS = ("SYSLOG_ADDR", "ADMIN_ID", "USER_ID", "PHONE_NUMBER/1", "PHONE_NUMBER/2")
PERMS = ("", "RW", "R", "!", "!RW", "!R")


class Given(NamedTuple):
    value: str
    perm: str = ""
    access: str = ""


File = Mapping[str, Given]
values = st.sampled_from(["", "a", "b", "10.0.0.1"])
entries = st.builds(Given, values, st.sampled_from(PERMS), st.sampled_from(["", "A", "U", "AU"]))
files = st.dictionaries(st.sampled_from(KEYS), entries, max_size=len(KEYS))
users = st.dictionaries(st.sampled_from(KEYS), values, max_size=len(KEYS))
runs = st.lists(st.dictionaries(st.sampled_from(FILES), files, max_size=3), min_size=1, max_size=3)


class Oracle:
    """The merge of spec section 22, written down once more; state as plain dicts."""

    def __init__(self, user: Mapping[str, str]) -> None:
        self.user = dict(user)
        self.provisioned: dict[str, str] = {}
        self.perm: dict[str, str] = {}
        self.access: dict[str, str] = {}

    def run(self, standard: File, product: File, master: File) -> None:
        for p in KEYS:
            entry = standard.get(p) or product.get(p) or master.get(p)
            if entry:
                self.provisioned[p], self.perm[p], self.access[p] = entry
                if entry.perm.startswith("!") and p in self.user:
                    del self.user[p]

    def value(self, p: str) -> str:
        for layer in (self.user, self.provisioned):
            if p in layer:
                return layer[p]
        return catalogue().by_tag[p.partition("/")[0]].default

    def editable(self, p: str) -> bool:
        return self.perm.get(p, "").lstrip("!") != "R"


def body(file: File) -> str:
    return write(Parameter(key, *entry) for key, entry in file.items()).decode()


def provision(
    given_files: Mapping[str, File], user: Mapping[str, str], flash: bytes | None = None
) -> tuple[RunResult, Run]:
    """A run over these device files, on a phone that starts from ``flash``."""
    names = {name: f"{name}.cfg" for name in given_files}
    paths = {f"/{name}.cfg": body(file) for name, file in given_files.items()}
    scenario = story(served({"/i.cfg": initial(**names), **paths}), user=dict(user), until=seconds(5))
    return on_flash(scenario, flash)


def image(result: RunResult) -> bytes:
    return pack(result.phones[0].flash.chip)


def layers(settings: Settings) -> tuple[object, ...]:
    return (settings.provisioned, settings.user, settings.roots, settings.files, settings.last_url)


# --- The merge ------------------------------------------------------------------------------------------------------


@pytest.mark.spec("PROV-181", "PROV-182")
@given(runs, users)
@configured(deadline=None, max_examples=60)
def test_the_merge_is_the_one_of_the_specification(story_of_files: list[dict[str, File]], user: dict[str, str]) -> None:
    oracle = Oracle(user)
    flash = None
    for given_files in story_of_files:
        result, _ = provision(given_files, user, flash)
        oracle.run(*(given_files.get(name, {}) for name in FILES))
        settings = result.phones[0].settings
        assert {key: settings.value(key) for key in KEYS} == {key: oracle.value(key) for key in KEYS}
        assert {key: settings.editable(key) for key in KEYS} == {key: oracle.editable(key) for key in KEYS}
        assert {key: stored[1:] for key, stored in settings.provisioned.items() if key in KEYS} == {
            key: (oracle.perm[key], oracle.access[key]) for key in oracle.provisioned
        }
        assert {key: value for key, value in settings.user.items() if key in KEYS} == oracle.user
        flash = image(result)


TABLE = [
    pytest.param("", True, False, marks=pytest.mark.spec("PROV-160")),
    pytest.param("RW", True, False, marks=pytest.mark.spec("PROV-160")),
    pytest.param("R", False, False, marks=pytest.mark.spec("PROV-160", "PROV-165")),
    pytest.param("!", True, True, marks=pytest.mark.spec("PROV-160", "PROV-162")),
    pytest.param("!RW", True, True, marks=pytest.mark.spec("PROV-160", "PROV-164")),
    pytest.param("!R", False, True, marks=pytest.mark.spec("PROV-160", "PROV-161")),
    pytest.param("bogus", True, False, marks=pytest.mark.spec("PROV-167")),
]


@pytest.mark.parametrize(("perm", "editable", "overrides"), TABLE)
def test_what_each_perm_does(perm: str, editable: bool, overrides: bool) -> None:
    paths = {"/i.cfg": initial(standard="s.cfg"), "/s.cfg": syslog(perm, SYSLOG_ADDR="file")}
    hand = ActionSpec(seconds(3), "web", "SYSLOG_ADDR", "again")
    result = run(story(served(paths), user={"SYSLOG_ADDR": "user"}, action=(hand,), until=seconds(4)))
    settings = result.phones[0].settings
    dropped = [e.event.key for e in result.of(SettingChanged) if e.event.layer == "user" and e.event.value is None]
    assert dropped == (["SYSLOG_ADDR"] if overrides else [])
    assert [e.event.reason for e in result.of(SettingRefused)] == ([] if editable else ["read-only"])
    assert settings.value("SYSLOG_ADDR") == ("again" if editable else "file" if overrides else "user")


@pytest.mark.spec("PROV-163")
def test_the_mark_of_a_losing_file_does_nothing() -> None:
    paths = {
        "/i.cfg": initial(standard="s.cfg", master="m.cfg"),
        "/s.cfg": syslog("R", SYSLOG_ADDR="strong"),
        "/m.cfg": syslog("!RW", SYSLOG_ADDR="weak"),
    }
    settings = run(story(served(paths), user={"SYSLOG_ADDR": "user"})).phones[0].settings
    assert settings.user["SYSLOG_ADDR"] == "user"
    assert not settings.editable("SYSLOG_ADDR")


@pytest.mark.spec("PROV-166")
def test_a_later_file_without_a_mark_opens_the_parameter_again() -> None:
    first, _ = provision({"standard": {"ADMIN_ID": Given("a", "R", "A")}}, {})
    assert not first.phones[0].settings.editable("ADMIN_ID")
    second, _ = provision({"standard": {"ADMIN_ID": Given("a")}}, {}, image(first))
    assert second.phones[0].settings.editable("ADMIN_ID")
    assert second.phones[0].settings.provisioned["ADMIN_ID"] == ("a", "", "")


@pytest.mark.spec("PROV-139", "PROV-186")
def test_a_parameter_that_is_in_no_file_any_more_keeps_its_value() -> None:
    first, _ = provision({"standard": {"ADMIN_ID": Given("a"), "USER_ID": Given("u")}}, {})
    second, _ = provision({"standard": {"USER_ID": Given("v")}}, {}, image(first))
    settings = second.phones[0].settings
    assert (settings.value("ADMIN_ID"), settings.value("USER_ID")) == ("a", "v")


@pytest.mark.spec("PROV-138")
def test_of_a_parameter_given_twice_the_last_counts() -> None:
    twice = syslog(SYSLOG_ADDR="one").replace("</Syslog>", "<SYSLOG_ADDR>two</SYSLOG_ADDR></Syslog>")
    paths = {"/i.cfg": initial(standard="s.cfg"), "/s.cfg": twice}
    assert run(story(served(paths))).phones[0].settings.value("SYSLOG_ADDR") == "two"


# --- Typed by the user ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("NO_SUCH_TAG", "1", "unknown"),
        ("SYSLOG_PORT/1", "1", "unknown"),
        ("PHONE_NUMBER", "1", "unknown"),
        ("PHONE_NUMBER/99", "1", "unknown"),
        ("PHONE_NUMBER/x", "1", "unknown"),
        ("SYSLOG_PORT", "0", "out-of-range"),
        ("SYSLOG_PORT", "ten", "not-a-number"),
        ("SYSLOG_PORT", "", "empty"),
        ("SIPPNP_ENABLE", "maybe", "not-a-flag"),
    ],
)
def test_what_the_user_types_is_checked(key: str, value: str, reason: str) -> None:
    bench = Bench()
    before = pack(bench.phone.flash.chip)
    made = bench.feed(typed(key, value))
    assert [(e.event.key, e.event.reason) for e in of(made, SettingRefused)] == [(key, reason)]
    assert len(made) == 2
    assert pack(bench.phone.flash.chip) == before


@given(st.text(max_size=100), st.none() | st.text(max_size=600), st.sampled_from(["web", "phone"]))
@configured(deadline=None, max_examples=100)
def test_anything_typed_is_taken_or_refused(key: str, value: str | None, via: str) -> None:
    bench = Bench()
    made = bench.feed(SettingEntered(key, value, via))
    assert len(of(made, SettingChanged)) + len(of(made, SettingRefused)) == 1


@pytest.mark.spec("PROV-183", "PROV-140")
def test_the_last_value_typed_counts_and_can_be_taken_back() -> None:
    bench = Bench(provisioned=(("SYSLOG_ADDR", "file"),))
    bench.feed(SettingEntered("SYSLOG_ADDR", "web", "web"))
    bench.feed(SettingEntered("SYSLOG_ADDR", "phone", "phone"))
    bench.feed(SettingEntered("SIPPNP_ENABLE", "No", "phone"))
    assert bench.phone.settings.value("SYSLOG_ADDR") == "phone"
    assert bench.phone.settings.value("SIPPNP_ENABLE") == "N"
    bench.feed(SettingEntered("SYSLOG_ADDR", None, "web"))
    assert bench.phone.settings.value("SYSLOG_ADDR") == "file"


# --- Over a restart -------------------------------------------------------------------------------------------------


def restarted(bench: Bench) -> Bench:
    bench.feed(PowerOff())
    bench.feed(PowerOn("11" * 32))
    return bench


edits = st.lists(st.tuples(st.sampled_from(KEYS), st.none() | values), max_size=8)


@pytest.mark.spec("PROV-001", "PROV-273")
@given(edits)
@configured(deadline=None, max_examples=60)
def test_what_was_typed_is_there_after_a_restart(typed_values: list[tuple[str, str | None]]) -> None:
    bench = Bench(user=(("USER_ID", "old"),), provisioned=(("ADMIN_ID", "x"),))
    for key, value in typed_values:
        bench.feed(typed(key, value))
    before = bench.phone.settings.copy()
    after = restarted(bench).phone.settings
    assert layers(after) == layers(before)


@pytest.mark.spec("PROV-166", "PROV-273")
@given(runs, users)
@configured(deadline=None, max_examples=40)
def test_what_was_provisioned_is_there_after_a_restart(
    story_of_files: list[dict[str, File]], user: dict[str, str]
) -> None:
    flash = None
    for given_files in story_of_files:
        result, made = provision(given_files, user, flash)
        flash = image(result)
        machine = made.machines[0]
        before = machine.phone.settings.copy()
        machine.take(PowerOff(), made.now, None, 10_001)
        machine.take(PowerOn("22" * 32), made.now, None, 10_101)
        assert layers(machine.phone.settings) == layers(before)
        assert not read_store(machine.phone.flash.chip).damage


@pytest.mark.parametrize("manual", [True, False])
def test_a_value_typed_after_a_run_does_not_bring_an_older_url_back(manual: bool) -> None:
    """The URL of the last good run is the newest one, whatever else is saved after it."""
    paths = {"/i.cfg": initial(), "/j.cfg": initial()}
    actions = [
        ActionSpec(seconds(2), "power-off"),
        ActionSpec(seconds(3), "web", "ADMIN_ID", "off"),
        ActionSpec(seconds(4), "power-on"),
        ActionSpec(seconds(6), "web", "ADMIN_ID", "typed"),
        ActionSpec(seconds(7), "power-off"),
        ActionSpec(seconds(8), "power-on"),
    ]
    if manual:
        actions.insert(0, ActionSpec(seconds(1), "web", "USR_PROV_SVR_URL", "http://192.0.2.20/j.cfg"))
    result = run(story(served(paths), action=tuple(actions), until=seconds(8.5)))
    assert result.phones[0].settings.last_url == f"http://192.0.2.20/{'j' if manual else 'i'}.cfg"
    assert result.phones[0].settings.value("ADMIN_ID") == "typed"
    assert read_store(result.phones[0].flash.chip).last_url == result.phones[0].settings.last_url


@pytest.mark.spec("PROV-193")
@given(st.dictionaries(st.sampled_from(FILES), files, min_size=1, max_size=3), users)
@configured(deadline=None, max_examples=30)
def test_a_second_identical_run_changes_nothing_and_writes_nothing(
    given_files: dict[str, File], user: dict[str, str]
) -> None:
    first, _ = provision(given_files, user)
    second, _ = provision(given_files, user, image(first))
    assert [entry.event.outcome for entry in second.of(RunEnded)] == ["provisioned"]
    for kind in (SettingChanged, ConfigurationSaved, FlashErased, FlashProgrammed):
        assert not second.of(kind)
    assert image(second) == image(first)
    assert layers(second.phones[0].settings) == layers(first.phones[0].settings)


@pytest.mark.spec("PROV-181", "PROV-001")
def test_what_the_user_typed_survives_provisioning_and_a_restart() -> None:
    paths = {"/i.cfg": initial(standard="s.cfg"), "/s.cfg": syslog(SYSLOG_ADDR="file")}
    actions = (
        ActionSpec(seconds(2), "web", "SYSLOG_ADDR", "mine"),
        ActionSpec(seconds(3), "power-off"),
        ActionSpec(seconds(4), "power-on"),
    )
    result = run(story(served(paths), action=actions, until=seconds(6)))
    assert len(result.of(RunEnded)) == 2
    assert result.phones[0].settings.value("SYSLOG_ADDR") == "mine"


# --- Saved files ----------------------------------------------------------------------------------------------------

BAD = {
    "missing": PathSpec(behaviour="missing"),
    "cut off": PathSpec(text=syslog(SYSLOG_ADDR="new"), behaviour="cut-off"),
    "not well-formed": PathSpec(text="<PANASIPPhoneConfig><Device>"),
    "another root": PathSpec(text="<Config/>"),
    "empty": PathSpec(text=""),
    "too large": PathSpec(text=syslog(SYSLOG_ADDR="new"), pad_to=245_761),
}


@pytest.mark.spec("PROV-192", "PROV-191")
@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("held", [True, False])
def test_a_failed_file_is_replaced_by_its_saved_copy(bad: str, held: bool) -> None:
    paths = {
        "/i.cfg": initial(standard="s.cfg", product="p.cfg"),
        "/s.cfg": BAD[bad],
        "/p.cfg": syslog(SYSLOG_ADDR="weak", SYSLOG_PORT="99"),
    }
    saved = {"standard": syslog(SYSLOG_ADDR="saved")} if held else {}
    result = run(story(served(paths), saved=saved))
    settings = result.phones[0].settings
    assert result.of(RunEnded)[0].event.outcome == "partly"
    assert settings.value("SYSLOG_PORT") == "99"
    assert settings.value("SYSLOG_ADDR") == ("saved" if held else "weak")
    read = [(e.event.file, e.event.origin) for e in result.of(ConfigurationRead)]
    assert (("standard", "saved copy") in read) == held
    assert settings.files == (("standard", "product") if held else ("product",))


@pytest.mark.spec("PROV-193")
@pytest.mark.parametrize("bad", BAD)
def test_a_bad_file_does_not_replace_the_saved_copy(bad: str) -> None:
    paths = {"/i.cfg": initial(standard="s.cfg"), "/s.cfg": BAD[bad]}
    saved = {"standard": syslog(SYSLOG_ADDR="saved")}
    actions = (ActionSpec(seconds(40), "power-off"), ActionSpec(seconds(41), "power-on"))
    result = run(story(served(paths), saved=saved, action=actions, until=seconds(80)))
    assert [entry.event.outcome for entry in result.of(RunEnded)] == ["saved", "saved"]
    assert result.phones[0].settings.value("SYSLOG_ADDR") == "saved"


@pytest.mark.spec("PROV-190")
def test_by_the_older_rule_one_failed_file_means_all_saved_ones() -> None:
    paths = {"/i.cfg": initial(standard="s.cfg", product="p.cfg"), "/p.cfg": syslog(SYSLOG_PORT="99")}
    saved = {"standard": syslog(SYSLOG_ADDR="saved"), "product": syslog(SYSLOG_PORT="7")}
    scenario = story(served(paths), saved=saved)
    result = run(attrs.evolve(scenario, phone=attrs.evolve(scenario.phone, options={"fallback": "2014-05"})))
    assert result.of(RunEnded)[0].event.outcome == "saved"
    settings = result.phones[0].settings
    assert (settings.value("SYSLOG_ADDR"), settings.value("SYSLOG_PORT")) == ("saved", "7")


CERTIFICATE = b"\x30\x03\x02\x01\x05".decode("latin-1")


@pytest.mark.spec("PROV-222")
@pytest.mark.parametrize("outcome", ["provisioned", "partly", "saved", "failed"])
def test_a_certificate_that_was_fetched_is_kept_however_the_run_ends(outcome: str) -> None:
    paths: dict[str, str | PathSpec] = {"/r.pem": CERTIFICATE, "/i.cfg": initial(root1="r.pem", standard="s.cfg")}
    if outcome in ("provisioned", "partly"):
        paths["/s.cfg"] = syslog(SYSLOG_ADDR="new")
    if outcome == "partly":
        paths["/i.cfg"] = initial(root1="r.pem", standard="s.cfg", master="m.cfg")
    saved = {"standard": syslog(SYSLOG_ADDR="saved")} if outcome == "saved" else {}
    actions = (ActionSpec(seconds(2), "power-off"), ActionSpec(seconds(3), "power-on"))
    result = run(story(served(paths, end=seconds(2)), saved=saved, action=actions, until=seconds(3.5)))
    assert result.of(RunEnded)[0].event.outcome == outcome
    assert list(result.phones[0].settings.roots) == ["root1"]
    assert "root1" in result.phones[0].settings.files


def test_a_file_that_was_written_is_read_back_as_it_was() -> None:
    text = body({"ADMIN_ID": Given("a", "R", "AU")})
    assert parse(text.encode()).entries == (Parameter("ADMIN_ID", "a", "R", "AU"),)
