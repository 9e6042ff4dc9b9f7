"""Configuration files that say something else: XML trees from the words of the catalogue and of the base's files."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape

from attrs import evolve

from emulator.events import SECOND
from emulator.phone.catalogue import Parameter, split
from emulator.phone.catalogue import catalogue as known
from emulator.phone.configfile import LIMIT, ROOT
from emulator.world.scenario import Encryption, FilesSpec, PathSpec
from tools.fuzz.dice import Dice
from tools.fuzz.mutators.draft import MOST_BYTES, Draft
from tools.fuzz.mutators.people import again, settled_by
from tools.fuzz.mutators.survey import CUTTING_OFF, Asked, served_text
from tools.fuzz.mutators.words import ACCESSES, KEYS, PERMS, allowed, key_of, some, value

EMPTY = f"<{ROOT}><Device></Device></{ROOT}>"
BRIEFLY = 30 * SECOND
"""How long a server that speaks TFTP has a file of full length, of which each block is several events."""
LONGEST = 60_000
"""Characters of a text that is changed; a longer one is served as it is."""
_ELEMENT = re.compile(r"<([A-Z][A-Z0-9_]+)((?:\s[^<>]*)?)>([^<>]*)</\1>")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
Edit = Callable[[Draft, str], str]


# --- Where files are ------------------------------------------------------------------------------------------------


def server_of(draft: Draft, asked: Asked) -> int | None:
    """The place of a server that is asked for this file."""
    specs = draft.tables["files"]
    near = [place for place, spec in enumerate(specs) if spec.address == asked.host]
    return draft.dice.choice(near) if near else draft.pick("files")


def serve(draft: Draft, asked: Asked, path: PathSpec, window: tuple[int, int] | None = None) -> bool:
    """Have something else under the path of a file, for some time."""
    place = server_of(draft, asked)
    if place is None:
        return False
    spec: FilesSpec = draft.tables["files"][place]
    if len(spec.paths) < 30 and sum(len(each.text or "") for each in spec.paths.values()) < MOST_BYTES // 4:
        draft.spoil("files", place, evolve(spec, paths={**spec.paths, asked.target: path}), window)
    return True


def now_served(draft: Draft, asked: Asked) -> str:
    """What the story has there by now, or the base had."""
    place = server_of(draft, asked)
    text = "" if place is None else served_text(draft.base, draft.tables["files"][place], asked.target)
    return text or asked.text or EMPTY


# --- Edits of a text ------------------------------------------------------------------------------------------------


def element(parameter: Parameter, key: str, text: str, dice: Dice) -> str:
    """A parameter with its marks."""
    perm, access = dice.choice(PERMS), dice.choice(ACCESSES)
    marks = (f' perm="{perm}"' if perm else "") + (f' access="{access}"' if access else "")
    return f"<{parameter.tag}{marks}>{text}</{parameter.tag}>"


def placed(parameter: Parameter, key: str, inner: str) -> str:
    """A parameter in its groups, without the root."""
    line = split(key)[1]
    for group in reversed(parameter.path.split("/")):
        index = f' idx="{line}"' if group == "Line" and line else ""
        inner = f"<{group}{index}>{inner}</{group}>"
    return inner


def with_inner(text: str, inner: str) -> str:
    """A text with something more at its end."""
    at = text.rfind(f"</{ROOT}>")
    return text[:at] + inner + text[at:] if at >= 0 else f"<{ROOT}>{inner}</{ROOT}>"


def more(draft: Draft, text: str) -> str:
    """Some parameters more, right and wrong, once and twice."""
    dice, inner = draft.dice, []
    for _ in range(dice.between(1, 4)):
        parameter = some(draft)
        key = key_of(parameter, dice)
        given = [
            element(parameter, key, escape(value(parameter, dice)), dice) for _ in range(dice.choice((1, 1, 2, 3)))
        ]
        inner.append(placed(parameter, key, "".join(given)))
    return with_inner(text, "".join(inner))


def twin(draft: Draft, text: str) -> str:
    """One of its parameters a second time, with another value or other marks, beside the first or at the end."""
    found = list(_ELEMENT.finditer(text))
    tag = draft.dice.choice(found)[1] if found else ""
    parameter = known().by_tag.get(tag)
    if parameter is None or not allowed(draft, tag):
        return more(draft, text)
    one = draft.dice.choice([each for each in found if each[1] == tag])
    again = element(parameter, tag, draft.dice.choice((one[3], escape(value(parameter, draft.dice)))), draft.dice)
    if draft.dice.chance(300_000):
        return text[: one.start()] + again + text[one.start() :]
    if parameter.per_line or draft.dice.chance(500_000):
        return text[: one.end()] + again + text[one.end() :]
    return with_inner(text, placed(parameter, tag, again))


def other(draft: Draft, text: str) -> str:
    """One of its parameters with another value, other marks, empty, or gone."""
    found = list(_ELEMENT.finditer(text))
    one = draft.dice.choice(found) if found else None
    parameter = known().by_tag.get(one[1]) if one is not None else None
    if one is None or parameter is None or not allowed(draft, one[1]):
        return more(draft, text)
    dice = draft.dice
    new = dice.weighted(
        (
            (4, element(parameter, one[1], escape(value(parameter, dice)), dice)),
            (3, element(parameter, one[1], one[3], dice)),
            (1, f"<{one[1]}/>"),
            (1, ""),
        )
    )
    return text[: one.start()] + new + text[one.end() :]


def without(draft: Draft, text: str) -> str:
    """Not to its end, or with a piece missing."""
    start = draft.dice.below(len(text) + 1)
    if draft.dice.chance(600_000):
        return text[:start]
    return text[:start] + text[start + draft.dice.between(1, 40) :]


def spoilt(draft: Draft, text: str) -> str:
    """With something in one place that does not belong there."""
    at = draft.dice.below(len(text) + 1)
    odd = ("<", "&", "]]>", "<!DOCTYPE x>", "<?x y?>", "&lt;", "&#0;", "\ufffe", "<a>", "</Device>", "%", "<!--", "\t")
    return text[:at] + draft.dice.choice(odd) + text[at + draft.dice.below(3) :]


def rearranged(draft: Draft, text: str) -> str:
    """One of its tags in another case, twice, without its end, with an attribute, or around a deep nest."""
    found = list(_TAG.finditer(text))
    if not found:
        return spoilt(draft, text)
    one = draft.dice.choice(found)
    tag = one[0]
    deep = draft.dice.choice((3, 31, 32, 33, 200))
    new = draft.dice.choice(
        (tag.lower(), tag.upper(), tag + tag, "", tag[:-1] + ' x="y">', tag + "<X>" * deep + "</X>" * deep)
    )
    return text[: one.start()] + new + text[one.end() :]


def framed(draft: Draft, text: str) -> str:
    """With another beginning or end."""
    body = text.removeprefix('<?xml version="1.0" encoding="utf-8"?>').lstrip()
    if draft.dice.chance(200_000):
        return body.replace(ROOT, draft.dice.choice((ROOT.lower(), "Other", "Initial", f"{ROOT} a='b'")))
    heads = ("\ufeff", " \n", '<?xml version="1.0" encoding="iso-8859-1"?>', "<!DOCTYPE a>", "<!-- <?x?> -->", "x", "")
    tails = ("", "\n\n", "x", "<!-- end -->", "<a/>", f"<{ROOT}/>")
    return draft.dice.choice(heads) + body + draft.dice.choice(tails)


EDITS: tuple[tuple[int, Edit], ...] = (
    *((8, more), (6, twin), (6, other), (2, without), (2, spoilt), (2, rearranged), (1, framed)),
)


# --- Kinds ----------------------------------------------------------------------------------------------------------


def documents(draft: Draft) -> bool:
    """A file says something else, for some time."""
    if not draft.survey.asked:
        return False
    asked = draft.dice.choice(draft.survey.asked)
    text = now_served(draft, asked)
    for _ in range(draft.dice.choice((1, 1, 2, 3))):
        text = draft.dice.weighted(EDITS)(draft, text[:LONGEST])
    return serve(draft, asked, PathSpec(text=text))


def conflicts(draft: Draft) -> bool:
    """Several files have the same parameter, each with a value and marks of its own; sometimes a user had one too."""
    files = draft.survey.device_files()
    if not files:
        return False
    parameter = some(draft)
    key = key_of(parameter, draft.dice)
    window = draft.window() if draft.dice.chance(400_000) else (0, draft.calm)
    for asked in files:
        if draft.dice.chance(700_000):
            inner = element(parameter, key, escape(value(parameter, draft.dice)), draft.dice)
            serve(
                draft, asked, PathSpec(text=with_inner(now_served(draft, asked), placed(parameter, key, inner))), window
            )
    for at in (draft.dice.below(5 * SECOND), settled_by(draft)):
        if draft.dice.chance(500_000):
            draft.act(draft.dice.choice(("web", "web", "phone")), at, key=key, value=value(parameter, draft.dice))
    if draft.dice.chance(300_000):
        again(draft, settled_by(draft))
    return True


def sizes(draft: Draft) -> bool:
    """A file is as long as one may be, or one byte more or less, plain or encrypted."""
    if not draft.survey.asked:
        return False
    dice, asked = draft.dice, draft.dice.choice(draft.survey.asked)
    size = LIMIT + dice.choice((-1, 0, 1, 1, 2, 16, -LIMIT // 2))
    how = Encryption(KEYS[0], dice.choice((128, 192, 256))) if dice.chance(150_000) else None
    window = draft.window()
    if any("tftp" in spec.protocols for spec in draft.tables["files"]):
        at = draft.when()
        window = at, at + BRIEFLY
    return serve(draft, asked, PathSpec(text=now_served(draft, asked), pad_to=size, encrypt=how), window)


def encryption(draft: Draft) -> bool:
    """Files are encrypted: with the phone's key or another, of a length that it knows or not, under either name."""
    if not draft.survey.asked or not allowed(draft, "CFG_FILE_KEY"):
        return False
    dice = draft.dice
    key, bits = dice.choice(KEYS), dice.choice((128, 192, 256))
    files = draft.survey.device_files()
    handed = dice.choice(files)
    inner = f"<CFG_FILE_KEY>{key}</CFG_FILE_KEY><CFG_FILE_KEY_LENGTH>{bits}</CFG_FILE_KEY_LENGTH>"
    device = f"<Device><System><Prov>{inner}</Prov></System></Device>"
    at = 0
    known_before = {"CFG_FILE_KEY": key, "CFG_FILE_KEY_LENGTH": str(bits)}
    if dice.chance(500_000) or not draft.provision(known_before):
        at = draft.when()
        serve(draft, handed, PathSpec(text=with_inner(now_served(draft, handed), device)), (0, at + 1))
        draft.act("restart", at + dice.below(10 * SECOND))
    used = key if dice.chance(750_000) else dice.choice((*KEYS, "short"))
    how = Encryption(
        used, bits if dice.chance(800_000) else dice.choice((128, 192, 256)), dice.choice(("md5", "sha256"))
    )
    for asked in files:
        if dice.chance(600_000):
            path = PathSpec(text=now_served(draft, asked)[:LONGEST], encrypt=how)
            under = asked._replace(target=asked.target.rpartition(".")[0] + dice.choice((".enc", ".cfg")))
            serve(draft, under, path, (at, draft.calm))
    return True


def bulk(draft: Draft) -> bool:
    """Many long values, and others after that: the settings are written anew again and again."""
    files = draft.survey.device_files()
    if not files:
        return False
    dice = draft.dice
    texts = [each for each in known() if each.kind == "text" and not each.rule and "Initial" not in each.path]
    chosen = texts[dice.below(len(texts)) :][: dice.between(10, 40)]
    for turn in range(dice.between(1, 3)):
        start = draft.when()
        length = dice.choice((20, 200, 499))
        letter = "abcdefgh"[dice.below(8)]
        inner = "".join(
            placed(each, f"{each.tag}/1" if each.per_line else each.tag, f"<{each.tag}>{letter * length}</{each.tag}>")
            for each in chosen
            if each.tag not in CUTTING_OFF
        )
        asked = dice.choice(files)
        serve(draft, asked, PathSpec(text=with_inner(asked.text or EMPTY, inner)), (start if turn else 0, draft.calm))
        draft.act("restart", start + dice.below(8 * SECOND))
    return True
