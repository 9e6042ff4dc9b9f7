"""Syslog: which lines go out, how they look, what waits, and that none of them holds a secret."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.events import (
    SECOND,
    AttemptStarted,
    CertificateRead,
    ClockRefused,
    ClockSet,
    ConfigurationRead,
    ConfigurationSaved,
    DatagramLost,
    DatagramSent,
    DownloadEnded,
    Entry,
    Event,
    FileRefused,
    HttpRequested,
    LookupAnswered,
    LookupRequested,
    ParameterSkipped,
    PowerOff,
    RunEnded,
    RunStarted,
    SaveFailed,
    SourceTried,
)
from emulator.events.masking import is_secret
from emulator.phone.locallog import log_of
from emulator.phone.loglines import TOLD, Line, line_of
from emulator.phone.state import Phone
from emulator.phone.syslog import SIZE_LIMIT, payload
from emulator.wire import dhcp
from emulator.world.scenario import NEW_YEAR, Expectations, Scenario, SntpSpec, SyslogSpec
from emulator.world.toml import read_scenario
from tests.emulator.phone.bench import FILE_SERVER, QUIET, Bench, datagrams, initial, of, seconds, served, story, typed
from tests.emulator.phone.bench import syslog as syslog_file
from tools.simulate import RunResult, run

prop = settings(deadline=None)

LOG_SERVER, LOG_SERVER6 = "192.0.2.30", "2001:db8::30"
ON = {"SYSLOG_SERVER_ENABLE": "Y", "SYSLOG_ADDR": LOG_SERVER}
SCENARIOS = sorted((Path(__file__).resolve().parents[3] / "scenarios").glob("*.toml"))
MESSAGE = re.compile(r"<(\d+)>([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) (\S+) (PROV|TIME): (.*)")


def sent(entries: list[Entry], port: int = 514) -> list[str]:
    """The messages, as text."""
    return [event.payload.decode("ascii") for _, event in datagrams(entries, port) if event.source_port == 514]


def told(result: RunResult) -> list[tuple[int, str]]:
    """(severity, text) of every message."""
    found = [MESSAGE.fullmatch(text) for text in sent(result.entries)]
    return [(int(m[1]) - 128, m[5]) for m in found if m]


PATHS = {"/i.cfg": initial(standard="s.cfg", master="m.cfg"), "/s.cfg": syslog_file(SYSLOG_PORT="0"), "/m.cfg": "<bad"}


def whole(**values: str) -> RunResult:
    """A run in which much happens."""
    return run(story(served(PATHS), provisioned={**QUIET, **ON, **values}, syslog=(SyslogSpec(),)))


# --- What is sent ---------------------------------------------------------------------------------------------------


@pytest.mark.spec("PROV-296", "PROV-295")
def test_a_run_is_told_line_by_line() -> None:
    result = whole(SYSLOG_SEVERITY="7")
    here = f"http://{FILE_SERVER}"
    source = "DHCP option 160"
    assert told(result) == [
        (6, "provisioning run begins (start)"),
        (7, "manual URL gives no URL: not-set"),
        (7, "SIP PnP (SIPPNP_ENABLE=N) gives no URL: disabled"),
        (6, f"{source} (OPTION160_ENABLE=Y) gives {here}/i.cfg"),
        (7, f"initial file, attempt 1: {here}/i.cfg"),
        (6, f"initial file complete, status 200, {here}/i.cfg"),
        (5, "initial download read: 0 parameters; names standard, master"),
        (7, f"standard file, attempt 1: {here}/s.cfg"),
        (6, f"standard file complete, status 200, {here}/s.cfg"),
        (4, "standard file: out-of-range at SYSLOG_PORT"),
        (5, "standard download read: 0 parameters, 1 skipped"),
        (7, f"master file, attempt 1: {here}/m.cfg"),
        (6, f"master file complete, status 200, {here}/m.cfg"),
        (3, "master download refused: not-well-formed"),
        (6, "configuration saved: transaction 2, 1 values, files: standard"),
        (4, f"run ends: partly through {source}, 0 settings changed; failed: master"),
    ]
    assert all(MESSAGE.fullmatch(text) for text in sent(result.entries))


@pytest.mark.spec("PROV-295", "PROV-290")
@pytest.mark.parametrize("severity", range(8))
def test_only_what_is_as_severe_as_asked_for_is_sent(severity: int) -> None:
    every = [one for one in told(whole(SYSLOG_SEVERITY="7")) if one[0] <= severity]
    assert told(whole(SYSLOG_SEVERITY=str(severity))) == every
    assert len(every) == (0, 0, 0, 1, 3, 5, 11, 16)[severity]


@pytest.mark.spec("PROV-290")
def test_the_factory_default_is_silence_and_severity_3_and_port_514() -> None:
    assert sent(run(story(served(PATHS))).entries) == []
    assert sent(whole(SYSLOG_SERVER_ENABLE="N").entries) == []
    assert sent(whole(SYSLOG_ADDR="").entries) == []
    assert [severity for severity, _ in told(whole())] == [3]


@pytest.mark.spec("PROV-290")
def test_the_port_and_the_address_are_those_of_the_settings() -> None:
    result = run(story(served(PATHS), provisioned={**QUIET, **ON, "SYSLOG_PORT": "1514", "SYSLOG_SEVERITY": "7"}))
    messages = [event for _, event in datagrams(result.entries, 1514)]
    assert len(messages) == 16
    assert {(m.source, m.source_port, m.destination, m.ttl) for m in messages} == {("192.0.2.10", 514, LOG_SERVER, 64)}
    assert len(of(result.entries, DatagramLost)) == 16, "nobody listens, and nobody minds"


def test_a_collector_that_listens_loses_nothing() -> None:
    assert of(whole(SYSLOG_SEVERITY="7").entries, DatagramLost) == []


def test_a_change_at_the_end_of_a_run_counts_for_its_last_lines() -> None:
    files = {"/i.cfg": initial(standard="s.cfg"), "/s.cfg": syslog_file(**ON, SYSLOG_SEVERITY="5")}
    assert told(run(story(served(files)))) == [(5, "run ends: provisioned through DHCP option 160, 3 settings changed")]


# --- How it looks ---------------------------------------------------------------------------------------------------


@pytest.mark.spec("PROV-295")
def test_lines_have_the_local_time() -> None:
    values = {**QUIET, **ON, "SYSLOG_SEVERITY": "7", "NTP_ADDR": "192.0.2.40", "TIME_ZONE": "-300"}
    result = run(story(url=None, provisioned=values, sntp=(SntpSpec(),), clock=NEW_YEAR, until=seconds(2000)))
    times = [MESSAGE.fullmatch(text) for text in sent(result.entries)]
    shown = [(found[2], found[4]) for found in times if found]
    assert shown[0] == ("Jan  1 00:00:00", "PROV"), "not set yet: the time since the power came on"
    assert ("Dec 31 19:00:00", "TIME") in shown, "2026-01-01 00:00 UTC is 2025-12-31 19:00 in New York"
    assert shown[-1] == ("Dec 31 19:30:00", "PROV"), "the retry"


@pytest.mark.spec("PROV-295")
def test_while_the_clock_is_not_set_the_time_since_power_on_is_shown() -> None:
    bench = Bench(provisioned=tuple({**QUIET, **ON}.items()))
    bench.feed(PowerOff())
    bench.now = 10 * SECOND
    bench.feed(attrs.evolve(bench.entries[1].event))
    bench.link_up()
    bench.run_to(40 * SECOND)
    bench.bind()
    assert sent(bench.entries)[0].startswith("<131>Jan  1 00:00:30 192.0.2.10 PROV: run ends: failed")


@prop
@given(st.integers(0, 7), st.text(max_size=1200), st.integers(0, 255))
def test_a_message_is_one_printable_line_of_at_most_1024_bytes(severity: int, text: str, host: int) -> None:
    line = Line(0, severity, "PROV", text.encode("unicode_escape").decode())
    made = payload(line, "Jan  1 00:00:00", f"192.0.2.{host}")
    assert len(made) <= SIZE_LIMIT
    assert all(32 <= byte < 127 for byte in made)
    whole_text = f"<{128 + severity}>Jan  1 00:00:00 192.0.2.{host} PROV: {line.text}".encode()
    assert whole_text.startswith(made)
    assert len(made) == min(len(whole_text), SIZE_LIMIT)


def test_what_is_not_ascii_is_escaped() -> None:
    assert payload(Line(0, 3, "PROV", "é€"), "x", "y") == rb"<131>x y PROV: \xe9\u20ac"


# --- What waits -----------------------------------------------------------------------------------------------------

NAME = "log.example.com"


def named(**values: str) -> Bench:
    """A phone whose syslog server is set by name, and whose lines wait for it."""
    bench = Bench(provisioned=tuple({**QUIET, **ON, "SYSLOG_ADDR": NAME, "SYSLOG_SEVERITY": "7", **values}.items()))
    bench.link_up()
    bench.bind()
    return bench


def answer(bench: Bench, *addresses: str) -> list[Entry]:
    ordinal = bench.phone.orders.open[f"lookup:{NAME}"].ordinal
    return bench.feed(LookupAnswered(NAME, ordinal, addresses, "" if addresses else "timeout"))


def test_lines_wait_for_the_name_and_go_out_in_order() -> None:
    bench = named()
    assert sent(bench.entries) == []
    waiting = [line.text for line in bench.phone.syslog.queue]
    assert len(waiting) == 8
    assert len(bench.of(LookupRequested)) == 1
    bench.run_to(3 * SECOND)
    followed = answer(bench, LOG_SERVER, "192.0.2.31")
    assert [text.partition(": ")[2] for text in sent(followed)] == waiting
    assert {text[5:20] for text in sent(followed)} == {"Jan  1 00:00:00"}, "the times at which they were written"
    assert bench.phone.syslog.queue == []
    assert bench.phone.syslog.address == LOG_SERVER


def test_the_name_is_looked_up_once() -> None:
    bench = named(CFG_RTRY_INTVL="1")
    answer(bench, LOG_SERVER)
    before = len(sent(bench.entries))
    bench.run_to(600 * SECOND)
    assert len(bench.of(LookupRequested)) == 1
    assert len(sent(bench.entries)) > before + 50
    assert bench.phone.syslog.queue == []


def test_a_name_that_is_not_found_is_asked_again_with_the_next_line_and_the_queue_is_bounded() -> None:
    bench = named(CFG_RTRY_INTVL="1")
    for minute in range(1, 20):
        answer(bench)
        bench.run_to(minute * 61 * SECOND)
    queue = bench.phone.syslog.queue
    assert len(queue) == 50
    assert queue == sorted(queue, key=lambda line: line.time)
    told = [line_of(entry.event, entry.time) for entry in bench.entries if isinstance(entry.event, TOLD)]
    assert queue == told[-50:], "the oldest are gone"
    assert len(sent(answer(bench, LOG_SERVER))) == 50


def test_lines_wait_for_an_address() -> None:
    bench = Bench(provisioned=tuple({**QUIET, **ON, "CFG_RTRY_INTVL": "1"}.items()))
    bench.link_up()
    bench.bind(seconds=30)
    assert len(sent(bench.entries)) == 1
    bench.run_to(65 * SECOND)
    assert bench.phone.dhcp.address == ""
    [line] = bench.phone.syslog.queue
    assert line.text.startswith("run ends: failed")
    followed = bench.bind()
    assert sent(followed)[0].startswith("<131>Jan  1 00:01:00 192.0.2.10 PROV: run ends: failed")
    assert bench.phone.syslog.queue == []


def test_what_waited_for_another_server_is_forgotten() -> None:
    bench = named()
    bench.feed(typed("SYSLOG_ADDR", LOG_SERVER))
    assert bench.phone.syslog.queue == []
    assert sent(answer(bench, LOG_SERVER)) == []


def test_two_who_ask_for_one_name_at_one_moment_both_get_it() -> None:
    bench = Bench(provisioned=tuple({**QUIET, **ON, "SYSLOG_ADDR": NAME, "SYSLOG_SEVERITY": "7"}.items()))
    bench.link_up()
    bench.bind((dhcp.PROVISIONING_160, f"http://{NAME}/i.cfg".encode()))
    followed = answer(bench, LOG_SERVER)
    assert len(of(followed, HttpRequested)) == 1
    assert len(sent(followed)) == 5


# --- Every event, and no secret -------------------------------------------------------------------------------------


SAMPLES: dict[type[Event], tuple[Event, int, str]] = {
    RunStarted: (RunStarted("retry"), 6, "provisioning run begins (retry)"),
    SourceTried: (SourceTried(2, "manual URL", "", "", "http://a:b@c/", ""), 6, "manual URL gives http://a:***@c/"),
    AttemptStarted: (
        AttemptStarted("master", "http://a:b@c/", 0, 2, True),
        7,
        "master file, redirect 2, with credentials: http://a:***@c/",
    ),
    DownloadEnded: (
        DownloadEnded("master", "http://a:b@c/", "http-status", 404, ""),
        3,
        "master file http-status, status 404, http://a:***@c/",
    ),
    ConfigurationRead: (
        ConfigurationRead("master", "download", "", "md5", 3, 2, ()),
        5,
        "master download read: 3 parameters, 2 skipped, decrypted (md5)",
    ),
    CertificateRead: (CertificateRead("root1", "ab" * 32), 5, "root1 certificate read, sha256 abababababababab"),
    FileRefused: (FileRefused("master", "download", "doctype"), 3, "master download refused: doctype"),
    ParameterSkipped: (ParameterSkipped("master", "unknown", "X"), 4, "master file: unknown at X"),
    ConfigurationSaved: (
        ConfigurationSaved(7, 2, ("master",), ""),
        6,
        "configuration saved: transaction 7, 2 values, files: master",
    ),
    SaveFailed: (SaveFailed("full"), 3, SaveFailed("full").text()),
    RunEnded: (RunEnded("failed", "", 0, ("master",)), 3, "run ends: failed, 0 settings changed; failed: master"),
    ClockSet: (
        ClockSet(NEW_YEAR, "SNTP", "192.0.2.40", 0, -2 * SECOND),
        7,
        "clock set to 2026-01-01 00:00:00 UTC by SNTP 192.0.2.40, 2s back",
    ),
    ClockRefused: (ClockRefused("192.0.2.40", "DENY"), 4, "time server 192.0.2.40 refuses: DENY"),
}


@pytest.mark.spec("PROV-296")
@pytest.mark.parametrize("kind", TOLD, ids=lambda kind: kind.kind)
def test_every_event_that_is_told_has_a_line_and_a_severity(kind: type[Event]) -> None:
    event, severity, text = SAMPLES[kind]
    line = line_of(event, 5)
    assert (line.time, line.severity, line.text) == (5, severity, text)
    assert line.tag == ("TIME" if kind in (ClockSet, ClockRefused) else "PROV")


@pytest.mark.parametrize(
    ("event", "severity"),
    [
        (SourceTried(2, "manual URL", "", "", None, "not-set"), 7),
        (DownloadEnded("master", "http://c/", "", 200, ""), 6),
        *((RunEnded(outcome, "", 0, ()), 4) for outcome in ("partly", "saved")),
        *((RunEnded(outcome, "", 0, ()), 5) for outcome in ("provisioned", "disabled")),
        (ClockRefused("192.0.2.40", "RATE"), 5),
    ],
)
def test_how_severe_it_is_depends_on_what_came_of_it(event: Event, severity: int) -> None:
    assert line_of(event, 0).severity == severity


def test_a_redirection_is_told_without_its_password() -> None:
    event = DownloadEnded("redirection", "http://r/", "", 302, "http://a:b@c/")
    assert line_of(event, 0).text == (
        "redirection file complete, status 302, http://r/; redirection server redirects to http://a:***@c/"
    )


@prop
@given(st.sampled_from(TOLD), st.data())
def test_no_password_of_a_url_is_told_whatever_stands_around_it(kind: type[Event], data: st.DataObject) -> None:
    """Wherever an event has a URL, as text or in a list."""
    secret = "hunter2"
    url = f"http://{data.draw(st.from_regex('[a-z]{1,5}', fullmatch=True))}:{secret}@host/{data.draw(st.text())}"
    event = SAMPLES[kind][0]
    for field in attrs.fields(attrs.resolve_types(kind)):
        if field.name in ("url", "location", "needed") and (field.type is str or type(None) in get_args(field.type)):
            event = attrs.evolve(event, **{field.name: url})
    line = line_of(event, 0)
    assert secret not in line.text
    assert line.text.isprintable()


def secrets_of(scenario: Scenario, result: RunResult) -> set[str]:
    """Every password, key and login that a scenario knows, and every header that was made of one."""
    phone: Phone = result.phones[0]
    stored = {key: value.value for key, value in phone.settings.provisioned.items()} | phone.settings.user
    found = {value for key, value in stored.items() if is_secret(key)}
    for table in (scenario.phone.user, scenario.phone.provisioned):
        found |= {value for key, value in table.items() if is_secret(key)}
    found |= {server.password for server in scenario.files}
    found |= {path.encrypt.key for server in scenario.files for path in server.paths.values() if path.encrypt}
    for entry in result.of(HttpRequested):
        assert isinstance(entry.event, HttpRequested)
        found |= {value for name, value in entry.event.headers if name == "Authorization"}
    text = repr(attrs.evolve(scenario, expect=Expectations())) + repr(result.phones[0].download.urls)
    found |= set(re.findall(r"://[^\s/@:'\"]*:([^\s/@'\"]+)@", text))
    return {secret for secret in found if len(secret) > 2}


@pytest.mark.parametrize("path", SCENARIOS, ids=[path.stem for path in SCENARIOS])
def test_no_secret_of_any_scenario_is_told(path: Path) -> None:
    """With everything told, to a server and to the phone's own log."""
    scenario = read_scenario(path)
    log = "log.example.com" if scenario.dhcpv6 else LOG_SERVER
    loud = {**scenario.phone.user, **ON, "SYSLOG_ADDR": log, "SYSLOG_SEVERITY": "7", "SYSLOG_PORT": "514"}
    names = {**scenario.names, "log.example.com": f"{LOG_SERVER}, {LOG_SERVER6}"}
    servers = (SyslogSpec(LOG_SERVER), SyslogSpec(LOG_SERVER6))
    phone = attrs.evolve(scenario.phone, user=loud)
    scenario = attrs.evolve(scenario, phone=phone, syslog=servers, names=names)
    result = run(scenario)
    messages = [e.payload.decode("ascii") for _, e in datagrams(result.entries, 514) if isinstance(e, DatagramSent)]
    kept = [line.text for phone in result.phones for line in log_of(phone)]
    secrets = secrets_of(scenario, result)
    assert [text for text in (*messages, *kept) if any(secret in text for secret in secrets)] == []
    assert messages or not result.phones[0].provisioning.runs
