"""Reads files with `cases`: name -> case, and perhaps a `source` for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml


def read_cases(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the name of each case, which begins with that of its file, and the case with its source."""
    for file in sorted(folder.glob("*.yaml")):
        content = yaml.safe_load(file.read_text())
        for name, case in content["cases"].items():
            yield f"{file.stem}: {name}", {"source": content.get("source", ""), **case}
