"""What peers, people and files put into a log stays text in a page, and secrets stay out of it."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.wire import dhcp
from emulator.world.scenario import ActionSpec, DhcpSpec, Duration, FilesSpec, PathSpec, PhoneSpec, Scenario
from tests.emulator.phone.bench import FILE_SERVER, initial, served, story
from tests.tools.page.pages import data_in, page_of
from tools.page.packets import BYTES, DHCP, DHCPV6, SIP, Protocol, dissected, readable
from tools.page.starred import starred, starred_dhcp
from tools.page.template import as_script, assembled, digest
from tools.simulate import run

EVIL = "</script><script>alert(1)</script><!-- \u2028 {{data}} & 'x' \"y\""
SECRET = "hunter2-and-more"


def world(text: str, title: str = "A hostile world") -> Scenario:
    """A phone that is provisioned with a file that holds ``text``."""
    return Scenario(
        title,
        until=Duration(20_000_000_000),
        dhcp=(DhcpSpec(option160=f"http://joe:{SECRET}@192.0.2.20/a.cfg"),),
        files=(FilesSpec(paths={"/a.cfg": PathSpec(text=text)}),),
        phone=PhoneSpec(provisioned={"SIPPNP_ENABLE": "N"}),
    )


def body(inner: str) -> str:
    """A configuration file."""
    return f"<PANASIPPhoneConfig><Device><System><Prov>{inner}</Prov></System></Device></PANASIPPhoneConfig>"


def test_no_text_gets_out_of_the_json(tmp_path: Path) -> None:
    """A title, a value that is typed in, and a file with markup and line ends of script."""
    db = tmp_path / "runs.db"
    typed = ActionSpec(Duration(9_000_000_000), "web", "DISPLAY_NAME/1", "<img src=x onerror=alert(1)>")
    run(attrs.evolve(world(body(f"<!--{EVIL}-->"), EVIL), action=(typed,)), db=db)
    page = page_of(db)
    text = page.decode()
    assert text.count("<script") == 2
    assert text.count("</script>") == 2
    assert "\u2028" not in text
    assert "<img" not in text
    assert EVIL.replace("\u2028", "\\u2028") in data_in(page)["run"]["title"]


@given(
    st.recursive(
        st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_json_survives_its_wrapping(value: object) -> None:
    written = as_script({"x": value})
    assert json.loads(written) == {"x": value}
    assert written.isascii()
    assert not set("<>&") & set(written)


def test_the_page_allows_its_own_script_and_style_only() -> None:
    text = assembled("t", "<p>{{script}}</p>", "let a = 1;", '{"a":"{{style}}"}').decode()
    policy = text.partition('http-equiv="Content-Security-Policy" content="')[2].partition('"')[0]
    assert policy.startswith("default-src 'none'; ")
    assert f"script-src {digest('let a = 1;')};" in policy
    assert "unsafe" not in policy
    assert "<p>{{script}}</p>" in text, "a gap in what is filled in is none"
    style = text.partition("<style>")[2].partition("</style>")[0]
    assert digest(style) in policy


@pytest.mark.parametrize("secrets", [False, True])
def test_a_login_in_a_url_is_hidden_everywhere(secrets: bool, tmp_path: Path) -> None:
    """In options, requests, facts and bytes; with secrets it is there, so the test can fail."""
    db = tmp_path / "runs.db"
    run(world(body(f"<ADMIN_PASS>{SECRET}</ADMIN_PASS>")), db=db)
    data = data_in(page_of(db, secrets=secrets))
    text = json.dumps({name: data[name] for name in ("events", "details", "packets", "facts", "phones")})
    in_bytes = any(SECRET.encode() in raw(packet["bytes"]) for packet in data["packets"])
    assert (SECRET in text) is secrets
    assert in_bytes is secrets
    credentials = b64encode(f"joe:{SECRET}".encode()).decode()
    assert credentials not in text or secrets


@pytest.mark.parametrize("scheme", ["tftp", "ftp"])
@pytest.mark.parametrize("secrets", [False, True])
def test_a_password_cut_in_two_by_the_end_of_a_block_is_hidden(scheme: str, secrets: bool, tmp_path: Path) -> None:
    """Neither half of it is there, although no pattern finds it in a piece of a file."""
    db, here = tmp_path / "runs.db", f"{scheme}://{FILE_SERVER}"
    head = "<PANASIPPhoneConfig><Device><System><Login>"
    filler = "x" * (504 - len(f"{head}<!----><ADMIN_PASS>"))
    text = f"{head}<!--{filler}--><ADMIN_PASS>{SECRET}</ADMIN_PASS></Login></System></Device></PANASIPPhoneConfig>"
    files = served({"/i.cfg": initial(here, standard="s.cfg"), "/s.cfg": text}, protocols=(scheme,), tftp_options=False)
    run(story(files, url=f"{here}/i.cfg"), db=db)
    carried = b"".join(raw(packet["bytes"]) for packet in data_in(page_of(db, secrets=secrets))["packets"])
    assert (SECRET[:7].encode() in carried) is secrets
    assert (SECRET[-7:].encode() in carried) is secrets


def raw(text: str) -> bytes:
    """The bytes of a packet in a page."""
    return b64decode(text)


@pytest.mark.parametrize(
    "text",
    [
        f"http://joe:{SECRET}@192.0.2.20/",
        f"joe:{SECRET}@192.0.2.20/",
        f"PASS {SECRET}",
        f"REGISTER sip:x SIP/2.0\r\nAuthorization: Digest response={SECRET}\r\n\r\n",
        f'REGISTER sip:x SIP/2.0\r\nProxy-Authorization: Digest a,\r\n response="{SECRET}"\r\nTo: x\r\n\r\n',
        f"<a><ADMIN_PASS>{SECRET}</ADMIN_PASS></a>",
        f"<a><ADMIN_PASS>\n{SECRET}\n</ADMIN_PASS></a>",
        f"ftp://joe:à{SECRET}@h/ and http://joe:{SECRET}@h/",
    ],
)
def test_bytes_are_masked_at_their_length(text: str) -> None:
    data = text.encode()
    masked = starred(data)
    assert len(masked) == len(data)
    assert SECRET.encode() not in masked
    assert starred(masked) == masked


@given(st.binary(max_size=200))
def test_masking_keeps_the_length_of_anything(data: bytes) -> None:
    assert len(starred(data)) == len(data)
    assert len(starred_dhcp(data)) == len(data)


@pytest.mark.parametrize("at", [3, 9, 14, 20])
def test_a_login_cut_in_two_by_the_end_of_an_option_is_masked(at: int) -> None:
    """RFC 3396: an option can come in several parts."""
    url = f"http://joe:{SECRET}@192.0.2.20/".encode()
    options = ((53, b"\5"), (160, url[:at]), (160, url[at:]), (255, b""))
    plain = dhcp.parse(dhcp.build(op=2, xid=1, chaddr=b"\0" * 6, type=5, options=()))
    message = attrs.evolve(plain, options=options, tail=b"").encode()
    masked = starred_dhcp(message)
    assert len(masked) == len(message)
    joined = dhcp.parse(masked).option(160)
    assert joined == url.replace(SECRET.encode(), b"*" * len(SECRET))


@pytest.mark.parametrize("protocol", [DHCP, DHCPV6, SIP, BYTES], ids=lambda protocol: protocol.name or "bytes")
@given(data=st.binary(max_size=400))
def test_no_bytes_break_the_dissection(protocol: Protocol, data: bytes) -> None:
    found = dissected(protocol, data)
    assert "cannot be read" in found["note"] or all(
        at >= 0 and at + size <= len(data) for _, _, at, size, *_ in found["tree"]
    )


@given(
    options=st.lists(st.tuples(st.integers(1, 254), st.binary(max_size=40)), max_size=12), tail=st.binary(max_size=9)
)
def test_dhcp_fields_lie_where_they_say(options: list[tuple[int, bytes]], tail: bytes) -> None:
    """One after the other, up to the end of the message."""
    plain = dhcp.parse(dhcp.build(op=1, xid=7, chaddr=b"\1" * 6, type=1, options=()))
    message = attrs.evolve(plain, options=(*options, (255, b"")), tail=tail).encode()
    tree = dissected(DHCP, message)["tree"]
    assert [at for _, _, at, *_ in tree[1:]] == [at + size for _, _, at, size, *_ in tree[:-1]]
    assert tree[-1][2] + tree[-1][3] == len(message)


def test_a_body_that_was_cut_off_in_a_password_shows_none_of_it() -> None:
    shown = readable(f"<a><ADMIN_ID>joe</ADMIN_ID><ADMIN_PASS>{SECRET}".encode(), secrets=False)
    assert shown == "<a><ADMIN_ID>joe</ADMIN_ID><ADMIN_PASS>***"
    assert readable(f"<ADMIN_PASS>{SECRET}".encode(), secrets=True) == f"<ADMIN_PASS>{SECRET}"
    assert readable(b"\x1f\x8b\0", secrets=False) is None
