"""When lines register, what a registrar may answer, and what becomes of a registration (PROV-013, 014, 195, 277)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.events import (
    SECOND,
    DatagramSent,
    DhcpReceived,
    HttpAnswered,
    HttpRequested,
    ImportOffered,
    LineRegistering,
    LineUnregistered,
    LinkDown,
    Payload,
    RegisterStarted,
    RunEnded,
    TimerCancelled,
)
from emulator.wire import dhcp as wire
from emulator.wire import sip
from emulator.world.scenario import DhcpSpec, FilesSpec, LinkSpec, SipSpec
from tests.emulator.phone.bench import (
    ADDRESS,
    FILE_SERVER,
    MINUTE,
    QUIET,
    Bench,
    initial,
    seconds,
    served,
    story,
    syslog,
    typed,
)
from tests.emulator.phone.registering import (
    CHALLENGE,
    LINE,
    REGISTRAR,
    USER,
    answer,
    last,
    line,
    phone,
    registered,
    sent,
    world,
)
from tools.simulate import RunResult, run


def registers(result: RunResult) -> list[int]:
    """The entries that send a REGISTER."""
    return [entry.n for entry in result.of(DatagramSent) if entry.event.payload.startswith(b"REGISTER ")]


# --- When -----------------------------------------------------------------------------------------------------------


@pytest.mark.spec("PROV-013")
def test_the_whole_sequence_ends_with_register() -> None:
    """DHCP ACK, GET of the initial file and of the three device files in their order, REGISTER."""
    files = {
        "/KX-UTG200B.cfg": initial(standard="Config{MAC}.cfg", product="Config{MODEL}.cfg", master="ConfigCommon.cfg"),
        **{f"/Config{name}.cfg": syslog() for name in ("0080F0123456", "KX-UTG200B", "Common")},
    }
    url = f"http://{FILE_SERVER}/{{MODEL}}.cfg"
    result = run(world(served(files), dhcp=(DhcpSpec(option160=url),)))
    told: list[str] = []
    for entry in result.entries:
        event = entry.event
        if isinstance(event, DhcpReceived) and event.type == wire.ACK:
            told.append("ACK")
        elif isinstance(event, HttpRequested):
            told.append(f"GET {event.target}")
        elif isinstance(event, DatagramSent) and event.payload.startswith(b"REGISTER "):
            told.append("REGISTER")
    gets = ("KX-UTG200B", "Config0080F0123456", "ConfigKX-UTG200B", "ConfigCommon")
    assert told == ["ACK", *(f"GET /{name}.cfg" for name in gets), "REGISTER", "REGISTER"]
    assert result.phones[0].registration.registered() == (1,)


@pytest.mark.spec("PROV-014")
@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.sampled_from(["well", "slow", "error", "silent", "garbage", "refuse"]))
def test_no_register_before_a_run_has_ended(seed: int, behaviour: str) -> None:
    """Whatever the server does, and however bad the link is."""
    link = LinkSpec(loss=300_000, duplicate=100_000)  # type: ignore[arg-type]
    told = world(
        served({"/i.cfg": initial(standard="s.cfg"), "/s.cfg": syslog()}, behaviour=behaviour, speed=1000),
        seed=seed,
        link=link,
        until=seconds(120),
    )
    result = run(told)
    ended = [entry.n for entry in result.of(RunEnded)]
    assert all(ended and n > ended[0] for n in registers(result))


@pytest.mark.spec("PROV-014")
def test_a_line_that_is_known_from_flash_waits_for_the_end_of_the_run_too() -> None:
    slow = served({"/i.cfg": initial()}, behaviour="slow", delay=seconds(20))
    result = run(world(slow, until=seconds(90)))
    (ended,) = result.of(RunEnded)
    assert ended.time >= 20 * SECOND
    assert min(registers(result)) > ended.n


@pytest.mark.spec("PROV-195")
@pytest.mark.parametrize(
    ("files", "outcome"),
    [
        ((), "failed"),
        ((served({"/i.cfg": initial()}, behaviour="refuse"),), "failed"),
        ((served({"/i.cfg": initial(standard="s.cfg", product="p.cfg"), "/s.cfg": syslog()}),), "partly"),
        ((served({"/i.cfg": initial()}),), "provisioned"),
    ],
)
def test_a_failed_run_does_not_stop_telephony(files: tuple[FilesSpec, ...], outcome: str) -> None:
    """The line registers with what is in the flash; the runs that are tried again do not disturb it."""
    result = run(world(*files, until=seconds(3 * 3600)))
    assert result.of(RunEnded)[0].event.outcome == outcome
    assert len(result.of(RunEnded)) > 1 or outcome == "provisioned"
    assert result.phones[0].registration.registered() == (1,)
    assert len(result.of(LineRegistering)) == 1


@pytest.mark.spec("PROV-195")
def test_a_phone_that_is_not_to_be_provisioned_registers() -> None:
    bench = phone()
    assert bench.of(RunEnded)[0].event.outcome == "disabled"
    assert len(sent(bench)) == 1


@pytest.mark.parametrize("settings", [{"LINE_ENABLE/1": "N"}, {"LINE_ENABLE/1": ""}, {"SIP_RGSTR_ADDR/1": ""}])
def test_a_line_that_is_off_or_has_no_registrar_does_nothing(settings: dict[str, str]) -> None:
    bench = phone(settings)
    assert bench.of(RunEnded)
    assert not bench.of(LineRegistering)


# --- A changed line -------------------------------------------------------------------------------------------------


@pytest.mark.spec("PROV-277")
def test_only_the_lines_that_a_run_changed_register_again() -> None:
    """The file gives line 2 another number; line 1 keeps its registration, and the old number of line 2 is dropped."""
    second = {name.replace("/1", "/2"): value for name, value in LINE.items()} | {"PHONE_NUMBER/2": "2002"}
    file = (
        "<PANASIPPhoneConfig><Device><Lines><Line idx='2'><Sip><PHONE_NUMBER>2022</PHONE_NUMBER></Sip></Line></Lines>"
        "<System><Prov><CFG_RTRY_INTVL>1</CFG_RTRY_INTVL></Prov></System></Device></PANASIPPhoneConfig>"
    )
    late = served({"/i.cfg": initial(standard="s.cfg"), "/s.cfg": file}, start=seconds(60))
    told = story(
        late,
        provisioned={**QUIET, **LINE, **second, "CFG_RTRY_INTVL": "5"},
        sip=(SipSpec(auth="none"),),
        until=seconds(20 * 60),
    )
    result = run(told)
    (failed, ended) = result.of(RunEnded)
    assert (failed.event.outcome, ended.event.outcome) == ("failed", "provisioned")
    after = [entry.event for entry in result.entries if entry.n > ended.n]
    assert [event.line for event in after if isinstance(event, LineRegistering)] == [2]
    assert [(event.line, event.expires) for event in after if isinstance(event, RegisterStarted)] == [(2, 0), (2, 3600)]
    assert result.phones[0].registration.registered() == (1, 2)
    sends = [sip.parse(e.payload) for e in after if isinstance(e, DatagramSent) and e.payload.startswith(b"REGISTER ")]
    assert [(m.get("To"), m.get("Expires")) for m in sends] == [
        (f"<sip:2002@{REGISTRAR}>", "0"),
        (f"<sip:2022@{REGISTRAR}>", "3600"),
    ]


@pytest.mark.spec("PROV-276")
def test_what_is_imported_for_a_line_counts_all_at_once() -> None:
    """Several values, one registration: not one for each."""
    bench = registered()
    before = len(sent(bench))
    body = (
        "<PANASIPPhoneConfig><Device><Lines><Line idx='1'><Sip><SIP_AUTHID>another</SIP_AUTHID><SIP_PASS>new</SIP_PASS>"
        "<LINE_ENABLE>Yes</LINE_ENABLE></Sip></Line></Lines></Device></PANASIPPhoneConfig>"
    )
    bench.feed(ImportOffered("A", None, Payload(body.encode())))
    assert len(sent(bench)) == before + 1
    assert [entry.event.line for entry in bench.of(LineRegistering)[1:]] == [1]


@pytest.mark.spec("PROV-277")
@pytest.mark.parametrize(
    ("key", "value", "expires"),
    [
        ("SIP_PASS/1", "new", ["3600"]),
        ("REG_EXPIRE_TIME/1", "600", ["600"]),
        ("PHONE_NUMBER/1", "2009", ["0", "3600"]),
        ("SIP_RGSTR_PORT/1", "5070", ["0", "3600"]),
        ("SIP_OUTPROXY_ADDR/1", "192.0.2.40", ["0", "3600"]),
        ("LINE_ENABLE/1", "N", ["0"]),
        ("SIP_RGSTR_ADDR/1", "", ["0"]),
        ("SIP_PASS/2", "new", []),
        ("DISPLAY_NAME/1", "Anna", []),
        ("SYSLOG_PORT", "515", []),
    ],
)
def test_what_somebody_types_counts_at_once_and_for_its_line_only(key: str, value: str, expires: list[str]) -> None:
    """Another user or server: the old registration ends first. Only its end if the line is wanted no more."""
    bench = registered()
    before = len(sent(bench))
    bench.feed(typed(key, value))
    for _ in expires:
        answer(bench, 200)
    assert [sip.parse(event.payload).get("Expires") for _, event in sent(bench)[before:]] == expires
    assert [sip.parse(event.payload).get("CSeq") for _, event in sent(bench)] == [
        f"{n} REGISTER" for n in range(1, len(sent(bench)) + 1)
    ]
    assert len({sip.parse(event.payload).get("Call-ID") for _, event in sent(bench)}) == 1
    assert line(bench).state == ("idle" if expires == ["0"] else "registered")


def test_another_port_is_another_registration_also_behind_a_service_domain() -> None:
    bench = registered({"SIP_SVCDOMAIN/1": "example.com"})
    bench.feed(typed("SIP_RGSTR_PORT/1", "5070"))
    assert (sent(bench)[-1][1].port, last(bench).get("Expires")) == (5060, "0")
    answer(bench, 200)
    assert (sent(bench)[-1][1].port, last(bench).get("Expires")) == (5070, "3600")


def test_a_value_typed_during_a_run_counts_at_its_end() -> None:
    bench = Bench(provisioned=tuple(sorted({**LINE, **QUIET}.items())))
    bench.link_up()
    bench.bind((wire.PROVISIONING_160, b"http://192.0.2.20/i.cfg"))
    bench.feed(typed("PHONE_NUMBER/1", "2009"))
    assert not sent(bench)
    bench.feed(HttpAnswered("initial", 1, 404, (), Payload(b""), "complete"))
    assert last(bench).get("To") == f"<sip:2009@{REGISTRAR}>"


def test_a_line_that_waits_during_a_run_goes_by_its_old_settings_until_the_end_of_it() -> None:
    values = {**LINE, **QUIET, "CFG_RTRY_INTVL": "1", "REG_RTX_INTVL/1": "70"}
    bench = Bench(provisioned=tuple(sorted(values.items())))
    bench.link_up()
    bench.bind((wire.PROVISIONING_160, b"http://192.0.2.20/i.cfg"))
    bench.feed(HttpAnswered("initial", 1, 404, (), Payload(b""), "complete"))
    answer(bench, 503)
    bench.wait(MINUTE)
    assert bench.phone.provisioning.step == 8
    bench.feed(typed("PHONE_NUMBER/1", "2009"))
    bench.wait(10 * SECOND)
    assert [sip.parse(event.payload).get("To") for _, event in sent(bench)] == [f"<sip:{USER}@{REGISTRAR}>"] * 2
    bench.feed(HttpAnswered("initial", 2, 404, (), Payload(b""), "complete"))
    assert last(bench).get("To") == f"<sip:2009@{REGISTRAR}>"


def test_two_changes_at_once_end_the_old_registration_once() -> None:
    bench = registered()
    bench.feed(typed("PHONE_NUMBER/1", "2009"))
    bench.feed(typed("SIP_RGSTR_ADDR/1", "192.0.2.31"))
    answer(bench, 200)
    assert [sip.parse(event.payload).get("Expires") for _, event in sent(bench)] == ["3600", "0", "3600"]
    assert (sent(bench)[-1][1].destination, last(bench).get("To")) == ("192.0.2.31", "<sip:2009@192.0.2.31>")


def test_a_registrar_that_does_not_answer_the_end_does_not_hold_the_line_up() -> None:
    bench = registered()
    bench.feed(typed("SIP_RGSTR_ADDR/1", "192.0.2.31"))
    assert (line(bench).state, last(bench).get("Expires")) == ("leaving", "0")
    bench.wait(32 * SECOND)
    assert len(bench.of(LineUnregistered)) == 1
    assert sent(bench)[-1][1].destination == "192.0.2.31"
    assert line(bench).state == "trying"


@pytest.mark.parametrize("status", [200, 401, 404, 503])
def test_a_line_that_leaves_is_gone_whatever_the_answer(status: int) -> None:
    bench = registered()
    bench.feed(typed("LINE_ENABLE/1", "N"))
    answer(bench, 401, WWW_Authenticate=CHALLENGE)
    assert (last(bench).get("Expires"), last(bench).get("CSeq")) == ("0", "3 REGISTER")
    assert last(bench).get("Authorization")
    answer(bench, status, WWW_Authenticate=CHALLENGE)
    assert line(bench).state == "idle"
    assert not bench.phone.orders.armed("register/1")


def test_settings_that_change_while_the_line_waits_are_tried_at_once() -> None:
    bench = phone()
    answer(bench, 503)
    assert line(bench).state == "waiting"
    bench.feed(typed("SIP_PASS/1", "new"))
    assert [entry.event.attempt for entry in bench.of(LineRegistering)] == [1, 1]
    assert [entry.event.name for entry in bench.of(TimerCancelled)][-1] == "register/1"
    assert bench.phone.orders.armed("register/1")


# --- The address ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["trying", "registered", "waiting"])
def test_without_an_address_no_line_does_anything_and_a_new_one_is_registered(state: str) -> None:
    bench = phone()
    if state != "trying":
        answer(bench, {"registered": 200, "waiting": 503}[state])
    assert line(bench).state == state
    before = len(sent(bench))
    bench.feed(LinkDown())
    assert (line(bench).state, bench.phone.orders.armed("register/1")) == ("idle", False)
    bench.wait(MINUTE)
    assert len(sent(bench)) == before
    bench.link_up()
    bench.bind()
    assert len(sent(bench)) == before + 1
    assert last(bench).get("CSeq") == f"{before + 1} REGISTER"


def test_a_run_that_ends_without_an_address_registers_nothing() -> None:
    bench = Bench(provisioned=tuple(sorted({**LINE, **QUIET}.items())))
    bench.link_up()
    bench.bind((wire.PROVISIONING_160, b"http://192.0.2.20/i.cfg"))
    bench.feed(LinkDown())
    assert [entry.event.outcome for entry in bench.of(RunEnded)] == ["failed"]
    assert not bench.of(LineRegistering)
    bench.link_up()
    bench.bind()
    assert len(sent(bench)) == 1


def test_a_renewed_lease_registers_nothing() -> None:
    bench = registered()
    bench.run_to(12 * 3600 * SECOND)  # T1; the refreshes in between went unanswered
    begun = len(bench.of(LineRegistering))
    assert bench.phone.dhcp.state == "renewing"
    bench.reply(wire.ACK)
    assert bench.phone.dhcp.address == ADDRESS
    assert len(bench.of(LineRegistering)) == begun
