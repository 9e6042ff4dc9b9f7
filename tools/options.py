"""Options that many verbs of the command have, and the order of verbs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


class InOrder(click.Group):
    """A group whose verbs stay in the order of their definition."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The verbs, as a story tells them."""
        return list(self.commands)


class Time(click.ParamType[int]):
    """A length of time, in ns. example: what is said to somebody who gave something else."""

    name = "time"

    def __init__(self, example: str) -> None:
        self.example = example

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """``50ms`` or ``10m``, which is ``10min``; a number is one already."""
        from emulator.world.toml import duration

        if isinstance(value, int):
            return value
        try:
            return duration(f"{value}in" if value.endswith("m") else value)
        except ValueError:
            self.fail(f"{value!r} is no time; give {self.example}", param, ctx)


def db_option(function: F) -> F:
    """``--db``."""
    return click.option(
        "--db", envvar="OFFHOOK_DB", default="offhook.db", show_default=True, show_envvar=True, help="The run database."
    )(function)


def json_option(function: F) -> F:
    """``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON value for a program.")(function)


def secrets_option(function: F) -> F:
    """``--secrets``."""
    return click.option("--secrets", is_flag=True, help="Show passwords and keys.")(function)
