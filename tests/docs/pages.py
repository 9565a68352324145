"""The pages of the documentation, their tables and their code spans."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).parents[2]
PAGES = [
    *(PROJECT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "app/README.md")),
    *sorted(PROJECT.glob("docs/*.md")),
    *sorted(PROJECT.glob("statemachines/*/*.md")),
]


def page_name(page: Path) -> str:
    return page.relative_to(PROJECT).as_posix()


def read(name: str) -> str:
    return (PROJECT / name).read_text()


def tables(text: str) -> Iterator[list[list[str]]]:
    """Yield the cells of each table, row by row, without the header."""
    for table in re.findall(r"^\|.*\n\|[-:| ]+\|\n((?:\|.*\n)+)", text, re.MULTILINE):
        yield [[cell.strip() for cell in row.strip("|").split("|")] for row in table.splitlines()]


def code_spans(text: str) -> list[str]:
    """Return the texts in backticks, without those in code blocks."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))
