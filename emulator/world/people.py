"""What people do to a phone, at its web pages, its menu and its chip: an action of a scenario as the phone feels it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from emulator.events import (
    Event,
    ExportRequested,
    FactoryResetRequested,
    FlashFlipped,
    HandsetLifted,
    HandsetReplaced,
    ImportOffered,
    LinkDown,
    LinkUp,
    PageOpened,
    PageSubmitted,
    Payload,
    PowerOff,
    RestartRequested,
    SettingEntered,
    UpdateAnswered,
)
from emulator.phone.configfile import LIMIT
from emulator.world.scenario import ActionSpec

Content = Mapping[str, bytes]
Deed = Callable[[ActionSpec, Content], Event]


def typed(action: ActionSpec, content: Content) -> Event:
    """A value; with a level below the administrator's or a password, the phone looks at who types it."""
    if action.level == "A" and action.password is None:
        return SettingEntered(action.key, action.value, action.do)
    return PageSubmitted(action.do, action.level, action.password, action.key, action.value)


def page_opened(action: ActionSpec, content: Content) -> Event:
    """A page."""
    return PageOpened(action.via, action.level, action.password, action.page)


def export_requested(action: ActionSpec, content: Content) -> Event:
    """The settings, please."""
    return ExportRequested(action.level, action.password)


def import_offered(action: ActionSpec, content: Content) -> Event:
    """A file beside the scenario; the phone takes no more of it than it needs to see that it is too long."""
    return ImportOffered(action.level, action.password, Payload(content[action.file][: LIMIT + 1]))


def reset_requested(action: ActionSpec, content: Content) -> Event:
    """The factory settings, please."""
    return FactoryResetRequested(action.via, action.level, action.password)


DEEDS: dict[str, Deed] = {
    "power-off": lambda action, content: PowerOff(),
    "link-up": lambda action, content: LinkUp(),
    "link-down": lambda action, content: LinkDown(),
    "lift": lambda action, content: HandsetLifted(),
    "hang-up": lambda action, content: HandsetReplaced(),
    "restart": lambda action, content: RestartRequested(action.via),
    "web": typed,
    "phone": typed,
    "page": page_opened,
    "export": export_requested,
    "import": import_offered,
    "factory-reset": reset_requested,
    "flip": lambda action, content: FlashFlipped(action.address, bytes.fromhex(action.mask)),
    "update": lambda action, content: UpdateAnswered(action.value == "yes"),
}
"""Actions by name, to the event that the phone gets. Switching it on and NOTIFY are the world's (``Run``)."""
