"""``cuts``: every power cut in the flash work of a run, judged, and a certificate of what was covered.

:mod:`~tools.cuts.content` says what a chip holds and what it has to hold, :mod:`~tools.cuts.life` which operations a
run does, :mod:`~tools.cuts.cases` how each can be torn and what a case is called, :mod:`~tools.cuts.judge` what became
of one, :mod:`~tools.cuts.sweep` goes through all of them, :mod:`~tools.cuts.certificate` says what was found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.lazy import imports

if TYPE_CHECKING:
    from tools.cuts.certificate import Certificate
    from tools.cuts.sweeping import Means, cuts

__all__ = ["Certificate", "Means", "cuts"]

__getattr__ = imports(
    __name__, {"Certificate": "tools.cuts.certificate", **dict.fromkeys(("Means", "cuts"), "tools.cuts.sweeping")}
)
