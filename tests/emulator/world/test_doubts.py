"""Scenarios that are well formed and cannot be meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.world.toml import ScenarioError, parse_scenario

DOUBTFUL = {
    "dhcp[0].pool: '192.0.2.20-192.0.2.10'": '[[dhcp]]\npool = "192.0.2.20-192.0.2.10"',
    "dhcp[0].pool: 'x'": '[[dhcp]]\npool = "x"',
    "dhcp[0]: its replies cannot be made: too-long": f'[[dhcp]]\noption160 = "http://a/{"a" * 1400}"',
    "dhcp[0]: 'nak'": "[[dhcp]]\nnak = -1",
    "dhcp[0].address: '999.1.1.1'": '[[dhcp]]\naddress = "999.1.1.1"',
    "dhcp[0]: it ends before it starts": '[[dhcp]]\nstart = "9s"\nend = "1s"',
    "host[0].address: '192.0.2'": '[[host]]\naddress = "192.0.2"',
    "host[0]: it ends before it starts": '[[host]]\naddress = "192.0.2.9"\nstart = "9s"\nend = "1s"',
    "host[0].mac: '01005E000001' is the address of a group": '[[host]]\naddress = "192.0.2.9"\nmac = "01005E000001"',
    "switch.name: 1 to 255 bytes": '[switch]\nname = ""',
    "switch.port: 1 to 254 bytes": f'[switch]\nport = "{"a" * 255}"',
    "switch: 'lldp_vlan' must be": "[switch]\nlldp_vlan = 4095",
    "vlan: found 4095, want a whole number from 0 to 4094": "[phone.options]\nvlan = 4095",
    "lldp_wait: found '5'": '[phone.options]\nlldp_wait = "5"',
    "sntp[0].address: 'clock'": '[[sntp]]\naddress = "clock"',
    "sntp[0]: kiss: found 'rate'": '[[sntp]]\nkiss = "rate"',
    "sntp[0]: behaviour: found 'late'": '[[sntp]]\nbehaviour = "late"',
    "sntp[0]: its clock leaves the years": '[[sntp]]\nahead = "99999d"',
    "sntp[0]: it ends before": '[[sntp]]\nstart = "9s"\nend = "1s"',
    "syslog[0].address: ''": '[[syslog]]\naddress = ""',
    "syslog[0]: 'port' must be": "[[syslog]]\nport = 0",
    "clock: 'noon' is not a time of day": 'clock = "noon"',
    "dhcpv6[0].pool: '2001:db8::2-2001:db8::1'": '[[dhcpv6]]\npool = "2001:db8::2-2001:db8::1"',
    "dhcpv6[0].pool: '192.0.2.1'": '[[dhcpv6]]\npool = "192.0.2.1"',
    "dhcpv6[0].preferred: is longer": '[[dhcpv6]]\npreferred = "2d"',
    "dhcpv6[0]: its replies cannot be made: too-long": f'[[dhcpv6]]\nurl = "http://a/{"a" * 1480}"',
    "dhcpv6[0].address: '192.0.2.1' is no IPv6 address": '[[dhcpv6]]\naddress = "192.0.2.1"',
    "dhcpv6[0]: 'preference'": "[[dhcpv6]]\npreference = 256",
    "dhcpv6[0]: it ends before": '[[dhcpv6]]\nstart = "9s"\nend = "1s"',
    "pnp[0].address: '2001:db8::5' is no IPv4 address": '[[pnp]]\naddress = "2001:db8::5"',
    "files[0].address: 'fe80::1%1' is no IPv4 or IPv6": '[[files]]\naddress = "fe80::1%1"',
    "names: 'prov.example.com' leads to '2001:db8'": '[names]\n"prov.example.com" = "192.0.2.20, 2001:db8"',
    "files[0].ports": "[[files]]\nports = { gopher = 70 }",
    "files[0].protocols: it speaks none": "[[files]]\nprotocols = []",
    "files[0].paths: 'x.cfg'": '[[files]]\npaths = { "x.cfg" = { text = "x" } }',
    "files[0]: behaviour 'redirect' needs": '[[files]]\nbehaviour = "redirect"',
    "files[0]: tftp_fault and tftp_options need": '[[files]]\ntftp_fault = "wrong-tid"',
    "files[0]: tftp_fault 'refuse-options' needs tftp_options": (
        '[[files]]\nprotocols = ["tftp"]\ntftp_options = false\ntftp_fault = "refuse-options"'
    ),
    "files[0].auth: TFTP knows no login": '[[files]]\nprotocols = ["tftp"]\nauth = "basic"',
    "files[0]: behaviour 'redirect-loop' means nothing": (
        '[[files]]\nprotocols = ["tftp"]\npaths = { "/x" = { behaviour = "redirect-loop" } }'
    ),
    "files[1]: another TFTP server has 192.0.2.20 port 69": (
        '[[files]]\nprotocols = ["tftp"]\nend = "9s"\n[[files]]\nprotocols = ["http", "tftp"]\nstart = "8s"'
    ),
    "files[0].ftp: it does not speak ftp": '[[files]]\nftp = ["no-epsv"]',
    "files[0]: ftp": '[[files]]\nprotocols = ["ftp"]\nftp = ["modern"]',
    "files[0]: 'status'": "[[files]]\nstatus = -5",
    "files[0].paths.'/x': text, file and firmware exclude": (
        '[[files]]\npaths = { "/x" = { text = "x", firmware = { size = 1 } } }'
    ),
    "action[0].value: an update is answered 'yes' or 'no'": '[[action]]\nat = "1s"\ndo = "update"\nvalue = "maybe"',
    "files[0].paths[/x].firmware: version": '[[files]]\npaths = { "/x" = { firmware = { version = "3.2" } } }',
    "redirection[0].known: 'zz'": '[[redirection]]\nknown = { zz = "http://a/" }',
    "sip[0].address: 'sip.example.com' is no IPv4 address": '[[sip]]\naddress = "sip.example.com"\nauth = "none"',
    "sip[0].users: nobody can log in": "[[sip]]",
    "sip[0].headers: 'Con tact' is no header field": '[[sip]]\nauth = "none"\nheaders = { "Con tact" = "x" }',
    "pnp[0].headers: 'Event' is no header field": '[[pnp]]\nheaders = { Event = "a\\r\\nb" }',
    "sip[0].domain: ''": '[[sip]]\ndomain = ""\nauth = "none"',
    "sip[0].expires: found 5000000 ns": '[[sip]]\nexpires = "5ms"\nauth = "none"',
    "sip[0]: it ends": '[[sip]]\nauth = "none"\nstart = "9s"\nend = "1s"',
    "expect.forbidden[0]: unknown event kind 'Nothing'": '[[expect.forbidden]]\nkind = "Nothing"',
    "expect.registered: there is no line 7": "[expect]\nregistered = [7]",
    "link.outage[0]: it ends": '[[link.outage]]\nstart = "9s"\nend = "1s"',
    "action[0].at: is after": '[[action]]\nat = "9h"\ndo = "power-off"',
    "phone.user: unknown parameter 'SYSLOG_SEVERTY'; did you mean 'SYSLOG_SEVERITY'": (
        '[phone.user]\nSYSLOG_SEVERTY = "5"'
    ),
    "phone.user: 'SIP_PASS' is written 'SIP_PASS/1'": '[phone.user]\nSIP_PASS = "x"',
    "expect.no_user: unknown parameter": '[expect]\nno_user = ["NOPE"]',
    "expect.settings: unknown parameter": "[expect.settings]\nNOPE = '1'",
    "expect: outcome: found 'great'": '[expect]\noutcome = "great"',
    "expect.outcomes: found 'great'": '[expect]\noutcomes = ["great"]',
    "expect: source: found 'hope'": '[expect]\nsource = "hope"',
    "expect.steps: there is no step 99": "[expect]\nsteps = [99]",
    "expect.steps: there is no step 6b": '[expect]\nsteps = [6, "6b"]',
    "expect.event[0]: no number": '[[expect.event]]\nkind = "PowerOn"\nat_least = 5\nat_most = 2',
    "phone.saved: 'other'": '[phone.saved]\nother = "first-boot-option-160.toml"',
    "phone: its flash cannot be made: bad-model": '[phone]\nmodel = "with\\u0007bell"',
    "action[0].page: the web has no page 'System/Prof'; did you mean 'System/Prov'": (
        '[[action]]\nat = "1s"\ndo = "page"\npage = "System/Prof"'
    ),
    "action[0].page: the phone has no page 'System/LoginAcc'": (
        '[[action]]\nat = "1s"\ndo = "page"\nvia = "phone"\npage = "System/LoginAcc"'
    ),
    "action[0].file: import needs a file": '[[action]]\nat = "1s"\ndo = "import"',
    "'../README.md' is not beside the scenario": '[[action]]\nat = "1s"\ndo = "import"\nfile = "../README.md"',
    "file nothing.cfg: no such file": '[[action]]\nat = "1s"\ndo = "import"\nfile = "nothing.cfg"',
    "action[0].password: restart does nothing with it": (
        '[[action]]\nat = "1s"\ndo = "restart"\npassword = "adminpass"'
    ),
    "action[0].level: lift does nothing with it": '[[action]]\nat = "1s"\ndo = "lift"\nlevel = "U"',
    "action[0].file: export does nothing with it": '[[action]]\nat = "1s"\ndo = "export"\nfile = "x.cfg"',
    "action[0]: level: found 'X', want one of A, U": '[[action]]\nat = "1s"\ndo = "export"\nlevel = "X"',
    "'seed' must be": "seed = -1",
}


@pytest.mark.parametrize(("line", "text"), DOUBTFUL.items(), ids=[line[:40] for line in DOUBTFUL])
def test_what_cannot_be_meant(line: str, text: str) -> None:
    """One line with the place and what is wrong there."""
    head = "" if text.startswith("seed") else 'title = "x"\n'
    tail = '\ntitle = "x"' if text.startswith("seed") else ""
    with pytest.raises(ScenarioError) as told:
        parse_scenario(head + text + tail, "case.toml", Path(__file__).resolve().parents[3] / "scenarios")
    assert str(told.value).startswith(f"case.toml: {line}")
    assert "\n" not in str(told.value)


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    """Some editors write one."""
    from emulator.world.toml import read_scenario

    path = tmp_path / "case.toml"
    path.write_bytes(b'\xef\xbb\xbftitle = "x"\n')
    assert read_scenario(path).title == "x"
