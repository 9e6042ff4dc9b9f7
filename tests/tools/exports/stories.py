"""What the tests of the forms are about: every scenario, run once, and texts that mean harm."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from tools.simulate import RunResult, run

SCENARIOS = sorted((Path(__file__).resolve().parents[3] / "scenarios").glob("*.toml"))
NAMES = [path.stem for path in SCENARIOS]

HOSTILE = (
    *(
        "end",
        "x; y",
        "a\nb",
        "a\rb",
        "#59;",
        "%%{init: {'theme': 'dark'}}%%",
        "%% comment",
        "style:x#1;",
        "CLASSDEF:x#1;",
    ),
    *(
        "<script>alert(1)</script>",
        "p0->>p1: x",
        "}",
        "{",
        "participant p9",
        "$$x$$",
        "`code`",
        "&lt;",
        "\"'",
        "--x p0",
    ),
    *(
        "title x",
        "Note over p0: x",
        "\u2028x",
        "日本 é 😀",
        "---",
        "+x",
        "-x",
        "@{ x }",
        "loop x",
        "\x00\x1b[2J",
        "",
        " ",
    ),
    *("as x", "a:::b", "x<br/>y", "\ud800", "rect rgb(0,0,0)", "sequenceDiagram", "x" * 5_000),
)


@cache
def story(name: str) -> RunResult:
    """The run of a scenario."""
    return run(next(path for path in SCENARIOS if path.stem == name))
