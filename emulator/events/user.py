"""People at the web pages and the phone's menu: pages, export and import of settings, factory reset.

In an input, ``via`` is ``web`` or ``phone``, ``level`` is the account, ``A`` (administrator) or ``U`` (user), and
``password`` is what was typed to get there: None for somebody who has logged in before.
"""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen

from emulator.events.base import Event, Payload, Role
from emulator.events.masking import masked

ACCOUNTS = {"A": "administrator", "U": "user"}
"""The levels of PROV-170, as people call them."""


def account(level: str) -> str:
    """The name of a level; a level that does not exist stands for itself."""
    return ACCOUNTS.get(level, level)


@frozen
class PageOpened(Event):
    """Somebody opens a page: a group without ``Device/``, ``System/Prov``, of a line ``Lines/Line/Sip/1``."""

    role: ClassVar[Role] = Role.INPUT
    via: str
    level: str
    password: str | None
    page: str

    def _line(self) -> str:
        return f"{account(self.level)} opens page {self.page} ({self.via})"


@frozen
class PageSubmitted(Event):
    """Somebody of a level types a value; :class:`SettingEntered` is the same without a level and without a login.

    key: ``TAG`` or ``TAG/line``; value: None takes the user's value back.
    """

    role: ClassVar[Role] = Role.INPUT
    via: str
    level: str
    password: str | None
    key: str
    value: str | None

    def _line(self) -> str:
        value = "nothing (removed)" if self.value is None else masked(self.key, self.value)
        return f"{self.via} programming by {account(self.level)}: {self.key} = {value}"


@frozen
class ExportRequested(Event):
    """Somebody asks the web page for the settings as a file (PROV-274)."""

    role: ClassVar[Role] = Role.INPUT
    level: str
    password: str | None

    def _line(self) -> str:
        return f"{account(self.level)} asks for an export of the settings"


@frozen
class ImportOffered(Event):
    """Somebody hands the web page a file of settings (PROV-274). body: at most one byte more than a file may have."""

    role: ClassVar[Role] = Role.INPUT
    level: str
    password: str | None
    body: Payload

    def _line(self) -> str:
        return f"{account(self.level)} offers settings to import, {len(self.body):,} bytes"


@frozen
class FactoryResetRequested(Event):
    """Somebody asks for the factory settings, by the entry of the phone's menu or by the web page (PROV-270, O-19)."""

    role: ClassVar[Role] = Role.INPUT
    via: str
    level: str
    password: str | None

    def _line(self) -> str:
        return f"{account(self.level)} asks for a factory reset ({self.via})"


@frozen
class AccessRefused(Event):
    """The phone does not let somebody do something.

    what: ``page``, ``value``, ``export``, ``import``, ``factory-reset``; reason: ``unknown-level``, ``no-password``
    (a protected menu), ``wrong-password``, ``unknown-page``, ``not-for-this-level``, ``hidden``.
    """

    what: str
    via: str
    level: str
    reason: str

    def _line(self) -> str:
        return f"{self.what} refused to {account(self.level)} ({self.via}): {self.reason}"


@frozen
class PageShown(Event):
    """What a page shows, as (key, value, editable); in place of a password that is set it has ``***`` (PROV-171)."""

    via: str
    level: str
    page: str
    entries: tuple[tuple[str, str, bool], ...]

    def _line(self) -> str:
        locked = sum(not editable for _, _, editable in self.entries)
        read_only = f", {locked} read-only" if locked else ""
        return f"page {self.page} shows {len(self.entries)} parameters{read_only} ({self.via}, {account(self.level)})"


@frozen
class SettingsExported(Event):
    """The settings as a configuration file (PROV-275). values: how many; body: the file, which may hold passwords."""

    level: str
    values: int
    body: Payload

    def _line(self) -> str:
        return f"settings exported for {account(self.level)}: {self.values} values, {len(self.body):,} bytes"


@frozen
class ImportEnded(Event):
    """An import is over. applied: values taken; skipped: what was not taken, each told above as far as there is room.

    reason: "" or, for a file that was refused as a whole, why: the code of a file or of a full flash.
    """

    level: str
    applied: int
    skipped: int
    reason: str

    def _line(self) -> str:
        if self.reason:
            return f"import refused: {self.reason}"
        return f"settings imported: {self.applied} applied, {self.skipped} skipped"


@frozen
class FactoryResetAccepted(Event):
    """The phone will clear what it has stored, as soon as no call is on. via: who asked."""

    via: str

    def _line(self) -> str:
        return f"factory reset accepted ({self.via})"


@frozen
class FactoryResetDone(Event):
    """Nothing stored is left but the factory data and the firmware (PROV-272).

    transaction: the one that made it so; values, files: what was cleared.
    """

    transaction: int
    values: int
    files: tuple[str, ...]

    def _line(self) -> str:
        files = f", files: {', '.join(self.files)}" if self.files else ""
        return f"factory reset: transaction {self.transaction}, {self.values} values cleared{files}"
