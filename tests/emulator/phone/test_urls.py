"""Provisioning URLs: parts, macros, completion and redirects."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urljoin

import attrs
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from emulator.phone.urls import DEFAULT_PORTS, LIMIT, Url, UrlError, candidates, expand, parse_url, resolve

FILE = "KX-UTG200B.cfg"
MACROS = {"MODEL": "KX-UTG200B", "MAC": "0080F0123456", "mac": "0080f0123456", "fwver": "03.210"}
REASONS = {"empty", "too-long", "bad-character", "bad-form", "bad-scheme", "bad-user", "bad-host", "bad-port"}


def refusal(text: str) -> str:
    with pytest.raises(UrlError) as caught:
        parse_url(text)
    assert str(caught.value) == caught.value.reason
    return caught.value.reason


@pytest.mark.parametrize(
    ("text", "url"),
    [
        pytest.param("http://h", Url("http", "", "", "h", 80, "/"), marks=pytest.mark.spec("PROV-030")),
        pytest.param("TFTP://H/x", Url("tftp", "", "", "h", 69, "/x"), marks=pytest.mark.spec("PROV-030")),
        pytest.param("https://h:/x", Url("https", "", "", "h", 443, "/x"), marks=pytest.mark.spec("PROV-030")),
        pytest.param("http://h?q=/1?", Url("http", "", "", "h", 80, "/", "q=/1?"), marks=pytest.mark.spec("PROV-030")),
        pytest.param("http://h/a#b?c", Url("http", "", "", "h", 80, "/a"), marks=pytest.mark.spec("PROV-030")),
        pytest.param("http://h/é", Url("http", "", "", "h", 80, "/%C3%A9"), marks=pytest.mark.spec("PROV-030")),
        pytest.param(
            "http://[2001:DB8:0::1]:8080/x",
            Url("http", "", "", "2001:db8::1", 8080, "/x"),
            marks=pytest.mark.spec("PROV-035"),
        ),
        pytest.param(
            "ftp://u%40x:p%3A%2f@h:2121/x",
            Url("ftp", "u@x", "p:/", "h", 2121, "/x"),
            marks=pytest.mark.spec("PROV-041"),
        ),
        pytest.param("http://u:a@b@h/", Url("http", "u", "a@b", "h", 80, "/"), marks=pytest.mark.spec("PROV-041")),
    ],
)
def test_parts(text: str, url: Url) -> None:
    assert parse_url(text) == url


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("h/x", "bad-form"),
        ("http:/prov.com/x", "bad-form"),
        ("http:prov.com", "bad-form"),
        ("://h", "bad-form"),
        ("gopher://h/", "bad-scheme"),
        ("http://", "bad-host"),
        ("http://h_\N{LATIN SMALL LETTER E WITH ACUTE}/", "bad-host"),
        ("http://{SITE}/", "bad-host"),
        ("http://[::1/", "bad-host"),
        ("http://[::1]x/", "bad-host"),
        ("http://[fe80::1%eth0]/", "bad-host"),
        ("http://[192.0.2.1]/", "bad-host"),
        ("http://2001:db8::1/", "bad-port"),
        ("http://h:0/", "bad-port"),
        ("http://h:65536/", "bad-port"),
        ("http://h:-1/", "bad-port"),
        ("http://h:\N{ARABIC-INDIC DIGIT FOUR}/", "bad-port"),
        ("http://u%0d%0a:p@h/", "bad-user"),
        ("http://h/a b", "bad-character"),
        ("http://h/\x00", "bad-character"),
        ("http://h/\r\nX: y", "bad-character"),
        ("http://h/\ud800", "bad-character"),
    ],
)
def test_refusals(text: str, reason: str) -> None:
    assert refusal(text) == reason


def test_length_limit_is_exact() -> None:
    assert parse_url("http://h/".ljust(LIMIT, "x")).path == "/" + "x" * (LIMIT - 9)
    assert refusal("http://h/".ljust(LIMIT + 1, "x")) == "too-long"


@pytest.mark.spec("PROV-035", "PROV-041")
def test_forms_of_a_url() -> None:
    url = parse_url("HTTP://Me:se%3Acret@[2001:db8::1]:8080/a/b.cfg?c=d")
    assert url.authority == "[2001:db8::1]:8080"
    assert url.target == "/a/b.cfg?c=d"
    assert url.text == "http://Me:se%3Acret@[2001:db8::1]:8080/a/b.cfg?c=d"
    assert url.shown == "http://Me:***@[2001:db8::1]:8080/a/b.cfg?c=d"
    assert parse_url("https://h:443/").authority == "h"
    assert parse_url("http://u@h/").shown == "http://u@h/"


@pytest.mark.spec("PROV-036", "PROV-038")
@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("http://prov.com/utg200/{MODEL}.cfg", "http://prov.com/utg200/KX-UTG200B.cfg"),
        ("Config{MAC}.cfg", "Config0080F0123456.cfg"),
        ("Panasonic_{MODEL}/{fwver} ({mac})", "Panasonic_KX-UTG200B/03.210 (0080f0123456)"),
        ("{Mac}{model}{FWVER}{}{MAC", "{Mac}{model}{FWVER}{}{MAC"),
        ("{{mac}}", "{0080f0123456}"),
    ],
)
def test_macros(text: str, wanted: str) -> None:
    assert expand(text, MACROS) == wanted


@pytest.mark.spec("PROV-038")
def test_an_expansion_is_not_expanded_again() -> None:
    assert expand("{MODEL}{MAC}", {"MODEL": "{MAC}", "MAC": "{MODEL}"}) == "{MAC}{MODEL}"


@pytest.mark.parametrize(
    ("given_text", "requested"),
    [
        pytest.param("http://10.0.0.2", f"http://10.0.0.2/{FILE}", marks=pytest.mark.spec("PROV-031")),
        pytest.param("http://10.0.0.2/", f"http://10.0.0.2/{FILE}", marks=pytest.mark.spec("PROV-031")),
        pytest.param("http://provisioning.com", f"http://provisioning.com/{FILE}", marks=pytest.mark.spec("PROV-031")),
        pytest.param("http://provisioning.com/", f"http://provisioning.com/{FILE}", marks=pytest.mark.spec("PROV-031")),
        pytest.param("http://10.0.0.2/pana", f"http://10.0.0.2/pana/{FILE}", marks=pytest.mark.spec("PROV-031")),
        pytest.param("http://p.com/pana", f"http://p.com/pana/{FILE}", marks=pytest.mark.spec("PROV-031")),
        pytest.param("http://p.com/pana/", f"http://p.com/pana/{FILE}", marks=pytest.mark.spec("PROV-031")),
        pytest.param("http://p.com/a.b/c", f"http://p.com/a.b/c/{FILE}", marks=pytest.mark.spec("PROV-032")),
        pytest.param("http://p.com/a.b", "http://p.com/a.b", marks=pytest.mark.spec("PROV-032")),
        pytest.param("http://p.com/a.b?c=/d", "http://p.com/a.b?c=/d", marks=pytest.mark.spec("PROV-032")),
        pytest.param("http://p.com/a?c=x.cfg", f"http://p.com/a/{FILE}?c=x.cfg", marks=pytest.mark.spec("PROV-032")),
        pytest.param("http://p.com?c", f"http://p.com/{FILE}?c", marks=pytest.mark.spec("PROV-032")),
        pytest.param("http://[::1]:81", f"http://[::1]:81/{FILE}", marks=pytest.mark.spec("PROV-035")),
        pytest.param("FTP://u:p.w@h", f"FTP://u:p.w@h/{FILE}", marks=pytest.mark.spec("PROV-041")),
    ],
)
def test_completion(given_text: str, requested: str) -> None:
    assert candidates(given_text, FILE) == (requested,)
    parse_url(requested)


@pytest.mark.spec("PROV-033")
@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("10.0.0.2", f"10.0.0.2/{FILE}"),
        ("prov.com:8080/pana", f"prov.com:8080/pana/{FILE}"),
        ("prov.com/x.cfg", "prov.com/x.cfg"),
        ("//prov.com/", f"prov.com/{FILE}"),
        ("[2001:db8::1]", f"[2001:db8::1]/{FILE}"),
        ("prov.com/x?u=http://y", f"prov.com/x/{FILE}?u=http://y"),
    ],
)
def test_without_protocol_all_four_are_tried_in_order(text: str, rest: str) -> None:
    assert candidates(text, FILE) == (f"tftp://{rest}", f"http://{rest}", f"https://{rest}", f"ftp://{rest}")


@pytest.mark.parametrize("text", ["http:/prov.com/x", "HTTPS:prov.com", "/x", "//", "?x"])
def test_no_candidates_of_a_malformed_url(text: str) -> None:
    with pytest.raises(UrlError, match="bad-form"):
        candidates(text, FILE)


BASE = parse_url("http://u:p@h:8080/a/b/c.cfg?q=1")


@pytest.mark.spec("PROV-119")
@pytest.mark.parametrize(
    ("location", "wanted"),
    [
        ("https://other/x", "https://other/x"),
        ("//other/x", "http://other/x"),
        ("/x?y", "http://u:p@h:8080/x?y"),
        ("d.cfg", "http://u:p@h:8080/a/b/d.cfg"),
        ("../d.cfg", "http://u:p@h:8080/a/d.cfg"),
        ("../../../../d.cfg", "http://u:p@h:8080/d.cfg"),
        ("./", "http://u:p@h:8080/a/b/"),
        ("..", "http://u:p@h:8080/a/"),
        ("?z", "http://u:p@h:8080/a/b/c.cfg?z"),
        ("#f", "http://u:p@h:8080/a/b/c.cfg?q=1"),
    ],
)
def test_redirects(location: str, wanted: str) -> None:
    assert resolve(BASE, location).text == wanted


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("", "empty"),
        ("http:/x", "bad-form"),
        ("mailto:x", "bad-form"),
        ("file:///x", "bad-scheme"),
        ("a b", "bad-char"),
    ],
)
def test_redirects_to_nowhere(location: str, reason: str) -> None:
    with pytest.raises(UrlError, match=reason):
        resolve(BASE, location)


def masked(url: Url) -> str:
    """The text with three stars where the password was, made another way."""
    mark = "0" * 40
    return attrs.evolve(url, password=mark).text.replace(f":{mark}@", ":***@", 1)


SEGMENT = st.text("abc.{}%25", max_size=4)


@settings(deadline=None)
@given(st.lists(SEGMENT.filter(lambda each: "%" not in each), min_size=1, max_size=5), st.booleans())
def test_redirects_resolve_as_the_standard_library_does(segments: list[str], absolute: bool) -> None:
    location = ("/" if absolute else "") + "/".join(segments)
    assume(location and "//" not in location)
    assert resolve(BASE, location) == parse_url(urljoin(BASE.text, location))


@settings(deadline=None)
@given(
    st.sampled_from(sorted(DEFAULT_PORTS)),
    st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=8),
    st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=8),
    st.sampled_from(["h", "prov.example.com", "192.0.2.1", "2001:db8::1"]),
    st.integers(1, 65535),
    st.lists(SEGMENT, max_size=4),
    SEGMENT,
)
def test_text_and_parse_are_inverse(
    scheme: str, user: str, password: str, host: str, port: int, segments: list[str], query: str
) -> None:
    url = Url(scheme, user, password, host, port, "/" + "/".join(segments), query)
    assert parse_url(url.text) == url
    assert url.shown == (attrs.evolve(url, password="").text if not password else masked(url))


def outcome(call: Callable[[], Url | tuple[str, ...]]) -> Url | tuple[str, ...] | str:
    try:
        return call()
    except UrlError as error:
        return error.reason


@settings(deadline=None)
@given(st.text(max_size=60) | st.from_regex(r"(http|ftp)s?://[a-z@:\[\]0-9.%]*[/?#a.]*", fullmatch=True))
def test_any_text(text: str) -> None:
    calls = (lambda: parse_url(text), lambda: resolve(BASE, text), lambda: candidates(text, FILE))
    for call in calls:
        result = outcome(call)
        if isinstance(result, Url):
            assert parse_url(result.text) == result
        else:
            assert result in REASONS or len(result) in (1, 4)
