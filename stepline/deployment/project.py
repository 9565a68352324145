"""Finds the SAM project of stepline: its templates, its Lambda code and its sample application.

The project is the checkout, or a copy in an installed stepline.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import stepline

TEMPLATE: Final = "template.yaml"
SAMPLE_APPLICATION: Final = "app"
BATCH_IMAGE: Final = "statemachines/batch/image"


def find(name: str) -> Path:
    """Return `name` in the current folder if it exists there, or else in the project of stepline."""
    path = Path(name)
    return path if path.exists() else _installed_project() / name


def installed(name: str) -> Path:
    """Return `name` in the project of stepline."""
    return (_installed_project() / name).resolve()


def own_template() -> Path:
    """Return the template of stepline's own pipeline, whatever the current folder has."""
    return _installed_project() / TEMPLATE


def is_installed(path: Path) -> bool:
    """Whether `path` belongs to stepline, and not to the user."""
    return path.is_absolute() and path.is_relative_to(_installed_project())


def _installed_project() -> Path:
    package = Path(stepline.__file__).parent
    copy = package / "project"
    return copy if copy.is_dir() else package.parent
