"""What people see of values."""

import re
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.events.masking import HIDDEN, duration, hide_passwords, is_secret, masked, printable, repr_text
from emulator.phone.catalogue import catalogue
from emulator.phone.urls import UrlError, parse_url

NANOSECONDS = {"h": 3600 * 10**9, "min": 60 * 10**9, "s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}


@settings(deadline=None)
@given(st.one_of(st.integers(0, 10**15), st.integers(0, 10**5).map(lambda n: n * 10**9)))
def test_a_duration_is_right_to_a_thousandth_of_its_unit(ns: int) -> None:
    number, unit = re.fullmatch(r"(\d+(?:\.\d{1,3})?)([a-z]+)", duration(ns)).groups()
    off = ns - Fraction(number) * NANOSECONDS[unit]
    assert 0 <= off < Fraction(NANOSECONDS[unit], 1000)
    assert Fraction(number) >= 1 or unit == "ns"


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0ns"),
        (999, "999ns"),
        (700_000, "700us"),
        (1_500_000_000, "1.5s"),
        (1800 * 10**9, "30min"),
        (3600 * 10**9, "1h"),
    ],
)
def test_durations_as_people_write_them(ns: int, text: str) -> None:
    assert duration(ns) == text


@settings(deadline=None)
@given(st.text(alphabet=st.characters(), max_size=30))
def test_printable_is_printable_and_leaves_the_rest(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    assert shown.isprintable() is (printable(shown) == shown)
    assert (shown == text) is text.isprintable()
    assert repr_text(text).isprintable()


def test_what_is_secret_agrees_with_the_catalogue() -> None:
    wrong = [
        tag
        for tag, p in catalogue().by_tag.items()
        if is_secret(tag) is not p.secret or is_secret(f"{tag}/1") is not p.secret
    ]
    assert not wrong
    assert any(p.secret for p in catalogue().by_tag.values())


USERINFO = st.text(
    alphabet=st.characters(codec="utf-8", exclude_characters="/?#", exclude_categories=("Cc", "Cs")), max_size=12
)


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(["http", "https", "ftp", "tftp"]), USERINFO, st.sampled_from(["/", "/a@b", "?q=a@b", ""]))
def test_whatever_a_url_takes_as_its_password_is_hidden(scheme: str, password: str, rest: str) -> None:
    secret = f"S3-{password}-S3"
    url = f"{scheme}://user:{secret}@host.example{rest}"
    try:
        parse_url(url)
    except UrlError:
        return
    assert hide_passwords(url) == f"{scheme}://user:{HIDDEN}@host.example{rest}"
    assert secret not in masked("STANDARD_URL", url)


@pytest.mark.parametrize(
    "text",
    [
        "http://host.example/a.cfg",
        "http://user@host.example:8080/a.cfg",
        "http://host.example:8080/a@b",
        "sip:0080f0123456@192.0.2.5:5060",
        "sip:user:5060@host",
        "From: <sip:MAC%3a0080F0123456@224.0.1.75>;tag=1",
        "",
    ],
)
def test_nothing_else_is_hidden(text: str) -> None:
    assert hide_passwords(text) == text


def test_several_urls_in_one_text_are_all_hidden() -> None:
    text = 'http://a:b@c/d "ftp://e:f@g" https://h:i@j'
    assert hide_passwords(text) == f'http://a:{HIDDEN}@c/d "ftp://e:{HIDDEN}@g" https://h:{HIDDEN}@j'


def test_a_url_without_a_protocol_hides_its_password_too() -> None:
    assert hide_passwords("user:pass@host.example/a") == f"user:{HIDDEN}@host.example/a"
