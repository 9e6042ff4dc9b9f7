"""What a registrar, or anybody else, may answer to a REGISTER, and what becomes of the line."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.events import (
    SECOND,
    LineRefused,
    LineRegistered,
    LineWaiting,
    PacketRefused,
    TimerSet,
)
from emulator.phone.line_state import KEPT
from emulator.phone.registration import LONGEST_RETRY
from emulator.wire import sip
from emulator.world.scenario import Duration, LinkSpec
from tests.emulator.phone.bench import (
    MINUTE,
    initial,
    of,
    seconds,
    served,
)
from tests.emulator.phone.registering import (
    CHALLENGE,
    CONTACT,
    REGISTRAR,
    answer,
    last,
    line,
    phone,
    registered,
    response,
    sent,
    world,
)
from tools.simulate import run

# --- What a registrar may answer ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "expires", "refresh"),
    [
        ({"Contact": f"<{CONTACT}>;expires=120"}, 120, 60 * SECOND),
        ({"Contact": f"<sip:a@b>;expires=5, <{CONTACT}>;expires=120", "Expires": "60"}, 120, 60 * SECOND),
        ({"Contact": "<sip:2001@203.0.113.9:1024>;expires=120"}, 120, 60 * SECOND),
        ({"Contact": f"<{CONTACT}>", "Expires": "61"}, 61, 30_500_000_000),
        ({"Contact": "nonsense <", "Expires": "60"}, 60, 30 * SECOND),
        ({}, 3600, 1800 * SECOND),
        ({"Expires": "1"}, 1, SECOND),
        ({"Expires": "99999999999"}, 2**32 - 1, (2**32 - 1) * SECOND // 2),
    ],
)
def test_what_a_registrar_grants(headers: dict[str, str], expires: int, refresh: int) -> None:
    """The expires of our binding, else the Expires field, else what was asked for (RFC 3261 s.10.2.4)."""
    bench = phone()
    settled = answer(bench, 200, **headers)
    assert [entry.event for entry in of(settled, LineRegistered)] == [LineRegistered(1, expires, refresh)]
    assert [entry.event for entry in of(settled, TimerSet)] == [TimerSet("register/1", refresh)]
    assert line(bench).until == bench.now + expires * SECOND


@pytest.mark.parametrize(("rate", "after"), [("1", 36), ("50", 1800), ("90", 3240), ("100", 3600)])
def test_it_registers_again_after_its_share_of_the_time(rate: str, after: int) -> None:
    bench = registered({"REG_INTERVAL_RATE/1": rate})
    begun = bench.now
    bench.run_to(begun + after * SECOND - 1)
    assert len(sent(bench)) == 1
    bench.run_to(begun + after * SECOND)
    assert len(sent(bench)) == 2
    assert line(bench).state == "registered"


@pytest.mark.parametrize("expires", ["0", "00"])
def test_a_registrar_that_grants_nothing_is_asked_later(expires: str) -> None:
    bench = phone()
    answer(bench, 200, Expires=expires)
    assert [entry.event.reason for entry in bench.of(LineWaiting)] == ["nothing-granted"]


ASKING = {401: ("WWW_Authenticate", "Authorization"), 407: ("Proxy_Authenticate", "Proxy-Authorization")}
"""Status to the field that asks for a login and the one that shows it."""


@pytest.mark.parametrize("status", ASKING)
def test_one_challenge_is_known_for_the_refreshes_to_come(status: int) -> None:
    bench = phone()
    asking, showing = ASKING[status]
    answer(bench, status, **{asking: CHALLENGE})
    answer(bench, 200)
    bench.wait(1800 * SECOND)
    shown = [sip.parse(event.payload).get(showing) or "" for _, event in sent(bench)[1:]]
    cnonces = [value.rpartition("cnonce=")[2] for value in shown]
    assert len(set(cnonces)) == 2
    assert "nc=00000002" in (last(bench).get(showing) or "")
    answer(bench, status, **{asking: CHALLENGE.replace("n1", "n2")})
    value = last(bench).get(showing) or ""
    assert 'nonce="n2"' in value
    assert "nc=00000001" in value
    answer(bench, 200)
    assert line(bench).state == "registered"


@pytest.mark.parametrize("status", ASKING)
@pytest.mark.parametrize(("stale", "requests"), [("", 2), (", stale=false", 2), (", stale=TRUE", 3)])
def test_a_login_is_shown_once_and_once_more_if_only_the_nonce_was_too_old(
    stale: str, requests: int, status: int
) -> None:
    bench = phone()
    for n in range(requests):
        assert line(bench).state == "trying"
        answer(bench, status, **{ASKING[status][0]: CHALLENGE.replace("n1", f"n{n}") + stale})
    assert [entry.event for entry in bench.of(LineRefused)] == [LineRefused(1, "credentials-refused", status)]
    assert len(sent(bench)) == requests
    assert not bench.phone.orders.armed("register/1")


@pytest.mark.parametrize(
    ("settings", "headers", "reason"),
    [
        ({"SIP_PASS/1": ""}, {"WWW_Authenticate": CHALLENGE}, "no-credentials"),
        ({}, {}, "challenge-not-understood"),
        ({}, {"WWW_Authenticate": 'Basic realm="x"'}, "challenge-not-understood"),
        ({}, {"WWW_Authenticate": CHALLENGE.replace("MD5", "SHA-512-256")}, "challenge-not-understood"),
        ({}, {"WWW_Authenticate": CHALLENGE.replace('"auth"', '"auth-int"')}, "challenge-not-understood"),
        ({}, {"Proxy_Authenticate": CHALLENGE}, "challenge-not-understood"),
    ],
)
def test_challenges_that_cannot_be_answered(settings: dict[str, str], headers: dict[str, str], reason: str) -> None:
    """SIP has no Basic (RFC 3261 s.22); a 401 speaks by WWW-Authenticate only."""
    bench = phone(settings)
    answer(bench, 401, **headers)
    assert [entry.event for entry in bench.of(LineRefused)] == [LineRefused(1, reason, 401)]
    assert line(bench).state == "refused"


@pytest.mark.parametrize("least", ["7200", "4294967295"])
def test_a_registrar_that_wants_more_time_gets_it_once(least: str) -> None:
    bench = phone()
    answer(bench, 423, Min_Expires=least)
    assert last(bench).get("Expires") == least
    answer(bench, 423, Min_Expires=str(int(least) + 1))
    assert [entry.event for entry in bench.of(LineWaiting)] == [LineWaiting(1, "too-brief", 423, 10 * SECOND)]


@pytest.mark.parametrize("headers", [{}, {"Min_Expires": "60"}, {"Min_Expires": "3600"}, {"Min_Expires": "x"}])
def test_a_423_that_wants_no_more_is_a_failure(headers: dict[str, str]) -> None:
    bench = phone()
    answer(bench, 423, **headers)
    assert [entry.event.reason for entry in bench.of(LineWaiting)] == ["too-brief"]


@pytest.mark.parametrize(("insists", "state"), [("Y", "waiting"), ("N", "refused")])
def test_a_403_is_tried_again_if_the_line_wants_it(insists: str, state: str) -> None:
    bench = phone({"SIP_403_REG_SUB_RTX/1": insists})
    answer(bench, 403)
    assert line(bench).state == state
    bench.wait(10 * SECOND)
    assert len(sent(bench)) == (2 if insists == "Y" else 1)


@pytest.mark.parametrize("status", [300, 302, 400, 404, 405, 420, 480, 500, 503, 600, 603])
def test_any_other_failure_is_tried_again_after_the_interval(status: int) -> None:
    """Redirects too: they are not followed."""
    bench = phone({"REG_RTX_INTVL/1": "20"})
    answer(bench, status, Contact="<sip:elsewhere@192.0.2.66>")
    assert [entry.event for entry in bench.of(LineWaiting)] == [LineWaiting(1, "status", status, 20 * SECOND)]
    bench.wait(20 * SECOND - 1)
    assert len(sent(bench)) == 1
    bench.wait(1)
    assert len(sent(bench)) == 2


@pytest.mark.parametrize(
    ("interval", "longest"), [("10", LONGEST_RETRY), ("700", LONGEST_RETRY), ("7200", 7200 * SECOND)]
)
def test_the_wait_doubles_with_each_failure_in_a_row_up_to_half_an_hour(interval: str, longest: int) -> None:
    bench = phone({"REG_RTX_INTVL/1": interval})
    waits = []
    for _ in range(20):
        answer(bench, 503)
        waits.append(bench.of(LineWaiting)[-1].event.wait)
        bench.wait(waits[-1])
    assert waits == [min(int(interval) * SECOND << n, longest) for n in range(20)]


def test_a_registration_that_cannot_be_refreshed_is_none_and_the_waits_begin_anew() -> None:
    bench = phone()
    answer(bench, 503)
    bench.wait(10 * SECOND)
    answer(bench, 200)
    bench.wait(1800 * SECOND)
    assert line(bench).until > bench.now
    for wait in (10, 20, 40):
        answer(bench, 503)
        assert bench.of(LineWaiting)[-1].event.wait == wait * SECOND
        assert line(bench).until == 0
        bench.wait(wait * SECOND)


# --- What anybody may send ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"Via": "SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKother"},
        {"Via": "SIP/2.0/UDP 192.0.2.10:5060"},
        {"CSeq": "1 OPTIONS"},
        {"Via": "nonsense"},
        {"Via": ""},
    ],
)
def test_a_response_that_is_not_to_our_request_changes_nothing(change: dict[str, str]) -> None:
    bench = phone()
    request = last(bench)
    headers = {name: request.get(name) or "" for name in ("Via", "From", "To", "Call-ID", "CSeq")} | change
    before = line(bench)
    bench.receive(sip.response(200, "OK", headers.items()), 5060, REGISTRAR, 5060)
    assert line(bench) == before
    assert bench.of(PacketRefused) or "CSeq" in change


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_whatever_a_registrar_answers_the_line_is_never_stuck(data: st.DataObject) -> None:
    """After any answers there is a timer, or the line is refused; and it never sends without end at one time."""
    bench = phone({"SIP_403_REG_SUB_RTX/1": data.draw(st.sampled_from("YN"))})
    texts = st.one_of(
        st.sampled_from([CHALLENGE, f"{CHALLENGE}, stale=true", f"<{CONTACT}>;expires=3", "1", "9999", ""])
    )
    for _ in range(12):
        headers = data.draw(
            st.dictionaries(
                st.sampled_from(["WWW_Authenticate", "Proxy_Authenticate", "Contact", "Expires", "Min_Expires"]), texts
            )
        )
        status = data.draw(st.sampled_from([100, 180, 200, 202, 302, 401, 407, 403, 404, 423, 500, 699]))
        answer(bench, status, **headers)
        assert line(bench).state == "refused" or bench.phone.orders.armed("register/1")
        bench.wait(data.draw(st.sampled_from([0, SECOND, MINUTE])))
    assert len([time for time, _ in sent(bench) if time == sent(bench)[-1][0]]) <= 12


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_with_three_packets_of_ten_lost_a_line_is_registered_or_waits_for_its_timer(seed: int) -> None:
    """RFC 3261's retransmissions carry it through; whenever one looks, something will happen."""
    link = LinkSpec(loss=300_000, duplicate=100_000, jitter=Duration(SECOND))  # type: ignore[arg-type]
    told = attrs.evolve(world(served({"/i.cfg": initial()})), seed=seed, link=link, until=seconds(1000))
    result = run(told)
    state = result.phones[0]
    if not state.registration.begun:
        return
    found = state.registration.line(1)
    asking = "lookup:sip.example.com" in state.orders.open
    assert found.state in ("registered", "waiting", "trying")
    assert state.orders.armed("register/1") or asking
    refused = [entry.event.reason for entry in result.of(LineRefused)]
    assert refused == []


def test_a_repeated_challenge_is_answered_once() -> None:
    bench = phone()
    request = last(bench)
    for _ in range(3):
        bench.receive(response(request, 401, WWW_Authenticate=CHALLENGE), 5060, REGISTRAR, 5060)
    assert len(sent(bench)) == 2
    assert not bench.of(PacketRefused)


def test_no_more_transactions_are_remembered_than_can_matter() -> None:
    bench = phone()
    for _ in range(KEPT + 5):
        answer(bench, 200)
        bench.wait(1800 * SECOND)
    assert len(bench.phone.registration.over) == KEPT


def test_an_idle_line_costs_eight_events_a_refresh() -> None:
    bench = registered()
    before = len(bench.entries)
    bench.wait(1800 * SECOND)
    answer(bench, 200)
    assert len(bench.entries) - before == 8
