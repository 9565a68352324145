"""The SAM project of stepline: its templates, its Lambda code and its sample application.

In a checkout that is the checkout itself. An installed stepline brings a copy with it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import stepline

TEMPLATE: Final = "template.yaml"
SAMPLE_APPLICATION: Final = "app"
BATCH_IMAGE: Final = "statemachines/batch/image"


def find(name: str) -> Path:
    """`name` in the current folder if it exists there, or else in the project that came with stepline."""
    here = Path(name)
    return here if here.exists() else _installed_project() / name


def is_installed(path: Path) -> bool:
    """Whether `path` came with stepline, so that its name tells the user nothing."""
    return path.is_absolute() and path.is_relative_to(_installed_project())


def _installed_project() -> Path:
    package = Path(stepline.__file__).parent
    copy = package / "project"
    return copy if copy.is_dir() else package.parent
