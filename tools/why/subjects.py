"""Names for what is stored in the flash: a setting of a layer, a saved file, the last good URL."""

from __future__ import annotations

LAYERS = {"u/": "user", "p/": "provisioned"}
"""Prefix of a journal key to the layer of its value, that in force first (PROV-181)."""
FILE = "f:"
"""Prefix of the subject of a saved file; the other subjects are keys of the journal."""
LAST_URL = "m/url"
"""Journal key of the last good URL."""
ABSENT = "!"
"""Prefix of a setting that was looked for in the flash and is not there."""


def words(subject: str) -> str:
    """A subject in words: ``the provisioned value of X``."""
    if subject.startswith(FILE):
        return f"the saved {subject.removeprefix(FILE)} file"
    if subject == LAST_URL:
        return "the last good URL"
    layer = LAYERS.get(subject[:2])
    return f"the {layer} value of {subject[2:]}" if layer else f"{subject!r}, which no phone reads"
