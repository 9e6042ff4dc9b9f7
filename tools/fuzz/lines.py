"""The lines of the phone's code that a case runs, for ``--lines``: a second signal for what is new.

What a process has computed before and kept does not count, nor does anything below it: whether those lines are run
depends on which cases came before, and what a campaign finds must not.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path, PurePath
from types import CodeType, FrameType, ModuleType, TracebackType
from typing import Any

from emulator.phone.machine import Machine
from tools.fuzz.features import Feature

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = tuple(str(ROOT / folder) for folder in ("emulator/phone", "emulator/wire", "flash_image"))
PACKAGES = ("emulator", "flash_image")
TAKE = Machine.take.__code__
"""What a phone does about an input happens below this."""
Trace = Callable[[FrameType, str, Any], Any]


def kept_code() -> frozenset[CodeType]:
    """The code of all functions and properties whose results are kept."""
    modules = [module for name, module in sys.modules.items() if name.partition(".")[0] in PACKAGES]
    return frozenset(code for module in modules for code in _kept_in(module))


def _kept_in(module: ModuleType) -> Iterator[CodeType]:
    for value in list(vars(module).values()):
        for each in (value, *(vars(value).values() if isinstance(value, type) else ())):
            inner = each.func if isinstance(each, cached_property) else getattr(each, "__wrapped__", None)
            code = getattr(inner, "__code__", None)
            if code is not None and (isinstance(each, cached_property) or hasattr(each, "cache_clear")):
                yield code


class Lines:
    """Notes what is run while it is entered, whenever a phone takes an input. found: (file, line)."""

    def __init__(self) -> None:
        self.found: set[tuple[str, int]] = set()
        self.kept = kept_code()
        self.within = self.below = 0
        self.before: Any = None

    def __enter__(self) -> Lines:
        self.before = sys.gettrace()
        sys.settrace(self.called)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        sys.settrace(self.before)

    def called(self, frame: FrameType, event: str, argument: Any) -> Trace | None:
        """A function is called: by what it is, and below what, it is looked at or not."""
        code = frame.f_code
        if code is TAKE:
            self.within += 1
            return self.taking
        if not self.within:
            return None
        if code in self.kept:
            self.below += 1
            return self.keeping
        return None if self.below or not code.co_filename.startswith(FOLDERS) else self.ran

    def taking(self, frame: FrameType, event: str, argument: Any) -> Trace:
        """An input has been taken."""
        if event == "return":
            self.within -= 1
        return self.taking

    def keeping(self, frame: FrameType, event: str, argument: Any) -> Trace:
        """What is kept has been computed."""
        if event == "return":
            self.below -= 1
        return self.keeping

    def ran(self, frame: FrameType, event: str, argument: Any) -> Trace:
        """A line."""
        if event == "line":
            self.found.add((frame.f_code.co_filename, frame.f_lineno))
        return self.ran

    def features(self) -> frozenset[Feature]:
        """What was run, as features."""
        return frozenset(("line", f"{PurePath(name).relative_to(ROOT)}:{number}") for name, number in self.found)
