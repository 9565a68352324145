"""The systems beside the pipeline: each a folder of `statemachines/` with a template of its own.

`statemachines/s3_trigger/` is the system `s3-trigger`. Besides its `template.yaml` the folder may have

`image/`       a container image, pushed to the repository that an output of the stack names
`sample.yaml`  the template of a stack that uses the first one, deployed after it; a parameter that has the
               name of an output of the first stack gets its value
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stepline.core.errors import UsageError
from stepline.deployment import template as templates

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


@dataclass(frozen=True)
class Deployment:
    """One template as one stack."""

    template: Path
    stack_name: str
    parameters: Mapping[str, str]


@dataclass(frozen=True)
class SystemDeployment:
    """A system as a stack beside the main one."""

    system: System
    deployment: Deployment

    def sample(self, outputs: Mapping[str, str]) -> Deployment | None:
        """Of the stack that uses this one; outputs of this one are its parameters of the same name."""
        if self.system.sample is None:
            return None
        declared = templates.read(self.system.sample).get("Parameters", {})
        return Deployment(
            self.system.sample,
            f"{self.deployment.stack_name}-sample",
            {name: value for name, value in outputs.items() if name in declared},
        )


def system_deployments(
    words: Sequence[str], *, main: Deployment, parameters: Mapping[str, str]
) -> list[SystemDeployment]:
    """For `--with` words such as `process,batch`; `parameters` by `system.key`.

    Raises UsageError for a system that there is not, or a parameter of one that is not deployed.
    """
    names = [name.strip() for word in words for name in word.split(",") if name.strip()]
    found = find(names, main.template.parent)
    for key in parameters:
        if key.partition(".")[0] not in names:
            raise UsageError(f"--parameter {key}: add --with {key.partition('.')[0]}")
    return [
        SystemDeployment(
            system,
            Deployment(
                system.template, system.stack_name(main.stack_name), _own(parameters, f"{system.name}.")
            ),
        )
        for system in found
    ]


def split_parameters(parameters: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Those of the main template, and those of systems, which have a dot in their name."""
    main = {key: value for key, value in parameters.items() if "." not in key}
    return main, {key: value for key, value in parameters.items() if "." in key}


def _own(parameters: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {key.removeprefix(prefix): value for key, value in parameters.items() if key.startswith(prefix)}
