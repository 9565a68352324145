"""Prints results to stdout and everything else to stderr.

rich writes colours and control codes only to terminals, and none if NO_COLOR is set.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

from rich.console import Console, RenderableType
from rich.theme import Theme

_UNLIMITED_COLUMNS = 4096  # where output is not a terminal

THEME = Theme(
    {
        "good": "green",
        "bad": "bold red",
        "busy": "cyan",
        "warn": "yellow",
        "quiet": "dim",
        "name": "bold",
    }
)


@dataclass(frozen=True)
class Glyphs:
    """The symbols before a line, which depend on the encoding of the terminal."""

    good: str
    bad: str
    busy: str
    waiting: str
    warn: str
    times: str


UNICODE = Glyphs(good="✓", bad="✗", busy="●", waiting="○", warn="!", times="×")  # noqa: RUF001
ASCII = Glyphs(good="+", bad="x", busy="*", waiting="-", warn="!", times="x")


def output() -> Console:
    """Return a console for results, on the current stdout."""
    return _console(stderr=False)


def messages() -> Console:
    """Return a console for everything that is not a result, on the current stderr."""
    return _console(stderr=True)


def glyphs(console: Console | None = None) -> Glyphs:
    """Return the symbols for `console`, by default that for results."""
    return UNICODE if (console or output()).encoding.lower().startswith("utf") else ASCII


def print_line(console: Console, text: str, *, style: str | None = None) -> None:
    """Print one line unchanged: without wrapping, markup or highlighting."""
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=True, emoji=False)


def print_message(text: str, *, style: str | None = None) -> None:
    print_line(messages(), text, style=style)


def print_result(text: str = "", *, style: str | None = None) -> None:
    print_line(output(), text, style=style)


def print_success(text: str) -> None:
    """Print a result with a check mark before it."""
    print_result(f"{glyphs().good} {text}")


def print_layout(renderable: RenderableType, console: Console | None = None) -> None:
    """Print a layout, by default as a result; without a terminal lines are neither cut off nor padded."""
    console = console or output()
    if console.is_terminal:
        console.print(renderable)
        return
    with console.capture() as captured:
        console.print(renderable)
    for line in captured.get().splitlines():
        print_line(console, line.rstrip())


def command_name() -> str:
    """Return the command with which the user has called stepline."""
    if sys.argv and sys.argv[0].endswith("__main__.py"):
        return "python -m stepline"
    return sys.argv[0] if "/" in sys.argv[0] and sys.argv[0].startswith(".") else "stepline"


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, theme=THEME, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = _UNLIMITED_COLUMNS
    return console
