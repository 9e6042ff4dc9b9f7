"""What a case is, and the pieces that its text is made of."""

from __future__ import annotations

import json
from collections.abc import Mapping

from attrs import field, frozen
from attrs.validators import in_, min_len

from tools.lab.addresses import FILES, MAC, MODEL
from tools.lab.launch import Contents, Server

MEBIBYTE = 1 << 20
PHONE_IMAGE = "phone.kxf"
"""The flash of the phone as the phase before left it; in a story: ``flash = "phone.kxf"``."""
INITIAL = f"{MODEL}.cfg"
"""The name of the initial file."""
ROOT_PATH = "/certs/root.pem"


@frozen
class Phase:
    """One power cycle of the phone among its servers.

    story: a scenario's text without title, with what is expected; dhcp, arguments: of ``offhook live``; limit: seconds
    it may take; memory: bytes that its process may take at most; garbled: what reaches the phone is no message, so its
    capture cannot be free of malformed packets.
    """

    servers: tuple[Server, ...]
    story: str
    dhcp: str = field(default="full", validator=in_(("full", "off")))
    arguments: tuple[str, ...] = ()
    limit: float = 60.0
    memory: int = 100 * MEBIBYTE
    garbled: bool = False


@frozen
class Case:
    """name: for the command line; title: what it shows, for people; phases: one after the other, same phone."""

    name: str
    title: str
    phases: tuple[Phase, ...] = field(validator=min_len(1))


def text_of(case: Case, number: int) -> str:
    """The scenario file of phase ``number``."""
    return f"title = {json.dumps(case.title)}\n{case.phases[number].story}"


# --- What servers serve ---------------------------------------------------------------------------------------------


def initial(*, standard: str = "", root: str = "") -> str:
    """An initial file that names a standard file and a root certificate, where they are given."""
    certs = f"<Certs><CFG_ROOT_CERTIFICATE_PATH1>{root}</CFG_ROOT_CERTIFICATE_PATH1></Certs>" if root else ""
    path = f"<CFG_STANDARD_FILE_PATH>{standard}</CFG_STANDARD_FILE_PATH>"
    return f"<PANASIPPhoneConfig><Initial>{certs}<CfgFiles>{path}</CfgFiles></Initial></PANASIPPhoneConfig>\n"


def standard(number: str = "2001") -> str:
    """A standard file. number: the phone number of line 1, by which it is recognised."""
    line = f'<Lines><Line idx="1"><Sip><PHONE_NUMBER>{number}</PHONE_NUMBER></Sip></Line></Lines>'
    system = "<System><Syslog><SYSLOG_SEVERITY>5</SYSLOG_SEVERITY></Syslog></System>"
    return f"<PANASIPPhoneConfig><Device>{system}{line}</Device></PANASIPPhoneConfig>\n"


def two_files(base: str, number: str = "2001") -> Contents:
    """An initial file and the phone's standard file. base: the URL that the latter is under."""
    return {INITIAL: initial(standard=f"{base}/Config{{MAC}}.cfg"), f"Config{MAC}.cfg": standard(number)}


def macs(count: int) -> list[str]:
    """So many MAC addresses from the phone's own on."""
    return [f"{int(MAC, 16) + index:012X}" for index in range(count)]


# --- What a story says ----------------------------------------------------------------------------------------------


def phone(
    *,
    url: str = "",
    pnp: bool = False,
    login: tuple[str, str] | None = None,
    lldp_wait: int = 0,
    flash: str = "",
) -> str:
    """The tables of the phone. url: typed in by hand; pnp: whether SIP PnP is on; login: for HTTP; lldp_wait: seconds;
    flash: an image to start from, which holds all that."""
    lines = ["[phone]", *([f'flash = "{flash}"'] if flash else []), "[phone.options]", f"lldp_wait = {lldp_wait}"]
    if url:
        lines += ["[phone.user]", f'USR_PROV_SVR_URL = "{url}"']
    provisioned = {} if pnp or flash else {"SIPPNP_ENABLE": "N"}
    if login:
        provisioned |= dict(zip(("HTTP_AUTH_ID", "HTTP_AUTH_PASSWORD"), login, strict=True))
    if provisioned:
        lines += ["[phone.provisioned]", *(f'{key} = "{value}"' for key, value in provisioned.items())]
    return "\n".join(lines) + "\n"


def ends(outcome: str, source: str = "", number: str = "2001", **more: object) -> str:
    """How the run is to end, and which phone number is then set. more: keys of ``[expect]``."""
    wanted = {"outcome": outcome, **({"source": source} if source else {}), **more}
    lines = ["[expect]", *(f"{key} = {json.dumps(value)}" for key, value in wanted.items())]
    return "\n".join([*lines, "[expect.settings]", f'"PHONE_NUMBER/1" = "{number}"']) + "\n"


def event(kind: str, *, count: int | None = None, at_least: int = 1, **where: str | int | bool) -> str:
    """An event that has to be there: so often, or so often at least. where: its fields."""
    return asked("event", kind, where) + (f"at_least = {at_least}\n" if count is None else f"count = {count}\n")


def never(kind: str, **where: str | int | bool) -> str:
    """An event that must not be there."""
    return asked("never", kind, where)


def asked(table: str, kind: str, where: Mapping[str, str | int | bool]) -> str:
    """An entry of ``[[expect.event]]`` or ``[[expect.never]]``."""
    fields = ", ".join(f"{name} = {json.dumps(value)}" for name, value in where.items())
    return f'[[expect.{table}]]\nkind = "{kind}"\nwhere = {{ {fields} }}\n'


HTTP = f"http://{FILES}"
HTTPS = f"https://{FILES}"
OPTION_URL = f"{HTTP}/{{MODEL}}.cfg"
"""As DHCP options and NOTIFYs have it."""
