"""Web and phone programming: values that somebody types (PROV-161, PROV-181)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.events import AccessRefused, Because, Entry, PageSubmitted, SettingChanged, SettingEntered, SettingRefused
from emulator.phone.access import allowed, on_a_page, refusal
from emulator.phone.catalogue import catalogue, split
from emulator.phone.firmware import Reaction, reacts
from emulator.phone.storage import save

if TYPE_CHECKING:
    from emulator.phone.state import Phone


@reacts(SettingEntered)
def entered(phone: Phone, event: SettingEntered | PageSubmitted, entry: Entry) -> Reaction:
    """Web and phone programming: checked like a file's value, refused where provisioning says read-only (PROV-161)."""
    reason, value = judge(phone, event)
    if reason:
        yield Because(SettingRefused(event.key[:80], reason), (phone.settings.grounds(event.key),))
        return
    change = SettingChanged(event.key, "user", value, "", "", event.via)
    yield change
    yield from save(phone, (change,), {}, "")


@reacts(PageSubmitted)
def submitted(phone: Phone, event: PageSubmitted, entry: Entry) -> Reaction:
    """The same for somebody of a level: nobody changes what no page shows to him (PROV-171, PROV-172)."""
    reason, grounds = refusal(phone, event.via, event.level, event.password)
    if reason:
        yield Because(AccessRefused("value", event.via, event.level, reason), grounds)
        return
    yield from entered(phone, event, entry)


def judge(phone: Phone, event: SettingEntered | PageSubmitted) -> tuple[str, str | None]:
    """(reason for refusal or "", value to store) for something the user typed."""
    try:
        tag, line = split(event.key)
    except ValueError:
        return "unknown", None
    parameter = catalogue().by_tag.get(tag)
    if parameter is None or parameter.per_line != (line is not None):
        return "unknown", None
    if isinstance(event, PageSubmitted) and not allowed(phone.settings, event.key, event.level):
        return "not-for-this-level", None
    if isinstance(event, PageSubmitted) and not on_a_page(event.via, event.key):
        return "on-no-page", None
    if not phone.settings.editable(event.key):
        return "read-only", None
    if event.value is None:
        return "", None
    return parameter.check(event.value) or "", parameter.canonical(event.value)
