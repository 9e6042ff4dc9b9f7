"""What the tests of pages share: a run in a database, and what is in a page."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tools.locate import located
from tools.page import run_page

SCENARIOS = sorted((Path(__file__).resolve().parents[3] / "scenarios").glob("*.toml"))
BY_NAME = {path.stem: path for path in SCENARIOS}
DEMO = BY_NAME["first-boot-option-160"]


def page_of(db: Path, run: int | str = 1, secrets: bool = False) -> bytes:
    """The page of a run."""
    with located(str(run), db) as found:
        return run_page(found, secrets)


def data_in(page: bytes) -> Any:
    """The JSON that a page carries."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page.decode(), re.DOTALL)
    assert found is not None
    return json.loads(found[1])
