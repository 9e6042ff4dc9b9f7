"""Fetching files: what is ordered, redirects, logins, protocols, and how it ends (PROV-033, PROV-110 to PROV-120)."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import attrs
import pytest

from emulator.events import (
    SECOND,
    AttemptStarted,
    DownloadEnded,
    DownloadOrdered,
    FtpStarted,
    HttpAnswered,
    HttpRequested,
    LookupRequested,
    Payload,
    RunEnded,
    TftpStarted,
)
from emulator.phone import crypt
from emulator.phone.httpauth import check_digest
from emulator.wire import dhcp as wire
from emulator.world.scenario import Encryption, FilesSpec, LinkSpec, Outage, PathSpec, Scenario
from tests.emulator.phone.bench import FILE_SERVER, Bench, initial, of, prov, seconds, served, story, syslog
from tools.simulate import RunResult, run

HERE = f"http://{FILE_SERVER}"
OTHER = "192.0.2.21"
KEY = "12341234abcdabcd12341234abcdabcd"


def requests(result: RunResult) -> list[str]:
    """Every file request as a URL without a login, in order."""
    made = []
    for entry in result.entries:
        event = entry.event
        if isinstance(event, HttpRequested):
            made.append(f"{'https' if event.tls else 'http'}://{event.host}{event.target}")
        elif isinstance(event, TftpStarted):
            made.append(f"tftp://{event.host}{event.path}")
        elif isinstance(event, FtpStarted):
            made.append(f"ftp://{event.host}/{event.path.decode()}")
    return made


def logins(result: RunResult) -> list[tuple[str, str | None]]:
    """Host and Authorization of every HTTP request."""
    return [(e.event.host, dict(e.event.headers).get("Authorization")) for e in result.of(HttpRequested)]


def end(result: RunResult, file: str = "initial") -> DownloadEnded:
    (event,) = [entry.event for entry in result.of(DownloadEnded) if entry.event.file == file]
    assert isinstance(event, DownloadEnded)
    return event


def basic(user: str, password: str) -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


# --- The order ------------------------------------------------------------------------------------------------------


@pytest.mark.spec("PROV-115", "PROV-117")
def test_an_http_request_is_ordered_exactly_so() -> None:
    result = run(story(served({"/a/i.cfg?x=1": initial()}), url=f"{HERE}/a/i.cfg?x=1"))
    (entry,) = result.of(HttpRequested)
    assert entry.event == HttpRequested(
        name="initial",
        method="GET",
        host=FILE_SERVER,
        address=FILE_SERVER,
        port=80,
        tls=False,
        roots=(),
        target="/a/i.cfg?x=1",
        headers=(
            ("Host", FILE_SERVER),
            ("User-Agent", "Panasonic_KX-UTG200B/03.210 (0080f0123456)"),
            ("Connection", "close"),
        ),
        limit=245_760,
        connect_limit=10 * SECOND,
        idle_limit=30 * SECOND,
    )


@pytest.mark.spec("PROV-118", "PROV-041")
@pytest.mark.parametrize(
    ("authority", "port", "user", "password"),
    [
        (FILE_SERVER, 21, "anonymous", ""),
        (f"joe:s%20x@{FILE_SERVER}", 21, "joe", "s x"),
        (f"joe@{FILE_SERVER}:2121", 2121, "joe", ""),
    ],
)
def test_an_ftp_read_begins_exactly_so(authority: str, port: int, user: str, password: str) -> None:
    result = run(story(url=f"ftp://{authority}/d/i%20j.cfg"))
    (entry,) = result.of(FtpStarted)
    where = ("initial", FILE_SERVER, FILE_SERVER, port, Payload(b"d/i j.cfg"))
    assert entry.event == FtpStarted(*where, user, password, 245_760, 10 * SECOND, 30 * SECOND)


@pytest.mark.spec("PROV-119")
def test_the_host_header_names_another_port() -> None:
    result = run(story(served({"/i.cfg": initial()}, ports={"http": 8080}), url=f"http://{FILE_SERVER}:8080/i.cfg"))
    assert dict(result.of(HttpRequested)[0].event.headers)["Host"] == f"{FILE_SERVER}:8080"
    assert result.outcome == "provisioned"


@pytest.mark.spec("PROV-148")
@pytest.mark.parametrize(("key", "device"), [("", 245_760), (KEY, crypt.BODY_LIMIT)])
def test_only_a_device_file_that_may_be_encrypted_may_be_longer(key: str, device: int) -> None:
    settings = {"SIPPNP_ENABLE": "N"} | ({"CFG_FILE_KEY": key} if key else {})
    files = served({"/i.cfg": initial(standard="s.enc", root1="r.pem")})
    scenario = story(files, served({}, address="192.0.2.50"), provisioned=settings)
    scenario = attrs.evolve(scenario, dhcp=(attrs.evolve(scenario.dhcp[0], option160=None),))
    phone = attrs.evolve(scenario.phone, user={"USR_PROV_SVR_URL": f"{HERE}/i.cfg"})
    result = run(attrs.evolve(scenario, phone=phone))
    limits = {entry.event.name: entry.event.limit for entry in result.of(HttpRequested)}
    assert limits == {"initial": 245_760, "root1": 65_536, "standard": device}
    options = {"redirection_url": "http://192.0.2.50"}
    asked = run(attrs.evolve(scenario, phone=attrs.evolve(scenario.phone, options=options)))
    assert asked.of(HttpRequested)[0].event.limit == 245_760


@pytest.mark.spec("PROV-148")
@pytest.mark.parametrize(("size", "reason"), [(245_760, ""), (245_761, "too-large")])
def test_a_file_is_cut_off_one_byte_after_the_limit(size: int, reason: str) -> None:
    result = run(story(served({"/i.cfg": PathSpec(text=initial(), pad_to=size)})))
    assert end(result).reason == reason
    assert len(result.of(HttpAnswered)[0].event.body) == min(size, 245_760)


# --- Redirects ------------------------------------------------------------------------------------------------------


def away(location: str) -> PathSpec:
    return PathSpec(behaviour="redirect", location=location)


def chain(length: int) -> dict[str, str | PathSpec]:
    """/i.cfg redirects ``length`` times before a file comes."""
    paths: dict[str, str | PathSpec] = {"/i.cfg": away(f"{HERE}/1")}
    paths |= {f"/{number}": away(f"{HERE}/{number + 1}") for number in range(1, length)}
    return {**paths, f"/{length}": initial()}


@pytest.mark.spec("PROV-119")
@pytest.mark.parametrize("length", range(1, 8))
def test_five_redirects_are_followed_and_no_more(length: int) -> None:
    result = run(story(served(chain(length))))
    followed = min(length, 5)
    assert requests(result) == [f"{HERE}/i.cfg", *(f"{HERE}/{number}" for number in range(1, followed + 1))]
    assert [entry.event.redirects for entry in result.of(AttemptStarted)] == list(range(followed + 1))
    assert end(result).reason == ("" if length <= 5 else "too-many-redirects")


ROUTES = [
    pytest.param(f"{HERE}/d/i.cfg", "/x.cfg", f"{HERE}/x.cfg", ""),
    pytest.param(f"{HERE}/d/i.cfg", "x.cfg", f"{HERE}/d/x.cfg", ""),
    pytest.param(f"{HERE}/d/i.cfg", "../x.cfg?y", f"{HERE}/x.cfg?y", ""),
    pytest.param(f"{HERE}/d/i.cfg", f"//{OTHER}/x.cfg", f"http://{OTHER}/x.cfg", ""),
    pytest.param(f"{HERE}/d/i.cfg", f"http://{OTHER}/x.cfg", f"http://{OTHER}/x.cfg", ""),
    pytest.param(f"{HERE}/d/i.cfg", f"https://{FILE_SERVER}/x.cfg", f"https://{FILE_SERVER}/x.cfg", ""),
    pytest.param(f"https://{FILE_SERVER}/d/i.cfg", "/x.cfg", f"https://{FILE_SERVER}/x.cfg", ""),
    pytest.param(f"https://{FILE_SERVER}/d/i.cfg", f"{HERE}/x.cfg", None, "redirect-refused"),
    pytest.param(f"{HERE}/d/i.cfg", f"tftp://{FILE_SERVER}/x.cfg", None, "redirect-refused"),
    pytest.param(f"{HERE}/d/i.cfg", f"ftp://{FILE_SERVER}/x.cfg", None, "redirect-refused"),
    pytest.param(f"{HERE}/d/i.cfg", "file:///etc/passwd", None, "redirect-bad-scheme"),
    pytest.param(f"{HERE}/d/i.cfg", "javascript:alert(1)", None, "redirect-bad-form"),
    pytest.param(f"{HERE}/d/i.cfg", "", None, "redirect-empty"),
    pytest.param(f"{HERE}/d/i.cfg", "http://" + "x" * 600, None, "redirect-too-long"),
]


@pytest.mark.spec("PROV-119")
@pytest.mark.parametrize(("url", "location", "target", "reason"), ROUTES)
def test_where_a_redirect_may_lead(url: str, location: str, target: str | None, reason: str) -> None:
    protocols = ("http", "https", "tftp", "ftp")
    paths = {"/d/i.cfg": away(location), "/x.cfg": initial(), "/d/x.cfg": initial(), "/x.cfg?y": initial()}
    servers = [served(paths, address=address, protocols=protocols) for address in (FILE_SERVER, OTHER)]
    result = run(story(*servers, url=url))
    assert requests(result) == [url, *([target] if target else [])]
    assert end(result).reason == reason
    assert result.outcome == ("failed" if reason else "provisioned")


@pytest.mark.spec("PROV-119")
@pytest.mark.parametrize(("status", "follows"), [(s, s not in (300, 304, 305)) for s in (*range(300, 306), 307, 308)])
def test_which_statuses_are_redirects(status: int, follows: bool) -> None:
    bench, ordinal = asking()
    made = bench.feed(HttpAnswered("initial", ordinal, status, (("location", "/x.cfg"),), Payload(b""), "complete"))
    assert bool(of(made, HttpRequested)) == follows
    if not follows:
        assert of(made, DownloadEnded)[0].event.reason == "http-status"


@pytest.mark.spec("PROV-119")
@pytest.mark.parametrize("status", [100, 201, 204, 206, 302, 400, 403, 404, 500, 503, 0])
def test_any_other_final_status_is_a_failed_download(status: int) -> None:
    bench, ordinal = asking()
    body = Payload(initial().encode())
    made = bench.feed(HttpAnswered("initial", ordinal, status, (), body, "complete"))
    assert [(e.event.reason, e.event.status) for e in of(made, DownloadEnded)] == [("http-status", status)]


def asking() -> tuple[Bench, int]:
    """A phone that waits for the answer to its first request, and the ordinal of that request."""
    bench = Bench(provisioned=(("SIPPNP_ENABLE", "N"),))
    bench.link_up()
    bench.bind((wire.PROVISIONING_160, f"{HERE}/i.cfg".encode()))
    return bench, bench.phone.orders.open["http:initial"].ordinal


# --- Logins ---------------------------------------------------------------------------------------------------------


def guarded(scheme: str = "basic", user: str = "joe", password: str = "secret", **changes: Any) -> FilesSpec:
    return served({"/i.cfg": initial()}, auth=scheme, user=user, password=password, **changes)


def knowing(*files: FilesSpec, url: str = f"{HERE}/i.cfg", manual: bool = False, **settings: str) -> Scenario:
    """A phone with these settings, and ``url`` from option 160 or typed by hand."""
    scenario = story(*files, url=None if manual else url)
    user = {"USR_PROV_SVR_URL": url} if manual else {}
    return attrs.evolve(scenario, phone=attrs.evolve(scenario.phone, user={**user, **settings}))


@pytest.mark.spec("PROV-113", "PROV-112")
@pytest.mark.parametrize("scheme", ["basic", "digest", "digest-sha256"])
def test_a_login_is_shown_when_it_is_asked_for_and_not_before(scheme: str) -> None:
    result = run(knowing(guarded(scheme), HTTP_AUTH_ID="joe", HTTP_AUTH_PASSWORD="secret"))
    assert result.outcome == "provisioned"
    (_, before), (_, shown) = logins(result)
    assert before is None
    assert shown is not None
    if scheme == "basic":
        assert shown == basic("joe", "secret")
    else:
        challenge = dict(result.of(HttpAnswered)[0].event.headers)["WWW-Authenticate"]
        nonce = challenge.partition('nonce="')[2].partition('"')[0]
        login = {"user": "joe", "password": "secret", "realm": "provisioning"}
        assert check_digest(shown, method="GET", nonce=nonce, **login)


@pytest.mark.spec("PROV-113")
@pytest.mark.parametrize("scheme", ["basic", "digest"])
def test_a_wrong_password_is_tried_once(scheme: str) -> None:
    result = run(knowing(guarded(scheme), HTTP_AUTH_ID="joe", HTTP_AUTH_PASSWORD="wrong"))
    assert len(requests(result)) == 2
    assert (end(result).reason, end(result).status) == ("credentials-refused", 401)


@pytest.mark.spec("PROV-113")
def test_without_a_login_there_is_no_second_request() -> None:
    result = run(knowing(guarded()))
    assert len(requests(result)) == 1
    assert (end(result).reason, end(result).status) == ("no-credentials", 401)


@pytest.mark.spec("PROV-113")
def test_digest_goes_before_basic_where_both_are_offered() -> None:
    bench = Bench(user=(("HTTP_AUTH_ID", "joe"), ("SIPPNP_ENABLE", "N")))
    bench.link_up()
    bench.bind((wire.PROVISIONING_160, f"{HERE}/i.cfg".encode()))
    offered = (("WWW-Authenticate", 'Basic realm="r"'), ("www-authenticate", 'Digest realm="r", nonce="n"'))
    made = bench.feed(HttpAnswered("initial", 1, 401, offered, Payload(b""), "complete"))
    assert dict(of(made, HttpRequested)[0].event.headers)["Authorization"].startswith("Digest ")


@pytest.mark.spec("PROV-113")
@pytest.mark.parametrize("offered", [(), (("WWW-Authenticate", "Negotiate"),)])
def test_a_challenge_that_cannot_be_answered_ends_the_download(offered: tuple[tuple[str, str], ...]) -> None:
    bench = Bench(user=(("HTTP_AUTH_ID", "joe"), ("SIPPNP_ENABLE", "N")))
    bench.link_up()
    bench.bind((wire.PROVISIONING_160, f"{HERE}/i.cfg".encode()))
    made = bench.feed(HttpAnswered("initial", 1, 401, offered, Payload(b""), "complete"))
    assert not of(made, HttpRequested)
    assert [entry.event.reason for entry in of(made, DownloadEnded)] == ["challenge-not-understood"]
    assert bench.phone.power.display == "P5 authentication failed"


URL_LOGIN, MANUAL_PAIR, HTTP_PAIR = ("url", "1"), ("manual", "2"), ("http", "3")


@pytest.mark.spec("PROV-113")
@pytest.mark.parametrize("manual", [True, False])
@pytest.mark.parametrize("has", range(8))
def test_which_login_wins(manual: bool, has: int) -> None:
    in_url, by_hand, general = bool(has & 1), bool(has & 2), bool(has & 4)
    settings = {}
    if by_hand:
        settings |= {"USR_PROV_SVR_AUTH_ID": MANUAL_PAIR[0], "USR_PROV_SVR_AUTH_PASSWORD": MANUAL_PAIR[1]}
    if general:
        settings |= {"HTTP_AUTH_ID": HTTP_PAIR[0], "HTTP_AUTH_PASSWORD": HTTP_PAIR[1]}
    url = f"http://{':'.join(URL_LOGIN)}@{FILE_SERVER}/i.cfg" if in_url else f"{HERE}/i.cfg"
    result = run(knowing(guarded(user="nobody"), url=url, manual=manual, **settings))
    order = [(in_url, URL_LOGIN), (by_hand and manual, MANUAL_PAIR), (general, HTTP_PAIR)]
    wanted = next((pair for available, pair in order if available), None)
    assert [shown for _, shown in logins(result)] == [None, *([basic(*wanted)] if wanted else [])]


@pytest.mark.spec("PROV-113")
def test_the_pair_of_the_manual_url_is_for_that_url_only() -> None:
    files = served({"/i.cfg": initial(standard="s.cfg"), "/s.cfg": prov()}, auth="basic", user="a", password="b")
    settings = {"USR_PROV_SVR_AUTH_ID": "a", "USR_PROV_SVR_AUTH_PASSWORD": "b"}
    result = run(knowing(files, manual=True, **settings))
    assert [shown for _, shown in logins(result)] == [None, basic("a", "b"), None]
    assert end(result, "standard").reason == "no-credentials"


@pytest.mark.spec("PROV-119")
@pytest.mark.parametrize("to", [f"http://{OTHER}/i.cfg", f"http://eve:x@{OTHER}/i.cfg"])
@pytest.mark.parametrize("login", ["url", "manual", "http"])
def test_a_login_is_never_sent_to_another_host(to: str, login: str) -> None:
    settings = {
        "url": {},
        "manual": {"USR_PROV_SVR_AUTH_ID": "joe", "USR_PROV_SVR_AUTH_PASSWORD": "secret"},
        "http": {"HTTP_AUTH_ID": "joe", "HTTP_AUTH_PASSWORD": "secret"},
    }[login]
    here = served({"/i.cfg": away(to)}, auth="basic", user="joe", password="secret")
    url = f"http://joe:secret@{FILE_SERVER}/i.cfg" if login == "url" else f"{HERE}/i.cfg"
    result = run(knowing(here, guarded(address=OTHER), url=url, manual=True, **settings))
    assert logins(result) == [(FILE_SERVER, None), (FILE_SERVER, basic("joe", "secret")), (OTHER, None)]
    assert end(result).reason == "no-credentials"


@pytest.mark.spec("PROV-119")
@pytest.mark.parametrize("location", ["/x.cfg", f"{HERE}/x.cfg", f"https://{FILE_SERVER}/x.cfg"])
def test_a_redirect_on_the_same_host_may_ask_for_the_login_again(location: str) -> None:
    paths = {"/i.cfg": away(location), "/x.cfg": initial()}
    files = served(paths, auth="basic", user="joe", password="secret", protocols=("http", "https"))
    result = run(knowing(files, url=f"http://joe:secret@{FILE_SERVER}/i.cfg"))
    assert result.outcome == "provisioned"
    assert [shown is not None for _, shown in logins(result)] == [False, True, False, True]


# --- Protocols and names --------------------------------------------------------------------------------------------


@pytest.mark.spec("PROV-033")
@pytest.mark.parametrize("serving", [("tftp",), ("http",), ("https",), ("ftp",), (), ("http", "ftp")])
def test_without_a_protocol_all_are_tried_in_the_printed_order(serving: tuple[str, ...]) -> None:
    order = ["tftp", "http", "https", "ftp"]
    files = [served({"/KX-UTG200B.cfg": initial()}, protocols=serving)] if serving else []
    result = run(story(*files, url=FILE_SERVER, until=seconds(100)))
    first = next((number for number, scheme in enumerate(order) if scheme in serving), 3)
    assert requests(result) == [f"{scheme}://{FILE_SERVER}/KX-UTG200B.cfg" for scheme in order[: first + 1]]
    assert result.outcome == ("provisioned" if serving else "failed")
    assert [entry.event.index for entry in result.of(AttemptStarted)] == list(range(first + 1))


@pytest.mark.spec("PROV-120")
def test_a_name_is_looked_up_and_its_first_address_asked() -> None:
    names = {"prov.example.com": f"{FILE_SERVER}, 192.0.2.99"}
    result = run(story(served({"/i.cfg": initial()}), url="http://PROV.example.com/i.cfg", names=names))
    assert [entry.event.name for entry in result.of(LookupRequested)] == ["prov.example.com"]
    event = result.of(HttpRequested)[0].event
    assert (event.host, event.address) == ("prov.example.com", FILE_SERVER)
    assert dict(event.headers)["Host"] == "prov.example.com"
    assert result.outcome == "provisioned"


@pytest.mark.spec("PROV-120")
@pytest.mark.parametrize("failure", [None, "!no-such-name", "!timeout", "!server-failure"])
def test_a_name_that_does_not_resolve_is_a_failed_download(failure: str | None) -> None:
    names = {} if failure is None else {"prov.example.com": failure}
    result = run(story(url="http://prov.example.com/i.cfg", names=names))
    assert (end(result).reason, end(result).status) == ("name-not-found", 0)
    assert not requests(result)
    assert result.phones[0].power.display == "N4 DNS failed"


ENDS = [
    ({"behaviour": "cut-off"}, "cut-off"),
    ({"behaviour": "oversize"}, "too-large"),
    ({"behaviour": "silent"}, "idle-timeout"),
    ({"behaviour": "refuse"}, "refused"),
    ({"behaviour": "error", "status": 503}, "http-status"),
    ({"behaviour": "missing"}, "http-status"),
    ({"delay": seconds(29)}, ""),
    ({"delay": seconds(31)}, "idle-timeout"),
    ({"ports": {"http": 81}}, "refused"),
    ({"start": seconds(100)}, "connect-timeout"),
]


@pytest.mark.spec("PROV-119")
@pytest.mark.parametrize(("server", "reason"), ENDS, ids=lambda value: str(value)[:40])
def test_how_a_download_ends(server: dict[str, Any], reason: str) -> None:
    result = run(story(served({"/i.cfg": initial()}, **server)))
    assert end(result).reason == reason
    assert result.outcome == ("failed" if reason else "provisioned")


@pytest.mark.spec("PROV-119")
@pytest.mark.parametrize(
    ("server", "limit"), [({"start": seconds(100)}, 10 * SECOND), ({"behaviour": "silent"}, 30 * SECOND)]
)
def test_the_phone_waits_ten_seconds_for_a_connection_and_thirty_for_an_answer(
    server: dict[str, Any], limit: int
) -> None:
    result = run(story(served({"/i.cfg": initial()}, **server)))
    waited = result.of(HttpAnswered)[0].time - result.of(HttpRequested)[0].time
    assert limit <= waited <= limit + SECOND // 100


@pytest.mark.spec("PROV-119")
@pytest.mark.parametrize("code", ["certificate-untrusted", "garbage", "unreachable", "anything"])
def test_any_end_but_complete_is_a_failure_under_its_own_name(code: str) -> None:
    bench, ordinal = asking()
    made = bench.feed(HttpAnswered("initial", ordinal, 200, (), Payload(initial().encode()), code))
    assert [entry.event.reason for entry in of(made, DownloadEnded)] == [code]


def test_an_outage_during_the_download_is_an_idle_timeout() -> None:
    files = served({"/i.cfg": initial()})
    link = LinkSpec(outage=(Outage(seconds(0.005)),))
    assert end(run(attrs.evolve(story(files), link=link, until=seconds(50)))).reason in (
        "connect-timeout",
        "idle-timeout",
    )


# --- The name of an encrypted file ----------------------------------------------------------------------------------


@pytest.mark.spec("PROV-212")
@pytest.mark.parametrize(
    ("key", "asked", "there", "wanted"),
    [
        (KEY, "s.cfg", "/s.enc", ["/s.cfg", "/s.enc"]),
        (KEY, "s.cfg", "/s.cfg", ["/s.cfg"]),
        (KEY, "s.cfg", "", ["/s.cfg", "/s.enc"]),
        (KEY, "s.enc", "", ["/s.enc"]),
        (KEY, "s.xml", "", ["/s.xml"]),
        ("", "s.cfg", "/s.enc", ["/s.cfg"]),
    ],
)
def test_with_a_key_the_encrypted_name_is_asked_for_once_more(
    key: str, asked: str, there: str, wanted: list[str]
) -> None:
    device = PathSpec(text=syslog(SYSLOG_SEVERITY="6"), encrypt=Encryption(KEY))
    paths: dict[str, str | PathSpec] = {"/i.cfg": initial(standard=asked)} | ({there: device} if there else {})
    settings = {"SIPPNP_ENABLE": "N"} | ({"CFG_FILE_KEY": key} if key else {})
    result = run(story(served(paths), provisioned=settings))
    assert requests(result) == [f"{HERE}{path}" for path in ["/i.cfg", *wanted]]
    assert (result.phones[0].settings.value("SYSLOG_SEVERITY") == "6") == bool(there and key)


@pytest.mark.spec("PROV-212")
def test_the_initial_file_has_no_encrypted_name() -> None:
    settings = {"SIPPNP_ENABLE": "N", "CFG_FILE_KEY": KEY}
    result = run(story(served({}), provisioned=settings))
    assert [entry.event.urls for entry in result.of(DownloadOrdered)] == [(f"{HERE}/i.cfg",)]


@pytest.mark.spec("PROV-111", "PROV-182")
def test_each_file_may_come_from_a_server_and_by_a_protocol_of_its_own() -> None:
    paths = {
        "standard": "tftp://192.0.2.31/s",
        "product": "ftp://192.0.2.32/p.cfg",
        "master": "http://192.0.2.33/m.cfg",
    }
    servers = [
        served({"/i.cfg": initial(**paths)}),
        served({"/s/KX-UTG200B.cfg": prov()}, address="192.0.2.31", protocols=("tftp",)),
        served({"/p.cfg": prov()}, address="192.0.2.32", protocols=("ftp",), auth="basic", user="anonymous"),
        served({"/m.cfg": prov()}, address="192.0.2.33"),
    ]
    result = run(story(*servers))
    assert requests(result)[1:] == ["tftp://192.0.2.31/s/KX-UTG200B.cfg", *list(paths.values())[1:]]
    assert result.of(RunEnded)[0].event.outcome == "provisioned"
