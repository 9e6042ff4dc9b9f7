"""The catalogue of configuration parameters and its rules."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.phone import catalogue as module
from emulator.phone.catalogue import LINES, TEXT_LIMIT, Parameter, catalogue, key, split

REASONS = {
    "not-a-flag",
    "not-a-number",
    "out-of-range",
    "not-allowed",
    "too-long",
    "bad-character",
    "bad-time",
    "bad-url",
    "bad-host",
    "too-many-values",
    "empty",
}
KINDS = {"flag", "number", "text", "choice", "url", "host", "time", "list"}


def tag(name: str) -> Parameter:
    return catalogue().by_tag[name]


def test_there_are_322_parameters_each_in_one_place() -> None:
    assert len(catalogue()) == len(list(catalogue())) == 322
    for parameter in catalogue():
        assert parameter.kind in KINDS
        assert catalogue().find(parameter.path, parameter.tag) is parameter
        assert catalogue().find("Device", parameter.tag) is None
        assert parameter.per_line == parameter.path.startswith("Device/Lines/Line/")
        assert parameter.perm in {"", "RW", "!RW"}
        assert parameter.access in {"A", "AU"}
        assert parameter.about


def test_digest_is_that_of_the_data_file() -> None:
    data = (Path(module.__file__).parent / "data" / "parameters.csv").read_bytes()
    assert catalogue().digest == hashlib.sha256(data).hexdigest()
    assert catalogue() is catalogue()


def test_every_default_is_allowed_and_canonical() -> None:
    for parameter in catalogue():
        if parameter.default:
            assert parameter.check(parameter.default) is None, parameter.tag
            assert parameter.canonical(parameter.default) == parameter.default


def test_secrets_are_the_passwords_and_the_key() -> None:
    assert {each.tag for each in catalogue() if each.secret} == {
        "ADMIN_PASS",
        "USER_PASS",
        "CFG_FILE_KEY",
        "USR_PROV_SVR_AUTH_PASSWORD",
        "HTTP_AUTH_PASSWORD",
        "SIP_PASS",
        "LDAP_PASSWORD",
        "XMLAPP_USERPASS",
    }


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        pytest.param("CFG_CYCLIC", "Yes", None, marks=pytest.mark.spec("PROV-140")),
        pytest.param("CFG_CYCLIC", "N", None, marks=pytest.mark.spec("PROV-140")),
        pytest.param("CFG_CYCLIC", "y", "not-a-flag", marks=pytest.mark.spec("PROV-140")),
        pytest.param("CFG_CYCLIC", "YES", "not-a-flag", marks=pytest.mark.spec("PROV-140")),
        pytest.param("CFG_CYCLIC", "", "empty", marks=pytest.mark.spec("PROV-141")),
        pytest.param("SYSLOG_PORT", " ", "empty", marks=pytest.mark.spec("PROV-141")),
        pytest.param("CFG_FILE_KEY_LENGTH", "", "empty", marks=pytest.mark.spec("PROV-141")),
        pytest.param("DIAL_TONE1_FRQ", "", "empty", marks=pytest.mark.spec("PROV-141")),
        pytest.param("DISPLAY_NAME", "", None, marks=pytest.mark.spec("PROV-141")),
        pytest.param("NTP_ADDR", "", None, marks=pytest.mark.spec("PROV-141")),
        pytest.param("CFG_CYCLIC_INTVL", "40320", None, marks=pytest.mark.spec("PROV-236")),
        pytest.param("CFG_CYCLIC_INTVL", "40321", "out-of-range", marks=pytest.mark.spec("PROV-236")),
        pytest.param("CFG_RESYNC_TIME", "23:59", None, marks=pytest.mark.spec("PROV-234")),
        pytest.param("CFG_RESYNC_TIME", "24:00", "bad-time", marks=pytest.mark.spec("PROV-234")),
        pytest.param("CFG_RESYNC_TIME", "9:00", "bad-time", marks=pytest.mark.spec("PROV-234")),
        pytest.param("CFG_FILE_KEY_LENGTH", "192", None, marks=pytest.mark.spec("PROV-205")),
        pytest.param("CFG_FILE_KEY_LENGTH", "196", "not-allowed", marks=pytest.mark.spec("PROV-205")),
        pytest.param("CFG_FILE_KEY", "k" * 32, None, marks=pytest.mark.spec("PROV-200")),
        pytest.param("CFG_FILE_KEY", "k" * 31, "out-of-range", marks=pytest.mark.spec("PROV-200")),
        pytest.param("CFG_FILE_KEY", "é" * 17, "too-long", marks=pytest.mark.spec("PROV-200")),
        pytest.param("FIRM_VERSION", "03.210", None, marks=pytest.mark.spec("PROV-261")),
        pytest.param("FIRM_VERSION", "3.210", "not-allowed", marks=pytest.mark.spec("PROV-261")),
        ("SYSLOG_PORT", "0", "out-of-range"),
        ("SYSLOG_PORT", "65535", None),
        ("SYSLOG_PORT", "514x", "not-a-number"),
        ("SYSLOG_PORT", "٥١٤", "not-a-number"),
        ("SYSLOG_PORT", "9" * 400, "out-of-range"),
        ("PORT_PUNCH_INTVL", "0", None),
        ("PORT_PUNCH_INTVL", "9", "out-of-range"),
        ("PORT_PUNCH_INTVL", "300", None),
        ("RTP_PORT_MIN", "16000", None),
        ("RTP_PORT_MIN", "16001", "out-of-range"),
        ("DIAL_TONE1_GAIN", "-80", None),
        ("DIAL_TONE1_GAIN", "-81", "out-of-range"),
        ("DIAL_TONE1_FRQ", "350,440", None),
        ("DIAL_TONE1_FRQ", "350,440,500", "too-many-values"),
        ("DIAL_TONE1_FRQ", "350,199", "out-of-range"),
        ("DIAL_TONE1_FRQ", "350,", "not-a-number"),
        ("DEFAULT_LANGUAGE", "pt-BR", None),
        ("DEFAULT_LANGUAGE", "pt BR", "not-allowed"),
        ("ADMIN_PASS", "sixsix", None),
        ("ADMIN_PASS", "five5", "out-of-range"),
        ("ADMIN_PASS", "s" * 17, "too-long"),
        ("ADMIN_PASS", "with space", "bad-character"),
        ("ADMIN_PASS", "with&and", "bad-character"),
        ("HTTP_USER_AGENT", "agent\r\nX: y", "bad-character"),
        ("USR_PROV_SVR_URL", "http://a b/", "bad-url"),
        ("USR_PROV_SVR_URL", "http://192.0.2.1/{mac}.cfg", None),
        ("NTP_ADDR", "a\tb", "bad-host"),
    ],
)
def test_values_and_reasons(name: str, value: str, reason: str | None) -> None:
    assert tag(name).check(value) == reason


@pytest.mark.parametrize("name", ["DISPLAY_NAME", "USR_PROV_SVR_URL", "NTP_ADDR"])
def test_a_value_has_at_most_500_characters(name: str) -> None:
    assert tag(name).check("a" * TEXT_LIMIT) is None
    assert tag(name).check("a" * (TEXT_LIMIT + 1)) == "too-long"


def test_canonical_form() -> None:
    assert [tag("CFG_CYCLIC").canonical(each) for each in ("Yes", "No", "Y", "N")] == ["Y", "N", "Y", "N"]
    assert tag("SYSLOG_PORT").canonical("\n 514 ") == "514"
    assert tag("DISPLAY_NAME").canonical(" Yes ") == " Yes "


@settings(deadline=None)
@given(st.sampled_from(list(catalogue())), st.text(max_size=40) | st.integers(-99, 99999).map(str))
def test_an_allowed_value_stays_allowed_in_canonical_form(parameter: Parameter, text: str) -> None:
    reason = parameter.check(text)
    assert reason is None or reason in REASONS
    if reason is None:
        value = parameter.canonical(text)
        assert parameter.check(value) is None
        assert parameter.canonical(value) == value


@settings(deadline=None)
@given(st.integers(-100, 70000))
def test_a_number_is_allowed_exactly_within_its_range(number: int) -> None:
    assert (tag("SYSLOG_PORT").check(str(number)) is None) == (1 <= number <= 65535)
    assert (tag("PORT_PUNCH_INTVL").check(str(number)) is None) == (number == 0 or 10 <= number <= 300)
    assert (tag("RTP_PORT_MAX").check(str(number)) is None) == (number % 2 == 0 and 1024 <= number <= 48750)


@pytest.mark.parametrize("line", [None, *range(1, LINES + 1)])
def test_key_and_split_are_inverse(line: int | None) -> None:
    assert split(key("SIP_URI", line)) == ("SIP_URI", line)


def test_keys_of_lines_that_do_not_exist_are_refused() -> None:
    assert key("SIP_URI", 1) == "SIP_URI/1"
    for line in (0, LINES + 1):
        with pytest.raises(ValueError, match="line number"):
            key("SIP_URI", line)
    for text in ("SIP_URI/", "SIP_URI/0", "SIP_URI/7", "SIP_URI/01", "SIP_URI/1/1", "SIP_URI/x"):
        with pytest.raises(ValueError, match="line number"):
            split(text)
