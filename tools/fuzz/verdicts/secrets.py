"""No password and no key in what the phone says of itself: syslog, local log, display, pages and exports
(PROV-171, PROV-213, PROV-275, PROV-296)."""

from __future__ import annotations

from emulator.events import (
    AttemptStarted,
    DatagramSent,
    DisplayShown,
    Entry,
    PageShown,
    PageSubmitted,
    SettingChanged,
    SettingEntered,
    SettingsExported,
    SettingsLoaded,
    SourceTried,
    StepEntered,
)
from emulator.events.masking import hide_passwords, is_secret
from emulator.phone.catalogue import catalogue
from flash_image import read_log
from tools.fuzz.verdicts.addresses import login
from tools.fuzz.verdicts.documents import read
from tools.fuzz.verdicts.marks import on
from tools.fuzz.verdicts.watching import Verdict

SHORTEST = 6
"""A shorter secret stands in too many texts by chance."""
SYSLOG = 514
KEY = "CFG_FILE_KEY"


class NoSecrets(Verdict):
    """Secrets that the phone was given are in nothing that it says."""

    name = "no-secret"

    def begin(self) -> None:
        """It knows none."""
        self.secrets: dict[str, str] = {}
        self.public: set[str] = set()

    @on(SettingsLoaded)
    def loaded(self, entry: Entry, event: SettingsLoaded) -> None:
        """Those in flash."""
        for key, held in self.facts.provisioned.items():
            self.learn(key, held.value)
        for key, value in self.facts.user.items():
            self.learn(key, value)

    @on(SettingChanged, SettingEntered, PageSubmitted)
    def changed(self, entry: Entry, event: SettingChanged | SettingEntered | PageSubmitted) -> None:
        """A new one."""
        if event.value:
            self.learn(event.key, event.value)

    @on(SourceTried, StepEntered, AttemptStarted)
    def source(self, entry: Entry, event: SourceTried | StepEntered | AttemptStarted) -> None:
        """A URL may hold a password (PROV-041)."""
        if event.url:
            self.learn("URL", event.url)

    def learn(self, key: str, value: str) -> None:
        """A value: a secret, a URL with one in it, or something that anybody may see."""
        if is_secret(key):
            if len(value) >= SHORTEST:
                self.secrets[value] = key
            return
        if "@" in value and "://" in value:
            _, password = login(value)
            if len(password) >= SHORTEST:
                self.secrets[password] = "URL"
            value = hide_passwords(value)
        self.public.add(value)

    @on(DatagramSent)
    def sent(self, entry: Entry, event: DatagramSent) -> None:
        """A line to the syslog server."""
        if event.source_port == SYSLOG:
            self.judge(event.payload.decode("utf-8", "replace"), "a line to the syslog server", entry)

    @on(DisplayShown)
    def shown(self, entry: Entry, event: DisplayShown) -> None:
        """A text on the display."""
        if event.line:
            self.judge(event.line, "the display", entry)

    @on(PageShown)
    def page(self, entry: Entry, event: PageShown) -> None:
        """A page has stars in place of a password (PROV-171)."""
        for key, value, _ in event.entries:
            if is_secret(key) and value.strip("*") and value == self.facts.value(key):
                self.fault("PROV-171", f"a page shows the value of {key}", entry, "page")

    @on(SettingsExported)
    def exported(self, entry: Entry, event: SettingsExported) -> None:
        """No key in it at all, and passwords for an administrator only, or where the file that gave them says so."""
        document = read(bytes(event.body))
        if document is None or document.broken:
            return
        for key in document.entries:
            if key == KEY:
                self.fault("PROV-213, PROV-275", "an export holds the key of encrypted files", entry, "key")
            elif event.level != "A" and not self.for_users(key):
                rule = "PROV-170, PROV-173, PROV-275" if is_secret(key) else "PROV-170, PROV-174"
                self.fault(rule, f"an export for a user holds {key}", entry, "for a user")

    def for_users(self, key: str) -> bool:
        """Whether a user may have the value (PROV-170, PROV-174, PROV-275)."""
        held = self.facts.provisioned.get(key)
        access = held.access if held is not None else ""
        if is_secret(key):
            return "U" in access
        parameter = catalogue().by_tag.get(key.partition("/")[0])
        return "U" in (access or (parameter.access if parameter is not None else "") or "A")

    def judge(self, text: str, where: str, entry: Entry | None) -> None:
        """Whether a secret stands in a text, and not only because it is an ordinary word."""
        for secret, key in self.secrets.items():
            if secret in text and not any(secret in each for each in (*self.public, *self.ordinary())):
                rule = "PROV-213" if key == KEY else "PROV-296"
                self.fault(rule, f"the value of {key} stands in {where}", entry, f"{where} {key.partition('/')[0]}")

    def ordinary(self) -> tuple[str, ...]:
        """Words that stand in texts for another reason."""
        facts = self.facts
        return facts.model, facts.mac, facts.mac.lower(), facts.version, "provisioning configuration download standard"

    def finish(self) -> None:
        """The phone's own log, in flash and in memory."""
        phone = self.facts.phone
        if not self.secrets:
            return
        lines = [line.text for line in phone.locallog.lines] + [line.text for line in read_log(phone.flash.chip).lines]
        self.judge("\n".join(lines), "the phone's own log", None)
