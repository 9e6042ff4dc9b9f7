"""What the web pages and the phone's menu show: by access level, and read-only where provisioning says so (PROV-171).

PROV-161, PROV-172. Passwords are never shown, only that there is one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.events import AccessRefused, Because, Entry, PageOpened, PageShown
from emulator.events.masking import HIDDEN, is_secret
from emulator.phone.access import allowed, pages, refusal
from emulator.phone.firmware import Reaction, reacts

if TYPE_CHECKING:
    from emulator.phone.state import Phone


@reacts(PageOpened)
def opened(phone: Phone, event: PageOpened, entry: Entry) -> Reaction:
    """The parameters of the page that the level may see, in the order of the catalogue."""
    settings = phone.settings
    reason, grounds = refusal(phone, event.via, event.level, event.password)
    keys = pages(event.via).get(event.page, ())
    seen = [key for key in keys if allowed(settings, key, event.level)]
    if not reason and not seen:
        reason = "not-for-this-level" if keys else "unknown-page"
        grounds = tuple(sorted({*grounds, *map(settings.grounds, keys)}))
    if reason:
        yield Because(AccessRefused("page", event.via, event.level, reason), grounds)
        return
    shown = tuple((key, as_shown(key, settings.value(key)), settings.editable(key)) for key in seen)
    grounds = tuple(sorted({*grounds, *map(settings.grounds, seen)}))
    yield Because(PageShown(event.via, event.level, event.page, shown), grounds)


def as_shown(key: str, value: str) -> str:
    """A value as a page has it."""
    return HIDDEN if value and is_secret(key) else value
