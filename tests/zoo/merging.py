"""Faults in what becomes of several files, of perm, and of what the user typed."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import attrs
from lxml import etree

from emulator.events import Because, Entry, Event, RunEnded, SettingChanged
from emulator.phone import configfile, provisioning
from emulator.phone.configfile import Entry as Parameter
from emulator.phone.firmware import Firmware, Reaction
from emulator.phone.merge import merge
from emulator.phone.reading import DOWNLOAD
from emulator.phone.storage import FILES, save
from tests.zoo.variant import of, variant

if TYPE_CHECKING:
    from emulator.phone.state import Phone

File = tuple[str, tuple[Parameter, ...], int]
Changes = Callable[["Phone"], Iterable[Because]]
"""What a run that ends changes: the merge of what is here."""
_ENDINGS = (
    *(provisioning.download_ended, provisioning.file_settled),
    *(provisioning.saved_files_or_retry, provisioning.saved_file_settled),
)
"""The handlers that can end a run."""


def inputs(phone: Phone) -> list[File]:
    """What the merge gets, strongest file first."""
    run = phone.provisioning
    return [(f, configfile.parse(run.here[f]).entries, run.read[f]) for f in (*FILES, "initial") if f in run.here]


def merging(phone: Firmware, changes: Changes) -> Firmware:
    """The phone that puts ``changes`` in force at the end of a run."""

    def ending(original: Callable[..., Reaction]) -> Callable[..., Reaction]:
        @functools.wraps(original)
        def handler(phone: Phone, event: Event, entry: Entry) -> Reaction:
            made = list(original(phone, event, entry))
            ends = of(RunEnded, made)
            return finished(phone, made[-1], ends[0], list(changes(phone))) if ends else made

        return handler

    for original in _ENDINGS:
        phone = phone.replacing(original, ending(original))
    return phone


def finished(phone: Phone, end: Event | Because, ended: RunEnded, changes: Sequence[Because]) -> Reaction:
    """What :func:`~emulator.phone.provisioning.finish` does, with these changes. end: what it made in the end."""
    run = phone.provisioning
    yield from changes
    fetched = {f: body for f, body in run.here.items() if run.origin[f] == DOWNLOAD and f != "initial"}
    url = run.url if ended.outcome in ("provisioned", "partly") else ""
    yield from save(
        phone, [change.event for change in changes if isinstance(change.event, SettingChanged)], fetched, url
    )
    yield Because(attrs.evolve(ended, changed=len(changes)), end.grounds if isinstance(end, Because) else ())


def _groups_once(body: bytes) -> tuple[Parameter, ...]:
    """The parameters of a file of which a group that comes twice is read only once."""
    root = configfile._tree(body.removeprefix(b"\xef\xbb\xbf"))
    for element in list(root.iter(etree.Element)):
        seen: set[tuple[str, str | None]] = set()
        for child in list(element):
            name = (child.tag, child.get("idx"))
            if len(child) and name in seen:
                element.remove(child)
            seen.add(name)
    return configfile._Reader().file(root).entries


def _first_group(phone: Phone) -> Iterable[Because]:
    here = phone.provisioning.here
    return merge(phone.settings, [(file, _groups_once(here[file]), n) for file, _, n in inputs(phone)])


@variant("PROV-138")
def first_of_two_groups(phone: Firmware) -> Firmware:
    """Where a group stands twice in a file, the first one counts, and so the first duplicate of a parameter in it."""
    return merging(phone, _first_group)


def _dropped(change: Because) -> str:
    """The key whose value of the user a change drops; "" for any other change."""
    event = change.event
    return event.key if isinstance(event, SettingChanged) and event.layer == "user" and event.value is None else ""


def _bang_of_a_change(phone: Phone) -> Iterable[Because]:
    changes = list(merge(phone.settings, inputs(phone)))
    anew = {change.event.key for change in changes if not _dropped(change)}
    return [change for change in changes if not _dropped(change) or _dropped(change) in anew]


@variant("PROV-164")
def bang_works_once(phone: Firmware) -> Firmware:
    """A value with ``!`` overrules the user only when it is another than the one before."""
    return merging(phone, _bang_of_a_change)


def _bang_with_letters(phone: Phone) -> Iterable[Because]:
    winners: dict[str, Parameter] = {}
    for _, parameters, _ in inputs(phone):
        for parameter in parameters:
            winners.setdefault(parameter.key, parameter)
    changes = merge(phone.settings, inputs(phone))
    return [change for change in changes if not _dropped(change) or winners[_dropped(change)].perm != "!"]


@variant("PROV-160")
def bare_bang_ignored(phone: Firmware) -> Firmware:
    """``!RW`` and ``!R`` overrule the user, but ``!`` alone does not."""
    return merging(phone, _bang_with_letters)


def _saved_first(phone: Phone) -> Iterable[Because]:
    origin = phone.provisioning.origin
    return merge(phone.settings, sorted(inputs(phone), key=lambda each: origin[each[0]] == DOWNLOAD))


@variant("PROV-192")
def saved_copy_before_all(phone: Firmware) -> Firmware:
    """The saved copy of a failed file is stronger than every file that came, not only than those behind it."""
    return merging(phone, _saved_first)


def _perm_kept(phone: Phone) -> Iterable[Because]:
    stored = phone.settings.provisioned

    def kept(parameter: Parameter) -> Parameter:
        held = stored.get(parameter.key)
        locked = held is not None and held.perm == "!R"
        return attrs.evolve(parameter, perm="!R") if locked and not parameter.perm else parameter

    return merge(phone.settings, [(file, tuple(map(kept, found)), n) for file, found, n in inputs(phone)])


@variant("PROV-166")
def lock_of_bang_r_stays(phone: Firmware) -> Firmware:
    """A file without perm lifts the lock of ``R``, but not that of ``!R``."""
    return merging(phone, _perm_kept)


def _without_empty(phone: Phone) -> Iterable[Because]:
    found = inputs(phone)
    return merge(phone.settings, [(file, tuple(p for p in parameters if p.value), n) for file, parameters, n in found])


@variant("PROV-141")
def empty_text_ignored(phone: Firmware) -> Firmware:
    """An empty element sets no text either, so a value can be changed but never cleared."""
    return merging(phone, _without_empty)
