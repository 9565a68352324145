"""Where output goes, and how: results to stdout, everything else to stderr.

No colour and no control code reaches anything that is not a terminal, and none
reaches one whose user set NO_COLOR; rich sees to both.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

from rich.console import Console, RenderableType
from rich.theme import Theme

_UNLIMITED = 4096  # columns, where there is no screen to fit

THEME = Theme(
    {
        "good": "green",
        "bad": "bold red",
        "busy": "cyan",
        "warn": "yellow",
        "quiet": "dim",
        "name": "bold",
        "link": "underline blue",
    }
)


@dataclass(frozen=True)
class Glyphs:
    """The signs before a line, in what the terminal's encoding has."""

    good: str
    bad: str
    busy: str
    waiting: str
    warn: str
    dot: str
    times: str


_FANCY = Glyphs(good="✓", bad="✗", busy="●", waiting="○", warn="!", dot="·", times="×")  # noqa: RUF001
_PLAIN = Glyphs(good="+", bad="x", busy="*", waiting="-", warn="!", dot="-", times="x")


def output() -> Console:
    """For results: stdout, of this moment."""
    return _console(stderr=False)


def messages() -> Console:
    """For everything that is not a result: stderr, of this moment."""
    return _console(stderr=True)


def glyphs(console: Console) -> Glyphs:
    return _FANCY if console.encoding.lower().startswith("utf") else _PLAIN


def say(console: Console, text: str = "", *, style: str | None = None) -> None:
    """Print one line as it is: never wrapped, no markup, nothing highlighted."""
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=True, emoji=False)


def show(console: Console, renderable: RenderableType) -> None:
    """Print something laid out; what is no terminal gets it neither cut off nor padded."""
    if console.is_terminal:
        console.print(renderable)
        return
    with console.capture() as captured:
        console.print(renderable)
    for line in captured.get().splitlines():
        say(console, line.rstrip())


def command_name() -> str:
    """How the user may call stepline again: as this time."""
    if sys.argv and sys.argv[0].endswith("__main__.py"):
        return "python -m stepline"
    return sys.argv[0] if "/" in sys.argv[0] and sys.argv[0].startswith(".") else "stepline"


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, theme=THEME, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = _UNLIMITED
    return console
