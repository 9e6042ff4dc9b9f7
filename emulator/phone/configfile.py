"""Configuration files: the XML of PROV-130 to PROV-150, with `perm` and `access` (sections 10 and 11).

`parse` turns the bytes of a file into immutable values and never into anything else: a file that is broken as a
whole raises `FormatError`, anything else that is wrong in it is skipped and becomes a `Note`. `write` makes a
file from entries.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType

import attrs
from lxml import etree

from emulator.phone.catalogue import LINES, Catalogue, Parameter, catalogue, key, split

LIMIT = 245_760
"""Bytes of a configuration file, decrypted (PROV-148)."""

DEPTH = 32
"""Levels of elements within one that is skipped; a file with more counts as not well-formed."""

NOTES = 256
"""Notes kept of one file; one of code "more-notes" follows if there were more."""

ROOT = "PANASIPPhoneConfig"

_CACHED_SIZE = 8192
_WHERE = 80

_PERMS = frozenset({"", "RW", "R", "!", "!R", "!RW"})
_ACCESSES = frozenset({"", "A", "U", "AU"})
_INITIAL_TAGS = (
    "CFG_ROOT_CERTIFICATE_PATH1",
    "CFG_ROOT_CERTIFICATE_PATH2",
    "CFG_ROOT_CERTIFICATE_PATH3",
    "CFG_STANDARD_FILE_PATH",
    "CFG_PRODUCT_FILE_PATH",
    "CFG_MASTER_FILE_PATH",
)
# A group that stands in the tree although no parameter of it is known (PROV-136).
_EMPTY_GROUPS = ("Device/Lines/Codec",)
_LINE_NUMBERS = MappingProxyType({str(line): line for line in range(1, LINES + 1)})

_BOM = b"\xef\xbb\xbf"
_SPACE = re.compile(rb"[ \t\r\n]*")
_DECLARATION = re.compile(rb"<\?xml(?=[ \t\r\n])[^>]*\?>")
_DECLARATION_START = re.compile(rb"<\?xml[ \t\r\n?]")
_ENCODING = re.compile(rb"""[ \t\r\n]encoding[ \t\r\n]*=[ \t\r\n]*["']([^"']*)""")


class FormatError(ValueError):
    """The file as a whole is of invalid format, and nothing in it applies (PROV-145).

    `reason` is "too-large", "empty", "not-utf8", "doctype", "processing-instruction", "not-well-formed",
    "wrong-root" or "attribute-format" (the format of other models, with child `Dev`; section 20).
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@attrs.frozen
class Entry:
    """One parameter of a file: `key` as in the catalogue (`TAG` or `TAG/line`), its value in canonical form.

    `perm` is "", "RW", "R", "!", "!R" or "!RW", `access` is "", "A", "U" or "AU"; "" if absent (PROV-160, PROV-170).
    """

    key: str
    value: str
    perm: str = ""
    access: str = ""


@attrs.frozen
class Note:
    """Something in a file that was skipped or mended: a fixed code, and where, in at most 80 printable characters.

    Codes: "root-spelling", "device-before-initial", "unknown-element", "unknown-attribute", "wrong-section" (a known
    parameter in the wrong place), "bad-line-index", "bad-perm", "bad-access", "duplicate", "empty-value", "more-notes"
    and the reasons of `Parameter.check`. A note never holds the value of a parameter, which may be secret.
    """

    code: str
    where: str


@attrs.frozen
class ConfigFile:
    """What a configuration file says.

    `root` is the name of the root element as written. `certificates`, `standard`, `product` and `master` are URLs as
    written, without white space around them, "" where absent (PROV-132). `entries` are the device parameters, each key
    once: the last allowed value of a parameter given twice (PROV-138), in the place of its first.
    """

    root: str
    certificates: tuple[str, str, str]
    standard: str
    product: str
    master: str
    has_initial: bool
    has_device: bool
    entries: tuple[Entry, ...]
    notes: tuple[Note, ...]


def parse(data: bytes) -> ConfigFile:
    """Read a configuration file of at most `LIMIT` bytes.

    Raises FormatError, and nothing else, if the file as a whole is of invalid format (PROV-145, PROV-148, PROV-149).
    Results of small files are remembered; they are immutable.
    """
    return _parse_small(data) if len(data) <= _CACHED_SIZE else _parse(data)


def write(entries: Iterable[Entry]) -> bytes:
    """A configuration file with these device parameters, in the order of the catalogue (PROV-130, PROV-136, PROV-137).

    Raises ValueError for an unknown key, a parameter of `Initial`, a key given twice, or a value, `perm` or `access`
    that `parse` would not give back.
    """
    known = catalogue()
    order = {parameter.tag: number for number, parameter in enumerate(known)}
    placed: dict[str, tuple[Parameter, int | None, Entry]] = {}
    for entry in entries:
        parameter, line = placed_at(known, entry)
        if entry.key in placed:
            raise ValueError("key given twice")
        placed[entry.key] = (parameter, line, entry)
    groups: dict[tuple[str, int | None], etree._Element] = {}
    groups["", None] = root = etree.Element(ROOT)
    if not placed:
        etree.SubElement(root, "Device")
    for parameter, line, entry in sorted(placed.values(), key=lambda each: (order[each[0].tag], each[1] or 0)):
        element = etree.SubElement(_group(groups, parameter.path, line), parameter.tag)
        element.text = entry.value
        if entry.perm:
            element.set("perm", entry.perm)
        if entry.access:
            element.set("access", entry.access)
    return etree.tostring(root, xml_declaration=True, encoding="utf-8", pretty_print=True)


def placed_at(known: Catalogue, entry: Entry) -> tuple[Parameter, int | None]:
    """(parameter, line) of an entry that `write` takes. Raises ValueError for any other."""
    tag, line = split(entry.key)
    parameter = known.by_tag.get(tag)
    if parameter is None or parameter.path.startswith("Initial/") or parameter.per_line != (line is not None):
        raise ValueError("not a device parameter")
    if parameter.check(entry.value) is not None or parameter.canonical(entry.value) != entry.value:
        raise ValueError("value not allowed")
    if entry.perm not in _PERMS or entry.access not in _ACCESSES:
        raise ValueError("attribute not allowed")
    return parameter, line


def _group(groups: dict[tuple[str, int | None], etree._Element], path: str, line: int | None) -> etree._Element:
    """The element of a group, made with those above it if need be. `line` counts only at and below `Line`."""
    numbered = line if path.startswith("Device/Lines/Line") else None
    if (path, numbered) not in groups:
        above, _, name = path.rpartition("/")
        groups[path, numbered] = element = etree.SubElement(_group(groups, above, line), name)
        if name == "Line":
            element.set("idx", str(line))
    return groups[path, numbered]


@lru_cache(maxsize=256)
def _parse_small(data: bytes) -> ConfigFile:
    return _parse(data)


def _parse(data: bytes) -> ConfigFile:
    if len(data) > LIMIT:
        raise FormatError("too-large")
    text = data.removeprefix(_BOM)
    if not text.strip():
        raise FormatError("empty")
    _refuse_encoding(text)
    _refuse_doctype(text)
    root = _tree(text)
    if not isinstance(root.tag, str) or root.tag.lower() != ROOT.lower():
        raise FormatError("wrong-root")
    if any(isinstance(child.tag, str) and child.tag.lower() == "dev" for child in root):
        raise FormatError("attribute-format")
    return _Reader().file(root)


def _refuse_encoding(text: bytes) -> None:
    """UTF-8 only (PROV-142). A zero byte betrays UTF-16, which the XML library would otherwise guess."""
    declaration = _DECLARATION.match(text)
    declared = declaration and _ENCODING.search(declaration[0])
    if b"\0" in text or (declared and declared[1].lower() not in (b"utf-8", b"utf8")):
        raise FormatError("not-utf8")
    try:
        text.decode()
    except UnicodeDecodeError:
        raise FormatError("not-utf8") from None


def _refuse_doctype(text: bytes) -> None:
    """Look through what stands before the root element: the only place where XML allows a DOCTYPE.

    It has to go before the XML library sees it, which would otherwise spend time on the entities it declares.
    """
    declaration = _DECLARATION.match(text)
    at = declaration.end() if declaration else 0
    while True:
        at = _skip_space(text, at)
        if text.startswith(b"<!DOCTYPE", at):
            raise FormatError("doctype")
        if text.startswith(b"<?", at):
            misplaced = _DECLARATION_START.match(text, at)
            raise FormatError("not-well-formed" if misplaced else "processing-instruction")
        if not text.startswith(b"<!--", at):
            return
        end = text.find(b"-->", at + 4)
        if end < 0:
            raise FormatError("not-well-formed")
        at = end + 3


def _skip_space(text: bytes, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _tree(text: bytes) -> etree._Element:
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
    )
    try:
        root = etree.fromstring(text, parser)
    except etree.LxmlError:
        raise FormatError("not-well-formed") from None
    # Most files have "<?" at most in their first line, and then need no search.
    if text.rfind(b"<?") > 0 and root.getroottree().xpath("boolean(//processing-instruction())"):
        raise FormatError("processing-instruction")
    return root


@lru_cache(maxsize=1)
def _groups() -> Mapping[str, frozenset[str]]:
    """The names of the groups in each group, from the paths of the catalogue."""
    inside: dict[str, set[str]] = {}
    for path in {*(parameter.path for parameter in catalogue()), *_EMPTY_GROUPS}:
        names = path.split("/")
        for depth in range(1, len(names)):
            inside.setdefault("/".join(names[:depth]), set()).add(names[depth])
    return MappingProxyType({path: frozenset(names) for path, names in inside.items()})


class _Reader:
    """Collects what one file says while walking down the groups of the catalogue."""

    def __init__(self) -> None:
        self.known = catalogue()
        self.groups = _groups()
        self.initial: dict[str, Entry] = {}
        self.device: dict[str, Entry] = {}
        self.notes: list[Note] = []

    def file(self, root: etree._Element) -> ConfigFile:
        name = str(root.tag)
        if name != ROOT:
            self.note("root-spelling", name)
        self.attributes(root, name)
        sections = [self.section(child) for child in root]
        if "Device" in sections and "Initial" in sections[sections.index("Device") :]:
            self.note("device-before-initial", "Initial")
        urls = [self.initial[tag].value if tag in self.initial else "" for tag in _INITIAL_TAGS]
        return ConfigFile(
            root=name,
            certificates=(urls[0], urls[1], urls[2]),
            standard=urls[3],
            product=urls[4],
            master=urls[5],
            has_initial="Initial" in sections,
            has_device="Device" in sections,
            entries=tuple(self.device.values()),
            notes=tuple(self.notes),
        )

    def section(self, element: etree._Element) -> str:
        """Read `Initial` or `Device`, in any case (PROV-147), and say which it was; "" for anything else."""
        name = _name(element)
        section = {"initial": "Initial", "device": "Device"}.get(name.lower(), "")
        if section:
            self.attributes(element, section)
            self.group(element, section, None)
        else:
            self.skip(element, "unknown-element", name)
        return section

    def group(self, element: etree._Element, path: str, line: int | None) -> None:
        """Read the groups and parameters of the group `path`; recursion ends with the tree of the catalogue."""
        groups = self.groups.get(path, frozenset())
        by_tag = self.known.by_tag
        for child in element:
            name = _name(child)
            parameter = by_tag.get(name)
            if parameter is not None and parameter.path == path:
                self.parameter(child, parameter, line)
                continue
            below = f"{path}/{name}"
            if parameter is not None:
                self.skip(child, "wrong-section", below)
            elif name not in groups:
                self.skip(child, "unknown-element", below)
            elif name == "Line":
                self.line(child, below)
            else:
                self.attributes(child, below)
                self.group(child, below, line)

    def line(self, element: etree._Element, path: str) -> None:
        number = _LINE_NUMBERS.get(element.get("idx", ""))
        if number is None:
            self.skip(element, "bad-line-index", path)
        else:
            self.attributes(element, path, ("idx",))
            self.group(element, path, number)

    def parameter(self, element: etree._Element, parameter: Parameter, line: int | None) -> None:
        name = parameter.tag if line is None else key(parameter.tag, line)
        text = element.text or ""
        if len(element):
            text += "".join(child.tail or "" for child in element)
            for child in element:
                self.skip(child, "unknown-element", f"{name}/{_name(child)}")
        perm, access = self.marks(element, name)
        reason = parameter.check(text)
        if reason is not None:
            self.note("empty-value" if reason == "empty" else reason, name)
            return
        entries = self.initial if parameter.path.startswith("Initial/") else self.device
        if name in entries:
            self.note("duplicate", name)
        entries[name] = Entry(name, parameter.canonical(text), perm, access)

    def marks(self, element: etree._Element, where: str) -> tuple[str, str]:
        """The attributes `perm` and `access` of a parameter (PROV-160, PROV-167, PROV-170)."""
        perm = access = ""
        for name, value in element.items():
            if name == "perm":
                perm = value if value in _PERMS else "RW"
                if perm != value:
                    self.note("bad-perm", where)
            elif name == "access":
                access = value if value in _ACCESSES else ""
                if access != value:
                    self.note("bad-access", where)
            else:
                self.note("unknown-attribute", f"{where}@{name!s}")
        return perm, access

    def attributes(self, element: etree._Element, where: str, known: tuple[str, ...] = ()) -> None:
        for name in element.keys():  # noqa: SIM118  (iterating an element gives its children)
            if name not in known:
                self.note("unknown-attribute", f"{where}@{name!s}")

    def skip(self, element: etree._Element, code: str, where: str) -> None:
        """Note an element that does not count; what is in it is only held against `DEPTH`."""
        self.note(code, where)
        _measure(element, DEPTH)

    def note(self, code: str, where: str) -> None:
        if len(self.notes) < NOTES:
            self.notes.append(Note(code, _printable(where)))
        elif len(self.notes) == NOTES:
            self.notes.append(Note("more-notes", ""))


def _name(element: etree._Element) -> str:
    """The tag; "" for a node that is no element (an entity that was left alone)."""
    return element.tag if isinstance(element.tag, str) else ""


def _measure(element: etree._Element, levels: int) -> None:
    if levels < 0:
        raise FormatError("not-well-formed")
    for child in element:
        _measure(child, levels - 1)


def _printable(text: str) -> str:
    return "".join(each if each.isprintable() else "?" for each in text[:_WHERE])
