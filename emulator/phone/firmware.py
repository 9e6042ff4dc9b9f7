"""A firmware is a value: which functions apply events, which react to them, and the nine steps.

Decorators only mark functions. A :class:`Firmware` collects the marked functions of its parts into one dispatch
table; a variant is another value in which a function, a part or an option was replaced. Nothing is registered in a
module-level table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from types import ModuleType
from typing import Any, NamedTuple, TypeVar

import attrs

from emulator.events import Because, Entry, Event, FlashErased, FlashProgrammed, Role, StepEntered, step_name
from flash_image import FORMAT, Format, Timing

Reaction = Iterable[Event | Because]
Apply = Callable[[Any, Any, Entry], None]
React = Callable[[Any, Any, Entry], Reaction]
Become = Callable[[Any, Any, int], Event]
F = TypeVar("F", bound=Callable[..., Any])

_MARKS = "__offhook__"


class Mark(NamedTuple):
    """What a decorator noted on a function: its use, the event types, the step and its title."""

    use: str
    types: tuple[type[Event], ...]
    step: int = 0
    title: str = ""
    part: str = ""


def _marked(mark: Mark) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        setattr(function, _MARKS, (*getattr(function, _MARKS, ()), mark))
        return function

    return decorate


def applies(part: str, *types: type[Event]) -> Callable[[F], F]:
    """The function copies facts from an event of these types into the state's ``part``, and decides nothing."""
    return _marked(Mark("applies", types, part=part))


def reacts(*types: type[Event]) -> Callable[[F], F]:
    """The function decides what follows from an event of these types, and changes nothing."""
    return _marked(Mark("reacts", types))


def becomes(*types: type[Event]) -> Callable[[F], F]:
    """The function says what becomes of an event of these types that a reaction ordered: that event, or another.

    It is called just before the event happens, as ``function(phone, event, busy)`` with the ns that it would take, and
    changes nothing.
    """
    return _marked(Mark("becomes", types))


def step(number: int, title: str) -> Callable[[F], F]:
    """The function says what entering step ``number`` of the guide does."""
    return _marked(Mark("step", (StepEntered,), number, title))


def during(number: int, *types: type[Event]) -> Callable[[F], F]:
    """The function says how the wait of step ``number`` goes on when an event of these types comes."""
    return _marked(Mark("during", types, number))


def marks(function: Callable[..., Any]) -> tuple[Mark, ...]:
    """What the decorators noted on ``function``."""
    found: tuple[Mark, ...] = getattr(function, _MARKS, ())
    return found


@attrs.frozen
class Part:
    """A named piece of the phone: its marked functions, in the order in which they are called."""

    name: str
    functions: tuple[Callable[..., Any], ...]

    @classmethod
    def of(cls, module: ModuleType) -> Part:
        """The marked functions defined in ``module``, in the order of their definition."""
        own = [f for f in vars(module).values() if marks_here(f, module)]
        return cls(module.__name__.rpartition(".")[2], tuple(own))


def marks_here(value: object, module: ModuleType) -> bool:
    """Whether ``value`` is a marked function that ``module`` defines."""
    return callable(value) and bool(marks(value)) and getattr(value, "__module__", "") == module.__name__


def _whole(least: int, most: int) -> Callable[[object, Any, object], None]:
    """A validator for a whole number; like the others it raises ValueError, whatever was found."""

    def check(_: object, field: Any, value: object) -> None:
        if type(value) is not int or not least <= value <= most:
            raise ValueError(f"{field.name}: found {value!r}, want a whole number from {least} to {most}")

    return check


@attrs.frozen
class Options:
    """Readings of the guide where the specification lists several, and what a provider presets.

    model: the string that {MODEL} expands to comes from the factory data; nothing of it is here.
    """

    manual_url: str = attrs.field(default="user", validator=attrs.validators.in_(("user", "effective")))
    """O-8: ``user``: only a URL typed by the user counts as set by hand; ``effective``: any non-empty value."""
    pnp_vendor_parameter: str = attrs.field(default="vendor", validator=attrs.validators.in_(("vendor", "vender")))
    """PROV-057: how the Event header spells its vendor parameter."""
    pnp_via_maddr: bool = False
    """PROV-066: whether the Via of the multicast SUBSCRIBE carries maddr and ttl."""
    fallback: str = attrs.field(default="2015-01", validator=attrs.validators.in_(("2015-01", "2014-05")))
    """PROV-191 (go on with the other files) or PROV-190 (any failed file means the saved configuration)."""
    notify_from: str = attrs.field(default="servers", validator=attrs.validators.in_(("servers", "anyone")))
    """PROV-257: whose check-sync NOTIFY is obeyed: the SIP servers of the enabled lines, or anybody's, for tests."""
    redirection_url: str = ""
    """PROV-104: base URL of the redirection server; empty means step 7 fails at once."""
    vlan: int = attrs.field(default=0, validator=_whole(0, 4094))
    """PROV-282: a VLAN set by hand at the phone, 0 for none; no tag is known for it."""
    lldp_wait: int = attrs.field(default=5, validator=_whole(0, 3600))
    """O-20: seconds to wait for LLDP and CDP after link up; with 0 the phone speaks neither and DHCP starts at once."""
    arp: bool = True
    """RFC 5227: whether the phone announces a new address, and gives up one that another station uses."""
    dhcpv6_enterprise: str = attrs.field(default="", validator=attrs.validators.matches_re(r"(0|[1-9][0-9]{0,9})?"))
    """O-4: the enterprise number that option 17 of DHCPv6 has to have; empty accepts any."""

    @classmethod
    def recorded(cls, options: Mapping[str, Any]) -> Options:
        """The options that the header of a run names; what it does not name, the phone of that time did not do.

        So a run recorded before an option existed is folded and replayed as it was. An option whose default is not
        how the phone was before stands in :data:`BEFORE`. Raises TypeError for an unknown name, ValueError for a bad
        value.
        """
        return cls(**{**BEFORE, **options})


BEFORE: Mapping[str, Any] = {"lldp_wait": 0, "arp": False}
"""The options of a phone that is older than these options: nothing below IP, addresses believed."""


class Handlers(NamedTuple):
    """What is called for one event type.

    busy: ns that the event keeps the phone busy; ordered: whether it is an order for the world; family: of the order,
    "" if nobody answers it; becomes: None for an event that happens as it was ordered.
    """

    applies: tuple[Apply, ...]
    reacts: tuple[React, ...]
    busy: int
    ordered: bool
    family: str
    becomes: Become | None


class StepInfo(NamedTuple):
    """One step of the guide as data: for timelines, documents and diagrams."""

    number: int
    title: str
    enter: React
    waits: Mapping[type[Event], React]


@attrs.frozen
class Firmware:
    """An immutable firmware: name, version as in the User-Agent, parts, options, and how it writes its flash."""

    name: str
    version: str
    parts: tuple[Part, ...]
    options: Options = attrs.Factory(Options)
    timing: Timing = attrs.Factory(Timing)
    format: Format = FORMAT

    @cached_property
    def steps(self) -> dict[int, StepInfo]:
        """The steps by number, in the guide's order (that of their names)."""
        enter: dict[int, tuple[str, React]] = {}
        waits: dict[int, dict[type[Event], React]] = {}
        for function, mark in self._marks():
            if mark.use == "step":
                enter[mark.step] = (mark.title, function)
            elif mark.use == "during":
                waits.setdefault(mark.step, {}).update(dict.fromkeys(mark.types, function))
        return {n: StepInfo(n, *enter[n], waits.get(n, {})) for n in sorted(enter, key=step_name)}

    @cached_property
    def table(self) -> dict[type[Event], Handlers]:
        """Event type to its functions: looked up once an event."""
        from emulator.events import VOCABULARY

        applies: dict[type[Event], list[Apply]] = {}
        reacts: dict[type[Event], list[React]] = {}
        becomes: dict[type[Event], Become] = {}
        for function, mark in self._marks():
            for cls in mark.types:
                if mark.use == "applies":
                    applies.setdefault(cls, []).append(function)
                elif mark.use == "reacts":
                    reacts.setdefault(cls, []).append(function)
                elif mark.use == "becomes":
                    becomes[cls] = function
        reacts.setdefault(StepEntered, []).append(self._enter_step)
        for cls in {cls for info in self.steps.values() for cls in info.waits}:
            reacts.setdefault(cls, []).append(self._waiting(cls))
        busy = {FlashProgrammed: self.timing.program_ns, FlashErased: self.timing.erase_ns}
        known = dict.fromkeys((*VOCABULARY.values(), *applies, *reacts, *becomes))
        return {
            cls: Handlers(
                tuple(applies.get(cls, ())),
                tuple(reacts.get(cls, ())),
                busy.get(cls, 0),
                cls.role is Role.ORDER,
                cls.orders,
                becomes.get(cls),
            )
            for cls in known
        }

    def _marks(self) -> Iterable[tuple[Callable[..., Any], Mark]]:
        return ((function, mark) for part in self.parts for function in part.functions for mark in marks(function))

    def _enter_step(self, phone: Any, event: StepEntered, entry: Entry) -> Reaction:
        return self.steps[event.step].enter(phone, event, entry)

    def _waiting(self, cls: type[Event]) -> React:
        by_step = {n: info.waits[cls] for n, info in self.steps.items() if cls in info.waits}

        def wait(phone: Any, event: Event, entry: Entry) -> Reaction:
            function = by_step.get(phone.provisioning.step)
            return function(phone, event, entry) if function else ()

        return wait

    def replacing(self, old: Callable[..., Any], new: Callable[..., Any]) -> Firmware:
        """A variant in which ``new`` stands for ``old``; an unmarked ``new`` takes over the marks of ``old``.

        Raises ValueError if ``old`` is unknown.
        """
        if not any(old in part.functions for part in self.parts):
            raise ValueError(f"{self.name} has no function {getattr(old, '__qualname__', old)!s}")
        if not marks(new):
            setattr(new, _MARKS, marks(old))
        parts = tuple(attrs.evolve(p, functions=tuple(new if f is old else f for f in p.functions)) for p in self.parts)
        return attrs.evolve(self, name=f"{self.name}+{getattr(new, '__name__', 'variant')}", parts=parts)

    def with_part(self, part: Part) -> Firmware:
        """A variant in which ``part`` stands for the part of the same name. Raises ValueError if there is none."""
        if part.name not in [own.name for own in self.parts]:
            raise ValueError(f"{self.name} has no part {part.name!r}")
        parts = tuple(part if own.name == part.name else own for own in self.parts)
        return attrs.evolve(self, name=f"{self.name}+{part.name}", parts=parts)

    def adding(self, *functions: Callable[..., Any], name: str = "addition") -> Firmware:
        """A variant with one part more."""
        return attrs.evolve(self, name=f"{self.name}+{name}", parts=(*self.parts, Part(name, functions)))

    def with_format(self, **functions: Callable[..., Any]) -> Firmware:
        """A variant that writes its flash otherwise. Raises TypeError for a name that no function of a format has."""
        names = "+".join(getattr(function, "__name__", "variant") for function in functions.values())
        return attrs.evolve(self, name=f"{self.name}+{names}", format=self.format.replacing(**functions))

    def with_options(self, **changes: Any) -> Firmware:
        """A variant with other options. Raises TypeError for an unknown name, ValueError for a bad value."""
        return attrs.evolve(self, options=attrs.evolve(self.options, **changes))
