"""What can be asked about, and what is answered."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from emulator.events import (
    SECOND,
    Event,
    FactoryResetDone,
    FirmwareRefused,
    FirmwareRolledBack,
    FlashTorn,
    HttpAnswered,
    PowerCutPlanned,
    RunEnded,
    SaveFailed,
    SectorsWorn,
    SettingChanged,
    SettingRefused,
    SettingsLoaded,
)
from emulator.log import jsonl
from emulator.log.store import Store
from emulator.world.scenario import ActionSpec, DhcpSpec, Duration, FilesSpec, PhoneSpec, Scenario
from tests.tools.why.asking import offhook_why, refusal, told
from tools.simulate import RunResult, run
from tools.why import why

DEMO = "scenarios/first-boot-option-160.toml"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, RunResult]:
    """The demo, stored."""
    path = tmp_path_factory.mktemp("why") / "demo.db"
    return path, run(DEMO, db=path)


def stored(name: str, folder: Path) -> tuple[Path, RunResult]:
    """A scenario, stored."""
    return folder / "run.db", run(f"scenarios/{name}.toml", db=folder / "run.db")


def change_of(result: RunResult, key: str) -> int:
    """The number of the event that changed a setting."""
    (number,) = [e.n for e in result.of(SettingChanged) if isinstance(e.event, SettingChanged) and e.event.key == key]
    return number


def test_an_event_goes_back_to_the_cable_and_the_ack(demo: tuple[Path, RunResult]) -> None:
    """The URL of the demo came with the DHCP ACK, because nothing before it gave one."""
    found = why("1@54", db=demo[0])
    lines = told(found)
    assert next(iter(lines)) == 54
    assert lines[54].startswith("DHCP option 160 gave the URL http://192.0.2.20/{MODEL}.cfg")
    assert 'OPTION160_ENABLE is "Y" (factory default)' in lines[54]
    assert lines[19].startswith("the DHCP ACK from 192.0.2.1 carried option 160")
    assert next(node for node in found.nodes if node.entry and node.entry.n == 19).link == "because"
    assert lines[52].startswith("SIP PnP gave no URL: nobody answered")
    assert list(lines)[-1] == 4
    assert [entry.n for entry in found.inputs] == [4, 18]


def test_a_setting_comes_from_the_file_that_has_it(demo: tuple[Path, RunResult]) -> None:
    """From the product file, although the run put it in force when the master file was read."""
    path, result = demo
    found = why("1", "setting:SYSLOG_SEVERITY", db=path)
    assert found.answer == ('SYSLOG_SEVERITY is "6": provisioned',)
    numbers = list(told(found))
    assert numbers[0] == change_of(result, "SYSLOG_SEVERITY")
    assert told(found)[numbers[1]].startswith("the product file was read")
    assert not any("master file was read" in line for line in told(found).values())
    answers = {entry.n for entry in result.of(HttpAnswered)}
    assert answers & {entry.n for entry in found.inputs}


def test_a_setting_as_of_an_earlier_event(demo: tuple[Path, RunResult]) -> None:
    """Before the change it has its factory default."""
    path, result = demo
    before = change_of(result, "SYSLOG_SEVERITY") - 1
    assert "factory default" in why(f"1@{before}", "setting:SYSLOG_SEVERITY", db=path).answer[0]
    after = why(f"1@{before + 1}", "setting:SYSLOG_SEVERITY", db=path)
    assert after.nodes[0].entry is not None
    assert after.nodes[0].entry.n == before + 1


def test_a_factory_default_names_what_was_read_without_it(demo: tuple[Path, RunResult]) -> None:
    """Absence is a ground: the flash and four files did not have it."""
    found = why("1", "setting:SIPPNP_ENABLE", db=demo[0])
    assert found.answer[0] == 'SIPPNP_ENABLE is "Y": nothing in this run set it, and this is its factory default'
    assert found.answer[1] == (
        "files that were read and do not carry it: initial (61), standard (67), product (73), master (79)"
    )
    assert told(found)[3].endswith("SIPPNP_ENABLE was not among them")


def test_a_value_that_was_not_taken_is_told(tmp_path: Path) -> None:
    """Somebody typed it, and the file had made it read-only."""
    path, result = stored("parameter-left-out-keeps-its-value", tmp_path)
    first = result.of(SettingRefused)[0]
    found = why(f"1@{first.n}", "setting:DISPLAY_NAME/1", db=path)
    assert found.answer[0] == 'DISPLAY_NAME/1 is "Reception": provisioned'
    assert "read-only" in told(why(f"1@{first.n}", db=path))[first.n]
    later = why("1", "setting:DISPLAY_NAME/1", db=path)
    assert later.answer[0] == 'DISPLAY_NAME/1 is "Front desk": typed in by the user'
    assert later.answer[1].startswith('the provisioned value "Reception"')


def test_the_factory_default_after_a_reset_says_so(tmp_path: Path) -> None:
    """What was set before, and what cleared it."""
    path, result = stored("factory-reset-after-the-call", tmp_path)
    done = result.of(FactoryResetDone)[0].n
    again = {e.event.key for e in result.of(SettingChanged) if isinstance(e.event, SettingChanged) and e.n > done}
    gone = [e for e in result.of(SettingChanged) if isinstance(e.event, SettingChanged) and e.event.key not in again]
    assert gone
    key = gone[-1].event.key if isinstance(gone[-1].event, SettingChanged) else ""
    found = why("1", f"setting:{key}", db=path)
    assert "factory default" in found.answer[0]
    assert found.answer[1].startswith(f"it had been set before, in event {gone[-1].n}; the factory reset ({done})")
    assert done in told(found)


def test_the_display_after_a_failure(tmp_path: Path) -> None:
    """Back to the answer that did not come."""
    path, _ = stored("http-server-host-down", tmp_path)
    found = why("1", "display", db=path)
    assert found.answer == ('the display says "P2 server unreachable"',)
    assert any("connect-timeout" in line for line in told(found).values())
    assert why("1", "display:unreachable", db=path).nodes[0] == found.nodes[0]
    assert refusal("1", "display:P9", path).endswith('it said "P2 server unreachable"')


def test_a_clear_display(demo: tuple[Path, RunResult]) -> None:
    """After a run that went well there is nothing to show."""
    assert why("1", "display", db=demo[0]).answer == ("the display is clear: a run that ends like this shows nothing",)
    assert why("1@40", "display", db=demo[0]).answer == (
        "the display is clear: nothing was shown since the power came on",
    )
    assert why("1@1", "display", db=demo[0]).answer == ("the display is dark: the phone is off",)


def test_the_outcome_is_what_is_meant_by_a_run(demo: tuple[Path, RunResult]) -> None:
    """A run alone asks for its outcome."""
    path, result = demo
    found = why("1", db=path)
    assert found == why("1", "outcome", db=path)
    assert found.answer == ("the outcome is provisioned",)
    assert found.nodes[0].entry is not None
    assert found.nodes[0].entry.n == result.of(RunEnded)[-1].n
    assert 8 <= len(found.nodes) <= 20


def test_an_outcome_that_is_none_yet(demo: tuple[Path, RunResult]) -> None:
    """How far it came."""
    found = why("1@58", "outcome", db=demo[0])
    assert found.answer == ("no provisioning run has ended by event 58; this is as far as it came",)
    assert next(iter(told(found))) == 55


@pytest.mark.parametrize(
    ("run_name", "target", "says"),
    [
        ("1", "setting:SYSLOG_SEVRITY", "did you mean SYSLOG_SEVERITY?"),
        ("1", "setting:SIP_PASS", "setting:SIP_PASS/1 to setting:SIP_PASS/6"),
        ("1", "setting:SIP_PASS/7", "setting:SIP_PASS/1"),
        ("1", "setting:SYSLOG_ADDR/1", "give setting:SYSLOG_ADDR"),
        ("1@2", "setting:SYSLOG_ADDR", "has not read its settings by event 2"),
        ("1", "flash:0x800000", "flash:0x0 to flash:0x7fffff"),
        ("1", "flash:-1", "flash:0x0 to flash:0x7fffff"),
        ("1", "flash:there", "no address of a byte"),
        ("1", "flash:" + "9" * 5000, "no address of a byte"),
        ("1", "flash", "setting:NAME, flash:ADDRESS"),
        ("1", "setting:", "setting:NAME, flash:ADDRESS"),
        ("1", "dispaly", "did you mean display?"),
        ("1", "outcome:x", "RUN@N outcome"),
        ("1", "", "setting:NAME, flash:ADDRESS"),
        ("1@999", None, "events 1 to"),
        ("7", None, "there is no run 7"),
    ],
)
def test_what_there_is_not_is_one_line(
    demo: tuple[Path, RunResult], run_name: str, target: str | None, says: str
) -> None:
    """It says what to give instead."""
    assert says in refusal(run_name, target, demo[0])


def test_a_phone_that_there_is_not(demo: tuple[Path, RunResult]) -> None:
    """The phones of the run are named."""
    assert refusal("1", "outcome", demo[0], phone=3) == "run 1 has phones 0 to 0"


def test_an_exported_file_says_the_same(demo: tuple[Path, RunResult], tmp_path: Path) -> None:
    """RUN may be a file."""
    file = tmp_path / "demo.jsonl"
    with Store(demo[0]) as store, file.open("wb") as out:
        jsonl.write(store, store.find("1"), out)
    for target in (None, "setting:SYSLOG_SEVERITY", "flash:0x10360"):
        assert why(str(file), target, db=demo[0]).nodes == why("1", target, db=demo[0]).nodes


def test_the_whole_graph_and_its_depth(demo: tuple[Path, RunResult]) -> None:
    """-v adds every ancestor, --depth keeps it short."""
    whole = why("1@54", db=demo[0], whole=True).graph
    assert [each.entry.n for each in whole][:3] == [54, 53, 52]
    assert whole[0].links == ((53, "cause"), (19, "because"), (3, "because"))
    assert {1, 2, 3, 4, 18} <= {each.entry.n for each in whole}
    near = why("1@54", db=demo[0], whole=True, depth=1)
    assert [each.entry.n for each in near.graph] == [54, 53, 19, 3]
    assert max(node.depth for node in why("1@54", db=demo[0], depth=0).nodes) == 0


def test_the_command(demo: tuple[Path, RunResult]) -> None:
    """Text for people, an object for programs, secrets only if asked for."""
    text = offhook_why("1", "setting:SIP_PASS/1", "--db", str(demo[0]))
    assert text.exit_code == 0
    assert text.stdout.startswith("SIP_PASS/1 is ***: provisioned\nat ")
    assert "\n← at " in text.stdout
    change = demo[1].entries[change_of(demo[1], "SIP_PASS/1") - 1].event
    assert isinstance(change, SettingChanged)
    secret = change.value or ""
    assert secret
    assert secret not in text.stdout
    assert secret in offhook_why("1", "setting:SIP_PASS/1", "--secrets", "--db", str(demo[0])).stdout
    found = json.loads(offhook_why("1@60", "--json", "-v", "--db", str(demo[0])).stdout)
    assert (found["run"], found["target"], found["at"]) == (1, "event 60", 60)
    assert found["chain"][0]["n"] == 60
    assert found["chain"][0]["also"] == [59]
    assert found["graph"][0]["from"] == [{"n": 59, "link": "cause"}]
    assert "Examples:" in offhook_why("--help").stdout


@pytest.mark.parametrize(
    ("name", "kind", "ground"),
    [
        ("power-cut-in-the-commit", FlashTorn, PowerCutPlanned),
        ("flash-sector-worn-out", SaveFailed, SectorsWorn),
        ("firmware-hangs-and-is-undone", FirmwareRefused, FirmwareRolledBack),
    ],
)
def test_grounds_that_an_event_does_not_name(name: str, kind: type[Event], ground: type[Event], tmp_path: Path) -> None:
    """They are found all the same."""
    path, result = stored(name, tmp_path)
    found = why(f"1@{result.of(kind)[-1].n}", db=path)
    assert {entry.n for entry in result.of(ground)} & set(told(found))


def test_what_a_server_sent_moves_no_cursor(tmp_path: Path) -> None:
    """A URL with control characters, remembered over a restart, is printed escaped."""
    odd = "http://192.0.2.20/\x1b[2J{MODEL}.cfg"
    power = (ActionSpec(30 * SECOND, "power-off"), ActionSpec(40 * SECOND, "power-on"))
    world = Scenario(
        "odd",
        until=Duration(60 * SECOND),
        phone=PhoneSpec(provisioned={"SIPPNP_ENABLE": "N"}),
        dhcp=(DhcpSpec(option160=odd),),
        files=(FilesSpec(),),
        action=power,
    )
    path = tmp_path / "run.db"
    run(world, db=path)
    for target in ("1", "1 display", "1 setting:SYSLOG_ADDR"):
        result = offhook_why(*target.split(), "--db", str(path))
        assert result.exit_code == 0
        assert "\x1b" not in result.stdout
    assert "\\x1b" in offhook_why("1", "--db", str(path)).stdout


def test_each_phone_of_a_run_of_many(tmp_path: Path) -> None:
    """An event tells its own phone; a target is of the one that is named."""
    path = tmp_path / "run.db"
    world = Scenario("two", until=Duration(20 * SECOND), phone=PhoneSpec(count=2), dhcp=(DhcpSpec(),))
    result = run(world, db=path)
    loads = {entry.phone: entry.n for entry in result.of(SettingsLoaded)}
    for phone, n in loads.items():
        found = why("1", "setting:SYSLOG_ADDR", db=path, phone=phone)
        assert next(iter(told(found))) == n
        assert why(f"1@{n}", db=path).phone == phone
        assert {node.entry.phone for node in found.nodes if node.entry} == {phone}
