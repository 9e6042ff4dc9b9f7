"""Making stories: faults of many kinds, put into a story by dice, all of which stop at its calm.

Everything is said in the words of scenarios, so that each case can be written down and run as it stands. A server that
misbehaves ends at the calm, and the base's begins there, at the same address; the power comes back and the cable too.
Only a little loss goes on, which a phone has to bear.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import attrs
from attrs import evolve

from emulator.events import SECOND
from emulator.phone.catalogue import catalogue
from emulator.world.scenario import (
    FILE_BEHAVIOURS,
    PNP_BEHAVIOURS,
    ActionSpec,
    Chance,
    ChangeSpec,
    CutSpec,
    Duration,
    FilesSpec,
    Outage,
    PathSpec,
    PnpSpec,
    Scenario,
    SyslogSpec,
)
from tools.fuzz.dice import Dice
from tools.fuzz.documents import document
from tools.fuzz.model import Case

MS = SECOND // 1000
CALM = 40 * SECOND
"""When faults stop in a story about one boot; a long one has its calm later."""
LONG = 3 * 3600 * SECOND
AFTER = 70 * 60 * SECOND
"""How long the calm lasts: longer than the phone waits before it tries again."""
BEFORE = 2
"""ns before the calm at which what was off is switched on."""
DHCP_BEHAVIOURS = ("silent", "offer-only", "garbage")
MOST = 24
"""Entries of a table that faults are added to."""
Fault = Callable[["Making"], None]


@attrs.define
class Making:
    """A story that is being made. base: that of the campaign; story: as it is so far; calm: when its faults stop."""

    base: Scenario
    story: Scenario
    calm: int
    dice: Dice

    def when(self) -> Duration:
        """Some time of the story, soon more often than late."""
        limit = self.calm - SECOND
        return Duration(self.dice.below(min(limit, 12 * SECOND) if self.dice.chance(700_000) else limit))

    def put(self, table: str, bad: Sequence[Any], good: Sequence[Any]) -> None:
        """Have a table hold ``bad`` until the calm, and ``good`` from then on."""
        until = [evolve(each, end=Duration(min(each.end, self.calm))) for each in bad if each.start < self.calm]
        again = [evolve(each, start=Duration(max(each.start, self.calm))) for each in good if each.end > self.calm]
        until = [each for each in until if each.start < each.end]
        changed: dict[str, Any] = {table: (*until, *again)}
        self.story = evolve(self.story, **changed)

    def active(self, table: str) -> list[Any]:
        """The entries of a table that are there before the calm, of the base if there is none."""
        found = [each for each in getattr(self.story, table) if each.start < self.calm]
        return found or list(getattr(self.base, table))

    def act(self, do: str, **more: Any) -> None:
        """Somebody does something."""
        actions = self.story.action
        if len(actions) < MOST:
            action = ActionSpec(more.pop("at", None) or self.when(), do, **more)
            self.story = evolve(self.story, action=(*actions, action))

    def change(self, spec: ChangeSpec) -> None:
        """An input comes otherwise."""
        if len(self.story.change) < MOST:
            self.story = evolve(self.story, change=(*self.story.change, spec))


def vary(
    base: Scenario, parent: Case | None, other: Case | None, dice: Dice, kinds: frozenset[str] | None = None
) -> Case:
    """A case out of the base or a case of the corpus, with some faults more; with tables of another case, if given.

    kinds: names of :data:`KINDS` that may be used, None for all.
    """
    story = base if parent is None else parent.scenario
    long = dice.chance(150_000) if parent is None else parent.calm > CALM
    calm = LONG if long else CALM
    making = Making(base, story, calm, dice)
    if other is not None and other.calm == calm:
        splice(making, other.scenario)
    names = [name for name in KINDS if kinds is None or name in kinds]
    on = [name for name in names if dice.chance(300_000)] or [dice.choice(names)]
    for _ in range(dice.between(1, 4)):
        KINDS[dice.choice(on)](making)
    return Case(calmed(making), calm, tuple(on))


def splice(making: Making, other: Scenario) -> None:
    """Take a table of another story."""
    table = making.dice.choice(("dhcp", "pnp", "files", "action", "change", "cut", "names"))
    found: dict[str, Any] = {table: getattr(other, table)}
    making.story = evolve(making.story, content={**other.content, **making.story.content}, **found)


def calmed(making: Making) -> Scenario:
    """The story with its power on and its cable in from the calm on, and time enough to come up."""
    at = Duration(making.calm - BEFORE)
    mended = (ActionSpec(at, "power-on"), ActionSpec(at, "link-up"))
    deeds = tuple(each for each in making.story.action if each.at < at)
    return evolve(making.story, action=(*deeds, *mended), until=Duration(making.calm + AFTER), seeds=1)


# --- the kinds of faults ----------------------------------------------------------------------------------------------


def dhcp_server(making: Making) -> None:
    """The server is silent, slow, deaf at first, says NAK, or gives leases that end soon."""
    dice = making.dice
    server = dice.choice(making.active("dhcp"))
    lease = Duration(dice.choice((0, 240, 600, 86_400)) * SECOND)
    changes: dict[str, Any] = dice.choice(
        (
            {"behaviour": dice.choice(DHCP_BEHAVIOURS)},
            {"delay": Duration(dice.below(12) * SECOND)},
            {"ignore": dice.between(1, 4)},
            {"nak": dice.between(1, 2)},
            {"lease": lease or server.lease},
            {"end": Duration(dice.between(1, 600) * SECOND)},
        )
    )
    making.put("dhcp", [evolve(server, **changes)], making.base.dhcp)


def dhcp_options(making: Making) -> None:
    """An option is absent, empty, with something behind it, of another kind, or there twice over two servers."""
    dice = making.dice
    server = dice.choice(making.active("dhcp"))
    name = dice.choice(("option160", "option159", "option66"))
    usual = getattr(server, name) or making.base.dhcp[0].option160 or "http://192.0.2.20/"
    value = dice.choice(
        (
            *(None, "", usual + "\0", f" {usual} ", usual + "\r\n", usual.replace("http", "HTTP", 1), usual[:-1]),
            *("http://", "192.0.2.20", f'"{usual}"', "ftp://192.0.2.20/x.cfg", "x" * 255),
            usual.replace("http:", "https:"),
        )
    )
    other = evolve(server, **{name: value})
    second = [evolve(server, address="192.0.2.2")] if dice.chance(150_000) else []
    making.put("dhcp", [other, *second], making.base.dhcp)


def pnp_server(making: Making) -> None:
    """A responder, that answers well or not, in time or not; sometimes two."""
    dice = making.dice
    url = making.base.dhcp[0].option160 if making.base.dhcp else "http://192.0.2.20/"
    made = [
        PnpSpec(
            url=dice.choice((url or "", "http://192.0.2.20/", "not a url", "")),
            address=f"192.0.2.{5 + number}",
            behaviour=dice.choice(PNP_BEHAVIOURS),
            delay=Duration(dice.choice((10, 400, 900, 3_000, 4_990, 5_100, 9_000)) * MS),
            lose=dice.below(3),
        )
        for number in range(2 if dice.chance(200_000) else 1)
    ]
    making.put("pnp", made, making.base.pnp)


def file_server(making: Making) -> None:
    """The server, or one of its paths, misbehaves, wants a login, is slow, or is not there for a while."""
    dice = making.dice
    server = dice.choice(making.active("files"))
    changes: dict[str, Any] = dice.choice(
        (
            {"behaviour": dice.choice(FILE_BEHAVIOURS), "location": "http://192.0.2.20/KX-UTG200B.cfg"},
            {"auth": dice.choice(("basic", "digest", "digest-sha256")), "user": "phone", "password": "a-sample"},
            {"delay": Duration(dice.between(1, 40) * SECOND)},
            {"speed": dice.choice((50, 500, 5_000))},
            {"status": dice.choice((301, 302, 303, 307, 308, 400, 401, 403, 404, 410, 500, 503)), "behaviour": "error"},
            {"start": Duration(dice.between(1, 30) * SECOND)},
        )
    )
    if "status" in changes or "behaviour" in changes:
        path = PathSpec(**{"behaviour": "error", **changes})
        if dice.chance(700_000):
            changes = {"paths": {**server.paths, asked(making): path}}
    making.put("files", [evolve(server, **changes)], making.base.files)


def served_document(making: Making) -> None:
    """One of the files says something else: twice, with other marks, out of range, cut off, or as long as can be."""
    server = making.dice.choice(making.active("files"))
    path = asked(making)
    original = served(making.base, server, path)
    spec = document(original, making.dice)
    making.put("files", [evolve(server, paths={**server.paths, path: spec})], making.base.files)


def asked(making: Making) -> str:
    """The path of a file that a phone of the base asks for."""
    roots = [spec.root.rstrip("/") for spec in making.base.files if spec.root is not None]
    names = [name[len(root) :] for root in roots for name in sorted(making.base.content) if name.startswith(f"{root}/")]
    names += [path for spec in making.base.files for path in spec.paths]
    return making.dice.choice(names or ["/KX-UTG200B.cfg"])


def served(base: Scenario, server: FilesSpec, path: str) -> str:
    """What a server of the base has at a path."""
    spec = server.paths.get(path)
    if spec is not None and spec.text is not None:
        return spec.text
    return base.content.get(f"{(server.root or '').rstrip('/')}{path}", b"").decode("utf-8", "replace")


def link_faults(making: Making) -> None:
    """Slow, doubled, out of order, a little lossy, or gone for a while."""
    dice, link = making.dice, making.story.link
    start = dice.below(20 * SECOND)
    outage = Outage(Duration(start), Duration(min(start + dice.between(1, 15) * SECOND, making.calm - SECOND)))
    changes: dict[str, Any] = dice.choice(
        (
            {"latency": Duration(dice.choice((1, 30, 300, 900)) * MS)},
            {"jitter": Duration(dice.choice((10, 200, 900)) * MS)},
            {"loss": Chance(dice.choice((10_000, 50_000, 100_000)))},
            {"duplicate": Chance(dice.choice((50_000, 500_000)))},
            {"reorder": Chance(200_000)},
            {"outage": (*link.outage[:3], outage)},
        )
    )
    making.story = evolve(making.story, link=evolve(link, **changes))


def power(making: Making) -> None:
    """The power goes: by the switch, or in the middle of the flash's work."""
    dice = making.dice
    if dice.chance(500_000):
        at = making.when()
        making.act("power-off", at=at)
        making.act("power-on", at=Duration(at + dice.between(1, 5) * SECOND))
    elif len(making.story.cut) < 4:
        tear = dice.choice(("bytes", "bits", "partial", "unstable"))
        cut = CutSpec(after=dice.below(30), tear=tear, keep=dice.below(257), sample=dice.below(6))
        making.story = evolve(making.story, cut=(*making.story.cut, cut))


def people(making: Making) -> None:
    """Somebody types, restarts, pulls the cable, lifts the handset, sends a NOTIFY, or resets the phone."""
    dice = making.dice
    deed = dice.weighted(((6, "web"), (2, "restart"), (3, "link"), (2, "lift"), (3, "notify"), (1, "factory-reset")))
    if deed == "web":
        key, value = typed(dice)
        making.act("web", key=key, value=value)
    elif deed == "link":
        at = making.when()
        making.act("link-down", at=at)
        making.act("link-up", at=Duration(at + dice.between(1, 20) * SECOND))
    elif deed == "notify":
        making.act("notify", source=dice.choice(("192.0.2.30", "192.0.2.5", "192.0.2.99")))
    elif deed == "lift":
        making.act("lift")
        making.act("hang-up", at=Duration(making.calm - SECOND))
    else:
        making.act(deed)


def typed(dice: Dice) -> tuple[str, str]:
    """A parameter and a value that may be one of its."""
    parameter = dice.choice([each for each in catalogue() if each.tag])
    key = f"{parameter.tag}/1" if parameter.per_line else parameter.tag
    return key, dice.choice((parameter.default, "Y", "N", "0", "1", "60", "", "192.0.2.77", "x" * 40))


def messages(making: Making) -> None:
    """A message comes otherwise: a header, an option, a status, or not at all."""
    dice = making.dice
    kind = dice.choice(("DatagramReceived", "HttpAnswered"))
    place: dict[str, Any] = {"input": kind, "count": dice.between(1, 4)}
    if dice.chance(250_000):
        making.change(ChangeSpec(do="drop", **place))
        return
    if kind == "HttpAnswered":
        values = dice.choice(({"status": "404", "body": ""}, {"status": "200", "body": ""}, {"end": "cut-off"}))
        making.change(ChangeSpec(do="set", set=values, **place))
        return
    payload = dice.bytes(dice.between(1, 60)).hex()
    making.change(ChangeSpec(do="set", set={"payload": payload}, **place))


def syslog_server(making: Making) -> None:
    """Somebody listens to what the phone says of itself."""
    making.story = evolve(making.story, syslog=(SyslogSpec(),))


def lookups(making: Making) -> None:
    """A name is known, or unknown, or nobody answers."""
    dice = making.dice
    to = dice.choice(("192.0.2.30", "192.0.2.20", "!timeout", "!no-such-name", "!server-failure"))
    making.story = evolve(making.story, names={**making.story.names, "sip.example.com": to})


KINDS: dict[str, Fault] = {
    "dhcp": dhcp_server,
    "options": dhcp_options,
    "pnp": pnp_server,
    "files": file_server,
    "documents": served_document,
    "link": link_faults,
    "power": power,
    "people": people,
    "messages": messages,
    "syslog": syslog_server,
    "names": lookups,
}
"""The kinds of faults by the name that ``--kind`` takes."""
