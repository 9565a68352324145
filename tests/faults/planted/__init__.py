"""Bugs that fault injection must find: `make planted` introduces each in a copy of the project.

`bugs.toml` lists them: a `file`, its `old` text, which occurs once, and the `new` one; `why` is what would go
wrong. `schedule` is the one that must show it, with calls named as in `tests/faults/places.py`, and
`violation` a part of what must be reported.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[3]
_FILE = Path(__file__).with_name("bugs.toml")


@dataclass(frozen=True)
class PlantedBug:
    name: str
    why: str
    file: str
    old: str
    new: str
    schedule: str
    violation: str

    def apply(self, project: Path) -> None:
        """Introduce the bug. Raise ValueError unless the old text occurs exactly once."""
        path = project / self.file
        text = path.read_text()
        if text.count(self.old) != 1:
            raise ValueError(f"{self.file} has the old text of {self.name} {text.count(self.old)} times")
        path.write_text(text.replace(self.old, self.new))

    def remove(self, project: Path) -> None:
        (project / self.file).write_text((PROJECT / self.file).read_text())


def planted_bugs() -> dict[str, PlantedBug]:
    """Return the bugs by name."""
    found = tomllib.loads(_FILE.read_text())
    return {name: PlantedBug(name, **members) for name, members in found.items()}
