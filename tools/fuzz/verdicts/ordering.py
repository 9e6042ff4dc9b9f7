"""What step 8 asks for: each file where its URL says, completed, and in the order of priority (PROV-031 to PROV-039,
PROV-182 to PROV-185, PROV-212)."""

from __future__ import annotations

from emulator.events import ConfigurationRead, DownloadOrdered, Entry, RunEnded, RunStarted, StepEntered
from tools.fuzz.verdicts.addresses import completed, expanded
from tools.fuzz.verdicts.marks import on
from tools.fuzz.verdicts.watching import Verdict


class FilesOrdered(Verdict):
    """Each file is asked for where its URL says, completed by the rules of section 3, and in the order of priority."""

    name = "file-url"

    def begin(self) -> None:
        """Nothing is wanted."""
        self.url = ""
        self.expected: list[tuple[str, str]] = []
        self.listed = False

    @on(RunStarted)
    def started(self, entry: Entry, event: RunStarted) -> None:
        """A run begins."""
        self.begin()

    @on(StepEntered)
    def entered(self, entry: Entry, event: StepEntered) -> None:
        """Step 8 has the URL."""
        if event.step == 8:
            self.url = event.url
        elif event.step == 9:
            self.expected, self.listed = [], False

    @on(ConfigurationRead)
    def read(self, entry: Entry, event: ConfigurationRead) -> None:
        """An initial file names the others."""
        if event.file == "initial":
            self.expected, self.listed = list(event.needed), True
            self.named(entry, event)

    def named(self, entry: Entry, event: ConfigurationRead) -> None:
        """The same as the bytes say (PROV-182, PROV-184, PROV-185)."""
        document = self.facts.initial_document()
        if document is not None and not document.broken and document.named != event.needed:
            text = f"the initial file names {len(document.named)} files, and the phone wants {len(event.needed)} others"
            rule = "PROV-133, PROV-184" if len(event.needed) != len(document.named) else "PROV-132, PROV-182"
            self.fault(rule, text, entry, "named")

    @on(DownloadOrdered)
    def ordered(self, entry: Entry, event: DownloadOrdered) -> None:
        """A file is wanted."""
        if event.file == "initial":
            self.judge(entry, event, self.url)
        elif event.file in ("standard", "product", "master") or event.file.startswith("root"):
            if not self.listed:
                return
            if self.expected and self.expected[0][0] == event.file:
                self.judge(entry, event, self.expected.pop(0)[1])
            else:
                rule = "PROV-185" if event.file.startswith("root") else "PROV-182"
                self.fault(rule, f"the {event.file} file was asked for out of its turn", entry, event.file)
                self.expected = [each for each in self.expected if each[0] != event.file]

    @on(RunEnded)
    def run_ended(self, entry: Entry, event: RunEnded) -> None:
        """Of a run that ended well or in part, every file was wanted."""
        if self.expected and event.outcome in ("provisioned", "partly"):
            left = self.expected[0][0]
            self.fault("PROV-008, PROV-012", f"the {left} file is named, and was never asked for", entry, "left")

    def judge(self, entry: Entry, event: DownloadOrdered, written: str) -> None:
        """The URLs to try."""
        macros = self.facts.macros()
        wanted = completed(written, macros)
        if wanted is None:
            return
        if event.file in ("standard", "product", "master") and self.facts.value("CFG_FILE_KEY"):
            wanted += tuple(f"{url.removesuffix('.cfg')}.enc" for url in wanted if url.endswith(".cfg"))
        if event.urls != wanted:
            self.fault(url_rule(written, event.urls, wanted, macros), "a URL was not completed as it should be", entry)


def url_rule(written: str, urls: tuple[str, ...], wanted: tuple[str, ...], macros: dict[str, str]) -> str:
    """The rule that the completion of a URL broke."""
    if any(url.endswith(".enc") for url in (*urls, *wanted)) and wanted[0] == urls[0]:
        return "PROV-212"
    if "{" in written and expanded(written, macros) not in urls[0]:
        return "PROV-036, PROV-037, PROV-038, PROV-039, PROV-040"
    return "PROV-031, PROV-032" if "://" in written else "PROV-033, PROV-034"
