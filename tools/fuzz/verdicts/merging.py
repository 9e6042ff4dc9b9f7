"""Files and what they change: which file may count at all, and which value wins (spec sections 9 to 13 and 22)."""

from __future__ import annotations

from hashlib import sha256

from emulator.events import (
    ConfigurationRead,
    DownloadEnded,
    Entry,
    FileRefused,
    RunEnded,
    RunStarted,
    SettingChanged,
    StepEntered,
)
from emulator.phone.catalogue import catalogue
from emulator.phone.storage import FILES
from flash_image import Chip, FileDamaged, FileRef, Mounted, mount, read_file
from tools.fuzz.verdicts.deciphering import looks_encrypted, opened
from tools.fuzz.verdicts.documents import LIMIT, Document, Said, read
from tools.fuzz.verdicts.facts import Facts, Held
from tools.fuzz.verdicts.marks import on
from tools.fuzz.verdicts.watching import Verdict

DOWNLOAD, SAVED = "download", "saved copy"


def plain_texts(facts: Facts, file: str, url: str, body: bytes) -> tuple[bytes, ...]:
    """What a body can be in plain: itself, or each text that the key gives (PROV-209, PROV-211, O-12)."""
    if file == "initial" or not looks_encrypted(url, body):
        return (body,)
    return opened(body, facts.value("CFG_FILE_KEY"), facts.value("CFG_FILE_KEY_LENGTH"))


def saved_bodies(chip: Chip, mounted: Mounted) -> dict[str, bytes | None]:
    """Saved files as the chip holds them; None for one that is damaged (PROV-193)."""
    return {name: body_of(chip, ref) for name, ref in mounted.files.items()}


def saved_body(facts: Facts, file: str) -> bytes | None:
    """A saved file; None if it is not there or damaged."""
    chip = facts.phone.flash.chip
    ref = mount(chip).files.get(file)
    return None if ref is None else body_of(chip, ref)


def body_of(chip: Chip, ref: FileRef) -> bytes | None:
    """What is at a place of the chip, None if it is damaged."""
    try:
        return read_file(chip, ref)
    except FileDamaged:
        return None


class FilesJudged(Verdict):
    """A file counts if, and only if, it arrived whole and can be read (PROV-145, PROV-148, PROV-149, PROV-193)."""

    name = "no-rejected-file"

    @on(ConfigurationRead)
    def taken(self, entry: Entry, event: ConfigurationRead) -> None:
        """It must be one that may be used."""
        if event.origin != DOWNLOAD:
            if event.file in FILES and sha256(saved_body(self.facts, event.file) or b"").hexdigest() != event.digest:
                self.fault("PROV-193", f"the saved {event.file} file is damaged, and was used", entry, "damaged")
            return
        bodies = self.facts.bodies
        if bodies.doubtful:
            return
        found = [read(text) for text in plain_texts(self.facts, bodies.file, bodies.url, bodies.body)]
        if None in found:
            return
        if not found:
            text = f"the {event.file} file cannot be decrypted, and was used all the same"
            self.fault("PROV-213", text, entry, "cipher")
        broken = [each.broken for each in found if each is not None]
        if found and all(broken):
            text = f"the {event.file} file of {len(bodies.body):,} bytes is invalid as a whole, and was used"
            self.fault(broken[0], text, entry, "used")
        self.as_named(entry, event, [each for each in found if each is not None and not each.broken])

    def as_named(self, entry: Entry, event: ConfigurationRead, found: list[Document]) -> None:
        """A file with ``Device`` only, where the initial file is looked for, is a standard file."""
        if self.facts.bodies.file == "initial" and found:
            standard = found[0].device and not found[0].initial
            if standard != (event.file == "standard"):
                self.fault("PROV-150", f"a file at the provisioning URL was read as {event.file} file", entry, "kind")

    @on(FileRefused)
    def refused(self, entry: Entry, event: FileRefused) -> None:
        """It must be one that may not be used."""
        bodies = self.facts.bodies
        if event.origin != DOWNLOAD or bodies.doubtful or event.file.startswith("root"):
            return
        found = [read(text) for text in plain_texts(self.facts, bodies.file, bodies.url, bodies.body)]
        if found and all(each is not None and not each.broken for each in found):
            rule = refusal_rule(event.reason, bodies.body)
            text = f"a valid {event.file} file of {len(bodies.body):,} bytes was refused: {event.reason}"
            self.fault(rule, text, entry, f"refused {event.reason}")

    @on(DownloadEnded)
    def ended(self, entry: Entry, event: DownloadEnded) -> None:
        """What is over the limit is cut off, and nothing else."""
        bodies = self.facts.bodies
        if event.reason == "" and not event.location and bodies.end not in ("", "complete"):
            text = f"the {event.file} file did not arrive whole ({bodies.end}), and counted"
            self.fault("PROV-145, PROV-191", text, entry, "not whole")
        within = bodies.end == "complete" and not bodies.doubtful and len(bodies.body) <= LIMIT
        if event.reason == "too-large" and within and event.file in (*FILES, "initial"):
            text = f"a {event.file} file of {len(bodies.body):,} bytes was refused for its size"
            self.fault("PROV-148", text, entry, "within")


def refusal_rule(reason: str, body: bytes) -> str:
    """The rule that a refusal for this reason goes by."""
    if reason in ("too-large", "decrypt-too-large"):
        return "PROV-148"
    if reason.startswith("decrypt-"):
        return "PROV-203, PROV-206, PROV-207" if body.startswith(b"U2Fsd") else "PROV-209, PROV-211"
    return {"doctype": "PROV-149", "processing-instruction": "PROV-149", "wrong-root": "PROV-130, PROV-147"}.get(
        reason, "PROV-145"
    )


def kept_rule(key: str, value: str) -> str:
    """The rules by which a value should have been taken."""
    parameter = catalogue().by_tag.get(key.partition("/")[0])
    if not value:
        return "PROV-139, PROV-141"
    if parameter is not None and parameter.kind == "flag" and len(value) > 1:
        return "PROV-139, PROV-140"
    return "PROV-137, PROV-139" if "/" in key else "PROV-139"


class Merged(Verdict):
    """After a run the settings are what the merge of section 22 gives, of the files that were read in it."""

    name = "merge"

    def begin(self) -> None:
        """Nothing is known of a run yet."""
        self.documents: dict[str, Document] = {}
        self.unknown = False
        self.copies: set[str] = set()
        self.typed: set[str] = set()
        self.origins: dict[str, str] = {}
        self.before: dict[str, Held] = {}
        self.user: dict[str, str] = {}

    @on(RunStarted)
    def started(self, entry: Entry, event: RunStarted) -> None:
        """What is in force before the run."""
        self.begin()
        self.before, self.user = dict(self.facts.provisioned), dict(self.facts.user)

    @on(StepEntered)
    def entered(self, entry: Entry, event: StepEntered) -> None:
        """Step 9 is about the saved files only."""
        if event.step == 9:
            self.documents = {}

    @on(ConfigurationRead)
    def taken(self, entry: Entry, event: ConfigurationRead) -> None:
        """A file of this run, by its digest where the key gives several texts."""
        bodies = self.facts.bodies
        if event.origin == SAVED:
            self.copies.add(event.file)
            texts = tuple(body for body in (saved_body(self.facts, event.file),) if body is not None)
        else:
            texts = plain_texts(self.facts, bodies.file, bodies.url, bodies.body)
        for text in texts:
            if len(texts) == 1 or sha256(text).hexdigest() == event.digest:
                document = read(text)
                if document is not None and not document.broken and not bodies.doubtful:
                    self.documents[event.file] = document
                    return
        self.unknown = True

    @on(SettingChanged)
    def changed(self, entry: Entry, event: SettingChanged) -> None:
        """Somebody types during a run, or a file brings a value."""
        if event.origin in ("web", "phone"):
            self.typed.add(event.key)
        else:
            self.origins[event.key] = event.origin

    @on(RunEnded)
    def ended(self, entry: Entry, event: RunEnded) -> None:
        """Compare."""
        if self.unknown:
            return
        files = [self.documents[file].entries for file in FILES if file in self.documents]
        aside = self.documents["initial"].entries if "initial" in self.documents else {}
        now = self.facts.provisioned
        for key in {*self.before, *now, *(key for entries in files for key in entries)}:
            said = [entries[key] for entries in files if key in entries]
            if key not in aside:
                self.value(entry, key, said, now.get(key))
            if key in self.user and key not in self.typed and (said or key not in aside):
                self.layer(entry, key, said)

    def value(self, entry: Entry, key: str, said: list[Said], now: Held | None) -> None:
        """The provisioned value of a parameter and its attributes."""
        before = self.before.get(key)
        if not said:
            if now is None and before is not None:
                self.fault("PROV-186", f"{key} is in no file any more, and was lost", entry, "lost")
            elif now != before:
                self.unsaid(entry, key, now)
            return
        winner = said[0]
        if now is not None and now == (winner.value, winner.perm, winner.access):
            return
        if now is None or now.value != winner.value:
            rule, what = self.wrong(key, said, now, before)
            self.fault(rule, f"{key} has {what} after the run", entry, what)
        elif now.perm != winner.perm:
            text = f'{key} has perm="{now.perm}", and its file says perm="{winner.perm}"'
            self.fault("PROV-160, PROV-166, PROV-167", text, entry, "perm")
        else:
            text = f'{key} has access="{now.access}", and its file says access="{winner.access}"'
            self.fault("PROV-170, PROV-175", text, entry, "access")

    def unsaid(self, entry: Entry, key: str, now: Held | None) -> None:
        """A value that no file of the run gave."""
        if now is not None and any((key, now.value) in each.refused for each in self.documents.values()):
            self.fault("PROV-144", f"{key} has a value that is not allowed for it", entry, "not allowed")
            return
        origin = self.origins.get(key, "")
        rule = "PROV-139, PROV-144" if origin in self.documents else "PROV-145"
        self.fault(rule, f"{key} was changed by the {origin} file, which does not count or say so", entry, "unsaid")

    def wrong(self, key: str, said: list[Said], now: Held | None, before: Held | None) -> tuple[str, str]:
        """(rule, what it has) for a value that is not the winner's."""
        if now is None or (now == before and now.value not in [each.value for each in said[1:]]):
            return kept_rule(key, said[0].value), "its old value"
        if now.value in [each.value for each in said[1:]]:
            stood_in = any(file in self.copies and self.says(file, key, now.value) for file in FILES)
            return f"PROV-181, PROV-182{', PROV-192' * stood_in}", "the value of a weaker file"
        if any(now.value in each.all for each in said):
            return "PROV-138", "an earlier one of the values given twice"
        if any((key, now.value) in each.refused for each in self.documents.values()):
            return "PROV-144", "a value that is not allowed"
        return "PROV-182", "a value of no file"

    def says(self, file: str, key: str, value: str) -> bool:
        """Whether a file of this run gives the parameter this value."""
        found = self.documents[file].entries.get(key) if file in self.documents else None
        return found is not None and found.value == value

    def layer(self, entry: Entry, key: str, said: list[Said]) -> None:
        """The user's value: dropped if the entry that wins says so, and only then."""
        gone = key not in self.facts.user
        wanted = bool(said) and said[0].perm.startswith("!")
        if gone == wanted:
            if not gone and self.facts.user[key] != self.user[key]:
                self.fault("PROV-181", f"the user's value of {key} was replaced by another", entry, "replaced")
        elif wanted:
            text = f'perm="{said[0].perm}" of {key} wins, and the user\'s value stayed'
            again = key in self.before and self.before[key].perm.startswith("!")
            rule = "PROV-164" if again else "PROV-160, PROV-162, PROV-163"
            self.fault(rule, text, entry, "stayed")
        elif any(each.perm.startswith("!") for each in said):
            text = f"the user's value of {key} was dropped for the perm of a losing file"
            self.fault("PROV-162, PROV-163", text, entry, "losing")
        else:
            perm = said[0].perm if said else ""
            rule = "PROV-165" if perm == "R" else "PROV-160"
            self.fault(rule, f'the user\'s value of {key} was dropped with perm="{perm}"', entry, "dropped")
