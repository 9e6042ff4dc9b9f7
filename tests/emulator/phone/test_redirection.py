"""Step 7: what is asked of the redirection server, and what counts as its answer (PROV-100 to PROV-104)."""

from __future__ import annotations

import pytest

from emulator.events import (
    SECOND,
    DownloadOrdered,
    HttpAnswered,
    HttpRequested,
    Payload,
    RunEnded,
    SourceTried,
    StepEntered,
)
from emulator.phone.kx_utg200 import kx_utg200
from tests.emulator.phone.bench import FILE_SERVER, Bench, initial, of, steps

URL = f"http://{FILE_SERVER}/{{MODEL}}.cfg"


def asking(base: str = "http://192.0.2.50/base/") -> Bench:
    """A phone that has just asked the redirection server."""
    bench = Bench(kx_utg200().with_options(redirection_url=base), provisioned=(("SIPPNP_ENABLE", "N"),))
    bench.link_up()
    bench.bind()
    return bench


def answer(status: int, body: str = "", *headers: tuple[str, str], end: str = "complete") -> HttpAnswered:
    return HttpAnswered("redirection", 1, status, headers, Payload(body.encode()), end)


@pytest.mark.spec("PROV-102", "PROV-103")
@pytest.mark.parametrize("base", ["http://192.0.2.50/base/", "http://192.0.2.50/base"])
def test_the_question_is_one_http_request_that_names_the_mac(base: str) -> None:
    (entry,) = asking(base).of(HttpRequested)
    event = entry.event
    assert (event.method, event.host, event.port, event.tls) == ("GET", "192.0.2.50", 80, False)
    assert event.target == "/base/0080f0123456.cfg"
    assert dict(event.headers)["User-Agent"] == "Panasonic_KX-UTG200B/03.210 (0080f0123456)"


@pytest.mark.spec("PROV-103", "PROV-007")
@pytest.mark.parametrize(
    "given",
    [
        answer(301, "", ("Location", URL)),
        answer(302, "", ("location", URL)),
        answer(307, "", ("Location", URL)),
        answer(200, f"{URL}\r\n", ("Content-Type", "text/plain")),
        answer(200, URL, ("Content-Type", "application/url")),
    ],
    ids=lambda given: f"{given.status}-{len(given.body)}",
)
def test_each_form_of_the_answer_leads_to_step_8(given: HttpAnswered) -> None:
    bench = asking()
    made = bench.feed(given)
    assert [entry.event.url for entry in of(made, SourceTried)] == [URL]
    assert [(e.event.step, e.event.source) for e in of(made, StepEntered)] == [(8, "redirection server")]
    assert of(made, DownloadOrdered)[0].event.urls == (f"http://{FILE_SERVER}/KX-UTG200B.cfg",)


@pytest.mark.spec("PROV-103")
def test_an_initial_file_in_the_answer_is_steps_7_and_8_together() -> None:
    bench = asking()
    made = bench.feed(answer(200, initial(standard="s.cfg")))
    assert steps(made) == [8]
    assert [(e.event.file, e.event.urls) for e in of(made, DownloadOrdered)] == [
        ("standard", (f"http://{FILE_SERVER}/s.cfg",))
    ]


@pytest.mark.spec("PROV-007")
@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (answer(404), "http-status"),
        (answer(503), "http-status"),
        (answer(302), "http-status"),
        (answer(200, "no URL at all"), "no-url-in-answer"),
        (answer(200, "192.0.2.20"), "no-url-in-answer"),
        (answer(0, end="connect-timeout"), "connect-timeout"),
    ],
)
def test_anything_else_leads_to_step_9_and_a_retry(given: HttpAnswered, reason: str) -> None:
    bench = asking()
    made = bench.feed(given)
    assert [(e.event.url, e.event.reason) for e in of(made, SourceTried)] == [(None, reason)]
    assert steps(made) == [9]
    assert of(made, RunEnded)[0].event.outcome == "failed"
    assert steps(bench.wait(31 * 60 * SECOND))[0] == 2


@pytest.mark.spec("PROV-104")
def test_no_host_is_built_in() -> None:
    assert kx_utg200().options.redirection_url == ""
    bench = asking("")
    assert not bench.of(HttpRequested)
    assert bench.of(SourceTried)[-1].event.reason == "no-server-set"
