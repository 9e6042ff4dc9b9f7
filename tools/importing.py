"""``import``: a run that was exported, into a database."""

from __future__ import annotations

from pathlib import Path

from emulator.log import jsonl
from emulator.log.progress import Progress, no_progress
from emulator.log.store import LogError, RunInfo, Store
from tools.locate import DATABASE


def import_run(path: str | Path, *, db: str | Path = DATABASE, progress: Progress = no_progress) -> RunInfo:
    """Read an exported run into a database, verified event by event. Raises LogError."""
    path = Path(path)
    if path.is_dir():
        raise LogError(f"{path} is a directory, not an exported run")
    try:
        with path.open("rb") as file:
            parsed = jsonl.parse(file, str(path), progress)
    except OSError as error:
        raise LogError(f"{path}: {(error.strerror or 'cannot be read').lower()}") from None
    with Store(db, create=True) as store:
        return jsonl.keep(store, parsed)
