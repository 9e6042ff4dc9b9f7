"""What the verbs of ``offhook flash`` print: results on standard output, notes about files on standard error."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import attrs

from emulator.events.masking import printable
from flash_image import Note
from tools import printing
from tools.flash.compare_text import comparison_text
from tools.flash.comparing import Comparison, comparison_json
from tools.flash.files import STREAM, Image, Written
from tools.flash.inspect_text import inspection_text, quoted
from tools.flash.inspecting import Inspection, inspection_json
from tools.flash.moving import Converted, Dumped
from tools.flash.parts import Extracted, Inserted
from tools.flash.reading import Setting
from tools.flash.settings import Changed, Value, setting_json


def notes(found: tuple[Note, ...], name: str) -> None:
    """Notes about a file, a line each."""
    for note in found:
        printing.note(f"{printable(name)}: {note.text}")


def shown_name(path: str) -> str:
    """The name of a file, for a person."""
    return "standard output" if path == STREAM else printable(path)


def read(image: Image) -> None:
    """What was made of a file that is no whole image."""
    notes(image.dump.notes, image.name)


def notes_json(found: tuple[Note, ...]) -> list[dict[str, str]]:
    """Notes for a program."""
    return [attrs.asdict(note) for note in found]


def line_for(file: Written | None) -> Callable[[str], None]:
    """Where a line about a file goes: to standard error if the file is a stream, which may be standard output."""
    return printing.note if file is not None and file.streamed else printing.say


def written(file: Written, as_json: bool, image: Image | None = None) -> None:
    """A file that was written. image: what it was made of."""
    notes(file.notes, shown_name(file.path))
    if as_json:
        printing.as_json(written_json(file, image))
    else:
        line_for(file)(f"{shown_name(file.path)}: {file.form}, {file.size:,} bytes")


def written_json(file: Written, image: Image | None = None) -> dict[str, Any]:
    """A file that was written, for a program."""
    own = notes_json((*(image.dump.notes if image is not None else ()), *file.notes))
    return {"path": file.path, "form": file.form, "size": file.size, "notes": own}


def inspection(seen: Inspection, secrets: bool, as_json: bool) -> None:
    """What is on a chip."""
    read(seen.image)
    if as_json:
        # In ASCII, so that `build` can read it again whatever the terminal's encoding makes of other letters.
        printing.say(json.dumps(inspection_json(seen, secrets)))
        return
    for line in inspection_text(seen, secrets):
        printing.say(line)


def comparison(found: Comparison, secrets: bool, every: bool, as_json: bool) -> None:
    """In what two images differ."""
    read(found.old)
    read(found.new)
    if as_json:
        printing.as_json(comparison_json(found, secrets))
        return
    for line in comparison_text(found, secrets, every):
        printing.say(line)


def value(found: Value, secrets: bool, as_json: bool) -> None:
    """A stored value, or what holds without one."""
    read(found.image)
    held = found.in_force
    if as_json:
        stored = [setting_json(each, secrets) for each in found.stored]
        own = {"key": found.key, "stored": stored, "default": found.default}
        printing.as_json({**own, "notes": notes_json(found.image.dump.notes)})
    elif held is not None:
        printing.say(f"{printable(found.key)} = {value_text(held, secrets)}")
    else:
        default = f"; the phone takes its default, {found.default}" if found.default else ""
        printing.note(f"{printable(found.key)} is not stored{default}")


def value_text(setting: Setting, secrets: bool) -> str:
    """A stored value with its layer and attributes."""
    marks = [f"{name} {printable(v)}" for name, v in (("perm", setting.perm), ("access", setting.access)) if v]
    where = ", ".join([*([setting.layer] if setting.layer else []), *marks])
    return quoted(setting, secrets) + (f" ({where})" if where else "")


def change(found: Changed, secrets: bool, as_json: bool) -> None:
    """What was stored, what is stored, and where it was written to."""
    read(found.image)
    file = found.written
    if as_json:
        before, after = ([setting_json(each, secrets) for each in side] for side in (found.before, found.after))
        own = None if file is None else written_json(file)
        told = {"key": found.key, "before": before, "after": after, "written": own}
        printing.as_json({**told, "notes": notes_json(found.image.dump.notes)})
        return
    line, key = line_for(file), printable(found.key)
    if not found.before and not found.after:
        printing.note(f"{key} is not stored")
    elif found.before == found.after:
        line(f"{key} = {value_text(found.after[0], secrets)}, as it was")
    else:
        for sign, side in (("-", found.before), ("+", found.after)):
            for each in side:
                line(f"{sign} {key} = {value_text(each, secrets)}")
    elsewhere(file, found.image)


def elsewhere(file: Written | None, image: Image) -> None:
    """Where a changed image went, if not into its place."""
    if file is not None and file.path != image.name:
        written(file, False)


def extracted(found: Extracted, as_json: bool) -> None:
    """Something that was taken out of an image."""
    read(found.image)
    written(found.written, as_json, found.image)
    if found.secret:
        printing.note(f"{shown_name(found.written.path)}: holds passwords or keys, or may")


def inserted(found: Inserted, as_json: bool) -> None:
    """Something that was put into an image."""
    read(found.image)
    file = found.written
    if as_json:
        own = None if file is None else written_json(file)
        told = {"name": found.name, "size": found.size, "written": own}
        printing.as_json({**told, "notes": notes_json(found.image.dump.notes)})
        return
    line_for(file)(f"{printable(found.name)}: {found.size:,} bytes" + ("" if file else ", as it was"))
    elsewhere(file, found.image)


def converted(found: Converted, as_json: bool) -> None:
    """An image in another form."""
    read(found.image)
    written(found.written, as_json, found.image)


def dumped(found: Dumped, as_json: bool) -> None:
    """The image of a phone in a run."""
    file = found.written
    if as_json:
        notes(file.notes, shown_name(file.path))
        told = {"run": found.run, "n": found.n, "phone": found.phone, "secrets": list(found.secrets)}
        printing.as_json({**told, **written_json(file)})
        return
    line_for(file)(f"run {found.run}, phone {found.phone}, just after event {found.n}")
    written(file, False)
    if found.secrets:
        printing.note(f"{shown_name(file.path)}: holds secrets: {', '.join(map(printable, found.secrets))}")
