"""The systems beside the pipeline: each a folder of `statemachines/` with a template of its own.

`statemachines/s3_trigger/` is the system `s3-trigger`. Besides its `template.yaml` the folder may have

`image/`       a container image, pushed to the repository that an output of the stack names
`sample.yaml`  the template of a stack that uses the first one, deployed after it; a parameter that has the
               name of an output of the first stack gets its value
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from stepline.core.errors import UsageError

FOLDER = Path("statemachines")
IMAGE_REPOSITORY_OUTPUT = "ImageRepositoryUri"
"""The stack output that names where the system's image is pushed to."""

_TEMPLATE = "template.yaml"


@dataclass(frozen=True)
class System:
    name: str
    folder: Path

    @property
    def template(self) -> Path:
        return self.folder / _TEMPLATE

    @property
    def image(self) -> Path | None:
        return self._if_there("image")

    @property
    def sample(self) -> Path | None:
        return self._if_there("sample.yaml")

    @property
    def page(self) -> Path | None:
        """Its documentation."""
        page = self.folder.parent.parent / "docs" / f"{self.name}.md"
        return page if page.is_file() else None

    def stack_name(self, main: str) -> str:
        """Of its stack beside the stack `main`."""
        return f"{main}-{self.name}"

    def _if_there(self, name: str) -> Path | None:
        path = self.folder / name
        return path if path.exists() else None


def find(names: Iterable[str], project: Path) -> list[System]:
    """The systems of these names, in this order. Raises UsageError, naming those that there are."""
    known = {system.name: system for system in _all(project)}
    wanted = dict.fromkeys(names)
    if unknown := [name for name in wanted if name not in known]:
        there = f"there are {', '.join(sorted(known))}" if known else f"{project / FOLDER} has none"
        raise UsageError(f"there is no system {unknown[0]!r}: {there}")
    return [known[name] for name in wanted]


def _all(project: Path) -> Iterable[System]:
    for template in sorted((project / FOLDER).glob(f"*/{_TEMPLATE}")):
        yield System(template.parent.name.replace("_", "-"), template.parent)
