"""From what a phone read in its flash to the event which wrote that: the last writer of the record that was read."""

from __future__ import annotations

from attrs import Factory, define

from emulator.events import SettingsLoaded
from flash_image import Mounted, mount
from flash_image.records import DELTA
from tools.why.chip import History, history
from tools.why.facts import Writer, decision, fact
from tools.why.journal import Placed, last_record, newest_record
from tools.why.reader import Reader
from tools.why.subjects import FILE


@define
class Flash:
    """The flash of one phone, for questions about what was read from it. address: of a byte that is asked about, see
    :func:`~tools.why.chip.history`, which is made when it is first needed."""

    reader: Reader
    phone: int
    upto: int
    address: int | None = None
    made: History | None = None
    mounts: dict[int, Mounted] = Factory(dict)

    @property
    def history(self) -> History:
        """What became of the chip."""
        if self.made is None:
            self.made = history(self.reader, self.phone, self.upto, self.address)
        return self.made

    def mounted(self, n: int) -> Mounted:
        """The journal as it was just after event ``n``."""
        if n not in self.mounts:
            self.mounts[n] = mount(self.history.at(n))
        return self.mounts[n]

    def value(self, subject: str, n: int) -> str | None:
        """What the journal held of a setting or the last good URL just after event ``n``; None if nothing."""
        entry = self.reader.get(n)
        if entry is not None and isinstance(entry.event, SettingsLoaded) and not entry.event.values:
            return None
        data = self.mounted(n).values.get(subject)
        if data is None:
            return None
        text = data.decode("utf-8", "replace")
        return text.split("\0", 2)[2] if subject.startswith("p/") and text.count("\0") > 1 else text

    def holds(self, subject: str, n: int) -> bool:
        """Whether a subject was stored just after event ``n``; of "", whether anything was."""
        mounted = self.mounted(n)
        if not subject:
            return bool(mounted.values or mounted.files)
        if subject.startswith(FILE):
            return subject.removeprefix(FILE) in mounted.files
        return subject in mounted.values

    def writer(self, subject: str, n: int) -> Writer:
        """Who put into the flash what was read of ``subject`` in event ``n``; of "", the last transaction.

        A record that only copies what an older one says is followed to that one.
        """
        while True:
            placed = self._record(subject, n)
            if placed is None:
                return Writer()
            wrote = self.history.writer(placed.last, n)
            operation = self.reader.get(wrote)
            if operation is None or operation.cause is None or not 0 < operation.cause < wrote:
                return Writer(0, wrote)
            if placed.record.kind == DELTA or not subject or self._changed(subject, operation.cause, n):
                decided, saved = decision(self.reader, operation, subject), fact(self.reader, operation)
                return Writer(next(iter(decided), 0), next(iter(saved), wrote))
            n = operation.cause

    def _changed(self, subject: str, before: int, after: int) -> bool:
        """Whether the journal holds something else of a subject after one event than after another."""
        old, new = self.mounted(before), self.mounted(after)
        if subject.startswith(FILE):
            name = subject.removeprefix(FILE)
            return old.files.get(name) != new.files.get(name)
        return old.values.get(subject) != new.values.get(subject)

    def _record(self, subject: str, n: int) -> Placed | None:
        chip, mounted = self.history.at(n), self.mounted(n)
        if not subject:
            return newest_record(chip, mounted)
        return last_record(chip, mounted, subject.removeprefix(FILE), subject.startswith(FILE))
