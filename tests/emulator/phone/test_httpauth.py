"""HTTP authentication, against the printed examples of the RFCs and against itself."""

from __future__ import annotations

import hashlib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.phone.httpauth import (
    HEADER_LIMIT,
    authorization,
    challenge_digest,
    check_basic,
    check_digest,
    parse_challenges,
)

NONCE_2617 = "dcd98b7102dd2f0e8b11d0f600bfb0c093"
CHALLENGE_2617 = (
    f'Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="{NONCE_2617}", '
    'opaque="5ccc069c403ebaf9f0171e9517f40e41"'
)
NONCE_7616 = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
OPAQUE_7616 = "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"
CHALLENGE_7616 = (
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={}, '
    f'nonce="{NONCE_7616}", opaque="{OPAQUE_7616}"'
)


def answer(*values: str, user: str = "me", password: str = "secret", **more: str) -> tuple[str, str] | None:
    wanted = {"method": "GET", "target": "/x.cfg", "cnonce": "0a4f113b"} | more
    return authorization(
        values,
        user=user,
        password=password,
        method=wanted["method"],
        target=wanted["target"],
        cnonce=wanted["cnonce"],
    )


def credentials(value: str) -> dict[str, str]:
    (one,) = parse_challenges([value])
    return dict(one.values)


@pytest.mark.spec("PROV-113")
def test_example_of_rfc_2617() -> None:
    found = answer(CHALLENGE_2617, user="Mufasa", password="Circle Of Life", target="/dir/index.html")
    assert found is not None
    scheme, value = found
    assert scheme == "Digest"
    assert value.startswith("Digest ")
    assert credentials(value) == {
        "username": "Mufasa",
        "realm": "testrealm@host.com",
        "nonce": NONCE_2617,
        "uri": "/dir/index.html",
        "qop": "auth",
        "nc": "00000001",
        "cnonce": "0a4f113b",
        "response": "6629fae49393a05397450978507c4ef1",
        "opaque": "5ccc069c403ebaf9f0171e9517f40e41",
    }


@pytest.mark.spec("PROV-113")
@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_example_of_rfc_7616(algorithm: str, response: str) -> None:
    found = answer(
        CHALLENGE_7616.format(algorithm),
        user="Mufasa",
        password="Circle of Life",
        target="/dir/index.html",
        cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    )
    assert found is not None
    assert credentials(found[1])["response"] == response
    assert credentials(found[1])["algorithm"] == algorithm
    assert check_digest(
        found[1],
        method="GET",
        user="Mufasa",
        password="Circle of Life",
        realm="http-auth@example.org",
        nonce=NONCE_7616,
    )


@pytest.mark.spec("PROV-113")
def test_basic_as_printed_in_rfc_7617() -> None:
    assert answer('Basic realm="WallyWorld"', user="Aladdin", password="open sesame") == (
        "Basic",
        "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
    )
    assert answer("basic", user="test", password="123\N{POUND SIGN}") == ("Basic", "Basic dGVzdDoxMjPCow==")


@pytest.mark.spec("PROV-113")
@pytest.mark.parametrize(
    "values",
    [
        ['Basic realm="b", Digest realm="d", nonce="n"'],
        ['Basic realm="b"', 'Digest realm="d", nonce="n"'],
        ['Digest realm="d", nonce="n", Basic realm="b"'],
        ['Digest realm="d", algorithm=SHA-512-256, nonce="m"', 'digest REALM=d , NONCE = "n"', "Basic"],
    ],
)
def test_digest_is_preferred(values: list[str]) -> None:
    found = answer(*values)
    assert found is not None
    assert found[0] == "Digest"
    assert (credentials(found[1])["realm"], credentials(found[1])["nonce"]) == ("d", "n")


@pytest.mark.parametrize(
    "value",
    [
        'Digest realm="d"',
        'Digest nonce="n"',
        'Digest realm="d", nonce="n", algorithm=SHA-512-256',
        'Digest realm="d", nonce="n", qop="auth-int"',
        'Digest realm="d", nonce="n\r\nX: y"',
        "Negotiate YIIB==",
        "",
        "=,=",
    ],
)
def test_what_cannot_be_answered_is_left_alone(value: str) -> None:
    assert answer(value) is None
    assert answer(value, 'Basic realm="b"') == ("Basic", "Basic bWU6c2VjcmV0")


def test_basic_cannot_carry_a_colon_in_the_name() -> None:
    assert answer('Basic realm="b"', user="a:b") is None


def test_quotes_are_escaped_and_understood() -> None:
    found = answer(r'Digest realm="a\"b\\c", nonce="n", qop=auth', user='q"uote\\')
    assert found is not None
    assert r'realm="a\"b\\c"' in found[1]
    assert check_digest(found[1], method="GET", user='q"uote\\', password="secret", realm='a"b\\c', nonce="n")


def test_older_form_without_quality_of_protection() -> None:
    found = answer('Digest realm="r", nonce="n"')
    assert found is not None
    assert {"qop", "nc", "cnonce"}.isdisjoint(credentials(found[1]))
    assert check_digest(found[1], method="GET", user="me", password="secret", realm="r", nonce="n")


WORD = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=12)


@settings(deadline=None)
@given(WORD, WORD, WORD, WORD, st.sampled_from(["MD5", "MD5-sess", "SHA-256", "SHA-256-sess", "md5"]), st.booleans())
def test_server_accepts_exactly_the_right_answer(
    user: str, password: str, realm: str, nonce: str, algorithm: str, protected: bool
) -> None:
    challenge = challenge_digest(realm, nonce, algorithm)
    if not protected:
        challenge = challenge.removesuffix(', qop="auth"')
    found = answer(challenge, user=user, password=password)
    assert found is not None
    right = {"method": "GET", "user": user, "password": password, "realm": realm, "nonce": nonce}
    assert check_digest(found[1], **right)
    for name, value in right.items():
        assert not check_digest(found[1], **(right | {name: value + "x"}))
    assert not check_digest(found[1].replace("/x.cfg", "/y.cfg"), **right)


@pytest.mark.parametrize(("algorithm", "name"), [("MD5-sess", "md5"), ("SHA-256-sess", "sha256")])
def test_session_variants_hash_the_nonces_into_the_secret(algorithm: str, name: str) -> None:
    def hashed(text: str) -> str:
        return hashlib.new(name, text.encode()).hexdigest()

    found = answer(challenge_digest("r", "n", algorithm))
    assert found is not None
    secret = hashed(hashed("me:r:secret") + ":n:0a4f113b")
    wanted = hashed(f"{secret}:n:00000001:0a4f113b:auth:{hashed('GET:/x.cfg')}")
    assert credentials(found[1])["response"] == wanted
    old = answer(f'Digest realm="r", nonce="n", algorithm={algorithm}')
    assert old is not None
    assert credentials(old[1])["response"] == hashed(f"{secret}:n:{hashed('GET:/x.cfg')}")
    assert credentials(old[1])["cnonce"] == "0a4f113b"


def test_server_refuses_a_protected_answer_without_count() -> None:
    found = answer(challenge_digest("r", "n"))
    assert found is not None
    right = {"method": "GET", "user": "me", "password": "secret", "realm": "r", "nonce": "n"}
    assert check_digest(found[1], **right)
    assert not check_digest(found[1].replace(", nc=00000001", ""), **right)
    assert not check_digest(found[1].replace("qop=auth", "qop=auth-int"), **right)
    old = answer('Digest realm="r", nonce="n"')
    assert old is not None
    assert check_digest(old[1], **right)
    assert not check_digest(old[1] + ", qop=auth", **right)
    assert not check_digest(found[1].replace("algorithm=MD5", "algorithm=X"), **right)


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters=":")), st.text())
def test_basic_round_trip(user: str, password: str) -> None:
    found = answer("Basic", user=user, password=password)
    assert found is not None
    assert check_basic(found[1], user, password)
    assert not check_basic(found[1], user, password + "x")
    assert not check_basic(found[1].removeprefix("Basic "), user, password)


@pytest.mark.parametrize("value", ["", "Basic", "Basic !", "Basic \N{POUND SIGN}", "Digest bWU6c2VjcmV0"])
def test_server_refuses_other_headers(value: str) -> None:
    assert not check_basic(value, "me", "secret")
    assert check_basic("BASIC bWU6c2VjcmV0", "me", "secret")


def test_headers_are_bounded() -> None:
    challenge = challenge_digest("r", "n")
    assert len(parse_challenges([challenge.ljust(HEADER_LIMIT)])) == 1
    assert parse_challenges([challenge.ljust(HEADER_LIMIT + 1)]) == ()
    assert len(parse_challenges(["Basic, " * 1000])) == 16
    (one,) = parse_challenges(["Digest " + ", ".join(f"p{n}=1" for n in range(1000))])
    assert len(one.values) == 32


@pytest.mark.parametrize("pattern", [",", " ", "=", '"', "\\", "a ", 'a="', "a= ", ' "\\', "(", "a=,"])
def test_no_header_takes_long(pattern: str) -> None:
    began = time.process_time()
    parse_challenges([("Digest " + pattern * HEADER_LIMIT)[:HEADER_LIMIT]] * 4)
    assert time.process_time() - began < 1


@settings(deadline=None)
@given(st.text(max_size=80) | st.from_regex(r'(Digest|Basic) ([a-z]+=("[^"]{0,5}"?)?[ ,]*){0,6}', fullmatch=True))
def test_any_text(text: str) -> None:
    for one in parse_challenges([text, "Digest " + text]):
        assert one.scheme == one.scheme.lower()
    found = answer(text, "Digest " + text)
    if found is not None:
        assert found[1].startswith(found[0] + " ")
        assert "\n" not in found[1]
        assert "\r" not in found[1]
    assert not check_basic(text, "me", "secret")
    assert not check_digest(text, method="GET", user="me", password="secret", realm="r", nonce="n")
