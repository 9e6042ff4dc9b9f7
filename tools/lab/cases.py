"""The table of cases: which servers with what, which phone, and what is expected."""

from __future__ import annotations

from tools.lab.addresses import FILES, MAC, NAME, OTHER_FILES, PASSWORD, USER
from tools.lab.bad_cases import BAD_CASES
from tools.lab.case import (
    HTTP,
    HTTPS,
    INITIAL,
    OPTION_URL,
    PHONE_IMAGE,
    ROOT_PATH,
    Case,
    Phase,
    ends,
    event,
    initial,
    macs,
    never,
    phone,
    standard,
    two_files,
)
from tools.lab.dhcp import Dhcpd, Dnsmasq, Kea
from tools.lab.launch import Contents, Server
from tools.lab.pnp import Kamailio, Sipp
from tools.lab.transfer import Tftpd, Vsftpd
from tools.lab.web import Lighttpd, Nginx, Site

STORM, FLEET = 50, 200
LOGIN = (USER, PASSWORD)
BY_HTTP = two_files(HTTP)
PLAIN = Nginx((Site(BY_HTTP),))
"""nginx with the two files."""
NO_OPTION = Dnsmasq()
"""DHCP that gives an address and nothing else."""


def by_option(number: int, server: Server, name: str) -> Case:
    """The URL comes from a DHCP option, the files by HTTP."""
    step = {160: 4, 159: 5, 66: 6}[number]
    expected = ends("provisioned", f"DHCP option {number}", steps=[*range(1, step + 1), 8], saved=["standard"])
    title = f"DHCP option {number} by {name}, files by HTTP"
    return Case(f"option-{number}-{server.program}", title, (Phase((server, PLAIN), phone() + expected),))


def by_pnp(name: str, title: str, responder: Server, more: str = "") -> Case:
    """The URL comes by SIP PnP; the DHCP option, which leads nowhere, is never looked at."""
    servers = (Dnsmasq({160: f"http://{OTHER_FILES}/"}), responder, PLAIN)
    expected = ends("provisioned", "SIP PnP", steps=[1, 2, 3, 8], saved=["standard"])
    return Case(name, title, (Phase(servers, phone(pnp=True) + expected + more),))


def fetched(name: str, title: str, url: str, server: Server, expected: str) -> Case:
    """The URL comes from option 160 and names another protocol."""
    told = ends("provisioned", "DHCP option 160", saved=["standard"])
    return Case(name, title, (Phase((Dnsmasq({160: url}), server), phone() + told + expected),))


def with_login(name: str, title: str, server: Server) -> Case:
    """An HTTP server that wants the login of the settings; it has to be shown for each of the two files."""
    told = ends("provisioned", "manual URL", saved=["standard"])
    asked = event("HttpAnswered", status=401, count=2) + event("AttemptStarted", authorized=True, count=2)
    return Case(name, title, (Phase((server,), phone(url=f"{HTTP}/", login=LOGIN) + told + asked, "off"),))


def wrong_login(name: str, title: str, server: Server) -> Case:
    """The same with a password that is not taken."""
    told = ends("failed", number="") + event("DownloadEnded", reason="credentials-refused", status=401)
    return Case(name, title, (Phase((server,), phone(url=f"{HTTP}/", login=(USER, "wrong")) + told, "off"),))


def certificate(kind: str, what: str) -> Case:
    """The initial file brings the root by HTTP; the standard file's server shows a certificate that it refuses."""
    files = {INITIAL: initial(standard=f"https://{OTHER_FILES}/Config{{MAC}}.cfg", root=HTTP + ROOT_PATH)}
    device = Site({f"Config{MAC}.cfg": standard()}, OTHER_FILES, kind)
    reason = {"other-name": "certificate-name"}.get(kind, f"certificate-{kind}")
    told = ends("failed", number="", display="P6 certificate rejected") + event("CertificateRead", file="root1")
    told += event("DownloadEnded", file="standard", reason=reason, count=1)
    servers = (Nginx((Site(files, root_at=ROOT_PATH), device)),)
    return Case(f"https-{kind}", f"HTTPS, {what}: refused", (Phase(servers, phone(url=f"{HTTP}/") + told, "off"),))


def https_with_root() -> Case:
    """First all by HTTP, which brings the root; after a restart all by HTTPS, checked against it, by name."""
    files = {**BY_HTTP, INITIAL: initial(standard=f"{HTTP}/Config{{MAC}}.cfg", root=HTTP + ROOT_PATH)}
    first = Nginx((Site(files, root_at=ROOT_PATH),))
    named = f"https://{NAME}"
    second = Nginx((Site(two_files(named, "2002"), certificate="good"),))
    before = phone() + ends("provisioned", "DHCP option 160", saved=["standard", "root1"])
    after = phone(flash=PHONE_IMAGE) + ends("provisioned", "DHCP option 160", "2002", saved=["standard", "root1"])
    after += event("HttpRequested", tls=True, host=NAME, count=2) + never("HttpRequested", roots="")
    dhcp = Dnsmasq({160: f"{named}/{{MODEL}}.cfg"}, dns=True)
    return Case(
        "https-stored-root",
        "HTTPS by name, checked against the root that an HTTP run before stored",
        (Phase((Dnsmasq({160: OPTION_URL}), first), before), Phase((dhcp, second), after)),
    )


def server_down() -> Case:
    """Provisioned once; after a restart the file server is gone and the saved files serve."""
    found = phone() + ends("provisioned", "DHCP option 160", saved=["standard"])
    gone = phone(flash=PHONE_IMAGE) + ends("saved", "DHCP option 160", display="P2 server unreachable")
    gone += event("DownloadEnded", file="initial", reason="refused", count=1)
    gone += event("ConfigurationRead", file="standard", origin="saved copy", count=1)
    dhcp = Dnsmasq({160: OPTION_URL})
    return Case(
        "server-down", "the file server is down, saved files", (Phase((dhcp, PLAIN), found), Phase((dhcp,), gone))
    )


def redirects() -> Case:
    """Three redirects of three kinds before the initial file."""
    chain = {"/a.cfg": (301, f"{HTTP}/b.cfg"), "/b.cfg": (302, "/c.cfg"), "/c.cfg": (307, f"{HTTP}/{INITIAL}")}
    told = ends(
        "provisioned", "manual URL", requests=["/a.cfg", "/b.cfg", "/c.cfg", f"/{INITIAL}", f"/Config{MAC}.cfg"]
    )
    servers = (Nginx((Site(BY_HTTP, redirects=chain),)),)
    return Case("redirect", "redirects 301, 302 and 307", (Phase(servers, phone(url=f"{HTTP}/a.cfg") + told, "off"),))


def redirect_up() -> Case:
    """From HTTP up to HTTPS; without a stored root the certificate is not checked."""
    below = Site(redirects={f"/{INITIAL}": (301, f"{HTTPS}/{INITIAL}")})
    servers = (Nginx((below, Site(two_files(HTTPS), certificate="good"))),)
    told = ends("provisioned", "manual URL") + event("HttpRequested", tls=True, roots="", count=2)
    return Case("redirect-to-https", "a redirect up to HTTPS", (Phase(servers, phone(url=f"{HTTP}/") + told, "off"),))


def storm(name: str, title: str, count: int) -> Case:
    """All phones of a building after a power cut."""
    files: Contents = {**BY_HTTP, **{f"Config{mac}.cfg": standard(str(3000 + n)) for n, mac in enumerate(macs(count))}}
    told = '[expect]\noutcome = "provisioned"\nsource = "manual URL"\nsaved = ["standard"]\n'
    servers = (Nginx((Site(files),)),)
    phase = Phase(servers, phone(url=f"{HTTP}/") + told, "off", ("--count", str(count)))
    return Case(name, title, (phase,))


def gzipped(kind: str, title: str) -> Case:
    """nginx with gzip on."""
    told = ends("provisioned", "manual URL", saved=["standard"])
    servers = (Nginx((Site(BY_HTTP, gzip=kind),)),)
    return Case(f"gzip-{kind}", title, (Phase(servers, phone(url=f"{HTTP}/") + told, "off"),))


def manual() -> Case:
    """The URL was typed in: nobody else is asked."""
    told = ends("provisioned", "manual URL", steps=[1, 2, 8], saved=["standard"]) + never("DatagramSent", port=5060)
    return Case("manual-url", "a URL set by hand", (Phase((NO_OPTION, PLAIN), phone(url=f"{HTTP}/") + told),))


def whole_way() -> Case:
    """A phone fresh from the factory, with all its waits: LLDP, SIP PnP in vain, then option 160."""
    told = ends("provisioned", "DHCP option 160", steps=[1, 2, 3, 4, 8])
    told += event("SourceTried", step=3, reason="no-answer", count=1)
    story = phone(pnp=True, lldp_wait=5) + told
    return Case("first-boot", "a first boot with all its waits", (Phase((Dnsmasq({160: OPTION_URL}), PLAIN), story),))


def never_final() -> Case:
    """A responder that says 100 and nothing more: the window ends, option 160 is next."""
    servers = (Dnsmasq({160: OPTION_URL}), Sipp("never-final"), PLAIN)
    told = ends("provisioned", "DHCP option 160", steps=[1, 2, 3, 4, 8])
    told += event("SourceTried", step=3, reason="no-answer", count=1)
    return Case("pnp-never-final", "SIPp gives no final answer", (Phase(servers, phone(pnp=True) + told),))


def slow() -> Case:
    """nginx sends a few hundred bytes a second: that is slow, and fast enough."""
    servers = (Nginx((Site(BY_HTTP, rate=150),)),)
    told = ends("provisioned", "manual URL", saved=["standard"])
    return Case("slow-answer", "nginx limits its rate", (Phase(servers, phone(url=f"{HTTP}/") + told, "off"),))


FTP, TFTP = f"ftp://{FILES}", f"tftp://{FILES}"
FTP_LOGIN = f"ftp://{USER}:{PASSWORD}@{FILES}"

CASES: tuple[Case, ...] = (
    manual(),
    whole_way(),
    by_pnp("pnp-kamailio", "SIP PnP by kamailio and its uac module", Kamailio(OPTION_URL)),
    by_pnp("pnp-sipp", "SIP PnP by a SIPp script", Sipp("careful", OPTION_URL)),
    by_pnp(
        "pnp-sipp-careless",
        "SIP PnP by a careless SIPp script, whose tolerances are logged",
        Sipp("careless", OPTION_URL),
        event("ToleranceUsed", code="bare-lf"),
    ),
    never_final(),
    by_option(160, Dnsmasq({160: OPTION_URL, 159: HTTP, 66: HTTP}), "dnsmasq"),
    by_option(159, Dnsmasq({159: OPTION_URL, 66: HTTP}), "dnsmasq"),
    by_option(66, Dnsmasq({66: OPTION_URL}), "dnsmasq"),
    by_option(160, Kea({160: OPTION_URL}), "Kea"),
    by_option(66, Kea({66: OPTION_URL}), "Kea"),
    by_option(66, Dhcpd({66: OPTION_URL}), "ISC dhcpd"),
    by_option(160, Dhcpd({160: OPTION_URL, 66: HTTP}), "ISC dhcpd"),
    https_with_root(),
    certificate("untrusted", "nobody known vouches for the certificate"),
    certificate("expired", "the certificate has run out"),
    certificate("other-name", "a certificate for another name"),
    fetched(
        "tftp-hpa", "TFTP by tftpd-hpa", f"{TFTP}/{{MODEL}}.cfg", Tftpd(two_files(TFTP)), event("TftpStarted", count=2)
    ),
    Case(
        "tftp-dnsmasq",
        "option 66 is a bare address, and dnsmasq serves TFTP",
        (
            Phase(
                (Dnsmasq({66: FILES}, tftp=two_files(TFTP)),),
                phone() + ends("provisioned", "DHCP option 66") + event("TftpStarted", count=2),
            ),
        ),
    ),
    fetched(
        "ftp-anonymous",
        "FTP by vsftpd, anonymous",
        f"{FTP}/{{MODEL}}.cfg",
        Vsftpd(two_files(FTP)),
        event("FtpStarted", user="anonymous", count=2),
    ),
    fetched(
        "ftp-login",
        "FTP by vsftpd with a login",
        f"{FTP_LOGIN}/{{MODEL}}.cfg",
        Vsftpd(two_files(FTP_LOGIN), login=True),
        event("FtpStarted", user=USER, count=2),
    ),
    with_login("basic", "nginx wants a login by Basic", Nginx((Site(BY_HTTP, basic=True),))),
    with_login("digest", "lighttpd wants a login by Digest", Lighttpd(BY_HTTP)),
    with_login("digest-sha256", "lighttpd wants a login by Digest with SHA-256", Lighttpd(BY_HTTP, "SHA-256")),
    wrong_login("digest-wrong-password", "Digest, and the password is wrong", Lighttpd(BY_HTTP)),
    redirects(),
    redirect_up(),
    server_down(),
    gzipped("asked", "nginx compresses for those who ask for it"),
    gzipped("always", "a server sends compressed files unasked"),
    slow(),
    storm("reboot-storm", f"a reboot storm of {STORM} phones at once", STORM),
    storm("fleet", f"{FLEET} phones at once", FLEET),
    *BAD_CASES,
)
"""In the order in which they are started."""
