"""The SNTP client: when it asks, what it believes, and what the clock shows then; all to the nanosecond."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.events import (
    SECOND,
    AddressBound,
    AddressLost,
    ClockRefused,
    ClockSet,
    ConfigurationSaved,
    DatagramReceived,
    DatagramSent,
    Entry,
    HttpRequested,
    LinkDown,
    LookupAnswered,
    LookupRequested,
    PacketRefused,
    PowerOff,
    PowerOn,
    SettingChanged,
    TimerCancelled,
    TimerDue,
    TimerSet,
)
from emulator.events.civil import DAY
from emulator.phone import dhcp as dhcp_client
from emulator.wire import dhcp, sntp
from emulator.world.scenario import NEW_YEAR, LinkSpec, SntpSpec
from tests.emulator.phone.bench import (
    ADDRESS,
    FILE_SERVER,
    MINUTE,
    QUIET,
    Bench,
    datagrams,
    initial,
    of,
    prov,
    seconds,
    served,
    story,
    typed,
)
from tools.simulate import RunResult, run

prop = settings(deadline=None)

TIME_SERVER = "192.0.2.40"
TRUE = NEW_YEAR
HOUR = 60 * MINUTE


def ready(lease: int = dhcp_client.INFINITE, **values: str) -> Bench:
    """A phone with an address and these settings, about to ask. lease: seconds."""
    bench = Bench(provisioned=tuple({"PROVISION_ENABLE": "N", "NTP_ADDR": TIME_SERVER, **values}.items()))
    bench.link_up()
    bench.bind(seconds=lease)
    return bench


def asking(**values: str) -> Bench:
    """A phone whose query is under way, since the moment 0."""
    bench = ready(**values)
    bench.run_to(0)
    return bench


def queries(bench: Bench) -> list[tuple[int, DatagramSent]]:
    """When the phone asked, and how."""
    return [(entry.time, event) for entry, event in datagrams(bench.entries, sntp.PORT)]


def reply(bench: Bench, source: str = TIME_SERVER, source_port: int = sntp.PORT, **changes: Any) -> list[Entry]:
    """An answer to the last query, from a server that knows the true time and needs none for itself."""
    _, asked = queries(bench)[-1]
    now = sntp.from_ns(TRUE + bench.now)
    packet = sntp.Packet(
        mode=sntp.SERVER,
        stratum=2,
        originate=sntp.parse(asked.payload).transmit,
        receive=now,
        transmit=now,
    )
    payload = attrs.evolve(packet, **changes).encode()
    return bench.receive(payload, asked.source_port, source, source_port)


def refusals(entries: list[Entry]) -> list[str]:
    return [entry.event.reason for entry in of(entries, PacketRefused)]  # type: ignore[attr-defined]


# --- The question ---------------------------------------------------------------------------------------------------


def test_the_phone_asks_as_soon_as_it_has_an_address() -> None:
    bench = asking()
    [(time, query)] = queries(bench)
    assert time == 0
    assert (query.source, query.destination, query.port) == (ADDRESS, TIME_SERVER, 123)
    assert 49_152 <= query.source_port <= 65_535
    packet = sntp.parse(query.payload)
    assert packet == sntp.Packet(version=4, mode=sntp.CLIENT, transmit=packet.transmit)
    assert packet.transmit


@pytest.mark.parametrize("values", [{"NTP_ADDR": ""}, {"NTP_MODE": "0"}])
def test_without_a_server_or_with_mode_0_it_does_not(values: dict[str, str]) -> None:
    bench = ready(**values)
    assert not bench.phone.orders.armed("sntp")
    bench.run_to(DAY)
    assert queries(bench) == []


def test_each_query_has_a_port_and_a_timestamp_of_its_own() -> None:
    bench = asking()
    bench.run_to(50 * MINUTE)
    asked = [(query.source_port, query.payload) for _, query in queries(bench)]
    assert len({port for port, _ in asked}) > 45
    assert len({payload for _, payload in asked}) == len(asked) == 51


@pytest.mark.parametrize(("interval", "wait"), [("", 60), ("7", 7), ("1", 1), ("0", 60), ("4294967295", 2**32 - 1)])
def test_until_the_clock_is_set_it_asks_at_the_sync_interval(interval: str, wait: int) -> None:
    """0 is read as the factory default."""
    bench = asking(**{"TIME_SYNC_INTVL": interval} if interval else {})
    assert bench.phone.orders.open["timer:sntp"].due == wait * SECOND
    if wait <= 60:
        bench.run_to(2 * wait * SECOND)
        assert [time for time, _ in queries(bench)] == [0, wait * SECOND, 2 * wait * SECOND]


@pytest.mark.parametrize(("interval", "wait"), [("", 43_200), ("3600", 3600), ("0", 43_200)])
def test_once_it_is_set_at_the_query_interval_and_after_a_failure_at_the_sync_interval(
    interval: str, wait: int
) -> None:
    bench = asking(**{"TIME_QUERY_INTVL": interval} if interval else {})
    bench.run_to(SECOND)
    reply(bench)
    bench.run_to(SECOND + wait * SECOND + 2 * MINUTE)
    later = SECOND + wait * SECOND
    assert [time for time, _ in queries(bench)] == [0, later, later + MINUTE, later + 2 * MINUTE]


def test_a_changed_setting_is_in_force_at_once_and_several_lead_to_one_query() -> None:
    paths = {"/i.cfg": initial(standard="s.cfg"), "/s.cfg": ntp(NTP_ADDR=TIME_SERVER, TIME_QUERY_INTVL="600")}
    result = run(story(served(paths), sntp=(SntpSpec(),), until=seconds(500)))
    changed = result.of(SettingChanged)[-1].time
    sent = list(datagrams(result.entries, sntp.PORT))
    assert len(result.of(SettingChanged)) == 2
    saved = result.of(ConfigurationSaved)[-1].time
    assert [entry.time for entry, _ in sent] == [saved], "as soon as the flash work is done"
    assert changed < saved
    assert of(result.entries, ClockSet)


def ntp(**values: str) -> str:
    """A device file that sets parameters of the group NTP."""
    inside = "".join(f"<{tag}>{value}</{tag}>" for tag, value in values.items())
    return prov().replace("<System><Prov></Prov></System>", f"<Network><NTP>{inside}</NTP></Network>")


@pytest.mark.parametrize(("key", "value"), [("NTP_MODE", "0"), ("NTP_ADDR", "")])
def test_switched_off_it_asks_no_more(key: str, value: str) -> None:
    bench = asking()
    followed = bench.feed(typed(key, value))
    assert [entry.event.name for entry in of(followed, TimerCancelled)] == ["sntp"]  # type: ignore[attr-defined]
    assert of(bench.wait(HOUR), DatagramSent) == []


def test_another_server_is_asked_at_once() -> None:
    bench = asking()
    bench.feed(typed("NTP_ADDR", "192.0.2.41"))
    bench.wait(0)
    assert [query.destination for _, query in queries(bench)] == [TIME_SERVER, "192.0.2.41"]
    assert refusals(reply(bench)) == ["another-server"]
    assert bench.phone.wallclock.utc(bench.now) is None


def test_without_an_address_it_is_silent_and_with_a_new_one_it_asks_again() -> None:
    bench = asking()
    assert of(bench.feed(LinkDown()), AddressLost)
    assert not bench.phone.orders.armed("sntp")
    bench.run_to(2 * MINUTE)
    bench.link_up()
    bench.bind()
    bench.run_to(2 * MINUTE)
    assert [time for time, _ in queries(bench)] == [0, 2 * MINUTE]


def test_a_renewal_starts_no_query() -> None:
    bench = ready(lease=86_400)
    bench.run_to(0)
    reply(bench)
    bench.run_to(12 * HOUR)
    before = len(queries(bench))
    assert of(bench.reply(dhcp.ACK), AddressBound)
    bench.wait(0)
    assert len(queries(bench)) == before


# --- The answer -----------------------------------------------------------------------------------------------------


@pytest.mark.spec("PROV-234")
def test_the_clock_is_not_set_until_a_server_says_what_time_it_is() -> None:
    bench = asking()
    bench.run_to(5 * SECOND)
    assert bench.phone.wallclock.utc(bench.now) is None
    [entry] = of(reply(bench), ClockSet)
    event = entry.event
    assert isinstance(event, ClockSet)
    assert (event.source, event.server, event.delay, event.correction) == ("SNTP", TIME_SERVER, 5 * SECOND, None)
    assert event.utc == TRUE + 5 * SECOND + 5 * SECOND // 2, "half of the round trip is behind it"
    assert bench.phone.wallclock.utc(bench.now) == event.utc
    bench.run_to(HOUR)
    assert bench.phone.wallclock.utc(HOUR) == event.utc + HOUR - 5 * SECOND


@pytest.mark.parametrize("delay", [0, 1, 4_000_001, 700_000_000])
def test_what_the_server_needs_for_itself_is_not_on_the_way(delay: int) -> None:
    """20 ms there and back, whatever the server does meanwhile: the clock is exact where both ways are equal."""
    link = LinkSpec(latency=seconds(0.01))
    server = SntpSpec(delay=seconds(0), ahead=seconds(3), behind=seconds(1))
    server = attrs.evolve(server, delay=delay)
    values = {**QUIET, "NTP_ADDR": TIME_SERVER}
    result = run(story(url=None, provisioned=values, sntp=(server,), link=link, until=seconds(2)))
    [entry] = result.of(ClockSet)
    assert entry.time == 40_000_000 + 20_000_000 + delay
    assert entry.event == ClockSet(TRUE + entry.time + 2 * SECOND, "SNTP", TIME_SERVER, 20_000_000, None)


@pytest.mark.parametrize(("took", "delay"), [(-1, 8), (0, 8), (3, 5), (8, 0), (9, 8)])
def test_a_server_that_tells_nonsense_about_its_time_needed_none(took: int, delay: int) -> None:
    bench = asking()
    bench.run_to(8 * SECOND)
    sent = TRUE + 100 * SECOND
    changes = {"receive": sntp.from_ns(sent - took * SECOND), "transmit": sntp.from_ns(sent)}
    [entry] = of(reply(bench, **changes), ClockSet)
    assert entry.event == ClockSet(sent + delay * SECOND // 2, "SNTP", TIME_SERVER, delay * SECOND, None)


def test_a_correction_is_told() -> None:
    drifting = SntpSpec(drift=-100)
    values = {**QUIET, "NTP_ADDR": TIME_SERVER, "TIME_QUERY_INTVL": "10000"}
    result = run(story(url=None, provisioned=values, sntp=(drifting,), until=seconds(10_100)))
    first, second = (entry.event for entry in result.of(ClockSet))
    assert isinstance(first, ClockSet)
    assert isinstance(second, ClockSet)
    assert first.correction is None
    assert second.correction == -1_000_000_000 - 200
    assert "1s back" in second.text()


WRONG = [
    ({"mode": sntp.CLIENT}, "not-a-server"),
    ({"mode": sntp.BROADCAST}, "not-a-server"),
    ({"originate": 0}, "another-query"),
    ({"stratum": 16}, "bad-stratum"),
    ({"stratum": 255}, "bad-stratum"),
    ({"stratum": 0, "reference_id": b"INIT"}, "unknown-kiss"),
    ({"stratum": 0, "reference_id": b"\xff\0\n\x1b"}, "unknown-kiss"),
    ({"leap": 3}, "unsynchronised"),
    ({"transmit": 0}, "no-time"),
    ({"source": "192.0.2.41"}, "another-server"),
    ({"source_port": 124}, "another-server"),
]


@pytest.mark.parametrize(("changes", "reason"), WRONG)
def test_what_does_not_answer_the_query_is_refused_and_the_answer_may_still_come(
    changes: dict[str, Any], reason: str
) -> None:
    bench = asking()
    assert refusals(reply(bench, **changes)) == [reason]
    assert bench.phone.wallclock.utc(bench.now) is None
    assert of(reply(bench), ClockSet)


@pytest.mark.parametrize("stratum", [1, 15])
def test_every_stratum_of_a_synchronised_server_will_do(stratum: int) -> None:
    assert of(reply(asking(), stratum=stratum, leap=1), ClockSet)


def test_the_leap_indicator_can_be_ignored() -> None:
    assert of(reply(asking(IGNORE_LEAP_INDICATOR="Y"), leap=3), ClockSet)


def test_nobody_listens_at_the_port_once_the_answer_is_here() -> None:
    bench = asking()
    assert of(reply(bench), ClockSet)
    assert refusals(reply(bench)) == ["closed-port"]


@prop
@given(st.binary(max_size=100))
def test_any_bytes_are_an_answer_or_are_refused(data: bytes) -> None:
    bench = asking()
    _, asked = queries(bench)[-1]
    followed = bench.receive(data, asked.source_port, TIME_SERVER, sntp.PORT)
    assert len(refusals(followed)) == 1
    assert of(reply(bench), ClockSet)


def test_an_exchange_is_six_events() -> None:
    """A phone that idles for a year has hundreds of them."""
    bench = asking()
    reply(bench)
    before = len(bench.entries)
    bench.wait(12 * HOUR)
    reply(bench)
    kinds = [type(entry.event) for entry in bench.entries[before:]]
    assert kinds == [TimerDue, DatagramSent, TimerSet, DatagramReceived, ClockSet, TimerSet]


def test_a_restart_loses_the_time() -> None:
    bench = asking()
    reply(bench)
    bench.feed(PowerOff())
    bench.now = HOUR
    bench.feed(PowerOn("11" * 32))
    assert bench.phone.wallclock.utc(bench.now) is None
    assert bench.phone.power.started == HOUR


# --- Kiss-o'-death --------------------------------------------------------------------------------------------------


def test_a_server_that_wants_to_be_asked_less_is_asked_half_as_often_each_time() -> None:
    bench = asking()
    times = [0]
    for doubled in (2, 4, 8, 16):
        [entry] = of(reply(bench, stratum=0, reference_id=b"RATE"), ClockRefused)
        assert entry.event == ClockRefused(TIME_SERVER, "RATE")
        times.append(times[-1] + doubled * MINUTE)
        bench.run_to(times[-1])
        assert [time for time, _ in queries(bench)] == times
    reply(bench)
    assert bench.phone.orders.open["timer:sntp"].due == bench.now + 12 * HOUR, "forgiven"


def test_the_wait_grows_to_a_day_at_most() -> None:
    bench = asking()
    for _ in range(40):
        reply(bench, stratum=0, reference_id=b"RATE")
        due = bench.phone.orders.open["timer:sntp"].due
        assert due is not None
        wait = due - bench.now
        bench.run_to(due)
    assert wait == DAY


@pytest.mark.parametrize("code", ["DENY", "RSTR"])
def test_a_server_that_denies_is_asked_no_more_and_another_one_is(code: str) -> None:
    bench = asking()
    reply(bench, stratum=0, reference_id=code.encode())
    assert not bench.phone.orders.armed("sntp")
    bench.feed(typed("TIME_QUERY_INTVL", "60"))
    bench.feed(LinkDown())
    bench.link_up()
    bench.bind()
    bench.run_to(HOUR)
    assert len(queries(bench)) == 1
    bench.feed(typed("NTP_ADDR", "192.0.2.41"))
    bench.wait(0)
    assert queries(bench)[-1][1].destination == "192.0.2.41"


# --- By name --------------------------------------------------------------------------------------------------------

NAME = "time.example.com"


def answer(bench: Bench, *addresses: str, name: str = NAME) -> list[Entry]:
    """The name service answers the open question."""
    ordinal = bench.phone.orders.open[f"lookup:{name}"].ordinal
    return bench.feed(LookupAnswered(name, ordinal, addresses, "" if addresses else "no-such-name"))


def test_a_name_is_looked_up_once_and_again_when_its_server_is_silent() -> None:
    bench = asking(NTP_ADDR=NAME)
    assert queries(bench) == []
    answer(bench, "192.0.2.41", "192.0.2.42")
    reply(bench, source="192.0.2.41")
    bench.run_to(12 * HOUR)
    assert len(bench.of(LookupRequested)) == 1
    bench.wait(MINUTE)
    assert len(bench.of(LookupRequested)) == 2, "nothing came, so it may have moved"
    answer(bench, "192.0.2.43")
    assert [query.destination for _, query in queries(bench)] == ["192.0.2.41", "192.0.2.41", "192.0.2.43"]


def test_a_name_that_is_not_found_is_tried_again() -> None:
    bench = asking(NTP_ADDR=NAME)
    answer(bench)
    bench.run_to(MINUTE)
    answer(bench, "192.0.2.41")
    assert [time for time, _ in queries(bench)] == [MINUTE]


def downloading(**values: str) -> Bench:
    """A phone that fetches its initial file from a host called like the time server."""
    bench = Bench(provisioned=tuple({**QUIET, "NTP_ADDR": NAME, **values}.items()))
    bench.link_up()
    bench.bind((dhcp.PROVISIONING_160, f"http://{NAME}/i.cfg".encode()))
    return bench


def test_one_question_serves_the_download_and_the_clock() -> None:
    bench = downloading()
    bench.run_to(0)
    assert len(bench.of(LookupRequested)) == 1
    followed = answer(bench, FILE_SERVER)
    assert len(of(followed, HttpRequested)) == 1
    assert [event.destination for _, event in datagrams(followed, sntp.PORT)] == [FILE_SERVER]


def test_a_question_of_the_clock_serves_a_download_that_begins_meanwhile() -> None:
    bench = ready(NTP_ADDR=NAME, PROVISION_ENABLE="Y", CFG_RTRY_INTVL="1", **QUIET)
    bench.run_to(0)
    bench.feed(typed("USR_PROV_SVR_URL", f"http://{NAME}/i.cfg"))
    bench.run_to(MINUTE)
    assert len(bench.of(LookupRequested)) == 1, "asked for the time, and not answered yet"
    assert bench.phone.download.open
    followed = answer(bench, FILE_SERVER)
    assert len(of(followed, HttpRequested)) == 1
    assert len(list(datagrams(followed, sntp.PORT))) == 1


def test_a_name_that_is_answered_for_the_clock_does_not_fetch_a_file_again() -> None:
    """The download's own request is under way; its answer has to find it."""
    bench = downloading(NTP_MODE="0")
    answer(bench, FILE_SERVER)
    bench.feed(typed("NTP_MODE", "2"))
    bench.wait(0)
    followed = answer(bench, FILE_SERVER)
    assert of(followed, HttpRequested) == []
    assert len(list(datagrams(followed, sntp.PORT))) == 1
    assert bench.phone.orders.open["http:initial"].ordinal == 1


# --- In a world -----------------------------------------------------------------------------------------------------


def clocks(result: RunResult) -> list[int]:
    """When the clock was set."""
    return [entry.time for entry in result.of(ClockSet)]


def test_a_year_of_idling_is_two_exchanges_a_day() -> None:
    values = {"PROVISION_ENABLE": "N", "NTP_ADDR": TIME_SERVER}
    result = run(story(url=None, provisioned=values, sntp=(SntpSpec(),), until=seconds(365 * 86_400)))
    assert len(clocks(result)) == 365 * 2
    assert len(list(datagrams(result.entries, sntp.PORT))) == len(clocks(result))
    assert result.phones[0].wallclock.utc(0) == TRUE


@pytest.mark.parametrize("behaviour", ["silent", "garbage", "wrong-originate", "unsynchronised"])
def test_a_bad_server_sets_no_clock(behaviour: str) -> None:
    values = {"PROVISION_ENABLE": "N", "NTP_ADDR": TIME_SERVER}
    bad, good = SntpSpec(behaviour=behaviour, end=seconds(90)), SntpSpec(start=seconds(90))
    result = run(story(url=None, provisioned=values, sntp=(bad, good), until=seconds(200)))
    assert clocks(result) == [120 * SECOND + 6_000_000]
    assert len(result.of(PacketRefused)) == (0 if behaviour == "silent" else 2)
