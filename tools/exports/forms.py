"""The table of the forms that a run can be written in. It loads nothing, so that ``--help`` is quick."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from emulator.log.progress import Progress
    from tools.locate import Located


class Asked(NamedTuple):
    """What of a run is wanted, besides ``Located.at``, after which nothing is. progress: told of each event.

    secrets: show them in a form that hides them; since: the first event, phone: the only one, of forms that can do so.
    """

    progress: Progress
    secrets: bool = False
    since: int = 1
    phone: int | None = None


class Told(NamedTuple):
    """What was written. size: bytes; number, of: how many of what, "" for nothing worth counting; secrets: kinds of
    secrets that a form holds which cannot hide them; note: one line more for the person, "" for none."""

    size: int
    number: int = 0
    of: str = ""
    secrets: tuple[str, ...] = ()
    note: str = ""


class Write(Protocol):
    """The function ``write`` of a form's module. Raises LogError, OSError."""

    def __call__(self, found: Located, out: BinaryIO, asked: Asked, /) -> Told:
        """Write a run to ``out``."""


class Form(NamedTuple):
    """A form. suffixes: of file names, the first is that of new files; about: what it is for.

    printed: goes to standard output where no file is named; binary: no text, so nothing for a terminal.
    parts: what can be left out, of ``until`` (RUN@N), ``from`` and ``phone``; none for a form that is whole.
    """

    name: str
    suffixes: tuple[str, ...]
    about: str
    printed: bool = False
    binary: bool = False
    parts: tuple[str, ...] = ()

    def writer(self) -> Write:
        """What writes it, loaded now."""
        found: Write = import_module(f"tools.exports.{self.name}").write
        return found


FORMS = {
    form.name: form
    for form in (
        Form("jsonl", (".jsonl",), "complete: it verifies, replays and is imported elsewhere"),
        Form(
            "pcapng",
            (".pcapng",),
            "its packets, each with the number of its event, for Wireshark, tshark and sngrep",
            binary=True,
        ),
        Form(
            "mermaid",
            (".mmd", ".mermaid"),
            "its ladder, for an issue or a wiki; printed unless -o names a file",
            printed=True,
            parts=("until", "from", "phone"),
        ),
        Form(
            "perfetto",
            (".json",),
            "a trace of steps, requests, flash work and causes, for ui.perfetto.dev",
            parts=("until", "phone"),
        ),
        Form("html", (".html", ".htm"), "a page for a browser", parts=("until",)),
    )
}
"""The forms by name; the first is what a run is written as if nothing else is said."""


def form_for(name: str | None, path: str | Path | None) -> Form:
    """The form of that name, or else the one that the suffix of ``path`` stands for. Raises LogError."""
    from pathlib import Path

    from emulator.log.store import LogError

    names = f"{', '.join(list(FORMS)[:-1])} or {list(FORMS)[-1]}"
    if name is not None:
        if name not in FORMS:
            raise LogError(f"a run cannot be written as {name!r}, only as {names}")
        return FORMS[name]
    suffix = Path(path or "").suffix.lower()
    if not suffix:
        return next(iter(FORMS.values()))
    for form in FORMS.values():
        if suffix in form.suffixes:
            return form
    raise LogError(f"{path}: {suffix} stands for no form; give one of them with --to: {names}")
