"""Pairs of stories that differ in exactly one thing, and what that one thing is called."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from attrs import evolve, frozen

from emulator.events import SECOND
from emulator.events.civil import DAY
from emulator.world.scenario import ActionSpec, CutSpec, Duration, LinkSpec, PnpSpec, Scenario, SyslogSpec
from emulator.world.toml import read_scenario

SCENARIOS = Path(__file__).resolve().parents[3] / "scenarios"
MS = SECOND // 1000
URL = "http://192.0.2.20/{MODEL}.cfg"


@frozen
class Pair:
    """Two stories. words: what the sentence about the one cause has to hold; several: the change is none of one place,
    so that several causes are an honest answer."""

    name: str
    a: Scenario
    b: Scenario
    words: tuple[str, ...]
    several: bool = False


def demo() -> Scenario:
    """The first boot, which option 160 leads to its files."""
    return read_scenario(SCENARIOS / "first-boot-option-160.toml")


def with_content(story: Scenario, name: str, old: bytes, new: bytes) -> Scenario:
    """The story with another text in a served file."""
    content = {key: body.replace(old, new) if key.endswith(name) else body for key, body in story.content.items()}
    assert content != story.content
    return evolve(story, content=content)


def acting(story: Scenario, *actions: ActionSpec) -> Scenario:
    """The story with somebody doing something more."""
    return evolve(story, action=(*story.action, *actions))


def pairs() -> Iterator[Pair]:
    """All of them."""
    story = demo()
    yield from of_dhcp(story)
    yield from of_pnp(story)
    yield from of_files(story)
    yield from of_the_phone(story)
    yield from of_people(story)
    yield from of_the_link(story)


def of_dhcp(story: Scenario) -> Iterator[Pair]:
    """What the DHCP server says."""
    (server,) = story.dhcp

    def other(**changes: object) -> Scenario:
        return evolve(story, dhcp=(evolve(server, **changes),))

    yield Pair("option 160 absent", story, other(option160=None), ("option 160 is absent", "DHCP ACK"))
    moved = other(option160="http://192.0.2.20/other.cfg")
    yield Pair("option 160 other", story, moved, ("option 160 of the DHCP ACK", "other.cfg"))
    yield Pair("another address", story, other(pool="192.0.2.99-192.0.2.99"), ("yiaddr", "192.0.2.99", "192.0.2.10"))
    yield Pair("a shorter lease", story, other(lease=Duration(DAY // 2)), ("option 51", "43200 s"))
    yield Pair("a silent DHCP server", story, other(behaviour="silent"), ("DHCP OFFER from 192.0.2.1", "missing"))
    yield Pair("the first DISCOVER not heard", story, other(ignore=1), ("nothing answered DHCP DISCOVER",))
    second = evolve(story, dhcp=(server, evolve(server, address="192.0.2.2")))
    yield Pair("a second DHCP server", story, second, ("DHCP OFFER from 192.0.2.2", "only in B"))


def of_pnp(story: Scenario) -> Iterator[Pair]:
    """What a SIP PnP server says."""
    with_pnp = evolve(story, pnp=(PnpSpec(url=URL),))
    late = evolve(story, pnp=(PnpSpec(url=URL, delay=Duration(7 * SECOND)),))
    yield Pair("a late NOTIFY", with_pnp, late, ("SIP NOTIFY from 192.0.2.5", "6.99s later"))
    elsewhere = evolve(story, pnp=(PnpSpec(url="http://192.0.2.20/other.cfg"),))
    yield Pair("another URL in the NOTIFY", with_pnp, elsewhere, ("SIP NOTIFY", "body", "other.cfg"))
    yield Pair("no PnP server", with_pnp, story, ("nobody listens at 224.0.1.75", "SIP SUBSCRIBE"))
    lost = evolve(story, pnp=(PnpSpec(url=URL, lose=1),))
    yield Pair("one packet lost", with_pnp, lost, ("192.0.2.5", "lost in B"))


def of_files(story: Scenario) -> Iterator[Pair]:
    """What the file server says."""
    (server,) = story.files

    def other(**changes: object) -> Scenario:
        return evolve(story, files=(evolve(server, **changes),))

    yield Pair("the server refuses", story, other(behaviour="refuse"), ("KX-UTG200B.cfg", "refused", "complete"))
    yield Pair("the files are gone", story, other(behaviour="missing"), ("status", "404", "200"))
    yield Pair("the server is slow", story, other(delay=Duration(2 * SECOND)), ("KX-UTG200B.cfg", "2s later"))
    moved = with_content(story, "ConfigCommon.cfg", b"192.0.2.40", b"192.0.2.41")
    yield Pair("another parameter", story, moved, ("NTP_ADDR", "192.0.2.41", "192.0.2.40", "ConfigCommon.cfg"))
    secret = with_content(story, "Config0080F0123456.cfg", b"also-a-sample", b"some-thing-else")
    yield Pair("another password", story, secret, ("SIP_PASS/1", "another one"))
    broken = with_content(story, "ConfigCommon.cfg", b"</PANASIPPhoneConfig>", b"")
    yield Pair("a broken file", story, broken, ("ConfigCommon.cfg", "no configuration file", "not-well-formed"))
    named = evolve(story, names={"sip.example.com": "192.0.2.30"})
    yield Pair("a name in the DNS", story, named, ("sip.example.com", "no-such-name", "192.0.2.30"))
    listened = evolve(story, syslog=(SyslogSpec(),))
    yield Pair("a syslog server", story, listened, ("nobody listens at 192.0.2.30, port 514, in A",))


def of_the_phone(story: Scenario) -> Iterator[Pair]:
    """What phone it is, and what its flash holds."""

    def other(**changes: object) -> Scenario:
        return evolve(story, phone=evolve(story.phone, **changes))

    yield Pair("another MAC", story, other(mac="0080F0123457"), ("mac", "0080F0123457", "0080F0123456"))
    yield Pair("a setting in flash", story, other(user={"OPTION160_ENABLE": "N"}), ("OPTION160_ENABLE", "N", "flash"))
    yield Pair("another version", story, other(version="03.200"), ("firmware version", "03.200", "03.210"))
    vender = other(options={"pnp_vendor_parameter": "vender"})
    yield Pair("a firmware option", story, vender, ("firmware option pnp_vendor_parameter", "vender"))
    flipped = acting(story, ActionSpec(Duration(0), "flip", address=0x10200, mask="10"))
    yield Pair("one bit in flash", story, flipped, ("1 bits flipped", "0x010200"))
    cut = evolve(story, cut=(CutSpec(after=3),))
    yield Pair("a power cut", story, cut, ("flash operation 4",))


def of_people(story: Scenario) -> Iterator[Pair]:
    """What somebody does."""
    at = Duration(10 * SECOND)
    web = ActionSpec(at, "web", key="SYSLOG_SEVERITY", value="3")
    yield Pair("something typed", story, acting(story, web), ("web programming", "SYSLOG_SEVERITY"))
    off = ActionSpec(Duration(5 * SECOND + 4 * MS), "power-off")
    yield Pair("the power off", story, acting(story, off), ("power off", "only in B"))
    out = ActionSpec(Duration(3 * SECOND), "link-down")
    yield Pair("the cable out", story, acting(story, out), ("link down", "only in B"))


def of_the_link(story: Scenario) -> Iterator[Pair]:
    """What every packet feels."""
    slow = evolve(story, link=LinkSpec(latency=Duration(60 * MS)))
    yield Pair("a slow link", story, slow, ("later in B",), several=True)
    silent = evolve(story, switch=evolve(story.switch, lldp="silent"))
    yield Pair("a switch without LLDP", story, silent, ("LLDP frame", "missing"))
