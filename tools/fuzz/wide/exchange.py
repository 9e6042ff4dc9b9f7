"""Who looks at the settings, takes them away, and brings others in."""

from __future__ import annotations

from emulator.phone.access import pages
from tools.fuzz.wide.documents import EDITS, EMPTY
from tools.fuzz.wide.draft import Draft
from tools.fuzz.wide.people import PASSWORDS


def pages_seen(draft: Draft) -> bool:
    """Somebody opens pages, takes the settings away, or brings some in."""
    dice, at = draft.dice, draft.when()
    person = {"level": dice.choice("AU"), "password": dice.choice(PASSWORDS)}
    deed = dice.choice(("page", "page", "export", "import", "import"))
    if deed == "page":
        via = dice.choice(("web", "phone"))
        draft.act("page", at, via=via, page=dice.choice(tuple(pages(via))), **person)
    elif deed == "export":
        draft.act("export", at, **person)
    else:
        draft.act("import", at, file=draft.keep(imported(draft), ".cfg"), **person)
    return True


def imported(draft: Draft) -> bytes:
    """A file to be brought in: one of the base's or an edited one."""
    texts = [each.text for each in draft.survey.device_files() if each.text]
    text = draft.dice.choice(texts) if texts else EMPTY
    for _ in range(draft.dice.below(3)):
        text = draft.dice.weighted(EDITS)(draft, text)
    return text.encode("utf-8", "replace")
