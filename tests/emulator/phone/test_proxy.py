"""The HTTP proxy: which requests go through it, what they look like, and what comes back (PROV-114)."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from emulator.events import (
    DownloadEnded,
    Entry,
    Event,
    HttpRequested,
    LookupAnswered,
    LookupRequested,
    RunEnded,
    SettingEntered,
)
from emulator.world.scenario import ActionSpec, FilesSpec, PathSpec, ProxySpec, RedirectionSpec, Scenario
from tests.emulator.phone.bench import FILE_SERVER, QUIET, initial, prov, seconds, served, story, syslog
from tools.simulate import RunResult, run

PROXY = "192.0.2.60"
ON = {**QUIET, "HTTP_ENABLE_PROXY": "Y", "HTTP_PROXY_SVR_ADDR": PROXY}
PATHS: dict[str, str | PathSpec] = {"/i.cfg": initial(standard="s.cfg"), "/s.cfg": syslog(SYSLOG_PORT="77")}


def behind(*files: FilesSpec, proxies: tuple[ProxySpec, ...] = (ProxySpec(),), **changes: Any) -> RunResult:
    """A phone with these settings whose file servers, as it finds them, are reached through the proxy."""
    settings = {**ON, **changes.pop("settings", {})}
    return run(story(*(files or (served(PATHS),)), provisioned=settings, proxy=proxies, **changes))


def connections(result: RunResult) -> list[tuple[str, int, str]]:
    """(address, port, target) of every request."""
    return [(e.event.address, e.event.port, e.event.target) for e in result.of(HttpRequested)]


def outcomes(result: RunResult) -> list[str]:
    return [entry.event.outcome for entry in result.of(RunEnded)]


def reasons(result: RunResult) -> list[tuple[str, int]]:
    return [(entry.event.reason, entry.event.status) for entry in result.of(DownloadEnded)]


# --- The request ----------------------------------------------------------------------------------------------------


@pytest.mark.spec("PROV-114")
def test_a_request_goes_to_the_proxy_with_the_whole_url_and_without_the_login() -> None:
    result = behind(url=f"http://user:password@{FILE_SERVER}:80/i.cfg?x=1", until=seconds(5))
    (entry,) = result.of(HttpRequested)
    event = entry.event
    assert (event.host, event.address, event.port, event.tls) == (PROXY, PROXY, 8080, False)
    assert event.target == f"http://{FILE_SERVER}/i.cfg?x=1"
    assert dict(event.headers)["Host"] == FILE_SERVER
    assert event.text() == f"GET {event.target} through {PROXY}:8080"


@pytest.mark.spec("PROV-114")
@pytest.mark.parametrize(
    "settings",
    [{"HTTP_ENABLE_PROXY": "N"}, {"HTTP_PROXY_SVR_ADDR": ""}, {"HTTP_PROXY_SVR_ADDR": "  "}],
    ids=["switched off", "no address", "blank address"],
)
def test_without_a_proxy_the_server_is_asked(settings: dict[str, str]) -> None:
    result = behind(settings=settings, proxies=(), until=seconds(10))
    assert connections(result)[0] == (FILE_SERVER, 80, "/i.cfg")
    assert outcomes(result) == ["provisioned"]


@pytest.mark.spec("PROV-114")
@pytest.mark.parametrize("scheme", ["https", "tftp", "ftp"])
def test_only_plain_http_goes_through_it(scheme: str) -> None:
    files = served({**PATHS, "/i.cfg": initial(f"{scheme}://{FILE_SERVER}", standard="s.cfg")}, protocols=(scheme,))
    result = behind(files, proxies=(), url=f"{scheme}://{FILE_SERVER}/i.cfg", until=seconds(30))
    assert {address for address, _, _ in connections(result)} <= {FILE_SERVER}
    assert reasons(result)[0][0] == ""


@pytest.mark.spec("PROV-114")
def test_its_name_and_port_are_set_and_the_name_of_the_server_is_its_business() -> None:
    settings = {"HTTP_PROXY_SVR_ADDR": "Proxy.Example.com", "HTTP_PROXY_SVR_PORT": "3128"}
    names = {"proxy.example.com": PROXY, "files.example.com": FILE_SERVER}
    files = served({**PATHS, "/i.cfg": initial("http://files.example.com", standard="s.cfg")})
    result = behind(
        files,
        proxies=(ProxySpec(port=3128),),
        settings=settings,
        names=names,
        url="http://files.example.com/i.cfg",
        until=seconds(10),
    )
    assert {entry.event.name for entry in result.of(LookupRequested)} == {"proxy.example.com"}
    assert connections(result)[0] == (PROXY, 3128, "http://files.example.com/i.cfg")
    assert outcomes(result) == ["provisioned"]


def test_an_ipv6_address_may_stand_in_brackets() -> None:
    settings = {
        "IP_ADDR_MODE": "1",
        "HTTP_PROXY_SVR_ADDR": "[2001:DB8::60]",
        "USR_PROV_SVR_URL": "http://[2001:db8::2]/",
    }
    result = behind(settings=settings, proxies=(), dhcp=(), until=seconds(60))
    assert not result.of(LookupRequested)
    assert not [entry for entry in result.of(HttpRequested) if entry.event.host != "2001:db8::60"]


def test_what_the_request_was_decided_by_is_in_its_grounds() -> None:
    """A value that was typed is a ground, and one that came with the flash is its load."""
    typed = ActionSpec(at=seconds(0), do="web", key="HTTP_PROXY_SVR_ADDR", value="192.0.2.61")
    result = behind(proxies=(ProxySpec(address="192.0.2.61"),), action=(typed,), until=seconds(10))
    (change,) = [e for e in result.entries if e.event.kind == "SettingChanged" and e.event.key == typed.key]
    assert change.n in result.of(HttpRequested)[0].because
    plain = run(story(served(PATHS), until=seconds(10)))
    assert not plain.of(HttpRequested)[0].because


# --- The answer -----------------------------------------------------------------------------------------------------


@pytest.mark.spec("PROV-114")
def test_a_login_and_a_redirect_of_the_server_go_through_it() -> None:
    first = served({"/i.cfg": PathSpec(behaviour="redirect", location="http://192.0.2.21/i.cfg")})
    second = served(
        {**PATHS, "/i.cfg": initial("http://192.0.2.21", standard="s.cfg")},
        address="192.0.2.21",
        auth="digest",
        user="u",
        password="p",
    )
    login = {"HTTP_AUTH_ID": "u", "HTTP_AUTH_PASSWORD": "p"}
    kept = behind(first, second, settings=login, until=seconds(10))
    # PROV-119: what another host wants is not told by the settings of the first.
    assert reasons(kept)[0] == ("no-credentials", 401)
    straight = behind(second, settings=login, url="http://192.0.2.21/i.cfg", until=seconds(10))
    assert outcomes(straight) == ["provisioned"]
    assert {(address, port) for result in (kept, straight) for address, port, _ in connections(result)} == {
        (PROXY, 8080)
    }


@pytest.mark.parametrize(
    ("proxies", "reason"),
    [
        ((ProxySpec(behaviour="login"),), ("http-status", 407)),
        ((ProxySpec(behaviour="error"),), ("http-status", 503)),
        ((ProxySpec(behaviour="silent"),), ("idle-timeout", 0)),
        ((ProxySpec(port=3128),), ("refused", 0)),
        ((), ("connect-timeout", 0)),
        ((ProxySpec(start=seconds(500)),), ("connect-timeout", 0)),
    ],
)
def test_a_proxy_that_does_not_serve_fails_the_download(
    proxies: tuple[ProxySpec, ...], reason: tuple[str, int]
) -> None:
    result = behind(proxies=proxies, until=seconds(100))
    assert reasons(result) == [reason]
    assert outcomes(result) == ["failed"]


@pytest.mark.parametrize(
    ("files", "url", "status"),
    [
        (served(PATHS), "http://192.0.2.99/i.cfg", 502),
        (served(PATHS, behaviour="refuse"), f"http://{FILE_SERVER}/i.cfg", 502),
        (served(PATHS, end=seconds(0)), f"http://{FILE_SERVER}/i.cfg", 502),
        (served(PATHS, protocols=("https",)), f"http://{FILE_SERVER}:443/i.cfg", 502),
        (served({}), f"http://{FILE_SERVER}/i.cfg", 404),
    ],
)
def test_what_the_proxy_says_of_its_servers(files: FilesSpec, url: str, status: int) -> None:
    assert reasons(behind(files, url=url, until=seconds(20))) == [("http-status", status)]


def test_the_redirection_server_is_asked_through_it() -> None:
    known = RedirectionSpec(known={"0080F0123456": f"http://{FILE_SERVER}/i.cfg"})
    result = behind(url=None, redirection=(known,), options={"redirection_url": "http://192.0.2.50"}, until=seconds(10))
    assert connections(result)[0] == (PROXY, 8080, "http://192.0.2.50/0080f0123456.cfg")
    assert outcomes(result) == ["provisioned"]


# --- Changes --------------------------------------------------------------------------------------------------------


def test_a_change_while_its_name_is_looked_up_strands_nobody() -> None:
    """The attempt goes on with the proxy that it began with; the next one takes the new."""
    settings = {"HTTP_PROXY_SVR_ADDR": "proxy.example.com"}
    scenario = story(
        served(PATHS), provisioned={**ON, **settings}, names={"proxy.example.com": PROXY}, proxy=(ProxySpec(),)
    )
    (asked,) = [e.time for e in run(attrs.evolve(scenario, until=seconds(5))).of(LookupRequested)][:1]
    typed = ActionSpec(at=asked + 1, do="web", key="HTTP_ENABLE_PROXY", value="N")  # type: ignore[arg-type]
    result = run(attrs.evolve(scenario, action=(typed,), until=seconds(20)))
    between = positions(result, LookupRequested, SettingEntered, LookupAnswered)
    assert between == sorted(between)
    first, second = result.of(HttpRequested)
    assert (first.event.address, second.event.address) == (PROXY, FILE_SERVER)
    (change,) = [e.n for e in result.entries if e.event.kind == "SettingChanged" and e.event.key == typed.key]
    assert change not in first.because
    assert outcomes(result) == ["provisioned"]


def positions(result: RunResult, *kinds: type[Event]) -> list[int]:
    """Where the first event of each kind stands."""
    firsts: list[Entry] = [result.of(kind)[0] for kind in kinds]
    return [entry.n for entry in firsts]


def test_a_proxy_in_a_device_file_is_for_the_next_run() -> None:
    files = served({**PATHS, "/s.cfg": network(HTTP_ENABLE_PROXY="Y", HTTP_PROXY_SVR_ADDR=PROXY)})
    scenario: Scenario = story(files, proxy=(ProxySpec(),), until=seconds(40))
    result = run(scenario)
    addresses = [address for address, _, _ in connections(result)]
    assert addresses[:2] == [FILE_SERVER, FILE_SERVER]
    assert addresses[2:] == [PROXY] * len(addresses[2:])
    assert outcomes(result)[-1] == "provisioned"


@pytest.mark.parametrize("host", ["a b", "http://proxy/", "x" * 60, "[", "::ffff", "*", "proxy:8080"])
def test_an_address_that_is_none_is_a_download_that_fails(host: str) -> None:
    result = behind(settings={"HTTP_PROXY_SVR_ADDR": host}, until=seconds(60))
    assert outcomes(result) == ["failed"]


def network(**values: str) -> str:
    """A configuration file with settings of HTTP."""
    inside = "".join(f"<{tag}>{value}</{tag}>" for tag, value in values.items())
    return prov().replace("<System><Prov></Prov></System>", f"<Network><HTTP>{inside}</HTTP></Network>")
