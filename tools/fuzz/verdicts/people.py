"""People at the pages and the menu: what they may see and change (PROV-144, PROV-160 to PROV-174, PROV-270 to 276)."""

from __future__ import annotations

from emulator.events import (
    AccessRefused,
    Entry,
    ExportRequested,
    FactoryResetAccepted,
    FactoryResetRequested,
    ImportOffered,
    PageOpened,
    PageShown,
    PageSubmitted,
    SettingChanged,
    SettingEntered,
    SettingRefused,
    SettingsExported,
)
from emulator.phone.catalogue import catalogue
from tools.fuzz.verdicts.documents import Document, read
from tools.fuzz.verdicts.marks import on
from tools.fuzz.verdicts.watching import Verdict

BY_HAND = ("web", "phone")
ACCOUNTS = {"A": "ADMIN_PASS", "U": "USER_PASS"}
PROTECTED = "PROTECT_SETTING_BY_PSW_ENABLE"


class UserLayer(Verdict):
    """What somebody types counts if it is allowed and not read-only, and then as the user's (PROV-160, PROV-181)."""

    name = "user-layer"

    def begin(self) -> None:
        """Nobody has typed anything."""
        self.typed: SettingEntered | PageSubmitted | None = None
        self.imported: Document | None = None

    @on(SettingEntered, PageSubmitted)
    def entered(self, entry: Entry, event: SettingEntered | PageSubmitted) -> None:
        """A value, and whether it may be taken."""
        self.typed, self.imported, self.entry = event, None, entry
        self.was, self.why = self.facts.user.get(event.key), self.unfit(event)
        self.facts.afterward(self.judge)

    @on(ImportOffered)
    def offered(self, entry: Entry, event: ImportOffered) -> None:
        """A file of values."""
        self.typed, self.imported = None, read(bytes(event.body))

    def unfit(self, event: SettingEntered | PageSubmitted) -> tuple[str, str] | None:
        """(rule, why) for a value that must not be taken."""
        tag, _, line = event.key.partition("/")
        parameter = catalogue().by_tag.get(tag)
        if parameter is None or parameter.per_line != bool(line):
            return "PROV-144", "there is no such parameter"
        if self.read_only(event.key):
            return "PROV-160, PROV-161, PROV-165", "provisioning made it read-only"
        if event.value is not None and parameter.check(event.value) is not None:
            return "PROV-144", "its value is not allowed"
        return None

    def read_only(self, key: str) -> bool:
        """PROV-160, PROV-166."""
        held = self.facts.provisioned.get(key)
        return held is not None and held.perm.removeprefix("!") == "R"

    def judge(self) -> None:
        """What became of it."""
        event = self.typed
        if event is None:
            return
        made = [
            each.event
            for each in self.facts.settled.entries
            if isinstance(each.event, SettingChanged) and each.event.origin in BY_HAND and each.event.key == event.key
        ]
        refused = any(isinstance(each.event, SettingRefused | AccessRefused) for each in self.facts.settled.entries)
        if made and self.why is not None:
            rule, why = self.why
            self.fault(rule, f"a value typed for {event.key} was taken, and {why}", self.entry, why)
        elif not made and not refused:
            self.fault("PROV-181, PROV-183", f"a value typed for {event.key} had no effect", self.entry, "no effect")
        elif refused and self.why is None and isinstance(event, SettingEntered):
            self.fault("PROV-160", f"a value typed for {event.key} may be changed, and was refused", self.entry, "kept")

    @on(SettingChanged)
    def changed(self, entry: Entry, event: SettingChanged) -> None:
        """What is typed or imported is of the user's layer (PROV-276), and an import changes no read-only value."""
        if event.origin in BY_HAND and event.layer != "user":
            self.fault(
                "PROV-274, PROV-276", f"what somebody brought for {event.key} counts as provisioned", entry, "layer"
            )
        if self.imported is not None and event.origin in BY_HAND:
            if self.read_only(event.key):
                self.fault("PROV-160, PROV-161", f"an import changed {event.key}, which is read-only", entry, "import")
            if self.imported.broken:
                self.fault("PROV-145", "an invalid file was imported", entry, "import")


class Access(Verdict):
    """Nobody gets in with another password, or at what is not for his level (PROV-170 to PROV-172, PROV-270, 271)."""

    name = "access"

    def begin(self) -> None:
        """Nobody is there."""
        self.open, self.via = True, "web"

    @on(PageOpened, PageSubmitted, ExportRequested, ImportOffered, FactoryResetRequested)
    def came(
        self,
        entry: Entry,
        event: PageOpened | PageSubmitted | ExportRequested | ImportOffered | FactoryResetRequested,
    ) -> None:
        """Somebody, with a password or without."""
        facts, via = self.facts, getattr(event, "via", "web")
        if via == "phone":
            self.open = not facts.enabled(PROTECTED) or event.password == facts.value("ADMIN_PASS")
        else:
            self.open = event.password is None or event.password == facts.value(ACCOUNTS.get(event.level, ""))
        self.via = via

    @on(PageShown, SettingsExported, FactoryResetAccepted)
    def let_in(self, entry: Entry, event: PageShown | SettingsExported | FactoryResetAccepted) -> None:
        """What he gets."""
        if not self.open:
            rule = "PROV-271" if self.via == "phone" else "PROV-170, PROV-274"
            self.fault(rule, "somebody with a wrong password was let in", entry, "password")
        hidden = self.via == "phone" and self.facts.enabled("HIDE_RESET_OPTION_IN_SETTINGS")
        if hidden and isinstance(event, FactoryResetAccepted):
            self.fault("PROV-270", "the reset entry is hidden, and a reset was accepted", entry, "hidden")

    @on(SettingChanged)
    def changed(self, entry: Entry, event: SettingChanged) -> None:
        """What he changes."""
        first = type(self.facts.settled.entries[0].event)
        if event.origin in BY_HAND and first in (PageSubmitted, ImportOffered) and not self.open:
            rule = "PROV-271" if self.via == "phone" else "PROV-170, PROV-274"
            self.fault(rule, f"somebody with a wrong password changed {event.key}", entry, "change")

    @on(PageShown)
    def page(self, entry: Entry, event: PageShown) -> None:
        """Only what is for the level, read-only where it is (PROV-161, PROV-171)."""
        facts = self.facts
        for key, _, editable in event.entries:
            held = facts.provisioned.get(key)
            parameter = catalogue().by_tag.get(key.partition("/")[0])
            level = (held.access if held is not None else "") or (parameter.access if parameter is not None else "")
            if event.level not in (level or "A"):
                self.fault("PROV-171, PROV-174", f"a page shows {key} to a level that may not see it", entry, "level")
            read_only = held is not None and held.perm.removeprefix("!") == "R"
            if editable == read_only:
                shown = "editable" if editable else "read-only"
                self.fault("PROV-161", f"a page shows {key} as {shown}", entry, f"lock {shown}")
