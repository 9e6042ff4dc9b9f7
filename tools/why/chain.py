"""The chain that explains: of all the events that something comes from, the few that tell a person why.

Down the middle runs the chain of causes, back to an outside input; what only carries it on is left out, and what comes
again and again is told once. Below each sentence stand the facts that the phone decided on, with where they came from
in turn. Everything is told in one place only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from attrs import Factory, define

from emulator.events import (
    DownloadEnded,
    Entry,
    FlashErased,
    FlashProgrammed,
    FlashTorn,
    SettingChanged,
    SettingsLoaded,
)
from tools.why.facts import Writer, fact
from tools.why.graph import BECAUSE, CAUSE, FLASH, IMPLIED, broken, is_outside
from tools.why.implied import implied
from tools.why.model import Node
from tools.why.origins import Origin, default, origin_at_load
from tools.why.plumbing import is_ground
from tools.why.reader import Reader
from tools.why.readings import settings_read, stored_read
from tools.why.sentences import arrived, quoted, seconds, sentence, url
from tools.why.subjects import ABSENT, FILE, LAST_URL
from tools.why.walk import Gap, Group, branch, steps

if TYPE_CHECKING:
    from tools.why.stored import Flash

DEEPEST = 4
"""Grounds of grounds that are told unless more are asked for."""


@define
class Line:
    """A line that is being made. notes: clauses that it gets; shared: grounds that are told elsewhere; below: (event,
    link, subject) of the grounds that get lines of their own."""

    notes: list[str] = Factory(list)
    shared: list[int] = Factory(list)
    below: list[tuple[int, str, str]] = Factory(list)


@define
class Chain:
    """Makes the lines. upto: the last event that counts; depth: the deepest ground told; told: events with a line."""

    reader: Reader
    upto: int
    secrets: bool = False
    depth: int = DEEPEST
    told: set[int] = Factory(set)
    subjects: set[tuple[int, str]] = Factory(set)
    flashes: dict[int, Flash] = Factory(dict)

    def flash(self, phone: int) -> Flash:
        """The flash of a phone."""
        from tools.why.stored import Flash

        return self.flashes.setdefault(phone, Flash(self.reader, phone, self.upto))

    # --- The chain of causes --------------------------------------------------------------------------------------

    def lines(self, target: int, subject: str = "", via: int = 0) -> Iterator[Node]:
        """The chain of an event. subject: what of settings that were loaded is meant; via: what it goes on with."""
        found = steps(self.reader, target, via)
        for step in found:
            if isinstance(step, Group):
                self.told.update(step.numbers)
        for step in found:
            if isinstance(step, Gap):
                yield Node(None, "gap", 0, gap_sentence(step))
            elif step.entry.n == target:
                yield from self.group(step, "", 0, subject)
            else:
                yield from self.group(step, CAUSE, 0)

    def head(self, n: int, link: str) -> Iterator[Node]:
        """One more event that something comes from, with what it comes from in turn."""
        if n not in self.told:
            yield from self.branch(n, link, 0)

    def branch(self, n: int, link: str, depth: int, child: Entry | None = None) -> Iterator[Node]:
        """A ground with its chain of causes. child: what was decided on it."""
        for index, group in enumerate(branch(self.reader, n, self.told)):
            yield from self.group(group, CAUSE if index else link, depth, child=None if index else child)

    def group(
        self, group: Group, link: str, depth: int, subject: str = "", child: Entry | None = None
    ) -> Iterator[Node]:
        """The line of an event and those of its grounds."""
        self.told.update(group.numbers)
        line = Line()
        entry = group.entry
        if isinstance(entry.event, SettingsLoaded):
            self.weigh_flash(entry, subject, line)
        for each in (entry, *group.carried):
            self.weigh(each, group, line)
        line.below += [(n, IMPLIED, "") for n in implied(self.reader, entry)]
        said = sentence(entry, self.secrets, child)
        came = group.arrival
        said += f" ({arrived(came)}{self.source(group)})" if came is not None else ""
        said = "; ".join((said, *dict.fromkeys(line.notes)))
        yield Node(entry, link, depth, said, group.numbers[1:], tuple(dict.fromkeys(line.shared)))
        for n in broken(entry, self.reader.get):
            yield Node(None, "broken", depth + 1, f"event {entry.n} refers to event {n}, which is not there before it")
        if depth < self.depth:
            for n, kind, of in dict.fromkeys(line.below):
                yield from self.ground(n, kind, depth + 1, of, entry)

    def source(self, group: Group) -> str:
        """Where a file came from that an event is about."""
        urls = [url(each.event.url, self.secrets) for each in group.carried if isinstance(each.event, DownloadEnded)]
        return f", from {urls[0]}" if urls else ""

    def ground(self, n: int, link: str, depth: int, subject: str, child: Entry) -> Iterator[Node]:
        """The lines of one ground."""
        entry = self.reader.get(n)
        if entry is not None and subject:
            yield from self.stored_line(entry, depth, subject)
        elif n not in self.told:
            yield from self.branch(n, link, depth, child)

    # --- What was decided on ----------------------------------------------------------------------------------------

    def weigh(self, entry: Entry, group: Group, line: Line) -> None:
        """What the grounds of an event add to the line of its group: words, lines below, or numbers told elsewhere."""
        grounds = [each for n in entry.because if 0 < n < entry.n and (each := self.reader.get(n)) is not None]
        for ground in grounds:
            event = ground.event
            if ground.n in group.numbers:
                continue
            if isinstance(event, SettingsLoaded):
                self.weigh_loaded(entry, ground, grounds, entry is group.entry, line)
            elif isinstance(event, FlashErased | FlashProgrammed | FlashTorn):
                if not isinstance(entry.event, SettingsLoaded):
                    line.below.extend((n, FLASH, "") for n in fact(self.reader, ground) or (ground.n,))
            elif not is_ground(event):
                if ground.n not in self.told and entry is group.entry and is_outside(ground):
                    line.notes.append(arrived(ground))
                    self.told.add(ground.n)
            elif ground.n in self.told:
                line.shared.append(ground.n)
            else:
                line.below.append((ground.n, BECAUSE, ""))

    def weigh_loaded(self, entry: Entry, load: Entry, grounds: list[Entry], own: bool, line: Line) -> None:
        """What it means that an event was decided on settings that were loaded: on which, and where they were from.

        own: it is the event of the line, and not one that only carries the chain on.
        """
        changed = {each.event.key for each in grounds if isinstance(each.event, SettingChanged)}
        for key in settings_read(entry):
            if key in changed:
                continue
            origin = self.origin(load, key)
            if origin.subject and (load.n, origin.subject) not in self.subjects:
                line.below.append((load.n, FLASH, origin.subject))
            elif origin.subject or own:
                line.notes.append(self.value_note(origin))
        stored = stored_read(entry)
        if stored and self.flash(load.phone).holds(stored, load.n):
            line.below.append((load.n, FLASH, stored))

    def origin(self, load: Entry, key: str) -> Origin:
        """Where the value of a setting came from when settings were loaded."""
        if isinstance(load.event, SettingsLoaded) and not load.event.values:
            return Origin(key, default(key), "")
        return origin_at_load(self.flash(load.phone), load.n, key)

    def value_note(self, origin: Origin) -> str:
        """``SIPPNP_ENABLE is "Y" (factory default)``."""
        value = quoted(origin.key, origin.value, self.secrets)
        return f"{origin.key} is {value} ({'from the flash, see above' if origin.subject else 'factory default'})"

    # --- What was read from the flash -------------------------------------------------------------------------------

    def weigh_flash(self, load: Entry, subject: str, line: Line) -> None:
        """Of settings that were loaded: the one that is meant, and who wrote it; of "", the last transaction."""
        if subject.startswith(ABSENT):
            line.notes.append(f"{subject.removeprefix(ABSENT)} was not among them")
            return
        self.subjects.add((load.n, subject))
        writer = self.flash(load.phone).writer(subject, load.n)
        if subject:
            line.notes.append(f"{self.subject_text(subject, load)} was among them{self.saved_note(writer)}")
        line.below += [(n, FLASH, "") for n in writer.first]

    def stored_line(self, load: Entry, depth: int, subject: str) -> Iterator[Node]:
        """That something was in the flash when it was read, and who wrote it there; said once."""
        if (load.n, subject) in self.subjects:
            return
        self.subjects.add((load.n, subject))
        writer = self.flash(load.phone).writer(subject, load.n)
        what = f"{self.subject_text(subject, load)} was in the flash when the phone read its settings"
        yield Node(load, FLASH, depth, what + self.saved_note(writer))
        if depth < self.depth:
            for n in writer.first:
                if n not in self.told:
                    yield from self.branch(n, FLASH, depth + 1)

    def saved_note(self, writer: Writer) -> str:
        """When what was decided was written down, if both are known."""
        saved = self.reader.get(writer.saved) if writer.decided else None
        return "" if saved is None else f"; it was saved there at {seconds(saved.time)} ({saved.n})"

    def subject_text(self, subject: str, load: Entry) -> str:
        """``SYSLOG_SEVERITY = "6" (provisioned)``, ``the saved product file``, ``the last good URL, ...``."""
        if subject.startswith(FILE):
            return f"the saved {subject.removeprefix(FILE)} file"
        value = self.flash(load.phone).value(subject, load.n) or ""
        if subject == LAST_URL:
            return f"the last good URL, {url(value, self.secrets)},"
        key, layer = subject[2:], "user" if subject.startswith("u/") else "provisioned"
        return f"{key} = {quoted(key, value, self.secrets)} ({layer})"


def gap_sentence(gap: Gap) -> str:
    """What is left out."""
    what = "1 event" if gap.events == 1 else f"{gap.events:,} events"
    many = "1 provisioning run" if gap.runs == 1 else f"{gap.runs:,} provisioning runs"
    runs = f", with {many} among them" if gap.runs else ""
    same = "that only repeat this" if gap.all_same else "most of which repeat this"
    return f"before that {what} {same}{runs}, back to {seconds(gap.first.time)} ({gap.first.n})"
