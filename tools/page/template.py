"""A page out of its parts: one file that needs nothing else and may do nothing else."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from html import escape
from importlib.resources import files
from typing import Any

_GAP = re.compile(r"\{\{(\w+)\}\}")


@lru_cache(maxsize=16)
def part(name: str) -> str:
    """A file of this package."""
    return files("tools.page").joinpath(name).read_text(encoding="utf-8")


def page(shell: str, title: str, scripts: tuple[str, ...], data: Mapping[str, Any]) -> bytes:
    """A page with ``data`` for its scripts. shell: what is in its body."""
    script = "\n".join(part(name) for name in scripts)
    return assembled(title, part(shell), script, as_script(data))


def assembled(title: str, body: str, script: str = "", data: str = "{}") -> bytes:
    """A page whose style and script are allowed by their digests, and nothing else is. body: HTML."""
    style = part("page.css")
    policy = (
        f"default-src 'none'; script-src {digest(script) if script else chr(39) + 'none' + chr(39)}; "
        f"style-src {digest(style)}; img-src data:; base-uri 'none'; form-action 'self'"
    )
    gaps = {"policy": policy, "title": escape(title), "style": style, "body": body, "data": data, "script": script}
    # Each gap is filled once, so that nothing in a log can be taken for one.
    return _GAP.sub(lambda found: gaps[found[1]], part("page.html")).encode("utf-8")


def digest(text: str) -> str:
    """How a policy names an inline style or script."""
    return f"'sha256-{b64encode(sha256(text.encode('utf-8')).digest()).decode('ascii')}'"


def as_script(data: Mapping[str, Any]) -> str:
    """``data`` as JSON in which nothing ends a script, begins a comment or counts as a line end."""
    text = json.dumps(data, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
