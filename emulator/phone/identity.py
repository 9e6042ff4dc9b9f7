"""What the phone calls itself: the macros of URLs and of the User-Agent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.phone.urls import expand

if TYPE_CHECKING:
    from emulator.phone.state import Phone


def macros(phone: Phone) -> dict[str, str]:
    """Macro names and what they expand to (PROV-036 to PROV-040)."""
    mac = phone.settings.mac
    return {"MODEL": phone.settings.model, "MAC": mac.upper(), "mac": mac.lower(), "fwver": phone.version}


def user_agent(phone: Phone) -> str:
    """The User-Agent header: ``HTTP_USER_AGENT`` expanded (PROV-115, PROV-116)."""
    return expand(phone.settings.value("HTTP_USER_AGENT"), macros(phone))


def model_file(phone: Phone) -> str:
    """The name of the initial file, ``{MODEL}.cfg`` expanded (PROV-031)."""
    return f"{phone.settings.model}.cfg"
