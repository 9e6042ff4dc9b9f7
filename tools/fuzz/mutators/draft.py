"""A story that is being made: a base or a case of the corpus, taken apart, changed, and put together again.

The tables of a draft hold what is there before the calm. A server without an end is there until then; from the calm on
those of the base are. What a mutator adds for good, because the phone may come to need it, ends at :data:`STAYS`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

from attrs import define, evolve, field

from emulator.events import SECOND
from emulator.world.scenario import (
    FOREVER,
    ActionSpec,
    ChangeSpec,
    CutSpec,
    Duration,
    Instant,
    LinkSpec,
    PhoneSpec,
    Scenario,
    SwitchSpec,
)
from tools.fuzz.dice import Dice
from tools.fuzz.model import Case
from tools.fuzz.mutators.survey import Survey

MS = SECOND // 1000
MINUTE = 60 * SECOND
TABLES = ("host", "dhcp", "dhcpv6", "pnp", "redirection", "proxy", "sip", "files", "sntp", "syslog")
MOST = 30
"""Entries of a table."""
MOST_DEEDS = 14
"""Things that people do, besides those of the base and those by which all is mended."""
MOST_BYTES = 400_000
"""Bytes of content that are made for a case."""
STAYS = Duration(400 * 86_400 * SECOND)
"""End of a server that is good, and there for good."""
SHORT = 60 * SECOND
"""The calm of a story about one boot; those of longer ones are multiples."""
SOME = 15 * MINUTE
LONG = 180 * MINUTE
THINNED = 700_000
"""Parts per million of cases that lose some of what the one before them had, so that cases do not only grow."""
KEPT = 650_000
"""Parts per million of what stays of it."""
SAME_CALM = 350_000
"""Parts per million of cases that are as long as the one they are made from; others are as short as they can be."""
TAIL = 15 * SECOND
"""The last part before the calm, in which everything is mended."""


@define(eq=False)
class Draft:
    """tables: what is there before the calm; touched: those that are not the base's; made: content besides the base's;
    poisoned: whether settings were changed that keep a phone from its servers, so that it has to be reset;
    kinds: of faults that it may have, None for all."""

    base: Scenario
    survey: Survey
    dice: Dice
    calm: int
    tables: dict[str, list[Any]]
    touched: set[str]
    actions: list[ActionSpec]
    cuts: list[CutSpec]
    changes: list[ChangeSpec]
    phone: PhoneSpec
    link: LinkSpec
    switch: SwitchSpec
    names: Mapping[str, str]
    clock: Instant
    seed: int
    made: dict[str, bytes] = field(factory=dict)
    poisoned: bool = False
    kinds: frozenset[str] | None = None

    def may(self, kind: str) -> bool:
        """Whether a fault of one kind may bring one of another kind along."""
        return self.kinds is None or kind in self.kinds

    # --- time -------------------------------------------------------------------------------------------------------

    def reach(self, calm: int) -> None:
        """Let the faults go on until at least then."""
        self.calm = max(self.calm, calm)

    @property
    def limit(self) -> int:
        """Until when things may happen."""
        return self.calm - TAIL

    def when(self) -> Duration:
        """Some time of the active phase: a moment of the base, just beside it, or any."""
        dice = self.dice
        roll = dice.below(10)
        if roll < 4 and self.survey.moments:
            at = dice.choice(self.survey.moments) + dice.choice((0, 0, 1, -1, MS, -MS, 3 * MS, 500 * MS))
        elif roll < 7 or self.calm == SHORT:
            at = dice.below(12 * SECOND if roll < 8 else self.limit)
        elif roll < 9:
            at = self.full_minute() + dice.choice(self.survey.moments or (0,))
        else:
            at = dice.below(self.limit)
        return Duration(min(max(at, 0), self.limit - 1))

    def full_minute(self) -> int:
        """A time at which intervals are over that began with the story."""
        return self.dice.between(1, max(self.limit // MINUTE, 1)) * MINUTE

    def window(self) -> tuple[int, int]:
        """(start, end) of something that goes on: all the time, from or to some time, or between two."""
        roll = self.dice.below(8)
        if roll < 3:
            return 0, FOREVER
        one = self.when()
        if roll < 5:
            return one, FOREVER
        if roll < 6:
            return 0, one + 1
        return one, one + 1 + self.dice.below(30 * SECOND if roll < 7 else self.calm)

    # --- servers ----------------------------------------------------------------------------------------------------

    def pick(self, table: str) -> int | None:
        """The place of some server of a table, None if there is none."""
        specs = self.tables[table]
        return self.dice.below(len(specs)) if specs else None

    def spoil(self, table: str, place: int, bad: Any, window: tuple[int, int] | None = None) -> None:
        """Have ``bad`` instead of a server for some time; before and after it is as it was."""
        start, end = self.window() if window is None else window
        specs = self.tables[table]
        old = specs[place]
        low, high = max(old.start, start), min(old.end, end)
        if low >= high or len(specs) + 2 > MOST:
            low, high = old.start, old.end
        if old.end == STAYS:
            high = min(high, max(self.calm, low + 1))
        pieces = [evolve(bad, start=Duration(low), end=Duration(high))]
        if old.start < low:
            pieces.insert(0, evolve(old, end=Duration(low)))
        if high < old.end:
            pieces.append(evolve(old, start=Duration(high)))
        specs[place : place + 1] = pieces
        self.touched.add(table)

    def add(self, table: str, spec: Any, first: bool = False) -> None:
        """One server more, before or behind the others."""
        specs = self.tables[table]
        if len(specs) < MOST:
            specs.insert(0 if first else len(specs), spec)
            self.touched.add(table)

    def untag(self) -> None:
        """Take away the servers of a voice VLAN, which :func:`tagged` makes of the others."""
        vlans = vlans_of(self)
        for table in ("dhcp", "dhcpv6", "pnp") if vlans else ():
            self.tables[table] = [each for each in self.tables[table] if each.vlan not in vlans]

    # --- what else there is -----------------------------------------------------------------------------------------

    def act(self, do: str, at: int | None = None, **more: Any) -> None:
        """Somebody does something."""
        if len(self.actions) < MOST_DEEDS + len(self.base.action):
            time = self.when() if at is None else Duration(min(max(at, 0), self.limit - 1))
            if self.base.phone.count > 1:
                more["phone"] = self.dice.below(min(self.base.phone.count, 4))
            self.actions.append(ActionSpec(time, do, **more))

    def change(self, kind: str, count: int, do: str, **more: Any) -> None:
        """An input comes otherwise, or not."""
        if len(self.changes) < MOST:
            self.changes.append(ChangeSpec(kind, do, count, **more))

    def provision(self, values: Mapping[str, str]) -> bool:
        """Have the phone come with values of earlier files, which may cut it off; False if it cannot be reset."""
        phone = self.phone
        if phone.flash is not None or not phone.provisioned.keys().isdisjoint(values):
            return False
        if not self.survey.cutting.isdisjoint(values):
            if not self.survey.clean:
                return False
            self.poisoned = True
        self.phone = evolve(phone, provisioned={**phone.provisioned, **values})
        return True

    def keep(self, body: bytes, suffix: str) -> str:
        """The name under which a file is among the content."""
        name = f"made/{sha256(body).hexdigest()[:16]}{suffix}"
        self.made[name] = body
        return name

    def known(self, key: str, to: str) -> None:
        """A host name that the base does not know."""
        if key not in self.base.names:
            self.names = {**self.names, key: to}


def begin(base: Scenario, survey: Survey, parent: Case | None, dice: Dice) -> Draft:
    """A draft of the base, or of a case of the corpus."""
    story, calm = (base, FOREVER) if parent is None else (parent.scenario, parent.calm)
    tables = {name: opened(getattr(story, name), calm) if parent else list(getattr(base, name)) for name in TABLES}
    draft = Draft(
        base=base,
        survey=survey,
        dice=dice,
        calm=max(SHORT, survey.busy + TAIL + 5 * SECOND),
        tables=tables,
        touched={name for name in TABLES if getattr(story, name) != getattr(base, name)} if parent else set(),
        actions=[each for each in story.action if each.at < calm - TAIL],
        cuts=list(story.cut),
        changes=list(story.change),
        phone=story.phone,
        link=story.link,
        switch=story.switch,
        names=story.names,
        clock=story.clock,
        seed=story.seed,
    )
    if parent is None:
        draft.reach(dice.weighted(((88, SHORT), (8, SOME), (4, LONG))))
        return draft
    draft.untag()
    draft.made = {name: body for name, body in story.content.items() if name not in base.content}
    reset = any(each.do == "factory-reset" and each.at >= calm - TAIL for each in story.action)
    draft.reach(calm if dice.chance(SAME_CALM) else SHORT)
    if dice.chance(THINNED):
        thin(draft)
    draft.poisoned = reset and cut_off(draft)
    return draft


def cut_off(draft: Draft) -> bool:
    """Whether a draft sets anything that can keep a phone from its servers."""
    phone, keys = draft.phone, (each.key for each in draft.actions)
    cutting = draft.survey.cutting
    if not cutting.isdisjoint(key.partition("/")[0] for key in (*phone.user, *phone.provisioned, *keys)):
        return True
    texts = [path.text for spec in draft.tables["files"] for path in spec.paths.values() if path.text is not None]
    texts += [body.decode("utf-8", "replace") for body in draft.made.values()]
    return any(tag in text for text in texts for tag in cutting)


def thin(draft: Draft) -> None:
    """Lose some of what people do, of cuts and changes, what the phone came with, and some of the tables."""
    dice, base = draft.dice, draft.base
    draft.actions = [each for each in draft.actions if each in base.action or dice.chance(KEPT)]
    draft.changes = [each for each in draft.changes if each in base.change or dice.chance(KEPT)]
    draft.cuts = draft.cuts[: len(base.cut) + dice.below(len(draft.cuts) + 1)]
    if dice.chance(400_000):
        draft.phone = base.phone
    for table in sorted(draft.touched):
        if not dice.chance(KEPT):
            draft.tables[table] = list(getattr(base, table))
            draft.touched.remove(table)


def opened(specs: Iterable[Any], calm: int) -> list[Any]:
    """The servers that are there before the calm; what ended then has no end."""
    return [evolve(each, end=FOREVER) if each.end == calm else each for each in specs if each.start < calm]


def vlans_of(draft: Draft) -> set[int]:
    """The voice VLANs that only the draft's switch names."""
    own = {draft.base.switch.lldp_vlan, draft.base.switch.cdp_vlan, 0}
    return {draft.switch.lldp_vlan, draft.switch.cdp_vlan} - own
