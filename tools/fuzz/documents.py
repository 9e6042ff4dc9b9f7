"""Configuration files that say something else than they did: trees of the right words, and of the wrong ones."""

from __future__ import annotations

import re
from typing import Any

from emulator.phone.catalogue import Parameter, catalogue
from emulator.phone.configfile import LIMIT, ROOT
from emulator.world.scenario import Encryption, PathSpec
from tools.fuzz.dice import Dice

PERMS = ("", "RW", "R", "!", "!R", "!RW", "W")
KEYS = ("k" * 32, "0123456789abcdef", "a-key")
_ELEMENT = re.compile(r"<([A-Z][A-Z0-9_]+)([^<>]*)>([^<>]*)</\1>")


def document(original: str, dice: Dice) -> PathSpec:
    """What is served instead of ``original``."""
    made: Any = dice.choice((with_more, with_more, with_more, cut_off, padded, with_bytes, doubled, emptied, encrypted))
    found: PathSpec = made(original or f"<{ROOT}></{ROOT}>", dice)
    return found


def with_more(text: str, dice: Dice) -> PathSpec:
    """With some parameters of the catalogue, right and wrong, once and twice."""
    lines = "".join(element(dice) for _ in range(dice.between(1, 6)))
    return PathSpec(text=text.replace(f"</{ROOT}>", f"{lines}</{ROOT}>", 1))


def element(dice: Dice) -> str:
    """A parameter in its group."""
    parameter: Parameter = dice.choice([each for each in catalogue() if each.tag and "Initial" not in each.path])
    value = dice.choice((parameter.default, *("Y", "N", "0", "1", "5", "60", "99999", "", "192.0.2.77", "a-value")))
    perm = dice.choice(PERMS)
    mark = f' perm="{perm}"' if perm else ""
    inner = f"<{parameter.tag}{mark}>{value}</{parameter.tag}>"
    if dice.chance(150_000):
        inner *= 2
    for group in reversed(parameter.path.split("/")):
        index = ' idx="1"' if group == "Line" else ""
        inner = f"<{group}{index}>{inner}</{group}>" if group else inner
    return inner


def cut_off(text: str, dice: Dice) -> PathSpec:
    """Not to its end."""
    return PathSpec(text=text[: dice.below(len(text) + 1)])


def padded(text: str, dice: Dice) -> PathSpec:
    """As long as a file may be, or just not."""
    return PathSpec(text=text, pad_to=LIMIT + dice.choice((-1, 0, 1)))


def with_bytes(text: str, dice: Dice) -> PathSpec:
    """With something else in one place."""
    at = dice.below(len(text) + 1)
    odd = dice.choice(("<", "&", "\0", "]]>", "<!DOCTYPE x>", "&lt;", "\ufffe", "<a>", "%"))
    return PathSpec(text=(text[:at] + odd + text[at + dice.below(3) :]).replace("\0", " "))


def doubled(text: str, dice: Dice) -> PathSpec:
    """With one of its parameters a second time, with another value or mark."""
    found = list(_ELEMENT.finditer(text))
    if not found:
        return with_more(text, dice)
    one = dice.choice(found)
    perm = dice.choice(PERMS)
    mark = f' perm="{perm}"' if perm else ""
    twin = f"<{one[1]}{mark}>{dice.choice((one[3], 'Y', 'N', '7', 'twin', ''))}</{one[1]}>"
    return PathSpec(text=text[: one.end()] + twin + text[one.end() :])


def emptied(text: str, dice: Dice) -> PathSpec:
    """With one of its parameters empty, or gone."""
    found = list(_ELEMENT.finditer(text))
    if not found:
        return cut_off(text, dice)
    one = dice.choice(found)
    left = f"<{one[1]}{one[2]}></{one[1]}>" if dice.chance(500_000) else ""
    return PathSpec(text=text[: one.start()] + left + text[one.end() :])


def encrypted(text: str, dice: Dice) -> PathSpec:
    """Encrypted, with a key that the phone hardly has."""
    bits = dice.choice((128, 192, 256))
    return PathSpec(text=text, encrypt=Encryption(dice.choice(KEYS), bits, dice.choice(("md5", "sha256"))))
