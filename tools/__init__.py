"""The workbench: every verb of the command line as a function that returns its result.

``run``, ``check`` and ``scenarios`` work on scenarios; ``runs``, ``show``, ``state``, ``remove_runs`` and
``prune_runs`` on a run database; ``replay`` and ``verify`` hold runs against code and chain; ``export`` and
``import_run`` move runs as files; ``events`` and ``params`` explain the vocabulary and the parameters. They are
imported when first used, so that a verb loads only what it needs. ``cuts``, ``diff``, ``fork``, ``why`` and the verbs
of ``offhook flash`` are in packages of their name, ``replay --diff`` is :mod:`tools.upgrading`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.lazy import imports

if TYPE_CHECKING:
    from tools.browse import events, params, prune_runs, remove_runs, runs, show, state
    from tools.checking import replay, verify
    from tools.exports.exporting import export
    from tools.importing import import_run
    from tools.simulate import check, run, scenarios

_HOMES = {
    **dict.fromkeys(("run", "check", "scenarios"), "tools.simulate"),
    **dict.fromkeys(("runs", "show", "state", "events", "params", "remove_runs", "prune_runs"), "tools.browse"),
    **dict.fromkeys(("replay", "verify"), "tools.checking"),
    "export": "tools.exports.exporting",
    "import_run": "tools.importing",
}

__all__ = [
    "check",
    "events",
    "export",
    "import_run",
    "params",
    "prune_runs",
    "remove_runs",
    "replay",
    "run",
    "runs",
    "scenarios",
    "show",
    "state",
    "verify",
]

__getattr__ = imports(__name__, _HOMES)
