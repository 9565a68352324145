"""Translates the command of an image into one that runs on this machine."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

_PYTHON = re.compile(r"(/usr(/local)?/bin/|/bin/)?python(3(\.\d+)?)?")


def host_command(command: Sequence[str], root: Path) -> list[str]:
    """Return the command with the image's absolute paths below `root`; Python is the one running stepline."""
    program, *arguments = command
    executable = sys.executable if _PYTHON.fullmatch(program) else _host_path(program, root)
    return [executable, *(_host_path(argument, root) for argument in arguments)]


def _host_path(argument: str, root: Path) -> str:
    """Return the path below `root` if the argument is an absolute path of the image."""
    path = root / argument.lstrip("/")
    return str(path) if argument.startswith("/") and argument != "/" and path.exists() else argument
