"""What an image's command means on this machine, which is no container."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

_PYTHON = re.compile(r"(/usr(/local)?/bin/|/bin/)?python(3(\.\d+)?)?")


def arguments(command: Sequence[str], root: Path) -> list[str]:
    """The command with the paths of the image's files below `root`; Python is the one that runs stepline."""
    program, *rest = command
    return [_program(program, root), *(_path(word, root) for word in rest)]


def _program(word: str, root: Path) -> str:
    return sys.executable if _PYTHON.fullmatch(word) else _path(word, root)


def _path(word: str, root: Path) -> str:
    """An absolute path that the image has; any other word as it is."""
    path = root / word.lstrip("/")
    return str(path) if word.startswith("/") and word != "/" and path.exists() else word
