"""Looking the registrar up, also while a download asks for the same name."""

from __future__ import annotations

import pytest

from emulator.events import (
    SECOND,
    HttpAnswered,
    HttpRequested,
    LineWaiting,
    LookupAnswered,
    LookupRequested,
    Payload,
    RunEnded,
)
from emulator.wire import dhcp as wire
from tests.emulator.phone.bench import (
    FILE_SERVER,
    MINUTE,
    QUIET,
    Bench,
    of,
)
from tests.emulator.phone.registering import (
    LINE,
    REGISTRAR,
    USER,
    answer,
    last,
    line,
    phone,
    sent,
)

NAMED = {"SIP_RGSTR_ADDR/1": "sip.example.com"}


def look_up(bench: Bench, *addresses: str, name: str = "sip.example.com") -> None:
    """The name service answers the look-up of ``name`` that was asked for last."""
    ordinal = bench.phone.orders.open[f"lookup:{name}"].ordinal
    bench.feed(LookupAnswered(name, ordinal, addresses, "" if addresses else "no-such-name"))


def test_the_registrar_is_looked_up_once_for_all_lines_that_begin_together() -> None:
    second = {name.replace("/1", "/2"): value for name, value in LINE.items()}
    bench = phone({**second, "SIP_RGSTR_ADDR/1": "SIP.Example.com", "SIP_RGSTR_ADDR/2": "sip.example.com"})
    assert [entry.event.name for entry in bench.of(LookupRequested)] == ["sip.example.com"]
    look_up(bench, "192.0.2.33", "192.0.2.34")
    assert [event.destination for _, event in sent(bench)] == ["192.0.2.33", "192.0.2.33"]
    assert bench.phone.names.at("SIP.example.com") == ("192.0.2.33", "192.0.2.34")


def test_a_line_that_cannot_register_keeps_no_other_from_looking_the_name_up() -> None:
    second = {name.replace("/1", "/2"): value for name, value in LINE.items()}
    bench = phone({**second, **NAMED, "SIP_RGSTR_ADDR/2": "sip.example.com", "PHONE_NUMBER/1": ""})
    assert line(bench).state == "refused"
    look_up(bench, REGISTRAR)
    assert last(bench).get("To") == f"<sip:{USER}@sip.example.com>"


@pytest.mark.spec("PROV-120")
def test_the_outbound_proxy_is_what_is_looked_up_and_asked() -> None:
    bench = phone({**NAMED, "SIP_OUTPROXY_ADDR/1": "proxy.example.com", "SIP_DNSSRV_ENA/1": "Y"})
    assert [entry.event.name for entry in bench.of(LookupRequested)] == ["proxy.example.com"]
    look_up(bench, "192.0.2.40", name="proxy.example.com")
    assert sent(bench)[-1][1].destination == "192.0.2.40"
    assert last(bench).get("Route") == "<sip:proxy.example.com:5060;lr>"


def test_a_name_that_is_not_found_is_looked_up_again() -> None:
    bench = phone(NAMED)
    look_up(bench)
    assert [entry.event for entry in bench.of(LineWaiting)] == [LineWaiting(1, "name-not-found", 0, 10 * SECOND)]
    bench.wait(10 * SECOND)
    assert len(bench.of(LookupRequested)) == 2


def retrying() -> Bench:
    """A phone whose provisioning and whose line try again at one moment, and both begin with the same name."""
    values = {**LINE, **QUIET, **NAMED, "CFG_RTRY_INTVL": "1", "REG_RTX_INTVL/1": "60"}
    bench = Bench(provisioned=tuple(sorted(values.items())))
    bench.link_up()
    bench.bind((wire.PROVISIONING_160, b"http://sip.example.com/i.cfg"))
    look_up(bench)
    assert bench.of(RunEnded)
    look_up(bench)
    assert bench.of(LineWaiting)
    bench.wait(MINUTE)
    return bench


def test_a_download_and_a_line_that_ask_for_one_name_are_served_by_one_answer() -> None:
    """There is one question, and its answer serves both, each once."""
    bench = retrying()
    (asked,) = of(bench.entries[-8:], LookupRequested)
    assert asked.time == bench.now
    look_up(bench, FILE_SERVER)
    assert [entry.event.address for entry in bench.of(HttpRequested)] == [FILE_SERVER]
    assert [event.destination for _, event in sent(bench)] == [FILE_SERVER]


def test_an_answer_for_a_line_is_none_for_a_download_that_is_on_its_way() -> None:
    """The download knows its server's address; that the line has to ask for the same name again is not its concern."""
    bench = retrying()
    look_up(bench, FILE_SERVER)
    bench.until(LookupRequested)
    assert bench.phone.download.open
    look_up(bench, REGISTRAR)
    assert [entry.event.address for entry in bench.of(HttpRequested)] == [FILE_SERVER]
    assert sent(bench)[-1][1].destination == REGISTRAR


def test_an_answer_for_a_download_is_none_for_a_line_that_waits_for_no_name() -> None:
    bench = retrying()
    look_up(bench, REGISTRAR)
    answer(bench, 200)
    before = len(sent(bench))
    bench.feed(
        HttpAnswered("initial", 1, 302, (("Location", "http://sip.example.com/j.cfg"),), Payload(b""), "complete")
    )
    look_up(bench, FILE_SERVER)
    assert len(sent(bench)) == before
    assert len(bench.of(HttpRequested)) == 2
