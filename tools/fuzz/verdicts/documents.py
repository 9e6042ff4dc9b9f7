"""Configuration files, read once more by the rules of the specification, apart from the phone's own reader.

What of a file is beyond doubt is judged. A file that could be read in two ways gives None, and no verdict is about it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from lxml import etree

from emulator.phone.catalogue import LINES, Parameter, catalogue

LIMIT = 240 * 1024
"""Bytes of a configuration file (PROV-148)."""
ROOT = "panasipphoneconfig"
PERMS = ("", "RW", "R", "!", "!RW", "!R")
ACCESSES = ("", "A", "U", "AU")
DEEPEST = 24
"""Levels of elements up to which a file is judged."""
_SMALL = 8192
_PATHS = ("STANDARD", "PRODUCT", "MASTER")
_DECLARATION = re.compile(rb"<\?xml[ \t\r\n][^>]*\?>")
_ENCODING = re.compile(rb"""encoding[ \t\r\n]*=[ \t\r\n]*["']([^"']*)""")
_COMMENT = re.compile(rb"<!--.*?-->", re.DOTALL)


class Said(NamedTuple):
    """What a file says of a parameter: the value that counts with its attributes (PROV-160, PROV-170).

    all: every allowed value given for it, in the order of the file.
    """

    value: str
    perm: str
    access: str
    all: tuple[str, ...] = ()


class Document(NamedTuple):
    """A file. broken: rule by which nothing in it applies, "" if it can be used.

    entries: by key; refused: values that are not allowed for their parameter, as (key, value); named: files that an
    initial file names, in the order of download, as (file, URL as written).
    """

    broken: str
    entries: Mapping[str, Said] = MappingProxyType({})
    refused: frozenset[tuple[str, str]] = frozenset()
    named: tuple[tuple[str, str], ...] = ()
    initial: bool = False
    device: bool = False


def read(body: bytes) -> Document | None:
    """What a plain file of any length says (PROV-130 to PROV-149); None if it could be read in two ways."""
    return _remembered(body) if len(body) <= _SMALL else _read(body)


@lru_cache(maxsize=256)
def _remembered(body: bytes) -> Document | None:
    return _read(body)


def _read(body: bytes) -> Document | None:
    if len(body) > LIMIT:
        return Document("PROV-148")
    text = body.removeprefix(b"\xef\xbb\xbf")
    rule = _unreadable(text)
    if rule is not None:
        return Document(rule) if rule else None
    try:
        root = etree.fromstring(text, _parser())
    except etree.LxmlError:
        return Document("PROV-145")
    if not isinstance(root.tag, str) or root.tag.lower() != ROOT or any(_name(each).lower() == "dev" for each in root):
        return Document("PROV-145")
    if any(len(list(each.iterancestors())) > DEEPEST for each in root.iter()):
        return None
    return _Reading().document(root)


def _parser() -> etree.XMLParser:
    return etree.XMLParser(
        encoding="utf-8",
        remove_comments=True,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
    )


def _unreadable(text: bytes) -> str | None:
    """The rule by which a file is refused before it is XML, "" if that is in doubt, None if it can be XML."""
    declared = _DECLARATION.match(text)
    encoding = _ENCODING.search(declared[0]) if declared else None
    if encoding and encoding[1].lower() not in (b"utf-8", b"utf8"):
        return "PROV-142"
    rest = text[declared.end() :] if declared else text
    if b"\0" in text or not _is_utf8(text):
        return "PROV-142"
    bare = _COMMENT.sub(b"", rest)
    if b"<!DOCTYPE" in rest or b"<?" in rest:
        plain = b"<![CDATA[" not in rest and b"<!--" not in bare
        shown = b"<!DOCTYPE" in bare or b"<?" in bare
        return "PROV-149" if plain and shown and not re.search(rb"<\?xml[ \t\r\n?]", bare) else ""
    return None


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _name(element: etree._Element) -> str:
    return element.tag if isinstance(element.tag, str) else ""


@lru_cache(maxsize=1)
def _tree() -> tuple[frozenset[str], Mapping[tuple[str, str], Parameter]]:
    """(the paths of all groups, the parameters by path and tag), from the catalogue (PROV-136)."""
    groups: set[str] = set()
    for parameter in catalogue():
        steps = parameter.path.split("/")
        groups.update("/".join(steps[:depth]) for depth in range(1, len(steps) + 1))
    return frozenset(groups), MappingProxyType({(each.path, each.tag): each for each in catalogue()})


class _Reading:
    """Walks down a file; what it does not know it leaves out (PROV-144)."""

    def __init__(self) -> None:
        self.groups, self.parameters = _tree()
        self.found: dict[str, dict[str, Said]] = {"Initial": {}, "Device": {}}
        self.refused: set[tuple[str, str]] = set()

    def document(self, root: etree._Element) -> Document:
        """All of it; the sections in any case and order (PROV-131)."""
        sections = [_name(each).lower() for each in root]
        for child, name in zip(root, sections, strict=True):
            if name in ("initial", "device"):
                self.group(child, name.capitalize(), name.capitalize(), 0)
        named = tuple(self.named())
        found = MappingProxyType(self.found["Device"])
        return Document("", found, frozenset(self.refused), named, "initial" in sections, "device" in sections)

    def named(self) -> Iterator[tuple[str, str]]:
        """The files that it names: certificates first (PROV-185), then by priority (PROV-182, PROV-184)."""
        said = self.found["Initial"]
        tags = [(f"root{number}", f"CFG_ROOT_CERTIFICATE_PATH{number}") for number in (1, 2, 3)]
        tags += [(kind.lower(), f"CFG_{kind}_FILE_PATH") for kind in _PATHS]
        return ((file, said[tag].value) for file, tag in tags if tag in said and said[tag].value)

    def group(self, element: etree._Element, path: str, section: str, line: int) -> None:
        """A group of parameters (PROV-136); a line has its number in an attribute (PROV-137)."""
        for child in element:
            name = _name(child)
            below = f"{path}/{name}"
            parameter = self.parameters.get((path, name))
            if parameter is not None:
                self.parameter(child, parameter, section, line)
            elif below not in self.groups:
                continue
            elif name == "Line":
                number = child.get("idx", "")
                if number in map(str, range(1, LINES + 1)):
                    self.group(child, below, section, int(number))
            else:
                self.group(child, below, section, line)

    def parameter(self, element: etree._Element, parameter: Parameter, section: str, line: int) -> None:
        """A leaf: of two that may be, the last counts (PROV-138)."""
        key = f"{parameter.tag}/{line}" if line else parameter.tag
        text = (element.text or "") + "".join(child.tail or "" for child in element)
        if parameter.check(text) is not None:
            self.refused.add((key, text))
            return
        perm, access = element.get("perm", ""), element.get("access", "")
        found, value = self.found[section], parameter.canonical(text)
        before = found[key].all if key in found else ()
        perm = perm if perm in PERMS else "RW"
        found[key] = Said(value, perm, access if access in ACCESSES else "", (*before, value))
