"""Who may see, take away and bring in which setting (PROV-170 to PROV-175), and the passwords before it.

Levels are ``A``, the administrator, and ``U``, the user. The pages are the groups of the catalogue. Which of them are
meant for people is a list of our own: the sources say that some parameters are on no page (PROV-172), not which.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from emulator.phone.catalogue import LINES, catalogue, key, split

if TYPE_CHECKING:
    from emulator.phone.settings import Settings
    from emulator.phone.state import Phone

PASSWORDS = {"A": "ADMIN_PASS", "U": "USER_PASS"}
"""Level to the parameter that holds the password of its account."""
PROTECTED = "PROTECT_SETTING_BY_PSW_ENABLE"
ON_NO_PAGE = frozenset(
    {
        *("Initial/Certs", "Initial/CfgFiles"),
        *("Device/Diagnostic/LogLevel", "Device/Diagnostic/LogDisplay", "Device/Network/SSH"),
    }
)
"""Groups that no page shows: where files come from, which only an initial file says, and what serves the maker."""
MENU = frozenset(
    {
        *("Device/System/Prov", "Device/System/SysTime", "Device/Network/EthernetPort", "Device/Network/IPv6"),
        *("Device/Phone/Telephone", "Device/Phone/HotLine", "Device/Lines/Line/CallCtrl"),
    }
)
"""Groups that the phone's menu has; the web pages have these and all others that are on a page."""


def level_of(settings: Settings, key: str) -> str:
    """The access of ``key``: that stored with its value, else the built-in one, in doubt ``A`` (PROV-174)."""
    stored = settings.provisioned.get(key)
    if stored is not None and stored.access:
        return stored.access
    parameter = catalogue().by_tag.get(key.partition("/")[0])
    return (parameter.access if parameter is not None else "") or "A"


def allowed(settings: Settings, key: str, level: str) -> bool:
    """Whether ``level`` may see and bring in ``key`` (PROV-170)."""
    return level in tuple(level_of(settings, key))


def exportable(settings: Settings, key: str, level: str) -> bool:
    """Whether ``level`` may take the value of ``key`` away (PROV-170, PROV-213, PROV-275).

    The file key never leaves the phone. A password goes to a user only if its value came with an access that names
    the user, as in the printed example (PROV-173); a built-in level does not do for that.
    """
    parameter = catalogue().by_tag.get(key.partition("/")[0])
    if parameter is None or parameter.tag == "CFG_FILE_KEY" or not allowed(settings, key, level):
        return False
    stored = settings.provisioned.get(key)
    return not parameter.secret or level == "A" or (stored is not None and level in tuple(stored.access))


@lru_cache(maxsize=2)
def pages(via: str) -> Mapping[str, tuple[str, ...]]:
    """The pages of the ``web`` or the ``phone``, in the order of the catalogue: name to the keys on it (PROV-172)."""
    found: dict[str, list[str]] = {}
    for parameter in catalogue():
        if parameter.path in ON_NO_PAGE or (via == "phone" and parameter.path not in MENU):
            continue
        name = parameter.path.removeprefix("Device/")
        for line in range(1, LINES + 1) if parameter.per_line else (None,):
            page = name if line is None else f"{name}/{line}"
            found.setdefault(page, []).append(key(parameter.tag, line))
    return MappingProxyType({name: tuple(keys) for name, keys in found.items()})


def on_a_page(via: str, key: str) -> bool:
    """Whether a page of the ``web`` or the ``phone`` has the parameter ``key``."""
    tag, line = split(key)
    path = catalogue().by_tag[tag].path.removeprefix("Device/")
    return key in pages(via).get(path if line is None else f"{path}/{line}", ())


def refusal(phone: Phone, via: str, level: str, password: str | None) -> tuple[str, tuple[int, ...]]:
    """("" or why somebody may not come in, grounds).

    On the web the password is that of the level's account, and None stands for a login made before. At the phone
    nothing is asked for, unless PROTECT_SETTING_BY_PSW_ENABLE puts the menu behind the administrator's password
    (PROV-271; that it is this one is our reading).
    """
    settings = phone.settings
    if level not in PASSWORDS:
        return "unknown-level", ()
    wanted = PASSWORDS[level]
    grounds: tuple[int, ...] = ()
    if via == "phone":
        wanted, grounds = "ADMIN_PASS", (settings.grounds(PROTECTED),)
        if not settings.enabled(PROTECTED):
            return "", grounds
        if password is None:
            return "no-password", grounds
    elif password is None:
        return "", ()
    reason = "" if password == settings.value(wanted) else "wrong-password"
    return reason, tuple(sorted({*grounds, settings.grounds(wanted)}))
