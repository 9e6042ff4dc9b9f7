"""What is in the flash: all that was saved, and only that, also after a restart and a power cut (PROV-001, PROV-193,
PROV-272, PROV-273). The chip is read by its format, not by the phone."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

from emulator.events import (
    CertificateRead,
    ConfigurationRead,
    ConfigurationSaved,
    Entry,
    FactoryResetDone,
    FileRefused,
    FlashFailed,
    FlashFitted,
    FlashFlipped,
    FlashTorn,
    RunEnded,
    RunStarted,
    SaveFailed,
    SectorsWorn,
    SettingChanged,
    SettingsLoaded,
)
from emulator.phone.storage import FILES
from flash_image import mount
from tools.fuzz.verdicts.documents import LIMIT
from tools.fuzz.verdicts.marks import on
from tools.fuzz.verdicts.merging import DOWNLOAD, body_of, plain_texts, saved_bodies
from tools.fuzz.verdicts.watching import Verdict


def digests(bodies: Mapping[str, bytes | None]) -> dict[str, str]:
    """Saved file to its digest; "" for one that is damaged."""
    return {name: "" if body is None else sha256(body).hexdigest() for name, body in bodies.items()}


class Stored(Verdict):
    """The journal holds what was saved; a restart finds the old configuration or the new one, whole."""

    name = "stored"

    def begin(self) -> None:
        """Nothing is known of the chip."""
        self.kept: dict[str, bytes] | None = None
        self.files: dict[str, str] = {}
        self.changes: dict[str, bytes | None] = {}
        self.fetched: dict[str, str] = {}
        self.loose: set[str] = set()
        self.hurt = self.torn = False

    @on(FlashFitted)
    def fitted(self, entry: Entry, event: FlashFitted) -> None:
        """A chip, whatever is on it."""
        self.begin()

    @on(FlashFlipped, SectorsWorn, FlashFailed)
    def damaged(self, entry: Entry, event: FlashFlipped | SectorsWorn | FlashFailed) -> None:
        """From now on the chip may lose what it held."""
        self.hurt = True

    @on(FlashTorn)
    def cut(self, entry: Entry, event: FlashTorn) -> None:
        """What was being saved is there or not."""
        self.torn = True

    @on(RunStarted)
    def started(self, entry: Entry, event: RunStarted) -> None:
        """Files of this run."""
        self.fetched = {}

    @on(ConfigurationRead)
    def read(self, entry: Entry, event: ConfigurationRead) -> None:
        """A file that may be saved."""
        if event.origin == DOWNLOAD and event.file in FILES:
            bodies = self.facts.bodies
            texts = plain_texts(self.facts, bodies.file, bodies.url, bodies.body)
            found = [text for text in texts if sha256(text).hexdigest() == event.digest]
            self.fetched[event.file] = event.digest if found or bodies.doubtful else ""

    @on(CertificateRead)
    def certificate(self, entry: Entry, event: CertificateRead) -> None:
        """A certificate that may be saved as it came."""
        self.fetched[event.file] = sha256(self.facts.bodies.body).hexdigest()

    @on(SettingChanged)
    def changed(self, entry: Entry, event: SettingChanged) -> None:
        """A value that will be saved."""
        if event.layer == "provisioned":
            data = f"{event.perm}\0{event.access}\0{event.value or ''}".encode()
            self.changes[f"p/{event.key}"] = data
        else:
            self.changes[f"u/{event.key}"] = None if event.value is None else event.value.encode()

    @on(SaveFailed)
    def not_saved(self, entry: Entry, event: SaveFailed) -> None:
        """The old ones stay; what is in force and what is stored have parted."""
        self.loose.update(self.changes)
        self.changes = {}

    @on(ConfigurationSaved)
    def saved(self, entry: Entry, event: ConfigurationSaved) -> None:
        """It says so; the chip is read when the phone has settled."""
        if event.url:
            self.changes["m/url"] = event.url.encode()
        self.event, self.entry = event, entry
        unread = [file for file in event.files if file not in self.fetched]
        if unread:
            text = f"the {unread[0]} file was saved, and was not read without error in this run"
            self.fault("PROV-193", text, entry, "unread")
        self.facts.afterward(self.judge)

    def judge(self) -> None:
        """Every key, every file."""
        mounted = mount(self.facts.phone.flash.chip)
        wanted = dict(self.kept) if self.kept is not None else dict(self.facts.loaded)
        for key, data in self.changes.items():
            if data is None:
                wanted.pop(key, None)
            else:
                wanted[key] = data
        self.changes = {}
        held = dict(mounted.values)
        if not self.hurt and held != wanted:
            self.differing(held, wanted)
        self.kept = held
        bodies = saved_bodies(self.facts.phone.flash.chip, mounted)
        for file in self.event.files:
            self.file(file, bodies.get(file) or b"")
        self.files = digests(bodies)

    def differing(self, held: dict[str, bytes], wanted: dict[str, bytes]) -> None:
        """Which keys."""
        for key in sorted({*held, *wanted} - self.loose):
            if held.get(key) == wanted.get(key):
                continue
            what = "is gone" if key not in held else "is there" if key not in wanted else "has another value"
            text = f"after a save, {key} {what} in the flash"
            self.fault("PROV-186, PROV-273" if what == "is gone" else "PROV-273", text, self.entry, what)
            return

    def file(self, name: str, body: bytes) -> None:
        """The body, whole and within the limit."""
        if len(body) > LIMIT and name in FILES:
            text = f"the {name} file was saved with {len(body):,} bytes"
            self.fault("PROV-148", text, self.entry, "over the limit")
        elif not self.hurt and self.fetched.get(name) and sha256(body).hexdigest() != self.fetched[name]:
            text = f"the saved {name} file is not the one that was fetched"
            self.fault("PROV-193", text, self.entry, "another body")

    @on(FactoryResetDone)
    def reset(self, entry: Entry, event: FactoryResetDone) -> None:
        """Nothing is stored any more."""
        self.entry = entry
        self.facts.afterward(self.emptied)

    def emptied(self) -> None:
        """It is so."""
        mounted = mount(self.facts.phone.flash.chip)
        if (mounted.values or mounted.files) and not self.hurt:
            text = f"after a factory reset {len(mounted.values)} values and {len(mounted.files)} files are left"
            self.fault("PROV-272", text, self.entry, "left")
        self.kept, self.changes = dict(mounted.values), {}
        self.files = digests(saved_bodies(self.facts.phone.flash.chip, mounted))

    @on(SettingsLoaded)
    def loaded(self, entry: Entry, event: SettingsLoaded) -> None:
        """After a restart."""
        found, kept = self.facts.loaded, self.kept
        chip = self.facts.phone.flash.chip
        bodies = digests(saved_bodies(chip, mount(chip)))
        if kept is not None and not self.hurt:
            self.whole(entry, found, kept)
            self.files_whole(entry, bodies)
        self.files = bodies
        wanted = len(self.facts.provisioned) + len(self.facts.user)
        if event.values != wanted and not self.hurt:
            text = f"the flash holds {wanted} values, and the phone loaded {event.values}"
            self.fault("PROV-001, PROV-273", text, entry, "count")
        self.kept, self.changes, self.loose, self.torn = dict(found), {}, set(), False
        self.entry = entry
        self.facts.afterward(self.in_force)

    def in_force(self) -> None:
        """What was loaded is what the phone goes by."""
        facts, settings = self.facts, self.facts.phone.settings
        wrong = [key for key in {*facts.provisioned, *facts.user} if settings.value(key) != facts.value(key)]
        if wrong and facts.on and not self.hurt:
            text = f"after a restart {min(wrong)} and {len(wrong) - 1} others have not the value that the flash holds"
            self.fault("PROV-001, PROV-181, PROV-273", text, self.entry, "in force")

    def whole(self, entry: Entry, found: dict[str, bytes], kept: dict[str, bytes]) -> None:
        """The old configuration; after a cut, instead the new one, but no mixture."""
        if found == kept or (self.torn and self.new(found)):
            return
        old = {key for key in {*found, *kept} if found.get(key) == kept.get(key)}
        text = f"after a restart {len({*found, *kept}) - len(old)} settings differ from those saved"
        self.fault("PROV-001, PROV-273", text, entry, "mixture" if self.torn else "lost")

    def files_whole(self, entry: Entry, found: dict[str, str]) -> None:
        """Each saved file is the old one or, after a cut, the one that was being saved."""
        for name, digest in found.items():
            if digest != self.files.get(name) and not (self.torn and digest and digest == self.fetched.get(name)):
                what = "is another one" if digest else "is damaged"
                self.fault("PROV-193, PROV-273", f"after a restart the saved {name} file {what}", entry, what)
        gone = self.files.keys() - found.keys()
        if gone and not (self.torn and not self.facts.loaded):
            self.fault("PROV-193, PROV-273", f"after a restart the saved {min(gone)} file is gone", entry, "gone")

    def new(self, found: dict[str, bytes]) -> bool:
        """Whether what was being saved when the power went is there, whole; its last URL may be part of it."""
        if not found:
            return True  # a factory reset was under way
        wanted = {**(self.kept or {}), **self.changes}
        wanted = {key: data for key, data in wanted.items() if data is not None}
        aside = {"m/url", *self.loose}
        return {k: v for k, v in found.items() if k not in aside} == {k: v for k, v in wanted.items() if k not in aside}


class SavedFilesUsed(Verdict):
    """When files fail, their saved copies stand in, and if all fail, the saved configuration (PROV-009, 191, 192)."""

    name = "saved-files"
    hurt = False

    def begin(self) -> None:
        """No run."""
        self.read: dict[str, str] = {}
        self.tried: set[str] = set()
        self.device: tuple[str, ...] = ()

    @on(FlashFlipped, SectorsWorn, FlashFailed)
    def damaged(self, entry: Entry, event: FlashFlipped | SectorsWorn | FlashFailed) -> None:
        """From now on a file may be there and not there."""
        self.hurt = True

    @on(RunStarted)
    def started(self, entry: Entry, event: RunStarted) -> None:
        """A run begins."""
        self.begin()

    @on(ConfigurationRead)
    def got(self, entry: Entry, event: ConfigurationRead) -> None:
        """A file that counts."""
        self.read[event.file] = event.origin
        if event.file == "initial":
            self.device = tuple(file for file, _ in event.needed if file in FILES)

    @on(FileRefused)
    def refused(self, entry: Entry, event: FileRefused) -> None:
        """A saved copy that is of no use was at least looked for."""
        if event.origin != DOWNLOAD:
            self.tried.add(event.file)

    @on(RunEnded)
    def ended(self, entry: Entry, event: RunEnded) -> None:
        """What is on the chip should have been used."""
        if self.hurt or event.outcome not in ("failed", "partly"):
            return
        chip = self.facts.phone.flash.chip
        refs = mount(chip).files.items()
        intact = [file for file, ref in refs if file in FILES and body_of(chip, ref) is not None]
        if event.outcome == "failed":
            if intact and not self.tried.issuperset(intact):
                text = f"a run failed although the saved {intact[0]} file is there"
                self.fault("PROV-009, PROV-191", text, entry, "not used")
            return
        missing = [file for file in self.device if file not in self.read and file in intact]
        if missing and not self.tried.issuperset(missing) and self.facts.option("fallback", "2015-01") == "2015-01":
            text = f"the {missing[0]} file failed, and its saved copy does not stand in"
            self.fault("PROV-192", text, entry, "no stand-in")
