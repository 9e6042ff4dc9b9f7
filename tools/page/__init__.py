"""A run, or two runs side by side, as one HTML file: no network, no other file, secrets hidden.

What is in a page is made here, out of the log and with the phone's own code: rows, dissected packets, settings and
flash after each event. The scripts only draw it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emulator.events import Entry
    from tools.diff.model import Diff
    from tools.locate import Located


def run_page(found: Located, secrets: bool = False, home: str = "") -> bytes:
    """The page of a run; of ``RUN@N``, up to N, where it opens. home: path of a list of runs, if the page is served
    beside one. Raises LogError for a run that cannot be read."""
    from tools.page.run_model import run_model
    from tools.page.template import page

    model = run_model(found, secrets)
    at = found.event() if found.at is not None else 0
    title = f"{model['run']['name']}, run {found.info.id}"
    return page("run.html", title, ("page.js", "inspector.js", "run.js"), {**model, "at": at, "home": home})


def diff_page(
    diff: Diff, entries_a: Iterable[Entry], entries_b: Iterable[Entry], secrets: bool = False, home: str = ""
) -> bytes:
    """The page of two runs that were compared. entries_a, entries_b: all entries of each; home: as in
    :func:`run_page`. Raises LogError."""
    from tools.page.diff_model import diff_model
    from tools.page.template import page

    model = diff_model(diff, entries_a, entries_b, secrets)
    title = f"run {diff.a.id} and run {diff.b.id}"
    return page("diff.html", title, ("page.js", "inspector.js", "diff.js"), {**model, "home": home})
