"""Servers as values: what their configurations hold, and how one sees that they are ready."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tools.lab.authority import Authority, make_authority
from tools.lab.dhcp import Dhcpd, Dnsmasq, Kea, colons
from tools.lab.errors import LabError
from tools.lab.launch import Launch, Listens, Server, below, write_files
from tools.lab.namespaces import Place
from tools.lab.pnp import SCRIPTS, Kamailio, Sipp
from tools.lab.raw import KINDS, Raw, redirect_file, redirect_self
from tools.lab.servers import command, fulfilled, sockets, tails
from tools.lab.transfer import Tftpd, Vsftpd
from tools.lab.web import Lighttpd, Nginx, Site

FOLDER = Path("/lab/case")
AUTHORITY = Authority(b"root", {"good": b"good pem"})
URL = "http://192.0.2.20/{MODEL}.cfg"
TCP = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 140200C0:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 00000000:0015 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2 1 0 100 0 0 10 0
   2: 140200C0:0051 0A0200C0:9999 01 00000000:00000000 00:00000000 00000000     0        0 3 1 0 100 0 0 10 0
"""


def launched(server: Server) -> Launch:
    """How a server is started in FOLDER."""
    return server.launch(FOLDER, AUTHORITY)


def text(server: Server, name: str) -> str:
    """A file of a server as text."""
    content = launched(server).files[name]
    return content if isinstance(content, str) else content.decode()


def test_dnsmasq_serves_what_it_is_asked_to_and_nothing_else() -> None:
    """Options as text, DNS and TFTP on demand."""
    plain = text(Dnsmasq({160: URL, 66: "192.0.2.20"}), "dnsmasq.conf")
    assert f'dhcp-option=160,"{URL}"\ndhcp-option=66,"192.0.2.20"\n' in plain
    assert "port=0\n" in plain
    assert "tftp" not in plain
    both = Dnsmasq(None, dns=True, tftp={"a.cfg": "x"})
    assert "host-record=prov.example.com,192.0.2.20\n" in text(both, "dnsmasq.conf")
    assert "dhcp" not in text(both, "dnsmasq.conf")
    assert launched(both).listens == (Listens("udp", 53, "192.0.2.1"), Listens("udp", 69, "192.0.2.20"))
    assert launched(both).files["tftp/a.cfg"] == "x"


def test_kea_defines_what_its_dictionary_lacks() -> None:
    """Option 160 is defined, 66 is known, and 159 cannot be had."""
    dhcp4 = json.loads(text(Kea({160: URL, 66: "a"}), "kea.json"))["Dhcp4"]
    assert [each["code"] for each in dhcp4["option-def"]] == [160]
    assert {each.get("code"): each["data"] for each in dhcp4["subnet4"][0]["option-data"]}[160] == URL
    with pytest.raises(ValueError, match="159"):
        Kea({159: URL})


def test_dhcpd_declares_what_it_does_not_know() -> None:
    """Option 66 has a name already."""
    conf = text(Dhcpd({160: URL, 66: "a"}), "conf")
    assert "option provisioning-160 code 160 = text;\n" in conf
    assert f'option provisioning-160 "{URL}";\n' in conf
    assert 'option tftp-server-name "a";\n' in conf
    assert "code 66" not in conf
    assert colons("0080F0123456") == "00:80:F0:12:34:56"


def test_nginx_has_a_block_for_each_site() -> None:
    """Login, redirects, rate and TLS are the site's own."""
    redirects = {"/a": (301, "http://192.0.2.20/b")}
    nginx = Nginx((Site({"x": "y"}, basic=True, redirects=redirects, rate=150), Site(certificate="good", gzip="asked")))
    conf = text(nginx, "nginx.conf")
    first, second = conf.split("  server {")[1:]
    assert "listen 192.0.2.20:80;" in first
    assert "auth_basic_user_file /lab/case/login;" in first
    assert "location = /a { return 301 http://192.0.2.20/b; }" in first
    assert "limit_rate 150;" in first
    assert "listen 192.0.2.20:443 ssl;" in second
    assert "gzip on;" in second
    assert "auth_basic" not in second
    assert launched(nginx).files["site-1.pem"] == b"good pem"
    assert launched(nginx).files["site-0/x"] == "y"


def test_nginx_serves_the_root_and_compressed_files() -> None:
    """Only where the site says so."""
    files = launched(Nginx((Site({"x": "yy"}, root_at="/certs/root.pem", gzip="always"),))).files
    assert files["site-0/certs/root.pem"] == b"root"
    packed = files["site-0/x.gz"]
    assert isinstance(packed, bytes)
    assert gzip.decompress(packed) == b"yy"


@pytest.mark.parametrize(("algorithm", "length"), [("MD5", 32), ("SHA-256", 64)])
def test_lighttpd_keeps_the_login_as_a_hash(algorithm: str, length: int) -> None:
    """As htdigest does."""
    server = Lighttpd({"x": "y"}, algorithm)
    assert f'"algorithm" => "{algorithm}"' in text(server, "lighttpd.conf")
    assert len(text(server, "login").strip().rpartition(":")[2]) == length
    assert "sample-password" not in text(server, "login")


def test_vsftpd_covers_the_machines_users_for_a_login_only() -> None:
    """An anonymous server needs none of it."""
    anonymous, login = Vsftpd({"x": "y"}), Vsftpd({"x": "y"}, login=True)
    assert "anonymous_enable=YES\n" in text(anonymous, "vsftpd.conf")
    assert not launched(anonymous).mounts
    assert "anonymous_enable=NO\n" in text(login, "vsftpd.conf")
    assert set(launched(login).mounts) == {"/etc/pam.d/vsftpd", "/etc/passwd", "/etc/shadow"}
    words = command(Place("p", "s"), Path("/usr/sbin/vsftpd"), FOLDER, launched(login))
    assert words[:4] == ["ip", "netns", "exec", "s"]
    assert 'mount --bind "/lab/case/shadow" "/etc/shadow"' in words[6]
    assert words[-2:] == ["/usr/sbin/vsftpd", "/lab/case/vsftpd.conf"]


def test_tftpd_stays_in_its_folder() -> None:
    """And listens where the files are."""
    assert launched(Tftpd({"x": "y"})).arguments[-2:] == ("--secure", "/lab/case/files")


def test_kamailio_notifies_with_the_url() -> None:
    """From its own address, on both sockets."""
    conf = text(Kamailio(URL), "kamailio.cfg")
    assert f'$uac_req(body) = "{URL}";' in conf
    assert "listen=udp:224.0.1.75:5060\nlisten=udp:192.0.2.5:5060\n" in conf
    assert conf.count("{") == conf.count("}")


@pytest.mark.parametrize("script", SCRIPTS)
def test_sipp_scripts_are_whole(script: str) -> None:
    """Well-formed, and nothing left to fill in."""
    from lxml import etree

    xml = text(Sipp(script, URL), "script.xml")
    etree.fromstring(xml.encode())
    assert "OWN" not in xml
    assert "THE-URL" not in xml
    assert (URL in xml) == (script != "never-final")


def test_the_careless_script_is_careless() -> None:
    """Compact names and bare line feeds."""
    xml = text(Sipp("careless", URL), "script.xml")
    assert r"\x0Ao:UA-Profile;effective-by=0\x0A" in xml
    assert "Content-Length" not in xml.split("NOTIFY")[1]


def test_the_raw_server_is_this_python() -> None:
    """With the kind as its first word."""
    assert launched(Raw("drip")).arguments == ("-m", "tools.lab.raw", "drip", "192.0.2.20", "80")
    assert b"Location: /x\r\n" in b"".join(redirect_self(b"/x"))
    assert b"file:///" in b"".join(redirect_file(b"/x"))
    with pytest.raises(ValueError, match="nice"):
        Raw("nice")


def test_the_bomb_is_shorter_than_the_longest_file() -> None:
    """Else its size alone would give it away (PROV-148)."""
    head, _, packed = b"".join(KINDS["bomb"](b"/")).partition(b"\r\n\r\n")
    assert b"Content-Encoding: gzip" in head
    assert len(packed) < 245_760


def test_sockets_that_wait_are_read_from_the_kernels_table() -> None:
    """Connections are not among them."""
    there = set(sockets(TCP, "tcp"))
    assert there == {Listens("tcp", 80, "192.0.2.20"), Listens("tcp", 21)}
    assert fulfilled(Listens("tcp", 80, "192.0.2.20"), there)
    assert fulfilled(Listens("tcp", 21, "192.0.2.20"), there)
    assert fulfilled(Listens("tcp", 80), there)
    assert not fulfilled(Listens("tcp", 80, "192.0.2.21"), there)
    assert not fulfilled(Listens("udp", 21), there)


def test_files_stay_below_their_folder(tmp_path: Path) -> None:
    """A path that leaves it is refused."""
    write_files(tmp_path, Launch((), below("site", {"a/b.cfg": "x", "c": b"y"}), ("empty",)))
    assert (tmp_path / "site/a/b.cfg").read_text() == "x"
    assert (tmp_path / "empty").is_dir()
    for path in ("/etc/passwd", "../x"):
        with pytest.raises(LabError, match="no path below"):
            below("site", {path: ""})


def test_tails_show_the_end_of_every_log(tmp_path: Path) -> None:
    """Of those that are there."""
    (tmp_path / "log").write_text("".join(f"line {n}\n" for n in range(40)))
    shown = tails(tmp_path, Launch((), logs=("access.log",)))
    assert shown.startswith(f"--- {tmp_path.name}/log\n")
    assert "line 39" in shown
    assert "line 5\n" not in shown
    assert "access.log" not in shown


def test_the_authority_makes_every_kind_of_certificate() -> None:
    """Key and chain in one file."""
    pytest.importorskip("trustme")
    made = make_authority()
    assert set(made.servers) == {"good", "untrusted", "expired", "other-name"}
    assert made.root.startswith(b"-----BEGIN CERTIFICATE")
    assert all(b"PRIVATE KEY" in each and b"BEGIN CERTIFICATE" in each for each in made.servers.values())
