"""Keys and values of settings: which there are, and which values the catalogue of parameters allows."""

from __future__ import annotations

from difflib import get_close_matches

from emulator.events.masking import HIDDEN, is_secret, printable
from emulator.phone.catalogue import LINES, Parameter, catalogue, split
from emulator.phone.settings import Stored
from emulator.phone.storage import encode_stored
from tools.flash.files import Refusal
from tools.masks import hidden

URL = "url"
"""Stands for the last good URL."""
PERMS = ("", "RW", "R", "!", "!R", "!RW")
ACCESSES = ("", "A", "U", "AU")
"""What the attributes of a provisioned value can be (PROV-160, PROV-170)."""
_REASONS = {
    "not-a-flag": "is neither Y nor N",
    "not-a-number": "is no whole number",
    "out-of-range": "is out of range",
    "not-allowed": "is none of those allowed",
    "too-long": "is too long",
    "bad-character": "holds a character that it must not",
    "bad-time": "is no time such as 23:59",
    "bad-url": "is no URL",
    "bad-host": "is no host",
    "too-many-values": "has too many values",
    "empty": "must not be empty",
}


def parameter(key: str) -> Parameter:
    """The parameter of ``TAG`` or ``TAG/line``. Raises FlashError, which names the nearest key."""
    shown = printable(key)
    tag, _, line = key.partition("/")
    found = catalogue().by_tag.get(tag)
    if found is None:
        near = get_close_matches(tag.upper(), (*catalogue().by_tag, "URL"), 1)
        hint = "" if not near else f"; did you mean {_full(near[0], line)}?"
        raise Refusal(f"{shown}: there is no such parameter{hint}")
    try:
        number = split(key)[1]
    except ValueError:
        raise Refusal(f"{shown}: lines have the numbers 1 to {LINES}") from None
    if found.per_line != (number is not None):
        want = f"each line has its own; want {tag}/1" if found.per_line else f"it belongs to no line; want {tag}"
        raise Refusal(f"{shown}: {want}")
    return found


def _full(tag: str, line: str) -> str:
    if tag == "URL":
        return URL
    return f"{tag}/{line or 1}" if catalogue().by_tag[tag].per_line else tag


def allowed(key: str, value: str) -> str:
    """``value`` as it is stored. Raises FlashError for one that the catalogue does not allow; it is not told."""
    known = parameter(key)
    reason = known.check(value)
    if reason:
        rule = f" ({known.kind} {known.rule})".replace(" )", ")")
        raise Refusal(f"{printable(key)}: the value {_REASONS.get(reason, reason)}{rule}; --force takes it")
    return known.canonical(value)


def allowed_url(value: str) -> str:
    """``value`` if it can be the last good URL. Raises FlashError."""
    reason = catalogue().by_tag["USR_PROV_SVR_URL"].check(value)
    if reason or not value:
        raise Refusal(f"{URL}: the value {_REASONS[reason or 'empty']}; --force takes it")
    return value


def checked(key: str, stored: Stored) -> Stored:
    """``stored`` with its value as it is stored. Raises FlashError for what no configuration file could bring."""
    for name, found, known in (("perm", stored.perm, PERMS), ("access", stored.access, ACCESSES)):
        if found not in known:
            one_of = ", ".join(repr(each) for each in known)
            raise Refusal(f"{printable(key)}: {name} is one of {one_of}; --force takes another")
    return stored._replace(value=allowed(key, stored.value))


def as_bytes(key: str, value: str | Stored) -> bytes:
    """A value as the journal holds it. Raises FlashError for one that it cannot hold."""
    try:
        if isinstance(value, str):
            return value.encode()
        if "\0" in value.perm + value.access:
            raise Refusal(f"{printable(key)}: perm and access cannot hold a NUL")
        return encode_stored(value.value, value.perm, value.access)
    except UnicodeEncodeError:
        raise Refusal(f"{printable(key)}: the value is no text in UTF-8") from None


def shown(key: str, value: str, secrets: bool, layer: str = "") -> str:
    """``value`` as it may be shown: secrets hidden; all of it, if nobody knows what the key stands for."""
    if secrets:
        return value
    if value and (layer == "other" or any(map(is_secret, key.split("/")))):
        return HIDDEN
    return str(hidden(value))
