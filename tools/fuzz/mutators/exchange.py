"""Who looks at the settings, takes them away, and brings others in."""

from __future__ import annotations

from emulator.phone.access import pages
from emulator.phone.catalogue import catalogue as known
from tools.fuzz.mutators.documents import EDITS, EMPTY
from tools.fuzz.mutators.draft import Draft
from tools.fuzz.mutators.people import GAPS, PASSWORDS
from tools.fuzz.mutators.words import allowed, key_of, secrets, value


def pages_seen(draft: Draft) -> bool:
    """Somebody opens pages, takes the settings away, or brings some in."""
    dice, at = draft.dice, draft.when()
    person = {"level": dice.choice("AU"), "password": dice.choice(PASSWORDS)}
    deed = dice.choice(("page", "page", "export", "import", "import"))
    if deed == "page":
        via = dice.choice(("web", "phone"))
        draft.act("page", at, via=via, page=dice.choice(tuple(pages(via))), **person)
    elif deed == "export":
        if dice.chance(400_000):
            typed(draft, at - dice.choice(GAPS))
        draft.act("export", at, **person)
    else:
        draft.act("import", at, file=draft.keep(imported(draft), ".cfg"), **person)
    return True


def typed(draft: Draft, at: int) -> None:
    """Somebody types a password or a key, which is then among the settings."""
    dice = draft.dice
    parameter = dice.choice((known().by_tag["CFG_FILE_KEY"], dice.choice(secrets())))
    if allowed(draft, parameter.tag):
        draft.act(dice.choice(("web", "phone")), at, key=key_of(parameter, dice), value=value(parameter, dice))


def imported(draft: Draft) -> bytes:
    """A file to be brought in: one of the base's or an edited one."""
    texts = [each.text for each in draft.survey.device_files() if each.text]
    text = draft.dice.choice(texts) if texts else EMPTY
    for _ in range(draft.dice.below(3)):
        text = draft.dice.weighted(EDITS)(draft, text)
    return text.encode("utf-8", "replace")
